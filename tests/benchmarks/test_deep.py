"""The measurements of chapter 3.2: they run, go on where they stopped; the record has the form that the text reads."""

import re

import numpy as np

from rnncourse.data import recorded


def check_form(report, program, short, seeds=None):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    keys = [(row["task"], row["model"], row["steps"]) for row in report["rows"]]
    assert keys == [(task, model, max(1, round(times * short[task]))) for task, model, times, _ in program.PLAN]
    rates = {key: row["rate"] for key, row in zip(keys, report["rows"], strict=True)}
    for row, (task, model, times, wish) in zip(report["rows"], program.PLAN, strict=True):
        scores = np.array(row["scores"])
        assert scores.shape == (seeds or wish,) and np.isfinite(scores).all()
        assert task != "switches" or (scores.min() >= 0 and scores.max() <= 1)
        looked = len(scores) if task == "words" and "forget" not in model else 0
        for what in ("lasting", "lasting untrained", "forgets in use"):
            assert [len(layers) for layers in row[what]] == [len(model)] * looked
        if times > 1 or "forget" in model:
            assert row["search"] == {} and row["rate"] == rates[task, model.split(" forget")[0], short[task]]
        else:
            assert set(row["search"]) == {str(rate) for rate in report["rates tried"][task]}
            assert row["search"][str(row["rate"])] == min(row["search"].values())


def test_runs_and_resumes(program, run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(program.PLAN)
    check_form(whole, program, dict.fromkeys(program.STEPS, 2), seeds=2)
    check_resumes(out, whole, at=1)


def test_record(program):
    report = recorded.benchmark("deep")
    check_form(report, program, program.STEPS)
    for row in report["rows"]:
        rates = report["rates tried"][row["task"]]
        assert row["rate"] not in (rates[0], rates[-1])  # no optimum at the edge


NARROW = ("RNN R 23", "RNN R 19")  # a control: fewer weights


def test_rows_of_one_task_have_as_many_weights():
    rows = recorded.benchmark("deep")["rows"]
    for task, budget in (("switches", 1200), ("words", 3000)):
        weights = [row["weights"] for row in rows if row["task"] == task and row["model"] not in NARROW]
        assert 0.9 * budget < min(weights) <= max(weights) <= budget
