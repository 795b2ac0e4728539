"""The measurements of chapter 4.2: they run, go on where they stopped; the record has the form that the text reads."""

import re

import numpy as np

from rnncourse.data import recorded


def check_form(program, report, quick=False):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    assert report["rates tried"] == list(program.RATES)
    wishes = [wish | {"steps": wish["steps"] // (100 if quick else 1)} for wish in program.PLAN]
    assert [program.key(row) for row in report["rows"]] == [program.key(wish) for wish in wishes]
    for row, wish in zip(report["rows"], wishes, strict=True):
        rates = [float(rate) for rate in row["search"]]
        assert rates == sorted(rates) and set(program.RATES[4:6] if quick else wish["rates"]) <= set(rates)
        assert row["rate"] == wish["given"] or row["rate"] in rates
        if "refined" in wish and not quick:
            coarse = [rate for rate in rates if rate in program.GRID]
            best = program.best_rate(row, {rate: row["search"][str(rate)] for rate in coarse})
            assert set(program.beside(best)) <= set(rates)
        for scores in row["search"].values():
            assert len(scores) >= (2 if quick else min(wish["seeds"], wish.get("refined", 10)))
            assert all(0 <= bits <= program.CAP and 0 <= right <= 1 for bits, right in scores)
        assert len(row["fresh"]) == (2 if quick else wish["fresh"])
        for bits, right, longest in row["fresh"]:
            assert 0 <= bits <= program.CAP and 0 <= right <= 1 and 0 < longest <= program.CAP


def test_runs_and_resumes(program, run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(program.PLAN)
    check_form(program, whole, quick=True)
    again = tmp_path / "again.json"
    assert run_quick(again, "--earlier", out)[1]["rows"] == whole["rows"]
    check_resumes(out, whole, at=1)


def test_the_plan_names_each_row_once(program):
    keys = [program.key(wish) for wish in program.PLAN]
    assert len(keys) == len(set(keys))


def test_of_tied_rates_the_middle_one_is_best(program):
    search = {0.01: [[0.3, 1.0]], 0.032: [[0.2, 1.0]], 0.1: [[0.1, 1.0]], 0.32: [[0.0, 0.9]]}
    france = program.FRANCE
    assert program.best_rate(france, search) == 0.032
    assert program.best_rate(france, search | {0.32: [[0.0, 0.998]]}) == 0.1  # of two in the middle, fewer bits
    assert program.best_rate(program.TEXT, search) == 0.32


def test_record(program):
    report = recorded.benchmark("optimisers")
    check_form(program, report)
    for row in report["rows"]:
        if row["given"] is None:
            rates = list(row["search"])
            assert rates[0] != str(row["rate"]) != rates[-1]  # no optimum at the edge
        if row["task"] == "Text" and row["loss"] == "cross-entropy" and not row["start"]:
            middle = {rate: np.median([bits for bits, _ in scores]) for rate, scores in row["search"].items()}
            assert middle[str(row["rate"])] == min(middle.values())
