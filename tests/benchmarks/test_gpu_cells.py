"""benchmarks/gpu_cells.py: its logic on the CPU, and that it measures nothing where there is no CUDA device."""

import json
import os
import platform
import sys

import pytest
import torch

from rnncourse.data import recorded

HIDDEN = {"CUDA_VISIBLE_DEVICES": ""}  # as if there were no device


@pytest.fixture(scope="module")
def dry(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmarks") / "new" / "cells.json"
    done = run("--dry-run", "--dtypes", "float32,bfloat16", "--n", "4", "--out", out, **HIDDEN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr  # no way failed but by its own word
    return done.stdout, out.read_text(encoding="utf-8")


def test_dry_run(dry):
    printed, written = dry
    report = json.loads(written)
    rows = report["rows"]
    assert "dry run" in report["device"] and report["versions"]["torch"] == torch.__version__
    # cells × dtypes × B × phases, and the LSTM's ragged ones with B = 3
    assert len(rows) == 3 * 2 * 2 * 2 + 2 * 2 and len(printed.splitlines()) == 1 + len(rows)
    for row in rows:
        ways = {"packed", "loop"} if row["ragged"] else {"nn", "loop", "compiled", "fused"}
        assert set(row["ms"]) == ways == set(row["µs per step"])
        assert set(row["skipped"]) == ({"triton"} if row["ragged"] else {"triton", "graph"})
        for low, middle, high in row["ms"].values():
            assert 0 < low <= middle <= high
        for errors in row["error in hs, dW"].values():
            assert len(errors) == (2 if row["phase"] == "training" else 1)
            assert max(errors) < (1e-5 if row["dtype"] == "float32" else 0.05)
        assert row["FLOPs"] > 0 and row["bytes"] > 0 and row["floor, ms"] > 0


def test_the_work_is_counted(dry):
    """T B 2n · kn multiplications and additions forward, three times that in training; fewer if ragged."""
    rows = {
        (row["cell"], row["B"], row["phase"], row["ragged"]): row
        for row in json.loads(dry[1])["rows"]
        if row["dtype"] == "float32"
    }
    row = rows["lstm", 3, "inference", False]
    assert row["FLOPs"] == 2 * (5 * 3) * (2 * 4) * (4 * 4)
    assert row["bytes"] == 4 * (2 * 5 * 3 * 4 + 16 * 8 + 2 * 16)
    assert rows["lstm", 3, "training", False]["FLOPs"] == 3 * row["FLOPs"]
    assert rows["lstm", 3, "inference", True]["FLOPs"] < row["FLOPs"]
    assert rows["gru", 3, "inference", False]["FLOPs"] == row["FLOPs"] * 3 // 4


def test_nothing_says_whose_machine(dry, root):
    for private in (platform.node(), str(root), os.path.expanduser("~"), os.environ.get("USER", ""), sys.prefix):
        assert len(private) < 4 or private not in dry[1]


def test_without_cuda_nothing_is_measured(run, tmp_path):
    done = run("--out", tmp_path / "cells.json", **HIDDEN)
    assert done.returncode == 1 and "there is no CUDA device here, so nothing was measured" in done.stderr
    assert not done.stdout and not (tmp_path / "cells.json").exists()


def test_unknown_words_are_refused(run):
    done = run("--dry-run", "--cells", "lstm,tree")
    assert done.returncode == 2 and "--cells: expected some of lstm, gru, rnn" in done.stderr


def test_a_row_is_found_again(dry):
    report = json.loads(dry[1])
    for row in report["rows"]:
        where = {key: row[key] for key in ("cell", "dtype", "n", "B", "T", "ragged", "phase")}
        assert recorded.times(report, **where) == {name: middle for name, (_, middle, _) in row["ms"].items()}
    with pytest.raises(ValueError, match="got 2"):
        recorded.times(report, cell="gru", dtype="float32", B=3)  # which phase?
