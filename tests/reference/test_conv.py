"""The causal convolution: against torch.nn.functional.conv1d, finite differences, and what looks ahead."""

import re

import numpy as np
import pytest
import torch
from cells import DRAWN, all_close, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.reference import conv

SIZES = {name: st.integers(1, 5) for name in ("T", "B", "m", "n", "k")} | {
    name: st.integers(1, 4) for name in ("stride", "dilation")
}


class Case:
    def __init__(self, T=9, B=3, m=4, n=5, k=3, stride=2, dilation=2, seed=0):
        rng = np.random.default_rng(seed)
        self.how = {"stride": stride, "dilation": dilation}
        self.arguments = [rng.normal(size=(T, B, m)), rng.normal(size=(n, m, k)), rng.normal(size=n)]
        self.dys = rng.normal(size=(-(-T // stride), B, n))
        self.before = dilation * (k - 1)

    def forward(self):
        return conv.forward(*self.arguments, **self.how)

    def backward(self):
        return conv.backward(self.dys, self.forward()[1])

    def loss(self, *arguments):
        return np.sum(self.dys * conv.forward(*arguments, **self.how)[0])

    def autograd(self):
        tensors = [torch.tensor(a, requires_grad=True) for a in self.arguments]
        x, U, b = tensors
        padded = torch.nn.functional.pad(x.permute(1, 2, 0), (self.before, 0))
        ys = torch.nn.functional.conv1d(padded, U, b, **self.how).permute(2, 0, 1)
        return ys, torch.autograd.grad((ys * torch.tensor(self.dys)).sum(), tensors)


@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_outputs_and_gradients_against_torch(sizes, seed):
    case = Case(**sizes, seed=seed)
    ys, grads = case.autograd()
    close(case.forward()[0], ys)
    all_close(case.backward(), grads)


@pytest.mark.parametrize("sizes", [{"T": 1}, {"B": 1}, {"k": 1}, {"T": 2, "k": 5, "dilation": 4}], ids=str)
def test_corners_against_torch(sizes):
    case = Case(**sizes)
    ys, grads = case.autograd()
    close(case.forward()[0], ys)
    all_close(case.backward(), grads)


def test_gradients_against_finite_differences():
    case, rng = Case(), np.random.default_rng(1)
    assert gradients.gradient_error(case.loss, case.arguments, case.backward(), rng) < 1e-7


def test_nothing_after_step_t_reaches_output_t():
    case = Case(stride=1)
    x, U, b = case.arguments
    other = x.copy()
    other[5:] += 1
    ours, theirs = (conv.forward(a, U, b, dilation=2)[0] for a in (x, other))
    np.testing.assert_array_equal(ours[:5], theirs[:5])
    assert (ours[5:] != theirs[5:]).any()


def test_without_steps():
    case = Case()
    ys, cache = conv.forward(case.arguments[0][:0], *case.arguments[1:])
    assert ys.shape == (0, 3, 5)
    grads = conv.backward(ys, cache)
    assert grads.x.shape == (0, 3, 4) and not grads.U.any() and not grads.b.any()


def test_float32_stays_float32():
    case = Case()
    ys, cache = conv.forward(*(a.astype(np.float32) for a in case.arguments), stride=2)
    assert {a.dtype for a in (ys, *conv.backward(ys, cache))} == {np.dtype(np.float32)}


def test_errors():
    case = Case()
    x, U, b = case.arguments
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("conv.forward: expected x of shape (T, B, m=4), got (9, 3, 3)"):
        conv.forward(x[..., 1:], U, b)
    with say("conv.forward: expected b of shape (n=5,), got (4,)"):
        conv.forward(x, U, b[1:])
    with say("conv.forward: expected stride to be an integer of at least 1, got 0"):
        conv.forward(x, U, b, stride=0)
    with say("conv.forward: expected dilation to be an integer of at least 1, got 1.5"):
        conv.forward(x, U, b, dilation=1.5)
    with say("conv.backward: expected dys of shape (S=5, B=3, n=5), got (4, 3, 5)"):
        conv.backward(case.dys[1:], case.forward()[1])
