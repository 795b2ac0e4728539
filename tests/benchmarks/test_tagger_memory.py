"""The record of chapter 1.1: the program runs, continues where it stopped, and trains what the chapter trains."""

import json

import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True)
def default_dtype():
    yield
    torch.set_default_dtype(torch.float32)  # the chapter's definitions set float64


def test_quick_and_resumed(run_quick, tmp_path, program):
    out = tmp_path / "new" / "memory.json"
    for rows in (len(program.CHANGES), 1):
        printed, report = run_quick(out)
        assert len(printed) == rows  # a line for each row that was missing
        assert sorted(row["change"] for row in report["rows"]) == sorted(program.CHANGES)
        assert report["seeds"] == 2 and report["distances"][-1] == 298
        assert np.shape([row["accuracy"] for row in report["rows"]]) == (5, 2, 7)
        report["rows"].pop(1)
        out.write_text(json.dumps(report), encoding="utf-8")


def test_each_change_changes_what_it_says(program):
    names, calls = program.chapter(), []
    names["train"] = lambda net, predict, X, Y, steps: calls.append((net, X, steps))
    names["memory_of"] = lambda predict: [0.0] * 7
    names["remembers"].__globals__.update(names)
    rows = list(program.measure(names, seeds=1))
    assert [row["accuracy"] for row in rows] == [[[0.0] * 7]] * 5
    (base, X, steps), longer, later, wider, eye = calls
    W = base[0].weight_hh_l0
    assert X.shape[0] <= 12 < longer[1].shape[0] and steps == 200
    assert later[2] == 400 and torch.equal(later[1], X) and torch.equal(later[0][0].weight_hh_l0, W)
    assert wider[0][0].weight_hh_l0.shape == (32, 32) and W.shape == (16, 16)
    assert torch.equal(eye[0][0].weight_hh_l0, torch.eye(16)) and not torch.equal(W, torch.eye(16))
    assert torch.equal(eye[0][0].weight_ih_l0, base[0].weight_ih_l0)


def test_the_record_is_whole(program):
    report = json.loads(program.RESULTS.read_text(encoding="utf-8"))
    assert [row["change"] for row in report["rows"]] == list(program.CHANGES)
    assert {len(row["accuracy"]) for row in report["rows"]} == {report["seeds"]} == {program.SEEDS}
