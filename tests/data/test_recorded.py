"""The recorded benchmarks: what is in the package, and how a row of it is found."""

import re

import pytest

from rnncourse.data import recorded

REPORT = {
    "rows": [
        {"cell": "lstm", "T": 64, "ragged": False, "ms": {"nn": [1.0, 2.0, 3.0], "loop": [4.0, 5.0, 6.0]}},
        {"cell": "lstm", "T": 64, "ragged": True, "ms": {"packed": [7.0, 8.0, 9.0]}},
        {"cell": "gru", "T": 64, "ragged": False, "ms": {"nn": [0.1, 0.2, 0.3]}},
    ]
}


def test_an_unknown_name_is_refused():
    with pytest.raises(
        ValueError, match="recorded.benchmark: expected name to be one of .*'cpu_cells'.*, got .tpu_cells."
    ):
        recorded.benchmark("tpu_cells")


def test_what_has_not_been_run_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    assert recorded.benchmark("gpu_cells") is None
    (tmp_path / "gpu_cells.json").write_text('{"device": "µ", "rows": []}', encoding="utf-8")
    assert recorded.benchmark("gpu_cells") == {"device": "µ", "rows": []}


def test_the_recorded_run_on_a_cpu():
    report = recorded.benchmark("cpu_cells")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"])
    assert report["machine"]["processor"] and {"python", "numpy", "torch"} <= set(report["versions"])
    assert report["rounds"] >= 5  # not a quick one
    shapes = {tuple(row[letter] for letter in "TBmn") for row in report["rows"]}
    assert len(report["rows"]) == 3 * 2 * len(shapes) * 2  # cells × dtypes × shapes × phases
    for row in report["rows"]:
        where = {key: row[key] for key in ("cell", "dtype", "T", "B", "m", "n", "phase")}
        middle = recorded.times(report, **where)
        assert middle == {name: row["ms"][name][1] for name in row["ms"]}
        assert {"reference", "nn", "loop", "fused", "products"} <= set(middle)
        assert ("compiled" in middle) == ((row["cell"], row["phase"]) == ("lstm", "training"))
        assert min(middle.values()) > 0


def test_nobody_recorded_a_dry_run():
    report = recorded.benchmark("gpu_cells")
    assert report is None or "dry run" not in report["device"]


def test_medians_of_the_one_row():
    assert recorded.times(REPORT, cell="lstm", ragged=False) == {"nn": 2.0, "loop": 5.0}
    assert recorded.times(REPORT, cell="gru") == {"nn": 0.2}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"cell": "rnn"}, "expected one row with {'cell': 'rnn'}, got 0"),
        ({"cell": "lstm", "T": "64"}, "got 0"),  # a number is no word
        ({"cell": "gru", "B": 1}, "got 0"),  # no row says anything about B
        ({"cell": "lstm"}, "expected one row with {'cell': 'lstm'}, got 2"),
        ({}, "got 3"),
    ],
)
def test_not_one_row(wanted, message):
    with pytest.raises(ValueError, match=f"recorded.row: .*{message}"):
        recorded.times(REPORT, **wanted)


def test_the_recorded_trainings_of_chapter_14():
    report = recorded.benchmark("vanishing_training")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    assert report["learns"] == 0.99
    tables = {}
    for row in report["rows"]:
        tables.setdefault(row["table"], []).append(row)
    assert {table: len(rows) for table, rows in tables.items()} == {
        "distances": 9,
        "cells": 16,  # two f × four initialisations × clipped or not
        "relu": 2,
        "clipping": 6,
        "backward": 8,
        "longer": 6,
        "taggers": 48,
    }
    for row in (row for table in tables if table != "taggers" for row in tables[table]):
        for key in ("accuracy", "first over last", "longest gradient"):
            assert len(row[key]) == 20
        assert 0 <= min(row["accuracy"]) and max(row["accuracy"]) <= 1 and min(row["longest gradient"]) > 0
    for row in tables["cells"] + tables["relu"] + tables["backward"]:
        assert len(row["search"]) == 7 and str(row["rate"]) in row["search"]
        assert {len(accuracies) for accuracies in row["search"].values()} == {6}
    assert [row.get("until") for row in tables["backward"]] == [None] * 7 + [100]
    assert [row["steps"] for row in tables["longer"]] == [200, 600, 1000] * 2
    assert [row["seed"] for row in tables["taggers"]] == list(range(48))
    for row in tables["taggers"]:
        assert set(row["accuracy"]) == {"16", "298"} and len(row["moves"]) == len(row["exponents"]) == 2
        assert row["apart"] >= 0


def test_the_recorded_trainings_of_chapter_51():
    report = recorded.benchmark("character_models")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "torch", "scikit-learn"} <= set(
        report["versions"]
    )
    tables = {}
    for row in report["rows"]:
        tables.setdefault(row["table"], []).append(row)
    assert set(tables) == {"search", "cells", "again", "ngram", "own", "state"}
    assert {table: len(tables[table]) for table in ("cells", "own", "state")} == {"cells": 30, "own": 6, "state": 10}
    assert [(row["cell"], row["rate"], row["seed"]) for row in tables["again"]] == [("RNN", 0.01, i) for i in range(10)]
    assert [row["n"] for row in tables["ngram"]] == list(range(1, 31))
    assert 1 < min(tables["ngram"], key=lambda row: row["validation"])["n"] < 30
    for cell in ("RNN", "GRU", "LSTM"):
        rates = {row["rate"] for row in tables["search"] if row["cell"] == cell}
        (best,) = {row["rate"] for row in tables["cells"] if row["cell"] == cell}
        assert min(rates) < best < max(rates)
        assert [row["seed"] for row in tables["cells"] if row["cell"] == cell] == list(range(10))


def test_the_recorded_trainings_of_chapter_22():
    report = recorded.benchmark("forget_gate")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report["date"]) and {"python", "numpy", "torch"} <= set(report["versions"])
    assert report["seeds"] == 10
    for row in report["rows"]:
        assert set(report["defaults"]) < set(row)
        assert len(row["accuracy"]) == len(row["longest"]) == 10
        assert 0 <= min(row["accuracy"]) and max(row["accuracy"]) <= 1
        assert row["learned"] == sum(accuracy >= 0.99 for accuracy in row["accuracy"])
    settings = [tuple(row[key] for key in (*report["defaults"], "rate")) for row in report["rows"]]
    assert len(set(settings)) == len(settings) == 138
