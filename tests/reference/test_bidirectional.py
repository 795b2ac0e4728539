"""Two directions of a cell: against torch's bidirectional modules, finite differences, and what reads the future."""

import re

import numpy as np
import pytest
import torch
from cells import CORNERS, DRAWN, SIZES, all_close, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.reference import bidirectional, gru, lstm, rnn

CELLS = {"RNN": rnn, "GRU": gru, "LSTM": lstm}
STATES = {"RNN": 1, "GRU": 1, "LSTM": 2}


class Case:
    """Random arguments for ``bidirectional.forward`` and random cotangents on all of its outputs."""

    def __init__(self, kind="LSTM", merge="concat", T=6, B=3, m=4, n=5, seed=0):
        rng = np.random.default_rng(seed)
        torch.manual_seed(seed)
        self.kind, self.merge, k = kind, merge, STATES[kind]
        self.module = getattr(torch.nn, kind)(m, n, bidirectional=True, dtype=torch.float64)
        self.cell, self.weights, self.weights_reverse = bidirectional.from_torch(self.module)
        self.x = rng.normal(size=(T, B, m))
        self.states, self.states_reverse = (tuple(rng.normal(size=(k, B, n))) for _ in range(2))
        self.dhs = rng.normal(size=(T, B, 2 * n if merge == "concat" else n))
        self.dlast, self.dlast_reverse = (tuple(rng.normal(size=(k, B, n))) for _ in range(2))

    def forward(self):
        return self.run(self.x, self.states, self.weights, self.states_reverse, self.weights_reverse)

    def run(self, *arguments):
        return bidirectional.forward(self.cell, *arguments, merge=self.merge)

    def backward(self):
        return bidirectional.backward(self.dhs, self.dlast, self.dlast_reverse, self.forward()[-1])

    def flat(self):
        """All arguments as one list of arrays, and how to put them back."""
        groups = [(self.x,), self.states, self.weights, self.states_reverse, self.weights_reverse]
        return [a for group in groups for a in group], [len(group) for group in groups]

    def loss(self, *arrays):
        sizes, groups, arrays = self.flat()[1], [], list(arrays)
        for size in sizes:
            groups.append(tuple(arrays[:size]))
            arrays = arrays[size:]
        (x,), states, weights, states_reverse, weights_reverse = groups
        hs, last, last_reverse, _ = self.run(x, states, weights, states_reverse, weights_reverse)
        pairs = [(hs, self.dhs), *zip(last, self.dlast, strict=True)]
        pairs += zip(last_reverse, self.dlast_reverse, strict=True)
        return sum(np.sum(a * d) for a, d in pairs)

    def autograd(self):
        """hs, the last states, and the gradients, from torch.nn with bidirectional=True."""
        x = torch.from_numpy(self.x).requires_grad_()
        states = [
            torch.from_numpy(np.stack(pair)).requires_grad_()
            for pair in zip(self.states, self.states_reverse, strict=True)
        ]
        hs, last = self.module(x, tuple(states) if self.kind == "LSTM" else states[0])
        last = last if self.kind == "LSTM" else (last,)
        ahead, back = hs.chunk(2, dim=-1)
        merged = {"concat": hs, "sum": ahead + back, "mean": (ahead + back) / 2}[self.merge]
        loss = (merged * torch.from_numpy(self.dhs)).sum()
        for state, d, d_reverse in zip(last, self.dlast, self.dlast_reverse, strict=True):
            loss = loss + (state * torch.from_numpy(np.stack([d, d_reverse]))).sum()
        wanted = [x, *states, *self.module.parameters()]
        dx, *rest = torch.autograd.grad(loss, wanted)
        k = len(states)
        return merged, [s[0] for s in last], [s[1] for s in last], dx, rest[:k], rest[k:]


KINDS = st.sampled_from(["RNN", "GRU", "LSTM"])
MERGES = st.sampled_from(bidirectional.MERGES)


def against_torch(case):
    merged, last, last_reverse, dx, dstates, dparameters = case.autograd()
    hs, ours, ours_reverse, _ = case.forward()
    close(hs, merged)
    all_close(ours, last)
    all_close(ours_reverse, last_reverse)
    grads = case.backward()
    close(grads.x, dx)
    all_close(grads.states, [d[0] for d in dstates])
    all_close(grads.states_reverse, [d[1] for d in dstates])
    U, W, b, b_hh, U_reverse, W_reverse, b_reverse, b_hh_reverse = dparameters
    theirs = {"": (U, W, b), "_reverse": (U_reverse, W_reverse, b_reverse)}
    all_close(grads.weights[:3], theirs[""])
    all_close(grads.weights_reverse[:3], theirs["_reverse"])
    if case.kind == "GRU":
        n = case.weights.b_n.shape[0]
        close(grads.weights.b_n, b_hh[2 * n :])
        close(grads.weights_reverse.b_n, b_hh_reverse[2 * n :])


@DRAWN
@given(KINDS, MERGES, st.builds(dict, **SIZES), st.integers(0, 999))
def test_outputs_and_gradients_against_torch(kind, merge, sizes, seed):
    against_torch(Case(kind, merge, **sizes, seed=seed))


@pytest.mark.parametrize("sizes", CORNERS, ids=str)
@pytest.mark.parametrize("kind", CELLS)
def test_corners_against_torch(kind, sizes):
    against_torch(Case(kind, **sizes))


@pytest.mark.parametrize("merge", bidirectional.MERGES)
@pytest.mark.parametrize("kind", CELLS)
def test_gradients_against_finite_differences(kind, merge):
    case = Case(kind, merge)
    arrays, _ = case.flat()
    grads = case.backward()
    flat = [grads.x, *grads.states, *grads.weights, *grads.states_reverse, *grads.weights_reverse]
    assert gradients.gradient_error(case.loss, arrays, flat, np.random.default_rng(1)) < 1e-7


def test_which_outputs_see_which_inputs():
    """A changed step t changes the forward half from t on, and the reverse half up to t. Nothing else."""
    case, changed = Case(T=7), Case(T=7)
    changed.x[3] += 1
    moved = np.any(case.forward()[0] != changed.forward()[0], axis=1)  # (T, 2n)
    assert np.array_equal(moved[:, :5].all(axis=1), [0, 0, 0, 1, 1, 1, 1])
    assert np.array_equal(moved[:, 5:].all(axis=1), [1, 1, 1, 1, 0, 0, 0])
    assert not moved[:3, :5].any() and not moved[4:, 5:].any()


def test_directions_of_different_sizes():
    case, other = Case(n=5), Case(n=2)
    hs, _, _, cache = bidirectional.forward(
        lstm, case.x, case.states, case.weights, other.states_reverse, other.weights_reverse
    )
    assert hs.shape == (6, 3, 7)
    grads = bidirectional.backward(np.ones_like(hs), case.dlast, other.dlast_reverse, cache)
    assert grads.weights.W.shape == (20, 5) and grads.weights_reverse.W.shape == (8, 2)


def test_options_reach_the_cell():
    case = Case("GRU")
    arguments = (gru, case.x, case.states, case.weights, case.states_reverse, case.weights_reverse)
    hs = bidirectional.forward(*arguments, reset="before")[0]
    close(hs[..., :5], gru.forward(case.x, *case.states, *case.weights, reset="before")[0], 1e-13)


def test_errors():
    case, other = Case(), Case(n=2)
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    arguments = (lstm, case.x, case.states, case.weights)
    with say("bidirectional.forward: expected merge to be one of concat, sum, mean, got 'max'"):
        bidirectional.forward(*arguments, case.states_reverse, case.weights_reverse, merge="max")
    with say("bidirectional.forward: expected directions of one size for sum, got (5, 2)"):
        bidirectional.forward(*arguments, other.states_reverse, other.weights_reverse, merge="sum")
    with say("bidirectional.backward: expected dhs of shape (T, B, 10), got (6, 3, 5)"):
        bidirectional.backward(case.dhs[..., :5], case.dlast, case.dlast_reverse, case.forward()[-1])
    with say("bidirectional.from_torch: expected one bidirectional layer of RNN, GRU or LSTM, got LSTM(4, 5)"):
        bidirectional.from_torch(torch.nn.LSTM(4, 5))
