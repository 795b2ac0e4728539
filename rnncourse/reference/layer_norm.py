"""Layer normalisation (Ba, Kiros and Hinton 2016): bring a vector to mean 0 and variance 1, then scale and shift it.

    μ = mean of a_1 … a_n,   v = mean of (a_i − μ)²
    â = (a − μ) / √(v + ε)
    y = gain ⊙ â + shift

Each vector is normalised alone: no other step and no other sequence takes part. n = size of the vector.
"""

from typing import NamedTuple

import numpy as np

from rnncourse.checks import check, shapes


class Grads(NamedTuple):
    """∂L/∂ of the arrays that ``forward`` takes, in their order and of their shapes."""

    a: np.ndarray
    gain: np.ndarray
    shift: np.ndarray


class Cache(NamedTuple):
    """What the backward pass needs: â (..., n), 1/√(v + ε) (..., 1) and the gain (n,)."""

    scaled: np.ndarray
    inverse: np.ndarray
    gain: np.ndarray


@shapes(gain="n", shift="n", a="... n")
def forward(a, gain, shift, eps=1e-5):
    """y = gain ⊙ (a − μ) / √(v + ε) + shift, over the last axis.

    a (..., n); gain (n,) and shift (n,): 2n parameters; eps is ε, as in torch.nn.LayerNorm.
    Returns y (..., n) and the cache for ``backward``.
    Raises ValueError for shapes, dtypes or values that do not fit, and for an eps that is not
    above 0.
    Source: Ba, Kiros and Hinton (2016), arXiv:1607.06450, equations 3 and 4.
    """
    if not eps > 0:
        raise ValueError(f"layer_norm.forward: expected eps above 0, got {eps!r}")
    centred = a - a.mean(axis=-1, keepdims=True)
    inverse = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + a.dtype.type(eps))
    scaled = centred * inverse
    return gain * scaled + shift, Cache(scaled, inverse, gain)


def backward(dy, cache):
    """The gradients of ``forward``, with d = gain ⊙ dy:

        da = (d − mean(d) − â · mean(d ⊙ â)) / √(v + ε)
        dgain = Σ dy ⊙ â,   dshift = Σ dy

    The sums run over all axes but the last. dy (..., n) is ∂L/∂y.
    Returns Grads(a, gain, shift).
    Raises ValueError for a shape that does not fit the cache.
    """
    scaled, inverse, gain = cache
    check({"y": scaled, "dy": dy}, {"y": "... n", "dy": "... n"}, "layer_norm.backward")
    d = gain * dy
    da = inverse * (d - d.mean(axis=-1, keepdims=True) - scaled * (d * scaled).mean(axis=-1, keepdims=True))
    axes = tuple(range(dy.ndim - 1))
    return Grads(a=da, gain=(dy * scaled).sum(axis=axes), shift=dy.sum(axis=axes))
