"""What the checks of part 3 say of answers that are not done, nearly right, or wrong in a known way."""

import numpy as np
import pytest

from rnncourse.exercises import check_summary


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
