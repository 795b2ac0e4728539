"""The network on the landing page: the browser computes what the reference computes, and its answers are right."""

import importlib
import sys
from xml.etree import ElementTree

import jupytext
import numpy as np
import pytest
from playwright.sync_api import sync_playwright

TEXTS = ["", "x = 1\n", 'a = "b # c"  # d\n', "naïve → ∞", "    " * 50]


@pytest.fixture(scope="module")
def tool(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(request.path.parents[2] / "tools")
        yield importlib.import_module("reader")
        sys.modules.pop("reader")


@pytest.fixture(scope="module")
def model(tool):
    return tool.unpack(tool.MODEL.read_text(encoding="utf-8"))


@pytest.fixture
def tab(tool):
    chromium = importlib.import_module("check_site").find_chromium()
    if chromium is None:
        pytest.skip("no Chromium on this machine: tools/check_site.py says how to get one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser.new_page()
        browser.close()


def test_the_browser_computes_what_the_reference_computes(tool, model, tab):
    weights, *_ = model
    tab.add_script_tag(path=tool.MODEL)
    tab.add_script_tag(path=tool.MODEL.with_name("reader.js"))
    ask = "text => readerReads(readerWeights(readerModel), text).map(a => [[...a.units], a.probabilities])"
    for text in [*TEXTS, tool.PROGRAM]:
        answers = tab.evaluate(ask, text)
        hs, p = tool.read(weights, text)
        assert len(answers) == len(text)
        if text:
            np.testing.assert_allclose([units for units, _ in answers], hs, rtol=0, atol=1e-9)
            np.testing.assert_allclose([probabilities for _, probabilities in answers], p, rtol=0, atol=1e-9)


def test_it_reads_while_one_types(tool, model, tab, tmp_path):
    def shown():
        return tab.locator(".reader-paper span").evaluate_all("spans => spans.map(span => span.className)")

    def expected(text):
        names = ["code", "string", "docstring", "comment"]
        return [f"reader-{names[kind]}" for kind in tool.read(model[0], text)[1].argmax(axis=1)]

    for name in ("reader.js", "reader-model.js"):
        (tmp_path / name).write_text(tool.MODEL.with_name(name).read_text(encoding="utf-8"), encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text('<div id="reader" data-program="# one&#10;x = 1&#10;"></div><script src="reader.js"></script>')
    tab.goto(page.as_uri())
    area = tab.locator("textarea")
    text = "# one\nx = 1\n"
    assert area.input_value() == text and shown() == expected(text)
    area.press_sequentially("# then")
    assert tab.locator(".reader-paper").text_content() == text + "# then\n"
    assert shown() == expected(text + "# then") and shown()[-6:] == ["reader-comment"] * 6
    assert tab.locator(".reader-says").text_content().startswith("At the cursor: comment, with probability ")
    assert tab.locator(".reader-key b").text_content() == "code string docstring comment"
    tab.locator("input").check()
    assert tab.locator(".reader-paper span.reader-comment").count() == 0
    assert tab.locator(".reader-key b").text_content() == "−1 to 0 0 to 1: inside a docstring"
    area.fill("")
    assert tab.locator(".reader-says").text_content() == "Nothing read yet."


def test_its_answers_are_right(tool, model):
    names = {"np": np}
    for cell in jupytext.read(tool.CHAPTER).cells:
        if "import tokenize" in cell.source or "def kinds_of" in cell.source:
            exec(cell.source, names)
    weights, unit, sign = model
    hs, p = tool.read(weights, tool.PROGRAM)
    kinds = names["kinds_of"](tool.PROGRAM)
    right = p.argmax(axis=1) == kinds
    assert right.mean() > 0.95
    held = sign * hs[:, unit]
    assert held[kinds == 2].mean() > 0.6 and held[kinds != 2].mean() < -0.3  # the message of the picture


def test_the_picture_shows_the_program(tool):
    picture = ElementTree.parse(tool.PICTURE).getroot()
    texts = [element.text for element in picture.iter() if element.tag.endswith("}text")]
    lines = tool.PROGRAM.splitlines()
    assert texts[1 : 1 + len(lines)] == [line + "↵" for line in lines[:-1]] + lines[-1:]
