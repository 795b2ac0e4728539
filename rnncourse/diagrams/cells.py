"""One step of each cell: what it reads, what it keeps, what it says."""

from rnncourse.diagrams.svg import arrow, badge, box, circle, picture, text


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
    parts += [
        text(z + 4, mix - 38, "keep?", "rnn-small rnn-left"),
        text(last + 24, inner, "past?", "rnn-small rnn-left"),
    ]
    parts += [text(last + 14, mix + 36, "what?", "rnn-small rnn-left")]
    if uses:
        places = [(110, state), (r - 10, 340), (z - 10, 340), (last, 345)]
        parts += [badge(*place, number) for number, place in enumerate(places, 1)]
    return picture(500, 460, title, parts)
