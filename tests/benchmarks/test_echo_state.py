"""The measurements of chapter 3.4: they run, go on where they stopped, and the record has the form it needs."""

import json
import re

import numpy as np

from rnncourse.data import recorded


def check_form(program, report, seeds):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"])
    assert {"python", "numpy", "scipy", "sklearn", "torch"} <= set(report["versions"])
    wish = [(task, list(model)) for task, model, _ in program.plan()]
    assert [(row["task"], row["model"]) for row in report["rows"]] == wish
    for row in report["rows"]:
        errors = np.array(row["errors"])
        trained = row["model"] == ["LSTM", program.STEPS]
        assert errors.shape == (seeds,)
        assert np.isfinite(errors).all() and errors.min() > 0
        assert trained == ("refitted" in row) == ("untrained" in row)
        if row["model"] != ["baseline"]:
            assert row["seconds"] > 0 and row["how"]
        if trained:
            assert len(row["refitted"]) == len(row["untrained"]) == len(errors)


def test_runs_and_resumes(program, run_quick, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    check_form(program, whole, seeds=2)
    assert len(printed) == len(whole["rows"])
    marked = whole | {"rows": whole["rows"][:-1]}
    marked["rows"][1]["seconds"] = 7.0  # a row that stands there is not run again
    out.write_text(json.dumps(marked), encoding="utf-8")
    printed, again = run_quick(out, "--task", "narma")
    assert len(printed) == 1 and again["rows"][1]["seconds"] == 7.0
    timed = {"seconds", "seconds of search"}
    assert [{k: v for k, v in row.items() if k not in timed} for row in again["rows"]] == [
        {k: v for k, v in row.items() if k not in timed} for row in whole["rows"]
    ]


def test_record(program):
    check_form(program, recorded.benchmark("echo_state"), program.SEEDS)
