"""The measurements of chapter 3.7: they run, go on where they stopped; the record has the form that the text reads."""

import re

import numpy as np

from rnncourse.data import recorded

CHANCE = {"first": 0.1, "last": 0.1, "motion": 0.125, "recall": 0.125}


def check_form(program, report, steps_of, long, seeds=None):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    assert list(report["step times"]) == list(program.TIMED) and min(report["step times"].values()) > 0
    wanted = []
    for task, model, bias, is_long, _ in program.PLAN:
        short = steps_of(task if isinstance(task, str) else task[0])
        wanted.append((program.label(task), model, bias, long * short if is_long else short))
    assert [program.key(row) for row in report["rows"]] == wanted
    rates = {program.key(row): row["rate"] for row in report["rows"]}
    for row, (task, *_, is_long, wish) in zip(report["rows"], program.PLAN, strict=True):
        scores = np.array(row["scores"])
        assert len(scores) == (seeds or wish) and scores.min() >= 0 and scores.max() <= 1 and row["seconds"] >= 0
        assert np.shape(row["elsewhere"]) == ((len(scores), 4) if task[0] == "recall" else (0,))
        if is_long:
            assert row["search"] == {}
            assert row["rate"] == rates[*program.key(row)[:3], row["steps"] // long]
        else:
            assert row["search"][str(row["rate"])] == max(row["search"].values())


def test_runs_and_resumes(program, run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(program.PLAN)
    check_form(program, whole, lambda task: 2, 3, seeds=2)
    check_resumes(out, whole, at=1)


def test_the_search_goes_on_while_the_best_rate_is_at_the_edge(program):
    assert program.beyond({0.003: 0.2, 0.01: 0.3, 0.03: 0.1}) == []
    assert program.beyond({0.003: 0.2, 0.01: 0.1, 0.03: 0.1}) == [0.001]
    assert program.beyond({0.003: 0.1, 0.01: 0.1, 0.03: 0.2}) == [0.1]
    assert program.beyond({0.001: 0.3, 0.003: 0.1, 0.01: 0.1}) == [0.0003]
    assert program.beyond({0.0003: 0.3, 0.001: 0.1, 0.003: 0.1}) == []  # nothing smaller is left


def test_record(program):
    report = recorded.benchmark("cnn_lstm")
    check_form(program, report, program.STEPS.get, program.LONG)
    for row in report["rows"]:
        tried = [float(rate) for rate in row["search"]]
        guesses = np.median(row["scores"]) < CHANCE[row["task"].split()[0]] + 0.05
        if tried and not guesses:  # no optimum at the edge; where all rates guess, none is best
            assert min(tried) < row["rate"] < max(tried)
