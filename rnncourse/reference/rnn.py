"""The simple recurrent network (Elman 1990): one state, fed back.

    h_t = f(U x_t + W h_{t−1} + b),   t = 1 … T

m = input size, n = hidden size, T = steps, B = batch; f = ops.tanh (default), ops.relu or ops.sigmoid.
"""

from typing import Any, NamedTuple

import numpy as np

from rnncourse.checks import check, shapes
from rnncourse.reference.ops import relu, slope, tanh
from rnncourse.reference.torch_weights import one_layer


class Weights(NamedTuple):
    """U (n, m) from input to state, W (n, n) from state to state, b (n,)."""

    U: np.ndarray
    W: np.ndarray
    b: np.ndarray


class Grads(NamedTuple):
    """∂L/∂ of the arguments of ``forward``, in their order and of their shapes."""

    x: np.ndarray
    h0: np.ndarray
    U: np.ndarray
    W: np.ndarray
    b: np.ndarray


class Cache(NamedTuple):
    """What the backward pass needs: the input x (T, B, m), the states h_0 … h_T as h (T+1, B, n), U, W and f."""

    x: np.ndarray
    h: np.ndarray
    U: np.ndarray
    W: np.ndarray
    f: Any


@shapes(U="n m", W="n n", b="n", x="... m", h="... n")
def step(x, h, U, W, b, f=tanh):
    """One step: h_t = f(U x_t + W h_{t−1} + b).

    x (..., m) is x_t and h (..., n) is h_{t−1}: one vector each, or a batch of them.
    Returns h_t (..., n).
    Raises ValueError for shapes, dtypes or values that do not fit.
    Source: Elman (1990), doi:10.1207/s15516709cog1402_1, figure 2.
    """
    return f(x @ U.T + h @ W.T + b)


@shapes(U="n m", W="n n", b="n", x="T B m", h0="B n")
def forward(x, h0, U, W, b, f=tanh):
    """All steps: hs[t] = step(x[t], hs[t−1]), with h0 before the first.

    x (T, B, m), h0 (B, n), U (n, m), W (n, n), b (n,).
    Returns hs (T, B, n), the last state h_T (B, n), and the cache for ``backward``. All three
    share memory: copy hs before you write to it. T = 0 is allowed: hs is empty and h_T is h0.
    Raises ValueError for an f without a known derivative, and for shapes, dtypes or values
    that do not fit.
    """
    slope(f, h0)  # an f without a derivative is refused here, not after the loop
    (T, B, m), n = x.shape, len(b)
    h = np.empty((T + 1, B, n), x.dtype)
    h[0] = h0
    net = (x.reshape(T * B, m) @ U.T + b).reshape(T, B, n)  # what the input adds, all steps in one product
    for t in range(T):
        h[t + 1] = f(net[t] + h[t] @ W.T)
    return h[1:], h[T], Cache(x, h, U, W, f)


def backward(dhs, dh_T, cache, window=None):
    """Backpropagation through time, for ``forward``; truncated, if a window is given.

        δ_t = f′(net_t) ⊙ (∂L/∂h_t directly + Wᵀ δ_{t+1})
        dU = Σ_t δ_t x_tᵀ,  dW = Σ_t δ_t h_{t−1}ᵀ,  db = Σ_t δ_t
        dx_t = Uᵀ δ_t,  dh_0 = Wᵀ δ_1

    dhs (T, B, n) is ∂L/∂hs and dh_T (B, n) is ∂L/∂h_T, each counting only the direct use of
    that output. δ_t is the error of net_t, that is, before f.
    window: None, or an integer ≥ 1: then Wᵀ δ_{t+1} is left out wherever t is a multiple of
    window. That cuts the steps into chunks of this length, counted from the first; the state
    crosses every cut, the gradient none. It is what ``detach`` between chunks does in PyTorch.
    Training on a long text does the same chunk by chunk, so one call stands for that whole
    loop with constant weights. The loss at a step reaches between 1 and window copies of W,
    by the step's place in its chunk. To let every step reach the last w copies, sum the first
    w lags of ``by_lag``.
    Returns Grads(x, h0, U, W, b).
    Raises ValueError for shapes, dtypes or values that do not fit the cache, and for a bad window.
    Source: Werbos (1990), doi:10.1109/5.58337; truncation: Williams and Peng (1990),
    doi:10.1162/neco.1990.2.4.490.
    """
    check_cotangents(dhs, dh_T, cache.h, "rnn.backward")
    if window is not None and not (isinstance(window, int | np.integer) and window >= 1):
        raise ValueError(f"rnn.backward: expected window to be None or an integer of at least 1, got {window!r}")
    x, h, U, W, f = cache
    (T, B, m), n = x.shape, len(W)
    delta = np.empty_like(dhs)
    dh = dh_T
    slopes = slope(f, h[1:])
    for t in reversed(range(T)):
        delta[t] = slopes[t] * (dhs[t] + dh)
        dh = delta[t] @ W
        if window and t and t % window == 0:
            dh = np.zeros_like(dh)
    rows = delta.reshape(T * B, n)
    return Grads(
        x=(rows @ U).reshape(T, B, m),
        h0=dh,
        U=rows.T @ x.reshape(T * B, m),
        W=rows.T @ h[:-1].reshape(T * B, n),
        b=rows.sum(axis=0),
    )


def by_lag(dhs, dh_T, cache):
    """The gradients of ``backward``, apart by lag: how many steps lie between a copy of the weights and the loss.

        δ_t⁽⁰⁾ = f′(net_t) ⊙ ∂L/∂h_t directly
        δ_t⁽ᵏ⁾ = f′(net_t) ⊙ Wᵀ δ_{t+1}⁽ᵏ⁻¹⁾,   δ_t = Σ_k δ_t⁽ᵏ⁾

    δ_t⁽ᵏ⁾ is the error at step t that comes from the output k steps later. Arguments as for
    ``backward``; dh_T counts as a use of the last output.
    Returns Grads with one more axis in front, the lag k = 0 … T−1:
    x (T, T, B, m), h0 (T, B, n), U (T, n, m), W (T, n, n), b (T, n).
    The sum over all lags is what ``backward`` returns (for T ≥ 1). The sum over the first w
    lags lets the loss at every step reach the last w copies of W: truncation with a window
    that moves along. If dhs is not zero at one step t alone, lag k is the share of step t − k.
    Costs about T/2 times a ``backward``.
    Raises ValueError for shapes, dtypes or values that do not fit the cache.
    Source: truncation with a moving window is in Williams and Peng (1990), doi:10.1162/neco.1990.2.4.490.
    """
    check_cotangents(dhs, dh_T, cache.h, "rnn.by_lag")
    x, h, U, W, f = cache
    (T, B, m), n = x.shape, len(W)
    grads = Grads(*(np.zeros((T, *shape), x.dtype) for shape in [x.shape, (B, n), U.shape, W.shape, (n,)]))
    slopes = slope(f, h[1:])
    direct = dhs.copy()
    direct[-1:] += dh_T
    delta = slopes * direct
    for k in range(T):
        rows = delta.reshape((T - k) * B, n)  # the steps that have an output k steps later: all but the last k
        grads.x[k, : T - k] = (rows @ U).reshape(T - k, B, m)
        grads.h0[k] = delta[0] @ W
        grads.U[k] = rows.T @ x[: T - k].reshape((T - k) * B, m)
        grads.W[k] = rows.T @ h[: T - k].reshape((T - k) * B, n)
        grads.b[k] = rows.sum(axis=0)
        delta = slopes[: T - k - 1] * (delta[1:] @ W)
    return grads


def check_cotangents(dhs, dh_T, h, where):
    check({"hs": h[1:], "dhs": dhs, "dh_T": dh_T}, {"hs": "T B n", "dhs": "T B n", "dh_T": "B n"}, where)


def from_torch(module):
    """The weights of a one-layer, one-direction ``torch.nn.RNN`` (or ``rnncourse.pytorch.RNN``).

    torch keeps two biases that are only ever added; here b is their sum, and zero for a module without bias.
    The nonlinearity is no weight: for a ReLU module, give f = ops.relu to ``forward``.
    Raises ValueError for more layers, two directions, a projection, another kind of module, or a dtype that NumPy does
    not have (bfloat16).
    """
    U, W, b_ih, b_hh = one_layer(module, "RNN", 1)
    return Weights(U, W, b_ih + b_hh)


@shapes(U="n m", W="n n", b="n")
def to_torch(U, W, b, f=tanh):
    """A ``torch.nn.RNN`` with these weights and their dtype; b is its ``bias_ih_l0``, ``bias_hh_l0`` is zero.

    U (n, m), W (n, n), b (n,).
    Raises ValueError for other shapes, and for an f that ``torch.nn.RNN`` does not have.
    """
    import torch  # here, so that the reference runs where torch is not installed

    if f is not tanh and f is not relu:
        raise ValueError(f"rnn.to_torch: expected f to be ops.tanh or ops.relu, got {getattr(f, '__name__', f)}")
    module = torch.nn.RNN(U.shape[1], U.shape[0], nonlinearity="relu" if f is relu else "tanh")
    module.to(torch.from_numpy(U).dtype)
    values = {"weight_ih_l0": U, "weight_hh_l0": W, "bias_ih_l0": b, "bias_hh_l0": np.zeros_like(b)}
    module.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in values.items()})
    return module
