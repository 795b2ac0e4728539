"""Attention: read a sequence of T vectors with weights that a query decides.

    e_t = score(query, k_t),        t = 1 … T           how well key t fits the query
    a_t = exp(e_t) / Σ_s exp(e_s)                       weights: positive, with sum 1
    context = Σ_t a_t v_t                               the weighted mean of the values

    dot        e_t = qᵀ k_t                             Luong et al. (2015)
    additive   e_t = vᵀ tanh(W q + U k_t)               Bahdanau et al. (2015)

In an encoder–decoder the keys and the values are both the states of the encoder, and the query is a state of the
decoder. T = steps, B = batch, S = number of queries, n = size of query and keys, d = size of values, a = size of the
hidden layer of the additive score. There the letter v stands for a vector of weights; the values are ``values``.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from rnncourse.checks import check, shapes


class DotGrads(NamedTuple):
    """∂L/∂ of the arrays that ``dot`` takes, in their order and of their shapes."""

    query: np.ndarray
    keys: np.ndarray
    values: np.ndarray


class AdditiveGrads(NamedTuple):
    """∂L/∂ of the arrays that ``additive`` takes, in their order and of their shapes."""

    query: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    W: np.ndarray
    U: np.ndarray
    v: np.ndarray


class DotCache(NamedTuple):
    """What ``dot_backward`` needs: the arguments and the weights a (..., T, B)."""

    query: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    weights: np.ndarray


class AdditiveCache(NamedTuple):
    """What ``additive_backward`` needs: the arguments, hidden (..., T, B, a) = tanh(W q + U k_t), and the weights."""

    query: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    W: np.ndarray
    U: np.ndarray
    v: np.ndarray
    hidden: np.ndarray
    weights: np.ndarray


@shapes(keys="T B n", values="T B d", query="... B n")
def dot(query, keys, values, mask=None):
    """Context and weights with the score e_t = qᵀ k_t.

    query (B, n), or (S, B, n) for S queries at once; keys (T, B, n); values (T, B, d).
    mask: None, or booleans (T, B), True where the key may be read; a key of padding is False
    and gets weight 0.
    Returns context (..., B, d), weights (..., T, B) and the cache for ``dot_backward``.
    Raises ValueError for shapes, dtypes or values that do not fit, for T = 0, and for a mask
    that leaves a sequence without any key.
    Source: Luong, Pham and Manning (2015), arXiv:1508.04025, equations 7 and 8.
    """
    scores = np.einsum("...bn,tbn->...tb", query, keys)
    weights = normalised(scores, mask, "attention.dot")
    return read(weights, values), weights, DotCache(query, keys, values, weights)


def dot_backward(dcontext, dweights, cache):
    """The gradients of ``dot``:

        da_t = v_tᵀ dcontext + what the loss adds to a_t directly
        de_t = a_t (da_t − Σ_s a_s da_s)
        dq = Σ_t de_t k_t,   dk_t = de_t q,   dv_t = a_t dcontext

    dcontext (..., B, d) and dweights (..., T, B), of the shapes of the outputs; dweights is
    zero where the loss does not use the weights. For S queries the sums run over them, too.
    Returns DotGrads(query, keys, values).
    Raises ValueError for shapes that do not fit the cache.
    """
    query, keys, values, weights = cache
    de = score_errors(dcontext, dweights, values, weights, "attention.dot_backward")
    return DotGrads(
        query=np.einsum("...tb,tbn->...bn", de, keys),
        keys=over_queries("tb,bn->tbn", de, query),
        values=over_queries("tb,bd->tbd", weights, dcontext),
    )


@shapes(W="a n", U="a k", v="a", keys="T B k", values="T B d", query="... B n")
def additive(query, keys, values, W, U, v, mask=None):
    """Context and weights with the score e_t = vᵀ tanh(W q + U k_t).

    query (B, n) or (S, B, n); keys (T, B, k); values (T, B, d); W (a, n), U (a, k), v (a,):
    a (n + k + 1) numbers. Query and keys may differ in size. mask as for ``dot``.
    Returns context (..., B, d), weights (..., T, B) and the cache for ``additive_backward``.
    Raises ValueError as ``dot`` does.
    Source: Bahdanau, Cho and Bengio (2015), arXiv:1409.0473, appendix A.1.2.
    """
    hidden = np.tanh((query @ W.T)[..., None, :, :] + keys @ U.T)
    weights = normalised(hidden @ v, mask, "attention.additive")
    return read(weights, values), weights, AdditiveCache(query, keys, values, W, U, v, hidden, weights)


def additive_backward(dcontext, dweights, cache):
    """The gradients of ``additive``: da_t, de_t and dv_t as in ``dot_backward``, and

        δ_t = de_t v ⊙ (1 − tanh²(W q + U k_t))
        dq = Σ_t Wᵀ δ_t,   dk_t = Uᵀ δ_t
        dW = Σ_t δ_t qᵀ,   dU = Σ_t δ_t k_tᵀ,   dv = Σ_t de_t tanh(W q + U k_t)

    The sums of the weights run over steps, batch and queries. Arguments and errors as for
    ``dot_backward``. Returns AdditiveGrads(query, keys, values, W, U, v).
    """
    query, keys, values, W, U, v, hidden, weights = cache
    de = score_errors(dcontext, dweights, values, weights, "attention.additive_backward")
    delta = de[..., None] * v * (1 - hidden * hidden)  # (..., T, B, a)
    of_query = delta.sum(axis=-3)  # over the steps
    of_keys = delta.reshape(-1, *delta.shape[-3:]).sum(axis=0)  # over the queries
    a = len(v)
    return AdditiveGrads(
        query=of_query @ W,
        keys=of_keys @ U,
        values=over_queries("tb,bd->tbd", weights, dcontext),
        W=of_query.reshape(-1, a).T @ query.reshape(-1, query.shape[-1]),
        U=of_keys.reshape(-1, a).T @ keys.reshape(-1, keys.shape[-1]),
        v=de.reshape(-1) @ hidden.reshape(-1, a),
    )


def normalised(scores, mask, where):
    """The softmax of scores (..., T, B) over the T keys; weight 0 where the mask is False."""
    T, B = scores.shape[-2:]
    if T == 0:
        raise ValueError(f"{where}: expected at least one key, got T = 0")
    if mask is not None:
        mask = np.asarray(mask)
        if mask.shape != (T, B) or mask.dtype != bool:
            raise ValueError(
                f"{where}: expected mask to be booleans of shape (T={T}, B={B}), got {mask.dtype} {mask.shape}"
            )
        if not mask.any(axis=0).all():
            alone = int(np.argmin(mask.any(axis=0)))
            raise ValueError(f"{where}: expected a key to read for each sequence, got none for sequence {alone}")
        scores = np.where(mask, scores, scores.dtype.type(-np.inf))
    return softmax(scores, axis=-2)


def read(weights, values):
    """context = Σ_t a_t v_t: weights (..., T, B), values (T, B, d) → (..., B, d)."""
    return np.einsum("...tb,tbd->...bd", weights, values)


def score_errors(dcontext, dweights, values, weights, where):
    """de (..., T, B): the softmax's Jacobian, times what reaches the weights."""
    queries = "S " if weights.ndim == 3 else ""
    specs = {"values": "T B d", "weights": f"{queries}T B", "dcontext": f"{queries}B d", "dweights": f"{queries}T B"}
    given = {"values": values, "weights": weights, "dcontext": dcontext, "dweights": dweights}
    check(given, specs, where)
    da = np.einsum("tbd,...bd->...tb", values, dcontext) + dweights
    return weights * (da - np.sum(weights * da, axis=-2, keepdims=True))


def over_queries(pattern, first, second):
    """einsum of two arrays without queries, or summed over S queries that both have in front."""
    if first.ndim == 2:
        return np.einsum(pattern, first, second)
    inputs, output = pattern.split("->")
    left, right = inputs.split(",")
    return np.einsum(f"s{left},s{right}->{output}", first, second)
