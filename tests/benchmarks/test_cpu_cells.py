"""The benchmark runs, prints what it promises, and writes nothing that says whose machine it was."""

import os
import platform
import sys

import pytest
import torch

EVERY = ["reference", "nn", "loop", "fused", "products"]
LSTM = EVERY + ["compiled", "whole"]


@pytest.fixture(scope="module")
def quick(run_quick, tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmarks") / "new" / "cells.json"
    return *run_quick(out), out.read_text(encoding="utf-8")


def test_cpu_cells(quick):
    lines, report, _ = quick
    assert {"date", "machine", "versions", "rounds", "share of a processor", "rows"} <= set(report)
    assert report["machine"]["processor"] and {"numpy", "torch"} <= set(report["versions"])
    assert {library["num_threads"] for library in report["machine"]["libraries"]} == {1}
    rows = report["rows"]
    assert {(row["cell"], row["dtype"], row["phase"]) for row in rows} == {
        (cell, dtype, phase)
        for cell in ("lstm", "gru", "rnn")
        for dtype in ("float32", "float64")
        for phase in ("forward", "training")
    }
    for row in rows:
        ways = LSTM if (row["cell"], row["phase"]) == ("lstm", "training") else EVERY
        assert list(row["ms"]) == list(row["ms of this process"]) == ways
        assert list(row["speed"]) == ways[1:]
        assert list(row["seconds to compile"]) == ways[5:] and min(row["seconds to compile"].values(), default=0) >= 0
        assert list(row["µs per step"]) == ways and row["FLOPs"] > row["bytes"] / 8 > 0
        assert row["µs per step"]["nn"] == pytest.approx(1e3 * row["ms"]["nn"][1] / row["T"], rel=1e-3)
        errors = row["error against float64"]
        assert list(errors) == [name for name in ways if name != "products"]
        kinds = ["hs"] if row["phase"] == "forward" else ["hs", "dx", "dU", "dW"]
        limit = {"float32": 1e-4, "float64": 1e-12}[row["dtype"]]
        assert all(list(error) == kinds and max(error.values()) < limit for error in errors.values())
        for low, middle, high in [*row["ms"].values(), *row["ms of this process"].values(), *row["speed"].values()]:
            assert 0 < low <= middle <= high
        assert row["speed"]["products"][1] < 1  # the floor is below everything
    assert len(lines) - lines[-1].startswith("The machine was busy") == 1 + len(rows)
    assert all(f"{row['speed']['nn'][1]:.2f}" in line for row, line in zip(rows, lines[1:], strict=False))


def test_every_number_stands_under_its_name(program):
    """Also where a cell has no such way, or T is too long for it."""
    headline = program.headline().removesuffix("   (speed of reference)")
    for cell, ways in (("lstm", LSTM), ("lstm", LSTM[:-1]), ("gru", EVERY)):
        row = {"cell": cell, "dtype": "float32", "phase": "training", "T": 100, "B": 64, "m": 128, "n": 256}
        row["ms"] = {name: [k + 0.25, k + 0.5, 100.0 * (k + 1)] for k, name in enumerate(ways)}
        row["speed"] = {name: [0.0, k + 0.25, 9.0] for k, name in enumerate(ways)}
        line = program.describe(row)
        assert len(line) == len(headline)
        for k, name in enumerate(LSTM):
            end = headline.index(f" {name}, ms") + len(f" {name}, ms")
            assert line[end - 25 : end].strip() == (f"{k + 0.5} ({k + 0.25} … {k + 1}00)" if name in ways else "")
            if name != "reference":
                end = headline.index(f" / {name}") + len(f" / {name}")
                assert line[end - 12 : end].strip() == (f"{k + 0.25:.2f}" if name in ways else "")


def test_what_is_compiled(program, monkeypatch):
    """The step or, for 25 steps at most, the loop as a whole; both are what the reference computes."""
    given = []
    monkeypatch.setattr(torch, "compile", lambda function, backend: given.append((function, backend)) or function)
    monkeypatch.setattr(torch.compiler, "reset", lambda: given.clear())
    short, long, quick = (program.Problem("lstm", (T, 2, 3, 4), float) for T in (25, 26, 5))
    assert program.compiled(long, whole=True) == {} and not given
    for problem, whole, what in (
        (short, True, (program.steps, "inductor")),
        (long, False, (program.step, "inductor")),
        (quick, False, (program.step, "eager")),  # nothing is compiled to see that it runs
    ):
        way = program.compiled(problem, whole)
        assert given == [what] and list(way) == ["training"]
        program.check({"compiled": way["training"]}, "float64", problem.exact())


def test_nothing_says_whose_machine(quick, root):
    written = quick[2]
    for private in (platform.node(), str(root), os.path.expanduser("~"), os.environ.get("USER", ""), sys.prefix):
        assert len(private) < 4 or private not in written


def test_what_differs_is_refused(program):
    problem = program.Problem("lstm", (3, 2, 2, 2), float)
    exact, right = problem.exact(), program.reference(problem)["training"]
    with pytest.raises(ValueError, match="wrong differs from float64 in hs: relative error 5.0e-01"):
        program.check({"right": right, "wrong": lambda: [2 * a for a in right()]}, "float64", exact)
    bare = program.products(problem)["training"]
    took, errors = program.check({"right": right, "bare": bare}, "float64", exact)
    assert list(took) == ["right", "bare"] and min(took.values()) > 0
    assert errors == {"right": dict.fromkeys(("hs", "dx", "dU", "dW"), 0)}


def test_the_work_of_a_pass(program):
    """T = 2, B = 1, m = 3, n = 5: a simple network, by hand; and float64 has twice the bytes."""
    for dtype, size in ((program.np.float32, 4), (program.np.float64, 8)):
        problem = program.Problem("rnn", (2, 1, 3, 5), dtype)
        weights = 5 * 3 + 5 * 5 + 5
        assert problem.work("forward") == (2 * 2 * (15 + 25), size * (2 * (3 + 5) + weights))
        assert problem.work("training") == (6 * 2 * (15 + 25), size * (2 * (3 + 5) + 2 * (10 + 10 + 3) + 2 * weights))


def test_exact_is_of_the_same_numbers(program):
    problem = program.Problem("gru", (3, 2, 2, 2), program.np.float32)
    narrow, wide = program.reference(problem)["training"](), problem.exact()
    assert {a.dtype.name for a in narrow} == {"float32"} and {a.dtype.name for a in wide} == {"float64"}
    assert all(0 < abs(a - b).max() < 1e-5 for a, b in zip(narrow, wide, strict=True))
