"""What the checks of part 3 say of answers that are not done, nearly right, or wrong in a known way."""

import numpy as np
import pytest

from rnncourse.exercises import check_attend, check_fed_back, check_recall, check_summary


def changes_its_input(hs, n):
    hs[0] = hs[-1]
    return hs[0]


def ridged(columns, target, ridge=0.01):
    gram = columns.T @ columns + ridge * np.eye(columns.shape[1])
    return np.corrcoef(columns @ np.linalg.solve(gram, columns.T @ target), target)[0, 1] ** 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda hs, n: hs[-1], "In hs[-1] the reverse half has read the last step only"),
        (lambda hs, n: hs[0], "In hs[0] the forward half has read the first step only"),
        (lambda hs, n: np.concatenate([hs[0, :, :n], hs[-1, :, n:]], axis=-1), "exchange 0 and −1"),
        (lambda hs, n: np.concatenate([hs[0, :, n:], hs[-1, :, :n]], axis=-1), "The forward half comes first"),
        (lambda hs, n: np.stack([hs[-1, :, :n], hs[0, :, n:]], axis=-1).reshape(-1, 2 * n), "are interleaved"),
        (lambda hs, n: np.concatenate([hs[-1, :, ::2], hs[0, :, 1::2]], axis=-1), "You take every second unit."),
        (lambda hs, n: np.concatenate([hs[-1, :, :n], hs[0, :, :n]], axis=-1), "Both halves are of the forward"),
        (lambda hs, n: np.concatenate([hs[-1, :, n:], hs[0, :, n:]], axis=-1), "Both halves are of the reverse"),
        (lambda hs, n: hs.mean(axis=0), "the mean over the steps"),
        (lambda hs, n: hs.max(axis=0), "the largest value over the steps"),
        (lambda hs, n: np.concatenate([hs[-1, :, :n], hs[0, :, n:]]), "of shape (4, 3). It should be"),
        (
            lambda hs, n: hs[-1, :, :n],
            "of shape (2, 3). It should be the last states of both directions, of shape (2, 6)",
        ),
        (lambda hs, n: None, "Is a `return …` missing?"),
        (changes_its_input, "changes its input hs"),
    ],
)
def test_summary(answer, says):
    verdict = check_summary(answer)
    assert not verdict and says in verdict, verdict


def softmax(scores):
    return np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()


def read(length, keys):
    """Which keys may be read."""
    return np.arange(len(keys)) < length


def changes_the_keys(query, keys, values, length):
    keys[length:] = 0
    return softmax(keys @ query) @ values


def overflows(query, keys, values, length):
    weights = np.exp(keys[:length] @ query)
    return weights / weights.sum() @ values[:length]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda q, k, v, length: softmax(k @ q) @ v, "The length is not used"),
        (lambda q, k, v, length: (read(length, k) * softmax(k @ q)) @ v, "hide the scores, not the weights"),
        (lambda q, k, v, length: softmax(read(length, k) * (k @ q)) @ v, "A score of 0 still gets a weight"),
        (lambda q, k, v, length: v[:length].mean(axis=0), "the plain mean of the values"),
        (lambda q, k, v, length: (k[:length] @ q) @ v[:length], "The scores are no weights yet"),
        (lambda q, k, v, length: v[(k[:length] @ q).argmax()], "the value of the best key"),
        (lambda q, k, v, length: softmax(k[:length] @ q / np.sqrt(len(q))) @ v[:length], "divided by √n"),
        (lambda q, k, v, length: softmax(k[-length:] @ q) @ v[-length:], "Those are the last keys."),
        (lambda q, k, v, length: softmax(k[: length - 1] @ q) @ v[: length - 1] if length > 1 else v[0], "One key too"),
        (lambda q, k, v, length: np.exp(k[:length] @ q) @ v[:length], "The weights do not have the sum 1"),
        (lambda q, k, v, length: softmax(np.where(read(length, k), k @ q, -100)) @ v, "can be larger than a score"),
        (lambda q, k, v, length: softmax(k[:length] @ q), "It should be the context, of shape (2,)"),
        (lambda q, k, v, length: None, "Is a `return …` missing?"),
        (changes_the_keys, "changes its input keys"),
        (overflows, "contains NaN (“not a number”). Subtract the largest score before np.exp."),
    ],
)
def test_attend(answer, says):
    verdict = check_attend(answer)
    assert not verdict and says in verdict, verdict


def squared(columns, target, square=2):
    guess = columns @ np.linalg.lstsq(columns, target, rcond=None)[0]
    return np.corrcoef(guess, target)[0, 1] ** square


def error(columns, target):
    guess = columns @ np.linalg.lstsq(columns, target, rcond=None)[0]
    return ((guess - target) ** 2).mean()


def ones(hs):
    return np.column_stack([hs, np.ones(len(hs))])


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda hs, u, k: squared(ones(hs[k:]), u[: len(u) - k], 1), "That is the correlation. Square it."),
        (lambda hs, u, k: squared(ones(hs[: len(u) - k]), u[k:]), "an input that h[t] has not seen"),
        (lambda hs, u, k: squared(ones(hs[k:]), u[k:]), "That recalls u[t], not u[t − k]"),
        (lambda hs, u, k: squared(ones(hs[k + 1 :]), u[: len(u) - k - 1]), "the input k + 1 steps ago"),
        (lambda hs, u, k: squared(ones(hs), np.roll(u, k)), "np.roll puts the last k inputs in front"),
        (lambda hs, u, k: squared(hs[k:], u[: len(u) - k]), "add a column of ones"),
        (
            lambda hs, u, k: max(np.corrcoef(unit, u[: len(u) - k])[0, 1] ** 2 for unit in hs[k:].T),
            "the best single unit",
        ),
        (lambda hs, u, k: 1 - squared(ones(hs[k:]), u[: len(u) - k]), "the share that the readout does not explain"),
        (
            lambda hs, u, k: sum(squared(ones(hs[j:]), u[: len(u) - j]) for j in range(k + 1)),
            "the sum over delays",
        ),
        (lambda hs, u, k: ridged(ones(hs[k:]), u[: len(u) - k]), "looks like ridge regression"),
        (lambda hs, u, k: hs[k:] @ np.ones(hs.shape[1]), "It should be a squared correlation"),
        (lambda hs, u, k: squared(ones(hs[k:]), u[:-k]), "write u[: len(u) - k]"),
        (lambda hs, u, k: squared(ones(hs), np.concatenate([np.zeros(k), u[: len(u) - k]])), "do not put zeros there"),
        (lambda hs, u, k: error(ones(hs[k:]), u[: len(u) - k]), "That is a mean squared error."),
        (lambda hs, u, k: None, "Is a `return …` missing?"),
    ],
)
def test_recall(answer, says):
    verdict = check_recall(answer)
    assert not verdict and says in verdict, verdict


def fed_back(y0, targets, decay, own=False, mean=False, last=1.0, s=0):
    rows = []
    for target, before in zip(targets, [y0, *targets[:-1]], strict=True):
        s = decay * s + (1 - decay if mean else 1) * (target if own else before)
        rows.append(s - (1 - last) * before)
    return np.array(rows)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda *a: fed_back(*a, own=True), "Step t is given its own target"),
        (lambda *a: fed_back(*a, mean=True), "That is a mean"),
        (lambda y0, targets, decay: np.vstack([y0, targets[:-1]]), "That is without the decay"),
        (lambda *a: fed_back(*a, last=0.0), "The last vector itself is missing"),
        (lambda *a: np.vstack([0 * a[0], fed_back(*a)[:-1]]), "That is one step late: it begins with s_0."),
        (lambda *a: fed_back(*a, own=True, s=a[0]), "y_0 enters at step 1 with its full size"),
        (lambda y0, targets, decay: decay * fed_back(y0, targets, decay), "The decay multiplies the new vector too."),
        (
            lambda y0, targets, decay: (
                fed_back(y0, targets, 0) + decay * np.vstack([0 * y0, y0, targets])[: len(targets)]
            ),
            "Only two vectors are added up.",
        ),
        (lambda *a: np.repeat(fed_back(*a)[-1:], len(a[1]), axis=0), "All rows are the last s_t"),
        (lambda y0, targets, decay: fed_back(0 * y0, targets, decay), "y_0 is not used"),
        (lambda *a: fed_back(*a, s=a[0]), "The first row is y_0 itself"),
        (lambda y0, targets, decay: np.vstack([y0, targets]), "of shape (5, 2). It should be"),
        (lambda y0, targets, decay: None, "Is a `return …` missing?"),
    ],
)
def test_fed_back(answer, says):
    verdict = check_fed_back(answer)
    assert not verdict and says in verdict, verdict
