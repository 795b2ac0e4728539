"""The groups of a clockwork network over the steps: who ticks, who copies, and who reads whom."""

from rnncourse.diagrams.svg import arrow, box, picture, text


def clockwork(periods=(1, 2, 4, 8), steps=9, lit=None, title="A slow group copies its state between ticks"):
    """One row for each group, the first on top, and one column for each step, counted from 0.

    A green box ticks: its group is computed. A dashed box is a copy of the box to its left. lit: a step, whose ticking
    groups get an arrow from every group that they read, one step before. Raises ValueError for fewer steps than 1 and
    for a lit step that has none before.
    """
    if steps < 1 or lit not in (None, *range(1, steps)):
        raise ValueError(
            f"diagrams.clockwork: expected steps of at least 1 and lit None or from 1 to {steps - 1}, got {steps} and "
            f"{lit!r}"
        )
    left, gap, down = 128, 52, 56

    def place(t, row):  # before the lit step there is room for its arrows
        return left + gap * t + 26 * bool(lit and t >= lit), 50 + down * row

    parts = [text(place(t, 0)[0], 14, t, "rnn-small") for t in range(steps)]
    parts.append(text(14, 14, "step", "rnn-small rnn-left"))
    for row, period in enumerate(periods):
        parts.append(text(14, 50 + down * row, f"period {period}", "rnn-left"))
        for t in range(steps):
            x, y = place(t, row)
            kind = "rnn-state" if t % period == 0 else "rnn-none"
            parts.append(box(x, y, "tick" if t % period == 0 else "", kind, 36, 28))
            if t and t % period:
                parts.append(arrow((place(t - 1, row)[0] + 18, y), (x - 19, y)))
    for row, period in enumerate(periods if lit else ()):
        if lit % period == 0:
            for slower in range(row, len(periods)):
                (x, y), (u, v) = place(lit - 1, slower), place(lit, row)
                parts.append(arrow((x + 18, y), (u - 19, v + 4 * (slower > row))))
    return picture(place(steps, 0)[0] - 10, 34 + down * len(periods), title, parts, fold=True)
