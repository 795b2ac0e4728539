"""The check of chapter 4.5: transfer."""

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import array, asks_for_function, compare


@asks_for_function
def check_move_rows(move_rows):
    """Chapter 4.5, “Code”: move_rows(rows, old, new) → the rows of an embedding for another vocabulary.

    rows: an array (k, m), row i of the character old[i]; old, new: strings, each character once. The result has shape
    (len(new), m): a character of both keeps its row, a new one gets the mean of all old rows. Checked for nine cases.
    """
    rng = np.random.default_rng(45)
    pairs = [("abc", "cad"), ("abc", "abcż"), ("abcde", "bd"), ("ab", "xyz"), ("abcd", "dcba"), ("ba", "abż")]
    pairs += [("xyzab", "aż"), ("ac", "abc"), ("żab", "baz")]
    for old, new in pairs:
        where, m = f"for old={old!r}, new={new!r}, m=3", 3
        rows = rng.normal(size=(len(old), m))
        got = call(move_rows, where, rows=rows, old=old, new=new)
        got = array(got, (len(new), m), where, "a row for each character of new")
        mean, both = rows.mean(axis=0), [c for c in new if c in old]

        def made(other, keep=True, new=new, old=old, rows=rows):
            return np.array([rows[old.index(c)] if keep and c in old else other for c in new])

        shared = rows[[old.index(c) for c in both]].mean(axis=0) if both else mean
        placed = [rows[i] if i < len(old) else mean for i in range(len(new))]
        ordered = np.array([rows[old.index(c)] if c in old else mean for c in sorted(new)])
        where_old = np.array([rows[i] if c in old and i < len(old) else mean for i, c in enumerate(new)])
        slips = [
            (
                made(rows[-1]),
                "A new character got the last old row. str.find returns −1 for it, and rows[-1] is a row.",
            ),
            (made(rows[0]), "A new character got the first old row. It should get the mean of all old rows."),
            (made(np.zeros(m)), "A new character got zeros. It should get the mean of all old rows."),
            (made(np.full(m, rows.mean())), "A new character got one number m times. Take the mean over axis 0."),
            (made(shared), "The mean is over the characters of both vocabularies only. Take all old rows."),
            (made(rows.sum(axis=0)), "A new character got the sum of the old rows. It should get their mean."),
            (made(mean, keep=False), "Every character got the mean. A character of both vocabularies keeps its row."),
            (
                np.array(placed),
                "The rows were copied by position. Row i of the result belongs to new[i], not to old[i].",
            ),
            (where_old, "The row was taken at the place in new. Take rows[old.index(c)]."),
            (ordered, "The characters were sorted. Row i of the result belongs to new[i]."),
        ]
        compare(where, got, made(mean), slips=slips)
