"""The training record of chapter 1.4: the program runs, does what it says, and trains what the chapter trains."""

import json

import jupytext
import numpy as np
import pytest
import torch

from rnncourse.pytorch import RNN


@pytest.fixture(autouse=True)
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_quick(run_quick, tmp_path):
    out = tmp_path / "new" / "training.json"
    printed, report = run_quick(out)
    assert {"date", "versions", "learns", "rows"} <= set(report)
    tables = [row["table"] for row in report["rows"]]
    counts = {"distances": 3, "cells": 16, "relu": 2, "clipping": 6, "backward": 8, "longer": 4, "taggers": 2}
    assert {table: tables.count(table) for table in tables} == counts
    assert len(printed) == len(tables)

    # --only: that table is run anew, no row of the others is run or lost
    report["rows"][-1]["apart"] = 7.5
    out.write_text(json.dumps(report), encoding="utf-8")
    printed, again = run_quick(out, "--only", "clipping")
    assert len(printed) == counts["clipping"] and again["rows"] == report["rows"]


def test_a_factor_changes_the_backward_pass_only(program):
    """One step: the gradient of h_t gets the factor once for every step after t."""
    torch.manual_seed(0)
    net, _ = program.network("tanh", "orthogonal")
    x, _ = program.sentences(np.random.default_rng(0), 3, 5)
    grads = {}
    for factor in (1.0, 0.5):
        x.requires_grad_()
        h = program.last_state(net, x, factor)
        (grads[factor],) = torch.autograd.grad(h.sum(), x)
        torch.testing.assert_close(h, net(x)[0][-1])
    expected = grads[1.0] * 0.5 ** torch.arange(6, -1, -1)[:, None, None]
    torch.testing.assert_close(grads[0.5], expected)


def test_the_factor_ends(program, monkeypatch):
    """``until`` steps with the factor, then none; accuracy and ratio are measured all the same."""
    factors = []
    real = program.last_state
    monkeypatch.setattr(program, "last_state", lambda net, x, factor: factors.append(factor) or real(net, x, factor))
    accuracies, ratio, _ = program.learn(3, 0, factor=0.5, until=2, steps=[1, 5])
    assert factors == [0.5, 0.5, 1.0, 1.0, 1.0] and len(accuracies) == 2 and ratio > 0
    factors.clear()
    program.learn(3, 0, factor=0.5, steps=[3])
    assert factors == [0.5] * 3


def test_rows_that_stand_are_not_run_again(program):
    """A row is known by its settings: the rate is one of them only where the job sets it."""

    def job(settings, given):
        return settings, lambda: ran.append(settings) or [row | given for row in settings]

    ran = []
    searched = {"table": "backward", "factor": 1.75}
    kept = [
        searched | {"rate": 0.01, "accuracy": [1.0]},
        {"table": "clipping", "rate": 0.003, "accuracy": [0.5]},
        {"table": "longer", "steps": 200, "accuracy": [0.2]},
    ]
    half = searched | {"until": 100}
    both = [{"table": "longer", "steps": steps} for steps in (200, 600)]
    jobs = [
        job([searched], {}),
        job([half], {"accuracy": [0.9]}),
        job([{"table": "clipping", "rate": 0.01}], {"accuracy": [0.6]}),
        job([{"table": "clipping", "rate": 0.003}], {}),
        job(both, {"accuracy": [0.3]}),  # one of its two rows is missing: both are run
    ]
    result = list(program.rows(jobs, kept))
    assert ran == [[half], [{"table": "clipping", "rate": 0.01}], both]
    assert [new for _, new in result] == [False, True, True, False, True, True]
    assert result[0][0] is kept[0] and result[3][0] is kept[1] and result[4][0]["accuracy"] == [0.3]


def test_initialisations(program):
    """W alone differs, but for the small U; all else is what PyTorch draws."""
    nets = {}
    for initial in program.INITIAL:
        torch.manual_seed(3)
        nets[initial], _ = program.network("relu", initial)
    first = nets["PyTorch"]
    for initial in ("orthogonal", "identity"):
        for name in ("weight_ih_l0", "bias_ih_l0", "bias_hh_l0"):
            torch.testing.assert_close(getattr(nets[initial], name), getattr(first, name))
    W, eye = nets["orthogonal"].weight_hh_l0, torch.eye(32)
    torch.testing.assert_close(W @ W.T, eye)
    assert torch.equal(nets["identity"].weight_hh_l0, eye)
    torch.manual_seed(3)
    W = program.network("relu", "√2 × orthogonal")[0].weight_hh_l0
    torch.testing.assert_close(W @ W.T, 2 * eye)
    W = program.network("relu", "permutation")[0].weight_hh_l0
    assert torch.equal(W.sum(0), torch.ones(32)) and torch.equal(W.sum(1), torch.ones(32))
    assert set(W.unique().tolist()) == {0, 1} and W.trace() < 10
    small = nets["identity, small U"]
    assert torch.equal(small.weight_hh_l0, eye) and small.weight_ih_l0.std() < 0.04
    assert not small.bias_ih_l0.any() and not small.bias_hh_l0.any()


def test_the_rate_is_searched_on_other_seeds(program, monkeypatch):
    """Most networks that learn win, then the mean; the seeds of the search are not counted."""
    assert not set(program.SEEDS) & set(program.SEARCH)
    reached = {0.0003: [1.0, 0.2], 0.001: [0.98, 0.98], 0.003: [0.99, 0.99], 0.01: [1.0, 1.0], 0.03: [1.0, 0.9]}
    reached |= {0.0001: [0.2, 0.2], 0.1: [0.3, 0.2]}

    def learn(d, seed, rate, steps, f):
        assert (d, steps, f) == (7, [11], "relu")
        return [reached[rate][seed - 50] if seed >= 50 else 0.5], 0.123456, 7.0

    monkeypatch.setattr(program, "learn", learn)
    row = program.searched({"table": "cells", "f": "relu"}, [0, 1, 2], [50, 51], 7, 11)
    assert row["rate"] == 0.01 and row["accuracy"] == [0.5] * 3 and row["first over last"] == [0.12] * 3
    assert row["search"]["0.03"] == [1.0, 0.9] and list(row)[:2] == ["table", "f"]


def test_the_chapter_trains_the_same(root, program):
    """Accuracy, ratio and longest gradient of the chapter's ``learn`` and of the record's, after a few steps."""
    book = jupytext.read(root / "book" / "14-vanishing-gradients.md")
    code = [cell.source for cell in book.cells if cell.cell_type == "code"]
    names = {"np": np, "torch": torch, "device": "cpu", "RNN": RNN}
    from rnncourse.data import tagging

    names |= {"cross_entropy": program.cross_entropy, "one_hot": program.one_hot, "tagging": tagging}
    for start in ("def sentences", "def network", "def learn", "def first_over_last", "def with_factor", "def encode"):
        (source,) = [cell for cell in code if cell.startswith(start)]
        exec(source.replace("range(200)", "range(3)"), names)
    for f, initial, limit in [("tanh", "orthogonal", np.inf), ("relu", "identity", 1.0)]:
        ours, ratio, longest = program.learn(4, 1, f, initial, None if limit == np.inf else limit, steps=[3])
        accuracy, _, lengths = names["learn"](4, 1, f, initial, limit)
        assert accuracy == ours[0] and max(lengths) == pytest.approx(longest)
        assert names["first_over_last"](4, 1, f, initial) == pytest.approx(ratio)
    ours, _, longest = program.learn(4, 1, initial="orthogonal", factor=0.7, steps=[3])
    accuracy, _, lengths = names["learn"](4, 1, initial="orthogonal", read=names["with_factor"](0.7))
    assert accuracy == ours[0] and max(lengths) == pytest.approx(longest)
    ours, _, longest = program.learn(4, 1, factor=3.0, until=2, steps=[3])
    accuracy, _, lengths = names["learn"](4, 1, read=names["with_factor"](3.0, 2))
    assert accuracy == ours[0] and max(lengths) == pytest.approx(longest)
    unlimited = names["learn"](4, 1, read=names["with_factor"](3.0))[2]
    assert unlimited[:2] == lengths[:2] and unlimited[2] != pytest.approx(lengths[2])

    X, Y = program.encode([tagging.Sentence(["the", "um", "fish"], ["DET", "INTJ", "NOUN"])])
    theirs = names["encode"]([tagging.Sentence(["the", "um", "fish"], ["DET", "INTJ", "NOUN"])])
    assert torch.equal(X, theirs[0]) and torch.equal(Y, theirs[1])
    nets = program.tagger(2, X, Y, 3), names["tagger"](2, X, Y)
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(a, b)
