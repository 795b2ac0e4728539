"""Networks over time, and the numbers that they hold."""

from rnncourse.diagrams.svg import arrow, box, picture, subscript, text


def unrolled(inputs, outputs, title="The loop on the left is the row on the right"):
    """The network as a loop, and the same loop unrolled over ``inputs``: one column a step.

    inputs: what is read at each step; outputs: what should come out, None where nothing is asked.
    Raises ValueError if there are not as many of one as of the other.
    """
    if not inputs or len(inputs) != len(outputs):
        raise ValueError(
            f"diagrams.unrolled: expected as many outputs as inputs, at least one, got {len(inputs)} and {len(outputs)}"
        )
    top, middle, bottom, gap, left = 60, 140, 220, 92, 250
    parts = [box(70, bottom, "xₜ", "rnn-in"), box(70, middle, "hₜ"), box(70, top, "oₜ", "rnn-out")]
    parts += [arrow((70, bottom - 17), (70, middle + 18)), arrow((70, middle - 17), (70, top + 18))]
    parts += [
        arrow((93, middle + 8), (128, middle + 8), (128, middle - 8), (94, middle - 8)),
        text(140, middle, "W"),
    ]
    parts += [text(84, 180, "U"), text(84, 100, "V"), text(175, middle, "="), box(left - 40, middle, "h₀")]
    for t, (x, y) in enumerate(zip(inputs, outputs, strict=True), 1):
        column = left + gap * t - 45
        before = left - 17 if t == 1 else column - gap + 23
        parts += [
            arrow((before, middle), (column - 24, middle)),
            text((before + column - 24) / 2, middle - 13, "W"),
        ]
        parts += [box(column, middle, f"h{subscript(t)}"), box(column, bottom, x, "rnn-in")]
        parts += [arrow((column, bottom - 17), (column, middle + 18)), text(column + 14, 180, "U")]
        if y is not None:
            parts += [
                arrow((column, middle - 17), (column, top + 18)),
                text(column + 14, 100, "V"),
                box(column, top, y, "rnn-out"),
            ]
    return picture(left + gap * len(inputs) + 10, 260, title, parts)


def backward(steps, title="The backward pass: every matrix is transposed"):
    """The backward pass of the unrolled network, one column a step: each arrow is a product.

    From ŷ_t − y_t by Vᵀ, and from δ_{t+1} by Wᵀ, to their sum ∂L/∂h_t; from there by f′ to δ_t; from δ_t by Uᵀ to
    ∂L/∂x_t. Raises ValueError for no step.
    """
    if steps < 1:
        raise ValueError(f"diagrams.backward: expected at least one step, got {steps}")
    out, state, error, bottom, gap = 30, 105, 180, 255, 135
    parts = [box(46, state, "∂L/∂h₀", width=70)]
    for t in range(1, steps + 1):
        x, number = 46 + gap * t, subscript(t)
        parts += [box(x, out, f"ŷ{number} − y{number}", "rnn-out", 78), box(x, state, f"∂L/∂h{number}", width=70)]
        parts += [box(x, error, f"δ{number}"), box(x, bottom, f"∂L/∂x{number}", "rnn-in", 78)]
        parts += [arrow((x, out + 17), (x, state - 18)), text(x + 16, (out + state) / 2, "Vᵀ")]
        parts += [arrow((x, state + 17), (x, error - 18)), text(x + 13, (state + error) / 2, "f′")]
        parts += [arrow((x, error + 17), (x, bottom - 18)), text(x + 16, (error + bottom) / 2, "Uᵀ")]
        parts += [arrow((x - 23, error - 8), (x - gap + 36, state + 12)), text(x - gap / 2 - 2, error - 20, "Wᵀ")]
    return picture(46 + gap * steps + 55, 280, title, parts)


def bidirectional(inputs, outputs, title="Two passes over one sequence; they meet only in the output"):
    """Two directions over ``inputs``, one column a step: → from the first step, ← from the last, both to the output.

    outputs: what should come out, None where nothing is asked. Raises ValueError as ``unrolled`` does.
    """
    if not inputs or len(inputs) != len(outputs):
        raise ValueError(
            "diagrams.bidirectional: expected as many outputs as inputs, at least one, "
            f"got {len(inputs)} and {len(outputs)}"
        )
    out, back, ahead, bottom, gap = 40, 110, 170, 245, 128
    last, parts = len(inputs), []
    for t, (x, y) in enumerate(zip(inputs, outputs, strict=True), 1):
        column, number = 70 + gap * (t - 1), subscript(t)
        left, right = column - 24, column + 24
        parts += [
            box(column, bottom, x, "rnn-in", 96),
            box(left, ahead, f"→h{number}"),
            box(right, back, f"←h{number}"),
        ]
        parts += [arrow((column - 10, bottom - 17), (left, ahead + 18))]
        parts += [arrow((column + 10, bottom - 17), (right, back + 18))]
        if t < last:
            parts += [arrow((left + 23, ahead), (left + gap - 24, ahead))]
            parts += [arrow((right + gap - 23, back), (right + 24, back))]
        if y is not None:
            parts += [box(column, out, y, "rnn-out", 80)]
            parts += [
                arrow((left, ahead - 17), (column - 12, out + 18)),
                arrow((right, back - 17), (column + 12, out + 18)),
            ]
    return picture(12 + gap * last, 275, title, parts, fold=True)


SHAPES = {
    "one to one": ("x", "y"),
    "one to many": ("x··", "yyy"),
    "many to one": ("xxx", "··y"),
    "many to many, delayed": ("xxx··", "··yyy"),
    "many to many, in step": ("xxx", "yyy"),
}
"""Name of each input/output shape → the steps at which something goes in (x), and at which something is asked (y)."""


def shapes(
    title="Which steps get an input, which give an output?",
):
    """The five input/output shapes, two in a row, and what the colours mean: as wide as a phone."""
    parts, wide, high, gap = [], 200, 190, 36
    for place, (name, (reads, says)) in enumerate(SHAPES.items()):
        middle, top = wide * (place % 2) + wide / 2, high * (place // 2)
        first, _, second = name.partition(", ")
        for t, (x, y) in enumerate(zip(reads, says, strict=True)):
            column = middle + gap * (t - (len(reads) - 1) / 2)
            parts.append(box(column, top + 80, "", "rnn-state", 24, 28))
            if t:
                parts.append(arrow((column - gap + 12, top + 80), (column - 13, top + 80)))
            if x == "x":
                parts += [box(column, top + 135, "", "rnn-in", 24, 24), arrow((column, top + 123), (column, top + 95))]
            if y == "y":
                parts += [arrow((column, top + 66), (column, top + 38)), box(column, top + 25, "", "rnn-out", 24, 24)]
        parts += [text(middle, top + 160, first, "rnn-small"), text(middle, top + 177, second, "rnn-small")]
    left, top = wide * 1.25, high * 2
    for y, kind, meaning in [(25, "rnn-out", "output"), (80, "rnn-state", "state"), (135, "rnn-in", "input")]:
        parts += [box(left, top + y, "", kind, 24, 24), text(left + 24, top + y, meaning, "rnn-left rnn-small")]
    return picture(2 * wide, 3 * high, title, parts, fold=True)


def stacked(m, n, gates=("i", "f", "g", "o"), title=None):
    """The matrix [U W b] of a gated cell times the column [x, h, 1]: one square for each number, n rows for each gate.

    m, n: sizes small enough to draw, together at most 12. Raises ValueError for others.
    """
    if m < 1 or n < 1 or m + n > 12:
        raise ValueError(f"diagrams.stacked: expected m and n of at least 1, together at most 12, got {m} and {n}")
    size, left, top, gap = 26, 86, 34, 8
    rows, kinds = len(gates) * n, ["rnn-in"] * m + ["rnn-state"] * n + ["rnn-op"]
    column = [left + size * j + gap * ((j >= m) + (j >= m + n)) for j in range(m + n + 1)]
    row = [top + size * i + gap * (i // n) for i in range(rows)]

    def square(x, y, kind):
        return f'<rect class="{kind}" x="{x + 1}" y="{y + 1}" width="{size - 2}" height="{size - 2}" rx="3"/>'

    parts = [square(x, y, kind) for y in row for x, kind in zip(column, kinds, strict=True)]
    names = [("U", 0, m), ("W", m, n), ("b", m + n, 1)]
    parts += [text((column[at] + column[at + width - 1] + size) / 2, 16, name) for name, at, width in names]
    for k, gate in enumerate(gates):
        parts.append(text(left - 44, (row[k * n] + row[k * n + n - 1] + size) / 2, f"{gate}: {n} row{'s' * (n > 1)}"))
    bottom = row[-1] + size + 18
    for label, (_, at, width) in zip((f"m = {m}", f"n = {n}", "1"), names, strict=True):
        parts.append(text((column[at] + column[at + width - 1] + size) / 2, bottom, label, "rnn-small"))
    vector = column[-1] + size + 46
    start = (top + row[-1] + size - size * (m + n + 1) - 2 * gap) / 2
    parts.append(text(vector - 24, (top + row[-1] + size) / 2, "×"))
    for j, kind in enumerate(kinds):
        parts.append(square(vector, start + size * j + gap * ((j >= m) + (j >= m + n)), kind))
    for name, at, width in [("xₜ", 0, m), ("hₜ₋₁", m, n), ("1", m + n, 1)]:
        middle = start + size * (at + width / 2) + gap * ((at >= m) + (at >= m + n))
        parts.append(text(vector + size + 12, middle, name, "rnn-left"))
    total = f"{rows} rows × {m + n + 1} columns = {rows * (m + n + 1)} numbers"
    parts.append(text(vector + size + 70, (top + row[-1] + size) / 2, total, "rnn-left"))
    title = title or f"{len(gates)} blocks of n rows, m + n + 1 columns: every number of the cell is a square"
    return picture(vector + size + 330, bottom + 14, title, parts)
