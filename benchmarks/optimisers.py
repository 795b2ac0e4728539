"""Chapter 4.2: five optimisers over one grid of learning rates, with and without clipping; losses; schedules.

    python benchmarks/optimisers.py [--quick] [--out FILE]

Runs the cells of book/42-optimisers-and-clipping.md that are tagged "definition": what is measured is what the chapter
shows. Every row gets a search: rates a factor of 3.2 apart (all of RATES, or five to seven in a row) with a few seeds
each, for most rows on "Text" then the two rates a factor of 1.8 beside the best. With a schedule in 200 steps, the
rates within 0.1 bits of the best get ten seeds. Rows of 600 steps search seven rates a factor of 1.8 apart. On
"France", rates whose first three seeds come within 0.1 of the best get five seeds. The best rate then runs with fresh
seeds, which the search has not seen. Best is the lowest median cross-entropy on new text ("Text"), or the largest mean
share of right answers (rows with another loss or start, whose cross-entropies do not compare). On "France", rates
whose mean shares of right answers agree in two digits are tied: best is the middle one, of two middle ones the one
with the lower cross-entropy. Rows with a "given" rate have no search. A run's scores: cross-entropy in bits, share
right, and for fresh seeds the longest gradient before clipping; bits and lengths above CAP, or not finite, are written
as CAP.
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew.
--quick: two rates, two seeds, three steps, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import math
import time
from pathlib import Path

import numpy as np
import torch

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "optimisers.json"
RATES = (0.00032, 0.001, 0.0032, 0.01, 0.032, 0.1, 0.32, 1.0, 3.2, 10.0, 32.0)
BETWEEN = (0.00056, 0.0018, 0.0056, 0.018, 0.056, 0.18, 0.56, 1.8, 5.6, 18.0, 56.0, 180.0, 560.0)
GRID = (*RATES, 100.0, 320.0, 1000.0)
FRESH_SEED, CAP, MORE = 100, 1e6, 5
ALL, MIDDLE, LOW, HIGH, AROUND = RATES, RATES[4:], RATES[2:9], GRID[7:], RATES[2:7]
FINE = (0.01, 0.018, 0.032, 0.056, 0.1, 0.18, 0.32)
FINE_MOMENTUM = (0.32, 0.56, 1.0, 1.8, 3.2, 5.6, 10.0)
ROW = {
    "optimiser": "SGD",
    "clip": ["norm", 1.0],
    "schedule": "constant",
    "loss": "cross-entropy",
    "start": 0.0,
    "given": None,
}
TEXT = ROW | {"task": "Text", "steps": 200, "rates": MIDDLE, "seeds": 3, "fresh": 10}
FRANCE = ROW | {"task": "France", "steps": 300, "rates": MIDDLE, "seeds": 3, "fresh": 10}
NONE = {"clip": ["none"]}
ADAM = {"optimiser": "Adam"}
REFINED = {"refined": MORE}  # two rates more, beside the best
FIVE = ("SGD", "momentum", "RMSprop", "Adam", "AdamW")
SQUARED, RAW = "squared, probabilities", "squared, raw scores"
DECAYING = ("cosine", "warm-up, cosine")
PLAN = [
    *(TEXT | REFINED | {"optimiser": name, "rates": ALL, "seeds": 10} for name in FIVE),
    *(
        TEXT | REFINED | {"optimiser": name, "rates": AROUND, "seeds": MORE}
        for name in ("Adam, β2 = 0.99", "Adam, β1 = 0")
    ),
    *(
        TEXT | ADAM | REFINED | {"schedule": schedule, "rates": LOW, "seeds": MORE, "close": 10}
        for schedule in DECAYING
    ),
    *(FRANCE | {"rates": ALL, "fresh": 30} | clip for clip in ({}, NONE)),
    FRANCE | {"clip": ["value", 0.1], "fresh": 30},
    *(FRANCE | ADAM | {"rates": ALL, "fresh": 30} | clip for clip in ({}, NONE)),
    *(
        FRANCE | ADAM | {"rates": (), "given": rate, "fresh": 30} | clip
        for rate in (0.01, 0.032)
        for clip in ({}, NONE)
    ),
    *(FRANCE | {"clip": [how, 1.0], "rates": LOW} for how in ("scaled", "dropped")),
    *(
        TEXT | {"optimiser": name, "loss": loss, "start": start, "rates": rates, "refined": 3}
        for name, rates in (("SGD", HIGH), ("Adam", LOW))
        for loss, start in ((SQUARED, 0.0), ("cross-entropy", 10.0), (SQUARED, 10.0))
    ),
    *(TEXT | ADAM | {"loss": RAW, "start": start, "rates": LOW} for start in (0.0, 10.0)),
    FRANCE | {"steps": 900, "rates": LOW, "seeds": 2, "fresh": 30} | NONE,
    *(FRANCE | {"clip": clip, "rates": MIDDLE} for clip in (["norm", 0.1], ["value", 0.01])),
    FRANCE | {"clip": ["norm", 10.0], "rates": LOW},
    *(FRANCE | {"clip": ["percentile", p], "rates": RATES[3:]} for p in (10, 50, 90)),
    *(TEXT | ADAM | {"schedule": schedule, "steps": 600, "rates": FINE} for schedule in ("constant", *DECAYING)),
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


def beside(rate):
    """The rates a factor of 1.8 below and above one of GRID."""
    at = GRID.index(rate)
    return BETWEEN[at - 1], BETWEEN[at]


def best_rate(row, search):
    """The best rate of a search; see above what is best."""
    right = {rate: round(np.mean([right for _, right in scores]), 6) for rate, scores in search.items()}
    bits = {rate: np.median([bits for bits, _ in scores]) for rate, scores in search.items()}
    if row["task"] == "Text":
        by_bits = row["loss"] == "cross-entropy" and not row["start"]
        return min(search, key=lambda rate: bits[rate] if by_bits else (-right[rate], bits[rate]))
    tied = sorted(rate for rate in search if round(right[rate], 2) == round(max(right.values()), 2))
    middle = tied[(len(tied) - 1) // 2 : len(tied) // 2 + 1]
    return min(middle, key=bits.get)


def measure(names, task, wish, old=None):
    """A row: the search over the rates, and fresh seeds with the best; runs in the ``old`` row are taken over."""
    began = time.process_time()
    row = {what: value for what, value in wish.items() if what not in ("rates", "seeds", "fresh", "refined", "close")}
    search = {float(rate): scores for rate, scores in (old["search"] if old and wish["rates"] else {}).items()}

    def run(rate, seed):
        options = {what: row[what] for what in ("steps", "schedule", "loss", "start")}
        model, norms = names["train"](task, row["optimiser"], rate, seed, tuple(row["clip"]), **options)
        bits, right = names["test"](task, model)
        return [capped(bits), round(right, 4), capped(max(n if math.isfinite(n) else CAP for n in norms), 2)]

    def try_rates(rates, seeds):
        for rate in rates:
            scores = search.setdefault(rate, [])
            scores += [run(rate, seed)[:2] for seed in range(len(scores), seeds)]

    try_rates(wish["rates"], wish["seeds"])
    if row["task"] == "France" and wish["seeds"] == 3:
        means = {rate: np.mean([right for _, right in scores]) for rate, scores in search.items()}
        try_rates([rate for rate in means if means[rate] > max(means.values()) - 0.1], MORE)
    if "refined" in wish:
        coarse = {rate: scores for rate, scores in search.items() if rate in GRID}
        try_rates(beside(best_rate(row, coarse)), wish["refined"])
    if "close" in wish:
        bits = {rate: np.median([bits for bits, _ in scores]) for rate, scores in search.items()}
        try_rates([rate for rate in bits if bits[rate] < min(bits.values()) + 0.1], wish["close"])
    search = dict(sorted(search.items()))
    row["search"] = {str(rate): scores for rate, scores in search.items()}
    row["rate"] = row["given"] or best_rate(row, search)
    row["fresh"] = old["fresh"] if old and old["rate"] == row["rate"] else []
    row["fresh"] += [run(row["rate"], FRESH_SEED + seed) for seed in range(len(row["fresh"]), wish["fresh"])]
    middle = [round(float(value), 3) for value in np.median(row["fresh"], axis=0)]
    print(*key(row), row["rate"], middle, f"{time.process_time() - began:.0f} s", flush=True)
    return row


def run(out, plan, quick=False, earlier=None):
    names = chapter()
    tasks = {name: names[name]() for name in ("Text", "France")}
    known = {key(ROW | row): row for row in common.rows(earlier)}
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "rates tried": list(RATES),
        "rows": common.rows(out),
    }
    for wish in plan:
        if quick:
            wish = wish | {"seeds": 2, "fresh": 2, "steps": wish["steps"] // 100, "rates": RATES[4:6]}
            wish = {what: value for what, value in wish.items() if what not in ("refined", "close")}
        if key(wish) not in [key(row) for row in report["rows"]]:
            old = known.get(key(wish)) or known.get(key(wish | {"given": None}))
            report["rows"].append(measure(names, tasks[wish["task"]], wish, old))
            common.write(out, report)


def main():
    parser = common.parser(__doc__, RESULTS, "two rates, two seeds, a few steps")
    parser.add_argument(
        "--earlier", type=Path, help="a record whose runs, rate by rate and seed by seed, are taken over"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    run(common.destination(options, RESULTS), PLAN, options.quick, options.earlier)


if __name__ == "__main__":
    main()
