"""The measurements of chapter 3.6: they run, go on where they stopped; the record has the form that the text reads."""

import json
import re

import numpy as np

from rnncourse.data import recorded

PLAN = [
    ("reverse", "vector only", False, 1.0, 10),
    ("reverse", "dot", False, 1.0, 10),
    ("reverse", "vector only, n = 40", False, 1.0, 10),
    ("reverse", "vector only", False, 0.0, 10),
    ("reverse", "additive", False, 1.0, 5),
    ("reverse", "dot, no vector", False, 1.0, 5),
    ("copy", "vector only", False, 1.0, 5),
    ("copy", "dot", False, 1.0, 5),
    ("reverse", "vector only", True, 1.0, 5),
    ("reverse", "dot", True, 1.0, 5),
    ("reverse", "vector only", True, 0.0, 5),
    ("reverse", "dot, blind", False, 1.0, 10),
]


def check_form(report, short, long, seeds=None):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    keys = [(row["task"], row["model"], row["steps"], row["teacher"]) for row in report["rows"]]
    assert keys == [(task, model, long if is_long else short, teacher) for task, model, is_long, teacher, _ in PLAN]
    rates = {key: row["rate"] for key, row in zip(keys, report["rows"], strict=True)}
    for row, (task, model, is_long, teacher, wish) in zip(report["rows"], PLAN, strict=True):
        scores = np.array(row["scores"])
        assert scores.shape == (seeds or wish, 20) and scores.min() >= 0 and scores.max() <= 1
        assert len(row["gaps"]) == len(scores) and all(list(gap) == ["8", "12", "16"] for gap in row["gaps"])
        assert len(row["reading"]) == (0 if "only" in model else len(scores))
        for gap in row["gaps"]:
            for shares in gap.values():
                assert shares["forced, whole"] == shares["free, whole"]
        if is_long:
            assert row["search"] == {} and row["rate"] == rates[task, model, short, teacher]
        else:
            assert set(row["search"]) == {str(rate) for rate in report["rates tried"]}
            assert row["search"][str(row["rate"])] == max(row["search"].values())


def test_runs_and_resumes(run_quick, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(PLAN)
    check_form(whole, 2, 4, seeds=2)
    marked = whole | {"rows": whole["rows"][:-1]}
    marked["rows"][1]["rate"] = 7  # a row that stands there is not run again
    out.write_text(json.dumps(marked), encoding="utf-8")
    printed, again = run_quick(out)
    assert len(printed) == 1 and again["rows"][1]["rate"] == 7
    assert again["rows"][2:] == whole["rows"][2:]  # and the missing row comes out as it did


def test_record():
    report = recorded.benchmark("encoder_decoder")
    check_form(report, 600, 1800)
    for row in report["rows"]:
        assert row["rate"] not in (report["rates tried"][0], report["rates tried"][-1])  # no optimum at the edge
