"""The training record of chapter 1.4: the program runs, does what it says, and trains what the chapter trains."""

import importlib.util
import json
import os
import subprocess
import sys

import jupytext
import numpy as np
import pytest
import torch

from rnncourse.pytorch import RNN


@pytest.fixture(scope="module")
def training(root):
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("vanishing", root / "benchmarks" / "vanishing_training.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_quick(root, tmp_path):
    out = tmp_path / "new" / "training.json"
    command = [sys.executable, "-W", "error", root / "benchmarks" / "vanishing_training.py", "--quick", "--out", out]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    assert {"date", "versions", "learns", "rows"} <= set(report)
    tables = [row["table"] for row in report["rows"]]
    counts = {"distances": 3, "cells": 16, "clipping": 4, "backward": 7, "taggers": 2}
    assert {table: tables.count(table) for table in tables} == counts
    assert len(done.stdout.splitlines()) == len(tables)


def test_a_factor_changes_the_backward_pass_only(training):
    """One step: the gradient of h_t gets the factor once for every step after t."""
    torch.manual_seed(0)
    net, _ = training.network("tanh", "orthogonal")
    x, _ = training.sentences(np.random.default_rng(0), 3, 5)
    grads = {}
    for factor in (1.0, 0.5):
        x.requires_grad_()
        h = training.last_state(net, x, factor)
        (grads[factor],) = torch.autograd.grad(h.sum(), x)
        torch.testing.assert_close(h, net(x)[0][-1])
    expected = grads[1.0] * 0.5 ** torch.arange(6, -1, -1)[:, None, None]
    torch.testing.assert_close(grads[0.5], expected)


def test_initialisations(training):
    """W alone differs, but for the small U; all else is what PyTorch draws."""
    nets = {}
    for initial in training.INITIAL:
        torch.manual_seed(3)
        nets[initial], _ = training.network("relu", initial)
    first = nets["PyTorch"]
    for initial in ("orthogonal", "identity"):
        for name in ("weight_ih_l0", "bias_ih_l0", "bias_hh_l0"):
            torch.testing.assert_close(getattr(nets[initial], name), getattr(first, name))
    W, eye = nets["orthogonal"].weight_hh_l0, torch.eye(32)
    torch.testing.assert_close(W @ W.T, eye)
    assert torch.equal(nets["identity"].weight_hh_l0, eye)
    small = nets["identity, small U"]
    assert torch.equal(small.weight_hh_l0, eye) and small.weight_ih_l0.std() < 0.04
    assert not small.bias_ih_l0.any() and not small.bias_hh_l0.any()


def test_the_rate_is_searched_on_other_seeds(training, monkeypatch):
    """Most networks that learn win, then the mean; the seeds of the search are not counted."""
    assert not set(training.SEEDS) & set(training.SEARCH)
    reached = {0.0003: [1.0, 0.2], 0.001: [0.98, 0.98], 0.003: [0.99, 0.99], 0.01: [1.0, 1.0], 0.03: [1.0, 0.9]}
    reached |= {0.0001: [0.2, 0.2], 0.1: [0.3, 0.2]}

    def learn(d, seed, rate, steps, f):
        assert (d, steps, f) == (7, [11], "relu")
        return [reached[rate][seed - 50] if seed >= 50 else 0.5], 0.123456, 7.0

    monkeypatch.setattr(training, "learn", learn)
    row = training.searched({"table": "cells", "f": "relu"}, [0, 1, 2], [50, 51], 7, 11)
    assert row["rate"] == 0.01 and row["accuracy"] == [0.5] * 3 and row["first over last"] == [0.12] * 3
    assert row["search"]["0.03"] == [1.0, 0.9] and list(row)[:2] == ["table", "f"]


def test_the_chapter_trains_the_same(root, training):
    """Accuracy, ratio and longest gradient of the chapter's ``learn`` and of the record's, after a few steps."""
    book = jupytext.read(root / "book" / "14-vanishing-gradients.md")
    code = [cell.source for cell in book.cells if cell.cell_type == "code"]
    names = {"np": np, "torch": torch, "device": "cpu", "RNN": RNN}
    from rnncourse.data import tagging

    names |= {"cross_entropy": training.cross_entropy, "one_hot": training.one_hot, "tagging": tagging}
    for start in ("def sentences", "def network", "def learn", "def first_over_last", "def with_factor", "def encode"):
        (source,) = [cell for cell in code if cell.startswith(start)]
        exec(source.replace("range(200)", "range(3)"), names)
    for f, initial, limit in [("tanh", "orthogonal", np.inf), ("relu", "identity", 1.0)]:
        ours, ratio, longest = training.learn(4, 1, f, initial, None if limit == np.inf else limit, steps=[3])
        accuracy, _, lengths = names["learn"](4, 1, f, initial, limit)
        assert accuracy == ours[0] and max(lengths) == pytest.approx(longest)
        assert names["first_over_last"](4, 1, f, initial) == pytest.approx(ratio)
    ours, _, longest = training.learn(4, 1, initial="orthogonal", factor=0.7, steps=[3])
    accuracy, _, lengths = names["learn"](4, 1, initial="orthogonal", read=names["with_factor"](0.7))
    assert accuracy == ours[0] and max(lengths) == pytest.approx(longest)

    X, Y = training.encode([tagging.Sentence(["the", "um", "fish"], ["DET", "INTJ", "NOUN"])])
    theirs = names["encode"]([tagging.Sentence(["the", "um", "fish"], ["DET", "INTJ", "NOUN"])])
    assert torch.equal(X, theirs[0]) and torch.equal(Y, theirs[1])
    nets = training.tagger(2, X, Y, 3), names["tagger"](2, X, Y)
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(a, b)
