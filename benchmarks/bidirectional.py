"""Chapter 3.1: what forward, reverse and bidirectional LSTMs know, on generated clauses and on names in Python files.

    python benchmarks/bidirectional.py [--quick] [--out FILE]

Runs the cells of book/31-bidirectional.md that are tagged "definition": what is measured is what the chapter shows.
Every row gets the same search: each learning rate of RATES with SEARCH seeds, judged on validation data (other
clauses, other files); the rate with the best mean then runs with other seeds on test data. The networks of a task have
about as many weights as each other. Beside them, for the names, logistic regression on the 16 characters up to the
name's end and the 16 behind it, its regularisation chosen in the same way.
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew.
--quick: few steps, two seeds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split

import time

import numpy as np
import sklearn
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "bidirectional.json"
RATES = (0.003, 0.01, 0.03, 0.1)
REGULARISATIONS = (0.01, 0.1, 1.0, 10.0)
SEEDS, SEARCH, FIRST_SEARCHED = {"clauses": 10, "names": 5}, {"clauses": 2, "names": 1}, 100
STEPS, LONG = 300, 1000
NAMES = {  # reads, n of a direction, characters that it waits
    "forward": ("forward", 64, 0),
    "reverse": ("reverse", 64, 0),
    "both": ("both", 43, 0),
    **{f"forward, {delay} later": ("forward", 64, delay) for delay in (1, 2, 4, 8, 16)},
}


def clauses(names, model, rate, seed, steps, final):
    """The share of right answers to each kind of question."""
    trained = names["learn_clauses"](model, seed, rate, steps)
    return names["right_by_kind"](trained, seed=999 if final else 998)


def uses(names, model, rate, seed, steps, final):
    """The share of names whose use was said right, in a list of one."""
    reads, n, delay = NAMES[model]
    trained = names["learn_uses"](names["training"], reads, n, seed, rate, delay, steps)
    return [names["right_uses"](trained, names["test" if final else "validation"], delay).double().mean().item()]


def measure(names, task, model, steps, rates, seeds, search):
    """A row: the search, the rate chosen, and the runs with it, a list of scores for each seed."""
    began, score = time.process_time(), {"clauses": clauses, "names": uses}[task]
    tried = {
        rate: np.mean([score(names, model, rate, FIRST_SEARCHED + seed, steps, False) for seed in range(search)])
        for rate in rates
    }
    rate = max(tried, key=tried.get)
    runs = [score(names, model, rate, seed, steps, True) for seed in range(seeds)]
    print(
        task, model, steps, f"rate {rate}", np.median(runs, axis=0), f"{time.process_time() - began:.0f} s", flush=True
    )
    return {
        "task": task,
        "model": model,
        "steps": steps,
        "search": {str(rate): round(float(mean), 5) for rate, mean in tried.items()},
        "rate": rate,
        "scores": [[round(share, 5) for share in run] for run in runs],
    }


def windows(data, width):
    """The ``width`` characters up to each name's end and as many behind it, and its use; as ``right_uses`` asks."""
    x, y = data[0].numpy(), data[1].numpy()
    places, pieces = np.nonzero(y[: len(y) - width] >= 0)
    padded = np.concatenate([np.zeros((width, x.shape[1]), x.dtype), x])
    around = np.arange(1, 2 * width + 1)
    return padded[places[:, None] + around, pieces[:, None]], y[places, pieces]


def window_row(names, regularisations, width=16, most=20_000):
    """Logistic regression on the characters around a name."""
    one_hot = OneHotEncoder(categories=[range(128)] * 2 * width, dtype=np.float32)
    parts = {part: windows(names[part], width) for part in ("training", "validation", "test")}
    chosen = np.random.default_rng(0).permutation(len(parts["training"][1]))[:most]
    inputs = one_hot.fit_transform(parts["training"][0][chosen])
    tried = {}
    for C in regularisations:
        model = LogisticRegression(C=C, max_iter=500).fit(inputs, parts["training"][1][chosen])
        tried[C] = [model.score(one_hot.transform(parts[p][0]), parts[p][1]) for p in ("validation", "test")]
    C = max(tried, key=lambda C: tried[C][0])
    print("names, window", tried, flush=True)
    search = {str(C): round(float(score), 5) for C, (score, _) in tried.items()}
    row = {"task": "names", "model": f"window of {width} + {width}", "steps": 0, "search": search, "rate": C}
    return row | {"scores": [[round(float(tried[C][1]), 5)]]}


def main():
    options = common.parser(__doc__, RESULTS, "few steps, two seeds").parse_args()
    torch.set_num_threads(1)
    names = common.definitions("31-bidirectional", np=np, torch=torch)
    for part in ("training", "validation", "test"):
        some = names[f"{part}_paths"]
        names[part] = names["load"]([names["paths"][i] for i in (some[:5] if options.quick else some)])
    out = common.destination(options, RESULTS)
    rates, steps, long = (RATES[:2], 2, 4) if options.quick else (RATES, STEPS, LONG)
    rows = common.rows(out)
    plan = [("clauses", model, steps) for model in names["MODELS"]] + [("names", model, steps) for model in NAMES]
    plan += [("clauses", model, long) for model in names["MODELS"] if model != "both, two layers"]
    plan += [("names", model, long) for model in NAMES if model not in ("forward, 2 later", "forward, 8 later")]
    if not any(row["steps"] == 0 for row in rows):
        rows.append(window_row(names, REGULARISATIONS[:2] if options.quick else REGULARISATIONS))
    for task, model, steps in plan:
        if (task, model, steps) not in [(row["task"], row["model"], row["steps"]) for row in rows]:
            seeds, search = (2, 1) if options.quick else (SEEDS[task], SEARCH[task])
            rows.append(measure(names, task, model, steps, rates, seeds, search))
        report = {"date": common.today(), "versions": common.versions(np, sklearn, torch), "rates tried": list(rates)}
        common.write(out, report | {"rows": rows})


if __name__ == "__main__":
    main()
