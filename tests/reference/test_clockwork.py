"""The clockwork network in NumPy: against its step, autograd, finite differences, and the simple recurrent network."""

import re

import numpy as np
import pytest
import torch
from cells import CORNERS, DRAWN, SIZES, all_close, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.pytorch import clockwork as clockwork_torch
from rnncourse.reference import clockwork, ops, rnn

HIDDEN = {ops.tanh: torch.tanh, ops.relu: torch.relu, ops.sigmoid: torch.sigmoid}
PERIODS = st.lists(st.integers(1, 9), min_size=6, max_size=6).map(sorted)


class Case:
    """Random arguments and cotangents on both outputs."""

    def __init__(self, T=9, B=3, m=4, n=5, periods=(1, 2, 2, 3, 4, 8), start=0, f=ops.tanh, seed=0, dtype=np.float64):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.normal(size=shape).astype(dtype)  # noqa: E731
        self.weights = clockwork.Weights(*(draw(*shape) / dtype(n**0.5) for shape in [(n, m), (n, n), (n,)]))
        self.x, self.h0 = draw(T, B, m), draw(B, n)
        self.cotangents = draw(T, B, n), draw(B, n)
        self.clock = np.resize(periods, n)
        self.clock.sort()
        self.options = {"clock": self.clock, "start": start, "f": f}

    @property
    def arguments(self):
        return [self.x, self.h0, *self.weights]

    def forward(self, *arguments, **more):
        return clockwork.forward(*(arguments or self.arguments), **self.options | more)

    def backward(self):
        return clockwork.backward(*self.cotangents, self.forward()[-1])

    def loss(self, *arguments):
        return sum(np.sum(d * out) for d, out in zip(self.cotangents, self.forward(*arguments), strict=False))

    def autograd(self):
        """Outputs and gradients from torch, unit by unit: each ticking unit reads the units that are no faster."""
        tensors = [torch.from_numpy(a).requires_grad_() for a in self.arguments]
        x, h, U, W, b = tensors
        f, hs, periods = HIDDEN[self.options["f"]], [], self.clock.tolist()
        for t, x_t in enumerate(x, self.options["start"]):
            units = []
            for i, period in enumerate(periods):
                read = [j for j, other in enumerate(periods) if other >= period]
                new = f(x_t @ U[i] + h[:, read] @ W[i, read] + b[i])
                units.append(new if t % period == 0 else h[:, i])
            h = torch.stack(units, dim=1)
            hs.append(h)
        outputs = torch.stack(hs), h
        loss = sum((out * torch.from_numpy(d)).sum() for out, d in zip(outputs, self.cotangents, strict=True))
        return outputs, torch.autograd.grad(loss, tensors, materialize_grads=True)


def against_autograd(case):
    outputs, grads = case.autograd()
    all_close(case.forward()[:2], outputs)
    all_close(case.forward(skip=True)[:2], outputs)
    all_close(case.backward(), grads)


@DRAWN
@given(st.builds(dict, **SIZES), PERIODS, st.integers(0, 9), st.sampled_from([*HIDDEN]), st.integers(0, 999))
def test_outputs_and_gradients_against_autograd(sizes, periods, start, f, seed):
    against_autograd(Case(**sizes, periods=periods, start=start, f=f, seed=seed))


@pytest.mark.parametrize("sizes", CORNERS, ids=str)
def test_corners_against_autograd(sizes):
    against_autograd(Case(**sizes))


@pytest.mark.parametrize("start", [0, 3])
def test_gradients_against_finite_differences(start):
    case, rng = Case(start=start), np.random.default_rng(1)
    assert gradients.gradient_error(case.loss, case.arguments, case.backward(), rng) < 1e-7
    for i in range(len(case.arguments)):  # each alone, so that a small one cannot hide behind a large one
        alone = lambda a, i=i: case.loss(*case.arguments[:i], a, *case.arguments[i + 1 :])  # noqa: E731
        assert gradients.gradient_error(alone, case.arguments[i : i + 1], case.backward()[i : i + 1], rng) < 1e-7


def test_forward_is_step_in_a_loop():
    case = Case(start=5)
    hs, h_T, _ = case.forward()
    h = case.h0
    for t, expected in enumerate(hs):
        h = clockwork.step(case.x[t], h, 5 + t, *case.weights, case.clock)
        close(h, expected, 1e-13)
    np.testing.assert_array_equal(h_T, hs[-1])


def test_pieces_are_the_whole():
    case = Case(T=9)
    hs, h_T, _ = case.forward()
    first, h, _ = clockwork.forward(case.x[:4], case.h0, *case.weights, case.clock)
    second, last, _ = clockwork.forward(case.x[4:], h, *case.weights, case.clock, start=4)
    close(np.concatenate([first, second]), hs, 1e-13)
    close(last, h_T, 1e-13)


def test_all_periods_one_is_the_simple_recurrent_network():
    case = Case(periods=[1])
    theirs = rnn.forward(*case.arguments)
    all_close(case.forward()[:2], theirs[:2], 1e-13)
    all_close(case.backward(), rnn.backward(*case.cotangents, theirs[-1]), 1e-13)


def test_step_0_is_a_simple_recurrent_network_with_masked_weights():
    case = Case(T=1)
    U, W, b = case.weights
    theirs = rnn.forward(case.x, case.h0, U, W * clockwork.mask(case.clock), b)
    all_close(case.forward()[:2], theirs[:2], 1e-13)
    grads = rnn.backward(*case.cotangents, theirs[-1])
    all_close(case.backward(), grads._replace(W=grads.W * clockwork.mask(case.clock)), 1e-13)


def test_idle_units_copy_their_state_and_their_gradient():
    """Between two ticks of the slowest unit its state does not change, and a gradient of its state arrives whole."""
    case = Case(T=3, n=4, periods=(1, 2, 4, 8), start=1)
    hs, _, cache = case.forward()
    np.testing.assert_array_equal(hs[:, :, 3], np.broadcast_to(case.h0[:, 3], (3, 3)))
    last = np.zeros((3, 4))
    last[:, 3] = 1
    grads = clockwork.backward(np.zeros((3, 3, 4)), last, cache)
    np.testing.assert_array_equal(grads.h0, last)
    assert not grads.W.any() and not grads.x.any()


def test_clock_mask_and_ticks():
    assert clockwork.clock(8).tolist() == [1, 1, 2, 2, 4, 4, 8, 8]
    assert clockwork.mask([1, 2, 4]).tolist() == [[True, True, True], [False, True, True], [False, False, True]]
    assert clockwork.active(12, [1, 2, 4, 8]).tolist() == [True, True, True, False]
    assert clockwork.active(np.arange(3), [1, 2]).tolist() == [[True, True], [True, False], [True, True]]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(0, 4))
def test_number_of_parameters(sizes, m):
    clock = np.repeat(1 + np.arange(len(sizes)), sizes)
    n = len(clock)
    assert clockwork.parameters(m, sizes) == n * m + n + clockwork.mask(clock).sum()


def test_number_of_parameters_of_the_module():
    module = clockwork_torch.Clockwork(3, 12)
    assert module.counted == clockwork.parameters(3, [3] * 4)
    assert clockwork.parameters(0, [64] * 4) - 256 == 64 * 64 * (4 + 3 + 2 + 1)


def test_no_steps():
    case = Case(T=0)
    hs, h_T, _ = case.forward()
    assert hs.shape == (0, 3, 5)
    np.testing.assert_array_equal(h_T, case.h0)
    grads = case.backward()
    np.testing.assert_array_equal(grads.h0, case.cotangents[1])
    assert grads.x.shape == (0, 3, 4) and not any(grad.any() for grad in grads[2:])


def test_dtype_follows_the_input():
    case = Case(dtype=np.float32)
    outputs = (*case.forward()[:2], *case.forward(skip=True)[:2], *case.backward())
    assert {a.dtype for a in outputs} == {np.dtype(np.float32)}


def test_errors():
    case = Case()
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("clockwork.forward: expected h0 of shape (B=3, n=5), got (3, 4)"):
        clockwork.forward(case.x, np.zeros((3, 4)), *case.weights, case.clock)
    expected = "expected clock to be 5 whole numbers of at least 1, in ascending order, got"
    for bad in ([1, 2], [2, 1, 1, 1, 1], [0, 1, 1, 1, 1], [1.0, 1, 1, 1, 1]):
        with say(f"clockwork.forward: {expected} {bad}"):
            clockwork.forward(*case.arguments, bad)
    with say("clockwork.clock: expected different periods, as many as divide n=5, got [1, 2]"):
        clockwork.clock(5, (1, 2))
    with say("ops.slope: expected f to be ops.tanh, ops.sigmoid or ops.relu, got cos"):
        case.forward(f=np.cos)
    with say("clockwork.backward: expected dh_T of shape (B=3, n=5), got (9, 3, 5)"):
        clockwork.backward(case.cotangents[0], case.cotangents[0], case.forward()[-1])
    with say("clockwork.parameters: expected size 1 to be an integer of at least 1, got 0"):
        clockwork.parameters(1, [2, 0])
