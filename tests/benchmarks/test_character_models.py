"""The record of chapter 5.1: the program runs, resumes, and searches to the inside of the grid."""

import pytest
import torch

from rnncourse.pytorch import language


def test_quick_and_again(run_quick, tmp_path):
    out = tmp_path / "new" / "models.json"
    printed, report = run_quick(out)
    assert {"date", "versions", "rows"} <= set(report)
    tables = [row["table"] for row in report["rows"]]
    counts = {"search": 3, "cells": 3, "again": 1, "ngram": 2, "own": 1, "state": 2}
    assert {table: tables.count(table) for table in tables} == counts
    assert len(printed) == 12
    for row in report["rows"]:
        assert 1 < row.get("bits", row.get("whole")) < 7
    assert run_quick(out) == ([], report)  # all rows are there


def test_a_row_is_made_once(program, tmp_path):
    out, calls = tmp_path / "rows.json", []
    rows = program.Rows(out)

    def make(bits):
        calls.append(bits)
        return {"bits": bits}

    assert rows.add({"table": "cells", "seed": 0}, lambda: make(1.23456)) == {
        "table": "cells",
        "seed": 0,
        "bits": 1.2346,
    }
    for again in (rows, program.Rows(out)):
        again.add({"table": "cells", "seed": 0}, lambda: make(9))
    program.Rows(out).add({"table": "cells", "seed": 1}, lambda: make(2))
    assert calls == [1.23456, 2] and len(program.Rows(out)) == 2


def test_the_grid_grows_until_the_best_is_inside(program, monkeypatch):
    """Validation decides, over seeds that the table does not count."""
    assert not set(program.SEARCHED) & set(program.SEEDS)

    def train_cell(names, cell, steps, rate, seed):
        return None, {"validation": abs(rate - 0.16) + (seed == 100), "bits": rate}

    monkeypatch.setattr(program, "train_cell", train_cell)
    rows = program.Rows(None)
    program.cells(rows, {"UNITS": {"GRU": 1}}, 5, (0.02, 0.04), (100, 101), range(3))
    tried = [row["rate"] for row in rows if row["table"] == "search"]
    assert tried == [0.02, 0.02, 0.04, 0.04, 0.08, 0.08, 0.16, 0.16, 0.32, 0.32]
    assert [(row["rate"], row["seed"]) for row in rows if row["table"] == "cells"] == [(0.16, 0), (0.16, 1), (0.16, 2)]


def test_pieces_of_the_whole_length_are_the_whole(program):
    torch.manual_seed(0)
    model = language.LanguageModel("GRU", 5, 3, 4)
    columns = torch.randint(5, (145, 3))
    whole = language.surprise(model, columns)[99:].mean().item()
    assert program.in_pieces(model, columns, T=144).item() == pytest.approx(whole, rel=1e-5)
    first = [language.surprise(model, columns[t : t + 2]) for t in range(99, 144)]  # each from a zero state
    assert program.in_pieces(model, columns, T=1).item() == pytest.approx(torch.cat(first).mean().item(), rel=1e-5)
