"""ConvLSTM: against autograd through conv2d, against the LSTM where pictures have one place, finite differences."""

import re

import numpy as np
import pytest
import torch
from cells import DRAWN, all_close, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.reference import conv_lstm, lstm

SIZES = {"T": st.integers(1, 4), "k": st.sampled_from([1, 3, 5]), "q": st.sampled_from([1, 3, 5])}
SIZES |= {name: st.integers(1, 3) for name in ("B", "m", "n")} | {name: st.integers(1, 5) for name in ("H", "V")}


class Case:
    def __init__(self, T=4, B=2, m=3, n=2, k=3, q=3, H=5, V=4, seed=0):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.normal(size=shape)  # noqa: E731
        states = (B, n, H, V)
        scale = 1 / (k * n**0.5)
        weights = scale * draw(4 * n, m, k, k), scale * draw(4 * n, n, q, q), draw(4 * n)
        self.arguments = [draw(T, B, m, H, V), draw(*states), draw(*states), *weights]
        self.cotangents = draw(T, *states), draw(*states), draw(*states)

    def forward(self):
        return conv_lstm.forward(*self.arguments)

    def backward(self):
        return conv_lstm.backward(*self.cotangents, self.forward()[-1])

    def loss(self, *arguments):
        return sum(np.sum(d * out) for d, out in zip(self.cotangents, conv_lstm.forward(*arguments), strict=False))

    def autograd(self):
        """The same equations, step by step, with torch's conv2d."""
        tensors = [torch.tensor(a, requires_grad=True) for a in self.arguments]
        x, h, c, U, W, b = tensors
        hs = []
        for x_t in x:
            net = torch.nn.functional.conv2d(x_t, U, b, padding="same")
            i, f, g, o = (net + torch.nn.functional.conv2d(h, W, padding="same")).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            hs.append(h)
        outputs = torch.stack(hs), h, c
        loss = sum((out * torch.tensor(d)).sum() for out, d in zip(outputs, self.cotangents, strict=True))
        return outputs, torch.autograd.grad(loss, tensors)


@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_outputs_and_gradients_against_autograd(sizes, seed):
    case = Case(**sizes, seed=seed)
    outputs, grads = case.autograd()
    all_close(case.forward()[:3], outputs)
    all_close(case.backward(), grads)


def test_gradients_against_finite_differences():
    case, rng = Case(), np.random.default_rng(1)
    assert gradients.gradient_error(case.loss, case.arguments, case.backward(), rng) < 1e-7


def test_steps_are_the_forward_pass():
    case = Case()
    x, h, c, *weights = case.arguments
    hs, *_ = case.forward()
    for x_t, expected in zip(x, hs, strict=True):
        h, c = conv_lstm.step(x_t, h, c, *weights)
        close(h, expected, 1e-13)


def test_pictures_of_one_place_make_an_lstm():
    case = Case(k=1, q=1, H=1, V=1)
    plain = [a.reshape(a.shape[: -2 if a.ndim > 1 else None]) for a in case.arguments]
    *outputs, cache = lstm.forward(*plain)
    all_close([a[..., 0, 0] for a in case.forward()[:3]], outputs, 1e-13)
    grads = lstm.backward(*(d[..., 0, 0] for d in case.cotangents), cache)
    all_close([g.reshape(g.shape[: -2 if g.ndim > 1 else None]) for g in case.backward()], grads, 1e-12)


def test_one_place_of_a_picture_sees_only_its_neighbours():
    case = Case(T=1, H=9, V=9)
    x, *rest = case.arguments
    other = x.copy()
    other[0, :, :, 4, 4] += 1
    changed = (conv_lstm.forward(x, *rest)[0] != conv_lstm.forward(other, *rest)[0])[0].any(axis=(0, 1))
    assert changed[3:6, 3:6].all() and changed.sum() == 9


def test_without_steps():
    case = Case()
    x, h, c, *weights = case.arguments
    hs, h_T, c_T, cache = conv_lstm.forward(x[:0], h, c, *weights)
    assert len(hs) == 0 and np.array_equal(h_T, h) and np.array_equal(c_T, c)
    grads = conv_lstm.backward(hs, h, c, cache)
    close(grads.h0, h, 0)
    assert not grads.U.any()


def test_float32_stays_float32():
    *outputs, cache = conv_lstm.forward(*(a.astype(np.float32) for a in Case().arguments))
    assert {a.dtype for a in (*outputs, *conv_lstm.backward(*outputs, cache))} == {np.dtype(np.float32)}


def test_errors():
    case = Case()
    x, h, c, U, W, b = case.arguments
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("conv_lstm.forward: expected h0 of shape (B=2, n=2, H=5, V=4), got (2, 2, 4, 4)"):
        conv_lstm.forward(x, h[:, :, 1:], c, U, W, b)
    with say("conv_lstm.forward: expected x of shape (T, B, m=3, H, V), got (4, 2, 2, 5, 4)"):
        conv_lstm.forward(x[:, :, 1:], h, c, U, W, b)
    with say("conv_lstm.step: expected kernels of odd size, got 2"):
        conv_lstm.step(x[0], h, c, U[..., 1:, 1:], W, b)
    with say("conv_lstm.backward: expected dc_T of shape (B=2, n=2, H=5, V=4), got (1, 2, 5, 4)"):
        dhs, dh_T, dc_T = case.cotangents
        conv_lstm.backward(dhs, dh_T, dc_T[1:], case.forward()[-1])
