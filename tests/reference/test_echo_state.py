"""The reservoir: against its equation, and against ReservoirPy with the same weights; sparse as dense; errors."""

import re
import warnings

import numpy as np
import pytest
import scipy.sparse
from cells import CORNERS, DRAWN, close
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from rnncourse.reference import echo_state

SIZES = {
    "T": st.integers(1, 7),
    "B": st.integers(1, 4),
    "m": st.integers(0, 3),
    "k": st.integers(0, 3),
    "n": st.integers(1, 6),
    "density": st.sampled_from([0.4, 1.0]),
    "leak": st.sampled_from([0.3, 1.0]),
}


class Case:
    """Random arguments for ``echo_state.forward``."""

    def __init__(self, T=6, B=3, m=2, k=2, n=5, density=1.0, leak=0.4, seed=0):
        rng = np.random.default_rng(seed)
        W = rng.normal(size=(n, n))
        if density < 1:
            W = scipy.sparse.csr_array(W * (rng.random((n, n)) < density))
        self.weights = echo_state.Weights(rng.normal(size=(n, m)), W, rng.normal(size=(n, k)), rng.normal(size=n))
        self.x, self.y, self.h0 = (rng.normal(size=size) for size in [(T, B, m), (T, B, k), (B, n)])
        self.leak = leak
        self.W_out, self.b_y = 0.3 * rng.normal(size=(k, n)), rng.normal(size=k)

    def forward(self):
        return echo_state.forward(self.x, self.y, self.h0, *self.weights, self.leak)

    def generate(self):
        weights = *self.weights, self.W_out, self.b_y
        return echo_state.generate(self.x, self.y[0], self.h0, *weights, self.leak)


def by_hand(case):
    """The equation, unit by unit, in plain Python."""
    W_in, W, W_back, b = case.weights
    W, (T, B, n) = echo_state.dense(W), (*case.x.shape[:2], len(b))
    hs, h = np.empty((T, B, n)), case.h0
    for t in range(T):
        for j in range(B):
            for i in range(n):
                net = b[i] + sum(W[i, l] * h[j, l] for l in range(n))
                net += sum(W_in[i, l] * case.x[t, j, l] for l in range(W_in.shape[1]))
                net += sum(W_back[i, l] * case.y[t, j, l] for l in range(W_back.shape[1]))
                hs[t, j, i] = (1 - case.leak) * h[j, i] + case.leak * np.tanh(net)
        h = hs[t]
    return hs


def check_case(case):
    hs, h_T = case.forward()
    close(hs, by_hand(case))
    close(h_T, hs[-1])
    h = case.h0
    for t in range(len(case.x)):
        h = echo_state.step(case.x[t], h, case.y[t], *case.weights, case.leak)
        close(hs[t], h)
        one = echo_state.step(
            case.x[t, 0], case.forward()[0][t - 1, 0] if t else case.h0[0], case.y[t, 0], *case.weights, case.leak
        )
        close(hs[t, 0], one)


@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_states_against_the_equation(sizes, seed):
    check_case(Case(**sizes, seed=seed))


@pytest.mark.parametrize("sizes", CORNERS, ids=str)
@pytest.mark.parametrize("density", [0.5, 1.0])
def test_corners(sizes, density):
    check_case(Case(**sizes, density=density))


def test_no_steps():
    case = Case()
    hs, h_T = echo_state.forward(case.x[:0], case.y[:0], case.h0, *case.weights)
    assert hs.shape == (0, 3, 5)
    assert np.array_equal(h_T, case.h0)


@pytest.fixture(scope="module")
def reservoirpy():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an escape in one of its docstrings, when it is compiled
        from reservoirpy import nodes
    return nodes


@pytest.mark.parametrize("density", [0.05, 1.0])
@pytest.mark.parametrize("leak", [0.3, 1.0])
def test_same_weights_in_reservoirpy_give_the_same_states(reservoirpy, density, leak):
    """ReservoirPy reads x_t and y_{t−1} as one input, whose weights are W_in beside W_back."""
    rng = np.random.default_rng(0)
    weights = echo_state.random(50, 2, 1, rng, radius=0.95, density=density, scale_b=0.3)
    x, y = rng.normal(size=(200, 1, 2)), rng.normal(size=(200, 1, 1))
    hs, _ = echo_state.forward(x, y, np.zeros((1, 50)), *weights, leak)
    Win = np.concatenate([weights.W_in, weights.W_back], axis=1)
    node = reservoirpy.Reservoir(W=weights.W, Win=Win, bias=weights.b, lr=leak)
    theirs = node.run(np.concatenate([x, y], axis=-1)[:, 0])
    assert np.abs(hs).max() > 0.5
    close(hs[:, 0], theirs)


@pytest.mark.parametrize("leak", [0.3, 1.0])
def test_same_weights_in_reservoirpy_give_the_same_free_run(reservoirpy, leak):
    """Its node, stepped by hand with our readout, continues as ``generate`` does."""
    case = Case(T=30, B=1, m=0, k=2, leak=leak)
    ys, _ = case.generate()
    W_in, W, W_back, b = case.weights
    node = reservoirpy.Reservoir(W=W, Win=W_back, bias=b, lr=leak)
    node.initialize(case.y[0])
    node.state = {"out": case.h0[0]}
    y = case.y[0, 0]
    for t in range(30):
        y = case.W_out @ node.step(y) + case.b_y
        close(ys[t, 0], y)


@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_free_run_is_forward_with_its_own_outputs(sizes, seed):
    case = Case(**sizes, seed=seed)
    ys, h_T = case.generate()
    before = np.concatenate([case.y[:1], ys[:-1]])
    hs, last = echo_state.forward(case.x, before, case.h0, *case.weights, case.leak)
    close(ys, hs @ case.W_out.T + case.b_y, 1e-9)
    close(h_T, last, 1e-9)


def test_sparse_and_dense_agree():
    rng = np.random.default_rng(1)
    weights = echo_state.random(60, 1, 1, rng, density=0.1)
    x, y, h0 = rng.normal(size=(40, 2, 1)), rng.normal(size=(40, 2, 1)), np.zeros((2, 60))
    hs, _ = echo_state.forward(x, y, h0, *weights)
    for kind in (echo_state.dense, scipy.sparse.csc_array, scipy.sparse.csr_matrix):
        close(echo_state.forward(x, y, h0, *weights._replace(W=kind(weights.W)))[0], hs)


def test_float32_stays_float32():
    weights = echo_state.random(9, 1, 1, np.random.default_rng(0), density=0.5)
    weights = echo_state.Weights(*(a.astype(np.float32) for a in weights))
    x = np.ones((4, 2, 1), np.float32)
    hs, _ = echo_state.forward(x, x, np.zeros((2, 9), np.float32), *weights, 0.5)
    assert hs.dtype == np.float32 and echo_state.scaled(weights.W, 2.0).dtype == np.float32


def test_spectral_radius():
    assert echo_state.spectral_radius(np.array([[2.0, 0.5], [-4.0, -0.75]])) == pytest.approx(np.sqrt(0.5))
    assert echo_state.spectral_radius(np.array([[0.0, -3.0], [3.0, 0.0]])) == pytest.approx(3)  # eigenvalues ±3i
    W = np.random.default_rng(0).normal(size=(30, 30))
    grown = np.linalg.norm(np.linalg.matrix_power(W / 5.0, 400), 2) ** (1 / 400) * 5.0  # Gelfand's formula
    assert echo_state.spectral_radius(W) == pytest.approx(grown, rel=0.02)


@pytest.mark.parametrize("density", [0.1, 1.0])
def test_random_weights(density):
    draw = lambda **how: echo_state.random(80, 2, 3, np.random.default_rng(5), density=density, **how)  # noqa: E731
    weights = draw(radius=1.3, scale_in=0.1, scale_back=2.0, scale_b=0.5)
    assert echo_state.spectral_radius(weights.W) == pytest.approx(1.3)
    assert scipy.sparse.issparse(weights.W) == (density < 1)
    share = (echo_state.dense(weights.W) != 0).mean()
    assert abs(share - density) < 0.02
    for array, scale, shape in [(weights.W_in, 0.1, (80, 2)), (weights.W_back, 2.0, (80, 3)), (weights.b, 0.5, (80,))]:
        assert array.shape == shape and 0.9 * scale < np.abs(array).max() <= scale
        assert abs(array.mean()) < 0.3 * scale
    close(draw().W_in, 10 * weights.W_in)
    assert np.array_equal(draw(radius=0.0).W @ np.ones(80), np.zeros(80))


def test_the_readout_of_scikit_learn_fits():
    """coef_ and intercept_ of a regression on (T, k) targets are W_out and b_y."""
    case = Case(T=50, B=1, k=2)
    hs, _ = case.forward()
    target = np.random.default_rng(2).normal(size=(50, 2))
    model = Ridge(alpha=1e-6).fit(hs[:, 0], target)
    ys, _ = echo_state.generate(case.x, case.y[0], case.h0, *case.weights, model.coef_, model.intercept_, case.leak)
    close(ys[0], model.predict(hs[0]))


def say(message):
    return pytest.raises(ValueError, match=re.escape(message))


def test_errors():
    case = Case()
    W_in, W, W_back, b = case.weights
    arguments = case.x, case.y, case.h0
    with say("echo_state.forward: expected W_in of shape (n=5, m), got (4, 2)"):
        echo_state.forward(*arguments, W_in[:4], W, W_back, b)
    with say("echo_state.forward: expected W of shape (n, n), got (5, 4)"):
        echo_state.forward(*arguments, W_in, W[:, :4], W_back, b)
    with say("echo_state.forward: expected W of shape (n, n), got (5, 4)"):
        echo_state.forward(*arguments, W_in, scipy.sparse.csr_array(W[:, :4]), W_back, b)
    with say("echo_state.forward: expected y of shape (T=6, B=3, k=2), got (5, 3, 2)"):
        echo_state.forward(case.x, case.y[:5], case.h0, *case.weights)
    with say("echo_state.forward: expected x of dtype float64, as W has, got float32"):
        echo_state.forward(case.x.astype(np.float32), case.y, case.h0, *case.weights)
    broken = scipy.sparse.csr_array(np.diag([1.0, np.nan, 1, 1, 1]))
    with say("expected finite values in the entries of W, got 1 NaN"):
        echo_state.forward(*arguments, W_in, broken, W_back, b)
    with say("echo_state.step: expected h of shape (2, n=5), got (2, 4)"):
        echo_state.step(case.x[0, :2], case.h0[:2, :4], case.y[0, :2], *case.weights)
    with say("echo_state.generate: expected W_out of shape (k=2, n=5), got (5,)"):
        echo_state.generate(case.x, case.y[0], case.h0, *case.weights, case.W_out[0], case.b_y)
    for leak in (0, 1.5, -0.1):
        with say(f"echo_state.forward: expected a leak in (0, 1], got {leak}"):
            echo_state.forward(*arguments, *case.weights, leak)


def test_errors_of_drawing():
    rng = np.random.default_rng(0)
    for W in (np.triu(np.ones((5, 5)), 1), np.zeros((3, 3)), scipy.sparse.csr_array(np.triu(np.ones((5, 5)), 1))):
        with say("echo_state.scaled: expected W to have an eigenvalue other than 0, got a radius of 0"):
            echo_state.scaled(W, 0.9)
    with say("echo_state.spectral_radius: expected W of shape (n, n), got (2, 3)"):
        echo_state.spectral_radius(np.ones((2, 3)))
    with say("echo_state.random: expected a density in (0, 1], got 0"):
        echo_state.random(5, 1, 1, rng, density=0)
    with say("echo_state.random: expected n to be an integer of at least 1, got 0"):
        echo_state.random(0, 1, 1, rng)
    with say("echo_state.random: expected m to be an integer of at least 0, got -1"):
        echo_state.random(5, -1, 1, rng)
