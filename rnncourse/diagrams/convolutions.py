"""Where a convolution can stand beside a recurrent network, and what a causal network of convolutions sees."""

from rnncourse.checks import check_sizes
from rnncourse.diagrams.svg import arrow, box, picture, subscript, text

PLACES = ("before", "inside", "instead")
PANEL, GAP, STEPS = 172, 38, 4


def convolution_places(lit=PLACES, title="Three places for a convolution"):
    """Three networks that read four steps: a convolution before, inside and instead of the recurrence.

    lit: the places that are drawn in full; the others are pale. Raises ValueError for another place.
    """
    if isinstance(lit, str) or not lit or not set(lit) <= set(PLACES):
        raise ValueError(f"diagrams.convolution_places: expected lit to hold some of {', '.join(PLACES)}, got {lit!r}")
    parts = []
    for number, (place, draw) in enumerate(zip(PLACES, (before, inside, instead), strict=True)):
        left = number * PANEL
        steps = [left + 32 + GAP * t for t in range(STEPS)]
        shapes = [text(left + 86, 16, place, "rnn-title"), *draw(steps)]
        shapes += [box(x, 226, f"x{subscript(t + 1)}", "rnn-in", 32, 28) for t, x in enumerate(steps)]
        shade = "" if place in lit else ' opacity="0.3"'
        parts.append(f"<g{shade}>{''.join(shapes)}</g>")
    return picture(3 * PANEL + 4, 250, title, parts, fold=True)


def before(steps):
    """Two steps of a convolution with stride 2, then two steps of an LSTM."""
    parts = []
    for t in (0, 1):
        x, sources = (steps[2 * t] + steps[2 * t + 1]) / 2, steps[2 * t : 2 * t + 2]
        parts += [box(x, 158, "conv", "rnn-op", 56, 28), box(x, 104, f"h{subscript(t + 1)}", "rnn-state", 40, 28)]
        parts += [arrow((s, 212), (x + (s - x) / 2, 173)) for s in sources] + [arrow((x, 144), (x, 119))]
    first, last = (steps[0] + steps[1]) / 2, (steps[2] + steps[3]) / 2
    return [*parts, arrow((first + 20, 104), (last - 21, 104)), *output(last, 90)]


def inside(steps):
    """Four steps of a ConvLSTM: a star on every arrow into a state."""
    parts = [box(x, 104, f"h{subscript(t + 1)}", "rnn-state", 28, 28) for t, x in enumerate(steps)]
    parts += [arrow((x, 212), (x, 119)) + text(x + 9, 166, "∗") for x in steps]
    parts += [arrow((x + 14, 104), (x + GAP - 15, 104)) + text(x + GAP / 2, 88, "∗") for x in steps[:-1]]
    return [*parts, *output(steps[-1], 90)]


def instead(steps):
    """Two layers of causal convolutions with kernel 2 and dilations 1 and 2."""
    parts = []
    for t, x in enumerate(steps):
        for y, below, dilation in ((158, 212, 1), (104, 144, 2)):
            parts.append(box(x, y, "", "rnn-op", 26, 28))
            parts += [arrow((steps[s], below), (x, y + 15)) for s in (t - dilation, t) if s >= 0]
    return [*parts, *output(steps[-1], 90)]


def output(x, y):
    return [arrow((x, y), (x, 69)), box(x, 54, "y", "rnn-out", 34, 28)]


def dilated(layers=3, kernel=3, title="Dilation doubles what the last output sees"):
    """A causal network of convolutions: a row of nodes for each layer, and what the last output reads, in lines.

    The dilation is 1 in the lowest layer and doubles. Raises ValueError for sizes below 1, and for a receptive field
    of more than 31 steps, which has no room.
    """
    check_sizes("diagrams.dilated", layers=layers, kernel=kernel)
    field = 1 + (kernel - 1) * (2**layers - 1)
    if field > 31:
        raise ValueError(f"diagrams.dilated: expected a receptive field of at most 31 steps, got {field}")
    steps, gap = field + 2, min(32, 560 // (field + 2))
    place = lambda t, layer: (24 + gap * t, 28 + 54 * (layers - layer))  # noqa: E731
    lit, lines = {layers: {steps - 1}}, []
    for layer in range(layers, 0, -1):
        dilation, reads = 2 ** (layer - 1), set()
        for t in sorted(lit[layer]):
            sources = [t - dilation * j for j in range(kernel)]
            lines += [line(place(t, layer), place(s, layer - 1)) for s in sources]
            reads |= set(sources)
        lit[layer - 1] = reads
    nodes, radius = [], min(9, gap / 2 - 2)
    for layer in range(layers + 1):
        kind = "rnn-in" if layer == 0 else "rnn-out" if layer == layers else "rnn-state"
        for t in range(steps):
            x, y = place(t, layer)
            shown = kind if t in lit[layer] else "rnn-none"
            nodes.append(f'<circle class="{shown}" cx="{x}" cy="{y}" r="{radius}"/>')
    bottom = 28 + 54 * layers
    words = text(24 + gap * (steps - 1) / 2, bottom + 30, f"the last output sees {field} steps", "rnn-small")
    return picture(48 + gap * (steps - 1), bottom + 48, title, [*lines, *nodes, words], fold=True)


def line(start, end):
    return f'<path class="rnn-ink" d="M{start[0]} {start[1]}L{end[0]} {end[1]}"/>'
