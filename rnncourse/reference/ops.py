"""The functions that every cell is made of, and their derivatives."""

import numpy as np
from scipy.special import expit, log_softmax

from rnncourse.checks import shapes

CACHED = 2**16  # numbers: as many as a processor keeps close by, with a few more arrays of that size

tanh = np.tanh


def relu(a):
    """max(0, a), entry by entry."""
    return np.maximum(a, 0)


def sigmoid(a):
    """σ(a) = 1 / (1 + exp(−a)), entry by entry, without overflow for large |a|."""
    return expit(a)


def slope(f, h):
    """f′(a) written in terms of the value h = f(a): what a backward pass has at hand.

    tanh′ = 1 − h²,  σ′ = h (1 − h),  ReLU′ = 1 where h > 0, else 0 (also at a = 0, as PyTorch has it).
    Raises ValueError for any other f.
    """
    if f is tanh:
        return 1 - h * h
    if f is sigmoid:
        return h * (1 - h)
    if f is relu:
        return (h > 0).astype(h.dtype)
    raise ValueError(f"ops.slope: expected f to be ops.tanh, ops.sigmoid or ops.relu, got {getattr(f, '__name__', f)}")


@shapes(logits="... k")
def softmax(logits):
    """p_j = exp(logits_j) / Σ_i exp(logits_i) along the last axis; shape in = shape out."""
    return np.exp(log_softmax(logits, axis=-1))


@shapes(logits="... k")
def cross_entropy(logits, targets):
    """L = −mean over positions of log softmax(logits)[target], in nats, and its gradient.

    logits  (..., k) scores; targets (...) integers 0 … k−1, one for each position.
    Returns (loss, dlogits): dlogits = (softmax(logits) − one_hot(targets)) / number of positions.
    Raises ValueError for targets of another shape, not integer, or outside 0 … k−1.
    """
    targets = np.asarray(targets)
    if targets.shape != logits.shape[:-1]:
        raise ValueError(f"ops.cross_entropy: expected targets of shape {logits.shape[:-1]}, got {targets.shape}")
    wanted = one_hot(targets, logits.shape[-1], logits.dtype)
    count = max(targets.size, 1)
    log_p = log_softmax(logits, axis=-1)
    loss = -np.take_along_axis(log_p, targets[..., None], axis=-1).sum() / count
    return loss, (np.exp(log_p) - wanted) / count


def one_hot(indices, k, dtype=np.float64):
    """Row i has a single 1, in column indices[i]: integers of any shape (...) → array (..., k).

    Raises ValueError for indices that are not integers or lie outside 0 … k−1.
    """
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu":
        raise ValueError(f"ops.one_hot: expected integer indices, got dtype {indices.dtype}")
    if indices.size and not (0 <= indices.min() and indices.max() < k):
        raise ValueError(f"ops.one_hot: expected indices in 0 … {k - 1}, got {indices.min()} … {indices.max()}")
    out = np.zeros((*indices.shape, k), dtype)
    np.put_along_axis(out, indices[..., None], 1, axis=-1)
    return out


def split(a, k):
    """The last axis in k equal parts, as views, in order: (..., k·n) → k arrays (..., n).

    Raises ValueError if there is a rest.
    """
    if a.shape[-1] % k:
        raise ValueError(f"ops.split: expected a last axis that {k} divides, got {a.shape[-1]}")
    return np.split(a, k, axis=-1)


def blocks(T, numbers):
    """Slices of the steps 0 … T−1, the last first, each of as many steps as fit the cache; a step has ``numbers``."""
    size = max(1, CACHED // max(numbers, 1))
    return [slice(max(stop - size, 0), stop) for stop in range(T, 0, -size)]


def gate_scales(pattern, n, dtype):
    """A vector that makes one tanh of a whole row of gates, by  σ(a) = ½ + ½ tanh(a/2).

    pattern: for each gate "s" (sigmoid) or "t" (tanh), as in "sstt"; n: the size of a gate.
    Returns half (len(pattern)·n,), ½ for a sigmoid and 1 for a tanh: with  y = tanh(half · a)  the gates are
    half · y + (1 − half).  tanh has a fast path in NumPy, exp and division have not, and ½ · a is exact.

    The price: ½ y is rounded as a number near ½, so a gate is off by up to 1.2e-16 (float32: 1.2e-7), whatever its
    size. For a gate near 1 that is the last digit. A small gate comes in steps of 5.6e-17 (3e-8): a gate of 1e-13 is
    off by up to 0.06 % of itself, and far below such a step it is 0. ``step`` uses ``sigmoid``, which keeps all digits
    of a small gate; there the two differ.
    Raises ValueError for another letter.
    """
    if not set(pattern) <= {"s", "t"}:
        raise ValueError(f"ops.gate_scales: expected a pattern of the letters s and t, got {pattern!r}")
    return np.repeat(np.array([0.5 if gate == "s" else 1.0 for gate in pattern], dtype), n)
