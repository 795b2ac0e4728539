"""Chapter 1.2's character model over ten random seeds, with and without its recurrent matrix, and in other sizes.

    python benchmarks/character_rnn.py [--quick] [--out FILE]

Runs the cells of book/12-simple-rnn.md that are tagged "definition": what is trained is what the chapter trains.
The tables:

    search   every learning rate of RATES, three seeds, with W and with W = 0: bits on the validation text
    runs     ten other seeds at the rate that was best on average: bits on the validation text and on the test text
    sizes    32 and 64 units, each with a search of its own, then three other seeds

The best rate of every search must lie inside the grid. It takes about five minutes on one core. A row is written as
soon as it is there, and a second call continues where the first one stopped.
--quick: one seed and a few steps, to see that it runs; written only where --out says.
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
import sklearn  # noqa: E402

from rnncourse.data import recorded  # noqa: E402

CHAPTER = Path(__file__).parent.parent / "book" / "12-simple-rnn.md"
RESULTS = recorded.FOLDER / "character_rnn.json"
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
NETWORKS = [(128, True), (128, False), (32, True), (64, True)]  # units, memory


def chapter():
    """The names that the chapter's definitions make, its text read."""
    names = {"np": np}
    for cell in jupytext.read(CHAPTER).cells:
        if "definition" in cell.metadata.get("tags", []):
            exec(cell.source, names)
    return names


def run(names, seed, **settings):
    """One training → bits on the validation text, bits on the test text."""
    *_, (_, weights) = names["learn"](seed, **settings)
    return [round(float(names["bits"](weights, names[part])), 4) for part in ("validation", "test")]


def measure(names, rows, seeds, searched, rates=RATES, steps=2000):
    """The rows that are missing in ``rows``, which the caller extends, one after the other."""
    have = [(row["table"], row["units"], row["memory"], row["rate"]) for row in rows]
    for n, memory in NETWORKS:
        for rate in rates:
            if ("search", n, memory, rate) not in have:
                found = [run(names, seed, n=n, memory=memory, rate=rate, steps=steps)[0] for seed in searched]
                yield {"table": "search", "units": n, "memory": memory, "rate": rate, "validation": found}
        tried = {
            row["rate"]: np.mean(row["validation"])
            for row in rows
            if (row["table"], row["units"], row["memory"]) == ("search", n, memory)
        }
        rate, table = min(tried, key=tried.get), "runs" if n == 128 else "sizes"
        if (table, n, memory, rate) not in have:
            many = seeds if n == 128 else seeds[:3]
            validation, test = zip(
                *(run(names, s, n=n, memory=memory, rate=rate, steps=steps) for s in many), strict=True
            )
            row = {"table": table, "units": n, "memory": memory, "rate": rate}
            yield row | {"validation": list(validation), "test": list(test)}


def write(report, out):
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n  ".join(json.dumps(row) for row in report["rows"])  # a line each
    text = json.dumps(report | {"rows": ["…"]}, indent=1, ensure_ascii=False).replace('"…"', lines)
    out.write_text(text + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed and a few steps, to see that it runs")
    parser.add_argument("--out", type=Path, help=f"default: {RESULTS.name} in the package; with --quick: nowhere")
    options = parser.parse_args()
    names = chapter()
    report = {
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "rows": [],
    }
    out = options.out or (None if options.quick else RESULTS)
    if out and out.exists():
        report["rows"] = json.loads(out.read_text(encoding="utf-8"))["rows"]
    size = dict(seeds=range(10), searched=range(100, 103))
    if options.quick:
        size = dict(seeds=range(1), searched=range(100, 101), rates=(0.005, 0.01), steps=3)
    for row in measure(names, report["rows"], **size):
        report["rows"].append(row)
        print(row, flush=True)
        if out:
            write(report, out)


if __name__ == "__main__":
    main()
