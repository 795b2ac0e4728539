"""How many of chapter 1.1's taggers remember a word over 298 hesitations, and which changes make them remember?

    python benchmarks/tagger_memory.py [--quick] [--out FILE]

Runs the cells of book/11-why-memory.md that are tagged "definition": what is trained is what the chapter trains. A row
of the result is one change to the chapter's recipe, with the accuracy on 42 questions at each of the chapter's
distances, for each of 20 seeds. All rows of one seed begin with the same initialisation where their
shapes allow. It takes about ten minutes on one core. A row is written as soon as it is there, and a second call
continues where the first one stopped.
--quick: two seeds and two steps, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split

import numpy as np
import torch

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "tagger_memory.json"
SEEDS = 20
CHANGES = {
    "none": {},
    "up to 10 hesitations in training": {"most": 10},
    "400 steps": {"steps": 400},
    "32 units": {"units": 32},
    "identity as first recurrent matrix": {"identity": True},
}


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("11-why-memory", np=np, torch=torch, device="cpu")


def measure(names, seeds, done=(), **quick):
    """The rows that are not among ``done``, one after the other."""
    for change, settings in CHANGES.items():
        if change not in done:
            memory = [names["remembers"](seed, **settings | quick) for seed in range(seeds)]
            yield {"change": change, "accuracy": memory}


def main():
    options = common.parser(__doc__, RESULTS, "two seeds and two steps").parse_args()
    torch.set_num_threads(1)
    names, out = chapter(), common.destination(options, RESULTS)
    seeds = 2 if options.quick else SEEDS
    report = {
        "date": common.today(),
        "versions": common.versions(torch),
        "seeds": seeds,
        "distances": names["distances"],
        "rows": common.rows(out),
    }
    done = [row["change"] for row in report["rows"]]
    for row in measure(names, seeds, done, **({"steps": 2} if options.quick else {})):
        report["rows"].append(row)
        far = [shares[-1] for shares in row["accuracy"]]
        print(f"{row['change']}: {far.count(1.0)} of {len(far)} remember for {names['distances'][-1]}", flush=True)
        common.write(out, report)


if __name__ == "__main__":
    main()
