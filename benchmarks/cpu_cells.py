"""How fast are the cells on one CPU thread? Forward and training, side by side.

    python benchmarks/cpu_cells.py [--quick] [--out FILE]

For each shape, dtype and cell it measures, turn by turn in one process, the forward pass by itself and a training pass,
which is forward and the gradients of every argument:

    reference   rnncourse.reference: NumPy, with the way back written by hand
    nn          torch.nn: a loop in C++, autograd
    loop        rnncourse.pytorch: the same loop in Python, autograd
    fused       rnncourse.pytorch.fused: the reference's way back on tensors, one entry in autograd's graph
    compiled    the loop, with its step through torch.compile (LSTM only: every shape is compiled anew)
    whole       the loop as a whole through torch.compile (LSTM, T ≤ 25: each step adds to the code, a second or two)
    products    nothing but the matrix products that forward and backward need, in NumPy

Before anything is timed, those that compute are held to float64; the errors are written down, as are the FLOPs of the
products and the bytes that must move at least. Then comes round after round; in each, all
run, in an order drawn anew. Printed are milliseconds by the clock, medians over the rounds with quartiles, and
the speed of the reference where that of another is 1: 0.5 takes twice as long; beside the products it is their share
of the reference's time. The speeds are medians of the ratios within each round, by the time of this process alone, so
that a slow minute does not count, nor other processes but for the caches they fill. Everything is written as JSON, with
machine, versions and date, to rnncourse/data/measured, from where chapters read it.
--quick: tiny shapes and few rounds, nothing compiled, to see that it runs; written only where --out says.
"""

import os

os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"  # seconds to compile are those of a first time

import common  # noqa: E402, first: it allows one thread

# isort: split
import copy  # noqa: E402
import itertools  # noqa: E402
import platform  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from functools import partial  # noqa: E402

import numpy as np  # noqa: E402
import scipy  # noqa: E402
import torch  # noqa: E402
from threadpoolctl import threadpool_info  # noqa: E402

import rnncourse  # noqa: E402
from rnncourse import counting, pytorch  # noqa: E402
from rnncourse.data import recorded  # noqa: E402
from rnncourse.gradients import relative_error  # noqa: E402
from rnncourse.pytorch import fused  # noqa: E402
from rnncourse.reference import gru, lstm, rnn  # noqa: E402

SHAPES = [(25, 1, 27, 100), (64, 32, 64, 128), (100, 64, 128, 256), (128, 16, 32, 64), (50, 128, 256, 512)]
QUICK = [(5, 2, 3, 4), (3, 1, 2, 2)]
ROUNDS, QUICK_ROUNDS = 9, 3
LONGEST = 25  # steps, for a loop that is compiled as a whole
LEAST = 0.02  # seconds: a call that takes less is repeated until it takes that long, and the mean is taken
TIMES = ("ms", "ms of this process")
RESULTS = recorded.FOLDER / "cpu_cells.json"


# ---- what is measured: a function of one Problem that returns, for each phase, a function without arguments ---


class Problem:
    """One cell, shape and dtype: random arguments, and random cotangents on every output."""

    def __init__(self, cell, shape, dtype):
        T, B, m, n = self.shape = shape
        self.cell, self.k, states = {"lstm": (lstm, 4, 2), "gru": (gru, 3, 1), "rnn": (rnn, 1, 1)}[cell]
        self.name, rng = cell.upper(), np.random.default_rng(0)
        draw = lambda *size: rng.normal(size=size).astype(dtype)  # noqa: E731
        self.x, self.states, self.dhs = draw(T, B, m), [draw(B, n) for _ in range(states)], draw(T, B, n)
        self.dstates = [draw(B, n) for _ in range(states)]
        sizes = [(self.k * n, m), (self.k * n, n), (self.k * n,)] + [(n,)] * (cell == "gru")
        self.weights = self.cell.Weights(*(draw(*size) / dtype(n**0.5) for size in sizes))

    def exact(self):
        """hs, dx, dU and dW in float64, from the same numbers."""
        wide = copy.copy(self)
        wide.x, wide.dhs, *others = (a.astype(float) for a in (self.x, self.dhs, *self.states, *self.dstates))
        wide.states, wide.dstates = others[: len(self.states)], others[len(self.states) :]
        wide.weights = self.cell.Weights(*(a.astype(float) for a in self.weights))
        return reference(wide)["training"]()

    def work(self, phase):
        """FLOPs of the matrix products, and the bytes that must move at least.

        Those are x and the weights in, hs out; in training the gates out and in, hs and its error in, dx and the
        gradients of the weights out.
        """
        (T, B, m, n), k, weights = self.shape, self.k, sum(a.size for a in self.weights)
        flops, numbers = T * B * counting.flops(self.name.lower(), m, n), T * B * (m + n) + weights
        if phase == "training":
            flops, numbers = 3 * flops, numbers + T * B * (2 * k * n + 2 * n + m) + weights
        return flops, numbers * self.x.itemsize


def reference(problem, cell=None):
    """Functions ``forward`` and ``backward`` as a module of rnncourse.reference has them; such a module, if given."""
    p, cell = problem, cell or problem.cell

    def forward():
        return (cell.forward(p.x, *p.states, *p.weights)[0],)

    def training():
        hs, *_, cache = cell.forward(p.x, *p.states, *p.weights)
        grads = cell.backward(p.dhs, *p.dstates, cache)
        return hs, grads.x, grads.U, grads.W

    return {"forward": forward, "training": training}


def module(problem, package):
    """A module with torch.nn's names, from ``package``: torch.nn or rnncourse.pytorch."""
    p = problem
    source = p.cell.to_torch(*p.weights)
    net = getattr(package, p.name)(*p.shape[2:], dtype=source.weight_ih_l0.dtype)
    net.load_state_dict(source.state_dict())
    x, *states = (torch.from_numpy(a).requires_grad_() for a in (p.x, *(h[None] for h in p.states)))
    cotangents = [torch.from_numpy(a) for a in (p.dhs, *(d[None] for d in p.dstates))]
    inputs, first = [x, *states, *net.parameters()], tuple(states) if len(states) == 2 else states[0]

    def forward():
        with torch.no_grad():
            return (net(x, first)[0],)

    def training():
        hs, last = net(x, first)
        outputs = [hs, *last] if len(states) == 2 else [hs, last]
        grads = torch.autograd.grad(outputs, inputs, cotangents)
        U, W = grads[1 + len(states) :][:2]
        return hs, grads[0], U, W

    return {"forward": forward, "training": training}


def step(net, h, c, W):
    """The part of an LSTM's step that waits for the step before."""
    i, f, g, o = pytorch.ops.split(net + h @ W.T, 4)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def steps(x, h, c, U, W, b, step=step):
    hs = []
    for net in x @ U.T + b:
        h, c = step(net, h, c, W)
        hs.append(h)
    return torch.stack(hs), h, c


def compiled(problem, whole):
    """The loop of rnncourse.pytorch through torch.compile: its step, or all of it if it is short. For training only."""
    p = problem
    if whole and p.shape[0] > LONGEST:
        return {}
    torch.compiler.reset()  # so that this shape is compiled for itself
    compile = partial(torch.compile, backend="eager" if p.shape in QUICK else "inductor")
    forward = compile(steps) if whole else partial(steps, step=compile(step))
    given = [torch.from_numpy(a).requires_grad_() for a in (p.x, *p.states, *p.weights)]
    cotangents = [torch.from_numpy(a) for a in (p.dhs, *p.dstates)]

    def training():
        hs, h, c = forward(*given)
        dx, _, _, dU, dW, _ = torch.autograd.grad([hs, h, c], given, cotangents)
        return hs, dx, dU, dW

    return {"training": training}


def products(problem):
    """The floor: every matrix product, in as few calls as can be, into arrays that are there, from contiguous ones."""
    (T, B, m, n), k, rng = problem.shape, problem.k, np.random.default_rng(1)
    draw = lambda *size: rng.normal(size=size).astype(problem.x.dtype)  # noqa: E731
    x, h, delta, delta_T = draw(T * B, m), draw(T, B, n), draw(T, B, k * n), draw(k * n, T * B)
    U, W, U_T, W_T = draw(k * n, m), draw(k * n, n), draw(m, k * n), draw(n, k * n)
    net, Wh, dh, dx, dU, dW = (np.empty_like(a) for a in (delta.reshape(T * B, k * n), delta[0], h[0], x, U, W))

    def forward():
        np.matmul(x, U_T, out=net)
        for t in range(T):
            np.matmul(h[t], W_T, out=Wh)

    def training():
        forward()
        for t in range(T):
            np.matmul(delta[t], W, out=dh)
        np.matmul(delta.reshape(T * B, k * n), U, out=dx)
        np.matmul(delta_T, x, out=dU)
        np.matmul(delta_T, h.reshape(T * B, n), out=dW)

    return {"forward": forward, "training": training}


# cell → way to compute → function. The first is what the others are compared with. One more way is one more line.
CELLS = {
    cell: {
        "reference": reference,
        "nn": partial(module, package=torch.nn),
        "loop": partial(module, package=pytorch),
        "fused": partial(module, package=fused),
        "products": products,
    }
    for cell in ("lstm", "gru", "rnn")
}
CELLS["lstm"] |= {"compiled": partial(compiled, whole=False), "whole": partial(compiled, whole=True)}
WAYS = list(CELLS["lstm"])


# ---- how it is measured ------------------------------------------------------------------------------------


def check(runs, dtype, exact):
    """Every way that returns something returns hs, and in training dx, dU and dW, as float64 has them.

    → name → seconds of this first call, and name → errors.
    """
    took, errors = {}, {}
    for name, run in runs.items():
        began = time.perf_counter()
        computed = run()
        took[name] = time.perf_counter() - began
        if computed is None:  # the bare products
            continue
        pairs = zip(("hs", "dx", "dU", "dW"), exact, computed, strict=False)
        errors[name] = {what: float(f"{relative_error(a, b):.2g}") for what, a, b in pairs}
        for what, error in errors[name].items():
            if not error <= {"float32": 1e-3, "float64": 1e-10}[dtype]:
                raise ValueError(f"{name} differs from float64 in {what}: relative error {error:.1e}")
    return took, errors


def seconds(run, calls):
    """Of one call: by the clock, and of this process alone."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        run()
    return (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls


def measure(runs, rounds):
    """name → (rounds, 2) seconds. The check has warmed them up; one more call says how many make a measurement."""
    calls = {name: max(1, int(LEAST / seconds(run, 1)[0])) for name, run in runs.items()}
    taken, rng = {name: [] for name in runs}, np.random.default_rng(0)
    for _ in range(rounds):
        for name in rng.permutation(list(runs)).tolist():
            taken[name].append(seconds(runs[name], calls[name]))
    return {name: np.array(times) for name, times in taken.items()}


def results(shapes, rounds):
    """One row for each dtype, cell, shape and phase, as they come."""
    for dtype, cell, shape in itertools.product(["float32", "float64"], CELLS, shapes):
        problem = Problem(cell, shape, np.dtype(dtype).type)
        ways, exact = {name: way(problem) for name, way in CELLS[cell].items()}, problem.exact()
        for phase in ("forward", "training"):
            runs = {name: phases[phase] for name, phases in ways.items() if phase in phases}
            at_first, errors = check(runs, dtype, exact)
            taken = measure(runs, rounds)
            first, *others = runs
            flops, least = problem.work(phase)
            yield {
                "cell": cell,
                "dtype": dtype,
                **dict(zip("TBmn", shape, strict=True)),
                "phase": phase,
                "ms": {name: common.quartiles(1e3 * times[:, 0]) for name, times in taken.items()},
                "µs per step": {name: float(f"{1e6 * np.median(t[:, 0]) / shape[0]:.4g}") for name, t in taken.items()},
                "ms of this process": {name: common.quartiles(1e3 * times[:, 1]) for name, times in taken.items()},
                "speed": {name: common.quartiles(taken[name][:, 1] / taken[first][:, 1], 3) for name in others},
                "error against float64": errors,
                "FLOPs": flops,
                "bytes": least,
                "seconds to compile": {
                    name: round(at_first[name], 1) for name in ("compiled", "whole") if name in runs
                },
            }


def headline():
    first, *others = WAYS
    text = f"{'':22}{'(T, B, m, n)':>20}" + "".join(f"{name + ', ms':>25}" for name in WAYS)
    return text + "".join(f"{'/ ' + name:>12}" for name in others) + f"   (speed of {first})"


def describe(row):
    """A row of the table: shape, medians with quartiles, speeds; nothing where this cell has no such way."""
    shape = str(tuple(row[letter] for letter in "TBmn"))
    text = f"{row['cell']:5}{row['dtype']:8}{row['phase']:9}{shape:>20}"
    for name in WAYS:
        low, mid, high = (f"{ms:.0f}" if ms >= 100 else f"{ms:.3g}" for ms in row["ms"].get(name, [0] * 3))
        text += f"{f'{mid} ({low} … {high})' if name in row['ms'] else '':>25}"
    return text + "".join(f"{row['speed'][name][1]:12.2f}" if name in row["speed"] else 12 * " " for name in WAYS[1:])


def machine():
    """What the numbers depend on, and nothing that says whose machine it is."""
    return {
        "processor": common.processor(),
        "logical cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "torch's code path": torch.backends.cpu.get_cpu_capability(),
        "libraries": [
            {key: pool[key] for key in ("internal_api", "version", "architecture", "num_threads") if key in pool}
            for pool in threadpool_info()
        ],
    }


def main():
    options = common.parser(__doc__, RESULTS, "tiny shapes and few rounds").parse_args()
    torch.set_num_threads(1)
    # Of torch.compile: that its caches are off, on purpose; and that it looked at .grad, which nobody else does.
    warnings.filterwarnings("ignore", message="dynamo_pgo force disabled")
    warnings.filterwarnings("ignore", message="The .grad attribute of a Tensor that is not a leaf")
    report = {
        "date": common.today(),
        "machine": machine(),
        "versions": common.versions(rnncourse, np, scipy, torch),
        "rounds": QUICK_ROUNDS if options.quick else ROUNDS,
        "each triple": "lower quartile, median, upper quartile",
        "rows": [],
    }
    if any(pool["num_threads"] != 1 for pool in threadpool_info()):
        raise RuntimeError(f"expected one thread, got {threadpool_info()}")
    print(headline())
    for row in results(QUICK if options.quick else SHAPES, report["rounds"]):
        report["rows"].append(row)
        print(describe(row), flush=True)
    clock, own = (sum(mid for row in report["rows"] for _, mid, _ in row[key].values()) for key in TIMES)
    report["share of a processor"] = round(own / clock, 2)
    if own < 0.95 * clock:
        print(
            f"The machine was busy: this process had {own / clock:.0%} of a processor. Do not trust the milliseconds."
        )
    common.write(common.destination(options, RESULTS), report, escape=True)


if __name__ == "__main__":
    main()
