"""The measurements of chapter 4.4: they run, go on where they stopped; the record has the form that the text reads."""

import re

from rnncourse.data import recorded


def check_form(program, report, seeds=None):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    for row, (what, rates, wish) in zip(report["rows"], program.PLAN, strict=True):
        assert row["what"] == (program.small(what) if seeds else what)
        assert len(row["scores"]) == (seeds or wish)
        text = what["task"] == "text"
        ways = list(program.READ) if text else [str(delay) for delay in program.TESTED]
        for run in row["scores"]:
            assert list(run) == ways
            assert all(score > 0 if text else 0 <= score <= 1 for score in run.values())
        if len(rates) == 1:
            assert row["search"] == {} and row["rate"] == rates[0]
        else:
            assert list(row["search"]) == [str(rate) for rate in rates]
            assert row["search"][str(row["rate"])] == max(row["search"].values())


def test_runs_and_resumes(program, run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(program.PLAN)
    check_form(program, whole, seeds=2)
    check_resumes(out, whole, at=0)


def test_record(program):
    report = recorded.benchmark("truncation")
    check_form(program, report)
    for row in report["rows"]:
        learned = row["what"]["task"] == "text" or max(row["search"].values(), default=0) > 0.9
        if row["search"] and learned:
            rates = list(row["search"])
            assert str(row["rate"]) not in (rates[0], rates[-1])  # no optimum at the edge of the grid
