"""The LSTM cell in colour: each gate its own, and any part lit while the rest is pale. Narrow, for a phone."""

from rnncourse.diagrams.svg import box, circle, picture, text

INKS = {  # name → line, and fill in a light and in a dark theme: apart for colour-blind readers, as are the letters
    "f": ("#D55E00", "#fbe3d3", "#592b0c"),
    "i": ("#0072B2", "#d6e9f5", "#0b3a56"),
    "g": ("#E69F00", "#fdf0d0", "#4a3608"),
    "o": ("#CC79A7", "#f7e4ee", "#4d2a3e"),
    "c": ("#009E73", "#d3efe5", "#0a4636"),
    "x": ("#8b949e", "#eef0f2", "#2a3038"),
}
PARTS = ("forget", "write", "cell", "read")
"""What ``lstm`` can light: a gate with its arrows, the two that write, the update of the cell state, the output."""


def style():
    """The style sheet and the arrowheads of INKS."""
    rules, dark, tips = [], [".rnn-i,.rnn-line-i{stroke:#3b97d8}"], []
    for ink, (colour, day, night) in INKS.items():
        thick, head = (4, 9) if ink == "c" else (2.4, 11)
        rules += [f".rnn-{ink}{{fill:{day};stroke:{colour};stroke-width:1.8}}"]
        rules += [f".rnn-line-{ink}{{fill:none;stroke:{colour};stroke-width:{thick}}}"]
        dark += [f".rnn-{ink}{{fill:{night}}}"]
        tips += [
            f'<marker id="rnn-tip-{ink}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="{head}" '
            f'markerHeight="{head}" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path fill="{colour}" d="M0 0L8 4L0 8z"/></marker>'
        ]
    rules += [".rnn-pale{opacity:.22}.rnn-big{font-size:18px}.rnn-letter{font-size:20px;font-weight:bold}"]
    rules += ["@media (prefers-color-scheme: dark){", *dark, "}"]
    return f"<style>{''.join(rules)}</style><defs>{''.join(tips)}</defs>"


def line(ink, *points, tip=True):
    """A line in the colour of ``ink`` along these (x, y) points, with an arrowhead or without."""
    path, head = "M" + "L".join(f"{x} {y}" for x, y in points), f' marker-end="url(#rnn-tip-{ink})"' if tip else ""
    return f'<path class="rnn-line-{ink}"{head} d="{path}"/>'


def lstm(lit=(), title="The cell state runs along the top. Three gates act on it; all look at x and h."):
    """The LSTM cell: c_t = f ⊙ c_{t−1} + i ⊙ g along the top, h_t = o ⊙ tanh(c_t) below it on the right.

    lit: some of PARTS, the rest is pale; all in full colour if left out. The letters mean a gate's value after its
    squashing, σ or tanh, which stands beside the arrow that enters the gate.
    Raises ValueError for another part.
    """
    if isinstance(lit, str) or not set(lit) <= set(PARTS):
        raise ValueError(f"diagrams.lstm: expected lit to hold some of {', '.join(PARTS)}, got {lit!r}")
    top, product, gates, rail = 40, 150, 258, 352
    f, i, g, o, end = 110, 200, 290, 380, 444
    middle = (i + g) / 2

    def gate(letter, x, name, squash):
        return [
            line(letter, (x, rail), (x, gates + 31)),
            text(x + (25 if squash == "tanh" else 15), gates + 62, squash),
            box(x, gates, "", f"rnn-{letter}", 84, 58),
            text(x, gates - 9, letter, "rnn-letter"),
            text(x, gates + 15, name),
        ]

    def state(x, y, letter, kind):
        return [box(x, y, "", kind, 56), text(x, y, letter, "rnn-big")]

    drawn = {
        "inputs": [
            line("x", (66, rail - 24), (84, rail - 24), (84, rail), tip=False),
            line("x", (66, rail + 24), (84, rail + 24), (84, rail), (o, rail), tip=False),
            *state(38, rail - 24, "hₜ₋₁", "rnn-x"),
            *state(38, rail + 24, "xₜ", "rnn-x"),
        ],
        "forget": [line("f", (f, gates - 29), (f, top + 19)), *gate("f", f, "forget", "σ")],
        "write": [
            line("i", (i, gates - 29), (i, product), (middle - 19, product)),
            line("g", (g, gates - 29), (g, product), (middle + 19, product)),
            *gate("i", i, "input", "σ"),
            *gate("g", g, "candidate", "tanh"),
            circle(middle, product, "×"),
        ],
        "cell": [
            line("c", (66, top), (f - 19, top)),
            line("c", (f + 17, top), (middle - 19, top)),
            line("c", (middle + 17, top), (end - 30, top)),
            line("c", (middle, product - 17), (middle, top + 19)),
            *state(38, top, "cₜ₋₁", "rnn-c"),
            *state(end, top, "cₜ", "rnn-c"),
            circle(f, top, "×"),
            circle(middle, top, "+"),
        ],
        "read": [
            line("c", (o, top + 2), (o, 87)),
            line("c", (o, 119), (o, 157)),
            line("o", (o, gates - 29), (o, 195)),
            line("o", (o + 17, 176), (end - 30, 176)),
            box(o, 103, "tanh", "rnn-op", 58, 32),
            *state(end, 176, "hₜ", "rnn-o"),
            circle(o, 176, "×"),
            *gate("o", o, "output", "σ"),
        ],
    }
    parts = [style()]
    for name, shapes in drawn.items():
        pale = lit and name != "inputs" and name not in lit
        parts += ['<g class="rnn-pale">' if pale else "<g>", *shapes, "</g>"]
    return picture(478, rail + 54, title, parts, fold=True)
