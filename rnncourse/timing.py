"""How long a function takes, in how many calls and operations, and how much memory it needs."""

import os
import time
import tracemalloc

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from rnncourse.checks import check_sizes

COUNTED = {"aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"}  # the profiler knows their operations
UNCOUNTED = {f"aten::{name}" for name in ("addmm_", "baddbmm_", "mv", "addmv", "addmv_", "dot", "vdot")}
OTHER_PRODUCTS = ("aten::convolution", "aten::_scaled_dot_product")  # and what begins so
IN_ONE = ("aten::mkldnn_rnn_layer", "aten::_cudnn_rnn")  # all steps of a cell in one call, products included


def seconds(run, calls=1):
    """Seconds of one call of ``run()``, the mean of ``calls``.

    Without CUDA: of this process alone, so that what else the machine does is not counted. With CUDA: by the clock,
    and the device has finished when it is read. On Windows by the clock, too: its time of a process ticks too slowly.
    Raises ValueError for fewer calls than 1.
    """
    check_sizes("timing.seconds", calls=calls)
    cuda = torch.cuda.is_available()
    now = time.perf_counter if cuda or os.name == "nt" else time.process_time
    wait = torch.cuda.synchronize if cuda else lambda: None
    wait()
    began = now()
    for _ in range(calls):
        run()
    wait()
    return (now() - began) / calls


def side_by_side(runs, rounds=7, least=0.005):
    """name → seconds of one call (rounds,), for functions without arguments: name → function.

    Turn by turn: each round runs every function, in an order drawn anew, so that a slow moment hits all of them. Each
    is called as often in a row as fills ``least`` seconds, and once before, to warm up. Compare medians, or the median
    of the ratios within the rounds.
    Raises ValueError for no function, or fewer rounds than 1.
    """
    if not runs or rounds < 1:
        raise ValueError(f"timing.side_by_side: expected functions and rounds ≥ 1, got {len(runs)} and {rounds}")
    for run in runs.values():
        run()
    calls = {name: max(1, round(least / max(seconds(run), 1e-9))) for name, run in runs.items()}
    names, taken, rng = list(runs), {name: [] for name in runs}, np.random.default_rng(0)
    for _ in range(rounds):
        for k in rng.permutation(len(names)):
            taken[names[k]].append(seconds(runs[names[k]], calls[names[k]]))
    return {name: np.array(times) for name, times in taken.items()}


class Counter(TorchDispatchMode):
    """Counts what passes through PyTorch's dispatcher while it is entered."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.calls += 1
        return function(*args, **(kwargs or {}))


def calls(run):
    """How many operations ``run()`` hands to PyTorch, those of the backward pass and views included."""
    with Counter() as counter:
        run()
    return counter.calls


def flops(run):
    """The multiplications and additions in the matrix products of ``run()``, as PyTorch's profiler counts them.

    Raises ValueError for products whose operations it does not count: in place, with a vector, convolutions, attention
    or a cell in one call (torch.nn.LSTM in float32).
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else some versions write a line at each start and stop
    with torch.autograd.profiler.profile(with_flops=True) as profiler:
        run()
    events = profiler.key_averages()
    missed = {event.key for event in events if event.key in UNCOUNTED or event.key.startswith(IN_ONE + OTHER_PRODUCTS)}
    if missed:
        raise ValueError(
            f"timing.flops: expected products that the profiler counts, {', '.join(sorted(COUNTED))}, got also "
            f"{', '.join(sorted(missed))}"
        )
    return sum(event.flops for event in events if event.key in COUNTED)


def megabytes(run):
    """The most memory that ``run()`` has in use at a time, in 2²⁰ bytes: of NumPy's arrays and Python's objects.

    What was there before is not counted, nor are torch's tensors, which tracemalloc does not see. Raises ValueError if
    tracemalloc is tracing already: its peak would be an older one.
    """
    if tracemalloc.is_tracing():
        raise ValueError("timing.megabytes: expected tracemalloc to be at rest, got one that is tracing already")
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
