"""How fast are the cells on a CUDA device? Inference and training step, side by side, beside the floor.

    python benchmarks/gpu_cells.py [--cells lstm,…] [--n 32,…] [--B 1,…] [--T 64,…] [--dtypes float32,…] [--out FILE]
    python benchmarks/gpu_cells.py --dry-run

For each cell, shape and dtype it measures, turn by turn in one process:

    nn          torch.nn, which calls cuDNN
    loop        rnncourse.pytorch: a loop in Python, autograd
    compiled    the same loop, its step through torch.compile; the loop as a whole would be compiled anew for every T
    graph       the same loop, recorded once as a CUDA graph and replayed
    fused       rnncourse.pytorch.fused: the loop with the way back by hand
    triton      rnncourse.pytorch.triton_lstm: the sequence in one kernel (LSTM, n ≤ 128)

and for sequences of different lengths (LSTM; each drawn from 1 … T): packed (pack, torch.nn, unpack), loop, triton.
All compute the same from the same random input, the input's product included, m = n; "training" is forward and the
gradients of x and of all weights. Modules are called as they are, with the checks at their doors, for which they wait
for the device once; compiled and graph leave them out. tf32 is float32 with TF32 products allowed, in cuDNN and
elsewhere.

Each way is first held against float64: the largest error in hs, and in training in dW too, as a share of the largest
entry; 2 stands for a result that is not finite. Then come rounds; in each, every way runs in an order drawn anew,
timed by CUDA events. Reported are medians with quartiles, in milliseconds and in µs for each of the T steps.
The floor beside them: the FLOPs of the matrix products, and the bytes that must move at least: arguments, weights and
results once, and in training what the way back needs once each way. Both are divided by what this device reached in a
large product and a large copy, and the larger is the floor: nothing that computes this can be faster.

Everything is written as JSON, row by row, with device, versions and date, to rnncourse/data/measured, from where
chapter 8.1 reads it.
--dry-run: tiny shapes on the CPU, to see that the program runs. Its times mean nothing and are written only where
--out says.
"""

import common  # first: it allows one thread

# isort: split
import argparse
import contextlib
import importlib.metadata
import inspect
import itertools
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

import rnncourse
from rnncourse import pytorch
from rnncourse.data import recorded
from rnncourse.gradients import relative_error
from rnncourse.pytorch import fused, gru, lstm, rnn, triton_lstm

CELLS = {"lstm": (lstm, 4, "LSTM"), "gru": (gru, 3, "GRU"), "rnn": (rnn, 1, "RNN")}
DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
GRID = {"n": [32, 64, 128, 256, 512], "B": [1, 16, 64, 256], "T": [64, 256, 1024]}
TINY = {"n": [4, 6], "B": [1, 3], "T": [5]}
ROUNDS, TINY_ROUNDS = 9, 3
LEAST = 0.01  # seconds: what takes less is repeated until it takes that long, and the mean is taken
RESULTS = recorded.FOLDER / "gpu_cells.json"


class Skipped(Exception):
    """This way cannot do that; the message says why."""


# ---- what is measured --------------------------------------------------------------------------------------


class Problem:
    """One cell, shape and dtype on a device: a torch.nn module, random input and cotangent, lengths if ragged."""

    def __init__(self, cell, T, B, n, dtype, device, ragged):
        self.cell, self.k, self.name = CELLS[cell]
        self.T, self.B, self.n, self.device, self.ragged = T, B, n, device, ragged
        torch.manual_seed(0)
        where = {"device": device, "dtype": DTYPES[dtype]}
        self.source = getattr(torch.nn, self.name)(n, n, **where)
        self.x = torch.randn(T, B, n, **where).requires_grad_()
        self.dhs = torch.randn(T, B, n, **where)
        self.lengths = torch.randint(1, T + 1, (B,)) if ragged else None  # on the CPU, as packing wants them
        if ragged:
            self.dhs *= (torch.arange(T)[:, None] < self.lengths).to(device)[..., None]

    def build(self, module):
        """``module`` with the weights of the source."""
        module = module.to(self.device, self.x.dtype)
        module.load_state_dict(self.source.state_dict())
        return module

    def exact(self):
        """hs and dW in float64, by the loop that is held to the reference in the tests."""
        module = fused.__dict__[self.name](self.n, self.n, device=self.device, dtype=torch.float64)
        module.load_state_dict(self.source.state_dict())
        x = self.x.detach().double()
        if self.ragged:
            zero = x.new_zeros(self.B, self.n)
            U, W, b_ih, b_hh = module.parameters()
            lengths = self.lengths.to(self.device)
            hs = triton_lstm.loop_forward(x, zero, zero, U, W, b_ih + b_hh, lengths)[0]
        else:
            hs = module(x)[0]
        (dW,) = torch.autograd.grad(hs, [module.weight_hh_l0], self.dhs.double())
        return hs.detach(), dW


def both(problem, weights, call):
    """The two things to time: inference, → (hs,); and a training step, → (hs, dW)."""

    def inference():
        with torch.no_grad():
            return (call(),)

    def training():
        hs = call()
        grads = torch.autograd.grad(hs, [problem.x, *weights], problem.dhs)
        return hs, grads[2]

    return {"inference": inference, "training": training}


def module_way(package):
    def way(problem):
        module = problem.build(getattr(package, problem.name)(problem.n, problem.n))
        return both(problem, list(module.parameters()), lambda: module(problem.x)[0])

    return way


def loop_of(problem, step=None):
    """The loop's weights, and a call without the checks at its door, which wait for the device."""
    p = problem
    weights = [a.detach().clone().requires_grad_() for a in p.source.parameters()]
    states = [p.x.new_zeros(p.B, p.n) for _ in range(1 + (p.name == "LSTM"))]

    def arguments():
        U, W, b_ih, b_hh = weights
        if p.name != "GRU":
            return U, W, b_ih + b_hh
        return U, W, b_ih + torch.cat([b_hh[: 2 * p.n], torch.zeros_like(b_hh[2 * p.n :])]), b_hh[2 * p.n :]

    def call():
        if step is None:
            return inspect.unwrap(p.cell.forward)(p.x, *states, *arguments())[0]
        now, hs, given = states, [], arguments()
        for x_t in p.x:
            now = step(x_t, *now, *given)
            now = now if isinstance(now, tuple) else (now,)
            hs.append(now[0])
        return torch.stack(hs)

    return weights, call


def compiled(problem):
    torch.compiler.reset()  # else the eighth shape would find no room
    backend = "inductor" if problem.device.type == "cuda" else "eager"  # the dry run compiles nothing
    step = torch.compile(inspect.unwrap(problem.cell.step), backend=backend)
    return both(problem, *loop_of(problem, step))


def graph(problem):
    if problem.device.type != "cuda":
        raise Skipped("a CUDA graph needs CUDA")
    recorded = {}
    for phase, run in both(problem, *loop_of(problem)).items():
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                run()
        torch.cuda.current_stream().wait_stream(stream)
        tape = torch.cuda.CUDAGraph()
        with torch.cuda.graph(tape):
            outputs = run()
        recorded[phase] = (tape, outputs)

    def replay(phase):
        tape, outputs = recorded[phase]
        tape.replay()
        return outputs

    return {phase: lambda phase=phase: replay(phase) for phase in recorded}


def triton(problem):
    p = problem
    reason = triton_lstm.missing(p.device, p.x.dtype, p.n) if p.name == "LSTM" else "there is an LSTM only"
    if reason:
        raise Skipped(reason)
    module = p.build(triton_lstm.LSTM(p.n, p.n))
    lengths = p.lengths.to(p.device) if p.ragged else None
    return both(p, list(module.parameters()), lambda: module(p.x, lengths=lengths)[0])


def packed(problem):
    p, utils = problem, torch.nn.utils.rnn

    def call():
        out, _ = p.source(utils.pack_padded_sequence(p.x, p.lengths, enforce_sorted=False))
        return utils.pad_packed_sequence(out, total_length=p.T)[0]

    return both(p, list(p.source.parameters()), call)


def ragged_loop(problem):
    p = problem
    U, W, b_ih, b_hh = weights = list(p.source.parameters())
    zero, lengths = p.x.new_zeros(p.B, p.n), p.lengths.to(p.device)
    return both(p, weights, lambda: triton_lstm.loop_forward(p.x, zero, zero, U, W, b_ih + b_hh, lengths)[0])


UNIFORM = {
    "nn": module_way(torch.nn),
    "loop": module_way(pytorch),
    "compiled": compiled,
    "graph": graph,
    "fused": module_way(fused),
    "triton": triton,
}
RAGGED = {"packed": packed, "loop": ragged_loop, "triton": triton}


# ---- the floor ---------------------------------------------------------------------------------------------


def work(k, T, B, n, phase, size, steps=None):
    """FLOPs of the matrix products and least bytes through memory; ``steps``: of all sequences together, else T·B."""
    steps, weights = T * B if steps is None else steps, k * n * (2 * n + 2)
    flops, numbers = 2 * steps * k * n * 2 * n, 2 * steps * n + weights  # x in, hs out
    if phase == "training":  # the gates out and in, hs in, dhs in and dx out; the weights' gradients out
        flops, numbers = 3 * flops, numbers + steps * (2 * k * n + 3 * n) + weights
    return flops, numbers * size


def roof(dtype, device, timer):
    """FLOP/s and bytes/s that this device reaches: the best of a few large products and copies."""
    size = 8192 if device.type == "cuda" else 64
    a, b = torch.randn(2, size, size, device=device, dtype=DTYPES[dtype]).unbind()
    out = torch.empty_like(a)
    product = min(timer(lambda: torch.mm(a, b, out=out), 3) for _ in range(5))
    source = torch.empty(2**28 if device.type == "cuda" else 2**12, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copy = min(timer(lambda: target.copy_(source), 3) for _ in range(5))
    return 2 * size**3 / product, 2 * source.numel() / copy


# ---- how it is measured ------------------------------------------------------------------------------------


def by_events(run, calls):
    """Seconds of one call, by the device's clock."""
    start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(calls):
        run()
    stop.record()
    stop.synchronize()
    return start.elapsed_time(stop) / 1e3 / calls


def by_clock(run, calls):
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


@contextlib.contextmanager
def products_in(dtype):
    """TF32 on or off, everywhere."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = dtype == "tf32"
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def error_of(ours, exact):
    ours = ours.detach().double()
    return relative_error(ours, exact) if ours.isfinite().all() else 2.0


def prepare(problem, ways):
    """name → phase → function; and name → why not. Whatever a way raises is its own affair, not the end of the run."""
    runs, skipped = {}, {}
    for name, way in ways.items():
        try:
            runs[name] = way(problem)
            for run in runs[name].values():
                run()  # compile, choose algorithms, run out of memory: now
        except Exception as error:
            runs.pop(name, None)
            skipped[name] = str(error) if isinstance(error, Skipped) else type(error).__name__
            if not isinstance(error, Skipped):
                print(f"    {name}: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr)
    return runs, skipped


def measure(runs, rounds, timer):
    """name → seconds, one for each round."""
    calls = {name: max(1, int(LEAST / max(timer(run, 1), 1e-9))) for name, run in runs.items()}
    taken, rng = {name: [] for name in runs}, np.random.default_rng(0)
    for _ in range(rounds):
        for name in rng.permutation(list(runs)).tolist():
            taken[name].append(timer(runs[name], calls[name]))
    return taken


def rows(cells, dtypes, grid, device, rounds):
    """One row for each dtype, cell, shape and phase, as they come."""
    timer = by_events if device.type == "cuda" else by_clock
    for dtype in dtypes:
        with products_in(dtype):
            flops_s, bytes_s = roof(dtype, device, timer)
            for cell, ragged, n, B, T in itertools.product(cells, [False, True], grid["n"], grid["B"], grid["T"]):
                if ragged and (cell != "lstm" or B == 1):
                    continue
                problem = Problem(cell, T, B, n, dtype, device, ragged)
                runs, skipped = prepare(problem, RAGGED if ragged else UNIFORM)
                exact = problem.exact()
                for phase in ("inference", "training"):
                    now = {name: phases[phase] for name, phases in runs.items()}
                    errors = {
                        name: [error_of(a, b) for a, b in zip(run(), exact, strict=False)] for name, run in now.items()
                    }
                    taken = measure(now, rounds, timer)
                    steps = int(problem.lengths.sum()) if ragged else None
                    flops, least = work(problem.k, T, B, n, phase, problem.x.element_size(), steps)
                    yield {
                        "cell": cell,
                        "dtype": dtype,
                        "n": n,
                        "B": B,
                        "T": T,
                        "ragged": ragged,
                        "phase": phase,
                        "ms": {name: common.quartiles(1e3 * np.array(times)) for name, times in taken.items()},
                        "µs per step": {name: float(f"{1e6 * np.median(s) / T:.4g}") for name, s in taken.items()},
                        "error in hs, dW": {name: [float(f"{e:.2g}") for e in both] for name, both in errors.items()},
                        "skipped": skipped,
                        "FLOPs": flops,
                        "bytes": least,
                        "floor, ms": float(f"{1e3 * max(flops / flops_s, least / bytes_s):.3g}"),
                        "roof, FLOP/s and bytes/s": [float(f"{flops_s:.3g}"), float(f"{bytes_s:.3g}")],
                    }


def describe(row):
    shape = f"T={row['T']} B={row['B']} n={row['n']}" + (" ragged" if row["ragged"] else "")
    text = f"{row['cell']:5}{row['dtype']:9}{shape:28}{row['phase']:10} floor {row['floor, ms']:8.3g} ms"
    for name, (low, mid, high) in row["ms"].items():
        error = max(row["error in hs, dW"][name])
        text += f" | {name} {mid:.3g} ({low:.3g} … {high:.3g}), error {error:.0e}"
    return text


def versions():
    found = common.versions(rnncourse, torch)
    found |= {"CUDA": torch.version.cuda, "cuDNN": torch.backends.cudnn.version()}
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        found["triton"] = importlib.metadata.version("triton")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words = lambda text: text.split(",")  # noqa: E731
    numbers = lambda text: [int(word) for word in text.split(",")]  # noqa: E731
    parser.add_argument("--dry-run", action="store_true", help="tiny shapes on the CPU, to see that it runs")
    parser.add_argument("--cells", type=words, default=list(CELLS))
    parser.add_argument("--dtypes", type=words, default=list(DTYPES))
    for letter in GRID:
        parser.add_argument(f"--{letter}", type=numbers)
    parser.add_argument("--out", type=Path, help=f"default: {RESULTS.name} in the package; dry run: nowhere")
    options = parser.parse_args()
    for what, known in (("cells", CELLS), ("dtypes", DTYPES)):
        if not set(getattr(options, what)) <= set(known):
            parser.error(f"--{what}: expected some of {', '.join(known)}")
    if not options.dry_run and not torch.cuda.is_available():
        sys.exit("gpu_cells.py: there is no CUDA device here, so nothing was measured. --dry-run shows that it runs.")
    device = torch.device("cpu" if options.dry_run else "cuda")
    grid = {letter: getattr(options, letter) or (TINY if options.dry_run else GRID)[letter] for letter in GRID}
    # torch.compile looks at it, and nobody else.
    warnings.filterwarnings("ignore", message="The .grad attribute of a Tensor that is not a leaf")
    report = {
        "date": common.today(),
        "device": "none: a dry run on the CPU, whose times mean nothing"
        if options.dry_run
        else torch.cuda.get_device_name(),
        "versions": versions(),
        "each triple": "lower quartile, median, upper quartile",
        "rows": [],
    }
    if options.dry_run:
        print("A dry run on the CPU: its times mean nothing.")
    out = options.out or (None if options.dry_run else RESULTS)
    rounds = TINY_ROUNDS if options.dry_run else ROUNDS
    for row in rows(options.cells, options.dtypes, grid, device, rounds):
        report["rows"].append(row)
        print(describe(row), flush=True)
        common.write(out, report)


if __name__ == "__main__":
    main()
