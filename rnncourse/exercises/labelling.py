"""The check of chapter 5.2: spans from tags."""

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import NotYet, asks_for_function, kind

CASES = [
    ["B-a", "I-a", "O", "B-b"],
    ["O", "O"],
    ["B-a", "I-a"],
    ["B-a", "B-a", "I-a"],
    ["B-a", "I-a", "B-b", "I-b", "O"],
    ["O", "I-a", "I-a", "B-a"],
    ["B-a", "I-b", "I-b"],
    ["B-a", "O", "I-a"],
    ["B-call", "I-call", "B-call"],
    ["I-a"],
]


@asks_for_function
def check_spans(strict_spans):
    """Chapter 5.2, “Code”: strict_spans(tags) → the set of (first, behind last, label).

    tags: a list of strings "O", "B-label" and "I-label". A span begins at a B and goes on with each I of its label that
    follows at once. An I that follows neither a B nor an I of its label belongs to no span. Checked for ten lists.
    """
    for tags in CASES:
        where = f"for tags={tags}"
        got, wish = call(strict_spans, where, tags=tags), strict(tags)
        if got is None:
            raise NotYet(f"{where}, your function returns None. It should return a set. Is a `return …` missing?")
        if not isinstance(got, set | list | tuple):
            raise NotYet(f"{where}, the result is {kind(got)}. It should be a set of (first, behind last, label).")
        try:
            found = {(int(first), int(behind), str(label)) for first, behind, label in got}
        except (TypeError, ValueError):
            raise NotYet(
                f"{where}, the result is {kind(got)}. Each span should be (first, behind last, label)."
            ) from None
        if found != wish:
            hint = next((f" {why}" for slip, why in slips(tags) if slip == found), "")
            raise NotYet(f"{where}, the result is {shown(found)}. It should be {shown(wish)}.{hint}")


def strict(tags, orphans=False, same=True, begins=True):
    """The spans; orphans: an I may begin one; same: an I must have the label of its span; begins: a B ends a span."""
    found, start, label = set(), None, None
    for t, tag in enumerate([*tags, "O"]):
        on = start is not None and tag[0] in ("I" if begins else "BI") and (not same or tag[2:] == label)
        if start is not None and not on:
            found.add((start, t, label))
            start = None
        if start is None and (tag[0] == "B" or orphans and tag[0] == "I"):
            start, label = t, tag[2:]
    return found


def slips(tags):
    right = strict(tags)
    return [
        (set(), "No span was found: a span begins at a tag whose first letter is B."),
        (strict(tags, orphans=True), "An I that follows no B and no I of its label begins no span here."),
        (strict(tags, same=False), "A span goes on only with an I of its own label."),
        (strict(tags, begins=False), "A B always begins a new span, also next to a span of the same label."),
        (
            {(t, t + 1, tag[2:]) for t, tag in enumerate(tags) if tag[0] == "B"},
            "A span goes on with every I of its label that follows.",
        ),
        (
            {(a, b - 1, label) for a, b, label in right},
            "The second number is the index behind the last token, as in a slice.",
        ),
        ({(a + 1, b + 1, label) for a, b, label in right}, "Tokens are counted from 0."),
        ({(a, b, f"B-{label}") for a, b, label in right}, "The label is the tag without its first two letters."),
        (
            {(a, b, label) for a, b, label in right if b < len(tags)},
            "The span that ends with the line is missing.",
        ),
        ({(a, b - a, label) for a, b, label in right}, "The second number is an index, not a length."),
    ]


def shown(spans):
    return sorted(spans) if spans else "no span"
