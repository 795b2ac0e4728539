"""The benchmark runs, prints what it promises, and writes nothing that says whose machine it was."""

import json
import os
import platform
import subprocess
import sys

import pytest


def run(root, *arguments):
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, "-W", "error", root / "benchmarks" / "cpu_cells.py", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def quick(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmarks") / "new" / "cells.json"
    done = run(root, "--quick", "--out", out)
    assert done.returncode == 0, done.stderr
    return done.stdout, out.read_text(encoding="utf-8")


def test_cpu_cells(quick):
    printed, written = quick
    report = json.loads(written)
    assert {"date", "machine", "versions", "rounds", "share of a processor", "rows"} <= set(report)
    assert report["machine"]["processor"] and {"numpy", "torch"} <= set(report["versions"])
    assert {library["num_threads"] for library in report["machine"]["libraries"]} == {1}
    rows = report["rows"]
    assert {(row["cell"], row["dtype"]) for row in rows} == {
        (cell, dtype) for cell in ("lstm", "gru", "rnn") for dtype in ("float32", "float64")
    }
    for row in rows:
        assert set(row["ms"]) == {"reference", "nn", "loop", "fused", "products"}
        assert set(row["speed"]) == {"nn", "loop", "fused", "products"}
        for low, middle, high in [*row["ms"].values(), *row["ms of this process"].values(), *row["speed"].values()]:
            assert 0 < low <= middle <= high
        assert row["speed"]["products"][1] < 1  # the floor is below everything
    lines = printed.splitlines()
    assert len(lines) - lines[-1].startswith("The machine was busy") == 1 + len(rows)
    assert all(f"{row['speed']['nn'][1]:.2f}" in line for row, line in zip(rows, lines[1:], strict=False))


def test_nothing_says_whose_machine(quick, root):
    written = quick[1]
    for private in (platform.node(), str(root), os.path.expanduser("~"), os.environ.get("USER", ""), sys.prefix):
        assert len(private) < 4 or private not in written


def test_what_differs_is_refused(root):
    code = """
import sys; sys.path.insert(0, "benchmarks")
import cpu_cells
wrong = lambda problem: lambda: [2 * a for a in cpu_cells.reference(problem)()]
problem = cpu_cells.Problem("lstm", (3, 2, 2, 2), float)
cpu_cells.check({"reference": cpu_cells.reference(problem), "wrong": wrong(problem)}, "float64")
"""
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)
    assert "wrong and reference differ in hs: relative error 5.0e-01" in done.stderr
