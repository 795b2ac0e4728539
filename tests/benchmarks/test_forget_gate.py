"""The trainings behind chapter 2.2: the program runs, each part of the gradient is what it says, as in the chapter."""

import os
import platform
import sys

import numpy as np
import torch

from rnncourse.gradients import relative_error


def test_it_runs_and_writes_a_row_for_each_setting(root, run_quick, program, tmp_path):
    out = tmp_path / "new" / "forget_gate.json"
    printed, report = run_quick(out)
    written = out.read_text(encoding="utf-8")
    assert (
        report["seeds"] == 2 and report["defaults"] == program.SETTING and {"numpy", "torch"} <= set(report["versions"])
    )
    assert [row["group"] for row in report["rows"]] == [group for group, _ in program.settings()]
    for row in report["rows"]:
        assert set(program.SETTING) | {"group", "rate", "accuracy", "learned", "longest"} == set(row)
        assert len(row["accuracy"]) == len(row["longest"]) == 2
    assert len(printed) == len(report["rows"])
    for private in (platform.node(), str(root), os.path.expanduser("~"), sys.prefix):
        assert len(private) < 4 or private not in written


def test_known_rows_are_kept(program, monkeypatch):
    monkeypatch.setattr(program, "train", lambda setting, rate, seeds: ([1.0, 0.5], [1.0, 2.0]))
    rows = list(program.results(quick=True))
    assert rows[0]["learned"] == 1
    known = [rows[3] | {"learned": 77}]
    again = list(program.results(quick=True, known=known))
    assert [row["learned"] for row in again] == [77 if i == 3 else 1 for i in range(len(rows))]


def start(program, **chosen):
    """A setting, weights of two networks with random biases, and sentences, in float64."""
    setting = program.SETTING | {"forget_bias": 1} | chosen
    weights = program.initial(setting, 2, torch.float64)
    eye = torch.eye(program.WORDS, dtype=torch.float64)
    x, y = program.sentences(np.random.default_rng(0), 3, 4, eye)
    return setting, weights, x, y


def test_all_of_the_gradient_is_that_of_torch(program):
    for cell in ("LSTM", "RNN"):
        setting, weights, x, y = start(program, cell=cell, forget_bias=None)
        said = program.scores(x[:, None].expand(-1, 2, -1, -1), weights, setting)
        said.sum().backward()
        for seed in (0, 1):
            U, W, b, V, b_y = (w[seed].detach() for w in weights)
            net = getattr(torch.nn, cell)(program.WORDS, program.UNITS).double()
            names = {"weight_ih_l0": U, "weight_hh_l0": W, "bias_ih_l0": b[0], "bias_hh_l0": 0 * b[0]}
            net.load_state_dict(names)
            theirs = net(x)[0][-1] @ V.T + b_y
            theirs.sum().backward()
            assert relative_error(said[seed].detach(), theirs.detach()) < 1e-12
            for mine, name in zip(weights, ("weight_ih_l0", "weight_hh_l0"), strict=False):
                assert relative_error(mine.grad[seed], getattr(net, name).grad) < 1e-10


def last_by_first(program, setting, weights, x):
    """The forget gates f_2 … f_T of network 0, and ∂(Σ c_T)/∂c_1 with h_1 held still: both (T − 1, B, n) and (B, n)."""
    U, W, b, *_ = (w[:1].detach() for w in weights)
    h = c = torch.zeros(1, x.shape[1], program.UNITS, dtype=torch.float64)
    h, c = program.step(x[0] @ U.mT + b, h, c, W, setting)
    first, forget = c.detach().requires_grad_(), []
    c = first
    for x_t in x[1:]:
        net = x_t @ U.mT + b
        forget.append((net + h @ W.mT).detach()[..., program.UNITS : 2 * program.UNITS])
        h, c = program.step(net, h, c, W, setting)
    return torch.stack(forget), torch.autograd.grad(c.sum() + 0 * first.sum(), first)[0]


def test_the_cell_path_is_a_product_of_forget_gates(program):
    setting, weights, x, _ = start(program, gradient="cell path only")
    net_f, slope = last_by_first(program, setting, weights, x)
    assert relative_error(slope, torch.sigmoid(net_f).prod(0)) < 1e-12
    for backward in (0, 3):
        setting |= {"backward_bias": backward}
        net_f, slope = last_by_first(program, setting, weights, x)
        assert relative_error(slope, torch.sigmoid(net_f + backward - 1).prod(0)) < 1e-12


def test_what_is_cut_changes_no_value_and_the_gates_keep_their_gradient(program):
    setting, weights, x, _ = start(program)
    wide = x[:, None].expand(-1, 2, -1, -1)
    values = program.scores(wide, weights, setting)
    for chosen in (
        {"gradient": "cell path only"},
        {"gradient": "W at every step"},
        {"gradient": "last step only"},
        {"backward_bias": 3, "gradient": "cell path only"},
    ):
        assert relative_error(program.scores(wide, weights, setting | chosen).detach(), values.detach()) < 1e-12
    one_step = wide[:1]
    grads = []
    for chosen in ({}, {"backward_bias": 3}):
        h, c = torch.ones(2, 2, 3, program.UNITS, dtype=torch.float64)
        U, W, b, *_ = weights
        new = program.step(one_step[0] @ U.mT + b, h, c, W, setting | chosen)
        grads.append(torch.autograd.grad(new[1].sum(), b)[0])
    assert relative_error(*grads) < 1e-12  # the forget gate's own gradient is c_{t−1}, whatever stands in for it


def test_without_the_cell_path_it_needs_W(program):
    setting, weights, x, _ = start(program, gradient="W at every step")
    _, whole = last_by_first(program, setting | {"gradient": "all"}, weights, x)
    _, cut = last_by_first(program, setting, weights, x)
    assert (cut == 0).all() and whole.abs().min() > 0  # with h_1 held still, nothing is left of c_1


def test_the_last_step_alone_sends_nothing_back(program):
    """Its gradient is that of one step from a state that is a constant."""
    setting, weights, x, y = start(program, gradient="last step only")
    _, slope = last_by_first(program, setting, weights, x)
    assert (slope == 0).all()
    wide, y = x[:, None].expand(-1, 2, -1, -1), y.expand(2, -1)
    U, W, b, V, b_y = weights
    h = c = torch.zeros(2, x.shape[1], program.UNITS, dtype=torch.float64)
    for x_t in wide:
        h, c = program.step(x_t @ U.mT + b, h.detach(), c.detach(), W, setting | {"gradient": "all"})
    loss = torch.nn.functional.cross_entropy((h @ V.mT + b_y).flatten(0, 1), y.flatten()) * 2
    expected = torch.autograd.grad(loss, weights)
    for a, e in zip(program.gradient(wide, y, weights, setting), expected, strict=True):
        assert relative_error(a, e) < 1e-12 and e.any()


def test_the_longer_trainings_are_three_times_as_long_and_have_rates(program):
    longer = [program.SETTING | chosen for group, chosen in program.settings() if group == "longer"]
    assert len(longer) == 14 and {setting["steps"] for setting in longer} == {3 * program.SETTING["steps"]}
    assert all(2 <= len(program.rates_of(setting)) <= 4 for setting in longer)


def test_the_parts_add_up(program):
    """All but the cell path is the rest, and the output layer keeps its whole gradient."""
    setting, weights, x, y = start(program)
    x, y = x[:, None].expand(-1, 2, -1, -1), y.expand(2, -1)
    names = ("all", "cell path only", "all but the cell path")
    whole, only, rest = (program.gradient(x, y, weights, setting | {"gradient": name}) for name in names)
    for a, b, c in zip(whole[:3], only[:3], rest[:3], strict=True):
        assert relative_error(a, b + c) < 1e-12 and c.any()
    for k in (3, 4):
        assert relative_error(rest[k], whole[k]) < 1e-12


def test_the_first_word_can_have_a_U_of_its_own(program):
    setting, weights, x, y = start(program, first_U=True, words="dense")
    U, *_, first = weights
    assert len(weights) == 6 and torch.equal(U, first)
    x, y = (x @ program.dense())[:, None].expand(-1, 2, -1, -1), y.expand(2, -1)
    two = program.gradient(x, y, weights, setting)
    one = program.gradient(x, y, weights[:5], setting | {"first_U": False})
    assert relative_error(two[0] + two[5], one[0]) < 1e-12
    for a, b in zip(two[1:5], one[1:], strict=True):
        assert relative_error(a, b) < 1e-12
    without = program.scores(x, [*weights[:5], 0 * first], setting).detach()
    assert relative_error(program.scores(x, weights, setting).detach(), without) > 1e-3


def test_the_chapter_trains_the_same(common, program):
    """The chapter's definitions and the program's: the same weights, gradients and, after a few steps, networks."""
    names = {"np": np, "torch": torch, "device": "cpu", "trange": lambda steps, leave: range(steps)}
    names |= {"cross_entropy": program.cross_entropy, "one_hot": torch.nn.functional.one_hot}
    names = common.definitions("22-why-lstm-remembers", **names)
    setting = program.SETTING | {"forget_bias": 2, "steps": 3}
    theirs, ours = names["initial"](2), program.initial(setting, 10, torch.float32)
    assert all(torch.equal(a, b) for a, b in zip(theirs, ours, strict=True))
    x, y = names["sentences"](np.random.default_rng(3), 4)
    same_x, same_y = program.sentences(np.random.default_rng(3), 4, 20, torch.eye(program.WORDS))
    assert torch.equal(x, same_x) and torch.equal(y, same_y)
    x, y = x[:, None].expand(-1, 10, -1, -1), y.expand(10, -1)
    for part in ("all", *program.PARTS):
        chosen = setting | {"gradient": part}
        for a, b in zip(names["gradient"](x, y, theirs, part), program.gradient(x, y, ours, chosen), strict=True):
            assert relative_error(a, b) < 1e-4
    weights = names["train"](2, steps=3)
    assert np.allclose(names["accuracy"](weights), program.train(setting, 0.003)[0], atol=0.003)
