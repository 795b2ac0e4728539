"""Pictures of networks, drawn as SVG: sharp at any size, in the reader's light or dark theme.

svg.py has the pen, networks.py the networks over time, cells.py one step of each cell, gates.py the LSTM in colour,
paths.py the ways of its gradient, attention.py the encoder and the decoder, contexts.py what Elman and Jordan copy,
grid.py a deep network over time, clockwork.py who ticks when, convolutions.py where a convolution can stand, noise.py
where dropout can.
"""

from rnncourse.diagrams.attention import encoder_decoder
from rnncourse.diagrams.cells import cell, gru
from rnncourse.diagrams.clockwork import clockwork
from rnncourse.diagrams.contexts import contexts
from rnncourse.diagrams.convolutions import convolution_places, dilated
from rnncourse.diagrams.gates import lstm
from rnncourse.diagrams.grid import grid
from rnncourse.diagrams.networks import SHAPES, backward, bidirectional, shapes, stacked, unrolled
from rnncourse.diagrams.noise import noise_places
from rnncourse.diagrams.paths import gradient_paths
from rnncourse.diagrams.svg import arrow, box, circle, picture, text

__all__ = [
    "SHAPES",
    "arrow",
    "backward",
    "bidirectional",
    "box",
    "cell",
    "circle",
    "clockwork",
    "contexts",
    "convolution_places",
    "dilated",
    "encoder_decoder",
    "gradient_paths",
    "grid",
    "gru",
    "lstm",
    "noise_places",
    "picture",
    "shapes",
    "stacked",
    "text",
    "unrolled",
]
