"""The text in book/ and the notebook in notebooks/ say the same, and the notebook was executed cleanly."""

import re

import jupytext
import nbformat
import pytest
from jupytext.config import load_jupytext_config

# Folders that exist on one machine only, and addresses of objects, which exist in one run only.
MACHINE = re.compile(r"/(?:home|Users|root|tmp|work|opt|mnt|var)/|site-packages|[A-Z]:\\|\b0x[0-9a-f]{6,}")


def hint(chapter):
    return f"the notebook is not the one that the pipe writes; run: make notebook CHAPTER={chapter.stem}"


@pytest.fixture
def notebook(chapter, root):
    path = root / "notebooks" / f"{chapter.stem}.ipynb"
    assert path.exists(), hint(chapter)
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def as_text(output):
    """Everything in an output that a reader or a page can show, pictures in letters aside."""
    if output.output_type == "stream":
        return output.text
    return "\n".join(str(value) for kind, value in output.get("data", {}).items() if not is_bitmap(kind))


def is_bitmap(kind):
    return kind.startswith("image/") and kind != "image/svg+xml"


def test_there_are_chapters_and_every_notebook_has_its_text(root):
    texts = {path.stem for path in (root / "book").glob("[0-9]*.md")}
    notebooks = {path.stem for path in (root / "notebooks").glob("*.ipynb")}
    assert texts, "no chapter in book/"
    assert notebooks == texts


def test_notebook_says_what_the_text_says(chapter, notebook):
    def content(book):
        return [(cell.cell_type, cell.metadata.get("tags", []), cell.source) for cell in book.cells]

    assert content(notebook) == content(jupytext.read(chapter)), hint(chapter)


def test_saving_the_notebook_would_not_change_the_text(chapter, notebook):
    """JupyterLab writes both files of a pair; a text in Jupytext's own form comes back unchanged."""
    saved = jupytext.writes(notebook, fmt="md", config=load_jupytext_config(str(chapter)))
    assert saved == chapter.read_text(encoding="utf-8")


def test_every_cell_was_executed_once_and_in_order(chapter, notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), hint(chapter)


def test_outputs_hold_no_error_and_nothing_from_stderr(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != "error", f"{output.ename} in:\n{cell.source}"
            assert output.get("name") != "stderr", f"stderr:\n{output.text}\nfrom:\n{cell.source}"


def test_outputs_name_no_machine(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            found = MACHINE.search(as_text(output))
            assert not found, f"{found[0]!r} in the output of:\n{cell.source}"


def test_metadata_is_what_the_pipe_writes(chapter, notebook):
    """No times, no widget state, no version of Python: they would change while the chapter does not."""
    assert set(notebook.metadata) == {"kernelspec", "language_info"}, hint(chapter)
    assert "version" not in notebook.metadata.language_info, hint(chapter)
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}, f"{dict(cell.metadata)}: {hint(chapter)}"


def test_pictures_are_tagged(notebook):
    """nbval compares text exactly; a drawing depends on fonts and, as SVG, on random ids."""
    for cell in code_cells(notebook):
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        if any(kind.startswith("image/") for kind in kinds):
            assert "nbval-ignore-output" in cell.metadata.get("tags", []), (
                f'needs tags=["nbval-ignore-output"], because it draws:\n{cell.source}'
            )


def test_every_mention_of_a_chapter_is_a_link_to_it(chapter, root):
    """In running text; code and the own number aside."""
    text = re.sub(r"^(```|~~~).*?^\1", "", chapter.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    own = f"{chapter.stem[0]}.{chapter.stem[1]}"
    for label, target in re.findall(r"\[[^]]*?[Cc]hapter (\d\.\d)[^]]*\]\(([^)]*)\)", text):
        assert target.startswith(label.replace(".", "")), f"chapter {label} is linked to {target}"
        assert (root / "book" / target.partition("#")[0].replace(".ipynb", ".md")).exists(), target
    bare = re.sub(r"\[[^]]*\]\([^)]*\)|`[^`]*`", "", text)
    missing = [number for number in re.findall(r"[Cc]hapters? (\d\.\d)", bare) if number != own]
    assert not missing, f"not linked: {missing}"


def test_title_and_file_have_the_same_number(chapter):
    assert chapter.read_text(encoding="utf-8").startswith(f"# {chapter.stem[0]}.{chapter.stem[1]} ")


def test_every_exercise_has_a_cell_to_work_in(chapter):
    """Between its text and its solution, so that a reader on Colab or in JupyterLab can type at once."""
    text = chapter.read_text(encoding="utf-8").partition("## Exercises")[2].partition("## Remember")[0]
    exercises = re.split(r"^(?=\*\*\d ★)", text, flags=re.MULTILINE)[1:]
    assert 4 <= len(exercises) <= 6
    for exercise in exercises:
        assert "```python" in exercise.partition("<details>")[0], exercise.splitlines()[0]


def test_every_picture_that_is_drawn_is_shown(notebook):
    """Jupyter shows only what a cell ends with: a ``plots.show(fig)`` in the middle of a cell is lost."""
    for cell in code_cells(notebook):
        drawn = len(re.findall(r"^plots\.show\(", cell.source, re.MULTILINE))
        shown = sum("image/svg+xml" in output.get("data", {}) for output in cell.outputs)
        assert shown >= drawn, f"{shown} of {drawn} pictures on the page:\n{cell.source}"
