"""Stacked layers: against torch's num_layers, residual and norm against autograd, and finite differences."""

import re

import numpy as np
import pytest
import torch
from cells import CORNERS, DRAWN, SIZES, all_close, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.pytorch.deep import Deep
from rnncourse.reference import deep, gru, lstm, rnn

STATES = {"RNN": 1, "GRU": 1, "LSTM": 2}


class Case:
    """Random arguments for ``deep.forward`` and random cotangents on all of its outputs."""

    def __init__(self, kind="LSTM", L=3, residual=False, norm=False, T=6, B=3, m=4, n=5, seed=0):
        rng = np.random.default_rng(seed)
        torch.manual_seed(seed)
        self.kind, self.L, self.residual, k = kind, L, residual, STATES[kind]
        self.module = getattr(torch.nn, kind)(m, n, L, dtype=torch.float64)
        self.cell, self.weights = deep.from_torch(self.module)
        self.x = rng.normal(size=(T, B, m))
        self.states = [tuple(rng.normal(size=(k, B, n))) for _ in range(L)]
        self.norms = [tuple(rng.normal(size=(2, n))) for _ in range(L - 1)] if norm else None
        self.dhs, self.dlast = rng.normal(size=(T, B, n)), [tuple(rng.normal(size=(k, B, n))) for _ in range(L)]

    def run(self, x, states, weights, norms):
        return deep.forward(self.cell, x, states, weights, self.residual, norms)

    def forward(self):
        return self.run(self.x, self.states, self.weights, self.norms)

    def backward(self):
        return deep.backward(self.dhs, self.dlast, self.forward()[-1])

    def flat(self):
        groups = [(self.x,), *self.states, *self.weights, *(self.norms or [])]
        return [a for group in groups for a in group], [len(group) for group in groups]

    def loss(self, *arrays):
        arrays, groups = list(arrays), []
        for size in self.flat()[1]:
            groups.append(tuple(arrays[:size]))
            arrays = arrays[size:]
        L = self.L
        norms = None if self.norms is None else groups[1 + 2 * L :]
        hs, last, _ = self.run(groups[0][0], groups[1 : 1 + L], groups[1 + L : 1 + 2 * L], norms)
        pairs = [(hs, self.dhs)]
        for ours, theirs in zip(last, self.dlast, strict=True):
            pairs += zip(ours, theirs, strict=True)
        return sum(np.sum(a * d) for a, d in pairs)

    def tensors(self):
        return [torch.tensor(np.stack(part), requires_grad=True) for part in zip(*self.states, strict=True)]


KINDS = st.sampled_from(["RNN", "GRU", "LSTM"])


def against_torch(case):
    x, states = torch.tensor(case.x, requires_grad=True), case.tensors()
    hs, last = case.module(x, tuple(states) if case.kind == "LSTM" else states[0])
    last = last if case.kind == "LSTM" else (last,)
    ours, ends, _ = case.forward()
    close(ours, hs)
    for k, part in enumerate(last):
        all_close([end[k] for end in ends], part)
    loss = (hs * torch.tensor(case.dhs)).sum()
    for k, part in enumerate(last):
        loss = loss + (part * torch.tensor(np.stack([d[k] for d in case.dlast]))).sum()
    dx, *rest = torch.autograd.grad(loss, [x, *states, *case.module.parameters()])
    grads, k = case.backward(), len(states)
    close(grads.x, dx)
    for part in range(k):
        all_close([state[part] for state in grads.states], rest[part])
    assert grads.norms == []
    for layer in range(case.L):
        U, W, b, b_hh = rest[k + 4 * layer : k + 4 * layer + 4]
        all_close(grads.weights[layer][:3], (U, W, b))
        if case.kind == "GRU":
            close(grads.weights[layer].b_n, b_hh[2 * W.shape[1] :])


@DRAWN
@given(KINDS, st.integers(1, 4), st.builds(dict, **SIZES), st.integers(0, 999))
def test_outputs_and_gradients_against_torch(kind, L, sizes, seed):
    against_torch(Case(kind, L, **sizes, seed=seed))


@pytest.mark.parametrize("sizes", CORNERS, ids=str)
@pytest.mark.parametrize("kind", STATES)
def test_corners_against_torch(kind, sizes):
    against_torch(Case(kind, **sizes))


def module(case):
    """The case as a module of rnncourse.pytorch.deep."""
    T, B, m = case.x.shape
    sizes = (case.kind, m, case.dhs.shape[2], case.L)
    made = Deep(*sizes, residual=case.residual, norm=case.norms is not None, dtype=torch.float64)
    state = case.module.state_dict()
    for layer, own in enumerate(made.layers):
        own.load_state_dict({name: state[name.replace("_l0", f"_l{layer}")] for name in own.state_dict()})
    for own, (gain, shift) in zip(made.norms or [], case.norms or [], strict=True):
        own.load_state_dict({"weight": torch.tensor(gain), "bias": torch.tensor(shift)})
    return made


@pytest.mark.parametrize("sizes", [{}, {"T": 1}, {"B": 1}, {"L": 1}, {"L": 2, "n": 3}], ids=str)
@pytest.mark.parametrize(("residual", "norm"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("kind", STATES)
def test_residual_and_norm_against_autograd(kind, residual, norm, sizes):
    case = Case(kind, residual=residual, norm=norm, **sizes)
    made, x, states = module(case), torch.tensor(case.x, requires_grad=True), case.tensors()
    given_states = [tuple(part[layer] for part in states) for layer in range(case.L)]
    hs, last = made(x, given_states if kind == "LSTM" else [state[0] for state in given_states])
    ours, ends, _ = case.forward()
    close(ours, hs)
    last = last if kind == "LSTM" else [(state,) for state in last]
    loss = (hs * torch.tensor(case.dhs)).sum()
    for mine, theirs, d in zip(ends, last, case.dlast, strict=True):
        all_close(mine, theirs)
        loss = loss + sum((a * torch.tensor(b)).sum() for a, b in zip(theirs, d, strict=True))
    grads = case.backward()
    pairs = list(made.norms or [])
    wanted = [x, *states, *(p for layer in made.layers for p in (layer.weight_ih_l0, layer.weight_hh_l0))]
    dx, *rest = torch.autograd.grad(loss, wanted + [p for one in pairs for p in (one.weight, one.bias)])
    close(grads.x, dx)
    for k, theirs in enumerate(rest[: len(states)]):
        all_close([state[k] for state in grads.states], theirs)
    rest = rest[len(states) :]
    all_close([a for weights in grads.weights for a in weights[:2]], rest[: 2 * case.L])
    all_close([a for pair in grads.norms for a in pair], rest[2 * case.L :])


@pytest.mark.parametrize(("residual", "norm"), [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("kind", STATES)
def test_gradients_against_finite_differences(kind, residual, norm):
    case, grads = Case(kind, residual=residual, norm=norm), None
    grads = case.backward()
    groups = [(grads.x,), *grads.states, *grads.weights, *grads.norms]
    flat = [a for group in groups for a in group]
    assert gradients.gradient_error(case.loss, case.flat()[0], flat, np.random.default_rng(1)) < 1e-7


def test_layers_of_different_sizes_and_options():
    case, small = Case("GRU", L=1), Case("GRU", L=1, m=5, n=2)
    weights, states = [*case.weights, *small.weights], [*case.states, *small.states]
    hs, last, cache = deep.forward(gru, case.x, states, weights, reset="before")
    assert hs.shape == (6, 3, 2) and last[0][0].shape == (3, 5)
    below = gru.forward(case.x, *case.states[0], *case.weights[0], reset="before")[0]
    close(hs, gru.forward(below, *small.states[0], *small.weights[0], reset="before")[0], 1e-13)
    grads = deep.backward(np.ones_like(hs), [*case.dlast, *small.dlast], cache)
    assert [w.W.shape for w in grads.weights] == [(15, 5), (6, 2)]


def test_errors():
    case, small = Case(), Case(L=1, m=5, n=2)
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("deep.forward: expected states for each of 3 layers, got 2"):
        deep.forward(lstm, case.x, case.states[:2], case.weights)
    with say("deep.forward: expected norms for 2 layers, all but the first, got 3"):
        deep.forward(lstm, case.x, case.states, case.weights, norms=[(np.ones(5), np.zeros(5))] * 3)
    with say("deep.forward: expected layers of one size for a residual connection, got (5, 2)"):
        states, weights = [case.states[0], *small.states], [case.weights[0], *small.weights]
        deep.forward(lstm, case.x, states, weights, residual=True)
    with say("deep.backward: expected dhs of shape (T, B, 5), got (6, 3, 4)"):
        deep.backward(case.dhs[..., :4], case.dlast, case.forward()[-1])
    with say("deep.backward: expected dlast for each of 3 layers, got 1"):
        deep.backward(case.dhs, case.dlast[:1], case.forward()[-1])
    with say("deep.from_torch: expected an RNN, GRU or LSTM in one direction, got LSTM(4, 5, bidirectional=True)"):
        deep.from_torch(torch.nn.LSTM(4, 5, bidirectional=True))
    assert deep.from_torch(torch.nn.RNN(2, 3, 2))[0] is rnn
