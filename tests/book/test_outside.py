"""What Colab does: the wheel in an environment of its own, one notebook in an empty folder; then one's own table."""

import csv
import os
import re
import shutil
import subprocess
import sys
import zipfile
from random import Random

import jupytext
import nbformat
import pytest

EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
notebook.cells.append(nbformat.v4.new_code_cell("import rnncourse\\nprint(rnncourse.__file__)"))
NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
print(*(out.get("text", "") for cell in notebook.cells[-2:] for out in cell.outputs), sep="")
"""


def run(*command, cwd):
    # A path to the checkout would make this test pass without the wheel.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def python(root, tmp_path_factory):
    """The interpreter of an environment that holds the wheel, what the wheel asks for, and what runs a notebook."""
    folder = tmp_path_factory.mktemp("outside")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, root, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        data = {"rnncourse/data/character_model.pt", "rnncourse/data/measured/cpu_cells.json"}
        assert data <= set(archive.namelist())

    environment = folder / "venv"
    run(sys.executable, "-m", "venv", environment, cwd=folder)
    python = environment / "bin" / "python"
    lock = root / "requirements.lock"
    # Without compiling: a few modules are imported once, and tens of thousands would be compiled.
    pip = [python, "-m", "pip", "install", "--quiet", "--no-compile", "-c", lock]
    run(*pip, wheel, "ipykernel", "nbclient", cwd=folder)
    return python


def execute(python, notebook, folder):
    """Run a notebook in its folder with this interpreter: what its last cell prints, and where the package lies."""
    *printed, imported_from = run(python, "-c", EXECUTE, notebook, cwd=folder).strip().splitlines()
    assert imported_from.startswith(str(python.parent.parent.resolve())), imported_from
    return printed


def test_a_notebook_runs_from_the_wheel_alone(root, tmp_path, python):
    # The last chapter uses most of the package.
    notebook = shutil.copy(sorted((root / "notebooks").glob("*.ipynb"))[-1], tmp_path)
    execute(python, notebook, tmp_path)


def test_the_template_of_chapter_4_1_runs_on_another_csv(root, tmp_path, python):
    """A reader's own table in an empty folder: the first two cells and the section, changed only where it says so."""
    book = jupytext.read(root / "book" / "41-sequences-of-any-length.md").cells
    book = [cell.source for cell in book if cell.cell_type == "code"]
    begin = next(i for i, source in enumerate(book) if source.startswith("%%writefile my_reader.py"))
    setup, code = book[:2], book[begin : begin + 5]
    assert "my_reader.Texts" in code[3] and "subprocess.run" in code[4]

    random = Random(0)  # what is it: a date, a time, a price?
    makers = {
        "date": lambda: f"{random.randint(1, 28)}.{random.randint(1, 12)}.{random.randint(1950, 2030)}",
        "time": lambda: f"{random.randint(0, 23)}:{random.randint(0, 59):02}",
        "price": lambda: f"{random.choice(['', '€ ', '$'])}{random.randint(1, 9999)}.{random.randint(0, 99):02}",
    }
    labels = [random.choice([*makers]) for _ in range(600)]
    with open(tmp_path / "own.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((makers[label](), label) for label in labels)])

    # "For your own file, delete the first five lines and put its path into Texts."
    code[3] = "\n".join(code[3].splitlines()[5:]).replace("my_names.csv", "own.csv")
    new = 'new = "7.9.1848", "23:45", "$19.90", " "'
    code[4] = re.sub(r"^new = .*$", new, code[4], flags=re.MULTILINE)
    assert "my_names" not in code[3] and new in code[4]
    cells = [nbformat.v4.new_code_cell(source) for source in [*setup, *code]]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "own.ipynb")
    lines = execute(python, tmp_path / "own.ipynb", tmp_path)
    assert [line.split()[1] for line in lines[:3]] == ["date", "time", "price"]
    assert "expected a text, got none" in lines[3]
