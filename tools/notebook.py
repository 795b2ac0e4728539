"""Turn a chapter's text into its executed notebook: python tools/notebook.py book/12-simple-rnn.md ...

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


def convert(text: Path) -> nbformat.NotebookNode:
    """Read a chapter as a notebook without outputs, its cell ids derived from place and content."""
    notebook = jupytext.read(text)
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


def main(chapters: list[str]) -> None:
    if not chapters:
        sys.exit(__doc__)
    NOTEBOOKS.mkdir(exist_ok=True)
    for chapter in chapters:
        notebook = convert(Path(chapter))
        try:
            execute(notebook)
        except CellExecutionError as error:  # its text holds the cell and the traceback
            sys.exit(f"{error}\n{chapter}: this cell failed; the notebook was left as it was.")
        target = NOTEBOOKS / f"{Path(chapter).stem}.ipynb"
        # The closing newline that git, editors and JupyterLab agree on.
        new = write(target, nbformat.writes(notebook).rstrip("\n") + "\n")
        print(f"notebooks/{target.name}: {'written' if new else 'unchanged'}")


if __name__ == "__main__":
    main(sys.argv[1:])
