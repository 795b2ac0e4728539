"""The two Sphinx extensions in tools/: what they do to a page, without building a book."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

TOOLS = Path(__file__).parent.parent.parent / "tools"
SVG = '<svg xmlns="http://www.w3.org/2000/svg">{}<g><title>a tooltip</title></g></svg>'


def load(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_formula_reaches_mathjax_as_it_was_written():
    text = r"\begin{aligned} a &= b \\ &= c \end{aligned} \tag{2}"
    document = new_document("page")
    document += nodes.math_block(text, text, nowrap=False)
    load("display_math").pass_through(None, document)
    (formula,) = document.findall(nodes.math_block)
    assert formula.astext() == rf"\[{text}\]"
    assert formula["nowrap"]  # or Sphinx adds its own \[ \begin{split}


@pytest.mark.parametrize(
    ("title", "alt", "expected"),
    [
        ("<title>tanh forgets\n  after 20 steps</title>", "", "tanh forgets after 20 steps"),
        ("<title>tanh &lt; 1</title>", "", "tanh < 1"),
        ("<title>from the picture</title>", "from the cell", "from the cell"),
        ("", "from the cell", "from the cell"),
        ("", "", None),
        ("<title> </title>", "", None),
    ],
)
def test_a_picture_says_what_it_shows_or_warns(tmp_path, caplog, title, alt, expected):
    (tmp_path / "07ce4e.svg").write_text(SVG.format(title))
    document = new_document("page")
    document += nodes.image(uri="/07ce4e.svg", alt=alt)
    load("picture_alt").add_alt(SimpleNamespace(srcdir=tmp_path), document)
    (image,) = document.findall(nodes.image)
    if expected:
        assert image["alt"] == expected and not caplog.records
    else:
        assert "07ce4e.svg has no alternative text" in caplog.text
