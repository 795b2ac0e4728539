"""The LSTM cell with the places where noise can go, numbered. On top of the cell of gates.py."""

from IPython.display import SVG

from rnncourse.diagrams.gates import line, lstm
from rnncourse.diagrams.svg import badge, text

PLACES = {  # name → its discs (x, y) on the drawing of ``lstm``
    "outside": [(10, 390), (444, 218)],
    "hidden": [(10, 312)],
    "cell": [(10, 22)],
    "candidate": [(290, 186)],
    "weights": [(84, 326)],
    "zoneout": [(478, 40), (478, 164)],
}
"""Outside: x, and h for the next layer. Inside: the h that the gates read, c, the candidate, W, what is held."""


def noise_places(title="Six places for noise in an LSTM"):
    """The LSTM cell of ``lstm`` with the six ``PLACES``, numbered from 1 in their order."""
    drawn = lstm(title=title).data
    out = [
        line("o", (444, 193), (444, 248)),
        text(462, 258, "to the next", "rnn-small"),
        text(462, 273, "layer", "rnn-small"),
    ]
    discs = [badge(x, y, number) for number, at in enumerate(PLACES.values(), 1) for x, y in at]
    wider = drawn.replace('width="478"', 'width="504"').replace(" 478 ", " 504 ").replace('viewBox="0 ', 'viewBox="-6 ')
    return SVG(wider.replace("</svg>", "".join(out + discs) + "</svg>"))
