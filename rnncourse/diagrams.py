"""Pictures of networks, drawn as SVG: sharp at any size, in the reader's light or dark theme.

Blue goes in, green is state, vermilion comes out; the boxes carry letters too, so colour is never alone.
"""

from html import escape

from IPython.display import SVG

STYLE = """<style>
.rnn-paper{fill:#ffffff}.rnn-ink{stroke:#1f2328;fill:none;stroke-width:1.4}.rnn-tip{fill:#1f2328}
.rnn-text{fill:#1f2328;font:15px 'DejaVu Sans','Segoe UI',system-ui,sans-serif;text-anchor:middle;
dominant-baseline:central}.rnn-small{font-size:12.5px}.rnn-title{font-weight:bold}.rnn-left{text-anchor:start}
.rnn-in{fill:#d6e9f5;stroke:#0072B2}.rnn-state{fill:#d3efe5;stroke:#009E73}.rnn-out{fill:#fbe3d3;stroke:#D55E00}
.rnn-none{fill:none;stroke:#8b949e;stroke-dasharray:3 3}.rnn-op{fill:#ffffff;stroke:#1f2328}
@media (prefers-color-scheme: dark){
.rnn-paper{fill:#14181e}.rnn-ink{stroke:#e6e6e6}.rnn-tip{fill:#e6e6e6}.rnn-text{fill:#e6e6e6}
.rnn-in{fill:#0b3a56}.rnn-state{fill:#0a4636}.rnn-out{fill:#592b0c}.rnn-op{fill:#14181e;stroke:#e6e6e6}}
</style><defs><marker id="rnn-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
orient="auto-start-reverse"><path class="rnn-tip" d="M0 0L8 4L0 8z"/></marker></defs>"""


def picture(width, height, title, parts):
    """The parts on a sheet of width × height, or wider if the title is: it is also the alternative text."""
    width = max(width, 28 + 9 * len(title))
    return SVG(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -30 {width} {height + 30}" width="{width}" '
        f'height="{height + 30}" role="img"><title>{escape(title)}</title>{STYLE}'
        f'<rect class="rnn-paper" y="-30" width="{width}" height="{height + 30}" rx="6"/>'
        f"{text(14, -8, title, 'rnn-left rnn-title')}{''.join(parts)}</svg>"
    )


def text(x, y, words, kind=""):
    return f'<text class="rnn-text {kind}" x="{x}" y="{y}">{escape(str(words))}</text>'


def box(x, y, words="", kind="rnn-state", width=46, height=34):
    """A box around the centre (x, y)."""
    frame = f'<rect class="{kind}" x="{x - width / 2}" y="{y - height / 2}" width="{width}" height="{height}" rx="6"/>'
    return frame + (text(x, y, words) if words else "")


def circle(x, y, words, radius=17):
    return f'<circle class="rnn-op" cx="{x}" cy="{y}" r="{radius}"/>' + text(x, y, words)


def arrow(*points):
    """An arrow along these (x, y) points."""
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    return f'<path class="rnn-ink" marker-end="url(#rnn-tip)" d="{path}"/>'


def subscript(number):
    """3 → ₃, for labels such as h₃."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


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


def blame(steps, title="Every arrow turns round, every matrix is transposed"):
    """The unrolled network on the way back: error terms δ from each loss to the states, the inputs and the start."""
    if steps < 1:
        raise ValueError(f"diagrams.blame: expected at least one step, got {steps}")
    top, middle, bottom, gap = 60, 140, 220, 140
    parts = [box(60, middle, "∂L/∂h₀", width=70)]
    for t in range(1, steps + 1):
        column, number = 60 + gap * t, subscript(t)
        before = 95 if t == 1 else column - gap + 23
        parts += [box(column, top, f"ŷ{number} − y{number}", "rnn-out", 78), box(column, middle, f"δ{number}")]
        parts += [box(column, bottom, f"∂L/∂x{number}", "rnn-in", 78)]
        parts += [arrow((column, top + 17), (column, middle - 18)), text(column + 18, 100, "Vᵀ")]
        parts += [arrow((column, middle + 17), (column, bottom - 18)), text(column + 18, 180, "Uᵀ")]
        parts += [
            arrow((column - 23, middle), (before + 1, middle)),
            text((before + column - 23) / 2, middle - 13, "Wᵀ"),
        ]
    return picture(60 + gap * steps + 70, 260, title, parts)


SHAPES = {
    "one to one": ("x", "y"),
    "one to many": ("x··", "yyy"),
    "many to one": ("xxx", "··y"),
    "many to many, delayed": ("xxx··", "··yyy"),
    "many to many, in step": ("xxx", "yyy"),
}
"""Name of each input/output shape → the steps at which something goes in (x), and at which something is asked (y)."""


def shapes(
    title="Five shapes, one network: which steps get an input, which are asked for an output",
):
    """The five input/output shapes side by side."""
    parts, left = [], 20
    for name, (reads, says) in SHAPES.items():
        steps, gap = len(reads), 40
        width = max(gap * steps, 90)
        start = left + width / 2 - gap * (steps - 1) / 2
        for t, (x, y) in enumerate(zip(reads, says, strict=True)):
            column = start + gap * t
            parts.append(box(column, 105, "", "rnn-state", 26, 30))
            if t:
                parts.append(arrow((column - gap + 13, 105), (column - 14, 105)))
            if x == "x":
                parts += [box(column, 165, "", "rnn-in", 26, 26), arrow((column, 152), (column, 121))]
            if y == "y":
                parts += [arrow((column, 90), (column, 59)), box(column, 45, "", "rnn-out", 26, 26)]
        first, _, second = name.partition(", ")
        parts += [
            text(left + width / 2, 200, first, "rnn-small"),
            text(left + width / 2, 217, second, "rnn-small"),
        ]
        left += width + 24
    return picture(left - 4, 235, title, parts)


def cell(title="The simple cell: two products, a sum, a squashing f"):
    """The simple recurrent cell, h_t = f(U x_t + W h_{t−1} + b)."""
    parts = [
        box(60, 60, "hₜ₋₁", width=56),
        box(60, 170, "xₜ", "rnn-in", width=56),
        box(500, 60, "hₜ", width=56),
    ]
    parts += [
        circle(170, 60, "W"),
        circle(170, 170, "U"),
        circle(270, 60, "+"),
        circle(360, 60, "f"),
        box(270, 170, "b", "rnn-op", 34),
    ]
    parts += [
        arrow((88, 60), (152, 60)),
        arrow((187, 60), (252, 60)),
        arrow((287, 60), (342, 60)),
        arrow((377, 60), (471, 60)),
    ]
    parts += [
        arrow((88, 170), (152, 170)),
        arrow((187, 170), (222, 170), (222, 95), (257, 72)),
        arrow((270, 153), (270, 78)),
    ]
    parts += [
        arrow((424, 60), (424, 22), (30, 22), (30, 40)),
        text(424, 112, "hₜ is also the next", "rnn-small"),
        text(424, 130, "step’s hₜ₋₁", "rnn-small"),
    ]
    return picture(560, 210, title, parts)


def lstm(title="The cell state runs along the top; three gates decide what happens to it"):
    """The LSTM cell: c_t = f ⊙ c_{t−1} + i ⊙ g along the belt on top, h_t = o ⊙ tanh(c_t) read off below."""
    belt, gates, read, rail = 50, 190, 125, 262
    columns = {"f": 190, "i": 290, "g": 390, "o": 500}
    parts = [box(60, belt, "cₜ₋₁", width=56), box(690, belt, "cₜ", width=56), box(690, gates, "hₜ", "rnn-out", 56)]
    parts += [box(60, rail - 24, "hₜ₋₁", width=56), box(60, rail + 24, "xₜ", "rnn-in", 56)]
    parts += [circle(190, belt, "×"), circle(340, belt, "+"), circle(340, read, "×"), circle(590, gates, "×")]
    parts += [box(590, read, "tanh", "rnn-op", 56)]
    parts += [arrow((88, belt), (172, belt)), arrow((207, belt), (322, belt)), arrow((357, belt), (661, belt))]
    parts += [arrow((590, belt), (590, read - 18)), arrow((590, read + 17), (590, gates - 18))]
    parts += [arrow((607, gates), (661, gates)), arrow((523, gates), (572, gates))]
    parts += [arrow((190, gates - 17), (190, belt + 18)), arrow((340, read - 17), (340, belt + 18))]
    parts += [arrow((290, gates - 17), (290, read), (322, read)), arrow((390, gates - 17), (390, read), (358, read))]
    line = f"M88 {rail - 24}L120 {rail - 24}L120 {rail}L500 {rail}M88 {rail + 24}L120 {rail + 24}L120 {rail}"
    parts += [f'<path class="rnn-ink" d="{line}"/>']
    names = {"f": "forget: keep?", "i": "input: write?", "g": "candidate: what?", "o": "output: read?"}
    for gate, column in columns.items():
        squash = "tanh" if gate == "g" else "σ"
        parts += [arrow((column, rail), (column, gates + 18)), box(column, gates, f"{squash}({gate})", "rnn-op", 64)]
        parts += [text(column, rail + 18, names[gate].split(": ")[0], "rnn-small")]
        parts += [text(column, rail + 35, names[gate].split(": ")[1], "rnn-small")]
    parts += [text(470, belt - 16, "the belt", "rnn-small")]
    return picture(740, 310, title, parts)


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


def gru(title="z keeps or replaces, r shows or hides the past", uses=False):
    """The GRU cell, reset after the product: h_t = z ⊙ h_{t−1} + (1 − z) ⊙ g, and the candidate g sees h through r.

    uses: number the four places where the step uses h_{t−1}.
    """
    state, mix, gates, inner, rail, below = 50, 125, 200, 290, 380, 430
    z, r, last = 150, 250, 360
    parts = [box(60, state, "hₜ₋₁", width=56), box(450, state, "hₜ", "rnn-out", 56)]
    parts += [box(60, rail, "hₜ₋₁", width=56), box(60, below, "xₜ", "rnn-in", 56)]
    parts += [circle(z, state, "×"), circle(last, state, "+"), circle(last, mix, "×"), circle(last, inner, "×")]
    parts += [box(r, mix, "1 −", "rnn-op", 56), box(last, gates, "g = tanh", "rnn-op", 84)]
    parts += [box(z, gates, "z = σ", "rnn-op", 64), box(r, gates, "r = σ", "rnn-op", 64)]
    parts += [arrow((88, state), (z - 18, state)), arrow((z + 17, state), (last - 18, state))]
    parts += [arrow((last + 17, state), (421, state)), arrow((z, gates - 17), (z, state + 18))]
    parts += [arrow((z, mix), (r - 29, mix)), arrow((r + 28, mix), (last - 18, mix))]
    parts += [arrow((last, gates - 17), (last, mix + 18)), arrow((last, mix - 17), (last, state + 18))]
    parts += [arrow((last, inner - 17), (last, gates + 18))]
    parts += [arrow((r + 20, gates + 17), (r + 20, inner), (last - 18, inner))]
    parts += [arrow((88, rail), (last, rail), (last, inner + 18)), arrow((z - 10, rail), (z - 10, gates + 18))]
    parts += [arrow((r - 10, rail), (r - 10, gates + 18)), arrow((88, below), (450, below), (450, gates), (403, gates))]
    parts += [arrow((z + 10, below), (z + 10, gates + 18)), arrow((r + 6, below), (r + 6, gates + 18))]
    for x, y, question in [(z + 4, mix - 38, "keep?"), (last + 24, inner, "past?"), (last + 14, mix + 36, "what?")]:
        parts.append(text(x, y, question, "rnn-small rnn-left"))
    if uses:
        places = [(110, state), (r - 10, 340), (z - 10, 340), (last, 345)]
        parts += [badge(*place, number) for number, place in enumerate(places, 1)]
    return picture(500, 460, title, parts)


def badge(x, y, number):
    """A number on a filled disc, to point at a place in a picture."""
    disc = f'<circle class="rnn-out" cx="{x}" cy="{y}" r="12" stroke-width="1.5"/>'
    return disc + text(x, y, number, "rnn-small rnn-title")
