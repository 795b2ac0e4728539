"""What does an LSTM lose if one block of weights serves all its gates? Chapter 2.3's latch over 20 random seeds.

    python benchmarks/one_block_cell.py [--quick] [--out FILE]

Runs the cells of book/23-counting-parameters.md that are tagged "definition": what is measured is what the chapter
shows. A row is one cell and size: torch's LSTM or the cell with one shared block, with its recurrent matrix W or, as a
control, with W = 0. Its learning rate is the best of RATES by the median error over four seeds that the row does not
count; the row says all that was tried. Then the mean squared errors of 20 other seeds on 2,000 new sequences.

It takes about 6 minutes on one core. The rows are written as JSON, one by one, with versions and date, to
rnncourse/data/measured, from where the chapter reads them; a run that was stopped goes on where it was.
--quick: few seeds and steps, to see that it runs; written only where --out says.
"""

import os

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
os.environ |= dict.fromkeys(THREADS, "1") | {"TQDM_DISABLE": "1"}  # read once, at the first import

import argparse  # noqa: E402
import datetime  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
from pathlib import Path  # noqa: E402

import jupytext  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

import rnncourse  # noqa: E402
from rnncourse import counting  # noqa: E402
from rnncourse.data import recorded  # noqa: E402
from rnncourse.pytorch import variants  # noqa: E402

CHAPTER = Path(__file__).parent.parent / "book" / "23-counting-parameters.md"
RESULTS = recorded.FOLDER / "one_block_cell.json"
STEPS, SEEDS, SEARCH = 600, range(20), range(100, 104)
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
CELLS = [  # the cell, its units, whether it has a recurrent matrix
    ("lstm", 1, True),
    ("shared", 1, True),
    ("shared", 2, True),
    ("shared", 3, True),
    ("lstm", 8, True),
    ("shared", 8, True),
    ("shared", 17, True),
    ("lstm", 1, False),
    ("lstm", 8, False),
    ("shared", 3, False),
    ("shared", 17, False),
]


def chapter():
    """The names that the chapter's definitions make."""
    names = {"np": np, "torch": torch, "variants": variants}
    for cell in jupytext.read(CHAPTER).cells:
        if "definition" in cell.metadata.get("tags", []):
            exec(cell.source, names)
    return names


def rows(done, steps=STEPS, seeds=SEEDS, search=SEARCH, rates=RATES):
    """The rows that are not in ``done``, as they come."""
    names = chapter()
    for kind, n, with_W in CELLS:
        row = {"cell": kind, "n": n, "with W": with_W, "parameters": counting.cell(kind, 2, n), "steps": steps}
        if any(row.items() <= old.items() for old in done):
            continue
        cell = torch.nn.LSTM if kind == "lstm" else names["Shared"]

        def error(seed, rate, cell=cell, n=n, with_W=with_W):
            return float(f"{names['train'](cell, n, seed, rate, with_W, steps):.3g}")

        tried = {str(rate): [error(seed, rate) for seed in search] for rate in rates}
        best = min(tried, key=lambda rate: np.median(tried[rate]))
        yield row | {"rate": float(best), "search": tried, "error": [error(seed, float(best)) for seed in seeds]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few seeds and steps, to see that it runs")
    parser.add_argument("--out", type=Path, help=f"default: {RESULTS.name} in the package; with --quick: nowhere")
    options = parser.parse_args()
    torch.set_num_threads(1)
    out = options.out or (None if options.quick else RESULTS)
    report = {
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "rnncourse": rnncourse.__version__,
            **{library.__name__: library.__version__ for library in (np, torch)},
        },
        "rows": json.loads(out.read_text(encoding="utf-8"))["rows"] if out and out.exists() else [],
    }
    settings = dict(steps=3, seeds=[0], search=[100], rates=(0.03, 0.1)) if options.quick else {}
    for row in rows(list(report["rows"]), **settings):
        report["rows"].append(row)
        few = {key: row[key] for key in ("cell", "n", "with W", "rate")}
        print(few, f"median error {np.median(row['error']):.4f}", flush=True)
        if out:
            out.parent.mkdir(parents=True, exist_ok=True)
            lines = ",\n  ".join(json.dumps(row) for row in report["rows"])  # a line each
            text = json.dumps(report | {"rows": ["…"]}, indent=1, ensure_ascii=False).replace('"…"', lines)
            out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
