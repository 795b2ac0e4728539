"""The Jordan network in NumPy: against its step, autograd and finite differences; free running and with a teacher."""

import re

import numpy as np
import pytest
import torch
from cells import CORNERS, DRAWN, SIZES, all_close, body, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.pytorch import jordan as jordan_torch
from rnncourse.reference import jordan, ops

HIDDEN = {ops.tanh: torch.tanh, ops.relu: torch.relu, ops.sigmoid: torch.sigmoid}
OUTPUT = {ops.sigmoid: torch.sigmoid, ops.tanh: torch.tanh, ops.relu: torch.relu, None: None}
FORCED = pytest.mark.parametrize("forced", [False, True], ids=["free", "teacher"])


class Case:
    """Random arguments and cotangents on both outputs."""

    def __init__(self, T=6, B=3, m=4, n=5, k=2, f=ops.tanh, g=ops.sigmoid, forced=False, seed=0, dtype=np.float64):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.normal(size=shape).astype(dtype)  # noqa: E731
        shapes = [(n, m), (n, k), (n,), (k, n), (k,)]
        self.weights = jordan.Weights(*(draw(*shape) / dtype(n**0.5) for shape in shapes))
        self.x, self.y0, self.teacher = draw(T, B, m), draw(B, k), draw(T, B, k) if forced else None
        self.cotangents = draw(T, B, k), draw(B, k)
        self.f, self.g = f, g

    @property
    def arguments(self):
        return [self.x, self.y0, *self.weights, *([] if self.teacher is None else [self.teacher])]

    def forward(self, *arguments):
        return jordan.forward(*(arguments or self.arguments), f=self.f, g=self.g)

    def backward(self):
        grads = jordan.backward(*self.cotangents, self.forward()[-1])
        assert (grads.teacher is None) == (self.teacher is None)
        return grads if self.teacher is not None else grads[:-1]

    def loss(self, *arguments):
        return sum(np.sum(d * out) for d, out in zip(self.cotangents, self.forward(*arguments), strict=False))

    def autograd(self):
        """Outputs and gradients from torch, step by step in single matrix products."""
        tensors = [torch.from_numpy(a).requires_grad_() for a in self.arguments]
        x, y, U, W_y, b, V, b_y, *teacher = tensors
        ys = []
        for t, x_t in enumerate(x):
            h = HIDDEN[self.f](x_t @ U.T + y @ W_y.T + b)
            o = h @ V.T + b_y
            ys.append(o if self.g is None else OUTPUT[self.g](o))
            y = teacher[0][t] if teacher else ys[-1]
        outputs = torch.stack(ys), ys[-1]
        loss = sum((out * torch.from_numpy(d)).sum() for out, d in zip(outputs, self.cotangents, strict=True))
        return outputs, torch.autograd.grad(loss, tensors, materialize_grads=True)


@FORCED
@DRAWN
@given(
    st.builds(dict, **SIZES, k=st.integers(1, 4)), st.sampled_from([*HIDDEN]), st.sampled_from([*OUTPUT]),
    st.integers(0, 999),
)  # fmt: skip
def test_outputs_and_gradients_against_autograd(forced, sizes, f, g, seed):
    case = Case(**sizes, f=f, g=g, forced=forced, seed=seed)
    outputs, grads = case.autograd()
    all_close(case.forward()[:2], outputs)
    all_close(case.backward(), grads)


@FORCED
@pytest.mark.parametrize("sizes", CORNERS, ids=str)
def test_corners_against_autograd(forced, sizes):
    case = Case(**sizes, forced=forced)
    outputs, grads = case.autograd()
    all_close(case.forward()[:2], outputs)
    all_close(case.backward(), grads)


@FORCED
def test_gradients_against_finite_differences(forced):
    case, rng = Case(forced=forced), np.random.default_rng(1)
    assert gradients.gradient_error(case.loss, case.arguments, case.backward(), rng) < 1e-7
    for i in range(len(case.arguments)):  # each alone, so that a small one cannot hide behind a large one
        alone = lambda a, i=i: case.loss(*case.arguments[:i], a, *case.arguments[i + 1 :])  # noqa: E731
        assert gradients.gradient_error(alone, case.arguments[i : i + 1], case.backward()[i : i + 1], rng) < 1e-7


@FORCED
def test_forward_is_step_in_a_loop(forced):
    case = Case(forced=forced)
    ys, y_T, _ = case.forward()
    y = case.y0
    for t, expected in enumerate(ys):
        out = jordan.step(case.x[t], y, *case.weights)
        close(out, expected, 1e-13)
        y = case.teacher[t] if forced else out
    np.testing.assert_array_equal(y_T, ys[-1])


def test_its_own_outputs_as_teacher_change_nothing_forward_but_cut_the_gradient():
    case = Case()
    ys, y_T, _ = case.forward()
    forced, last, cache = jordan.forward(case.x, case.y0, *case.weights, teacher=ys)
    all_close([forced, last], [ys, y_T], 1e-13)
    grads = jordan.backward(*case.cotangents, cache)
    assert gradients.relative_error(grads.W_y, case.backward()[3]) > 1e-3


def test_with_a_teacher_a_step_sees_nothing_but_its_input_and_the_last_target():
    case, other = Case(forced=True), Case(forced=True)
    other.x[:3], other.teacher[:2], other.y0[:] = 7, -7, 7
    ys, others = case.forward()[0], other.forward()[0]
    np.testing.assert_array_equal(ys[3:], others[3:])
    assert (ys[:3] != others[:3]).all()


def test_no_steps():
    case = Case(T=0)
    ys, y_T, cache = case.forward()
    assert ys.shape == (0, 3, 2)
    np.testing.assert_array_equal(y_T, case.y0)
    grads = jordan.backward(*case.cotangents, cache)
    np.testing.assert_array_equal(grads.y0, case.cotangents[1])
    assert grads.x.shape == (0, 3, 4) and not any(grad.any() for grad in grads[2:-1])


@FORCED
def test_dtype_follows_the_input(forced):
    case = Case(forced=forced, dtype=np.float32)
    assert {a.dtype for a in (*case.forward()[:2], *case.backward())} == {np.dtype(np.float32)}


def test_number_of_parameters_and_weights_from_torch():
    module = jordan_torch.Jordan(3, 5, 2)
    weights = jordan.from_torch(module)
    assert sum(w.size for w in weights) == sum(p.numel() for p in module.parameters()) == jordan.parameters(3, 5, 2)
    x = torch.randn(4, 2, 3)
    close(jordan.forward(x.numpy(), np.zeros((2, 2), np.float32), *weights)[0], module(x)[0], 1e-5)
    with pytest.raises(ValueError, match="jordan.from_torch: expected a module with U, W_y, b, V, b_y, got RNN"):
        jordan.from_torch(torch.nn.RNN(3, 5))


def test_both_packages_have_the_same_step():
    assert body(jordan.step) == body(jordan_torch.step)
    assert jordan.step.shapes == jordan_torch.step.shapes


def test_errors():
    case = Case(forced=True)
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("jordan.forward: expected y0 of shape (B=3, k=2), got (3, 5)"):
        jordan.forward(case.x, np.zeros((3, 5)), *case.weights)
    with say("jordan.forward: expected teacher of shape (T=6, B=3, k=2), got (5, 3, 2)"):
        jordan.forward(case.x, case.y0, *case.weights, teacher=case.teacher[1:])
    with say("ops.slope: expected f to be ops.tanh, ops.sigmoid or ops.relu, got cos"):
        jordan.forward(case.x, case.y0, *case.weights, g=np.cos)
    with say("jordan.backward: expected dy_T of shape (B=3, k=2), got (6, 3, 2)"):
        jordan.backward(case.cotangents[0], case.cotangents[0], case.forward()[-1])
