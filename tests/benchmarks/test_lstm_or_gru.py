"""The comparison of chapter 2.5: it runs, goes on where it stopped, and its record has the form the chapter reads."""

import json
import os
import platform
import re
import subprocess
import sys

import numpy as np
import pytest

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


@pytest.fixture(scope="module")
def quick(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmarks") / "new" / "record.json"

    def run():
        command = [sys.executable, "-W", "error", root / "benchmarks" / "lstm_or_gru.py", "--quick", "--out", out]
        environment = os.environ | {"PYTHONPATH": str(root)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout, json.loads(out.read_text(encoding="utf-8"))

    return out, run


def test_runs_and_resumes(quick):
    out, run = quick
    printed, whole = run()
    check_form(whole, seeds=2)
    assert len(re.findall(r"chosen", printed)) == len(TASKS) * len(CELLS) + 1
    for hidden in (platform.node(), os.path.expanduser("~")):
        assert not hidden or hidden not in out.read_text(encoding="utf-8")

    marked = whole | {"rows": whole["rows"][:-1]}
    marked["rows"][0]["rate"] = 7  # a row that stands there is not run again
    out.write_text(json.dumps(marked), encoding="utf-8")
    printed, again = run()
    assert printed.count("chosen") == 0 and len(printed.splitlines()) == 1 and again["rows"][0]["rate"] == 7
    assert again["rows"][1:] == whole["rows"][1:]  # and the missing row comes out as it did


def test_record():
    check_form(recorded.benchmark("lstm_or_gru"), seeds=20)
