"""tools/notebook.py --prose and tools/move.py: what they carry over without executing, and what they refuse."""

import importlib
import shutil
import sys

import nbformat
import pytest

NEW = "https://github.com/an-owner/a.course"


@pytest.fixture
def tools(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "tools")
    yield importlib.import_module("notebook"), importlib.import_module("move")
    sys.modules.pop("notebook"), sys.modules.pop("move")


@pytest.fixture
def copy(root, tmp_path):
    """The files that name the address, in a folder of their own, with the first two chapters."""
    for pattern in ("*.toml", "*.md", "*.yml", "*.cff", "book/[a-z]*.md", "book/1[12]*.md", "notebooks/1[12]*.ipynb"):
        for path in root.glob(pattern):
            target = tmp_path / path.relative_to(root)
            target.parent.mkdir(exist_ok=True)
            shutil.copy(path, target)
    return tmp_path


def names(folder, address):
    return [p for p in folder.rglob("*") if p.is_file() and address in p.read_text(encoding="utf-8")]


def test_the_address_moves_everywhere_and_back(root, copy, tools):
    notebook, move = tools
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    old = "https://github.com/-unset-/rnncourse"
    had = names(copy, old)
    changed = move.move(copy, NEW)
    assert not names(copy, old) and names(copy, NEW) == had
    assert "notebooks/11-why-memory.ipynb" in changed and "pyproject.toml" in changed and len(changed) == len(had)
    moved = nbformat.read(copy / "notebooks" / "11-why-memory.ipynb", as_version=4)
    stayed = nbformat.read(root / "notebooks" / "11-why-memory.ipynb", as_version=4)
    assert [cell.get("outputs") for cell in moved.cells] == [cell.get("outputs") for cell in stayed.cells]
    # The ids are those that executing it would give: an unchanged chapter must give an unchanged file.
    assert [cell.id for cell in moved.cells] == [
        cell.id for cell in notebook.convert(copy / "book/11-why-memory.md").cells
    ]
    assert move.move(copy, NEW) == []
    pyproject = copy / "pyproject.toml"
    text = pyproject.read_text().replace(NEW, old)  # the old address is none that move would write
    with pytest.raises(ValueError, match="expected an address like"):
        move.move(copy, old)
    assert NEW in pyproject.read_text() and text.encode() == before[pyproject]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "github.com/you/name",
        "https://github.com/you",
        "https://github.com/-you/name",
        "https://github.com/you-/name",
        "https://github.com/you/name.git",
        "https://github.com/you/..",
        "https://github.com/you/name/tree/main",
        "https://gitlab.com/you/name",
        "https://github.com/you/na me",
    ],
)
def test_an_address_that_cannot_be_is_refused_and_nothing_written(copy, tools, address):
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="move: expected an address like https://github.com/you/name, got"):
        tools[1].move(copy, address)
    assert before == {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}


def test_a_chapter_whose_code_changed_keeps_no_outputs(copy, tools):
    notebook, _ = tools
    path = copy / "book" / "11-why-memory.md"
    old = nbformat.read(copy / "notebooks" / "11-why-memory.ipynb", as_version=4)
    text = path.read_text(encoding="utf-8")
    prose = notebook.convert(path, text.replace("## Exercises", "## Exercises, and what they are for"))
    notebook.keep_outputs(prose, old)
    assert [cell.outputs for cell in notebook.code_cells(prose)] == [c.outputs for c in notebook.code_cells(old)]
    with pytest.raises(ValueError, match="code cell 1 has changed"):
        notebook.keep_outputs(notebook.convert(path, text.replace("default_rng(0)", "default_rng(1)", 1)), old)
    with pytest.raises(ValueError, match=r"expected \d+ cells of code"):
        notebook.keep_outputs(notebook.convert(path, text + "\n```python\n1 + 1\n```\n"), old)
