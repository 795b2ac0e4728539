"""What the check of chapter 4.3 says of answers that are not done, nearly right, or wrong in a known way."""

import numpy as np
import pytest

from rnncourse.exercises import check_same_masks


def dropped(x, p, seed, shape, scale=None, keep=None):
    keep = 1 - p if keep is None else keep
    mask = np.random.default_rng(seed).random(shape) < keep
    return x * mask * (1 / (1 - p) if scale is None else scale)


def changes_its_input(x, p, seed):
    x *= np.random.default_rng(seed).random((1, *x.shape[1:])) >= p
    return x / (1 - p)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x, p, seed: dropped(x, p, seed, x.shape), "the masks of two steps differ. Draw one mask for all T"),
        (lambda x, p, seed: dropped(x, p, seed, (1, 1, x.shape[2])), "all sequences have the same mask"),
        (lambda x, p, seed: dropped(x, p, seed, x.shape[2]), "all sequences have the same mask"),
        (lambda x, p, seed: dropped(x, p, seed, (1, x.shape[1], 1)), "whole sequences are dropped"),
        (lambda x, p, seed: dropped(x, p, seed, (1, *x.shape[1:]), 1), "not scaled. Divide them by 1 − p"),
        (lambda x, p, seed: dropped(x, p, seed, (1, *x.shape[1:]), keep=p), "not the one kept"),
        (lambda x, p, seed: dropped(x, p, seed, (1, *x.shape[1:]), 3), "are multiplied by 3; it should be 1.429."),
        (
            lambda x, p, seed: dropped(x, p, seed, (1, *x.shape[1:]), 1 - p),
            "multiplied by 0.7; it should be 1.429. You",
        ),
        (lambda x, p, seed: dropped(x, p, 0, (1, *x.shape[1:])), "the seeds 1 and 2 give the same masks"),
        (lambda x, p, seed: x, "nothing is dropped"),
        (lambda x, p, seed: 0 * x, "everything is dropped"),
        (lambda x, p, seed: x * np.random.default_rng(seed).random((1, *x.shape[1:])), "nothing is dropped"),
        (
            lambda x, p, seed: dropped(x, p, seed, (1, *x.shape[1:])) * np.random.default_rng(0).random(x.shape),
            "multiplied by different numbers",
        ),
        (lambda x, p, seed: dropped(x, p, seed, (1, *x.shape[1:]), keep=0.5), "of the entries are 0; it should be"),
        (lambda x, p, seed: dropped(x, p, seed, (1, *x.shape[1:]))[0], "of shape (20, 60). It should be x under"),
        (lambda x, p: x, "the check gives it (x, p, seed)"),
        (lambda x, p, seed: x @ x, "your code stops"),
        (lambda x, p, seed: None, "Is a `return …` missing?"),
        (changes_its_input, "changes its input x"),
    ],
)
def test_same_masks(answer, says):
    verdict = check_same_masks(answer)
    assert not verdict and says in verdict, verdict
