"""The check of chapter 4.3: dropout with one mask for all steps."""

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import NotYet, array, asks_for_function

COUNTS = "Draw one mask for all T steps"


@asks_for_function
def check_same_masks(same_masks):
    """Chapter 4.3, “Code”: same_masks(x, p, seed) → x under dropout with one mask for all steps of a sequence.

    x: an array (T, B, n) without zeros; p: the share that is dropped, from 0 up to 1, without 1; seed: a whole number,
    for ``np.random.default_rng``. The result has the shape of x. For each sequence and unit, either every step is 0, or
    every step is x / (1 − p). Sequences have different masks, and another seed
    gives other masks. Checked for four shapes.
    """
    rng = np.random.default_rng(43)
    for T, B, n, p in [(5, 20, 60, 0.3), (1, 30, 40, 0.2), (12, 4, 300, 0.75), (3, 2, 5, 0.0)]:
        where = f"for x of shape ({T}, {B}, {n}) and p={p}"
        x = rng.normal(size=(T, B, n)) + np.where(rng.random((T, B, n)) < 0.5, 4, -4)
        got, other = (
            array(call(same_masks, where, x=x, p=p, seed=seed), x.shape, where, "x under dropout") for seed in (1, 2)
        )
        judge(where, got / x, p)
        if p and np.array_equal(got, other):
            raise NotYet(f"{where}, the seeds 1 and 2 give the same masks. Use np.random.default_rng(seed).")


def judge(where, factor, p):
    """NotYet, if ``factor`` (T, B, n), what each entry of x was multiplied by, is no mask that all steps share."""
    T, B, n = factor.shape
    kept, wish, share = factor != 0, 1 / (1 - p), (factor == 0).mean()
    values = np.unique(factor[kept].round(6))
    if p and not (~kept).any():
        raise NotYet(f"{where}, nothing is dropped: no entry of the result is 0.")
    if not kept.any():
        raise NotYet(f"{where}, everything is dropped: every entry of the result is 0.")
    if len(values) > 1:
        raise NotYet(f"{where}, the kept entries are multiplied by different numbers. A mask has two values only.")
    if p and abs(share - (1 - p)) < 0.08 < abs(share - p):
        raise NotYet(f"{where}, {share:.0%} of the entries are 0. p is the share that is dropped, not the one kept.")
    if p and abs(values[0] - 1) < 1e-6:
        raise NotYet(f"{where}, the kept entries are not scaled. Divide them by 1 − p, so that the mean stays.")
    if abs(values[0] - wish) > 1e-5:
        hint = {"1/p": 1 / p if p else 0, "1 − p": 1 - p, "p": p}
        hint = next((f" You multiply by {name}." for name, value in hint.items() if abs(values[0] - value) < 1e-5), "")
        raise NotYet(f"{where}, the kept entries are multiplied by {values[0]:.4g}; it should be {wish:.4g}.{hint}")
    if T > 1 and p and (kept != kept[:1]).any():
        if (kept == kept[:, :, :1]).all() and (kept == kept[:, :1]).all():
            raise NotYet(f"{where}, whole steps are dropped. {COUNTS}, of shape (1, B, n).")
        raise NotYet(f"{where}, the masks of two steps differ. {COUNTS}, of shape (1, B, n).")
    if p and (kept == kept[:, :1]).all():
        raise NotYet(f"{where}, all sequences have the same mask. Draw one for each: the mask has shape (1, B, n).")
    if p and (kept == kept[:, :, :1]).all():
        raise NotYet(
            f"{where}, whole sequences are dropped. Draw an entry for each unit: the mask has shape (1, B, n)."
        )
    if p and abs(share - p) > 0.08:
        raise NotYet(f"{where}, {share:.0%} of the entries are 0; it should be about {p:.0%}.")
