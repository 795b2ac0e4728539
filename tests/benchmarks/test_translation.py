"""The measurements of chapter 5.5: they run, go on where they stopped; the record has the form that the text reads."""

import re

import pytest

from rnncourse.data import recorded

SHARES = ["1990–2030", "1950–1980", "2031–2099", "1000–9999", "typing errors", "no typing errors"]


def check_form(report, plan, steps, seeds=None, N=200):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    rates = {row["name"]: row["rate"] for row in report["rows"]}
    assert list(rates) == [row[0] for row in plan]
    for row, (_, _, _, _, times, same, wish) in zip(report["rows"], plan, strict=True):
        assert row["steps"] == steps * times and len(row["runs"]) == (seeds or wish)
        for run in row["runs"]:
            assert all(0 <= run[name] <= 1 for name in SHARES)
            assert len(run["scores"]) == 3 and run["scores"][0] == pytest.approx(100 * run["1990–2030"], abs=0.06)
            for years in ("1990–2030", "1950–1980"):
                details = run[f"{years}, details"]
                assert len(details["probability"]) == len(details["right"]) == N
                assert sum(details["right"]) == pytest.approx(N * run[years], abs=0.6)
        if same:
            assert row["search"] == {} and row["rate"] == rates[same]
        else:
            assert set(row["search"]) == {str(rate) for rate in report["rates tried"]}
            assert row["search"][str(row["rate"])] == min(row["search"].values())


def test_runs_and_resumes(program, run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(program.PLAN)
    check_form(whole, program.PLAN, 5, seeds=2)
    check_resumes(out, whole, at=0)  # the last row takes its rate from row 1


def test_record(program):
    report = recorded.benchmark("translation")
    check_form(report, program.PLAN, program.STEPS)
    for row in report["rows"]:
        assert row["rate"] not in (report["rates tried"][0], report["rates tried"][-1])  # no optimum at the edge
