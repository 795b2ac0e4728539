"""The measurements of chapter 4.3: they run, go on where they stopped; the record has the form that the text reads."""

import re

import pytest

from rnncourse.data import recorded


def check_form(program, report, seeds=None):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    assert len(report["rows"]) == len(program.PLAN)
    for key, row in zip(program.PLAN, report["rows"], strict=True):
        assert key.items() <= row.items()
        wish = key.get("seeds", program.SEEDS)
        assert len(row["scores"]) == (seeds or wish) and all(score >= 0 for score in row["scores"])
        if row["task"] not in ("memory", "cut"):
            assert len(row["steps"]) == len(row["scores"])
            nothing = row["method"] in ("early stopping only", "to the end", program.CHANGE)
            nothing |= " + " in row["method"] and "searched" not in row["method"]
            assert (row["strength"] is None) == nothing
        else:
            assert {"on", "refitted off", "refitted on", "on 40", "on 100"} <= set(row)


def test_runs_and_resumes(program, run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(program.PLAN)
    check_form(program, whole, seeds=2)
    check_resumes(out, whole, at=1)


def test_record(program):
    report = recorded.benchmark("regularisation")
    check_form(program, report)
    for row in report["rows"]:
        for what, chosen in (("rates", row["rate"]), ("strengths", row.get("strength"))):
            tried = {float(value): loss for value, loss in row["search"].get(what, {}).items()}
            if tried:
                assert tried[chosen] == min(tried.values()) and len(tried) >= 3
                least = chosen in (program.SHARES[0], program.STRENGTHS["L2 in the loss"][0])  # next to none at all
                assert (min(tried) < chosen or (least and row["task"] == "glucose")) and chosen < max(tried), row


@pytest.mark.parametrize(
    ("best", "found", "tried"),
    [(4, 4, {3, 4, 5}), (1, 1, {5, 4, 3, 2, 1, 0}), (6, 6, {3, 4, 5, 6, 7}), (0, 0, set(range(6)))],
)
def test_climb(program, best, found, tried):
    got, losses = program.climb(range(10), lambda value: abs(value - best), 4)
    assert got == found and set(losses) == tried
