"""What the checks of part 3 say of answers that are not done, nearly right, or wrong in a known way."""

import numpy as np
import pytest

from rnncourse.exercises import check_attend, check_summary


def changes_its_input(hs, n):
    hs[0] = hs[-1]
    return hs[0]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda hs, n: hs[-1], "In hs[-1] the reverse half has read the last step only"),
        (lambda hs, n: hs[0], "In hs[0] the forward half has read the first step only"),
        (lambda hs, n: np.concatenate([hs[0, :, :n], hs[-1, :, n:]], axis=-1), "exchange 0 and −1"),
        (lambda hs, n: np.concatenate([hs[0, :, n:], hs[-1, :, :n]], axis=-1), "The forward half comes first"),
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
        (lambda q, k, v, length: softmax(k[:length] @ q), "It should be the context, of shape (2,)"),
        (lambda q, k, v, length: None, "Is a `return …` missing?"),
        (changes_the_keys, "changes its input keys"),
        (overflows, "contains NaN (“not a number”). Subtract the largest score before np.exp."),
    ],
)
def test_attend(answer, says):
    verdict = check_attend(answer)
    assert not verdict and says in verdict, verdict
