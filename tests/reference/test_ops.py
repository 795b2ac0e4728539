"""The functions that every cell is made of, against SciPy, PyTorch and finite differences."""

import re

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rnncourse.reference.ops import (
    cross_entropy,
    gate_scales,
    one_hot,
    relu,
    sigmoid,
    slope,
    softmax,
    split,
    tanh,
)

FUNCTIONS = {tanh: torch.tanh, sigmoid: torch.sigmoid, relu: torch.relu}
DRAWN = settings(deadline=None, derandomize=True, max_examples=50)  # the same cases every time
LOGITS = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.floats(-50, 50))


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_functions_and_slopes_against_torch(f):
    a = np.linspace(-40, 40, 401)  # 0 is among them
    t = torch.from_numpy(a).requires_grad_()
    FUNCTIONS[f](t).sum().backward()
    np.testing.assert_allclose(f(a), FUNCTIONS[f](t).detach(), rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose(slope(f, f(a)), t.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_slope_against_finite_differences(f):
    a = np.array([-3.0, -1.1, -0.2, 0.3, 0.9, 2.5])
    e = 1e-5
    np.testing.assert_allclose(slope(f, f(a)), (f(a + e) - f(a - e)) / (2 * e), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_dtype_stays_and_nothing_overflows(f):
    a = np.array([-1e30, -800.0, 0.0, 800.0, 1e30], np.float32)
    assert f(a).dtype == slope(f, f(a)).dtype == np.float32
    assert np.isfinite(f(a)).all() and np.isfinite(slope(f, f(a))).all()


def test_slope_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="expected f to be ops.tanh, ops.sigmoid or ops.relu, got cos"):
        slope(np.cos, np.ones(3))
    with pytest.raises(ValueError, match="got tanh"):  # by name alike, but torch's
        slope(torch.tanh, np.ones(3))


@DRAWN
@given(LOGITS)
def test_softmax_against_scipy(logits):
    p = softmax(logits)
    np.testing.assert_allclose(p, scipy.special.softmax(logits, axis=-1), rtol=1e-12)
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-13)


@DRAWN
@given(LOGITS, st.data())
def test_cross_entropy_against_torch(logits, data):
    targets = data.draw(arrays(np.int64, logits.shape[:-1], elements=st.integers(0, logits.shape[-1] - 1)))
    t = torch.from_numpy(logits).requires_grad_()
    expected = torch.nn.functional.cross_entropy(t, torch.from_numpy(targets))
    expected.backward()
    loss, dlogits = cross_entropy(logits, targets)
    np.testing.assert_allclose(loss, expected.item(), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(dlogits, t.grad, rtol=1e-10, atol=1e-15)


def test_cross_entropy_over_more_axes_is_the_mean_over_positions():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(5, 2, 7)), rng.integers(7, size=(5, 2))
    loss, dlogits = cross_entropy(logits, targets)
    flat, dflat = cross_entropy(logits.reshape(10, 7), targets.reshape(10))
    np.testing.assert_allclose(loss, flat, rtol=1e-14)
    np.testing.assert_allclose(dlogits, dflat.reshape(5, 2, 7), rtol=1e-14)
    np.testing.assert_allclose(cross_entropy(np.zeros((5, 7)), targets[:, 0])[0], np.log(7), rtol=1e-14)
    one, done = cross_entropy(logits[0, 0], 3)  # a single position: no axis in front
    np.testing.assert_allclose(one, -np.log(softmax(logits[0, 0])[3]), rtol=1e-12)
    assert done.shape == (7,)


def test_cross_entropy_at_extreme_logits():
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]])
    loss, dlogits = cross_entropy(logits, [0, 1])
    assert loss == 0 and not dlogits.any()
    loss, dlogits = cross_entropy(logits, [1, 0])
    assert loss == 2e4
    np.testing.assert_array_equal(dlogits, [[0.5, -0.5, 0], [-0.5, 0.5, 0]])
    with np.errstate(over="ignore"):  # the difference of the logits is beyond float32, the loss is not
        loss, dlogits = cross_entropy(np.array([[3e38, -3e38]], np.float32), [0])
    assert loss == 0 and not dlogits.any() and dlogits.dtype == np.float32


def test_cross_entropy_of_nothing():
    loss, dlogits = cross_entropy(np.zeros((0, 3)), np.zeros(0, np.int64))
    assert loss == 0 and dlogits.shape == (0, 3)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([0, 3], "ops.one_hot: expected indices in 0 … 2, got 0 … 3"),
        ([-1, 0], "ops.one_hot: expected indices in 0 … 2, got -1 … 0"),
        ([0.0, 1.0], "ops.one_hot: expected integer indices, got dtype float64"),
        ([True, False], "ops.one_hot: expected integer indices, got dtype bool"),
        ([0, 1, 2], "ops.cross_entropy: expected targets of shape (2,), got (3,)"),
        ([[0], [1]], "ops.cross_entropy: expected targets of shape (2,), got (2, 1)"),
        (1, "ops.cross_entropy: expected targets of shape (2,), got ()"),
    ],
)
def test_bad_targets(targets, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        cross_entropy(np.zeros((2, 3)), targets)


@DRAWN
@given(arrays(np.int64, st.tuples(st.integers(0, 3), st.integers(0, 3)), elements=st.integers(0, 4)))
def test_one_hot(indices):
    hot = one_hot(indices, 5, np.float32)
    assert hot.dtype == np.float32 and hot.shape == (*indices.shape, 5)
    np.testing.assert_array_equal(hot.sum(-1), 1)
    np.testing.assert_array_equal(hot.argmax(-1), indices)
    np.testing.assert_array_equal(hot, np.eye(5)[indices])


# ---- gates -------------------------------------------------------------------------------------------------


def test_split():
    a = np.arange(24.0).reshape(2, 12)
    parts = split(a, 4)
    assert [part.tolist() for part in parts] == [a[:, i : i + 3].tolist() for i in (0, 3, 6, 9)]
    parts[1][0, 0] = -1  # a view
    assert a[0, 3] == -1
    with pytest.raises(ValueError, match="ops.split: expected a last axis that 5 divides, got 12"):
        split(a, 5)


@pytest.mark.parametrize(("dtype", "eps"), [(np.float64, 1.2e-16), (np.float32, 1.2e-7)])
def test_gate_scales_turn_one_tanh_into_all_gates(dtype, eps):
    """½ + ½ tanh(a/2) is σ(a) to the last digit of a number near 1; at the ends exactly 0 and 1."""
    half = gate_scales("ssts", 3, dtype)
    assert half.dtype == dtype
    np.testing.assert_array_equal(half, [0.5] * 6 + [1] * 3 + [0.5] * 3)
    a = np.linspace(-30, 30, 401, dtype=dtype)[:, None]
    gates = half * np.tanh(half * a) + (1 - half)
    exact = a.astype(np.float64)
    for part, f in zip(split(gates, 4), (sigmoid, sigmoid, tanh, sigmoid), strict=True):
        np.testing.assert_allclose(part, np.broadcast_to(f(exact), part.shape), rtol=0, atol=2 * eps)
    ends = half * np.tanh(half * np.array([[-1e3], [1e3]], dtype)) + (1 - half)
    np.testing.assert_array_equal(ends, [[0] * 6 + [-1] * 3 + [0] * 3, [1] * 12])


@pytest.mark.parametrize(("dtype", "step"), [(np.float64, 2.0**-54), (np.float32, 2.0**-25)])
def test_small_gates_come_in_steps(dtype, step):
    """As the docstring says: below ½ a gate is a multiple of 2⁻⁵⁴ (2⁻²⁵), about right, and far below that it is 0."""
    half = gate_scales("s", 1, dtype)
    a = np.linspace(-60, -1, 4001, dtype=dtype)
    gates, exact = half * np.tanh(half * a) + (1 - half), sigmoid(a.astype(np.float64))
    np.testing.assert_array_equal(gates / step, np.round(gates / step))
    assert np.abs(gates - exact).max() <= 2 * step
    assert not gates[exact < step / 100].any()


def test_a_gate_of_1e_13():
    """What the docstring says of it, and that the sigmoid of ``step`` does better."""
    a = -29.934 + np.linspace(-0.1, 0.1, 2001)
    exact = 1 / (1 + np.exp(-a.astype(np.longdouble)))
    assert abs(exact[1000] / 1e-13 - 1) < 1e-3
    off = np.abs((0.5 * np.tanh(0.5 * a) + 0.5) / exact - 1).max()
    assert 1e-4 < off < 7e-4 and np.abs(sigmoid(a) / exact - 1).max() < 1e-14


def test_gate_scales_refuse():
    with pytest.raises(ValueError, match="ops.gate_scales: expected a pattern of the letters s and t, got 'sxt'"):
        gate_scales("sxt", 2, np.float64)
