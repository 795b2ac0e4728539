"""The record of chapter 2.3's one-block cell: the program runs, the control has no W, the rate is searched apart."""

import numpy as np
import torch

from rnncourse.data import recorded
from rnncourse.pytorch import lstm, variants


def test_quick_and_resumed(run_quick, tmp_path, program):
    """Every cell gives a row; a second run finds them all and trains nothing; the record has the same cells."""
    out = tmp_path / "new" / "one_block.json"
    for expected in (len(program.CELLS), 0):
        printed, quick = run_quick(out)
        assert len(printed) == expected
    full = recorded.benchmark("one_block_cell")
    assert set(quick) == set(full) == {"date", "versions", "rows"}
    keys = ("cell", "n", "with W", "given")
    cells = [[tuple(row[key] for key in keys if key in row) for row in report["rows"]] for report in (quick, full)]
    assert cells[0] == cells[1] == program.CELLS


def test_the_rate_is_searched_on_other_seeds_and_inside_the_grid(program):
    assert not set(program.SEEDS) & set(program.SEARCH)
    for row in recorded.benchmark("one_block_cell")["rows"]:
        assert len(row["error"]) == len(program.SEEDS)
        if "given" in row:
            assert row["rate"] == row["given"] and not row["search"]
            continue
        medians = {float(rate): np.median(errors) for rate, errors in row["search"].items()}
        assert row["rate"] == min(medians, key=medians.get) and tuple(medians) == program.RATES
        assert min(program.RATES) < row["rate"] < max(program.RATES)


def test_the_cell_is_the_package_s_and_the_control_has_no_W(program, monkeypatch):
    """torch's LSTM with one block four times is variants.shared; with_W=False leaves W at 0, for both cells."""
    names = program.chapter()
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


def test_the_other_controls(program):
    """All gates apart: an LSTM; all in one block: the one-block cell; without its cell state, h alone is read."""
    torch.manual_seed(0)
    x, h, c, U, W, b = (torch.randn(*size) for size in [(4, 2), (4, 3), (4, 3), (12, 2), (12, 3), (12,)])
    one = [a[:3] for a in (U, W, b)]
    torch.testing.assert_close(program.tied(0, 1, 2, 3)(x, h, c, U, W, b), lstm.step(x, h, c, U, W, b))
    torch.testing.assert_close(program.tied(0, 0, 0, 0)(x, h, c, *one), variants.shared(x, h, c, *one))
    for gate, (name, blocks) in enumerate(list(program.TIED.items())[:4]):
        own = [a[3:6] for a in (U, W, b)]
        whole = [torch.cat([v if k == gate else u for k in range(4)]) for u, v in zip(one, own, strict=True)]
        two = [a[:6] for a in (U, W, b)]
        torch.testing.assert_close(program.tied(*blocks)(x, h, c, *two), lstm.step(x, h, c, *whole))
        assert name == f"own {'ifgo'[gate]}" and program.BLOCKS[name] == 2
    assert program.BLOCKS["i = g"] == 3
    torch.testing.assert_close(program.forgetful(x, h, c, *one), variants.shared(x, h, torch.zeros_like(c), *one))
