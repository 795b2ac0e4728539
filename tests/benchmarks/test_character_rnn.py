"""The record of chapter 1.2: the program runs, continues where it stopped, and searches as it says."""

import json

import numpy as np


def test_quick_and_resumed(run_quick, tmp_path):
    out = tmp_path / "new" / "character.json"
    for rows in (12, 1):
        printed, report = run_quick(out)
        assert len(printed) == rows  # a line for each row that was missing
        tables = [row["table"] for row in report["rows"]]
        assert [tables.count(name) for name in ("search", "runs", "sizes")] == [8, 2, 2]
        report["rows"].pop(2)
        out.write_text(json.dumps(report), encoding="utf-8")


def test_the_rate_is_searched_on_other_seeds(program):
    """The lowest mean on the validation text wins; the test text and the seeds of the runs have no say."""
    calls = []

    def learn(seed, n, memory, rate, steps):
        calls.append((seed, rate))
        yield steps, rate if seed >= 100 else 10 * rate

    def bits(weights, data):
        return {0.1: 3.0, 0.2: 2.0, 0.4: 2.5}.get(weights, 7.0) + data

    names, rows = {"learn": learn, "bits": bits, "validation": 0.0, "test": 0.5}, []
    for row in program.measure(names, rows, range(4), range(100, 102), rates=(0.1, 0.2, 0.4)):
        rows.append(row)
    found = [row for row in rows if row["table"] != "search"]
    assert {row["rate"] for row in found} == {0.2}
    assert found[0]["validation"] == [7.0] * 4 and found[0]["test"] == [7.5] * 4
    assert [len(row["test"]) for row in found] == [4, 4, 3, 3]
    assert {seed for seed, rate in calls if rate != 0.2} == {100, 101}


def test_without_memory_nothing_else_is_missing(program):
    """W stays 0, all other weights begin as with memory, and they are trained."""
    names = program.chapter()
    first = {memory: next(names["learn"](3, n=5, memory=memory))[1] for memory in (True, False)}
    for i in (0, 2, 3, 4):
        np.testing.assert_array_equal(first[True][i], first[False][i])
    last = {memory: list(names["learn"](3, n=5, memory=memory, steps=3))[-1][1] for memory in (True, False)}
    assert not last[False][1].any() and last[True][1].any()
    assert all((last[False][i] != first[False][i]).any() for i in (0, 2, 3, 4))


def test_the_record_is_whole_and_no_best_rate_at_the_edge(program):
    rows = json.loads(program.RESULTS.read_text(encoding="utf-8"))["rows"]
    found = [row for row in rows if row["table"] != "search"]
    assert [(row["units"], row["memory"]) for row in found] == program.NETWORKS
    assert [len(row["test"]) for row in found] == [10, 10, 3, 3]
    assert all(min(program.RATES) < row["rate"] < max(program.RATES) for row in found)
