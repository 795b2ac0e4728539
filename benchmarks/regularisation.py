"""Measurements of chapter 4.3: noise and memory, and which regularisation helps on little data.

    python benchmarks/regularisation.py [--quick] [--out FILE]

Runs the cells of book/43-regularisation.md that are tagged "definition": what is measured is what the chapter shows.
Every row gets the same search with one random seed, judged on validation data without noise. First the learning rate:
three neighbours, then further while the best one is the last of them. Then, at this rate, the strength of the method:
three neighbours of its list, and further in the same way. The best setting then runs with other random seeds on test
data. Other rows of text, A and B being methods:
    "A + B"               takes the strengths of A and B and searches the rate
    "A, p=0.1"            takes this strength and searches the rate
    "A, longer"           takes rate and strength of A, and three times the steps
    "A, longer, searched" searches both again with three times the steps, beginning where A ended; "A + B": that of B
"memory" rows search the rate only; "scores" is the error without noise, the other lists are those of ``examine``.
For noise on the weights, "refitted on" says nothing: the states of the fit and of the test have other masks.
"cut" rows are "memory" rows with W = 0.
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew.
--quick: few steps and seeds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import time

import numpy as np
import torch

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "regularisation.json"
SEEDS, SEARCH_SEED, STEPS = 10, 100, 400
RATES = {
    "text": (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16),
    "glucose": (0.0006, 0.00125, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16),
    "memory": (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
}
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
STRENGTHS = {  # the search begins in the middle of each list
    "L1": (1e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3),
    "L2 in the loss": (1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    "weight decay": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
}
SIZES = {"text": (16, 24, 32, 48, 96, 128, 192, 256), "glucose": (2, 4, 8, 16, 24, 48, 64, 96)}
FIRST = (
    "early stopping only",
    "to the end",
    "weight decay",
    "outside, new masks",
    "outside, same masks",
    "weights",
    "hidden, new masks",
    "hidden, same masks",
    "cell, new masks",
    "candidate",
    "zoneout",
    "L1",
    "L2 in the loss",
    "another size",
)


def key(task, what, T, place, same, steps=200, seeds=SEEDS):
    return {"task": task, "what": what, "T": T, "place": place, "same": same, "steps": steps, "seeds": seeds}


MEMORY = [  # the task, steps of the sequence, place of the noise, same mask?
    key("memory", "number", 20, None, True),
    key("memory", "number", 20, "cell", False),
    key("memory", "number", 20, "hidden", False),
    key("memory", "bit", 20, "cell", False),
    key("memory", "bit", 40, None, True),
    key("memory", "bit", 40, "cell", False),
    key("memory", "number", 20, "hidden", True),
    key("memory", "number", 20, "cell", True),
    key("memory", "number", 20, "candidate", False),
    key("memory", "number", 20, "weights", True),
    key("memory", "number", 20, "zoneout", False),
]
CONTROLS = [  # no unit reads another one
    key("cut", "bit", 20, None, False),
    key("cut", "bit", 20, "cell", False),
]
PAIR = "weight decay + outside, same masks"  # the best two on validation text
LONGER = (
    "outside, same masks",
    PAIR,
    "weight decay",
    "outside, new masks",
    "weights",
    "L2 in the loss",
    "hidden, same masks",
)
SEARCHED = ("outside, same masks", "weight decay", PAIR)
EQUAL = ("outside, new masks, p=0.2", "outside, same masks, p=0.1", "hidden, new masks, p=0.1")
CHANGE = "the change from the last value"
LAST = ("candidate", "zoneout")  # the slowest
PLAN = [
    *({"task": "text", "method": method} for method in FIRST if method not in LAST),
    *MEMORY,
    *({"task": "glucose", "method": method} for method in (*FIRST, CHANGE) if method not in LAST),
    *({"task": task, "method": method} for method in LAST for task in ("text", "glucose")),
    *CONTROLS,
    {"task": "text", "method": PAIR},
    *({"task": "text", "method": f"{method}, longer"} for method in LONGER),
    *({"task": "text", "method": f"{method}, longer, searched"} for method in SEARCHED),
    *({"task": "text", "method": method} for method in EQUAL),
]


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("43-regularisation", np=np, torch=torch)


def climb(values, loss, start):
    """The value of an ordered list with the least loss: ``start`` and its neighbours, and on while the best is last.

    Returns the value and what was tried, a dict of value → loss.
    """
    first = values.index(start)
    tried = {values[k]: loss(values[k]) for k in (first - 1, first, first + 1)}
    while True:
        best = min(tried, key=tried.get)
        at = values.index(best)
        nexts = [k for k in (at - 1, at + 1) if 0 <= k < len(values) and values[k] not in tried]
        if not nexts:
            return best, tried
        tried[values[nexts[0]]] = loss(values[nexts[0]])


def strengths(task, method):
    """The list of strengths and where to begin; none where there is nothing to choose."""
    if method in STRENGTHS or method == "another size":
        values = STRENGTHS.get(method, SIZES[task])
        return values, values[len(values) // 2]
    return SHARES, 0.2 if method == "zoneout" else 0.4


def search(names, task, settings, values, begin, rate, quick):
    """The rate, the strength (None for a method without), the losses of both searches, from ``rate`` and ``begin``."""

    def loss(rate, chosen):
        model, _ = names["learn"](task, rate, SEARCH_SEED, **chosen)
        return round(names["score"](task, model, "validation"), 4)

    free = settings(1) != settings(2)  # is there a strength to choose?
    if quick:
        return rate, begin if free else None, {}, {}
    rate, rates_tried = climb(RATES[task], lambda one: loss(one, settings(begin)), rate)
    if not free:
        return rate, None, rates_tried, {}
    known = rates_tried[rate]
    strength, tried = climb(values, lambda s: known if s == begin else loss(rate, settings(s)), begin)
    return rate, strength, rates_tried, tried


def compare(names, task, method, rows, quick):
    """A row of "text" or "glucose"."""

    def of(other):
        (row,) = [row for row in rows if (row["task"], row.get("method")) == (task, other)]
        return row

    name, _, manner = method.partition(", longer")  # manner: "" or ", searched" where there are more steps
    more = {"steps": 3 * STEPS} if ", longer" in method else {}
    name, _, fixed = name.partition(", p=")
    first, _, second = name.rpartition(" + ")
    beside = names["METHODS"][first](of(first)["strength"]) if first else {}
    make = lambda s: beside | names["METHODS"][second](s) | more  # noqa: E731
    values, begin = strengths(task, second)
    rate = RATES[task][len(RATES[task]) // 2]
    if manner:
        begin, rate = of(second)["strength"], of(name)["rate"]
    if more and not manner:
        rate, strength, rates_tried, tried = of(name)["rate"], of(second)["strength"], {}, {}
        settings = make(strength)
        strength = of(name)["strength"]
    elif fixed or (first and not manner):
        strength = float(fixed) if fixed else of(second)["strength"]
        settings = make(strength)
        rate, _, rates_tried, tried = search(names, task, lambda _: settings, values, begin, rate, quick)
        strength = strength if fixed else None
    else:
        rate, strength, rates_tried, tried = search(names, task, make, values, begin, rate, quick)
        settings = make(strength)
    scores, steps = [], []
    for seed in range(2 if quick else SEEDS):
        model, history = names["learn"](task, rate, seed, **settings)
        scores.append(round(names["score"](task, model, "test"), 4))
        steps.append(min(history, key=lambda row: row[3])[0])
    found = {"rates": {str(k): v for k, v in rates_tried.items()}, "strengths": {str(k): v for k, v in tried.items()}}
    return {"search": found, "rate": rate, "strength": strength, "scores": scores, "steps": steps}


def memory(names, task, what, T, place, same, steps, seeds, quick):
    """A row of "memory", or of "cut", where W is 0."""
    given = {"same": same, "steps": steps, "cut": task == "cut"}
    run = lambda rate, seed: names["remember"](what, T, rate, seed, place, **given)  # noqa: E731
    rates = RATES["memory"]
    off = lambda rate: round(run(rate, SEARCH_SEED)["off"], 4)  # noqa: E731
    rate, tried = (rates[3], {}) if quick else climb(rates, off, rates[3])
    found = [run(rate, seed) for seed in range(2 if quick else seeds)]
    errors = {name: [round(one[name], 4) for one in found] for name in found[0]}
    scores = errors.pop("off")
    return {"search": {"rates": {str(k): v for k, v in tried.items()}}, "rate": rate, "scores": scores} | errors


def run(out, plan, quick=False, names=None):
    names = names or chapter()
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "rates": {task: list(rates) for task, rates in RATES.items()},
        "rows": common.rows(out),
    }
    rows = report["rows"]
    if quick:
        learn, remember = names["learn"], names["remember"]
        names["learn"] = lambda *given, **more: learn(*given, **more | {"steps": 20})
        names["remember"] = lambda what, T, *given, steps, **more: remember(what, 3, *given, steps=steps // 200, **more)
    for wish in plan:
        if any(wish.items() <= row.items() for row in rows):
            continue
        began = time.process_time()
        if wish["task"] in ("memory", "cut"):
            measured = memory(names, *wish.values(), quick)
        else:
            measured = compare(names, wish["task"], wish["method"], rows, quick)
        rows.append(wish | measured)
        middle = round(float(np.median(measured["scores"])), 4)
        shown = [str(part) for part in list(wish.values())]
        print(*shown, measured["search"], measured["rate"], measured.get("strength"), middle,
              f"{time.process_time() - began:.0f} s", flush=True)  # fmt: skip
        rows.sort(key=lambda row: [wish.items() <= row.items() for wish in plan].index(True))
        common.write(out, report)


def main():
    options = common.parser(__doc__, RESULTS, "few steps and seeds").parse_args()
    torch.set_num_threads(1)
    run(common.destination(options, RESULTS), PLAN, options.quick)


if __name__ == "__main__":
    main()
