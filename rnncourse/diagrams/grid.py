"""A deep network over time: a grid of states, layers upwards and steps to the right, and one path through it."""

from rnncourse.diagrams.paths import LIT
from rnncourse.diagrams.svg import arrow, box, picture, subscript, text

RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def grid(layers, steps, path=None, title="Each state is read twice: at the next step, and by the next layer"):
    """The states of ``layers`` layers over ``steps`` steps.

    path: None, and the arrows show what reads what; or a word of W (one step back) and U (one layer down), a path of
    the gradient from the last state of the last layer to the first state of the first, thick among the others.
    Raises ValueError for no layer or no step, and for a path that does not end at the first state.
    """
    if layers < 1 or steps < 1 or (path is not None and sorted(path) != sorted("U" * (layers - 1) + "W" * (steps - 1))):
        raise ValueError(
            "diagrams.grid: expected at least one layer and step, and a path of layers − 1 times U and steps − 1 times "
            f"W, got {layers}, {steps} and {path!r}"
        )
    gap, rise, left, bottom = 92, 82, 40, 30 + 82 * layers
    place = {
        (layer, t): (left + gap * (t - 1), bottom - rise * layer)
        for layer in range(layers + 1)
        for t in range(1, steps + 1)
    }
    lit, at = set(), (layers, steps)
    for letter in path or "":
        to = (at[0], at[1] - 1) if letter == "W" else (at[0] - 1, at[1])
        lit.add((to, at))
        at = to
    parts = [LIT]
    for (layer, t), (x, y) in place.items():
        words = f"h{str(layer).translate(RAISED)}{subscript(t)}" if layer else f"x{subscript(t)}"
        parts.append(box(x, y, words, "rnn-state" if layer else "rnn-in", 50))
        if layer < layers:
            parts.append(edge((x, y - 17), (x, y - rise + 18), path, ((layer, t), (layer + 1, t)) in lit))
            parts.append(text(x + 14, y - rise / 2, f"U{str(layer + 1).translate(RAISED)}", "rnn-small"))
        if layer and t < steps:
            parts.append(edge((x + 25, y), (x + gap - 26, y), path, ((layer, t), (layer, t + 1)) in lit))
            parts.append(text(x + gap / 2, y - 13, f"W{str(layer).translate(RAISED)}", "rnn-small"))
    return picture(left + gap * (steps - 1) + 40, bottom + 24, title, parts, fold=True)


def edge(start, end, path, lit):
    """An arrow from start to end; with a path the other way, for the gradient, and thick where it is lit."""
    if path is None:
        return arrow(start, end)
    kind, tip = ("rnn-lit", "rnn-lit-tip") if lit else ("rnn-ink rnn-faint", "rnn-tip")
    return f'<path class="{kind}" marker-end="url(#{tip})" d="M{end[0]} {end[1]}L{start[0]} {start[1]}"/>'
