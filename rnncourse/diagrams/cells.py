"""One step of each cell: what it reads, what it keeps, what it says."""

from rnncourse.diagrams.svg import arrow, box, circle, picture, text


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


def gru(title="One state along the top; z keeps or replaces, r lets the candidate see the past or not"):
    """The GRU cell, reset after the product: h_t = z ⊙ h_{t−1} + (1 − z) ⊙ g, and the candidate g sees h through r."""
    top, middle, gates, rail = 50, 125, 195, 267
    columns = {"z": (190, "update", "keep?"), "r": (310, "reset", "look back?")}
    parts = [box(60, top, "hₜ₋₁", width=56), box(690, top, "hₜ", "rnn-out", 56)]
    parts += [box(60, rail - 24, "hₜ₋₁", width=56), box(60, rail + 24, "xₜ", "rnn-in", 56)]
    parts += [circle(190, top, "×"), circle(520, top, "+"), circle(520, middle, "×"), circle(410, gates, "×")]
    parts += [box(300, middle, "1 −", "rnn-op", 56)]
    parts += [arrow((88, top), (172, top)), arrow((207, top), (502, top)), arrow((537, top), (661, top))]
    parts += [arrow((190, gates - 17), (190, top + 18)), arrow((190, middle), (271, middle))]
    parts += [arrow((328, middle), (502, middle)), arrow((520, middle - 17), (520, top + 18))]
    parts += [arrow((342, gates), (392, gates)), arrow((427, gates), (480, gates))]
    parts += [arrow((410, rail), (410, gates + 18)), arrow((520, gates - 17), (520, middle + 18))]
    line = f"M88 {rail - 24}L120 {rail - 24}L120 {rail}L520 {rail}M88 {rail + 24}L120 {rail + 24}L120 {rail}"
    parts += [f'<path class="rnn-ink" d="{line}"/>', arrow((520, rail), (520, gates + 18))]
    for gate, (column, name, question) in columns.items():
        parts += [arrow((column, rail), (column, gates + 18)), box(column, gates, f"{gate} = σ", "rnn-op", 64)]
        parts += [text(column, rail + 18, name, "rnn-small"), text(column, rail + 35, question, "rnn-small")]
    parts += [box(520, gates, "g = tanh", "rnn-op", 78), text(520, rail + 18, "candidate", "rnn-small")]
    parts += [text(520, rail + 35, "what?", "rnn-small"), text(380, rail - 22, "from h", "rnn-small")]
    parts += [text(550, rail - 22, "from x", "rnn-small"), text(600, top + 20, "state and output", "rnn-small")]
    return picture(740, 315, title, parts)
