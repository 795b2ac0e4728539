"""ConvLSTM (Shi et al. 2015): an LSTM whose states are pictures and whose products are convolutions.

    i = σ(U_i ∗ x_t + W_i ∗ h_{t−1} + b_i)        input gate
    f = σ(U_f ∗ x_t + W_f ∗ h_{t−1} + b_f)        forget gate
    g = tanh(U_g ∗ x_t + W_g ∗ h_{t−1} + b_g)     candidate
    o = σ(U_o ∗ x_t + W_o ∗ h_{t−1} + b_o)        output gate
    c_t = f ⊙ c_{t−1} + i ⊙ g
    h_t = o ⊙ tanh(c_t),                          t = 1 … T

Shi et al. add peephole terms W_c ⊙ c to three gates; they are left out here. The star is what torch calls a
convolution: place (r, s) of the result reads the k × k places around (r, s), and zeros beyond the border, so that
height and width stay. m = input channels, n = hidden channels, k = kernel size (odd), T = steps, B = batch. The four
gates are stacked as in ``lstm``: i, f, g, o.
"""

from typing import NamedTuple

import numpy as np

from rnncourse.checks import check, shapes
from rnncourse.reference.lstm import gates as squash


class Weights(NamedTuple):
    """U (4n, m, k, k), W (4n, n, k, k), b (4n,): 4(k²(m+n)n + n) numbers, if both kernels have the size k."""

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
    """What the backward pass needs: x, the states 0 … T, the gates (T, B, 4n, height, width), U and W."""

    x: np.ndarray
    h: np.ndarray
    c: np.ndarray
    gates: np.ndarray
    U: np.ndarray
    W: np.ndarray


def convolve(x, U):
    """Place (r, s) of the result is Σ_{a,b} U[:, :, a, b] x[…, r + a − p, s + b − p],  p = (k−1)/2, zeros beyond.

    x (B, m, height, width), U (n, m, k, k) with k odd. Returns (B, n, height, width).
    """
    return sum(np.einsum("nm,bmrs->bnrs", U[:, :, a, b], part) for a, b, part in shifted(x, U.shape[-1]))


def convolve_backward(dy, x, U):
    """∂L/∂x and ∂L/∂U of ``convolve``, from dy, of the shape of its result."""
    p, (height, width) = U.shape[-1] // 2, x.shape[-2:]
    dpadded = np.zeros((*x.shape[:2], height + 2 * p, width + 2 * p), x.dtype)
    dU = np.empty_like(U)
    for a, b, part in shifted(x, U.shape[-1]):
        dpadded[..., a : a + height, b : b + width] += np.einsum("nm,bnrs->bmrs", U[:, :, a, b], dy)
        dU[:, :, a, b] = np.einsum("bnrs,bmrs->nm", dy, part)
    return dpadded[..., p : p + height, p : p + width], dU


def shifted(x, k):
    """For each place (a, b) of the kernel, the picture that it reads, shifted, with zeros beyond the border."""
    p, (height, width) = k // 2, x.shape[-2:]
    padded = np.pad(x, [(0, 0), (0, 0), (p, p), (p, p)])
    return [(a, b, padded[..., a : a + height, b : b + width]) for a in range(k) for b in range(k)]


def gates(net):
    """The gates from net (B, 4n, height, width): i, f, g, o, each (B, n, height, width)."""
    return [np.moveaxis(gate, -1, 1) for gate in squash(np.moveaxis(net, 1, -1))]


@shapes(U="4n m k k", W="4n n q q", b="4n", x="B m H V", h="B n H V", c="B n H V")
def step(x, h, c, U, W, b):
    """One step: c_t = f ⊙ c_{t−1} + i ⊙ g,  h_t = o ⊙ tanh(c_t).

    x (B, m, height, width) is x_t; h and c (B, n, height, width) are h_{t−1} and c_{t−1}.
    Returns h_t and c_t. Raises ValueError for shapes, dtypes or values that do not fit, and for
    an even kernel. Source: Shi et al. (2015), arXiv:1506.04214, equation 3, without W_c.
    """
    check_odd("conv_lstm.step", U, W)
    i, f, g, o = gates(convolve(x, U) + convolve(h, W) + b[:, None, None])
    c = f * c + i * g
    return o * np.tanh(c), c


@shapes(U="4n m k k", W="4n n q q", b="4n", x="T B m H V", h0="B n H V", c0="B n H V")
def forward(x, h0, c0, U, W, b):
    """All steps: hs[t], c = step(x[t], hs[t−1], c), with h0 and c0 before the first.

    x (T, B, m, height, width), h0 and c0 (B, n, height, width), U (4n, m, k, k),
    W (4n, n, q, q), b (4n,); k and q are odd. Returns hs (T, B, n, height, width), the last
    states h_T and c_T, and the cache for ``backward``. T = 0 is allowed.
    Raises ValueError as ``step`` does.
    """
    check_odd("conv_lstm.forward", U, W)
    T, n = len(x), h0.shape[1]
    h, c = np.empty((T + 1, *h0.shape), x.dtype), np.empty((T + 1, *h0.shape), x.dtype)
    all_gates = np.empty((T, len(h0), 4 * n, *h0.shape[2:]), x.dtype)
    h[0], c[0] = h0, c0
    for t in range(T):
        i, f, g, o = gates(convolve(x[t], U) + convolve(h[t], W) + b[:, None, None])
        c[t + 1] = f * c[t] + i * g
        h[t + 1] = o * np.tanh(c[t + 1])
        all_gates[t] = np.concatenate([i, f, g, o], axis=1)
    return h[1:], h[T], c[T], Cache(x, h, c, all_gates, U, W)


def backward(dhs, dh_T, dc_T, cache):
    """Backpropagation through time, as for the LSTM, with ⋆ for the convolution run backwards:

        dh_t = ∂L/∂h_t directly + W ⋆ δ_{t+1}
        dc_t = f_{t+1} ⊙ dc_{t+1} + dh_t ⊙ o ⊙ (1 − tanh²c_t)
        δ_t = [dc_t ⊙ g ⊙ i(1−i),  dc_t ⊙ c_{t−1} ⊙ f(1−f),  dc_t ⊙ i ⊙ (1−g²),  dh_t ⊙ tanh c_t ⊙ o(1−o)]

    dhs (T, B, n, height, width), dh_T and dc_T (B, n, height, width), each counting only the
    direct use of that output. Returns Grads(x, h0, c0, U, W, b).
    Raises ValueError for shapes, dtypes or values that do not fit the cache.
    """
    x, h, c, all_gates, U, W = cache
    given = {"hs": h[1:], "dhs": dhs, "dh_T": dh_T, "dc_T": dc_T}
    check(given, {"hs": "T B n H V", "dhs": "T B n H V", "dh_T": "B n H V", "dc_T": "B n H V"}, "conv_lstm.backward")
    dx, dU, dW, db = np.empty_like(x), np.zeros_like(U), np.zeros_like(W), np.zeros(len(U), x.dtype)
    dh, dc = dh_T, dc_T
    for t in reversed(range(len(x))):
        i, f, g, o = np.split(all_gates[t], 4, axis=1)
        dh, tanh_c = dh + dhs[t], np.tanh(c[t + 1])
        dc = dc + dh * o * (1 - tanh_c**2)
        errors = dc * g * i * (1 - i), dc * c[t] * f * (1 - f), dc * i * (1 - g * g), dh * tanh_c * o * (1 - o)
        delta = np.concatenate(errors, axis=1)
        dx[t], dU_t = convolve_backward(delta, x[t], U)
        dh, dW_t = convolve_backward(delta, h[t], W)
        dU, dW, db, dc = dU + dU_t, dW + dW_t, db + delta.sum(axis=(0, 2, 3)), dc * f
    return Grads(dx, dh, dc, dU, dW, db)


def check_odd(where, *kernels):
    for kernel in kernels:
        if kernel.shape[-1] % 2 == 0:
            raise ValueError(f"{where}: expected kernels of odd size, got {kernel.shape[-1]}")
