"""Chapter 2.5: LSTM, GRU and a tanh network on three tasks, at equal budgets, each with its own learning rate.

    python benchmarks/lstm_or_gru.py [--quick] [--task TASK] [--cell CELL] [--out FILE]

Runs the cells of book/25-lstm-or-gru.md that are tagged "definition": what is measured is what the chapter shows.
Two passes for each task and each cell:

    search   every learning rate of RATES with SEARCH seeds, examined on data of their own
    runs     for a short and for a long training, the rate with the best mean in the search after as many steps;
             with it SEEDS other seeds, examined on other data

Every run is examined every EVERY steps, so that scores at fixed steps and steps to a criterion can be read off. No
cell has more weights than the LSTM (one bias a gate counted). One exception: the GRU with its reset gate held at 1 also
runs as large as the GRU. Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row.
--task, --cell: only these rows; the others stay as they are in the file. --quick: few steps, two seeds, to see that
it runs; written only where --out says.
"""

import os

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
os.environ |= dict.fromkeys(THREADS, "1") | {"TQDM_DISABLE": "1"}  # read once, at the first import

import argparse  # noqa: E402
import datetime  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import jupytext  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

from rnncourse.data import recorded  # noqa: E402

CHAPTER = Path(__file__).parent.parent / "book" / "25-lstm-or-gru.md"
RESULTS = recorded.FOLDER / "lstm_or_gru.json"
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
STEPS = (150, 1000)  # short, long
EVERY = 25
SEEDS, SEARCH, FIRST_SEARCHED = 20, 3, 100
CELLS = {  # name → module, what is done to it before training, whether it is for agreement alone
    "LSTM": ("LSTM", None, False),
    "LSTM, b_f = 1": ("LSTM", "bias_one", False),
    "GRU": ("GRU", None, False),
    "GRU, b_z = 1": ("GRU", "bias_one", False),
    "RNN": ("RNN", None, False),
    "GRU, r = 1, equal n": ("GRU", "never_reset", True),
    "GRU, r = 1, equal budget": ("GRU", "never_reset", True),
}
UNITS = {  # of the LSTM, and what its weights buy: 1,216, 1,056 and 352
    "adding": {"LSTM": 16, "GRU": 18, "RNN": 33},
    "agreement": {"LSTM": 12, "GRU": 14, "RNN": 27, "GRU, r = 1, equal n": 14, "GRU, r = 1, equal budget": 18},
    "brackets": {"LSTM": 8, "GRU": 9, "RNN": 17},
}
ORDER = [(task, cell) for task in UNITS for cell, (_, _, alone) in CELLS.items() if task == "agreement" or not alone]


def chapter():
    """The names that the chapter's definitions make."""
    names = {"np": np, "torch": torch}
    for cell in jupytext.read(CHAPTER).cells:
        if "definition" in cell.metadata.get("tags", []):
            exec(cell.source, names)
    return names


def units(task, cell):
    return UNITS[task].get(cell) or UNITS[task][cell.split(",")[0]]


def run(names, task, cell, rate, seed, steps, every, exam):
    """The scores after every ``every`` steps, on the exam drawn from the seed ``exam``."""
    module, prepare, _ = CELLS[cell]
    scores = []

    def after_each(step, network):
        if step % every == 0:
            scores.append(float(f"{names['examine'](task, network, exam):.4g}"))

    given = [task, getattr(names["fused"], module), units(task, cell), rate, seed, steps]
    names["learn"](*given, after_each=after_each, prepare=names.get(prepare))
    return scores


def best_rate(task, searched, at):
    """The rate whose mean score after the examination number ``at`` is best."""
    mean = {rate: np.mean([scores[at] for scores in runs]) for rate, runs in searched.items()}
    return (min if task == "adding" else max)(mean, key=mean.get)


def measure(task, cell, names, steps, every, rates, seeds, search):
    """A row: the search, the rates chosen, and the runs with them."""
    began = time.process_time()
    searched = {
        rate: [run(names, task, cell, rate, FIRST_SEARCHED + seed, steps[1], every, exam=98) for seed in range(search)]
        for rate in rates
    }
    chosen = {length: best_rate(task, searched, length // every - 1) for length in steps}
    runs = {
        rate: [run(names, task, cell, rate, seed, steps[1], every, exam=99) for seed in range(seeds)]
        for rate in dict.fromkeys(chosen.values())
    }
    row = {
        "task": task,
        "cell": cell,
        "n": units(task, cell),
        "every": every,
        "short, long": list(steps),
        "rates": [chosen[length] for length in steps],
        "scores": {str(rate): scores for rate, scores in runs.items()},
        "search": {str(rate): [scores[-1] for scores in of] for rate, of in searched.items()},
        "search, short": {str(rate): [scores[steps[0] // every - 1] for scores in of] for rate, of in searched.items()},
    }
    for length, rate in chosen.items():
        end = [scores[length // every - 1] for scores in runs[rate]]
        print(f"{task:10} {cell:25} n = {row['n']:2}  {length:4} steps, rate {rate}: {np.sort(end)}")
    print(f"{'':36} {time.process_time() - began:.0f} s", flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--task", choices=list(UNITS))
    parser.add_argument("--cell", choices=list(CELLS))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    names, rows = chapter(), {}
    out = options.out or (None if options.quick else RESULTS)
    if out and out.exists():
        rows = {(row["task"], row["cell"]): row for row in json.loads(out.read_text(encoding="utf-8"))["rows"]}
    plan = ((2, 4), 2, (0.01, 0.03), 2, 1) if options.quick else (STEPS, EVERY, RATES, SEEDS, SEARCH)
    for task, cell in ORDER:
        if options.task in (None, task) and options.cell in (None, cell):
            rows[task, cell] = measure(task, cell, names, *plan)
            if out:
                write(out, sorted(rows.values(), key=lambda row: ORDER.index((row["task"], row["cell"]))))


def write(out, rows):
    report = {
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            **{library.__name__: library.__version__ for library in (np, torch)},
        },
        "rates tried": list(RATES),
        "rows": ["…"],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n  ".join(json.dumps(row) for row in rows)  # a line each
    text = json.dumps(report, indent=1, ensure_ascii=False).replace('"…"', lines)
    out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
