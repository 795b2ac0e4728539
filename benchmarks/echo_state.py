"""Chapter 3.4: echo state networks, LSTMs and networks without recurrence on two series.

    python benchmarks/echo_state.py [--quick] [--out FILE] [--task curve|narma]

Runs the cells of book/34-echo-state.md that are tagged "definition": what is measured is what the chapter shows.
Every model gets a search: each setting of its grid with SEARCH seeds, judged on validation data by the geometric mean
of the errors; the best setting then runs with SEEDS other seeds on test data. A seed draws the series and the weights.
The ridge is searched for every model and size, over the same RIDGES. Otherwise reservoirs of every size run with the
setting that was best for SEARCHED units, and the LSTM's long training with that of the short one. "seconds": of process
time, the median of one fit, and of the whole search. Beside the LSTM of STEPS steps "refitted": the errors after its
readout was replaced by ridge regression, and "untrained": the same for the LSTM before training; the ridge is chosen on
validation data, for each seed. The rows "density" and "radius" change one number of the best reservoir.
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew.
--quick: small grids, two seeds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import itertools
import time

import numpy as np
import scipy
import sklearn
import torch

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "echo_state.json"
TASKS = ("curve", "narma")
SIZES, DENSITIES, RADII = (100, 200, 400), (0.01, 0.05), (0.3, 0.6, 0.9, 1.2, 1.5)
LENGTHS = (5, 10, 18, 30, 60)
STEPS, LONG = 1000, 3000
SEEDS, SEARCH, FIRST_SEARCHED = 10, 2, 100
RIDGES = (1e-14, 1e-13, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1.0, 100.0)
SEARCHED = 200  # units: the sizes share one setting
GRIDS = {
    "curve": {
        "radius": (0.3, 0.6, 0.9, 1.2),
        "leak": (0.3, 0.5, 0.8, 1.0),
        "scale_back": (0.1, 0.3, 1.0),
        "scale_b": (0.5,),
        "ridge": (1e-10,),  # first; then RIDGES with the best of the others
    },
    "narma": {
        "radius": (0.6, 0.8, 0.9, 1.0, 1.1),
        "leak": (0.7, 1.0),
        "scale_in": (0.01, 0.03, 0.1, 0.3),
        "scale_b": (0.3,),
        "ridge": (1e-6,),
    },
}
LSTM_GRID = {"n": (32,), "rate": (0.001, 0.003, 0.01, 0.03, 0.1)}
WINDOW_GRID = {"scale": (0.01, 0.03, 0.1, 0.3, 1.0), "ridge": RIDGES}
LINEAR_GRID = {"ridge": RIDGES}


def settings(grid):
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


class Bench:
    """The chapter's names, and how much of everything to run."""

    def __init__(self, quick):
        self.names = common.definitions("34-echo-state", np=np, torch=torch)
        self.seeds, self.search = (2, 1) if quick else (SEEDS, SEARCH)
        self.quick, self.known = quick, {}

    def data(self, task, seed):
        if (task, seed) not in self.known:
            self.known[task, seed] = self.names["data"](task, seed)
        return self.known[task, seed]

    def grid(self, grid):
        return {key: values[-1:] for key, values in grid.items()} if self.quick else grid

    def build(self, task, model, seed, how):
        """A fitted network and the seconds of the fit."""
        training, kind, *size = self.data(task, seed)[0], *model
        began = time.process_time()
        if kind == "LSTM":
            steps = size[0] // 500 if self.quick else size[0]
            network = self.names["LSTM"](how["n"], seed).fit(*training, rate=how["rate"], steps=steps)
        elif kind == "window":
            network = self.names["Window"](*size, seed, **how).fit(*training)
        else:
            m, k = (0, 1) if task == "curve" else (1, 0)
            network = self.names["EchoState"](size[0], m, k, seed, **how).fit(*training)
        return network, time.process_time() - began

    def error(self, task, network, seed, part):
        return float(self.names["error"](task, network, self.data(task, seed)[part]))

    def searched(self, task, model, grid):
        """The best setting, its error, and the seconds of the search."""
        began, tried = time.process_time(), []
        for how in settings(self.grid(grid)):
            seeds = range(FIRST_SEARCHED, FIRST_SEARCHED + self.search)
            errors = [self.error(task, self.build(task, model, seed, how)[0], seed, 1) for seed in seeds]
            tried.append((float(np.exp(np.mean(np.log(errors)))), how))
        best = min(tried, key=lambda pair: pair[0])
        return best[1], best[0], time.process_time() - began

    def row(self, task, model, how, **more):
        """Test errors of all seeds with one setting."""
        row, seconds = {"task": task, "model": list(model), "how": how, "errors": []} | more, []
        for seed in range(self.seeds):
            network, spent = self.build(task, model, seed, how)
            seconds.append(spent)
            row["errors"].append(short(self.error(task, network, seed, 2)))
            if model == ("LSTM", STEPS):
                untrained = self.names["LSTM"](how["n"], seed)
                for name, other in (("refitted", network), ("untrained", untrained)):
                    row.setdefault(name, []).append(short(self.refitted(task, other, seed)))
        return row | {"seconds": short(np.median(seconds))}

    def refitted(self, task, network, seed):
        training, tried = self.data(task, seed)[0], {}
        for ridge in RIDGES:
            tried[ridge] = self.error(task, network.refit(*training, ridge=ridge), seed, 1)
        return self.error(task, network.refit(*training, ridge=min(tried, key=tried.get)), seed, 2)


def short(number):
    return float(f"{number:.4g}")


def persistence(bench, task):
    """84 steps ahead: today's value; NARMA: the mean of training, which is 0."""
    errors, nrmse = [], bench.names["nrmse"]
    for seed in range(bench.seeds):
        target = bench.data(task, seed)[2][2]
        first = 28 * np.arange(100)
        here, ahead = target[first + 98], target[first + 182]
        errors.append(short(nrmse(here, ahead) if task == "curve" else nrmse(0.0, target[100:])))
    return {"task": task, "model": ["baseline"], "errors": errors}


def plan():
    for task in TASKS:
        yield task, ("baseline",), None
        yield task, ("reservoir", SEARCHED), GRIDS[task]
        for n in SIZES:
            if n != SEARCHED:
                yield task, ("reservoir", n), None
        yield task, ("reservoir, W = 0", SIZES[-1]), GRIDS[task] | {"radius": (0.0,)}
        for k in LENGTHS:
            yield task, ("window", "linear", k), LINEAR_GRID
            yield task, ("window", SIZES[-1], k), WINDOW_GRID
        for k in LENGTHS[:-1]:  # 60 would be 1,890 products
            yield task, ("window", "squares", k), LINEAR_GRID
        for density in DENSITIES:
            yield task, ("density", SIZES[-1], density), None
        for radius in RADII:
            yield task, ("radius", SIZES[-1], radius), None
        yield task, ("LSTM", STEPS), LSTM_GRID
        yield task, ("LSTM", LONG), None


def measure(bench, task, model, grid, rows):
    found = {(row["task"], *row["model"]): row for row in rows}
    kind = model[0]
    if kind == "baseline":
        return persistence(bench, task)
    if kind in ("density", "radius"):
        how = found[task, "reservoir", SIZES[-1]]["how"] | {kind: model[2]}
        return bench.row(task, model, how)
    if kind == "LSTM" and grid is None:
        return bench.row(task, model, found[task, kind, STEPS]["how"])
    if grid is None:
        how, score, seconds = found[task, kind, SEARCHED]["how"], np.inf, 0.0
    else:
        how, score, seconds = bench.searched(task, model, grid)
    if kind.startswith("reservoir"):
        fixed = {name: (value,) for name, value in how.items()}
        how, score, more = bench.searched(task, model, fixed | {"ridge": RIDGES})
        seconds += more
    return bench.row(task, model, how, validation=short(score), **{"seconds of search": short(seconds)})


def main():
    parser = common.parser(__doc__, RESULTS, "small grids, two seeds")
    parser.add_argument("--task", choices=TASKS, help="only this one")
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no row after so many of process time")
    options = parser.parse_args()
    torch.set_num_threads(1)
    bench, out = Bench(options.quick), common.destination(options, RESULTS)
    report = {
        "date": common.today(),
        "versions": common.versions(np, scipy, sklearn, torch),
        "processor": common.processor(),
        "rows": common.rows(out),
    }
    rows = report["rows"]
    for task, model, grid in plan():
        known = (task, list(model)) in [(row["task"], row["model"]) for row in rows]
        if known or options.task not in (None, task) or time.process_time() > options.seconds:
            continue
        rows.append(measure(bench, task, model, grid, rows))
        middle = np.median(rows[-1]["errors"])
        print(task, *model, rows[-1].get("how"), rows[-1].get("seconds"), f"error {middle:.3g}", flush=True)
        common.write(out, report)


if __name__ == "__main__":
    main()
