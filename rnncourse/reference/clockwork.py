"""The clockwork network (Koutník, Greff, Gomez and Schmidhuber 2014): parts of the state tick slower.

    h_t[i] = f(U x_t + W h_{t−1} + b)[i]      if unit i ticks: its period divides t
    h_t[i] = h_{t−1}[i]                       if not: a copy,                       t = 0 … T−1

Steps are counted from 0, where every unit ticks. ``clock`` (n,) holds the period of each unit, smallest first; units
of one period are a group. A unit reads its own group and slower ones: W[i, j] counts where clock[i] ≤ clock[j]. With
groups from fast to slow this is a block-triangular W. Its other entries are not read, and their gradient is 0.

m = input size, n = hidden size, T = steps, B = batch; f = ops.tanh (default), ops.relu or ops.sigmoid.
"""

from typing import Any, NamedTuple

import numpy as np

from rnncourse.checks import check, check_sizes, shapes
from rnncourse.reference.ops import slope, tanh


class Weights(NamedTuple):
    """U (n, m) from input to state, W (n, n) from state to state, b (n,)."""

    U: np.ndarray
    W: np.ndarray
    b: np.ndarray


class Grads(NamedTuple):
    """∂L/∂ of the arguments of ``forward``, in their order and of their shapes; ``clock`` has none."""

    x: np.ndarray
    h0: np.ndarray
    U: np.ndarray
    W: np.ndarray
    b: np.ndarray


class Cache(NamedTuple):
    """What the backward pass needs: x (T, B, m); the states as h (T+1, B, n), h0 first; U; W with zeros where it does
    not count; the mask (n, n); which units ticked, ticks (T, n); and f."""

    x: np.ndarray
    h: np.ndarray
    U: np.ndarray
    W: np.ndarray
    mask: np.ndarray
    ticks: np.ndarray
    f: Any


def clock(n, periods=(1, 2, 4, 8)):
    """The period of each of n units, (n,): groups of equal size, one for each period, smallest first.

    Raises ValueError for periods that are not ascending whole numbers of at least 1, and where their number does not
    divide n.
    """
    check_sizes("clockwork.clock", n=n)
    found = check_clock(periods, len(periods), "clockwork.clock", "periods")
    if not len(found) or n % len(found) or (np.diff(found) == 0).any():
        raise ValueError(
            f"clockwork.clock: expected different periods, as many as divide n={n}, got {[int(p) for p in found]}"
        )
    return np.repeat(found, n // len(found))


def mask(clock):
    """Which entries of W count, (n, n) of bool: row i reads column j where clock[i] ≤ clock[j]."""
    clock = check_clock(clock, len(clock), "clockwork.mask")
    return clock[:, None] <= clock[None, :]


def active(t, clock):
    """Which units tick at step t, (n,) of bool, or (T, n) for an array t (T,): those whose period divides t."""
    clock = check_clock(clock, len(clock), "clockwork.active")
    return np.asarray(t)[..., None] % clock == 0


@shapes(U="n m", W="n n", b="n", x="... m", h="... n")
def step(x, h, t, U, W, b, clock, f=tanh):
    """Step number t: a unit that ticks gets f(U x_t + W h_{t−1} + b), every other one keeps its state.

    x (..., m) is x_t and h (..., n) is h_{t−1}: one vector each, or a batch of them. clock (n,): periods, ascending.
    Returns h_t (..., n).
    Raises ValueError for shapes, dtypes, values or periods that do not fit.
    Source: Koutník et al. (2014), arXiv:1402.3511, section 3.
    """
    check_clock(clock, len(b), "clockwork.step")
    new = f(x @ U.T + h @ (W * mask(clock)).T + b)
    return np.where(active(t, clock), new, h)


@shapes(U="n m", W="n n", b="n", x="T B m", h0="B n")
def forward(x, h0, U, W, b, clock, start=0, f=tanh, skip=False):
    """All steps: hs[k] = step(x[k], hs[k−1], start + k), with h0 before the first.

    x (T, B, m), h0 (B, n), U (n, m), W (n, n), b (n,); clock (n,): periods, ascending; start: the number of the first
    step, so that a sequence can be run in pieces.
    skip: compute only the rows of units that tick, which gives the same states. Else all rows are computed and those
    of idle units thrown away.
    Returns hs (T, B, n), the last state h_T (B, n), and the cache for ``backward``; they share memory. T = 0 is
    allowed: hs is empty and h_T is h0.
    Raises ValueError for shapes, dtypes, values or periods that do not fit, and for an f without a known derivative.
    """
    slope(f, h0)  # refused here, not after the loop
    clock = check_clock(clock, len(b), "clockwork.forward")
    (T, B, m), n = x.shape, len(b)
    allowed, ticks = mask(clock), active(start + np.arange(T), clock)
    masked = W * allowed
    h = np.empty((T + 1, B, n), x.dtype)
    h[0] = h0
    if skip:
        for t, rows in enumerate(map(rows_of, ticks)):
            h[t + 1] = h[t]
            h[t + 1][:, rows] = f(x[t] @ U[rows].T + h[t] @ masked[rows].T + b[rows])
    else:
        net = (x.reshape(T * B, m) @ U.T + b).reshape(T, B, n)
        for t in range(T):
            h[t + 1] = np.where(ticks[t], f(net[t] + h[t] @ masked.T), h[t])
    return h[1:], h[T], Cache(x, h, U, masked, allowed, ticks, f)


def backward(dhs, dh_T, cache):
    """Backpropagation through time for ``forward``, a_t (n,) being 1 where a unit ticks at step t, else 0:

        dh_t = ∂L/∂h_t directly + Wᵀ δ_{t+1} + (1 − a_{t+1}) ⊙ dh_{t+1}
        δ_t = a_t ⊙ f′(net_t) ⊙ dh_t
        dU = Σ_t δ_t x_tᵀ,  dW = mask ⊙ Σ_t δ_t h_{t−1}ᵀ,  db = Σ_t δ_t,  dx_t = Uᵀ δ_t

    The gradient of a unit that does not tick passes unchanged to the step before.
    dhs (T, B, n) is ∂L/∂hs and dh_T (B, n) is ∂L/∂h_T, each counting only the direct use of that output.
    Returns Grads(x, h0, U, W, b).
    Raises ValueError for shapes, dtypes or values that do not fit the cache.
    """
    x, h, U, W, allowed, ticks, f = cache
    specs = {"hs": "T B n", "dhs": "T B n", "dh_T": "B n"}
    check({"hs": h[1:], "dhs": dhs, "dh_T": dh_T}, specs, "clockwork.backward")
    (T, B, m), n = x.shape, len(W)
    slopes, delta, dh = ticks[:, None] * slope(f, h[1:]), np.empty_like(dhs), dh_T
    for t in reversed(range(T)):
        dh = dhs[t] + dh
        delta[t] = slopes[t] * dh
        dh = delta[t] @ W + np.where(ticks[t], 0, dh)
    rows = delta.reshape(T * B, n)
    return Grads(
        x=(rows @ U).reshape(T, B, m),
        h0=dh,
        U=rows.T @ x.reshape(T * B, m),
        W=allowed * (rows.T @ h[:-1].reshape(T * B, n)),
        b=rows.sum(axis=0),
    )


def parameters(m, sizes):
    """How many numbers the weights have, for groups of these sizes, fast to slow: n(m + 1) + Σ_g s_g (s_g + … + s_G).

    Counted are the entries of W that are read. For G groups of size s: s²·G(G + 1)/2 of them.
    """
    check_sizes("clockwork.parameters", least=0, m=m)
    check_sizes("clockwork.parameters", **{f"size {g}": size for g, size in enumerate(sizes)})
    return sum(sizes) * (m + 1) + sum(size * sum(sizes[g:]) for g, size in enumerate(sizes))


def rows_of(ticks):
    """The units that tick, as a slice if they are the first ones (a view: nothing is copied), else as numbers."""
    found = np.flatnonzero(ticks)
    return slice(len(found)) if ticks[: len(found)].all() else found


def check_clock(clock, n, where, name="clock"):
    """The periods as an array of whole numbers (n,). Raises ValueError unless they are ascending and at least 1."""
    found = np.asarray(clock)
    if found.shape != (n,) or (n and not (found.dtype.kind in "iu" and found[0] >= 1 and (np.diff(found) >= 0).all())):
        raise ValueError(
            f"{where}: expected {name} to be {n} whole numbers of at least 1, in ascending order, got {clock!r}"
        )
    return found
