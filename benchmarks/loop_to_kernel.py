"""What chapter 8.1 says about time: its loops, the classes to choose from, and a training of chapter 5.1.

    python benchmarks/loop_to_kernel.py [--quick] [--out FILE]

Runs the cells of book/81-from-loop-to-kernel.md that are tagged "definition": what is measured is what the chapter
shows. One thread, float32, m = n. The tables, a row for each measurement:

    peak        the largest rate of a square product in each of three libraries, operations a second, and that of
                three copies, bytes a second
    loops       the chapter's five versions, torch.nn without oneDNN and the NumPy reference: a training pass
    units       one version, "gates stacked", for one sequence and 4 to 1024 units
    sizes       torch.nn.LSTM with 128 units, for several T and B
    classes     RNN, GRU and LSTM in each class, for nine pairs of B and n; training and forward pass
    training    chapter 5.1's training, end to end: the same network and steps in each class

All times are of this process alone, in rounds: each round runs every version, in an order drawn anew. "µs" are lower
quartile, median and upper quartile over the rounds. The machine may be busy, so the chapter reads ratios.
Rows are written as they come, as JSON to rnncourse/data/measured; called again, the program goes on where it was.
--quick: tiny shapes and few rounds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import json
import warnings
from functools import partial

import numpy as np
import torch

from rnncourse import pytorch, timing, training
from rnncourse.data import recorded, text
from rnncourse.pytorch import fused, language
from rnncourse.reference import gru, lstm, rnn

RESULTS = recorded.FOLDER / "loop_to_kernel.json"
FULL = {
    "squares": [256, 512, 1024],
    "copies": [2**18, 2**22, 2**26],
    "loops": [(64, 1, 64), (64, 16, 64), (32, 64, 256)],
    "units": [4, 8, 16, 32, 64, 128, 256, 512, 1024],
    "T of units": 64,
    "sizes": [(64, 1), (64, 2), (64, 4), (64, 16), (64, 64), (128, 1), (256, 1), (1024, 1)],
    "classes": [(64, B, n) for n in (32, 128, 512) for B in (1, 16, 64)],
    "training": [
        ("short", 32, 96, 16, 0.03, 400, 5),
        ("long", 16, 256, 128, 0.006, 12, 3),
    ],  # B, n, T, rate, steps, runs
    "rounds": 9,
}
QUICK = {
    "squares": [16],
    "copies": [2**10],
    "loops": [(3, 2, 4)],
    "units": [2, 4],
    "T of units": 3,
    "sizes": [(2, 1), (2, 2)],
    "classes": [(3, 2, 4)],
    "training": [("short", 4, 5, 3, 0.03, 2, 1)],
    "rounds": 2,
}
REFERENCE = {"RNN": rnn, "GRU": gru, "LSTM": lstm}


def chapter():
    """The names that the chapter's definitions make."""
    names = {"np": np, "torch": torch, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "partial": partial}
    names |= {"fused": fused, "language": language, "pytorch": pytorch, "text": text, "training": training}
    return common.definitions("81-from-loop-to-kernel", **names)


def timed(runs, rounds):
    """name → quartiles in µs of one call."""
    return {name: common.quartiles(1e6 * seconds) for name, seconds in timing.side_by_side(runs, rounds).items()}


def without_onednn(run):
    def without():
        with warnings.catch_warnings(action="ignore"), torch.backends.mkldnn.flags(enabled=False):
            return run()

    return without


def peaks(plan):
    """Rates of square products in three libraries, and of copies, in turn: the best of all sizes and rounds."""
    runs, work = {}, {}
    for size in plan["squares"]:
        left, right, out = torch.randn(3, size, size)
        a, b, c = left.numpy(), right.numpy(), np.empty((size, size), np.float32)
        runs["torch.mm", size] = partial(torch.mm, left, right, out=out)
        runs["NumPy", size] = partial(np.matmul, a, b, out=c)
        runs["oneDNN", size] = partial(torch.ops.aten.mkldnn_linear, left.to_mkldnn(), right.to_mkldnn())
        work |= {(name, size): 2 * size**3 for name in ("torch.mm", "NumPy", "oneDNN")}
    for size in plan["copies"]:
        a = torch.randn(size // 4)
        runs["copy", size], work["copy", size] = partial(torch.empty_like(a).copy_, a), 2 * size  # read and written
    best = {key: work[key] / seconds.min() for key, seconds in timing.side_by_side(runs, plan["rounds"]).items()}
    rates = {
        name: max(rate for (of, _), rate in best.items() if of == name) for name in ("torch.mm", "NumPy", "oneDNN")
    }
    return {
        "operations a second": {name: float(f"{rate:.4g}") for name, rate in rates.items()},
        "bytes a second": {size: float(f"{best['copy', size]:.4g}") for size in plan["copies"]},
    }


def loops(names, T, B, n, rounds):
    """The chapter's versions and two more, which tell what the price is paid for."""
    runs = names["training_passes"](names["VERSIONS"], T, B, n)
    runs["torch.nn without oneDNN"] = without_onednn(runs["torch.nn"])
    runs["NumPy"] = passes("LSTM", "reference", T, B, n)["training"]
    calls = {name: round(timing.calls(run) / T, 1) for name, run in runs.items() if name != "NumPy"}
    return {"calls a step": calls, "µs": timed(runs, rounds)}


def passes(cell, package, T, B, n):
    """phase → one pass of a class: "training" is forward and the gradients of all weights and of x."""
    torch.manual_seed(0)
    if package == "reference":
        module, rng = REFERENCE[cell], np.random.default_rng(0)
        weights = module.from_torch(getattr(torch.nn, cell)(n, n))
        weights = [a.astype(np.float32) for a in weights]
        states = [np.zeros((B, n), np.float32)] * (2 if cell == "LSTM" else 1)
        x, dhs = (rng.normal(size=(T, B, n)).astype(np.float32) for _ in range(2))

        def training_pass():
            *_, cache = module.forward(x, *states, *weights)
            return module.backward(dhs, *states, cache)

        return {"training": training_pass, "forward": lambda: module.forward(x, *states, *weights)}
    module = getattr({"torch.nn": torch.nn, "rnncourse.pytorch": pytorch, "fused": fused}[package], cell)(n, n)
    x, dhs = torch.randn(T, B, n, requires_grad=True), torch.randn(T, B, n)

    def forward():
        with torch.no_grad():
            return module(x)

    return {
        "training": lambda: torch.autograd.grad(module(x)[0], [x, *module.parameters()], dhs),
        "forward": forward,
    }


def classes(cell, T, B, n, phase, rounds):
    packages = ("torch.nn", "rnncourse.pytorch", "fused", "reference")
    runs = {package: passes(cell, package, T, B, n)[phase] for package in packages}
    runs["torch.nn without oneDNN"] = without_onednn(runs["torch.nn"])
    return timed(runs, rounds)


def trainings(names, B, n, T, rate, steps, rounds):
    """Whole runs of chapter 5.1's training, class after class in each round: seconds and validation bits."""
    corpus = text.code()
    columns = language.side_by_side(text.ASCII.encode(corpus.train), B)
    held_out = language.side_by_side(text.ASCII.encode(corpus.validation), 100)[:150]
    taken, bits, rng = {name: [] for name in names["CLASSES"]}, {}, np.random.default_rng(0)
    for _ in range(rounds):
        for name in rng.permutation(list(taken)).tolist():
            seconds, bits[name] = names["learn"](names["CLASSES"][name], columns, held_out, n, T, rate, steps)
            taken[name].append(seconds)
    speed = {name: common.quartiles(np.array(taken["tutorial loop"]) / times) for name, times in taken.items()}
    rounded = {name: round(value, 4) for name, value in bits.items()}
    return {
        "seconds": {name: common.quartiles(times) for name, times in taken.items()},
        "speed": speed,
        "bits": rounded,
    }


def rows(names, plan, done):
    """The rows that are not in ``done`` yet, as they come."""

    def new(**key):
        return not any(key.items() <= row.items() for row in done)

    rounds = plan["rounds"]
    if new(table="peak"):
        yield {"table": "peak", **peaks(plan)}
    for T, B, n in plan["loops"]:
        if new(table="loops", T=T, B=B, n=n):
            yield {"table": "loops", "T": T, "B": B, "n": n, **loops(names, T, B, n, rounds)}
    if new(table="units"):
        one, T = {"gates stacked": names["stacked"]}, plan["T of units"]
        runs = {n: names["training_passes"](one, T, 1, n)["gates stacked"] for n in plan["units"]}
        (calls,) = {timing.calls(run) for run in runs.values()}  # the same number for every n
        yield {"table": "units", "T": T, "B": 1, "calls": calls, "µs": timed(runs, 2 * rounds + 1)}
    if new(table="sizes"):
        runs = {}
        for T, B in plan["sizes"]:
            runs[f"T = {T}, B = {B}"] = passes("LSTM", "torch.nn", T, B, 128)["training"]
        yield {"table": "sizes", "n": 128, "µs": timed(runs, rounds)}
    for T, B, n in plan["classes"]:
        for cell in REFERENCE:
            for phase in ("training", "forward"):
                key = {"table": "classes", "cell": cell, "T": T, "B": B, "n": n, "phase": phase}
                if new(**key):
                    fewer = rounds if B * n < 10_000 else max(2, rounds // 2)
                    yield {**key, "µs": classes(cell, T, B, n, phase, fewer)}
    for name, B, n, T, rate, steps, runs in plan["training"]:
        key = {"table": "training", "run": name, "B": B, "n": n, "T": T, "rate": rate, "steps": steps}
        if new(**key):
            yield {**key, **trainings(names, B, n, T, rate, steps, runs)}


def main():
    options = common.parser(__doc__, RESULTS, "tiny shapes and few rounds").parse_args()
    torch.set_num_threads(1)
    out = common.destination(options, RESULTS)
    report = {
        "date": common.today(),
        "machine": {"processor": common.processor(), "torch's code path": torch.backends.cpu.get_cpu_capability()},
        "versions": common.versions(np, torch),
        "each triple": "lower quartile, median, upper quartile",
        "rows": [],
    }
    if out and out.exists():
        before = json.loads(out.read_text(encoding="utf-8"))
        if {**before, "rows": [], "date": ""} == {**report, "date": ""}:
            report["rows"] = before["rows"]  # the same machine and versions: go on
    for row in rows(chapter(), QUICK if options.quick else FULL, list(report["rows"])):
        report["rows"].append(row)
        print(json.dumps(row, ensure_ascii=False), flush=True)
        common.write(out, report)


if __name__ == "__main__":
    main()
