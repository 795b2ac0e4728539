"""What the check of chapter 4.5 says of answers that are not done, nearly right, or wrong in a known way."""

import numpy as np
import pytest

from rnncourse.exercises import check_move_rows


def with_other(other):
    """An answer that gives a new character ``other(rows)``."""
    return lambda rows, old, new: np.array([rows[old.index(c)] if c in old else other(rows) for c in new])


def mean_of_both(rows, old, new):
    both = [old.index(c) for c in new if c in old]
    mean = rows[both].mean(axis=0) if both else rows.mean(axis=0)
    return with_other(lambda _: mean)(rows, old, new)


def by_position(rows, old, new):
    return np.array([rows[i] if i < len(old) else rows.mean(axis=0) for i in range(len(new))])


def at_the_place_in_new(rows, old, new):
    return np.array([rows[i] if c in old and i < len(old) else rows.mean(axis=0) for i, c in enumerate(new)])


def in_order(rows, old, new):
    return with_other(lambda rows: rows.mean(axis=0))(rows, old, "".join(sorted(new)))


def changes_its_input(rows, old, new):
    rows[0] = 0
    return with_other(lambda rows: rows.mean(axis=0))(rows, old, new)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda rows, old, new: rows[[old.find(c) for c in new]], "str.find returns −1"),
        (with_other(lambda rows: rows[0]), "got the first old row"),
        (with_other(lambda rows: 0 * rows[0]), "got zeros"),
        (with_other(lambda rows: 0 * rows[0] + rows.mean()), "Take the mean over axis 0"),
        (with_other(lambda rows: rows.sum(axis=0)), "the sum of the old rows"),
        (mean_of_both, "Take all old rows"),
        (lambda rows, old, new: np.array([rows.mean(axis=0)] * len(new)), "Every character got the mean"),
        (by_position, "copied by position"),
        (at_the_place_in_new, "The row was taken at the place in new"),
        (in_order, "The characters were sorted"),
        (lambda rows, old, new: np.vstack([rows, rows]), "It should be a row for each character of new"),
        (lambda rows, old, new: rows[[old.index(c) for c in new]], "your code stops at line"),
        (lambda rows, old, new: None, "Is a `return …` missing?"),
        (lambda rows, old: rows, "the check gives it (rows, old, new)"),
        (changes_its_input, "changes its input rows"),
    ],
)
def test_move_rows(answer, says):
    verdict = check_move_rows(answer)
    assert not verdict and says in verdict, verdict
