"""The measurements of chapter 3.6: they run, go on where they stopped; the record has the form that the text reads."""

import re

import numpy as np

from rnncourse.data import recorded


def check_form(report, plan, short, long, seeds=None):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    keys = [(row["task"], row["model"], row["steps"], row["teacher"]) for row in report["rows"]]
    assert keys == [(task, model, long if is_long else short, teacher) for task, model, is_long, teacher, _ in plan]
    rates = {key: row["rate"] for key, row in zip(keys, report["rows"], strict=True)}
    for row, (task, model, is_long, teacher, wish) in zip(report["rows"], plan, strict=True):
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


def test_runs_and_resumes(program, run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(program.PLAN)
    check_form(whole, program.PLAN, 2, 4, seeds=2)
    check_resumes(out, whole, at=1)


def test_record(program):
    report = recorded.benchmark("encoder_decoder")
    check_form(report, program.PLAN, 600, 1800)
    for row in report["rows"]:
        assert row["rate"] not in (report["rates tried"][0], report["rates tried"][-1])  # no optimum at the edge
