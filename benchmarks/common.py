"""What the programs of this folder share: one thread, the definitions of a chapter, the options, the record.

Import it before NumPy and torch, which read the number of threads once, when they are first imported.
"""

import os

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
os.environ |= dict.fromkeys(THREADS, "1") | {"TQDM_DISABLE": "1"}  # one thread, no progress bars

import argparse  # noqa: E402
import datetime  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

BOOK = Path(__file__).parent.parent / "book"


def definitions(chapter, **given):
    """The names that the cells of book/CHAPTER.md tagged "definition" make, from those that are ``given``."""
    import jupytext  # here: programs that run no chapter need none

    names = dict(given)
    for cell in jupytext.read(BOOK / f"{chapter}.md").cells:
        if "definition" in cell.metadata.get("tags", []):
            exec(cell.source, names)
    return names


# ---- options -----------------------------------------------------------------------------------------------


def parser(doc, record, quick):
    """A parser of --quick and --out for a program with this docstring; ``quick``: what --quick takes little of."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{quick}, to see that it runs")
    parser.add_argument("--out", type=Path, help=f"default: {record.name} in the package; with --quick: nowhere")
    return parser


def destination(options, record):
    """The file to write: --out, else the record in the package; None, nowhere, with --quick alone."""
    return options.out or (None if options.quick else record)


# ---- what a record says of its run -------------------------------------------------------------------------


def today():
    return datetime.date.today().isoformat()


def versions(*libraries):
    """name → version, of Python and of modules."""
    return {"python": platform.python_version(), **{library.__name__: library.__version__ for library in libraries}}


def processor():
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def quartiles(values, digits=4):
    """Lower quartile, median and upper quartile, with so many digits."""
    return [float(f"{value:.{digits}g}") for value in np.percentile(values, [25, 50, 75])]


# ---- the record --------------------------------------------------------------------------------------------


def rows(file):
    """The rows of the record in ``file``; none where there is no file."""
    return json.loads(file.read_text(encoding="utf-8"))["rows"] if file and file.exists() else []


def written(report, escape=False):
    """A report as JSON, each of its "rows" on a line of its own; ``escape``: in rows, letters outside ASCII as \\u…."""
    lines = ",\n  ".join(json.dumps(row, ensure_ascii=escape) for row in report.get("rows", []))
    head = json.dumps(report | ({"rows": ["…"]} if lines else {}), indent=1, ensure_ascii=False)
    return head.replace('"…"', lines) + "\n"


def write(file, report, escape=False):
    """Write a report at once or not at all, so that a run that is stopped can go on; nowhere where ``file`` is None."""
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_text(written(report, escape), encoding="utf-8")
        os.replace(draft, file)
