"""The measurements of chapter 3.3: they run, go on where they stopped; the record has the form the chapter reads."""

import os
import platform
import re

import numpy as np

from rnncourse.data import recorded

COLUMNS = {"letters": 2, "words": 4, "parity": 2, "echo": 2}


def check_form(report, program, seeds):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    assert [(row["task"], row["model"], row["times"]) for row in report["rows"]] == [
        *program.PLAN,
        (program.FIXED[0], "frozen, rate 0.03", 1),
    ]
    for row in report["rows"]:
        scores, bits = np.array(row["scores"]), row["task"] in ("parity", "echo")
        assert scores.shape == (seeds, COLUMNS[row["task"]] - (bits and row["model"] == "Elman"))
        assert np.isfinite(scores).all()
        if "search" not in row:
            assert row["rate"] == program.FIXED[2]
            continue
        assert set(row["search"]) == {str(rate) for rate in report["rates tried"][row["task"]]}
        assert row["search"][str(row["rate"])] == (max if bits else min)(row["search"].values())


def test_runs_and_resumes(run_quick, check_resumes, program, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    check_form(whole, program, seeds=2)
    assert len(printed) == len(program.PLAN) + 1
    for hidden in (platform.node(), os.path.expanduser("~")):
        assert not hidden or hidden not in out.read_text(encoding="utf-8")

    check_resumes(out, whole, at=0)


def test_record(program):
    check_form(recorded.benchmark("elman_jordan"), program, program.SEEDS)
