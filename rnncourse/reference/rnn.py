"""The simple recurrent network (Elman 1990): one state, fed back.

    h_t = f(U x_t + W h_{t−1} + b),   t = 1 … T

m = input size, n = hidden size, T = steps, B = batch; f = ops.tanh (default) or ops.relu.
"""

from typing import Any, NamedTuple

import numpy as np

from rnncourse.checks import shapes
from rnncourse.reference.ops import relu, slope, tanh


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
    """What the way back needs: the input x (T, B, m), the states h_0 … h_T as h (T+1, B, n), the weights and f."""

    x: np.ndarray
    h: np.ndarray
    U: np.ndarray
    W: np.ndarray
    f: Any


@shapes(U="n m", W="n n", b="n", x="... m", h="... n")
def step(x, h, U, W, b, f=tanh):
    """One step, h_t = f(U x_t + W h_{t−1} + b).

    x (..., m) is x_t and h (..., n) is h_{t−1}: one vector each, or a batch of them. Returns h_t (..., n).
    Source: Elman (1990), doi:10.1207/s15516709cog1402_1, figure 2.
    """
    return f(x @ U.T + h @ W.T + b)


@shapes(U="n m", W="n n", b="n", x="T B m", h0="B n")
def forward(x, h0, U, W, b, f=tanh):
    """All steps: hs[t] = step(x[t], hs[t−1]), with h0 before the first.

    x (T, B, m), h0 (B, n), U (n, m), W (n, n), b (n,).
    Returns hs (T, B, n), the last state h_T (B, n), and the cache for ``backward``.
    """
    slope(f, h0)  # an f without a derivative is refused here, not after the loop
    T, B, _ = x.shape
    h = np.empty((T + 1, B, len(b)), x.dtype)
    h[0] = h0
    net = (x.reshape(T * B, -1) @ U.T + b).reshape(T, B, -1)  # what the input adds, for all steps in one product
    for t in range(T):
        h[t + 1] = f(net[t] + h[t] @ W.T)
    return h[1:], h[T], Cache(x, h, U, W, f)


def backward(dhs, dh_T, cache):
    """Backpropagation through time, for ``forward``.

        δ_t = f′(net_t) ⊙ (∂L/∂h_t directly + Wᵀ δ_{t+1})
        dU = Σ_t δ_t x_tᵀ,  dW = Σ_t δ_t h_{t−1}ᵀ,  db = Σ_t δ_t,  dx_t = Uᵀ δ_t,  dh_0 = Wᵀ δ_1

    dhs (T, B, n) is ∂L/∂hs and dh_T (B, n) is ∂L/∂h_T, each counting only the direct use of that output.
    Returns Grads(x, h0, U, W, b). Source: Werbos (1990), doi:10.1109/5.58337.
    """
    check_cotangents(dhs, dh_T, cache.h)
    x, h, U, W, f = cache
    T, B, n = dhs.shape
    delta = np.empty_like(dhs)
    dh = dh_T
    slopes = slope(f, h[1:])
    for t in reversed(range(T)):
        delta[t] = slopes[t] * (dhs[t] + dh)
        dh = delta[t] @ W
    rows = delta.reshape(T * B, n)
    return Grads(
        x=delta @ U,
        h0=dh,
        U=rows.T @ x.reshape(T * B, -1),
        W=rows.T @ h[:-1].reshape(T * B, n),
        b=rows.sum(axis=0),
    )


@shapes(h="S B n", dhs="T B n", dh_T="B n")
def check_cotangents(dhs, dh_T, h):
    if len(dhs) != len(h) - 1:
        raise ValueError(
            f"rnn.backward: expected dhs of shape {(len(h) - 1, *h.shape[1:])}, as forward gave hs, got {dhs.shape}"
        )


def from_torch(module):
    """The weights of a one-layer, one-direction ``torch.nn.RNN`` (or ``rnncourse.pytorch.RNN``).

    torch keeps two biases that are only ever added; here b is their sum.
    """
    state = {name: value.detach().cpu().numpy().copy() for name, value in module.named_parameters()}
    extra = sorted(set(state) - {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"})
    if extra:
        raise ValueError(f"rnn.from_torch: expected one layer in one direction, got also {', '.join(extra)}")
    U, W = state["weight_ih_l0"], state["weight_hh_l0"]
    b = state["bias_ih_l0"] + state["bias_hh_l0"] if "bias_ih_l0" in state else np.zeros(len(W), W.dtype)
    return Weights(U, W, b)


@shapes(U="n m", W="n n", b="n")
def to_torch(U, W, b, f=tanh):
    """A ``torch.nn.RNN`` with these weights and their dtype; b goes to ``bias_ih_l0``, ``bias_hh_l0`` is zero."""
    import torch  # here, so that the reference runs where torch is not installed

    slope(f, U)
    module = torch.nn.RNN(U.shape[1], U.shape[0], nonlinearity="relu" if f is relu else "tanh")
    module.to(torch.from_numpy(U).dtype)
    values = {"weight_ih_l0": U, "weight_hh_l0": W, "bias_ih_l0": b, "bias_hh_l0": np.zeros_like(b)}
    module.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in values.items()})
    return module
