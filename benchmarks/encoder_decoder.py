"""Chapter 3.6: what passes from an encoder to a decoder, with and without attention, on sequences of random letters.

    python benchmarks/encoder_decoder.py [--quick] [--out FILE]

Runs the cells of book/36-encoder-decoder-attention.md that are tagged "definition": what is measured is what the
chapter shows. Every row gets the same search: each learning rate of RATES with SEARCH seed, judged by the mean share
of sequences of 1 to 16 letters that are right from the first letter to the end, on validation sequences; the rate with
the best mean then runs with other seeds on test sequences. Rows with LONG steps take the rate of the same row with
STEPS. Scores: the share without a mistake for each length from 1 to 20 (trained: 1 to 16), and for some lengths the
letters right under teacher forcing and in free running; with attention, where its largest weight lies.
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

RESULTS = recorded.FOLDER / "encoder_decoder.json"
RATES = (0.003, 0.01, 0.03, 0.1)
SEARCH, FIRST_SEARCHED = 1, 100
STEPS, LONG = 600, 1800
TRAINED, TESTED, GAPS = range(1, 17), range(1, 21), (8, 12, 16)
PLAN = [  # task, model, three times the steps?, probability of the true symbol, seeds
    ("reverse", "vector only", False, 1.0, 10),
    ("reverse", "dot", False, 1.0, 10),
    ("reverse", "vector only, n = 40", False, 1.0, 10),
    ("reverse", "vector only", False, 0.0, 10),
    ("reverse", "additive", False, 1.0, 5),
    ("reverse", "dot, no vector", False, 1.0, 5),
    ("copy", "vector only", False, 1.0, 5),
    ("copy", "dot", False, 1.0, 5),
    ("reverse", "vector only", True, 1.0, 5),
    ("reverse", "dot", True, 1.0, 5),
    ("reverse", "vector only", True, 0.0, 5),
    ("reverse", "dot, blind", False, 1.0, 10),
    ("reverse", "vector only, n = 128", False, 1.0, 5),
]


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("36-encoder-decoder-attention", np=np, torch=torch)


def key(row):
    return row["task"], row["model"], row["steps"], row["teacher"]


def number(share):
    """For JSON: four digits; None where no sequence had a mistake, so that nothing stands behind one."""
    return None if np.isnan(share) else round(share, 4)


def measure(names, task, model, teacher, steps, rates, seeds, search, rate=None):
    """A row: the search, unless a rate is given, and the runs with the rate chosen."""
    began, tried = time.process_time(), {}

    def learn(seed, rate):
        return names["learn"](task, model, seed, rate, steps, teacher)

    def right(trained, lengths, seed):
        return [names["all_right"](trained, task, T, seed) for T in lengths]

    if rate is None:
        for one in rates:
            runs = [right(learn(FIRST_SEARCHED + seed, one), TRAINED, 998) for seed in range(search)]
            tried[one] = round(float(np.mean(runs)), 5)
        rate = max(tried, key=tried.get)
    scores, gaps, read = [], [], []
    for seed in range(seeds):
        trained = learn(seed, rate)
        scores.append([round(share, 4) for share in right(trained, TESTED, 999)])
        found = {T: names["gap"](trained, task, T) for T in GAPS}
        gaps.append({T: {name: number(share) for name, share in shares.items()} for T, shares in found.items()})
        if "only" not in model:
            read.append({name: round(share, 4) for name, share in names["reading"](trained, task).items()})
    middle = np.median(scores, axis=0)[[3, 7, 11, 15, 19]]
    print(task, model, steps, teacher, tried, rate, middle, f"{time.process_time() - began:.0f} s", flush=True)
    return {
        "task": task,
        "model": model,
        "steps": steps,
        "teacher": teacher,
        "weights": counting.parameters(trained),
        "search": {str(one): mean for one, mean in tried.items()},
        "rate": rate,
        "scores": scores,
        "gaps": gaps,
        "reading": read,
    }


def run(out, plan, quick=False, names=None):
    names = names or chapter()
    rates, search = (RATES[:2], 1) if quick else (RATES, SEARCH)
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "rates tried": list(rates),
        "rows": common.rows(out),
    }
    rows = report["rows"]
    for task, model, long, teacher, seeds in plan:
        steps = (4 if long else 2) if quick else LONG if long else STEPS
        wish = {"task": task, "model": model, "steps": steps, "teacher": teacher}
        if key(wish) in [key(row) for row in rows]:
            continue
        rate = None
        if long:
            short = wish | {"steps": 2 if quick else STEPS}
            (rate,) = [row["rate"] for row in rows if key(row) == key(short)]
        rows.append(measure(names, task, model, teacher, steps, rates, 2 if quick else seeds, search, rate))
        common.write(out, report)


def main():
    options = common.parser(__doc__, RESULTS, "few steps, two seeds").parse_args()
    torch.set_num_threads(1)
    run(common.destination(options, RESULTS), PLAN, options.quick)


if __name__ == "__main__":
    main()
