"""Chapter 3.1: the measurements run, go on where they stopped, and the record has the form the chapter reads."""

import re

import numpy as np

from rnncourse.data import recorded

CLAUSES = ["forward", "reverse", "both", "both, hidden layer", "both, two layers"]
NAMES = ["forward", "reverse", "both", *(f"forward, {wait} later" for wait in (1, 2, 4, 8, 16))]


def check_form(report, seeds, short, long):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"])
    assert {"python", "numpy", "sklearn", "torch"} <= set(report["versions"])
    window, *networks = report["rows"]
    wish = [("clauses", model, short) for model in CLAUSES] + [("names", model, short) for model in NAMES]
    wish += [("clauses", model, long) for model in CLAUSES[:-1]] + [
        ("names", model, long) for model in NAMES if model not in ("forward, 2 later", "forward, 8 later")
    ]
    assert [(row["task"], row["model"], row["steps"]) for row in networks] == wish
    assert window["model"].startswith("window") and len(window["scores"]) == 1
    for row in networks:
        scores = np.array(row["scores"])
        assert scores.shape == (seeds[row["task"]], {"clauses": 3, "names": 1}[row["task"]])
        assert scores.min() >= 0 and scores.max() <= 1
        assert set(row["search"]) == {str(rate) for rate in report["rates tried"]}
    for row in report["rows"]:
        assert row["search"][str(row["rate"])] == max(row["search"].values())


def test_runs_and_resumes(run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    _, whole = run_quick(out)
    check_form(whole, {"clauses": 2, "names": 2}, 2, 4)
    check_resumes(out, whole, at=1)


def test_record():
    check_form(recorded.benchmark("bidirectional"), {"clauses": 10, "names": 5}, 300, 1000)
