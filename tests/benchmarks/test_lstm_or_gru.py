"""The comparison of chapter 2.5: it runs, goes on where it stopped, and its record has the form the chapter reads."""

import os
import platform
import re

import numpy as np

from rnncourse.data import recorded

CELLS = ["LSTM", "LSTM, forget bias 1", "GRU", "RNN"]
TASKS = ["adding", "agreement", "brackets"]


def check_form(report, seeds):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    searched = [row for row in report["rows"] if "search" in row]
    crossed = [row for row in report["rows"] if "search" not in row]
    names = [(task, cell) for task in TASKS for cell in CELLS] + [("brackets", "LSTM, i = 1 − f")]
    assert [(row["task"], row["cell"]) for row in searched] == names
    rate = {row["cell"]: row["rate"] for row in searched if row["task"] == "agreement"}
    swapped = {"LSTM": rate["LSTM, forget bias 1"], "LSTM, forget bias 1": rate["LSTM"]}
    assert {row["cell"]: row["rate"] for row in crossed} == swapped and len(crossed) == 2
    for row in report["rows"]:
        scores = np.array(row["scores"])
        assert scores.shape == (seeds, len(report["after steps"])) and np.isfinite(scores).all() and scores.min() >= 0
    for row in searched:
        assert set(row["search"]) == {str(rate) for rate in report["rates tried"]}
        best = min if row["task"] == "adding" else max
        assert row["search"][str(row["rate"])] == best(row["search"].values())


def test_runs_and_resumes(run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    check_form(whole, seeds=2)
    assert sum("chosen" in line for line in printed) == len(TASKS) * len(CELLS) + 1
    for hidden in (platform.node(), os.path.expanduser("~")):
        assert not hidden or hidden not in out.read_text(encoding="utf-8")

    assert "chosen" not in check_resumes(out, whole, at=0)[0]


def test_record():
    check_form(recorded.benchmark("lstm_or_gru"), seeds=20)
