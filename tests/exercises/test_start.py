"""What the checks of part 0 say of answers that are not done, nearly right, or wrong in a known way."""

import pytest

from rnncourse.exercises import check_pieces


def right(kinds):
    found, begin = [], 0
    for place in range(1, len(kinds) + 1):
        if place == len(kinds) or kinds[place] != kinds[begin]:
            found.append((begin, place, kinds[begin]))
            begin = place
    return found


def changes_its_input(kinds):
    found = right(kinds)
    kinds.append(0)
    return found


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda kinds: None, "the result is None"),
        (None, "Pass the function itself"),
        (right([0, 0, 1]), "you passed a result"),
        (lambda kinds: 3, "the result is the number 3"),
        (lambda kinds: [0, 2], "one piece is the number 0"),
        (lambda kinds: right(kinds)[:-1], "The last piece is missing"),
        (lambda kinds: [(a, b - 1, k) for a, b, k in right(kinds)], "The end is not included"),
        (lambda kinds: [(a, b - a, k) for a, b, k in right(kinds)], "not the length"),
        (lambda kinds: [(k, a, b) for a, b, k in right(kinds)], "The order is begin, end, kind"),
        (lambda kinds: [(a + 1, b + 1, k) for a, b, k in right(kinds)], "The places count from 0"),
        (lambda kinds: [p for p in right(kinds) if p[2]], "Pieces of kind 0 count"),
        (lambda kinds: right(kinds) + [(0, 0, 0)], "there are 4 pieces; there should be 3"),
        (lambda kinds: [(a, b, 1 - k) for a, b, k in right(kinds)], "piece 0 is (0, 2, 1); it should be (0, 2, 0)"),
        (lambda kinds: right(kinds) if kinds else [kinds[0]], "for kinds=[]"),
        (lambda kinds: 1 / 0, "ZeroDivisionError"),
        (
            lambda kinds: [list(piece) for piece in right(kinds)],
            "one piece is a list of length 3. It should be a tuple",
        ),
        (lambda kinds: tuple(right(kinds)), "the result is a tuple of length 3. It should be a list of tuples"),
        (changes_its_input, "chang"),
    ],
)
def test_pieces(answer, says):
    verdict = check_pieces(answer)
    assert not verdict and says in verdict


def test_pieces_right():
    assert check_pieces(right) == "Correct."
