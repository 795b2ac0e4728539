"""Turn a chapter's text into its executed notebook: python tools/notebook.py book/12-simple-rnn.md ...

    --prose   keep the outputs that are there, execute nothing: for a change of the text around the code. Refused for a
              chapter whose code has changed.

The notebook is a pure function of the text, the package and the pinned libraries: no times, no random cell
ids, no versions of Python. So an unchanged chapter gives an unchanged file. Run it through `make notebook`,
which pins the threads and switches progress bars off.
"""

import hashlib
import os
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    # ipython3 lets the book colour %magics. Anything more here would carry the version of Python.
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


def convert(path: Path, text: str | None = None) -> nbformat.NotebookNode:
    """Read a chapter, or ``text`` in its place, as a notebook without outputs; cell ids come from place and content."""
    notebook = jupytext.reads(path.read_text(encoding="utf-8") if text is None else text, fmt="md")
    for number, cell in enumerate(notebook.cells):
        cell.id = hashlib.sha256(f"{number}\n{cell.source}".encode()).hexdigest()[:8]
    return notebook


def execute(notebook: nbformat.NotebookNode) -> None:
    """Run every cell in a fresh kernel, in the folder of the notebooks."""
    notebook.metadata = nbformat.from_dict(METADATA)
    NotebookClient(
        notebook,
        timeout=600,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,  # or the pieces in which prints arrive would depend on the machine's load
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": NOTEBOOKS}},
    ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)  # the kernel has added its version
    nbformat.validate(notebook)


def write(path: Path, content: str) -> bool:
    """Write at once or not at all, and only if the content is new."""
    if path.exists() and path.read_bytes() == content.encode():
        return False
    draft = path.with_suffix(".draft")
    draft.write_text(content, encoding="utf-8", newline="\n")
    os.replace(draft, path)
    return True


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def keep_outputs(notebook: nbformat.NotebookNode, old: nbformat.NotebookNode, renamed=("", "")) -> None:
    """Give ``notebook`` the outputs of ``old``, whose code must be the same once ``renamed`` (old, new) is replaced.

    Raises ValueError for the first cell of code that differs.
    """
    ours, theirs = code_cells(notebook), code_cells(old)
    for number, (cell, before) in enumerate(zip(ours, theirs, strict=False), 1):
        if cell.source != before.source.replace(*renamed):
            raise ValueError(f"code cell {number} has changed, so its output may have, too:\n{cell.source}")
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    if len(ours) != len(theirs):
        raise ValueError(f"expected {len(theirs)} cells of code, as in the notebook, got {len(ours)}")
    notebook.metadata = nbformat.from_dict(METADATA)


def main(arguments: list[str]) -> None:
    prose, chapters = "--prose" in arguments, [name for name in arguments if name != "--prose"]
    if not chapters:
        sys.exit(__doc__)
    NOTEBOOKS.mkdir(exist_ok=True)
    for chapter in chapters:
        notebook = convert(Path(chapter))
        target = NOTEBOOKS / f"{Path(chapter).stem}.ipynb"
        try:
            if prose:
                keep_outputs(notebook, nbformat.read(target, as_version=4))
            else:
                execute(notebook)
        except CellExecutionError as error:  # its text holds the cell and the traceback
            sys.exit(f"{error}\n{chapter}: this cell failed; the notebook was left as it was.")
        except (ValueError, FileNotFoundError) as error:
            sys.exit(f"{chapter}: {error}\nThe notebook was left as it was; without --prose it is executed anew.")
        # The closing newline that git, editors and JupyterLab agree on.
        new = write(target, nbformat.writes(notebook).rstrip("\n") + "\n")
        print(f"notebooks/{target.name}: {'written' if new else 'unchanged'}")


if __name__ == "__main__":
    main(sys.argv[1:])
