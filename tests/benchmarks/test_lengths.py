"""The measurements of chapter 4.1: they run, go on where they stopped; the record has the form that the text reads."""

import re

import numpy as np

from rnncourse.data import recorded

SCORES = ["batches", "buckets", "alone", "changed"]


def check_form(report, plan, short, long, seeds=None):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    keys = [(row["model"], row["buckets"], row["epochs"]) for row in report["rows"]]
    assert keys == [(model, buckets, long if is_long else short) for model, buckets, is_long, _ in plan]
    rates = {key: row["rate"] for key, row in zip(keys, report["rows"], strict=True)}
    for row, (model, buckets, is_long, wish) in zip(report["rows"], plan, strict=True):
        assert len(row["scores"]) == (seeds or wish)
        for run in row["scores"]:
            assert list(run) == SCORES + ["read as output[-1]"] * (model == "last real state")
            assert all(0 <= share <= 1 for share in run.values())
        if is_long:
            assert row["search"] == {} and row["rate"] == rates[model, buckets, short]
        else:
            assert set(row["search"]) == {str(rate) for rate in report["rates tried"]}
            assert row["search"][str(row["rate"])] == max(row["search"].values())
    rival = report["n-grams"]
    assert rival["search"][str(rival["C"])] == max(rival["search"].values()) and 0 < rival["right"] < 1


def test_runs_and_resumes(program, run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(program.PLAN)
    check_form(whole, program.PLAN, 1, 2, seeds=2)
    check_resumes(out, whole, at=1)


def test_record(program):
    report = recorded.benchmark("lengths")
    check_form(report, program.PLAN, program.EPOCHS, program.LONG)
    for row in report["rows"]:
        assert row["rate"] not in (report["rates tried"][0], report["rates tried"][-1])  # no optimum at the edge
    assert report["n-grams"]["C"] not in (program.STRENGTHS[0], program.STRENGTHS[-1])
    for row in report["rows"]:
        if row["model"] in ("last real state", "mean of real steps", "both, packed"):  # padding changes no answer
            for run in row["scores"]:
                assert run["changed"] <= 0.002 and np.ptp([run[what] for what in SCORES[:3]]) <= 0.002
