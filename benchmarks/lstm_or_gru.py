"""Chapter 2.5: LSTM, GRU and a tanh network on three tasks, at equal budgets, each with its own learning rate.

    python benchmarks/lstm_or_gru.py [--quick] [--out FILE]

Runs the cells of book/25-lstm-or-gru.md that are tagged "definition": what is measured is what the chapter shows.
For each task and each cell, the same search: every learning rate of RATES with SEARCH seeds; then the rate with the
best mean score runs with SEEDS other seeds. Scores are taken after AFTER steps; the search looks at the last one.
Search and scores use the same test data. For agreement, each LSTM also runs with the rate of the other one ("crossed").
No cell has more weights than the LSTM (one bias a gate counted). Written as JSON to rnncourse/data/measured, where the
chapter reads it, after every row; rows that stand there are not run again: remove the file to begin anew.
--quick: few steps, two seeds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import time

import numpy as np
import torch

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "lstm_or_gru.json"
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
AFTER = (200, 800)
SEEDS, SEARCH, FIRST_SEARCHED = 20, 3, 100
CELLS = {  # name → module, what is done to it before training
    "LSTM": ("LSTM", None),
    "LSTM, forget bias 1": ("LSTM", "bias_one"),
    "GRU": ("GRU", None),
    "RNN": ("RNN", None),
    "LSTM, i = 1 − f": ("coupled", None),  # for brackets alone
}
PLAN = [(task, cell) for task in ("adding", "agreement", "brackets") for cell in CELLS]
PLAN = [(task, cell) for task, cell in PLAN if task == "brackets" or cell != "LSTM, i = 1 − f"]
CROSSED = [("LSTM", "LSTM, forget bias 1"), ("LSTM, forget bias 1", "LSTM")]  # this cell with the rate of that one
UNITS = {  # of the LSTM, and what its weights buy: 1,216, 1,056 and 352
    "adding": {"LSTM": 16, "GRU": 18, "RNN": 33},
    "agreement": {"LSTM": 12, "GRU": 14, "RNN": 27},
    "brackets": {"LSTM": 8, "GRU": 9, "RNN": 17, "coupled": 9},
}


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("25-lstm-or-gru", np=np, torch=torch)


def scores_of(names, task, cell, rate, seed, after):
    module, prepare = CELLS[cell]
    n = UNITS[task][module]
    make = names.get(module) or getattr(names["fused"], module)
    given = [task, make, n, rate, seed, after[-1], names.get(prepare), after]
    _, scores = names["learn"](*given)
    return [float(f"{score:.4g}") for score in scores]


def measure(names, task, cell, rates, after, seeds, search):
    """A row: the search, the rate chosen, and the runs with it, a list of scores for each seed."""
    began, tried = time.process_time(), {}
    for rate in rates:
        runs = [scores_of(names, task, cell, rate, FIRST_SEARCHED + seed, after) for seed in range(search)]
        tried[rate] = float(np.mean([scores[-1] for scores in runs]))
    chosen = (min if task == "adding" else max)(tried, key=tried.get)
    runs = [scores_of(names, task, cell, chosen, seed, after) for seed in range(seeds)]
    ends = np.sort([scores[-1] for scores in runs])
    print(task, cell, tried, "chosen", chosen, ends, f"{time.process_time() - began:.0f} s", flush=True)
    return {
        "task": task,
        "cell": cell,
        "n": UNITS[task][CELLS[cell][0]],
        "search": {str(rate): mean for rate, mean in tried.items()},
        "rate": chosen,
        "scores": runs,
    }


def main():
    options = common.parser(__doc__, RESULTS, "few steps, two seeds").parse_args()
    torch.set_num_threads(1)
    names = chapter()
    out = common.destination(options, RESULTS)
    plan = ((0.01, 0.03), (2, 4), 2, 1) if options.quick else (RATES, AFTER, SEEDS, SEARCH)
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "rates tried": list(plan[0]),
        "after steps": list(plan[1]),
        "rows": common.rows(out),
    }
    rows = report["rows"]
    for task, cell in PLAN:
        if (task, cell) not in [(row["task"], row["cell"]) for row in rows if "search" in row]:
            rows.append(measure(names, task, cell, *plan))
            common.write(out, report, escape=True)
    for cell, other in CROSSED:
        if cell not in [row["cell"] for row in rows if "search" not in row]:
            rate = next(row["rate"] for row in rows if (row["task"], row["cell"]) == ("agreement", other))
            runs = [scores_of(names, "agreement", cell, rate, seed, plan[1]) for seed in range(plan[2])]
            print("agreement", cell, "with", rate, np.sort([scores[-1] for scores in runs]), flush=True)
            row = {"task": "agreement", "cell": cell, "n": UNITS["agreement"][CELLS[cell][0]]}
            rows.append(row | {"rate": rate, "scores": runs})
            common.write(out, report, escape=True)


if __name__ == "__main__":
    main()
