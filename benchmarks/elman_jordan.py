"""Chapter 3.3: what an Elman network needs of its context, and what a Jordan network can remember.

    python benchmarks/elman_jordan.py [--quick] [--out FILE]

Runs the cells of book/33-elman-and-jordan.md that are tagged "definition": what is measured is what the chapter shows.
Every row gets the same search as the others of its task: each learning rate of RATES with SEARCH seeds, judged on other
texts than the final scores; the rate with the best mean then runs with SEEDS other seeds. Scores: for letters, the mean
surprise in bits and the probability that the first letter of a word surprises more than another letter; for words, the
mean surprise, and how well the tree of states sorts the words into kinds: after training, before, and after training
with food and fragile as one kind; for bits, the share that is right, free running, and with each output rounded before
it is fed back.
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew.
--quick: few steps, two seeds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import time

import numpy as np
import torch

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "elman_jordan.json"
RATES = dict.fromkeys(("letters", "words"), (0.01, 0.03, 0.1, 0.3, 1.0))
RATES |= dict.fromkeys(("parity", "echo"), (0.003, 0.01, 0.03, 0.1, 0.3))
SEEDS, FIRST_SEARCHED = 10, 100
SEARCH = {"letters": 2, "words": 2, "parity": 3, "echo": 3}
ELMAN = ("trained", "copy as input", "frozen", "no context")
BITS = ("Elman", "Jordan, teacher", "Jordan, free", "Jordan, spare output")
SEVEN = (0, 1, 2, 2, 3, 4, 5, 6)  # food and fragile as one kind
RADIUS = "frozen, radius 0.95"
PLAN = [("letters", how, 1) for how in (*ELMAN[:3], RADIUS, ELMAN[3])]  # task, model, how many times the steps
PLAN += [(task, kind, 1) for task in ("parity", "echo") for kind in BITS]
PLAN += [("words", how, 1) for how in ELMAN]
PLAN += [("letters", how, 3) for how in ELMAN[:3]]
FIXED = ("words", "frozen", 0.03)  # one more row with this rate, without a search: does the rate matter for the tree?


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("33-elman-and-jordan", np=np, torch=torch)


def scores_of(names, task, model, rate, seed, steps, final):
    """A list of scores; the first one decides the search."""
    if task in names["TARGETS"]:
        network = names["learn_bits"](task, model, seed, rate, steps)
        where = dict(seed=999 if final else 998)
        free = names["right_bits"](network, task, **where)
        return [free] + ([names["right_bits"](network, task, rounded=True, **where)] if model != "Elman" else [])
    x, begins = names["texts"](np.random.default_rng(999 if final else 998), task, 100, 60)
    network = names["learn"](task, model, seed, rate, steps)
    bits = names["surprise"](network, x)
    if task == "letters":
        return [bits.mean(), names["first_more"](bits, begins[1:])]
    torch.manual_seed(seed)
    untrained = names["Elman"](len(names["WORDS"]), how=model)
    vectors = [names["mean_states"](n, x) for n in (network, untrained)]
    sort = names["sorted_by_kind"]
    return [bits.mean(), sort(vectors[0]), sort(vectors[1]), sort(vectors[0], SEVEN)]


def measure(names, task, model, times, steps, rates, seeds, search):
    """A row: the search, the rate chosen, and the runs with it, a list of scores for each seed."""
    began, tried = time.process_time(), {}
    steps = times * steps["bits" if task in names["TARGETS"] else task]
    for rate in rates[task]:
        runs = [
            scores_of(names, task, model, rate, FIRST_SEARCHED + seed, steps, False)[0] for seed in range(search[task])
        ]
        tried[rate] = float(f"{np.mean(runs):.5g}")
    rate = (max if task in names["TARGETS"] else min)(tried, key=tried.get)
    runs = [scores_of(names, task, model, rate, seed, steps, True) for seed in range(seeds)]
    print(
        task,
        model,
        steps,
        tried,
        np.round(np.median(runs, axis=0), 3),
        f"{time.process_time() - began:.0f} s",
        flush=True,
    )
    return {
        "task": task,
        "model": model,
        "times": times,
        "steps": steps,
        "search": {str(rate): mean for rate, mean in tried.items()},
        "rate": rate,
        "scores": [[float(f"{score:.5g}") for score in run] for run in runs],
    }


def main():
    options = common.parser(__doc__, RESULTS, "few steps, two seeds").parse_args()
    torch.set_num_threads(1)
    names = chapter()
    out = common.destination(options, RESULTS)
    steps = {"letters": 2, "words": 2, "bits": 2} if options.quick else {"letters": 500, "words": 500, "bits": 600}
    rates, seeds, search = RATES, SEEDS, SEARCH
    if options.quick:
        rates, seeds, search = {task: found[:2] for task, found in RATES.items()}, 2, dict.fromkeys(RATES, 1)
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "rates tried": {task: list(found) for task, found in rates.items()},
        "rows": common.rows(out),
    }
    for task, model, times in PLAN:
        if (task, model, times) not in [(row["task"], row["model"], row["times"]) for row in report["rows"]]:
            report["rows"].append(measure(names, task, model, times, steps, rates, seeds, search))
            common.write(out, report)
    task, model, rate = FIXED
    name = f"{model}, rate {rate}"
    if name not in [row["model"] for row in report["rows"]]:
        runs = [scores_of(names, task, model, rate, seed, steps[task], True) for seed in range(seeds)]
        print(task, name, steps[task], np.round(np.median(runs, axis=0), 3), flush=True)
        scores = [[float(f"{score:.5g}") for score in run] for run in runs]
        row = {"task": task, "model": name, "times": 1, "steps": steps[task], "rate": rate, "scores": scores}
        report["rows"].append(row)
        common.write(out, report)


if __name__ == "__main__":
    main()
