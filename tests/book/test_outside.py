"""What Colab does: the wheel in an environment of its own, one notebook in an empty folder."""

import os
import shutil
import subprocess
import sys
import zipfile

EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
notebook.cells.append(nbformat.v4.new_code_cell("import rnncourse\\nprint(rnncourse.__file__)"))
NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
print(notebook.cells[-1].outputs[0].text)
"""


def run(*command, cwd):
    # A path to the checkout would make this test pass without the wheel.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_notebook_runs_from_the_wheel_alone(root, tmp_path):
    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, root, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        data = {"rnncourse/data/character_model.pt", "rnncourse/data/measured/cpu_cells.json"}
        assert data <= set(archive.namelist())

    environment = tmp_path / "venv"
    run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    python = environment / "bin" / "python"
    lock = root / "requirements.lock"
    # Without compiling: a few modules are imported once, and tens of thousands would be compiled.
    pip = [python, "-m", "pip", "install", "--quiet", "--no-compile", "-c", lock]
    run(*pip, wheel, "ipykernel", "nbclient", cwd=tmp_path)

    folder = tmp_path / "empty"
    folder.mkdir()
    # The last chapter uses most of the package.
    notebook = shutil.copy(sorted((root / "notebooks").glob("*.ipynb"))[-1], folder)
    imported_from = run(python, "-c", EXECUTE, notebook, cwd=folder).split()[-1]
    assert imported_from.startswith(str(environment.resolve())), imported_from
