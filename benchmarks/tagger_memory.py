"""How many of chapter 1.1's taggers remember a word over 298 hesitations, and which changes make them remember?

    python benchmarks/tagger_memory.py [--quick] [--out FILE]

Runs the cells of book/11-why-memory.md that are tagged "definition": what is trained is what the chapter trains. A row
of the result is one change to the chapter's recipe, with the accuracy on 42 questions at each of the chapter's
distances, for each of 20 seeds. All rows of one seed begin with the same initialisation where their
shapes allow. It takes about ten minutes on one core. A row is written as soon as it is there, and a second call
continues where the first one stopped.
--quick: two seeds and two steps, to see that it runs; written only where --out says.
"""

import os

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
os.environ |= dict.fromkeys(THREADS, "1")  # read once, at the first import

import argparse  # noqa: E402
import datetime  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
from pathlib import Path  # noqa: E402

import jupytext  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

from rnncourse.data import recorded  # noqa: E402

CHAPTER = Path(__file__).parent.parent / "book" / "11-why-memory.md"
RESULTS = recorded.FOLDER / "tagger_memory.json"
SEEDS = 20
CHANGES = {
    "none": {},
    "up to 10 hesitations in training": {"most": 10},
    "400 steps": {"steps": 400},
    "32 units": {"units": 32},
    "identity as first recurrent matrix": {"identity": True},
}


def chapter():
    """The names that the chapter's definitions make."""
    names = {"np": np, "torch": torch, "device": "cpu"}
    for cell in jupytext.read(CHAPTER).cells:
        if "definition" in cell.metadata.get("tags", []):
            exec(cell.source, names)
    return names


def measure(names, seeds, done=(), **quick):
    """The rows that are not among ``done``, one after the other."""
    for change, settings in CHANGES.items():
        if change not in done:
            memory = [names["remembers"](seed, **settings | quick) for seed in range(seeds)]
            yield {"change": change, "accuracy": memory}


def write(report, out):
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in report["rows"])  # a line each
    text = json.dumps(report | {"rows": ["…"]}, indent=1, ensure_ascii=False).replace('"…"', lines)
    out.write_text(text + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two seeds and two steps, to see that it runs")
    parser.add_argument("--out", type=Path, help=f"default: {RESULTS.name} in the package; with --quick: nowhere")
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = chapter()
    seeds = 2 if options.quick else SEEDS
    report = {
        "date": datetime.date.today().isoformat(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "seeds": seeds,
        "distances": names["distances"],
        "rows": [],
    }
    out = options.out or (None if options.quick else RESULTS)
    if out and out.exists():
        report["rows"] = json.loads(out.read_text(encoding="utf-8"))["rows"]
    done = [row["change"] for row in report["rows"]]
    for row in measure(names, seeds, done, **({"steps": 2} if options.quick else {})):
        report["rows"].append(row)
        far = [shares[-1] for shares in row["accuracy"]]
        print(f"{row['change']}: {far.count(1.0)} of {len(far)} remember for {names['distances'][-1]}", flush=True)
        if out:
            write(report, out)


if __name__ == "__main__":
    main()
