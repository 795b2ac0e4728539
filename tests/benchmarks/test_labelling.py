"""The measurements of chapter 5.2: they run, go on where they stopped; the record has the form that the text reads."""

import re

from rnncourse.data import python_tokens, recorded

SHARES = ["right", "f1", "f1, rules", "f1, same package", "half-typed", "half-typed, last"]


def check_form(report, plan, short, long, seeds=None):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    keys = [(row["reader"], row["crf"], row["cut"], row["epochs"]) for row in report["rows"]]
    assert keys == [(*key, long if is_long else short) for *key, is_long, _ in plan]
    for row, (*_, is_long, wish) in zip(report["rows"], plan, strict=True):
        assert len(row["scores"]) == (seeds or wish)
        for run in row["scores"]:
            assert list(run) == [*SHARES, "forbidden", "forbidden, rules", "labels"]
            assert all(0 <= run[what] <= 1 for what in SHARES) and run["forbidden, rules"] == 0
            assert list(run["labels"]) == list(python_tokens.LABELS)
        if is_long:
            (same,) = [
                r
                for r in report["rows"]
                if r["epochs"] == short and all(r[k] == row[k] for k in ("reader", "crf", "cut"))
            ]
            assert row["search"] == {} and row["rate"] == same["rate"]
        else:
            assert set(row["search"]) == {str(rate) for rate in report["rates tried"]}
            assert row["search"][str(row["rate"])] == max(row["search"].values())
    assert set(report["milliseconds"]) == {"Tagger", "WithCRF"} and min(report["milliseconds"].values()) > 0
    rivals = report["rivals"]
    assert set(rivals) == {"most frequent", "logistic regression", "repaired parser", "search"}
    for name in set(rivals) - {"search"}:
        assert all(0 <= rivals[name][what] <= 1 for what in ("right", "f1", "half-typed", "half-typed, last"))


def test_runs_and_resumes(program, run_quick, check_resumes, tmp_path):
    out = tmp_path / "new" / "record.json"
    printed, whole = run_quick(out)
    assert len(printed) == len(program.PLAN)
    check_form(whole, program.PLAN, 1, 2, seeds=2)
    check_resumes(out, whole, at=2)  # a row whose rate no long row takes


def test_record(program):
    report = recorded.benchmark("labelling")
    check_form(report, program.PLAN, program.EPOCHS, program.LONG)
    for row in report["rows"]:
        assert row["rate"] not in (report["rates tried"][0], report["rates tried"][-1])  # no optimum at the edge
    chosen = report["rivals"]["search"]
    assert chosen["tried"][str(chosen["C"])] == max(chosen["tried"].values())
    assert chosen["C"] not in (program.STRENGTHS[0], program.STRENGTHS[-1])
