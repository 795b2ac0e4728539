"""The measurements of chapter 3.5: they run, go on where they stopped; the record has the form the chapter reads."""

import os
import platform
import re

import numpy as np

from rnncourse.data import recorded


def check_form(report, program, seeds):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    assert [(row["task"], row["kind"], row["times"]) for row in report["rows"]] == program.PLAN
    chosen = {(row["task"], row["kind"]): row["rate"] for row in report["rows"] if row["times"] == 1}
    for row in report["rows"]:
        scores = np.array(row["scores"])
        assert scores.shape == (seeds, 2 if row["task"] == "sound" else 5) and np.isfinite(scores).all()
        assert (row["task"] == "event") == ("by step" in row)
        if row["task"] == "sound":
            assert (scores[:, 0] <= scores[:, 1]).all()
        if row["times"] > 1:
            assert "search" not in row and row["rate"] == chosen[row["task"], row["kind"]]
            continue
        assert list(row["search"]) == [str(rate) for rate in report["rates tried"][row["task"]]]
        assert row["search"][str(row["rate"])] == min(row["search"].values())


def test_runs_and_resumes(run_quick, check_resumes, program, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    check_form(whole, program, seeds=2)
    assert len(printed) == len(program.PLAN)
    for hidden in (platform.node(), os.path.expanduser("~")):
        assert not hidden or hidden not in out.read_text(encoding="utf-8")

    check_resumes(out, whole, at=0)


def test_record(program):
    report = recorded.benchmark("clockwork")
    check_form(report, program, program.SEEDS)
    for row in report["rows"]:  # no chosen rate at an edge
        assert program.RATES[row["task"]][0] < row["rate"] < program.RATES[row["task"]][-1]
