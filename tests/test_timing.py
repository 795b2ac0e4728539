"""The clocks and counters of rnncourse.timing: by clocks that the test itself moves, wherever it can."""

import time
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rnncourse import timing
from rnncourse.pytorch import LSTM


@pytest.fixture
def no_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def clock(monkeypatch, no_cuda):
    """The time of this process, which stands still until the test moves it: a list of one number."""
    now = [3.0]
    monkeypatch.setattr(timing, "time", SimpleNamespace(process_time=lambda: now[0]))
    return now


def takes(clock, seconds, log=None, name=None):
    """A function that moves the clock by so much, and writes its name down."""

    def run():
        clock[0] += seconds
        if log is not None:
            log.append(name)

    return run


# ---- seconds -----------------------------------------------------------------------------------------------


def test_seconds_is_the_mean_of_the_calls(clock):
    log = []
    assert timing.seconds(takes(clock, 0.5, log), calls=4) == 0.5
    assert len(log) == 4
    assert timing.seconds(takes(clock, 0.5, log)) == 0.5 and len(log) == 5


@pytest.mark.parametrize("calls", [0, -1, 1.5])
def test_seconds_of_no_call(calls):
    with pytest.raises(ValueError, match=f"timing.seconds: expected calls to be an integer of at least 1, got {calls}"):
        timing.seconds(lambda: None, calls)


def test_sleep_is_not_counted(no_cuda):
    assert timing.seconds(lambda: time.sleep(0.2)) < 0.1


def test_more_work_takes_longer(no_cuda):
    few, many = (timing.seconds(lambda size=size: sum(range(size))) for size in (1_000, 1_000_000))
    assert 0 < few < many


def test_with_cuda_by_the_clock_and_the_device_has_finished(monkeypatch):
    log, now = [], [3.0]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", takes(now, 0.25, log, "wait"))
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now[0], process_time=None))
    assert timing.seconds(takes(now, 0.5, log, "run"), calls=2) == (2 * 0.5 + 0.25) / 2  # the second wait counts
    assert log == ["wait", "run", "run", "wait"]


# ---- side by side ------------------------------------------------------------------------------------------


def test_each_round_runs_all_in_an_order_of_its_own(clock):
    log, names = [], ["loop", ("lstm", 64), 3]
    runs = {name: takes(clock, 0.5, log, name) for name in names}
    taken = timing.side_by_side(runs, rounds=6, least=0)
    assert list(taken) == names
    assert all(times.shape == (6,) for times in taken.values())
    turns = [log[start : start + 3] for start in range(0, len(log), 3)]
    assert turns[0] == names  # to warm up
    assert turns[1] == names  # to see how many calls fill a measurement
    assert len(turns) == 2 + 6 and all(set(turn) == set(names) for turn in turns)
    assert len({tuple(turn) for turn in turns[2:]}) > 2


def test_calls_that_fill_least_and_the_time_of_one(clock):
    log = []
    runs = {"short": takes(clock, 0.25, log, "short"), "long": takes(clock, 8.0, log, "long")}
    taken = timing.side_by_side(runs, rounds=2, least=1.0)
    assert taken["short"].tolist() == [0.25, 0.25] and taken["long"].tolist() == [8.0, 8.0]
    assert log.count("short") == 2 + 2 * 4 and log.count("long") == 2 + 2 * 1


def test_side_by_side_on_the_real_clock():
    sizes = (100, 1_000_000)
    taken = timing.side_by_side({size: lambda size=size: sum(range(size)) for size in sizes}, rounds=3)
    assert np.isfinite(list(taken.values())).all() and np.median(taken[100]) < np.median(taken[1_000_000])


@pytest.mark.parametrize(("runs", "rounds", "got"), [({}, 7, "0 and 7"), ({"one": print}, 0, "1 and 0")])
def test_nothing_to_measure_is_an_error(runs, rounds, got, capsys):
    with pytest.raises(ValueError, match=f"timing.side_by_side: expected functions and rounds ≥ 1, got {got}"):
        timing.side_by_side(runs, rounds)
    assert not capsys.readouterr().out  # and nothing has run


# ---- calls and flops ---------------------------------------------------------------------------------------

A, B, C, LEAF = torch.ones(3, 4), torch.ones(4, 5), torch.ones(3, 5), torch.ones(4, 5, requires_grad=True)


@pytest.mark.parametrize(
    ("run", "count"),
    [
        (lambda: None, 0),
        (lambda: A + A, 1),
        (lambda: A * A + A, 2),
        (lambda: A.T, 1),  # a view
        (lambda: A @ B, 1),
        (lambda: [A + A for _ in range(7)], 7),
        (lambda: LEAF * 2, 1),
        (lambda: torch.autograd.grad(LEAF * 2, LEAF, B), 2),  # and the product of the backward pass
        (lambda: torch.autograd.grad(A @ LEAF, LEAF, C), 3),  # Aᵀ, a view, and Aᵀ C
    ],
)
def test_calls(run, count):
    assert timing.calls(run) == count
    assert timing.calls(run) == count  # begins at 0 again


def test_calls_of_a_loop_grow_with_its_steps():
    net = LSTM(2, 3)
    three, four, six = (
        timing.calls(lambda T=T: torch.autograd.grad(net(torch.ones(T, 1, 2))[0].sum(), net.parameters()))
        for T in (3, 4, 6)
    )
    assert six - four == 2 * (four - three) > 20


@pytest.mark.parametrize(
    ("run", "count"),
    [
        (lambda: A @ B, 2 * 3 * 4 * 5),
        (lambda: torch.addmm(C, A, B), 2 * 3 * 4 * 5),
        (lambda: torch.bmm(A.expand(2, 3, 4), B.expand(2, 4, 5)), 2 * 2 * 3 * 4 * 5),
        (lambda: torch.baddbmm(C.expand(2, 3, 5), A.expand(2, 3, 4), B.expand(2, 4, 5)), 2 * 2 * 3 * 4 * 5),
        (lambda: (A @ LEAF).sum().backward(), 2 * (2 * 3 * 4 * 5)),
        (lambda: A * A + A, 0),  # no product of matrices
    ],
)
def test_flops(run, count, capfd):
    assert timing.flops(run) == count
    assert capfd.readouterr().err == ""  # some versions of the profiler write a line at each start and stop


@pytest.mark.parametrize(
    ("run", "missed"),
    [
        (lambda: C.clone().addmm_(A, B), "aten::addmm_"),
        (lambda: A @ B[:, 0], "aten::addmv_, aten::mv"),
        (lambda: A[0] @ B[:, 0], "aten::dot"),
        (lambda: (A @ B) @ torch.ones(5), "aten::addmv_, aten::mv"),  # not the half of it
        (lambda: torch.nn.Conv1d(3, 4, 2)(torch.ones(1, 3, 5)), "aten::convolution"),
        (lambda: torch.nn.LSTM(4, 4)(A[None]), "aten::mkldnn_rnn_layer"),
        (lambda: torch.nn.MultiheadAttention(4, 1)(*[A] * 3, need_weights=False), "aten::_scaled_dot_product"),
    ],
)
def test_flops_that_the_profiler_does_not_count_are_no_zero(run, missed):
    with pytest.raises(
        ValueError, match=f"timing.flops: expected products that the profiler counts, .* also .*{missed}"
    ):
        timing.flops(run)


# ---- memory ------------------------------------------------------------------------------------------------


def test_megabytes_at_the_peak():
    def run():
        first = np.ones(2**17)  # 1 MB
        del first
        a, b = np.ones(2**18), np.ones(2**18)
        return a + b  # three of 2 MB at a time

    kept = np.ones(2**20)
    assert 5.9 < timing.megabytes(run) < 6.3
    assert kept.sum() == 2**20 and not tracemalloc.is_tracing()
    with pytest.raises(ZeroDivisionError):
        timing.megabytes(lambda: 1 / 0)
    assert not tracemalloc.is_tracing()


def test_megabytes_while_another_traces():
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="timing.megabytes: expected tracemalloc to be at rest, got one that is"):
            timing.megabytes(lambda: None)
        assert tracemalloc.is_tracing()  # and the other one goes on
    finally:
        tracemalloc.stop()
