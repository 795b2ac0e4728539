"""An encoder and a decoder, with or without attention."""

from rnncourse.diagrams.svg import arrow, box, circle, picture, subscript, text


def encoder_decoder(read, written, attention=None, title="The encoder reads everything, then the decoder writes"):
    """The encoder over the symbols ``read``, and the decoder, which writes ``written``: one column a step.

    Below each step of the decoder stands what it gets: START, then what the step before has written.
    attention: the step of the decoder, from 1 on, that reads every state of the encoder; None for no attention.
    Raises ValueError for nothing to read or to write, and for a step that is not there.
    """
    if not read or not written or attention not in (None, *range(1, len(written) + 1)):
        raise ValueError(
            "diagrams.encoder_decoder: expected symbols to read and to write, and attention None or a step from 1 to "
            f"{len(written)}, got {len(read)}, {len(written)} and {attention!r}"
        )
    gap, top = 66, 0 if attention is None else 92
    out, state, bottom = top + 30, top + 100, top + 170
    parts, first = [], 40 + gap * len(read)
    for t, symbol in enumerate(read):
        x = 40 + gap * t
        parts += [box(x, state, f"h{subscript(t + 1)}"), box(x, bottom, symbol, "rnn-in")]
        parts += [arrow((x, bottom - 17), (x, state + 18)), arrow((x + 23, state), (x + gap - 24, state))]
    for i, symbol in enumerate(written):
        x, before = first + gap * i, ["START", *written][i]
        parts += [box(x, state, f"s{subscript(i + 1)}"), box(x, bottom, before, "rnn-in", 56)]
        parts += [box(x, out, symbol, "rnn-out"), arrow((x, bottom - 17), (x, state + 18))]
        parts += [arrow((x, state - 17), (x, out + 18))]
        if i < len(written) - 1:
            parts.append(arrow((x + 23, state), (x + gap - 24, state)))
    if attention is not None:
        middle, x = 40 + gap * (len(read) - 1) / 2, first + gap * (attention - 1)
        for t in range(len(read)):
            parts.append(arrow((40 + gap * t, state - 17), (middle + 9 * (t - (len(read) - 1) / 2), top - 30)))
        parts += [circle(middle, top - 50, "Σ", 19), arrow((middle + 19, top - 50), (x, top - 50), (x, out - 18))]
        parts.append(text((middle + x) / 2 + 10, top - 66, f"context c{subscript(attention)}"))
        turn = first - gap / 2  # the query goes to Σ between the two networks
        parts.append(arrow((x - 13, state - 17), (x - 13, state - 31), (turn, state - 31), (middle + 20, top - 43)))
        parts.append(text(36, top - 8, "a₁ … a" + subscript(len(read)), "rnn-small"))
    return picture(first + gap * len(written) - 20, bottom + 26, title, parts, fold=True)
