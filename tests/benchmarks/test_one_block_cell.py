"""The record of chapter 2.3's one-block cell: the program runs, the control has no W, the rate is searched apart."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from rnncourse.data import recorded
from rnncourse.pytorch import variants


@pytest.fixture(scope="module")
def one_block(root):
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("one_block", root / "benchmarks" / "one_block_cell.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_quick_and_resumed(root, tmp_path, one_block):
    """Every cell gives a row; a second run finds them all and trains nothing; the record has the same cells."""
    out = tmp_path / "new" / "one_block.json"
    command = [sys.executable, "-W", "error", root / "benchmarks" / "one_block_cell.py", "--quick", "--out", out]
    for expected in (len(one_block.CELLS), 0):
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == expected
    quick = json.loads(out.read_text(encoding="utf-8"))
    full = recorded.benchmark("one_block_cell")
    assert set(quick) == set(full) == {"date", "versions", "rows"}
    cells = [[(row["cell"], row["n"], row["with W"]) for row in report["rows"]] for report in (quick, full)]
    assert cells[0] == cells[1] == one_block.CELLS


def test_the_rate_is_searched_on_other_seeds_and_inside_the_grid(one_block):
    assert not set(one_block.SEEDS) & set(one_block.SEARCH)
    for row in recorded.benchmark("one_block_cell")["rows"]:
        medians = {float(rate): np.median(errors) for rate, errors in row["search"].items()}
        assert row["rate"] == min(medians, key=medians.get) and tuple(medians) == one_block.RATES
        assert min(one_block.RATES) < row["rate"] < max(one_block.RATES)
        assert len(row["error"]) == len(one_block.SEEDS)


def test_the_cell_is_the_package_s_and_the_control_has_no_W(one_block, monkeypatch):
    """torch's LSTM with one block four times is variants.shared; with_W=False leaves W at 0, for both cells."""
    names = one_block.chapter()
    torch.manual_seed(0)
    cell, x = names["Shared"](2, 3), torch.randn(5, 4, 2)
    torch.testing.assert_close(cell(x)[0], variants.Variant.forward(cell, x)[0])
    for kind, name in [(names["Shared"], "W"), (torch.nn.LSTM, "weight_hh_l0")]:
        made = []

        def keep(m, n, kind=kind, made=made):
            made.append(kind(m, n))
            return made[-1]

        if kind is torch.nn.LSTM:
            names["train"](keep, 3, 0, 0.1, False, 2)
        else:
            monkeypatch.setitem(names, "Shared", keep)  # the chapter asks ``kind is Shared``
            names["train"](keep, 3, 0, 0.1, False, 2)
        assert not getattr(made[0], name).any() and not getattr(made[0], name).requires_grad
