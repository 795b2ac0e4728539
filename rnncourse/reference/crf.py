"""Linear-chain conditional random field: a score for a whole path of labels, and what follows from it.

    score(y) = Σ_t e_t[y_t] + Σ_{t>1} A[y_{t−1}, y_t]           e emissions (T, k), A transitions (k, k)
    p(y) = exp(score(y)) / Z,      Z = Σ over all k^T paths of exp(score(y))

The sum over k^T paths takes T k² steps (the forward algorithm), and so does the best path (Viterbi). T = steps,
k = labels. A transition from label i to label j that is forbidden has A[i, j] = −∞. Logarithms are natural.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from rnncourse.checks import check


class Grads(NamedTuple):
    """∂L/∂ emissions (T, k) and ∂L/∂ transitions (k, k)."""

    emissions: np.ndarray
    transitions: np.ndarray


def score(emissions, transitions, path):
    """The score of one path, a number: path (T,) of integers in 0 … k−1; −∞ for a path with a forbidden transition.

    Raises ValueError for shapes, dtypes and values that do not fit.
    Source: Lafferty, McCallum and Pereira (2001), equation 1, with one weight for every pair of labels.
    """
    path = check_path("crf.score", emissions, transitions, path)
    return float(emissions[np.arange(len(path)), path].sum() + transitions[path[:-1], path[1:]].sum())


def log_partition(emissions, transitions):
    """log Z, a number, by the forward algorithm:

        α_1 = e_1,     α_t[j] = e_t[j] + log Σ_i exp(α_{t−1}[i] + A[i, j]),     log Z = log Σ_j exp(α_T[j])

    α_t[j] is the logarithm of the sum over all paths that are in label j at step t.
    Raises ValueError for shapes, dtypes and values that do not fit, and where every path is forbidden.
    """
    check_scores("crf.log_partition", emissions, transitions)
    return float(logsumexp(forward(emissions, transitions)[-1]))


def marginals(emissions, transitions):
    """The share of each label at each step, (T, k), and of each pair at steps t−1 and t, (T−1, k, k), under p(y):

        β_T = 0,     β_t[i] = log Σ_j exp(A[i, j] + e_{t+1}[j] + β_{t+1}[j])
        p(y_t = j) = exp(α_t[j] + β_t[j] − log Z)
        p(y_t = i, y_{t+1} = j) = exp(α_t[i] + A[i, j] + e_{t+1}[j] + β_{t+1}[j] − log Z)

    Raises as ``log_partition`` does.
    """
    check_scores("crf.marginals", emissions, transitions)
    ahead = forward(emissions, transitions)
    back = np.zeros_like(emissions)
    for t in range(len(emissions) - 2, -1, -1):
        back[t] = logsumexp(transitions + emissions[t + 1] + back[t + 1], axis=1)
    log_z = logsumexp(ahead[-1])
    pairs = ahead[:-1, :, None] + transitions + (emissions[1:] + back[1:])[:, None, :]
    return np.exp(ahead + back - log_z), np.exp(pairs - log_z)


def loss(emissions, transitions, path):
    """−log p(path) = log Z − score(path), a number, and its gradient:

        ∂L/∂e_t[j] = p(y_t = j) − [path_t = j]
        ∂L/∂A[i, j] = Σ_t p(y_t = i, y_{t+1} = j) − how often the path goes from i to j

    Returns loss, Grads. Raises as ``score`` and ``log_partition`` do, and where the path itself is forbidden.
    """
    path = check_path("crf.loss", emissions, transitions, path)
    steps, (labels, pairs) = np.arange(len(path)), marginals(emissions, transitions)
    value = log_partition(emissions, transitions) - score(emissions, transitions, path)
    if not np.isfinite(value):
        raise ValueError("crf.loss: expected a path without a forbidden transition, got one of probability 0")
    labels[steps, path] -= 1
    counted = pairs.sum(axis=0)
    np.subtract.at(counted, (path[:-1], path[1:]), 1)
    return value, Grads(labels, counted.astype(emissions.dtype))


def viterbi(emissions, transitions):
    """The path (T,) with the highest score, int64, and this score, a number:

        δ_1 = e_1,     δ_t[j] = e_t[j] + max_i (δ_{t−1}[i] + A[i, j])

    and back from the best last label. Of several best paths it takes the one whose labels, read from the last step
    back, are smallest. Raises as ``log_partition`` does.
    Source: Forney (1973), doi 10.1109/PROC.1973.9030.
    """
    check_scores("crf.viterbi", emissions, transitions)
    best, came_from = emissions[0], np.zeros(emissions.shape, dtype=np.int64)
    for t in range(1, len(emissions)):
        scores = best[:, None] + transitions
        came_from[t] = scores.argmax(axis=0)
        best = emissions[t] + scores.max(axis=0)
    if best.max() == -np.inf:
        raise ValueError("crf.viterbi: expected at least one path without a forbidden transition, got none")
    path = [int(best.argmax())]
    for t in range(len(emissions) - 1, 0, -1):
        path.append(int(came_from[t, path[-1]]))
    return np.array(path[::-1]), float(best.max())


# ---- what they share -----------------------------------------------------------------------------------------


def forward(emissions, transitions):
    """α (T, k) of ``log_partition``."""
    ahead = emissions.copy()
    for t in range(1, len(ahead)):
        ahead[t] += logsumexp(ahead[t - 1][:, None] + transitions, axis=0)
    if ahead[-1].max() == -np.inf:
        raise ValueError("crf: expected at least one path without a forbidden transition, got none")
    return ahead


def check_scores(where, emissions, transitions):
    """Shapes; emissions finite, transitions finite or −∞."""
    free = transitions
    if isinstance(free, np.ndarray) and free.dtype.kind == "f":
        free = np.where(free == -np.inf, free.dtype.type(0), free)  # −∞ is meant, NaN and ∞ are not
    check({"emissions": emissions, "transitions": free}, {"emissions": "T k", "transitions": "k k"}, where)
    if not emissions.size:
        raise ValueError(f"{where}: expected at least one step and one label, got emissions of shape {emissions.shape}")


def check_path(where, emissions, transitions, path):
    """The path as int64 (T,)."""
    check_scores(where, emissions, transitions)
    (T, k), path = emissions.shape, np.asarray(path)
    if path.shape != (T,) or path.dtype.kind not in "iu" or path.min() < 0 or path.max() >= k:
        raise ValueError(f"{where}: expected a path of {T} integers in 0 … {k - 1}, got {path.dtype} {path.tolist()}")
    return path.astype(np.int64)
