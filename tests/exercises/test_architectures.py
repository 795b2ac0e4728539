"""What the checks of part 3 say of answers that are not done, nearly right, or wrong in a known way."""

import numpy as np
import pytest

from rnncourse.exercises import check_fed_back, check_summary


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


def fed_back(y0, targets, decay, own=False, mean=False, last=1.0):
    s, rows = 0, []
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
        (lambda y0, targets, decay: np.vstack([y0, targets]), "of shape (5, 2). It should be"),
        (lambda y0, targets, decay: None, "Is a `return …` missing?"),
    ],
)
def test_fed_back(answer, says):
    verdict = check_fed_back(answer)
    assert not verdict and says in verdict, verdict
