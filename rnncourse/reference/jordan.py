"""The Jordan network (Jordan 1986): the output, not the state, is fed back.

    h_t = f(U x_t + W_y y_{t−1} + b)
    y_t = g(V h_t + b_y),               t = 1 … T

Free running, y_{t−1} is the network's own output. With teacher forcing it is the target of step t − 1: then no step
waits for another, and the gradient does not go back through time. Jordan's own network also lets the fed-back vector
decay slowly instead of being replaced; here it is replaced at each step.

m = input size, n = hidden size, k = output size, T = steps, B = batch. f = ops.tanh (default), ops.relu or
ops.sigmoid; g = ops.sigmoid (default), ops.tanh, ops.relu, or None for a linear output.
"""

from typing import Any, NamedTuple

import numpy as np

from rnncourse.checks import check, shapes
from rnncourse.reference.ops import sigmoid, slope, tanh


class Weights(NamedTuple):
    """U (n, m) from input to state, W_y (n, k) from output to state, b (n,), V (k, n) from state on, b_y (k,)."""

    U: np.ndarray
    W_y: np.ndarray
    b: np.ndarray
    V: np.ndarray
    b_y: np.ndarray


class Grads(NamedTuple):
    """∂L/∂ of the arguments of ``forward``, in their order and of their shapes; teacher: None where none was."""

    x: np.ndarray
    y0: np.ndarray
    U: np.ndarray
    W_y: np.ndarray
    b: np.ndarray
    V: np.ndarray
    b_y: np.ndarray
    teacher: np.ndarray | None


class Cache(NamedTuple):
    """What the backward pass needs: x (T, B, m); the vectors fed back (T, B, k), y_0 first; hs (T, B, n); ys (T, B, k);
    the matrices; f and g; and whether a teacher was there."""

    x: np.ndarray
    fed: np.ndarray
    hs: np.ndarray
    ys: np.ndarray
    U: np.ndarray
    W_y: np.ndarray
    V: np.ndarray
    f: Any
    g: Any
    forced: bool


@shapes(U="n m", W_y="n k", b="n", V="k n", b_y="k", x="... m", y="... k")
def step(x, y, U, W_y, b, V, b_y, f=tanh, g=sigmoid):
    """One step: h_t = f(U x_t + W_y y_{t−1} + b), y_t = g(V h_t + b_y).

    x (..., m) is x_t and y (..., k) is y_{t−1}: one vector each, or a batch of them.
    Returns y_t (..., k).
    Raises ValueError for shapes, dtypes or values that do not fit.
    Source: Jordan (1986), Serial order, reprinted 1997, doi:10.1016/S0166-4115(97)80111-2; without its decay.
    """
    o = f(x @ U.T + y @ W_y.T + b) @ V.T + b_y
    return o if g is None else g(o)


@shapes(U="n m", W_y="n k", b="n", V="k n", b_y="k", x="T B m", y0="B k", teacher="T B k")
def forward(x, y0, U, W_y, b, V, b_y, teacher=None, f=tanh, g=sigmoid):
    """All steps: ys[t] = step(x[t], ys[t−1]), with y0 before the first; with a teacher, step(x[t], teacher[t−1]).

    x (T, B, m), y0 (B, k), U (n, m), W_y (n, k), b (n,), V (k, n), b_y (k,).
    teacher: None, the network runs freely; or the targets (T, B, k). The last target is not used.
    Returns ys (T, B, k), the last output y_T (B, k), which is y0 if T = 0, and the cache for ``backward``.
    Raises ValueError for an f or g without a known derivative, and for shapes, dtypes or values that do not fit.
    """
    slope(f, b), output_slope(g, b_y)  # refused here, not after the loop
    (T, B, m), n, k = x.shape, len(b), len(b_y)
    net = (x.reshape(T * B, m) @ U.T + b).reshape(T, B, n)  # what the input adds, all steps in one product
    squash = (lambda o: o) if g is None else g
    fed = np.empty((T + 1, B, k), x.dtype)
    fed[0] = y0
    if teacher is not None:
        fed[1:] = teacher
        hs = f(net + fed[:-1] @ W_y.T)  # no step waits for another
        ys = squash(hs @ V.T + b_y)
    else:
        hs = np.empty((T, B, n), x.dtype)
        for t in range(T):
            hs[t] = f(net[t] + fed[t] @ W_y.T)
            fed[t + 1] = squash(hs[t] @ V.T + b_y)
        ys = fed[1:]
    return ys, ys[-1] if T else y0, Cache(x, fed[:-1], hs, ys, U, W_y, V, f, g, teacher is not None)


def backward(dys, dy_T, cache):
    """Backpropagation for ``forward``, through time where the network ran freely:

        ε_t = g′ ⊙ (∂L/∂y_t directly + W_yᵀ δ_{t+1})        free running
        ε_t = g′ ⊙ ∂L/∂y_t directly                         with a teacher
        δ_t = f′ ⊙ Vᵀ ε_t
        dV = Σ_t ε_t h_tᵀ,  db_y = Σ_t ε_t
        dU = Σ_t δ_t x_tᵀ,  dW_y = Σ_t δ_t y_{t−1}ᵀ,  db = Σ_t δ_t
        dx_t = Uᵀ δ_t,  dy_0 = W_yᵀ δ_1

    In dW_y, y_{t−1} is what was fed back: with a teacher the target, which gets the gradient W_yᵀ δ_{t+1}.
    dys (T, B, k) is ∂L/∂ys and dy_T (B, k) is ∂L/∂y_T, each counting only the direct use of
    that output. ε_t is the error before g, δ_t the error before f.
    Returns Grads(x, y0, U, W_y, b, V, b_y, teacher).
    Raises ValueError for shapes, dtypes or values that do not fit the cache.
    """
    x, fed, hs, ys, U, W_y, V, f, g, forced = cache
    check({"ys": ys, "dys": dys, "dy_T": dy_T}, {"ys": "T B k", "dys": "T B k", "dy_T": "B k"}, "jordan.backward")
    (T, B, m), n, k = x.shape, len(W_y), len(V)
    slope_h, slope_y = slope(f, hs), output_slope(g, ys)
    direct = dys.copy()
    direct[-1:] += dy_T
    if forced:
        epsilon = slope_y * direct
        delta = slope_h * (epsilon @ V)
    else:
        epsilon, delta, later = np.empty_like(ys), np.empty_like(hs), np.zeros_like(dy_T)
        for t in reversed(range(T)):
            epsilon[t] = slope_y[t] * (direct[t] + later)
            delta[t] = slope_h[t] * (epsilon[t] @ V)
            later = delta[t] @ W_y
    rows, errors = delta.reshape(T * B, n), epsilon.reshape(T * B, k)
    by_fed = (rows @ W_y).reshape(T, B, k)
    by_teacher = np.concatenate([by_fed[1:], np.zeros_like(by_fed[:1])]) if forced else None
    return Grads(
        x=(rows @ U).reshape(T, B, m),
        y0=by_fed[0] if T else dy_T,
        U=rows.T @ x.reshape(T * B, m),
        W_y=rows.T @ fed.reshape(T * B, k),
        b=rows.sum(axis=0),
        V=errors.T @ hs.reshape(T * B, n),
        b_y=errors.sum(axis=0),
        teacher=by_teacher,
    )


def output_slope(g, y):
    """g′ in terms of the value y; 1 for the linear output."""
    return np.ones_like(y) if g is None else slope(g, y)


def parameters(m, n, k):
    """How many numbers the weights have: n(m + k + 1) + k(n + 1)."""
    return n * (m + k + 1) + k * (n + 1)


def from_torch(module):
    """The weights of a ``rnncourse.pytorch.jordan.Jordan``. Raises ValueError for anything else."""
    names = Weights._fields
    if not all(hasattr(module, name) for name in names):
        raise ValueError(f"jordan.from_torch: expected a module with {', '.join(names)}, got {type(module).__name__}")
    return Weights(*(getattr(module, name).detach().cpu().numpy().copy() for name in names))
