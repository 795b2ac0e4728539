"""The trainings of chapter 2.1: the program runs the chapter's own cells, and the record has the form that it reads."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from rnncourse.data import recorded

TASKS = {
    "marked numbers": [("LSTM", 2, 40), ("RNN", 5, 40), ("RNN", 18, 378)],
    "agreement, 2": [("LSTM", 2, 96), ("RNN", 6, 96)],
    "agreement, 10": [("LSTM", 8, 576), ("RNN", 20, 600)],
}
INITIAL = {"LSTM": ["PyTorch", "forget bias 1", "forget bias 2"], "RNN": ["PyTorch", "orthogonal", "identity"]}


def hold_to_form(report):
    """Every task, size and initialisation once; a rate found by the search; a number for every seed."""
    assert set(report) == {"date", "versions", "seeds", "rates", "old", "rows"}
    seeds, old = report["seeds"], report["old"]
    wanted = [(t, *size, initial) for t, sizes in TASKS.items() for size in sizes for initial in INITIAL[size[0]]]
    rows = report["rows"]
    assert [(r["task"], r["cell"], r["n"], r["parameters"], r["initial"]) for r in rows] == wanted
    for row in rows:
        means = {float(rate): np.mean(losses) for rate, losses in row["search"].items()}
        assert list(means) == report["rates"] and row["rate"] == min(means, key=means.get)
        assert row["at the edge"] == (row["rate"] in (report["rates"][0], report["rates"][-1]))
        assert len(row["loss"]) == seeds and np.isfinite(row["loss"]).all()
        if row["task"] == "marked numbers":
            np.testing.assert_allclose(row["error"], np.sqrt(row["loss"]), rtol=1e-3)
            continue
        shares = np.array([row["before the subject"], row["before the bystander"]])
        assert shares.shape == (2, seeds, len(old)) and (0 <= shares).all() and (shares <= 1).all()
        np.testing.assert_allclose(shares * 64, (shares * 64).round(), atol=0.02)  # 64 probes
        assert len(row["right"]) == seeds and ("swapped" in row) == (row["cell"] == "LSTM")
        if row["cell"] == "LSTM":
            assert list(row["swapped"]) == ["nothing", "c", "h"]
            assert {len(shares) for shares in row["swapped"].values()} == {seeds}
            if 30 in old:
                assert row["swapped"]["nothing"] == [line[old.index(30)] for line in row["before the subject"]]


def test_the_record():
    report = recorded.benchmark("agreement_training")
    hold_to_form(report)
    assert report["seeds"] == 10 and report["old"] == [0, 1, 2, 5, 10, 20, 30] and len(report["rates"]) >= 4
    assert {len(losses) for row in report["rows"] for losses in row["search"].values()} == {5}


def test_it_runs(root, tmp_path):
    pytest.importorskip("jupytext")
    out = tmp_path / "new" / "report.json"
    command = [sys.executable, "-W", "error", root / "benchmarks" / "agreement_training.py", "--quick", "--out", out]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    hold_to_form(report)
    assert len(done.stdout.splitlines()) == len(report["rows"]) == 21
