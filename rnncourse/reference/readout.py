"""The output layer: scores from states, logits_t = V h_t + b_y. ``ops.cross_entropy`` has the softmax."""

from typing import NamedTuple

import numpy as np

from rnncourse.checks import shapes


class Grads(NamedTuple):
    """∂L/∂ of the arguments of ``forward``, in their order and of their shapes."""

    hs: np.ndarray
    V: np.ndarray
    b_y: np.ndarray


@shapes(V="k n", b_y="k", hs="... n")
def forward(hs, V, b_y):
    """logits = hs Vᵀ + b_y, for states hs (..., n), V (k, n), b_y (k,). Returns logits (..., k)."""
    return hs @ V.T + b_y


@shapes(V="k n", hs="... n", dlogits="... k")
def backward(dlogits, hs, V):
    """dhs = dlogits V,  dV = Σ dlogitsᵀ hs,  db_y = Σ dlogits,  the sums over all positions.

    dlogits (..., k), hs (..., n), V (k, n). Returns Grads(hs, V, b_y), of shapes (..., n), (k, n), (k,).
    """
    rows = dlogits.reshape(-1, len(V))
    return Grads(hs=dlogits @ V, V=rows.T @ hs.reshape(-1, V.shape[1]), b_y=rows.sum(axis=0))
