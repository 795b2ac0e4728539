"""Chapter 3.5: what pays in a clockwork network, and where it does not pay.

    python benchmarks/clockwork.py [--quick] [--out FILE]

Runs the cells of book/35-clockwork.md that are tagged "definition": what is measured is what the chapter shows. Two
tasks: to generate a sound without input, and to remember the sign of an event that comes at a random step. Every row
gets the same search as the others: each learning rate of RATES with SEARCH random seeds, on other sounds and events
than the final scores; the rate with the best mean logarithm of the loss then runs with SEEDS other seeds. Rows with
three times the steps take the rate of the row with one. Scores, for each seed: for the sound the lowest and the last
error; for the event the share of right answers over all steps of the event, then over the steps that 8 divides, 4 and
not 8, 2 and not 4, and the odd ones.
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

RESULTS = recorded.FOLDER / "clockwork.json"
RATES = {"sound": (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)}
RATES["event"] = (*RATES["sound"], 1.0)
SEEDS, FIRST_SEARCHED = 10, 100
SEARCH = {"sound": 2, "event": 3}
STEPS = {"sound": 500, "event": 400}
SOUNDS = ("RNN", "RNN, orthogonal", "LSTM", "clockwork 1–8", "clockwork 1–128", "no clock", "leak, no clock")
SOUNDS += ("random start", "all arrows", "arrows reversed", "RNN, told ticks", "RNN, told time", "LSTM, told time")
SOUNDS += ("no arrows, told time",)
LONGER = ("RNN, orthogonal", "random start", "RNN, told ticks", "LSTM")
EVENTS = ("RNN", "RNN, orthogonal", "LSTM", "clockwork 1–8", "no clock", "all arrows", "arrows reversed")
PLAN = [("sound", kind, 1) for kind in SOUNDS]  # task, kind, how many times the steps
PLAN += [("event", kind, 1) for kind in EVENTS] + [("event", kind, 3) for kind in ("clockwork 1–8", "RNN")]
PLAN += [("sound", kind, 3) for kind in LONGER]
PLAN += [("sound", kind, 1) for kind in ("copies, no gradient", "clock, told time", "random, told time")]
PLAN += [("event", "own group only", 1), ("event", "own group only", 3)]


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("35-clockwork", np=np, torch=torch)


def scores_of(names, task, kind, seeds, rates, steps):
    """For each network: its loss, on which the search decides, and its scores; and the share right by step."""
    if task == "sound":
        _, lowest, last = names["learn_sound"](kind, seeds, rates, steps)
        return lowest, np.stack([lowest, last], axis=1), None
    right, loss = names["judge_event"](names["learn_event"](kind, seeds, rates, steps))
    t = np.arange(right.shape[1])
    groups = [t >= 0, t % 8 == 0, t % 8 == 4, t % 4 == 2, t % 2 == 1]
    return loss, np.stack([right[:, group].mean(axis=1) for group in groups], axis=1), right.mean(axis=0)


def measure(names, task, kind, times, steps, rates, seeds, search, rate=None):
    """A row: the search unless a rate is given, and the runs with the rate, a list of scores for each seed."""
    steps, row = times * steps, {"task": task, "kind": kind, "times": times, "steps": times * steps}
    if rate is None:
        tried = [FIRST_SEARCHED + seed for seed in range(search)]
        loss, *_ = scores_of(names, task, kind, tried * len(rates), list(np.repeat(rates, search)), steps)
        means = np.log10(loss).reshape(len(rates), search).mean(axis=1)
        row["search"] = {str(rate): float(f"{mean:.4g}") for rate, mean in zip(rates, means, strict=True)}
        rate = min(rates, key=lambda rate: row["search"][str(rate)])
    began = time.process_time()
    _, scores, by_step = scores_of(names, task, kind, list(range(seeds)), [rate] * seeds, steps)
    row["rate"], seconds = rate, round(time.process_time() - began)
    if times == 1:
        row["seconds"] = seconds  # of the runs, for all seeds together
    row["scores"] = [[float(f"{score:.4g}") for score in run] for run in scores]
    if by_step is not None:
        row["by step"] = [round(share, 3) for share in by_step]
    print(task, kind, steps, rate, np.median(scores, axis=0), seconds, "s", flush=True)
    return row


def main():
    options = common.parser(__doc__, RESULTS, "few steps, two seeds").parse_args()
    torch.set_num_threads(1)
    names = chapter()
    out = common.destination(options, RESULTS)
    steps, rates, seeds, search = STEPS, RATES, SEEDS, SEARCH
    if options.quick:
        steps, seeds, search = dict.fromkeys(STEPS, 2), 2, dict.fromkeys(STEPS, 1)
        rates = {task: found[:2] for task, found in RATES.items()}
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "rates tried": {task: list(found) for task, found in rates.items()},
        "rows": common.rows(out),
    }
    for task, kind, times in PLAN:
        found = {(row["task"], row["kind"], row["times"]): row for row in report["rows"]}
        if (task, kind, times) not in found:
            rate = found[task, kind, 1]["rate"] if times > 1 else None
            report["rows"].append(
                measure(names, task, kind, times, steps[task], rates[task], seeds, search[task], rate)
            )
            common.write(out, report)


if __name__ == "__main__":
    main()
