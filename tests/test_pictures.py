"""Pictures: each says its message in a <title>, follows a dark theme, repeats to the byte; and their errors."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from rnncourse import diagrams, plots


def drawn():
    fig, ax = plots.axes("A line & a title", "steps", "loss")
    ax.plot([1, 2], [3, 4])
    table = np.array([[3, 1], [0, 2]])
    return {
        "A line & a title": plots.show(fig),
        "Two tables": plots.confusion([table, table], ["one", "two"], ["N", "V"], "Two tables"),
        "Blame": plots.matrices(np.arange(24.0).reshape(2, 2, 3, 2) - 9, "ab", "ab", "Blame"),
        "The loop on the left is the row on the right": diagrams.unrolled(["<", "e"], ["e", None]),
        "Shapes": diagrams.shapes("Shapes"),
        "Cell": diagrams.cell("Cell"),
        "Back": diagrams.blame(2, "Back"),
        "Forecast": forecasts(),
    }


def forecasts():
    fig, (left, right) = plots.axes("Forecast", columns=2)
    plots.forecast(left, np.array(["2001-01-01", "2001-01-02"], "datetime64[D]"), [1, 2], [2, 1])
    plots.intervals(right, ["a", "b"], [0, 1], [-1, 0], [1, 3], colours=plots.COLOURS[:2])
    plots.intervals(right, None, [0, 1], [-1, 0], [1, 3])
    return plots.show(fig)


def test_title_theme_and_repetition():
    again = drawn()
    for title, picture in drawn().items():
        root = ET.fromstring(picture.data)
        assert root[0].tag.endswith("title") and root[0].text == title
        assert "prefers-color-scheme: dark" in picture.data
        assert picture.data == again[title].data


def test_every_ink_of_a_plot_has_a_dark_version():
    fig, ax = plots.axes("Inks", "x", "y")
    ax.plot([1, 2], label="line")
    ax.text(1, 1, "word")
    ax.legend()
    svg = plots.show(fig).data
    body = svg[svg.index("</style>") :]
    assert "#000000" not in body and "fill: black" not in body  # would be invisible on black


def test_long_titles_are_not_cut_off():
    fig, _ = plots.axes("a message of many words that does not fit the width of the figure " * 2, width=4)
    assert "\n" in fig.get_suptitle()
    assert "\n" not in ET.fromstring(plots.show(fig).data)[0].text


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.show(plots.axes("")[0]), "expected a figure with a title"),
        (lambda: plots.heatmap(None, np.zeros((2, 3)), "ab", "ab"), r"expected values of shape \(2, 2\), got \(2, 3\)"),
        (lambda: plots.trajectory(None, np.zeros((2, 3)), "ab"), r"expected states of shape \(T=2, 2\), got \(2, 3\)"),
        (lambda: plots.matrices(np.zeros((2, 2)), "ab", "ab", "t"), r"expected values of shape \(R=2, C=2, n, k\)"),
        (lambda: plots.forecast(None, [1, 2], [1, 2], [1]), r"one shape \(N,\), got 2, \(2,\) and \(1,\)"),
        (lambda: plots.intervals(None, ["a"], [1, 2], [0, 1], [2, 3]), r"of one length, got 1, \(2,\), \(2,\) and"),
        (lambda: diagrams.unrolled("ab", "a"), "as many outputs as inputs, at least one, got 2 and 1"),
        (lambda: diagrams.blame(0), "expected at least one step, got 0"),
    ],
)
def test_errors(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
