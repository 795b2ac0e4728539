"""Causal convolution over time: what comes out at step t depends on the inputs up to step t, and on no later one.

    y_t = b + Σ_j U_j x_{st − d(k−1−j)},     j = 0 … k−1,   x_t = 0 for t < 0

The last kernel position, j = k−1, reads x_{st} itself, and position 0 reads d(k−1) steps before. k = kernel size,
d = dilation (the distance between two inputs that are read), s = stride (every s-th output is kept). This is
``torch.nn.Conv1d`` after d(k−1) zeros are put in front. m = input size, n = output size, T = steps, B = batch.
"""

from typing import NamedTuple

import numpy as np

from rnncourse.checks import check, check_sizes, shapes


class Grads(NamedTuple):
    """∂L/∂ of the arrays that ``forward`` takes, in their order and of their shapes."""

    x: np.ndarray
    U: np.ndarray
    b: np.ndarray


class Cache(NamedTuple):
    """What ``backward`` needs: x with its zeros in front (d(k−1) + T, B, m), U, stride and dilation."""

    padded: np.ndarray
    U: np.ndarray
    stride: int
    dilation: int


@shapes(U="n m k", b="n", x="T B m")
def forward(x, U, b, stride=1, dilation=1):
    """All outputs: y_t = b + Σ_j U_j x_{st − d(k−1−j)}.

    x (T, B, m), U (n, m, k), where U_j = U[:, :, j], b (n,): n (k m + 1) numbers.
    Returns ys (⌈T/s⌉, B, n) and the cache for ``backward``.
    Raises ValueError for shapes, dtypes or values that do not fit, and for a stride or dilation
    below 1.
    Source: Bai, Kolter and Koltun (2018), arXiv:1803.01271, section 3.
    """
    check_sizes("conv.forward", stride=stride, dilation=dilation, k=U.shape[2])
    before = dilation * (U.shape[2] - 1)
    padded = np.concatenate([np.zeros((before, *x.shape[1:]), x.dtype), x])
    ys = np.zeros((-(-len(x) // stride), x.shape[1], len(b)), x.dtype)
    for j, taps in enumerate(places(len(x), U.shape[2], stride, dilation)):
        ys += padded[taps] @ U[:, :, j].T
    return ys + b, Cache(padded, U, stride, dilation)


def backward(dys, cache):
    """The gradients of ``forward``, where τ(t, j) = st − d(k−1−j) is the step that position j reads:

        dU_j = Σ_t dy_t x_{τ(t,j)}ᵀ,   db = Σ_t dy_t
        dx_u = Σ_{t, j: τ(t,j) = u} U_jᵀ dy_t

    dys (⌈T/s⌉, B, n). Returns Grads(x, U, b).
    Raises ValueError for shapes, dtypes or values that do not fit the cache.
    """
    padded, U, stride, dilation = cache
    n, m, k = U.shape
    T = len(padded) - dilation * (k - 1)
    check({"U": U, "dys": dys}, {"U": "n m k", "dys": "S B n"}, "conv.backward", S=-(-T // stride), B=padded.shape[1])
    dpadded, dU = np.zeros_like(padded), np.empty_like(U)
    for j, taps in enumerate(places(T, k, stride, dilation)):
        dpadded[taps] += dys @ U[:, :, j]
        dU[:, :, j] = dys.reshape(-1, n).T @ padded[taps].reshape(-1, m)
    return Grads(dpadded[len(padded) - T :], dU, dys.sum(axis=(0, 1)))


def places(T, k, stride, dilation):
    """For each position of the kernel, the slice of the padded input that it reads."""
    return [slice(dilation * j, dilation * j + T, stride) for j in range(k)]
