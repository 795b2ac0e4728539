"""What the checks of part 4 say of answers that are not done, nearly right, or wrong in a known way."""

import numpy as np
import pytest

from rnncourse.exercises import check_last_states


def ahead(hs, steps):
    return hs[steps, np.arange(hs.shape[1]), : hs.shape[2] // 2]


def back(hs, step):
    return hs[step, :, hs.shape[2] // 2 :]


def joined(*halves):
    return np.concatenate(halves, axis=-1)


def changes_its_input(hs, lengths):
    hs[-1] = 0
    return joined(ahead(hs, lengths - 1), back(hs, 0))


def mean_of_the_real(hs, lengths):
    return np.stack([hs[:T, b].mean(axis=0) for b, T in enumerate(lengths)])


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda hs, lengths: hs[-1], "behind the end of a short row it is padding"),
        (lambda hs, lengths: joined(ahead(hs, 0 * lengths - 1), back(hs, 0)), "is not at step −1"),
        (lambda hs, lengths: hs[lengths - 1, np.arange(len(lengths))], "The reverse half at the last real step has"),
        (lambda hs, lengths: joined(ahead(hs, lengths - 1), back(hs, -1)), "The reverse half at step −1 is padding"),
        (lambda hs, lengths: hs[0], "The forward half at step 0 has read one character only"),
        (lambda hs, lengths: joined(ahead(hs, lengths - 2), back(hs, 0)), "is one step too early"),
        (
            lambda hs, lengths: joined(ahead(hs, np.minimum(lengths, len(hs) - 1)), back(hs, 0)),
            "hs[lengths] is one step too late",
        ),
        (
            lambda hs, lengths: joined(
                ahead(hs, lengths - 1), hs[len(hs) - lengths, range(len(lengths)), hs.shape[2] // 2 :]
            ),
            "also in a short sequence",
        ),
        (lambda hs, lengths: joined(ahead(hs, lengths - 1), ahead(hs, 0 * lengths)), "Both halves are of the forward"),
        (lambda hs, lengths: joined(back(hs, 0), ahead(hs, lengths - 1)), "The forward half comes first."),
        (mean_of_the_real, "the mean over the real steps"),
        (lambda hs, lengths: hs.mean(axis=0), "the mean over the steps"),
        (lambda hs, lengths: ahead(hs, lengths - 1), "of shape (3, 2). It should be the last real states"),
        (lambda hs, lengths: joined(ahead(hs, lengths), back(hs, 0)), "one step too late"),
        (lambda hs, lengths: None, "Is a `return …` missing?"),
        (changes_its_input, "changes its input hs"),
    ],
)
def test_last_states(answer, says):
    verdict = check_last_states(answer)
    assert not verdict and says in verdict, verdict
