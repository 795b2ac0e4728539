"""Attention on tensors: the mathematics of ``rnncourse.reference.attention``; autograd has the backward pass.

    e_t = score(query, k_t),        t = 1 … T           how well key t fits the query
    a_t = exp(e_t) / Σ_s exp(e_s)                       weights: positive, with sum 1
    context = Σ_t a_t v_t                               the weighted mean of the values

    dot        e_t = qᵀ k_t                             Luong et al. (2015)
    additive   e_t = vᵀ tanh(W q + U k_t)               Bahdanau et al. (2015)

T = steps, B = batch, S = number of queries, n = size of the query, k = size of the keys (n for ``dot``), d = size of
the values, a = size of the hidden layer of the additive score. There the letter v stands for a vector of weights; the
values are ``values``.
"""

import torch
from torch import nn

from rnncourse.checks import check_sizes, shapes
from rnncourse.pytorch.ops import initialise


@shapes(keys="T B n", values="T B d", query="... B n")
def dot(query, keys, values, mask=None):
    """Context and weights with the score e_t = qᵀ k_t.

    query (B, n), or (S, B, n) for S queries at once; keys (T, B, n); values (T, B, d).
    mask: None, or booleans (T, B), True where the key may be read; a key of padding is False
    and gets weight 0.
    Returns context (..., B, d) and weights (..., T, B).
    Raises ValueError for shapes, dtypes, devices or values that do not fit, for T = 0, and for
    a mask that leaves a sequence without any key.
    Source: Luong, Pham and Manning (2015), arXiv:1508.04025, equations 7 and 8.
    """
    scores = torch.einsum("...bn,tbn->...tb", query, keys)
    weights = normalised(scores, mask, "attention.dot")
    return read(weights, values), weights


@shapes(W="a n", U="a k", v="a", keys="T B k", values="T B d", query="... B n")
def additive(query, keys, values, W, U, v, mask=None):
    """Context and weights with the score e_t = vᵀ tanh(W q + U k_t).

    query (B, n) or (S, B, n); keys (T, B, k); values (T, B, d); W (a, n), U (a, k), v (a,):
    a (n + k + 1) numbers. Query and keys may differ in size. mask as for ``dot``.
    Returns context (..., B, d) and weights (..., T, B).
    Raises ValueError as ``dot`` does.
    Source: Bahdanau, Cho and Bengio (2015), arXiv:1409.0473, appendix A.1.2.
    """
    hidden = torch.tanh((query @ W.T)[..., None, :, :] + keys @ U.T)
    weights = normalised(hidden @ v, mask, "attention.additive")
    return read(weights, values), weights


def normalised(scores, mask, where):
    """The softmax of scores (..., T, B) over the T keys; weight 0 where the mask is False."""
    T, B = scores.shape[-2:]
    if T == 0:
        raise ValueError(f"{where}: expected at least one key, got T = 0")
    if mask is not None:
        mask = torch.as_tensor(mask, device=scores.device)
        if mask.shape != (T, B) or mask.dtype != torch.bool:
            raise ValueError(
                f"{where}: expected mask to be booleans of shape (T={T}, B={B}), "
                f"got {str(mask.dtype).removeprefix('torch.')} {tuple(mask.shape)}"
            )
        if not mask.any(dim=0).all():
            alone = mask.any(dim=0).tolist().index(False)
            raise ValueError(f"{where}: expected a key to read for each sequence, got none for sequence {alone}")
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-2)


def read(weights, values):
    """context = Σ_t a_t v_t: weights (..., T, B), values (T, B, d) → (..., B, d)."""
    return torch.einsum("...tb,tbd->...bd", weights, values)


class Dot(nn.Module):
    """``dot`` as a module without parameters: forward(query, keys, values, mask=None) → context, weights."""

    def forward(self, query, keys, values, mask=None):
        return dot(query, keys, values, mask)


class Additive(nn.Module):
    """``additive`` with its weights: W (a, n), U (a, k), v (a,), together a (n + k + 1) parameters.

    n, k, a: the sizes of the query, of a key and of the hidden layer. Initialised uniformly, W in ±1/√n, U in ±1/√k
    and v in ±1/√a. forward(query, keys, values, mask=None) → context, weights.
    Raises ValueError for sizes that are not whole numbers of at least 1, and as ``additive`` does.
    """

    def __init__(self, n, k, a, device=None, dtype=None):
        super().__init__()
        check_sizes("Additive", n=n, k=k, a=a)
        self.W = initialise((a, n), n, device, dtype)
        self.U = initialise((a, k), k, device, dtype)
        self.v = initialise((a,), a, device, dtype)

    def forward(self, query, keys, values, mask=None):
        return additive(query, keys, values, self.W, self.U, self.v, mask)
