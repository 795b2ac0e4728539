"""The ways of an LSTM's gradient from the last cell state to the first, one below the other, each lit in its row."""

from rnncourse.diagrams.svg import box, picture, subscript, text

LIT = (
    "<style>.rnn-lit{stroke:#D55E00;fill:none;stroke-width:3.5}.rnn-lit-tip{fill:#D55E00}.rnn-faint{opacity:.5}</style>"
    '<defs><marker id="rnn-lit-tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="4" markerHeight="4" '
    'orient="auto"><path class="rnn-lit-tip" d="M0 0L8 4L0 8z"/></marker></defs>'
)


def gradient_paths(*paths, title="Every path but the cell path passes through W"):
    """Paths of a gradient from the last cell state back to the first, one row for each, its arrows thick.

    path: one letter for each step back, "f" along the cell state or "W" through h; all paths of one length.
    Raises ValueError for no path, other letters, and paths of different lengths.
    """
    if not paths or not paths[0] or any(set(p) - {"f", "W"} or len(p) != len(paths[0]) for p in paths):
        raise ValueError(f"diagrams.gradient_paths: expected paths of one length, of f and W, got {paths}")
    steps, gap, left, height = len(paths[0]), 88, 40, 150
    parts = [LIT]
    for row, path in enumerate(paths):
        top, low = 58 + height * row, 128 + height * row
        parts.append(text(left - 20, top - 38, description(path), "rnn-left rnn-small"))
        for t in range(steps + 1):
            x = left + gap * t
            parts.append(box(x, top, f"c{subscript(t + 1)}", width=40))
            if t == steps:
                continue
            parts.append(box(x, low, f"h{subscript(t + 1)}", "rnn-out", 40))
            ways = {
                "f": [f"M{x + gap - 20} {top}L{x + 22} {top}"],
                "W": [f"M{x + gap - 14} {top + 17}L{x + 22} {low - 6}", f"M{x} {low - 17}L{x} {top + 19}"],
            }
            for name, lines in ways.items():
                lit = name == path[steps - 1 - t]  # the first letter is the step from the last state
                kind, tip = ("rnn-lit", "rnn-lit-tip") if lit else ("rnn-ink rnn-faint", "rnn-tip")
                parts += [f'<path class="{kind}" marker-end="url(#{tip})" d="{line}"/>' for line in lines]
            parts += [
                text(x + gap / 2, top - 12, "× f", "rnn-small"),
                text(x + gap / 2 + 12, low - 20, "W", "rnn-small"),
            ]
    return picture(left + gap * steps + 34, height * len(paths) + 4, title, parts, fold=True)


def description(path):
    """How often a path passes through W, in words."""
    passes, steps = path.count("W"), len(path)
    if not passes:
        return "the cell path: × f at every step"
    if passes == steps:
        return "W at every step"
    return f"{passes} of {steps} steps through W"
