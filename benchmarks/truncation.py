"""Chapter 4.4: what a short window of truncated backpropagation learns, and what it costs to carry or reset the state.

    python benchmarks/truncation.py [--quick] [--out FILE]

Runs the cells of book/44-truncated-and-stateful.md that are tagged "definition": what is measured is what the chapter
shows. Three kinds of row:
"flag": networks that must remember a flag. Scores: the shares of right answers at each delay of TESTED.
"untrained": the same task; the cell stays as it was drawn, and a logistic regression reads its states.
"random": the same task, "long" delays, cut at random places, with or without the weights that remove the bias.
"text": language models of a small text. Scores: bits per test character, read in each of the ways of READ.
A row with one rate is run with this rate, without a search. A row with several is searched: SEARCH seeds a rate,
judged at a delay of 20 or by the bits of the validation text; the best rate, of several equal ones the middle one, then
runs with other seeds. Where the best rate of a row that learned was at the edge of RATES, the row has one rate more.
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew.
--quick: few updates, two seeds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import time

import numpy as np
import torch

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "truncation.json"
RATES, TEXT_RATES, SEARCH = (
    (0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
    (0.01, 0.03, 0.09),
    {"flag": 5, "random": 2, "text": 1},
)
TESTED = (3, 10, 20, 50, 200)
READ = {"whole": {}, **{str(w): {"window": w} for w in (16, 64, 256)}, "16 after 48": {"window": 16, "warm": 48}}


def flag(kind, k2, seeds, rates=RATES, updates=500, **options):
    return {"task": "flag", "kind": kind, "k2": k2, "updates": updates, **options}, rates, seeds


def at_random(weigh, seeds):
    return {"task": "random", "c": 1 / 3, "blocks": 1500, "weigh": weigh}, RATES, seeds


def untrained(n, seeds):
    return {"task": "untrained", "n": n}, (None,), seeds


def text(how, seeds, k2=16, rates=TEXT_RATES):
    return {"task": "text", "how": how, "k2": k2, "updates": 1000}, rates, seeds


PLAN = [
    flag("mixed", 5, 30),
    flag("long", 5, 10, rates=(0.01,)),
    flag("long", 30, 30),
    flag("mixed", 30, 10),
    untrained(16, 10),
    untrained(64, 10),
    flag("long", 5, 10, n=64),
    flag("long", 30, 30, rates=(0.003,)),
    flag("short", 5, 30, rates=(*RATES, 1.0)),
    flag("mixed", 5, 30, carry=False),
    flag("mixed", 5, 30, rates=(*RATES, 1.0), scored="short"),
    flag("mixed", 5, 30, scored="long"),
    text("carried", 10),
    text("reset", 10),
    flag("long", 5, 10, rates=(0.003,)),
    flag("long", 5, 10, rates=(0.03,)),
    flag("long", 5, 10, rates=(0.1,)),
    at_random(True, 20),
    at_random(False, 20),
    text("shuffled", 10),
    text("shuffled, reset", 10),
    flag("long", 10, 10),
    flag("long", 20, 10, rates=(0.0003, *RATES)),
    flag("long", 5, 10, rates=(0.01,), updates=1500),
    flag("long", 5, 20, rates=(0.01,), bias=4.0),
    text("wrong layout", 3, rates=(0.03,)),
]


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("44-truncated-and-stateful", np=np, torch=torch)


def train(names, what, rate, seed):
    options = {name: value for name, value in what.items() if name != "task"}
    if what["task"] == "untrained":
        return names["fit_readout"](seed, what["n"])
    learn = {"flag": "learn_flag", "random": "learn_at_random", "text": "learn_text"}[what["task"]]
    return names[learn](**options, rate=rate, seed=seed)


def validated(names, what, model):
    """Higher is better."""
    return -names["bits"](model, "validation") if what["task"] == "text" else names["right"](model, 20, seed=2000)


def tested(names, what, model):
    if what["task"] == "text":
        found = {way: names["bits"](model, **options) for way, options in READ.items()}
    else:
        found = {str(delay): names["right"](model, delay) for delay in TESTED}
    return {way: round(score, 4) for way, score in found.items()}


def measure(names, what, rates, seeds):
    """A row: the search, if there are several rates, and the runs with the rate chosen."""
    began, tried, rate = time.process_time(), {}, rates[0]
    if len(rates) > 1:
        searches = range(100, 100 + SEARCH[what["task"]])
        for one in rates:
            found = [validated(names, what, train(names, what, one, seed)) for seed in searches]
            tried[one] = round(float(np.mean(found)), 4)
        equal = [one for one in rates if tried[one] > max(tried.values()) - 0.0005]
        rate = equal[len(equal) // 2]
    scores = [tested(names, what, train(names, what, rate, seed)) for seed in range(seeds)]
    middle = {way: round(float(np.median([run[way] for run in scores])), 3) for way in scores[0]}
    print(what, tried, rate, middle, f"{time.process_time() - began:.0f} s", flush=True)
    search = {str(one): score for one, score in tried.items()}
    return {"what": what, "search": search, "rate": rate, "scores": scores}


def small(what):
    """The same, with few updates."""
    return what | {name: what[name] // 40 for name in ("updates", "blocks") if name in what}


def run(out, plan, quick=False, names=None):
    names = names or chapter()
    report = {"date": common.today(), "versions": common.versions(np, torch), "rows": common.rows(out)}
    for what, rates, seeds in plan:
        what = small(what) if quick else what
        found = [row for row in report["rows"] if row["what"] == what]
        if any(row["search"] if len(rates) > 1 else (row["search"], row["rate"]) == ({}, rates[0]) for row in found):
            continue
        report["rows"].append(measure(names, what, rates, 2 if quick else seeds))
        common.write(out, report)


def main():
    options = common.parser(__doc__, RESULTS, "few updates, two seeds").parse_args()
    torch.set_num_threads(1)
    run(common.destination(options, RESULTS), PLAN, options.quick)


if __name__ == "__main__":
    main()
