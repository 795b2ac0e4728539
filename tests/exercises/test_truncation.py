"""What the check of chapter 4.4 says of answers that are not done, nearly right, or wrong in a known way."""

import pytest

from rnncourse.exercises import check_reach


def end(t, k1):
    return (t // k1 + 1) * k1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda t, k1, k2: k2, "Only the last loss of a block has the whole window"),
        (lambda t, k1, k2: t + 1 - end(t, k1) + k2, "counts steps before the text begins"),
        (lambda t, k1, k2: t - max(0, end(t, k1) - k2), "The input of step t itself counts"),
        (lambda t, k1, k2: t + 1 - max(0, t // k1 * k1 - k2), "includes the block of step t"),
        (lambda t, k1, k2: end(t, k1) - max(0, end(t, k1) - k2), "Only the last loss of a block has"),
        (lambda t, k1, k2: t % k1 + 1, "That is the place within the block"),
        (lambda t, k1, k2: max(0, end(t, k1) - k2), "That is where the window begins"),
        (lambda t, k1, k2: t + 1, "That is full BPTT"),
        (lambda t, k1, k2: min(t + 1, k2), "Only the last loss of a block"),
        (lambda t, k1, k2: end(t, k1) - t, "counts forward"),
        (lambda t, k1, k2: None, "returns None"),
        (lambda t, k1, k2: [t, k1], "It should be the number of inputs"),
        (lambda t, k1: t, "your function takes"),
        (lambda t, k1, k2: t / 0, "your code stops"),
    ],
)
def test_reach(answer, says):
    verdict = check_reach(answer)
    assert not verdict and says in verdict, verdict
