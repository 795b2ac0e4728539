"""Elman's and Jordan's networks: what is copied into the context."""

from rnncourse.diagrams.svg import arrow, box, picture, text


def contexts(title="Elman copies the state, Jordan the output"):
    """The two networks side by side: input and context at the bottom, the copy on the way back from above."""
    out, state, bottom, parts = 35, 115, 200, []
    for left, name, index, copied, height in (
        (14, "Elman", "", "hₜ₋₁", state),
        (255, "Jordan", "y", "yₜ₋₁", out),
    ):
        middle, reads, context, edge = left + 85, left + 50, left + 140, left + 200
        parts += [
            box(middle, out, "yₜ", "rnn-out"),
            box(middle, state, "hₜ"),
            box(reads, bottom, "xₜ", "rnn-in"),
            box(context, bottom, copied, "rnn-none", 66),
            arrow((middle, state - 17), (middle, out + 18)),
            arrow((reads, bottom - 17), (middle - 8, state + 18)),
            arrow((context, bottom - 17), (middle + 8, state + 18)),
            arrow((middle + 23, height), (edge, height), (edge, bottom), (context + 34, bottom)),
            text(middle - 16, (out + state) / 2, "V"),
            text(reads - 4, (state + bottom) / 2, "U"),
            text(context + 2, (state + bottom) / 2 - 2, "W"),
            text(context + 13, (state + bottom) / 2 + 4, index, "rnn-small"),
            text(edge - 22, height - 12, "copy", "rnn-small"),
            text(context, bottom + 28, "context", "rnn-small"),
            text(reads, bottom + 28, "input", "rnn-small"),
            text(middle - 60, state, name, "rnn-small rnn-title"),
        ]
    return picture(475, 240, title, parts, fold=True)
