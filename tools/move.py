"""Give the course the address of its repository: python tools/move.py https://github.com/you/name

Writes the new address wherever the old one stands: pyproject.toml has the old one, and the files below repeat it.
Notebooks get it without being executed. Run it as `make move REPOSITORY=https://github.com/you/name`.
"""

import re
import sys
import tomllib
from pathlib import Path

import nbformat
from notebook import convert, keep_outputs, write

FILES = ["pyproject.toml", "README.md", "CONTRIBUTING.md", "CITATION.cff", "_config.yml", "environment.yml"]
# The rules of GitHub: letters, digits and single hyphens, neither first nor last; the name also has . and _.
ADDRESS = re.compile(r"https://github\.com/[A-Za-z0-9]+(-[A-Za-z0-9]+)*/(?!\.{1,2}$)[\w.-]+(?<!\.git)", re.ASCII)


def move(root: Path, new: str) -> list[str]:
    """Replace the address in every file of ``root`` that names it; return the names of the files that changed.

    Raises ValueError for an address that no repository on GitHub can have.
    """
    if not ADDRESS.fullmatch(new):
        raise ValueError(f"move: expected an address like https://github.com/you/name, got {new!r}")
    old = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    chapters = sorted((root / "book").glob("*.md"))
    # A following letter would make it another address. Of a name that begins with ours, only ours is replaced.
    pattern = re.compile(re.escape(old) + r"(?![\w-])")
    contents = {path: path.read_text(encoding="utf-8") for path in [*(root / name for name in FILES), *chapters]}
    changes = {path: pattern.sub(lambda _: new, text) for path, text in contents.items()}
    notebooks = {}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        text = root / "book" / f"{path.stem}.md"
        notebook = convert(text, changes[text])
        keep_outputs(notebook, nbformat.read(path, as_version=4), (old, new))
        notebooks[path] = nbformat.writes(notebook).rstrip("\n") + "\n"
    # Only now, when nothing can fail any more but the disk.
    return [str(path.relative_to(root)) for path, text in (changes | notebooks).items() if write(path, text)]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        changed = move(Path(__file__).parent.parent, sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
    print("\n".join(changed) or "nothing to change")
    print(f"The course's repository is {sys.argv[1]} now.")
