"""Chapter 4.2: five optimisers over one grid of learning rates, with and without clipping; losses; schedules.

    python benchmarks/optimisers.py [--quick] [--out FILE]

Runs the cells of book/42-optimisers-and-clipping.md that are tagged "definition": what is measured is what the chapter
shows. Every row gets a search: all of RATES or seven of them in a row, or seven finer ones, with a few seeds each. The
best rate then runs with fresh seeds, which the search has not seen. Best is the lowest median cross-entropy on new text
("Text"), or the largest mean share of right answers ("France", and rows with another loss, whose cross-entropies do not
compare), and among equals the lower cross-entropy. A run's scores: cross-entropy in bits, share right, and for fresh
seeds the longest gradient before clipping; bits and lengths above CAP, or not finite, are written as CAP.
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew.
--quick: two rates, two seeds, three steps, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import math
import time

import numpy as np
import torch

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "optimisers.json"
RATES = (0.00032, 0.001, 0.0032, 0.01, 0.032, 0.1, 0.32, 1.0, 3.2, 10.0, 32.0)
FRESH_SEED, CAP = 100, 1e6
ALL, MIDDLE, LOW = RATES, RATES[4:], RATES[2:9]
FINE = (0.01, 0.018, 0.032, 0.056, 0.1, 0.18, 0.32)
FINE_MOMENTUM = (0.32, 0.56, 1.0, 1.8, 3.2, 5.6, 10.0)
ROW = {"optimiser": "SGD", "clip": ["norm", 1.0], "schedule": "constant", "loss": "cross-entropy", "start": 0.0}
TEXT = ROW | {"task": "Text", "steps": 200, "rates": MIDDLE, "seeds": 3, "fresh": 10}
FRANCE = ROW | {"task": "France", "steps": 300, "rates": MIDDLE, "seeds": 3, "fresh": 10}
NONE = {"clip": ["none"]}
FIVE = ("SGD", "momentum", "RMSprop", "Adam", "AdamW")
SQUARED = ("squared, probabilities", "squared, raw scores")
DECAYING = ("cosine", "warm-up, cosine")
PLAN = [
    *(TEXT | {"optimiser": name, "rates": ALL, "seeds": 10} for name in FIVE),
    *(FRANCE | {"rates": ALL, "fresh": 30} | clip for clip in ({}, NONE)),
    FRANCE | {"clip": ["value", 0.1], "fresh": 30},
    *(FRANCE | {"optimiser": "Adam", "rates": ALL, "fresh": 30} | clip for clip in ({}, NONE)),
    *(TEXT | {"optimiser": "Adam", "loss": loss, "rates": LOW} for loss in SQUARED),
    *(TEXT | {"optimiser": "Adam", "loss": loss, "start": 10.0, "rates": LOW} for loss in ("cross-entropy", *SQUARED)),
    *(TEXT | {"optimiser": "Adam", "schedule": schedule, "rates": LOW} for schedule in DECAYING),
    FRANCE | {"steps": 900, "rates": LOW, "seeds": 2, "fresh": 30} | NONE,
    *(FRANCE | {"clip": clip, "rates": MIDDLE} for clip in (["norm", 0.1], ["value", 0.01])),
    FRANCE | {"clip": ["norm", 10.0], "rates": LOW},
    *(FRANCE | {"clip": ["percentile", p]} for p in (10, 50, 90)),
    *(
        TEXT | {"optimiser": "Adam", "schedule": schedule, "steps": 600, "rates": FINE}
        for schedule in ("constant", *DECAYING)
    ),
    TEXT | {"optimiser": "RMSprop", "steps": 600, "rates": FINE},
    TEXT | {"optimiser": "momentum", "steps": 600, "rates": FINE_MOMENTUM},
    *(FRANCE | {"optimiser": name, "rates": ALL} for name in ("momentum", "RMSprop")),
    TEXT | {"optimiser": "AdamW 1", "rates": LOW},
]


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("42-optimisers-and-clipping", np=np, torch=torch)


def key(row):
    return row["task"], row["steps"], tuple(row["clip"]), *(row[what] for what in ROW if what != "clip")


def capped(value, digits=4):
    return round(min(value, CAP), digits) if math.isfinite(value) else CAP


def measure(names, task, wish, rates):
    """A row: the search over the rates, and fresh seeds with the best."""
    began = time.process_time()
    row = {what: value for what, value in wish.items() if what not in ("rates", "seeds", "fresh")}

    def run(rate, seed):
        options = {what: row[what] for what in ("steps", "schedule", "loss", "start")}
        model, norms = names["train"](task, row["optimiser"], rate, seed, tuple(row["clip"]), **options)
        bits, right = names["test"](task, model)
        return [capped(bits), round(right, 4), capped(max(n if math.isfinite(n) else CAP for n in norms), 2)]

    search = {rate: [run(rate, seed)[:2] for seed in range(wish["seeds"])] for rate in rates}

    def worth(rate):
        bits, right = zip(*search[rate], strict=True)
        by_bits = -float(np.median(bits))
        return (by_bits,) if row["task"] == "Text" and row["loss"] == "cross-entropy" else (np.mean(right), by_bits)

    row["search"] = {str(rate): scores for rate, scores in search.items()}
    row["rate"] = max(rates, key=worth)
    row["fresh"] = [run(row["rate"], FRESH_SEED + seed) for seed in range(wish["fresh"])]
    middle = [round(float(value), 3) for value in np.median(row["fresh"], axis=0)]
    print(*key(row), row["rate"], middle, f"{time.process_time() - began:.0f} s", flush=True)
    return row


def run(out, plan, quick=False):
    names = chapter()
    tasks = {name: names[name]() for name in ("Text", "France")}
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "rates tried": list(RATES),
        "rows": common.rows(out),
    }
    for wish in plan:
        if quick:
            wish = wish | {"seeds": 2, "fresh": 2, "steps": wish["steps"] // 100}
        if key(wish) not in [key(row) for row in report["rows"]]:
            rates = RATES[4:6] if quick else wish["rates"]
            report["rows"].append(measure(names, tasks[wish["task"]], wish, rates))
            common.write(out, report)


def main():
    options = common.parser(__doc__, RESULTS, "two rates, two seeds, a few steps").parse_args()
    torch.set_num_threads(1)
    run(common.destination(options, RESULTS), PLAN, options.quick)


if __name__ == "__main__":
    main()
