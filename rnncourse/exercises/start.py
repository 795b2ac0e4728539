"""The checks of part 0: start here."""

import itertools

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import NotYet, asks_for_function, kind


@asks_for_function
def check_pieces(pieces):
    """Chapter 0.1, “For your own data”: pieces(kinds) → a list of (begin, end, kind), one for each run of equal kinds.

    kinds: a list of integers; begin and end count from 0, end is not included. Checked: lists with one run, runs of
    length 1, a kind that comes again, an empty list, and that kinds does not change.
    """
    drawn = np.random.default_rng(1).integers(3, size=50).tolist()
    for kinds in ([0, 0, 2, 2, 2, 0], [1], [1, 1, 1], [0, 1, 0], drawn, []):
        where = f"for kinds={kinds if len(kinds) < 10 else f'a list of {len(kinds)} kinds'}"
        answer = call(pieces, where, kinds=list(kinds))
        if not isinstance(answer, list):
            raise NotYet(f"{where}, the result is {kind(answer)}. It should be a list of tuples (begin, end, kind).")
        for piece in answer:
            if not isinstance(piece, tuple) or len(piece) != 3:
                raise NotYet(f"{where}, one piece is {kind(piece)}. It should be a tuple (begin, end, kind).")
        got, wish = answer, runs(kinds)
        if got != wish:
            both = zip(got, wish, strict=False)
            first = next((i for i, (a, b) in enumerate(both) if a != b), min(len(got), len(wish)))
            shown = [f"{list_[first]}" if first < len(list_) else "missing" for list_ in (got, wish)]
            says = f"piece {first} is {shown[0]}; it should be {shown[1]}"
            if shown[1] == "missing":
                says = f"there are {len(got)} pieces; there should be {len(wish)}"
            raise NotYet(f"{where}, {says}.{slip(got, wish)}")


def runs(kinds):
    edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    return [(a, b, kinds[a]) for a, b in itertools.pairwise(edges) if a < b]


def slip(got, wish):
    """A sentence about a slip that many make, or nothing."""
    slips = [
        (wish[:-1], "The last piece is missing: it ends at the end of the list, where no kind changes."),
        ([(a, b - 1, k) for a, b, k in wish], "The end is not included: a piece of length 1 ends at begin + 1."),
        ([(a, b - a, k) for a, b, k in wish], "The second number is the end, not the length."),
        ([(k, a, b) for a, b, k in wish], "The order is begin, end, kind."),
        ([(a + 1, b + 1, k) for a, b, k in wish], "The places count from 0."),
        ([piece for piece in wish if piece[2]], "Pieces of kind 0 count, too."),
    ]
    return next((f" {why}" for wrong, why in slips if wrong and got == wrong), "")
