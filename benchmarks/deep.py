"""Chapter 3.2: what a second layer is good for, and how eight layers can be trained.

    python benchmarks/deep.py [--quick] [--out FILE]

Runs the cells of book/32-deep.md that are tagged "definition": what is measured is what the chapter shows. Every row
gets the same search: each learning rate of its task's RATES with SEARCH seeds, judged on validation sequences; the
best one, of equals the largest, then runs with other seeds on test sequences. Rows with three times the steps, and
those whose layers forget, take the rate of the row that they are compared with; rows with fewer steps have a search of
their own. Three tasks: "switches", scored by the
share of wrong answers; "words", at an equal number of weights, and "tall", with layers of 12 units, scored by the bits
per letter above the best possible. For the words also: for how many steps a changed letter moves each layer, trained
and untrained, and the score when a layer of the trained network is made to forget.
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew.
--quick: few steps, two seeds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import time

import numpy as np
import torch

from rnncourse import counting
from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "deep.json"
RATES = {
    "switches": (0.003, 0.01, 0.03, 0.1),
    "words": (0.01, 0.03, 0.1, 0.3),
    "tall": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
}
STEPS = {"switches": 600, "words": 400, "tall": 300}
SEARCH = {"switches": 3, "words": 1, "tall": 1}  # seeds; a network solves the switches or does not
SEARCHED, VALIDATION = 100, 998  # the first seed of the search, and that of the sequences that judge it
TALL = {"plain": {}, "residual": {"residual": True}, "norm": {"norm": True}, "both": {"residual": True, "norm": True}}
EQUAL = 0.7  # times the steps: then two layers train for about as many seconds as one, see the chapter
PLAN = [  # task, model, how many times the steps, seeds
    ("switches", "RNN R", 1, 30),
    ("switches", "RNN RR", 1, 30),
    ("switches", "RNN RF", 1, 30),
    ("switches", "RNN FR", 1, 30),
    ("switches", "RNN R late", 1, 30),
    ("words", "R", 1, 10),
    ("words", "RR", 1, 10),
    ("tall", "plain 8", 1, 5),
    ("tall", "residual 8", 1, 5),
    ("words", "RR forget 1", 1, 5),
    ("words", "RR forget 2", 1, 5),
    ("words", "RR forget 12", 1, 5),
    ("switches", "RNN R", 3, 30),
    ("switches", "RNN RR", 3, 30),
    ("tall", "norm 8", 1, 5),
    ("tall", "both 8", 1, 5),
    ("tall", "plain 2", 1, 5),
    ("tall", "plain 8", 3, 5),
    ("tall", "norm 8", 3, 5),
    ("switches", "RNN RRR", 1, 30),
    ("switches", "RNN R 23", 1, 30),  # one layer with as many units as the layer of FR, or as each of RR
    ("switches", "RNN R 19", 1, 30),
    ("words", "RRR", 1, 10),
    ("switches", "RNN RR", EQUAL, 30),
    ("words", "RR", EQUAL, 10),
    ("words", "R", 3, 5),
    ("words", "RR", 3, 5),
    ("tall", "residual 8", 3, 5),
    ("tall", "plain 2", 3, 5),
]


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("32-deep", np=np, torch=torch)


def learned(names, task, model, seed, rate, steps):
    """A trained network."""
    first, *rest = model.split()
    if task == "switches":
        n = int(rest[-1]) if rest[-1].isdigit() else None
        budget = {} if n is None else {"budget": n * n + 4 * n + 1}
        return names["learn_switches"](first, rest[0], seed, rate, steps, late=int("late" in rest), **budget)
    if task == "tall":
        network = names["Tall"](int(rest[0]), seed, **TALL[first])
    else:
        network = names["word_model"](first, seed, forget=tuple(int(d) for d in rest[-1]) if rest else ())
    return names["learn_words"](network, seed, rate, steps)


def score(names, task, model, network, seed=999):
    """The lower the better: the share of wrong answers, or bits per letter above the best possible."""
    if task == "switches":
        return names["wrong"](network, late=int("late" in model), seed=seed)
    return float(names["above"](network, seed))


def measure(names, task, model, steps, rates, seeds, search, rate=None):
    """A row: the search, unless a rate is given, and the runs with the rate chosen."""
    began, tried = time.process_time(), {}
    if rate is None:
        for one in rates:
            networks = [learned(names, task, model, SEARCHED + seed, one, steps) for seed in range(search)]
            tried[one] = round(np.mean([score(names, task, model, n, VALIDATION) for n in networks]).item(), 5)
        rate = min(tried, key=lambda one: (tried[one], -one))  # of equals the largest
    scores, lasting, untrained, forgets = [], [], [], []
    for seed in range(seeds):
        network = learned(names, task, model, seed, rate, steps)
        scores.append(round(score(names, task, model, network), 5))
        if task == "words" and "forget" not in model:
            lasting.append(names["lasting"](network))
            untrained.append(names["lasting"](names["word_model"](model, seed)))
            cut = []
            for layer in range(1, len(model) + 1):
                network.forget = (layer,)
                cut.append(round(score(names, task, model, network), 5))
            forgets.append(cut)
    print(task, model, steps, tried, rate, scores, f"{time.process_time() - began:.0f} s", flush=True)
    return {
        "task": task,
        "model": model,
        "steps": steps,
        "weights": counting.parameters(network),
        "search": {str(one): found for one, found in tried.items()},
        "rate": rate,
        "scores": scores,
        "lasting": lasting,
        "lasting untrained": untrained,
        "forgets in use": forgets,
    }


def run(out, plan, quick=False, names=None):
    names = names or chapter()
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "rates tried": {task: list(rates[:2] if quick else rates) for task, rates in RATES.items()},
        "rows": common.rows(out),
    }
    rows = report["rows"]
    for task, model, times, seeds in plan:
        short = 2 if quick else STEPS[task]
        steps = max(1, round(times * short))
        key = task, model, steps
        if key in [(row["task"], row["model"], row["steps"]) for row in rows]:
            continue
        rate, search = None, 1 if quick else SEARCH[task]
        if times > 1 or "forget" in model:
            wanted = {"task": task, "model": model.split(" forget")[0], "steps": short}
            (rate,) = [row["rate"] for row in rows if wanted.items() <= row.items()]
        rows.append(
            measure(names, task, model, steps, report["rates tried"][task], 2 if quick else seeds, search, rate)
        )
        common.write(out, report)


def main():
    options = common.parser(__doc__, RESULTS, "few steps, two seeds").parse_args()
    torch.set_num_threads(1)
    run(common.destination(options, RESULTS), PLAN, options.quick)


if __name__ == "__main__":
    main()
