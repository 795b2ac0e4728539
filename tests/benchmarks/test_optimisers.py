"""The measurements of chapter 4.2: they run, go on where they stopped; the record has the form that the text reads."""

import re

import numpy as np

from rnncourse.data import recorded


def check_form(program, report, rates, seeds=None, fresh=None, share=1):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    assert report["rates tried"] == list(program.RATES)
    wishes = [wish | {"steps": wish["steps"] // share} for wish in program.PLAN]
    assert [program.key(row) for row in report["rows"]] == [program.key(wish) for wish in wishes]
    for row, wish in zip(report["rows"], wishes, strict=True):
        assert list(row["search"]) == [str(rate) for rate in rates(wish)] and str(row["rate"]) in row["search"]
        for scores in row["search"].values():
            assert len(scores) == (seeds or wish["seeds"])
            assert all(0 < bits <= program.CAP and 0 <= right <= 1 for bits, right in scores)
        assert len(row["fresh"]) == (fresh or wish["fresh"])
        for bits, right, longest in row["fresh"]:
            assert 0 <= bits <= program.CAP and 0 <= right <= 1 and 0 < longest <= program.CAP


def test_runs_and_resumes(program, run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(program.PLAN)
    check_form(program, whole, lambda wish: program.RATES[4:6], seeds=2, fresh=2, share=100)
    check_resumes(out, whole, at=1)


def test_the_plan_names_each_row_once(program):
    keys = [program.key(wish) for wish in program.PLAN]
    assert len(keys) == len(set(keys))


def test_record(program):
    report = recorded.benchmark("optimisers")
    check_form(program, report, lambda wish: wish["rates"])
    for row in report["rows"]:
        rates = list(row["search"])
        assert rates[0] != str(row["rate"]) != rates[-1]  # no optimum at the edge
        if row["task"] == "Text" and row["loss"] == "cross-entropy":
            middle = {rate: np.median([bits for bits, _ in scores]) for rate, scores in row["search"].items()}
            assert middle[str(row["rate"])] == min(middle.values())
