"""The LSTM cell with the places where noise can go, numbered. On top of the cell of gates.py."""

from IPython.display import SVG

from rnncourse.diagrams.gates import lstm
from rnncourse.diagrams.svg import badge

PLACES = {  # name → its discs (x, y) on the drawing of ``lstm``
    "outside": [(10, 390), (478, 176)],
    "hidden": [(10, 312)],
    "cell": [(10, 22)],
    "candidate": [(312, 182)],
    "weights": [(155, 352)],
    "zoneout": [(478, 40), (478, 206)],
}
"""Outside the cell: x, and h on its way out. Inside: the h that the gates read, c, the candidate, W, what is held."""


def noise_places(title="Six places for noise in an LSTM"):
    """The LSTM cell of ``lstm`` with the six ``PLACES``, numbered from 1 in their order."""
    drawn = lstm(title=title).data
    discs = [badge(x, y, number) for number, at in enumerate(PLACES.values(), 1) for x, y in at]
    wider = drawn.replace('width="478"', 'width="504"').replace(" 478 ", " 504 ").replace('viewBox="0 ', 'viewBox="-6 ')
    return SVG(wider.replace("</svg>", "".join(discs) + "</svg>"))
