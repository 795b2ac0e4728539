"""The comparison of chapter 2.5: it runs, and the record in the package has the form that the chapter reads."""

import importlib.util
import json
import os
import platform
import re
import subprocess
import sys

import numpy as np
import pytest

from rnncourse import counting
from rnncourse.data import recorded

EVERYWHERE = ["LSTM", "LSTM, b_f = 1", "GRU", "GRU, b_z = 1", "RNN"]
ALONE = ["GRU, r = 1, equal n", "GRU, r = 1, equal budget"]
CELLS = {"adding": EVERYWHERE, "agreement": EVERYWHERE + ALONE, "brackets": EVERYWHERE}
SIZES = {"adding": 2, "agreement": 9, "brackets": 2}


def check_form(report, seeds, searched):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    rows = report["rows"]
    assert [(row["task"], row["cell"]) for row in rows] == [(task, cell) for task in CELLS for cell in CELLS[task]]
    for row in rows:
        short, long = row["short, long"]
        assert len(row["rates"]) == 2 and set(row["scores"]) == {str(rate) for rate in row["rates"]}
        for runs in row["scores"].values():
            assert len(runs) == seeds and all(len(scores) == long // row["every"] for scores in runs)
            assert np.isfinite(runs).all() and np.min(runs) >= 0
        assert set(row["search"]) == set(row["search, short"]) <= {str(rate) for rate in report["rates tried"]}
        assert all(len(scores) == searched for scores in row["search"].values())
        best = min if row["task"] == "adding" else max
        for rate, found in zip(row["rates"], (row["search, short"], row["search"]), strict=True):
            mean = {tried: np.mean(scores) for tried, scores in found.items()}
            assert mean[str(rate)] == best(mean.values())
        assert short % row["every"] == long % row["every"] == 0


@pytest.fixture(scope="module")
def quick(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmarks") / "new" / "record.json"
    command = [sys.executable, "-W", "error", root / "benchmarks" / "lstm_or_gru.py", "--quick", "--out", out]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, out.read_text(encoding="utf-8")


def test_runs_and_prints_every_cell(quick):
    printed, written = quick
    check_form(json.loads(written), seeds=2, searched=1)
    for task, cells in CELLS.items():
        for cell in cells:
            assert len(re.findall(rf"^{task} +{re.escape(cell)} +n = ", printed, re.M)) == 2  # short and long


def test_nothing_says_whose_machine(quick, root):
    for private in (platform.node(), str(root), os.path.expanduser("~"), os.environ.get("USER", ""), sys.prefix):
        assert len(private) < 4 or private not in quick[1]


def test_the_record():
    check_form(recorded.benchmark("lstm_or_gru"), seeds=20, searched=3)


@pytest.fixture(scope="module")
def program(root):
    """The program as a module; what it does to the environment is undone."""
    spec = importlib.util.spec_from_file_location("lstm_or_gru", root / "benchmarks" / "lstm_or_gru.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        spec.loader.exec_module(module)
    return module


def test_equal_budgets(program):
    """Every size is the largest that the LSTM's weights buy; of a GRU without r two blocks are counted."""
    for task, units in program.UNITS.items():
        m, budget = SIZES[task], counting.cell("lstm", SIZES[task], units["LSTM"])
        assert units["GRU"] == counting.hidden_size("gru", m, budget)
        assert units["RNN"] == counting.hidden_size("rnn", m, budget)
    m, n, gru = 9, units_without_r(program), program.UNITS["agreement"]["GRU"]
    assert 2 * (n * (m + n) + n) <= counting.cell("gru", m, gru) < 2 * ((n + 1) * (m + n + 1) + n + 1)
    assert program.units("agreement", "GRU, r = 1, equal n") == gru == program.units("agreement", "GRU, b_z = 1")


def units_without_r(program):
    return program.units("agreement", "GRU, r = 1, equal budget")


def test_the_reset_gate_stays_open_and_biases_are_set(program):
    names = program.chapter()
    learned = names["learn"]("agreement", names["fused"].GRU, 5, 0.03, 0, 3, prepare=names["never_reset"])
    n, cell = 5, learned.cell
    assert (cell.bias_ih_l0[:n] == 50).all() and not cell.weight_ih_l0[:n].any() and not cell.weight_hh_l0[:n].any()
    started = names["Network"](names["fused"].LSTM, 2, n)
    names["bias_one"](started.cell)
    both = (started.cell.bias_ih_l0 + started.cell.bias_hh_l0).detach()
    assert (both[n : 2 * n] == 1).all() and not (both[2 * n :] == 1).any()
    same = [program.run(names, "brackets", "LSTM", 0.03, 1, 4, 2, 98) for _ in range(2)]
    assert same[0] == same[1] and len(same[0]) == 2


def test_the_best_rate(program):
    searched = {0.01: [[1, 5]], 0.03: [[4, 3]], 0.1: [[2, 2]]}
    assert program.best_rate("brackets", searched, 0) == 0.03 and program.best_rate("brackets", searched, 1) == 0.01
    assert program.best_rate("adding", searched, 0) == 0.01 and program.best_rate("adding", searched, 1) == 0.1
