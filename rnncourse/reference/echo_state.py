"""The echo state network (Jaeger 2001): random weights that are never trained, and a linear readout that is.

    h_t = (1 − a) h_{t−1} + a tanh(W_in x_t + W h_{t−1} + W_back y_{t−1} + b)
    y_t = W_out h_t + b_y,                                      t = 1 … T

The n units are the reservoir. W_in, W, W_back and b are drawn at random; a, the leak, is a number in (0, 1]. Only
W_out and b_y are fitted, by linear regression of the wanted outputs on the states, so there is no backward pass.
While they are fitted, the true outputs stand in for y_{t−1}: teacher forcing. ``generate`` feeds back its own.

m = input size, n = reservoir size, k = output size, T = steps, B = batch. m = 0 makes a generator without input, k = 0
a reservoir without feedback. W is an array or a SciPy sparse array.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from rnncourse.checks import check, check_finite, check_sizes

SPECS = {
    "W": "n n",
    "W_in": "n m",
    "W_back": "n k",
    "b": "n",
    "W_out": "k n",
    "b_y": "k",
}


class Weights(NamedTuple):
    """W_in (n, m) from input, W (n, n) from state, W_back (n, k) from output, b (n,): all of them stay as drawn."""

    W_in: np.ndarray
    W: Any
    W_back: np.ndarray
    b: np.ndarray


def step(x, h, y, W_in, W, W_back, b, leak=1.0):
    """One step: h_t = (1 − a) h_{t−1} + a tanh(W_in x_t + W h_{t−1} + W_back y_{t−1} + b), a = leak.

    x (m,) is x_t, h (n,) is h_{t−1}, y (k,) is y_{t−1}, or batches of them, (B, m), (B, n) and (B, k).
    Returns h_t, of the shape of h.
    Raises ValueError for shapes, dtypes or values that do not fit, and for a leak outside (0, 1].
    Source: Jaeger, Lukoševičius, Popovici and Siewert (2007), doi:10.1016/j.neunet.2007.04.016; the leak as in
    Lukoševičius (2012), doi:10.1007/978-3-642-35289-8_36.
    """
    specs = {"x": "... m", "h": "... n", "y": "... k"}
    check_all("echo_state.step", Weights(W_in, W, W_back, b), leak, specs, x=x, h=h, y=y)
    return (1 - leak) * h + leak * np.tanh(x @ W_in.T + h @ W.T + y @ W_back.T + b)


def forward(x, y, h0, W_in, W, W_back, b, leak=1.0):
    """All steps with given outputs: hs[t] = step(x[t], hs[t−1], y[t]), with h0 before the first.

    x (T, B, m); y (T, B, k), where y[t] is the output *before* step t: the true series one step late. h0 (B, n).
    Returns hs (T, B, n) and the last state h_T (B, n), which share memory. T = 0 is allowed: hs is empty and
    h_T is h0.
    Raises ValueError as ``step`` does.
    """
    specs = {"x": "T B m", "y": "T B k", "h0": "B n"}
    check_all("echo_state.forward", Weights(W_in, W, W_back, b), leak, specs, x=x, y=y, h0=h0)
    (T, B, _), n = x.shape, len(b)
    h = np.empty((T + 1, B, n), h0.dtype)
    h[0] = h0
    net = x @ W_in.T + y @ W_back.T + b  # all but the recurrent part, all steps at once
    for t in range(T):
        h[t + 1] = (1 - leak) * h[t] + leak * np.tanh(net[t] + h[t] @ W.T)
    return h[1:], h[T]


def generate(x, y0, h0, W_in, W, W_back, b, W_out, b_y, leak=1.0):
    """All steps with the network's own outputs: h_t = step(x_t, h_{t−1}, y_{t−1}), y_t = W_out h_t + b_y.

    x (T, B, m); y0 (B, k) and h0 (B, n): the output and the state before the first step. W_out (k, n), b_y (k,):
    ``coef_`` and ``intercept_`` of a regression in scikit-learn with targets (…, k).
    Returns ys (T, B, k) and the last state h_T (B, n).
    Raises ValueError as ``step`` does. An output that grows to infinity is no error: it comes back as it is.
    """
    specs = {"x": "T B m", "y0": "B k", "h0": "B n"}
    arrays = {"x": x, "y0": y0, "h0": h0}
    check_all("echo_state.generate", Weights(W_in, W, W_back, b), leak, specs, **arrays, W_out=W_out, b_y=b_y)
    (T, B, _), k, h, y = x.shape, len(b_y), h0, y0
    ys = np.empty((T, B, k), h0.dtype)
    net = x @ W_in.T + b
    for t in range(T):
        h = (1 - leak) * h + leak * np.tanh(net[t] + h @ W.T + y @ W_back.T)
        ys[t] = y = h @ W_out.T + b_y
    return ys, h


def spectral_radius(W):
    """The largest absolute value of an eigenvalue of W (n, n), dense or sparse; a float. Costs n³ operations.

    Raises ValueError for a W that is not square, not of floating point, or not finite.
    """
    check_matrix("echo_state.spectral_radius", W)
    return float(np.abs(np.linalg.eigvals(dense(W))).max())


def scaled(W, radius):
    """W (n, n) times a number, so that its spectral radius is ``radius``; dense or sparse, as W is.

    Raises ValueError as ``spectral_radius`` does, and for a W whose spectral radius is 0.
    """
    now = spectral_radius(W)
    if now <= 1e-12 * abs(W).max():
        raise ValueError(f"echo_state.scaled: expected W to have an eigenvalue other than 0, got a radius of {now:.2g}")
    return W * W.dtype.type(radius / now)


def random(n, m, k, rng, radius=0.9, density=1.0, scale_in=1.0, scale_back=1.0, scale_b=0.0):
    """Weights of a reservoir: uniform on (−s, s), with s = scale_in for W_in, scale_back for W_back, scale_b for b.

    n, m, k: the sizes of reservoir, input and output. rng: a ``numpy.random.Generator``. W is uniform on (−1, 1), then
    scaled to the spectral radius. With density below 1 each entry of W is kept with this probability, and W is a
    SciPy sparse array. The draws of W_in, W_back and b do not depend on the density, the radius and the scales.
    Raises ValueError for sizes that are no integers (n at least 1, m and k at least 0), a density outside (0, 1],
    and as ``scaled`` does.
    """
    check_sizes("echo_state.random", n=n)
    check_sizes("echo_state.random", least=0, m=m, k=k)
    if not 0 < density <= 1:
        raise ValueError(f"echo_state.random: expected a density in (0, 1], got {density!r}")
    W_in, W_back, b = (
        s * rng.uniform(-1, 1, size) for s, size in [(scale_in, (n, m)), (scale_back, (n, k)), (scale_b, n)]
    )
    W = rng.uniform(-1, 1, (n, n))
    if density < 1:
        W = scipy.sparse.csr_array(W * (rng.random((n, n)) < density))
    return Weights(W_in, scaled(W, radius), W_back, b)


def dense(W):
    return W.toarray() if scipy.sparse.issparse(W) else W


def check_matrix(where, W):
    """A sparse W is checked by its shape, its dtype and the entries that it stores."""
    stands_in = np.broadcast_to(np.zeros((), W.dtype), W.shape) if scipy.sparse.issparse(W) else W
    check({"W": stands_in}, SPECS, where)
    if scipy.sparse.issparse(W):
        check_finite("the entries of W", W.data, where)
    return stands_in


def check_all(where, weights, leak, specs, **arrays):
    """W first, which gives n and the dtype, then the other weights, then ``arrays`` by ``specs``."""
    named = weights._asdict() | {"W": check_matrix(where, weights.W)}
    check({name: named[name] for name in ("W", "W_in", "W_back", "b")} | arrays, SPECS | specs, where)
    if not 0 < leak <= 1:
        raise ValueError(f"{where}: expected a leak in (0, 1], got {leak!r}")
