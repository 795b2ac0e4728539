"""Pictures: each says its message in a <title>, follows a dark theme, repeats to the byte; and their errors."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from rnncourse import diagrams, plots


def drawn():
    fig, ax = plots.axes("A line & a title", "steps", "loss")
    ax.plot([1, 2], [3, 4])
    return {
        "A line & a title": plots.show(fig),
        "Coloured <letters>": plots.coloured_text("if x < 1:\n    pass", np.linspace(-1, 1, 18), "Coloured <letters>"),
        "Blame": plots.matrices(np.arange(24.0).reshape(2, 2, 3, 2) - 9, "ab", "ab", "Blame"),
        "The loop on the left is the row on the right": diagrams.unrolled(["<", "e"], ["e", None]),
        "Shapes": diagrams.shapes("Shapes"),
        "Cell": diagrams.cell("Cell"),
        "LSTM": diagrams.lstm(title="LSTM"),
        "GRU": diagrams.gru("GRU"),
        "Contexts": diagrams.contexts("Contexts"),
        "Stacked": diagrams.stacked(3, 2, title="Stacked"),
        "Shares": plots.shares({"one": {"a": 3, "b": 1}, "two": {"b": 1}}, "Shares"),
        "Back": diagrams.backward(2, "Back"),
        "Paths": diagrams.gradient_paths("ff", "Wf", title="Paths"),
        "Grid": diagrams.grid(2, 3, title="Grid"),
        "Path": diagrams.grid(2, 3, "WUW", title="Path"),
        "Encoder": diagrams.encoder_decoder("ab", ["b", "END"], title="Encoder"),
        "Attention": diagrams.encoder_decoder("ab", ["b", "END"], 2, title="Attention"),
        "Clockwork": diagrams.clockwork((1, 2), 4, 2, "Clockwork"),
        "Places": diagrams.convolution_places(["before"], "Places"),
        "Noise": diagrams.noise_places("Noise"),
        "Dilated": diagrams.dilated(2, 2, "Dilated"),
        "Forecast": forecasts(),
        "Rungs": plots.rungs({"LSTM": {"loop": 3456, "fused": 20}, "GRU": {"loop": 0.125, "fused": 4}}, "Rungs", "ms"),
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


def test_coloured_text_is_the_text_on_its_values():
    picture = ET.fromstring(plots.coloured_text("ab\n" + "c" * 7, [0, 1, 1, 0, 0, -2, -2, -2, 0, 0], "t", width=5).data)
    letters = [element for element in picture.iter() if element.tag.endswith("}g")][0]
    texts = [element.text for element in letters if element.tag.endswith("text")]
    assert texts == ["ab↵", "ccccc", "cc", "−2", "−1", "0", "1", "2"]  # folded; and the key
    shades = [(e.get("class"), e.get("width"), e.get("opacity")) for e in letters if e.tag.endswith("rect")]
    assert shades[:3] == [("rnn-up", "15.2", "0.32"), ("rnn-down", "22.8", "0.64"), ("rnn-down", "15.2", "0.64")]
    assert len(letters.findall("{*}text")[1].get("x").split()) == 5  # a place for every letter


def test_long_titles_are_not_cut_off():
    fig, _ = plots.axes("a message of many words that does not fit the width of the figure " * 2, width=4)
    assert "\n" in fig.get_suptitle()
    assert "\n" not in ET.fromstring(plots.show(fig).data)[0].text


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.show(plots.axes("")[0]), "expected a figure with a title"),
        (lambda: plots.heatmap(None, np.zeros((2, 3)), "ab", "ab"), r"expected values of shape \(2, 2\), got \(2, 3\)"),
        (lambda: plots.coloured_text("abc", [1, 2], "t"), r"a finite value for each of 3 characters, got \(2,\)"),
        (lambda: plots.coloured_text("ab", [1, np.nan], "t"), "a finite value for each of 2 characters"),
        (lambda: plots.matrices(np.zeros((2, 2)), "ab", "ab", "t"), r"expected values of shape \(R=2, C=2, n, k\)"),
        (lambda: plots.forecast(None, [1, 2], [1, 2], [1]), r"one shape \(N,\), got 2, \(2,\) and \(1,\)"),
        (lambda: plots.intervals(None, ["a"], [1, 2], [0, 1], [2, 3]), r"of one length, got 1, \(2,\), \(2,\) and"),
        (lambda: diagrams.unrolled("ab", "a"), "as many outputs as inputs, at least one, got 2 and 1"),
        (lambda: diagrams.gradient_paths(), r"paths of one length, of f and W, got \(\)"),
        (lambda: diagrams.gradient_paths("ff", "f"), "paths of one length, of f and W, got"),
        (lambda: diagrams.grid(0, 3), "at least one layer and step, and a path .* got 0, 3 and None"),
        (lambda: diagrams.grid(2, 3, "WU"), "layers − 1 times U and steps − 1 times W, got 2, 3 and 'WU'"),
        (lambda: diagrams.gradient_paths("fh"), "paths of one length, of f and W, got"),
        (lambda: diagrams.lstm("forget"), "expected lit to hold some of forget, write, cell, read, got 'forget'"),
        (lambda: diagrams.lstm(["cell", "gate"]), r"expected lit to hold some of .*, got \['cell', 'gate'\]"),
        (lambda: diagrams.backward(0), "expected at least one step, got 0"),
        (lambda: diagrams.encoder_decoder("", "a"), "symbols to read and to write, .* got 0, 1 and None"),
        (lambda: diagrams.encoder_decoder("a", "ab", 3), "attention None or a step from 1 to 2, got 1, 2 and 3"),
        (lambda: diagrams.clockwork(lit=9), "steps of at least 1 and lit None or from 1 to 8, got 9 and 9"),
        (lambda: diagrams.convolution_places("before"), "expected lit to hold some of before, .* got 'before'"),
        (lambda: diagrams.convolution_places(["after"]), r"expected lit to hold some of before, .* got \['after'\]"),
        (lambda: diagrams.dilated(0), "expected layers to be an integer of at least 1, got 0"),
        (lambda: diagrams.dilated(5, 3), "a receptive field of at most 31 steps, got 63"),
        (lambda: diagrams.stacked(12, 1), "at least 1, together at most 12, got 12 and 1"),
        (lambda: plots.shares({"one": {}}, "t"), "expected parts of at least 0 and a sum above 0 for 'one'"),
        (lambda: plots.shares({"one": dict.fromkeys("abcde", 1)}, "t"), "expected at most 4 kinds of part, got 5"),
        (lambda: plots.rungs({}, "t", "x"), "plots.rungs: expected at least one panel with a bar, got none"),
        (lambda: plots.rungs({"one": {}, "two": {}}, "t", "x"), "at least one panel with a bar, got none"),
        (
            lambda: plots.rungs({"one": {"a": 1}, "two": {"b": 1}}, "t", "x"),
            r"for \['a'\] in 'two', got {'b': 1}",
        ),
        (lambda: plots.rungs({"one": {"a": 1}, "two": {}}, "t", "x"), r"for \['a'\] in 'two', got {}"),
        (
            lambda: plots.rungs({"one": {"a": 1, "b": 0}}, "t", "x"),
            "numbers above 0 for .* in 'one', got .*0}",
        ),
        (lambda: plots.rungs({"one": {"a": np.nan}}, "t", "x"), "expected numbers above 0 .*nan"),
        (lambda: plots.rungs({"one": {"a": np.inf}}, "t", "x"), "expected numbers above 0 .*inf"),
    ],
)
def test_errors(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def words(picture):
    """The texts of a plot, which draws their letters and keeps them as comments."""
    return re.findall("<!-- (.*?) -->", picture.data)


def test_shares_say_of_what():
    bills = {"one": {"a": 3, "b": 1}}
    assert "share of all parameters" in words(plots.shares(bills, "t"))
    shown = words(plots.shares(bills, "t", xlabel="share of the time"))
    assert "share of the time" in shown and "share of all parameters" not in shown


def test_rungs_have_their_numbers_and_each_name_once():
    shown = words(drawn()["Rungs"])
    assert [word.strip() for word in shown if word.strip()[0].isdigit()] == ["3,500", "20", "0.12", "4"]  # two digits
    assert shown.count("loop") == shown.count("fused") == 1 and shown.count("ms") == 2
    assert {" 3,456", " 0.125"} <= set(words(plots.rungs({"": {"a": 3456, "b": 0.125}}, "t", "x", digits=4)))


def test_every_number_is_a_square():
    picture = diagrams.stacked(3, 2)
    squares = [r for r in ET.fromstring(picture.data).iter() if r.tag.endswith("rect") and r.get("width") == "24"]
    assert len(squares) == 4 * 2 * (3 + 2 + 1) + (3 + 2 + 1)  # the matrix and the column it multiplies
    assert "8 rows × 6 columns = 48 numbers" in picture.data
    assert "3 blocks of n rows" in diagrams.stacked(1, 1, "rzg").data


def groups(svg, kind=None):
    """The texts of each <g> of that class, in order."""
    found = [element for element in ET.fromstring(svg.data).iter() if element.tag.endswith("}g")]
    return [[text.text for text in g.iter("{http://www.w3.org/2000/svg}text")] for g in found if g.get("class") == kind]


def test_the_part_that_is_lit_is_not_pale():
    everything = [["hₜ₋₁", "xₜ"], ["σ", "f", "forget"], ["σ", "i", "input", "tanh", "g", "candidate", "×"]]
    everything += [["cₜ₋₁", "cₜ", "×", "+"], ["tanh", "hₜ", "×", "σ", "o", "output"]]
    assert groups(diagrams.lstm()) == everything and not groups(diagrams.lstm(), "rnn-pale")
    for k, part in enumerate(("forget", "write", "cell", "read"), 1):
        picture = diagrams.lstm([part], "t")
        assert groups(picture) == [everything[0], everything[k]]  # the inputs, too
        assert groups(picture, "rnn-pale") == [g for j, g in enumerate(everything) if j not in (0, k)]
    assert len(groups(diagrams.lstm(("forget", "read")))) == 3


def test_every_arrow_has_its_head():
    svg = diagrams.lstm().data
    assert set(re.findall(r"url\(#([\w-]+)\)", svg)) <= set(re.findall(r'<marker id="([\w-]+)"', svg))


def test_a_narrow_picture_folds_its_title():
    svg = ET.fromstring(diagrams.lstm(title="word " * 30 + "end").data)
    assert svg.get("width") == "478"  # as narrow as ever
    lines = [text for text in svg.iter("{http://www.w3.org/2000/svg}text") if "rnn-title" in text.get("class")]
    top = float(svg.get("viewBox").split()[1])
    assert len(lines) > 2 and " ".join(line.text for line in lines) == "word " * 30 + "end"
    places = [float(line.get("y")) for line in lines]
    assert top < places[0] and places == sorted(places) and places[-1] < 0


def test_each_path_of_the_gradient_is_drawn_once():
    svg = diagrams.gradient_paths("ffW", "fff", "WWW").data
    assert svg.count('class="rnn-lit"') == 2 + 2 + 3 + 3 * 2  # W is two lines, down to h and up to c
    shown = ET.fromstring(svg)
    said = [element.text for element in shown.iter() if element.tag.endswith("}text")]
    assert {"1 of 3 steps through W", "the cell path: × f at every step", "W at every step"} <= set(said)


def test_every_place_for_noise_has_its_number():
    svg = diagrams.noise_places().data
    said = [element.text for element in ET.fromstring(svg).iter() if element.tag.endswith("}text")]
    assert [said.count(str(number)) for number in range(1, 8)] == [2, 1, 1, 1, 1, 2, 0]


def test_grid_lights_one_path():
    svg = diagrams.grid(3, 4, "WWUWU").data
    assert svg.count('"rnn-lit"') == 5 and svg.count('"rnn-ink rnn-faint"') == 3 * 4 + 3 * 3 - 5
    assert "h³₄" in svg and "rnn-lit-tip" in svg
    assert '"rnn-lit"' not in diagrams.grid(3, 4).data


def test_the_causal_tree_lights_what_the_last_output_sees():
    svg = diagrams.dilated(3, 3).data
    assert svg.count('<circle class="rnn-in"') == 15 and svg.count('<circle class="rnn-out"') == 1
    assert svg.count('<circle class="rnn-state"') == 3 + 7 and "sees 15 steps" in svg
    assert diagrams.convolution_places(["inside"]).data.count('opacity="0.3"') == 2
