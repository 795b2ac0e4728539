"""Long short-term memory (Hochreiter and Schmidhuber 1997; with a forget gate, Gers et al. 2000).

    i = σ(U_i x_t + W_i h_{t−1} + b_i)        input gate
    f = σ(U_f x_t + W_f h_{t−1} + b_f)        forget gate
    g = tanh(U_g x_t + W_g h_{t−1} + b_g)     candidate
    o = σ(U_o x_t + W_o h_{t−1} + b_o)        output gate
    c_t = f ⊙ c_{t−1} + i ⊙ g
    h_t = o ⊙ tanh(c_t),                      t = 1 … T

m = input size, n = hidden size, T = steps, B = batch. The four blocks are stacked in the rows of U, W and b, n
rows each, in PyTorch's order: i, f, g, o. The letters mean the values after squashing; before it, net.
"""

from typing import NamedTuple

import numpy as np

from rnncourse.checks import check, shapes
from rnncourse.reference.ops import blocks, gate_scales, sigmoid, split, tanh
from rnncourse.reference.torch_weights import one_layer


class Weights(NamedTuple):
    """U (4n, m) from input to gates, W (4n, n) from state to gates, b (4n,): 4(n(m+n)+n) numbers."""

    U: np.ndarray
    W: np.ndarray
    b: np.ndarray


class Grads(NamedTuple):
    """∂L/∂ of the arguments of ``forward``, in their order and of their shapes."""

    x: np.ndarray
    h0: np.ndarray
    c0: np.ndarray
    U: np.ndarray
    W: np.ndarray
    b: np.ndarray


class Cache(NamedTuple):
    """What the backward pass needs.

    x (T, B, m); h and c (T+1, B, n), the states 0 … T; gates (T, B, 4n), which are i, f, g, o;
    tanh_c (T, B, n), which is tanh(c_t); U and W.
    """

    x: np.ndarray
    h: np.ndarray
    c: np.ndarray
    gates: np.ndarray
    tanh_c: np.ndarray
    U: np.ndarray
    W: np.ndarray


def gates(net):
    """The gates from net (..., 4n): i, f, g, o = σ, σ, tanh, σ of its four blocks, each (..., n).

    Raises ValueError for a last axis that 4 does not divide.
    """
    net_i, net_f, net_g, net_o = split(net, 4)
    return sigmoid(net_i), sigmoid(net_f), tanh(net_g), sigmoid(net_o)


@shapes(U="4n m", W="4n n", b="4n", x="... m", h="... n", c="... n")
def step(x, h, c, U, W, b):
    """One step: c_t = f ⊙ c_{t−1} + i ⊙ g,  h_t = o ⊙ tanh(c_t).

    x (..., m) is x_t, h (..., n) is h_{t−1}, c (..., n) is c_{t−1}: one vector each, or a
    batch of them. Returns h_t and c_t, both (..., n).
    Raises ValueError for shapes, dtypes or values that do not fit.
    Source: Hochreiter and Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735; the forget
    gate: Gers, Schmidhuber and Cummins (2000), doi:10.1162/089976600300015015, section 3.
    """
    i, f, g, o = gates(x @ U.T + h @ W.T + b)  # σ, σ, tanh, σ of the four blocks
    c = f * c + i * g
    return o * tanh(c), c


@shapes(U="4n m", W="4n n", b="4n", x="T B m", h0="B n", c0="B n")
def forward(x, h0, c0, U, W, b):
    """All steps: hs[t], c = step(x[t], hs[t−1], c), with h0 and c0 before the first.

    x (T, B, m), h0 (B, n), c0 (B, n), U (4n, m), W (4n, n), b (4n,).
    Returns hs (T, B, n), the last states h_T and c_T, each (B, n), and the cache for
    ``backward``. They share memory: copy hs before you write to it. T = 0 is allowed: hs is
    empty, h_T is h0 and c_T is c0. A gate differs from that of ``step`` by at most one rounding
    error of a number near 1, not of its own: see ``ops.gate_scales``.
    Raises ValueError for shapes, dtypes or values that do not fit.
    """
    (T, B, m), n = x.shape, h0.shape[1]
    h, c = np.empty((T + 1, B, n), x.dtype), np.empty((T + 1, B, n), x.dtype)
    h[0], c[0] = h0, c0
    tanh_c, Wh, ig = np.empty((T, B, n), x.dtype), np.empty((B, 4 * n), x.dtype), np.empty((B, n), x.dtype)
    half = gate_scales("ssts", n, x.dtype)
    U_half, W_half = U.T * half, np.ascontiguousarray(W.T * half)
    gates = (x.reshape(T * B, m) @ U_half).reshape(T, B, 4 * n)  # the input's part, all steps at once
    gates += b * half
    half = np.tile(half, (B, 1))  # a row for each item: NumPy is slower where it has to repeat one
    rest = 1 - half
    i, f, g, o = np.moveaxis(gates.reshape(T, B, 4, n), 2, 0)  # views: they fill as the loop goes
    for t in range(T):
        gate, c_t = gates[t], c[t + 1]
        gate += np.dot(h[t], W_half, out=Wh)
        np.tanh(gate, out=gate)
        gate *= half
        gate += rest
        np.multiply(f[t], c[t], out=c_t)
        c_t += np.multiply(i[t], g[t], out=ig)
        np.multiply(o[t], np.tanh(c_t, out=tanh_c[t]), out=h[t + 1])
    return h[1:], h[T], c[T], Cache(x, h, c, gates, tanh_c, U, W)


def backward(dhs, dh_T, dc_T, cache):
    """Backpropagation through time, for ``forward``:

        dh_t = ∂L/∂h_t directly + Wᵀ δ_{t+1}
        dc_t = f_{t+1} ⊙ dc_{t+1} + dh_t ⊙ o ⊙ (1 − tanh²c_t)
        δ_t = [ dc_t ⊙ g ⊙ i(1−i),          of net_i
                dc_t ⊙ c_{t−1} ⊙ f(1−f),    of net_f
                dc_t ⊙ i ⊙ (1−g²),          of net_g
                dh_t ⊙ tanh c_t ⊙ o(1−o) ]  of net_o
        dU = Σ_t δ_t x_tᵀ,  dW = Σ_t δ_t h_{t−1}ᵀ,  db = Σ_t δ_t
        dx_t = Uᵀ δ_t,  dh_0 = Wᵀ δ_1,  dc_0 = f_1 ⊙ dc_1

    The gates are those of step t where no index stands. dhs (T, B, n) is ∂L/∂hs, dh_T (B, n)
    is ∂L/∂h_T and dc_T (B, n) is ∂L/∂c_T, each counting only the direct use of that output.
    δ_t (B, 4n) is the error of net_t, that is, before the squashing.
    Returns Grads(x, h0, c0, U, W, b).
    Raises ValueError for shapes, dtypes or values that do not fit the cache.
    Source: Greff et al. (2017), arXiv:1503.04069, there with peepholes.
    """
    x, h, c, gates, tanh_c, U, W = cache
    given = {"hs": h[1:], "dhs": dhs, "dh_T": dh_T, "dc_T": dc_T}
    check(given, {"hs": "T B n", "dhs": "T B n", "dh_T": "B n", "dc_T": "B n"}, "lstm.backward")
    (T, B, m), n = x.shape, W.shape[1]
    i, f, g, o = np.moveaxis(gates.reshape(T, B, 4, n), 2, 0)
    one_for_g = np.tile(np.repeat(np.array([0, 0, 1, 0], x.dtype), n), (B, 1))
    delta, share = np.empty((T, B, 4 * n), x.dtype), np.empty((B, n), x.dtype)
    dh, dc = dh_T.copy(), dc_T.copy()
    # The factors of δ_t wait for no later step: many steps at once. They are multiplied
    # with dc_t (three times) and dh_t.
    errors = np.empty((B, 4, n), x.dtype)
    for_ifg, for_o, errors_in_a_row = errors[:, :3], errors[:, 3], errors.reshape(B, 4 * n)
    for block in blocks(T, 4 * B * n):
        factor, y = delta[block], gates[block]
        np.concatenate((g[block], c[:-1][block], i[block], tanh_c[block]), axis=2, out=factor)
        factor *= 1 - y
        factor *= y + one_for_g  # a sigmoid's slope is (1 − y) y, that of tanh (1 − y)(1 + y)
        to_c = o[block] - h[1:][block] * tanh_c[block]  # o (1 − tanh²c), for h is o tanh c
        steps = zip(*(a[::-1] for a in (dhs[block], to_c, f[block], factor)), strict=True)
        for dh_t, to_c_t, f_t, delta_t in steps:
            dh += dh_t
            dc += np.multiply(dh, to_c_t, out=share)
            for_ifg[...], for_o[...] = dc[:, None], dh
            delta_t *= errors_in_a_row
            np.dot(delta_t, W, out=dh)
            dc *= f_t
    rows = delta.reshape(T * B, 4 * n)
    return Grads(
        x=(rows @ U).reshape(T, B, m),
        h0=dh,
        c0=dc,
        U=(x.reshape(T * B, m).T @ rows).T,  # in float64 a quarter faster than rows.T @ x
        W=(h[:-1].reshape(T * B, n).T @ rows).T,
        b=rows.sum(axis=0),
    )


def from_torch(module):
    """The weights of a one-layer, one-direction ``torch.nn.LSTM`` (or ``rnncourse.pytorch.LSTM``).

    torch keeps two biases that are only ever added; here b is their sum, and zero for a module without bias.
    Raises ValueError for more layers, two directions, a projection, another kind of module, or a dtype that NumPy does
    not have (bfloat16).
    """
    U, W, b_ih, b_hh = one_layer(module, "LSTM", 4)
    return Weights(U, W, b_ih + b_hh)


@shapes(U="4n m", W="4n n", b="4n")
def to_torch(U, W, b):
    """A ``torch.nn.LSTM`` with these weights and their dtype; b is its ``bias_ih_l0``, ``bias_hh_l0`` is zero.

    U (4n, m), W (4n, n), b (4n,). Raises ValueError for other shapes.
    """
    import torch  # here, so that the reference runs where torch is not installed

    module = torch.nn.LSTM(U.shape[1], W.shape[1], dtype=torch.from_numpy(U).dtype)
    values = {"weight_ih_l0": U, "weight_hh_l0": W, "bias_ih_l0": b, "bias_hh_l0": np.zeros_like(b)}
    module.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in values.items()})
    return module
