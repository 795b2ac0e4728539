"""The coded solutions in a chapter's <details> run, and their checks say that they are correct."""

import ast
import re

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

DETAILS = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
FENCE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def is_check(code):
    """Whether the code ends in a call of a check_… function."""
    last = ast.parse(code).body[-1]
    if not (isinstance(last, ast.Expr) and isinstance(last.value, ast.Call)):
        return False
    function = last.value.func
    return getattr(function, "attr", getattr(function, "id", "")).startswith("check_")


def solutions(notebook):
    """The Python fences inside the folded solutions, in order."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    folded = [body for summary, body in DETAILS.findall(text) if "olution" in summary]
    return [code for body in folded for code in FENCE.findall(body)]


def test_solutions_run_and_pass_their_checks(chapter):
    notebook = jupytext.read(chapter)
    setup = [cell.source for cell in notebook.cells if cell.cell_type == "code"][:2]  # the setup and the imports
    codes = solutions(notebook)
    assert any(is_check(code) for code in codes), f"{chapter.name}: no solution in <details> ends in a check_…(…) call"

    cells = [nbformat.v4.new_code_cell(code) for code in [*setup, *codes]]
    run = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(run, kernel_name="python3", timeout=300, extra_arguments=["--log-level=ERROR"])
    try:
        client.execute()
    except CellExecutionError as error:
        pytest.fail(f"{chapter.name}: a solution fails\n{error}", pytrace=False)

    for cell in run.cells[2:]:
        if is_check(cell.source):
            results = [out.data["text/plain"] for out in cell.outputs if out.output_type == "execute_result"]
            said = "".join(out.text for out in cell.outputs if out.output_type == "stream")
            assert results == ["Correct."], f"{chapter.name}: {results} {said}\nthe check fails for:\n{cell.source}"
