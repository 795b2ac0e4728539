"""The check of chapter 2.5: usual slips get their sentence. What holds for every check stands in test_all.py."""

from functools import partial

import answers
import numpy as np
import pytest
from scipy.stats import binomtest

from rnncourse.exercises.compare import p


@pytest.mark.parametrize(
    ("slip", "message"),
    [
        ({"sides": 1}, "for the signs ++++++++++ you say 0.000977; it should be 0.00195. That is one side."),
        ({"most": 3}, "for the signs +++--- you say 1.31; it should be 1. A probability is at most 1"),
        ({"ties": True}, "for the signs ++++00 you say 0.688; it should be 0.125. A difference of 0 is no trial"),
        ({"tail": False}, "More wins count as well."),
        ({"itself": False}, "The result itself counts too."),
        ({"fewer": True, "upper": True}, "Add up those with more."),
        ({"upper": True}, "many losses are one-sided too."),
    ],
)
def test_slips(slip, message):
    answers.assert_says("check_sign_test", lambda differences: p(differences, **slip), message)


def test_another_number_gets_no_reason():
    said = answers.judge("check_sign_test", lambda differences: 0.5)
    assert said == "Not yet: for the signs ++++++++++ you say 0.5; it should be 0.00195."


def test_the_right_answer_is_scipys():
    """Against another implementation, on random signs."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        differences = rng.integers(-1, 2, size=rng.integers(1, 25)).astype(float)
        wins, trials = int((differences > 0).sum()), int((differences != 0).sum())
        right = binomtest(wins, trials).pvalue if trials else 1.0
        assert partial(p, differences)() == pytest.approx(right)
