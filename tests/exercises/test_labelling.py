"""What the check of chapter 5.2 says of answers that are not done, nearly right, or wrong in a known way."""

import pytest

from rnncourse.exercises import check_spans
from rnncourse.exercises.labelling import strict


def changed(change):
    return lambda tags: {change(*span) for span in strict(tags)}


def only_b(tags):
    return {(t, t + 1, tag[2:]) for t, tag in enumerate(tags) if tag[0] == "B"}


def empties(tags):
    found = strict(tags)
    tags.clear()
    return found


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda tags: set(), "No span was found"),
        (lambda tags: strict(tags, orphans=True), "begins no span here"),
        (lambda tags: strict(tags, same=False), "only with an I of its own label"),
        (lambda tags: strict(tags, begins=False), "A B always begins a new span"),
        (only_b, "goes on with every I of its label"),
        (changed(lambda a, b, label: (a, b - 1, label)), "behind the last token"),
        (changed(lambda a, b, label: (a + 1, b + 1, label)), "counted from 0"),
        (changed(lambda a, b, label: (a, b, f"B-{label}")), "without its first two letters"),
        (lambda tags: {s for s in strict(tags) if s[1] < len(tags)}, "ends with the line is missing"),
        (changed(lambda a, b, label: (a, b - a, label)), "not a length"),
        (lambda tags: None, "Is a `return …` missing?"),
        (lambda tags: 3, "the result is the number 3"),
        (lambda tags: ["a"], "of length 1. Each span should be (first, behind last, label)"),
        (lambda tags: {(0, 1, "x")}, "It should be"),
        (empties, "changes its input tags"),
    ],
)
def test_hints(answer, says):
    verdict = check_spans(answer)
    assert not verdict and says in str(verdict)


def test_right_answers():
    assert check_spans(strict)
    assert check_spans(lambda tags: sorted(strict(tags)))
