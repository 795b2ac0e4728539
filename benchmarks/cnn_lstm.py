"""Chapter 3.7: a convolution before an LSTM, inside it and instead of it, on strips of digits, symbols and clips.

    python benchmarks/cnn_lstm.py [--quick] [--out FILE]

Runs the cells of book/37-cnn-and-lstm.md that are tagged "definition": what is measured is what the chapter shows.
Every row gets the same search: the learning rates of RATES with SEARCH seeds, judged by the mean share of right answers
on validation data; while the best rate is the smallest or the largest tried, the next one of WIDER beyond it is tried,
too. The best rate then runs with other seeds on test data. Rows with LONG times the steps take the rate of the same
row without. Scores: the share of right answers for each seed; for the task ("recall", N) also at the other
distances of DISTANCES ("elsewhere"). "seconds": of process time, the median of one training. "step times": medians of
one step of training in ms for some models, measured in turn in one process.
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew.
--quick: two steps, two seeds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import time

import numpy as np
import sklearn
import torch

from rnncourse import counting
from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "cnn_lstm.json"
RATES, WIDER = (0.003, 0.01, 0.03), (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
SEARCH, FIRST_SEARCHED = 3, 100
STEPS, LONG = {"first": 1000, "last": 1000, "recall": 1000, "motion": 300}, 3
DISTANCES = (10, 20, 30, 40)
TIMED = ("LSTM", "conv, then LSTM", "conv with stride 4, then LSTM", "groups of 4, then LSTM", "causal CNN 5")
PLAN = [  # task, model, forget bias, LONG times the steps?, seeds
    ("first", "LSTM", 1.0, False, 5),
    ("first", "groups of 4, then LSTM", 1.0, False, 10),
    ("first", "groups repeated, then LSTM", 1.0, False, 5),
    ("first", "conv with stride 4, then LSTM", 1.0, False, 10),
    ("first", "conv, then LSTM", 1.0, False, 5),
    ("first", "LSTM", 3.0, False, 5),
    ("last", "LSTM", 1.0, False, 10),
    ("last", "conv, then LSTM", 1.0, False, 10),
    ("motion", "frame by frame", 1.0, False, 5),
    ("motion", "frame by frame, 3 × 3", 1.0, False, 5),
    ("motion", "ConvLSTM, no coupling", 1.0, False, 5),
    ("motion", "ConvLSTM", 1.0, False, 5),
    (("recall", 20), "causal CNN 4", 1.0, False, 5),
    (("recall", 20), "LSTM", 1.0, False, 5),
    (("recall", 20), "LSTM", 5.0, False, 5),
    (("recall", 20), "causal CNN 3", 1.0, False, 5),
    ("first", "hidden layer", 1.0, False, 5),
    ("first", "LSTM", 1.0, True, 3),
    ("first", "means of 4, then LSTM", 1.0, False, 5),
    ("first", "causal CNN 5", 1.0, False, 5),
    (("recall", 45), "causal CNN 5", 1.0, False, 5),
    (("recall", 45), "LSTM", 5.0, False, 5),
    ("first", "every 4th column, then LSTM", 1.0, False, 5),
    ("first", "conv, then LSTM", 3.0, False, 5),
    ("first", "groups of 4, then LSTM", 3.0, False, 5),
    (("recall", 20), "LSTM", 1.0, True, 5),
    (("recall", 45), "causal CNN 5", 1.0, True, 5),
]


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("37-cnn-and-lstm", np=np, torch=torch)


def label(task):
    """As JSON has it: "first", or "recall 25"."""
    return task if isinstance(task, str) else f"{task[0]} {task[1]}"


def key(row):
    return row["task"], row["model"], row["forget bias"], row["steps"]


def beyond(tried):
    """The next rate of WIDER beyond the best one, in a list, if the best stands at the edge of what was tried."""
    best = max(tried, key=tried.get)
    here, inside = WIDER.index(best), min(tried) < best < max(tried)
    found = {min(tried): WIDER[:here][-1:], max(tried): WIDER[here + 1 :][:1]}
    return [] if inside else list(found[best])


def measure(names, task, model, bias, steps, rates, seeds, search, rate=None):
    """A row: the search, unless a rate is given, and the runs with the rate chosen."""
    began, tried = time.process_time(), {}
    if rate is None:
        left = list(rates)
        while left:
            one = left.pop(0)
            networks = [names["learn"](task, model, FIRST_SEARCHED + s, one, steps, bias) for s in range(search)]
            shares = [names["share_right"](network, task, "validation", 998) for network in networks]
            tried[one] = round(float(np.mean(shares)), 4)
            if not left:
                left = beyond(tried)
        rate = max(tried, key=tried.get)
    scores, elsewhere, seconds = [], [], []
    for seed in range(seeds):
        start = time.process_time()
        trained = names["learn"](task, model, seed, rate, steps, bias)
        seconds.append(time.process_time() - start)
        scores.append(round(names["share_right"](trained, task), 4))
        if task[0] == "recall":
            elsewhere.append([round(names["share_right"](trained, ("recall", N)), 4) for N in DISTANCES])
    spent = time.process_time() - began
    print(label(task), model, bias, steps, tried, rate, np.median(scores), f"{spent:.0f} s", flush=True)
    return {
        "task": label(task),
        "model": model,
        "forget bias": bias,
        "steps": steps,
        "weights": counting.parameters(trained),
        "search": {str(one): share for one, share in tried.items()},
        "rate": rate,
        "scores": scores,
        "elsewhere": elsewhere,
        "seconds": round(float(np.median(seconds)), 2),
    }


def step_times(names, repeats):
    """Model → median ms of one training step on a ready batch of strips, the models in turn."""
    x, classes = names["batch"]("first", np.random.default_rng(0))
    models = {name: names["build"](name) for name in TIMED}
    spent = {name: [] for name in TIMED}
    for _ in range(repeats):
        for name, model in models.items():
            start = time.process_time()
            torch.nn.functional.cross_entropy(model(x), classes).backward()
            spent[name].append(1000 * (time.process_time() - start))
    return {name: round(float(np.median(times)), 3) for name, times in spent.items()}


def run(out, plan, quick=False, names=None):
    names = names or chapter()
    rates = RATES[:1] if quick else RATES
    report = {
        "date": common.today(),
        "versions": common.versions(np, sklearn, torch),
        "processor": common.processor(),
        "rates tried": list(RATES),
        "distances": list(DISTANCES),
        "step times": step_times(names, 3 if quick else 100),
        "rows": common.rows(out),
    }
    rows = report["rows"]
    for task, model, bias, long, seeds in plan:
        short = 2 if quick else STEPS[task if isinstance(task, str) else task[0]]
        steps = LONG * short if long else short
        wish = {"task": label(task), "model": model, "forget bias": bias, "steps": steps}
        if key(wish) in [key(row) for row in rows]:
            continue
        rate = None
        if long:
            (rate,) = [row["rate"] for row in rows if key(row) == key(wish | {"steps": short})]
        rows.append(
            measure(names, task, model, bias, steps, rates, 2 if quick else seeds, 1 if quick else SEARCH, rate)
        )
        common.write(out, report)


def main():
    options = common.parser(__doc__, RESULTS, "two steps, two seeds").parse_args()
    torch.set_num_threads(1)
    run(common.destination(options, RESULTS), PLAN, options.quick)


if __name__ == "__main__":
    main()
