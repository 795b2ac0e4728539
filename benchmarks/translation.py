"""Chapter 5.5: what a translator of dates learns from which pairs, and what a beam changes.

    python benchmarks/translation.py [--quick] [--out FILE]

Runs the cells of book/55-translation.md that are tagged "definition": what is measured is what the chapter shows.
Rows that name no other row search the learning rate: each of RATES with one seed, judged by the loss on validation
dates of the years of training. Then networks with other seeds, each with training pairs of its own, translate the
test pairs. Scores of a run: the share of exact outputs for each range of years, and for English and French sources
with and without a typing error; exact match, BLEU and chrF for new dates of 1990–2030; for 1990–2030 and 1950–1980 the
exact share of a beam of 5, how often that output is more probable than the greedy one, how often the true text is
(search errors), and the probability that the network gives its own output, with whether this output is right.
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

RESULTS = recorded.FOLDER / "translation.json"
RATES = (0.005, 0.01, 0.02, 0.04)
STEPS, SEARCH_SEED = 500, 100
PLAN = [  # name, attention, share of any year, share with typing errors, times the steps, rate of which row, seeds
    ("attention", "additive", 0.0, 0.0, 1, None, 5),
    ("attention, any year", "additive", 1.0, 0.0, 1, None, 5),
    ("attention, one in ten any year", "additive", 0.1, 0.0, 1, "attention, any year", 3),
    ("attention, 3 times the steps", "additive", 0.0, 0.0, 3, "attention", 3),
    ("attention, any year, typing errors", "additive", 1.0, 0.5, 1, "attention, any year", 3),
]


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("55-translation", np=np, torch=torch)


def measure(names, row, steps, rates, seeds, rate=None):
    """A row: the search, unless a rate is given, and the runs with the rate chosen."""
    name, attention, wild, typed, *_ = row
    began, tried, runs = time.process_time(), {}, []

    def trained(rate, seed):
        data = names["training_pairs"](seed, wild, typed=typed)
        return names["learn"](data, attention, rate, seed, steps)

    if rate is None:
        for one in rates:
            part = names["test_pairs"]("1000–9999" if wild else "1990–2030", "validation")
            model = trained(one, SEARCH_SEED)
            x, y = names["numbers"]([x for x, _ in part], end=False), names["numbers"]([y for _, y in part])
            with torch.no_grad():
                tried[one] = round(names["seq2seq"].loss(model(x, names["shifted"](y))[0], y).item(), 4)
        rate = min(tried, key=tried.get)
    for seed in range(seeds):
        model = trained(rate, seed)
        runs.append(judge(names, model))
    middle = {what: round(float(np.median([run[what] for run in runs])), 3) for what in names["YEARS"]}
    print(name, tried, rate, middle, f"{time.process_time() - began:.0f} s", flush=True)
    return {
        "name": name,
        "weights": counting.parameters(model),
        "steps": steps,
        "search": {str(one): value for one, value in tried.items()},
        "rate": rate,
        "runs": runs,
    }


def judge(names, model):
    """The scores of one network."""
    found = {}
    tests = {years: names["test_pairs"](years) for years in names["YEARS"]}
    read = [pair for pair in names["DIRECTIONS"] if pair[0] != "ja"]
    tests["typing errors"] = names["test_pairs"]("1000–9999", directions=read, typed=1.0)
    tests["no typing errors"] = names["test_pairs"]("1000–9999", directions=read)
    for kind, test in tests.items():
        wrote = names["translate"](model, [x for x, _ in test])
        found[kind] = round(names["exact"](wrote, test), 4)
        if kind == "1990–2030":
            found["scores"] = [round(score, 1) for score in names["scores"](wrote, test)]
    for kind in ("1990–2030", "1950–1980"):
        test = tests[kind]
        wrote, logp, true = names["searched"](model, test, 1)
        wide, wide_logp, _ = names["searched"](model, test, 5)
        right = [w == y for w, (_, y) in zip(wrote, test, strict=True)]
        found[f"{kind}, details"] = {
            "beam of 5": round(names["exact"](wide, test), 4),
            "beam more probable": round(float(np.mean(wide_logp > logp + 1e-4)), 4),
            "search errors": round(float(np.mean(true > logp + 1e-4)), 4),
            "search errors, beam of 5": round(float(np.mean(true > wide_logp + 1e-4)), 4),
            "probability": [round(float(np.exp(value)), 3) for value in logp],
            "right": [int(value) for value in right],
        }
    return found


def run(out, plan, quick=False, names=None):
    names = names or chapter()
    rates = RATES[:2] if quick else RATES
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "rates tried": list(rates),
        "rows": common.rows(out),
    }
    rows = report["rows"]
    for row in plan:
        name, _, _, _, times, same, seeds = row
        if name in [one["name"] for one in rows]:
            continue
        steps = (5 if quick else STEPS) * times
        rate = recorded.row(report, name=same)["rate"] if same else None
        rows.append(measure(names, row, steps, rates, 2 if quick else seeds, rate))
        common.write(out, report)


def main():
    options = common.parser(__doc__, RESULTS, "few steps, two seeds").parse_args()
    torch.set_num_threads(1)
    run(common.destination(options, RESULTS), PLAN, options.quick)


if __name__ == "__main__":
    main()
