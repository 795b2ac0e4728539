"""The tools that check gradients, checked; flow, Jacobians and Lyapunov exponent against what is known."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rnncourse import gradients
from rnncourse.pytorch import gru as pytorch_gru
from rnncourse.pytorch import lstm as pytorch_lstm
from rnncourse.pytorch import rnn as pytorch_rnn
from rnncourse.pytorch import variants
from rnncourse.reference import gru as reference_gru
from rnncourse.reference import lstm as reference_lstm
from rnncourse.reference import ops
from rnncourse.reference import rnn as reference_rnn

BOTH = pytest.mark.parametrize("package", ["reference", "pytorch"])


def case(package, T=6, B=2, m=3, n=4, gain=1.0, f="tanh", seed=0, dtype=np.float64):
    """cell, x, h0, weights, dh_T with random values, in the package's kind of array."""
    rng = np.random.default_rng(seed)
    shapes = [(T, B, m), (B, n), (n, m), (n, n), (n,), (B, n)]
    arrays = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    arrays[3] *= dtype(gain / n**0.5)
    if package == "pytorch":
        x, h0, *weights, dh_T = map(torch.from_numpy, arrays)
        return pytorch_rnn, x, h0, (*weights, getattr(torch, f)), dh_T
    x, h0, *weights, dh_T = arrays
    return reference_rnn, x, h0, (*weights, getattr(ops, f)), dh_T


# ---- is it right? ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0),
        ([0.0, 0.0], [0.0, 0.0], 0),
        ([], [], 0),
        ([0.0, 0.0], [0.0, 1e-300], 1),
        ([3.0], [-3.0], 2),
        ([4.0, 0.0], [4.0, 1.0], 0.25),
        ([1e-9, 100.0], [2e-9, 100.0], 1e-11),
        (2.0, 1.0, 0.5),
        ([[1, 2], [3, 4]], [[1, 2], [3, 2]], 0.5),
    ],
    ids=str,
)
def test_relative_error(a, b, error):
    a, b = np.array(a), np.array(b)
    assert gradients.relative_error(a, b) == gradients.relative_error(b, a) == pytest.approx(error, rel=1e-6, abs=0)
    assert gradients.relative_error(torch.from_numpy(a), b) == gradients.relative_error(a, b)


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [
        (np.array([3], np.uint8), np.array([5], np.uint8), 0.4),  # 3 − 5 = 254
        (np.array([0, 7], np.uint16), np.array([1, 7], np.uint16), 1 / 7),
        (np.array([-128], np.int8), np.array([127], np.int8), 255 / 128),
        (np.array([True, False]), np.array([True, True]), 1),
        (np.array([60000], np.float16), np.array([-60000], np.float16), 2),  # 120000 is infinite
        (np.array([3e38], np.float32), np.array([-3e38], np.float32), 2),
        (np.array([1.7e308]), np.array([-1.7e308]), 2),
        (np.array([5e-324]), np.array([-5e-324]), 2),
        (np.array([1 + 1j]), np.array([-1 - 1j]), 2),
        (np.array([1.5], np.float32), np.array([1.0]), 1 / 3),
        (torch.tensor([1.5], dtype=torch.bfloat16), torch.tensor([1.0], dtype=torch.bfloat16), 1 / 3),
        (torch.tensor([1.5], dtype=torch.bfloat16), np.array([1.0]), 1 / 3),
        (torch.tensor([3], dtype=torch.uint8), torch.tensor([5], dtype=torch.uint8), 0.4),
    ],
    ids=lambda a: str(getattr(a, "dtype", a)),
)
def test_relative_error_of_any_dtype(a, b, error):
    got = gradients.relative_error(a, b)
    assert got == gradients.relative_error(b, a) == pytest.approx(error) and got <= 2
    assert gradients.relative_error(a, a) == gradients.relative_error(b, b) == 0


def test_relative_error_takes_what_autograd_gives():
    a = torch.ones(3, requires_grad=True)
    assert gradients.relative_error(a * 2, np.full(3, 2.0)) == 0


def test_relative_error_refuses():
    with pytest.raises(ValueError, match=re.escape("relative_error: expected b of shape (3,), as a has, got (1, 3)")):
        gradients.relative_error(np.ones(3), np.ones((1, 3)))
    with pytest.raises(
        ValueError, match=re.escape("expected finite values in b, got 1 NaN or infinite, first at (1,)")
    ):
        gradients.relative_error(np.ones(2), np.array([1, np.nan]))


def test_random_direction_is_one_unit_vector_over_all_arrays():
    arrays = [np.ones((3, 4)), torch.ones(5), np.ones(())]
    d = gradients.random_direction(arrays, np.random.default_rng(0))
    assert [np.shape(a) for a in d] == [(3, 4), (5,), ()]
    assert sum(np.sum(a * a) for a in d) == pytest.approx(1)
    again = gradients.random_direction(arrays, np.random.default_rng(0))
    assert all(np.array_equal(a, b) for a, b in zip(d, again, strict=True))


def test_finite_difference_of_a_known_function():
    A, v = np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0.5, -1.0])
    loss = lambda A, v: v @ A @ v + np.sin(v[0])  # noqa: E731
    gradient = [np.outer(v, v), (A + A.T) @ v + [np.cos(0.5), 0]]
    for i, array in enumerate((A, v)):
        for index in np.ndindex(array.shape):  # a unit vector gives one entry
            direction = [np.zeros_like(A), np.zeros_like(v)]
            direction[i][index] = 1
            slope = gradients.finite_difference(loss, [A, v], direction)
            assert slope == pytest.approx(gradient[i][index], rel=1e-9, abs=1e-9)
    assert gradients.gradient_error(loss, [A, v], gradient, np.random.default_rng(0)) < 1e-9


@pytest.mark.parametrize("which", range(5))
def test_a_wrong_gradient_does_not_pass(which):
    """One entry of one of five gradients off by a per cent of the largest: far above 1e-7."""
    cell, x, h0, weights, dh_T = case("reference")
    arguments = [x, h0, *weights[:3]]
    loss = lambda *a: np.sum(dh_T * cell.forward(*a)[0])  # noqa: E731
    grads = cell.backward(np.stack([dh_T] * 6), 0 * dh_T, cell.forward(x, h0, *weights)[-1])
    rng = np.random.default_rng(0)
    assert gradients.gradient_error(loss, arguments, grads, rng) < 1e-7
    grads[which].flat[-1] += 0.01 * np.abs(grads[which]).max()
    assert gradients.gradient_error(loss, arguments, grads, rng) > 1e-5


def test_torch_functions_are_checked_alike():
    cell, x, h0, weights, dh_T = case("pytorch")
    arguments = [a.requires_grad_() for a in (x, h0, *weights[:3])]
    loss = lambda *a: (cell.forward(*a)[1] * dh_T).sum()  # noqa: E731
    grads = torch.autograd.grad(loss(*arguments), arguments)
    assert gradients.gradient_error(loss, arguments, grads, np.random.default_rng(0)) < 1e-7


def test_checks_refuse():
    loss, rng = (lambda a: a.sum()), np.random.default_rng(0)
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("gradients.gradient_error: expected arrays[0] of dtype float64, got float32"):
        gradients.gradient_error(loss, [np.ones(3, np.float32)], [np.ones(3)], rng)
    with say("gradients.finite_difference: expected arrays[0] of dtype float64, got torch.float32"):
        gradients.finite_difference(loss, [torch.ones(3)], [np.ones(3)])
    with say("gradients.finite_difference: expected arrays[0] to be an array, got float"):
        gradients.finite_difference(loss, [1.0], [1.0])
    with say("finite_difference: expected finite values in arrays[0], got 1 NaN or infinite, first at (0,)"):
        gradients.finite_difference(loss, [np.array([np.nan])], [np.ones(1)])
    with say("gradients.finite_difference: expected a direction of shapes [(3,)], got [(4,)]"):
        gradients.finite_difference(loss, [np.ones(3)], [np.ones(4)])
    with say("gradients.gradient_error: expected grads of shapes [(3,)], got [(1, 3)]"):
        gradients.gradient_error(loss, [np.ones(3)], [np.ones((1, 3))], rng)
    for step in (0, -1e-5, np.nan):
        with say(f"gradients.finite_difference: expected step above 0, got {step}"):
            gradients.finite_difference(loss, [np.ones(3)], [np.ones(3)], step)


@pytest.mark.parametrize("directions", [0, -3, 2.5])
def test_no_direction_is_no_check(directions):
    """A wrong gradient must not pass because nothing was compared."""
    loss, rng = (lambda a: a.sum()), np.random.default_rng(0)
    message = f"gradient_error: expected directions to be an integer of at least 1, got {directions}"
    with pytest.raises(ValueError, match=message):
        gradients.gradient_error(loss, [np.ones(3)], [np.zeros(3)], rng, directions)
    for arrays in ([], [np.ones((0, 3))]):
        with pytest.raises(ValueError, match="expected arrays with at least one entry, got none"):
            gradients.gradient_error(lambda *a: 0.0, arrays, arrays, rng)


# ---- how far back does it reach? ---------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("f", ["tanh", "relu"])
@pytest.mark.parametrize("sizes", [{}, {"T": 1}, {"B": 1}, {"n": 1, "m": 1}, {"T": 40}], ids=str)
def test_gradient_flow_against_autograd(package, f, sizes):
    cell, x, h0, weights, dh_T = case(package, f=f, **sizes)
    flow = gradients.gradient_flow(cell, x, h0, weights, dh_T)
    assert isinstance(flow, np.ndarray) and flow.shape == (len(x) + 1, *h0.shape)
    _, x, h, weights, dh_T = case("pytorch", f=f, **sizes)
    states = [h.requires_grad_()]
    for x_t in x:
        states.append(pytorch_rnn.step(x_t, states[-1], *weights))
    expected = torch.autograd.grad((states[-1] * dh_T).sum(), states)
    assert gradients.relative_error(flow, torch.stack(expected)) < 1e-12


def test_gradient_flow_starts_where_backward_ends():
    cell, x, h0, weights, dh_T = case("reference")
    grads = cell.backward(np.zeros((6, 2, 4)), dh_T, cell.forward(x, h0, *weights)[-1])
    flow = gradients.gradient_flow(cell, x, h0, weights, dh_T)
    assert gradients.relative_error(flow[0], grads.h0) < 1e-14
    np.testing.assert_array_equal(flow[-1], dh_T)


@BOTH
def test_jacobian_of_the_simple_network(package):
    """J = diag(1 − h²) W for tanh, and the Jacobian that torch finds."""
    cell, x, h0, weights, _ = case(package)
    J = gradients.jacobian(cell, x[0], h0, weights)
    U, W, b = (gradients.as_numpy(a) for a in weights[:3])
    h = np.tanh(gradients.as_numpy(x)[0] @ U.T + gradients.as_numpy(h0) @ W.T + b)
    assert gradients.relative_error(J, (1 - h * h)[:, :, None] * W) < 1e-14
    _, x, h0, weights, _ = case("pytorch")
    for item in range(2):
        step = lambda h, i=item: pytorch_rnn.step(x[0, i], h, *weights)  # noqa: E731
        assert gradients.relative_error(J[item], torch.autograd.functional.jacobian(step, h0[item])) < 1e-14


@BOTH
def test_jacobians_products_and_singular_values(package):
    cell, x, h0, weights, dh_T = case(package, gain=1.5)
    J = gradients.jacobians(cell, x, h0, weights)
    assert J.shape == (6, 2, 4, 4)
    P = gradients.products(J)
    np.testing.assert_array_equal(P[6], np.broadcast_to(np.eye(4), (2, 4, 4)))
    assert gradients.relative_error(P[3, 1], J[5, 1] @ J[4, 1] @ J[3, 1]) < 1e-14
    flow = gradients.gradient_flow(cell, x, h0, weights, dh_T)
    pulled = np.einsum("tbij,bi->tbj", P, gradients.as_numpy(dh_T))
    assert gradients.relative_error(flow, pulled) < 1e-12
    sigma = gradients.singular_values(J)
    assert sigma.shape == (7, 2, 4) and (np.diff(sigma, axis=-1) <= 0).all()
    np.testing.assert_allclose(sigma[6], 1)
    np.testing.assert_allclose(sigma[..., 0], np.linalg.norm(P, 2, axis=(-2, -1)))
    np.testing.assert_allclose(sigma[5:].prod(-1), np.abs(np.linalg.det(P[5:])), rtol=1e-9)
    shrunk = np.linalg.norm(flow, axis=-1) / np.linalg.norm(gradients.as_numpy(dh_T), axis=-1)
    assert (shrunk <= sigma[..., 0] * (1 + 1e-12)).all() and (shrunk >= sigma[..., -1] * (1 - 1e-12)).all()


@BOTH
def test_no_steps(package):
    cell, x, h0, weights, dh_T = case(package, T=0)
    np.testing.assert_array_equal(gradients.gradient_flow(cell, x, h0, weights, dh_T), gradients.as_numpy(dh_T)[None])
    J = gradients.jacobians(cell, x, h0, weights)
    assert J.shape == (0, 2, 4, 4) and gradients.products(J).shape == (1, 2, 4, 4)
    with pytest.raises(ValueError, match="gradients.lyapunov: expected at least one step in x, got none"):
        gradients.lyapunov(cell, x, h0, weights)


@BOTH
def test_dtype_and_grad_mode(package):
    cell, x, h0, weights, dh_T = case(package, dtype=np.float32)
    with torch.no_grad():  # as in an evaluation loop
        flow = gradients.gradient_flow(cell, x, h0, weights, dh_T)
        J = gradients.jacobians(cell, x, h0, weights)
    assert flow.dtype == J.dtype == gradients.singular_values(J).dtype == np.float32


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(name, dtype):
    """bfloat16, which NumPy does not have, comes back as float32; the values are those of float64, rounded."""
    cell, x, h0, weights, dh_T = case("pytorch") if name == "rnn" else gated(name, "pytorch")
    weights = [w / 2 for w in weights[:3]] + list(weights[3:] if name == "gru" else ())
    half = lambda a: tuple(map(half, a)) if isinstance(a, tuple) else a.to(dtype)  # noqa: E731
    small = half(x), half(h0), [half(w) for w in weights]
    expected = np.float32 if dtype == torch.bfloat16 else np.float16
    x, h0, weights = (torch.utils._pytree.tree_map(lambda a: a.double(), part) for part in small)
    for function, more, limit in [
        ("jacobians", (), 0.03),
        ("gradient_flow", (half(dh_T),), 0.1),
        ("lyapunov", (), 0.1),
    ]:
        got = getattr(gradients, function)(cell, *small, *more)
        exact = getattr(gradients, function)(cell, x, h0, weights, *(dh_T for _ in more))
        assert gradients.relative_error(got, exact) < limit, function
        assert got.dtype == (np.float64 if function == "lyapunov" else expected)
    J = gradients.jacobian(cell, small[0][0], *small[1:])
    assert J.dtype == expected
    assert gradients.singular_values(gradients.jacobians(cell, *small)).dtype == np.float32


def test_trained_parameters_need_no_detaching():
    cell, x, h0, weights, dh_T = case("pytorch")
    plain = gradients.gradient_flow(cell, x, h0, weights, dh_T)
    for weight in weights[:3]:
        weight.requires_grad_()
    np.testing.assert_array_equal(gradients.gradient_flow(cell, x, h0, weights, dh_T), plain)
    assert gradients.lyapunov(cell, x, h0, weights).shape == (2,)
    assert all(weight.grad is None for weight in weights[:3])


@pytest.mark.parametrize("function", ["gradient_flow", "jacobians", "lyapunov"])
def test_shapes_are_checked(function):
    cell, x, h0, weights, dh_T = case("reference")
    more = (dh_T,) if function == "gradient_flow" else ()
    with pytest.raises(ValueError, match=re.escape(f"gradients.{function}: expected h0 of shape (B=2, n), got (4,)")):
        getattr(gradients, function)(cell, x, h0[0], weights, *more)
    with pytest.raises(ValueError, match=re.escape("rnn.forward: expected h0 of shape (B=2, n=4), got (2, 5)")):
        wrong = np.ones((2, 5))
        getattr(gradients, function)(cell, x, wrong, weights, *([wrong] if more else []))
    with pytest.raises(
        ValueError, match=re.escape("gradients.products: expected J of shape (T, B, n, n), got (2, 3, 4)")
    ):
        gradients.products(np.ones((2, 3, 4)))


# ---- the Lyapunov exponent ---------------------------------------------------------------------------------


def alone(package, W, h0, T, b=None):
    """x = 0, one item: the network left to itself, with W (n, n), from h0 (n,)."""
    n = len(W)
    b = np.zeros(n) if b is None else b
    arrays = [np.zeros((T, 1, 1)), np.array(h0, float)[None], np.zeros((n, 1)), np.array(W, float), b]
    cell = reference_rnn
    if package == "pytorch":
        cell, arrays = pytorch_rnn, [torch.from_numpy(a) for a in arrays]
    return cell, *arrays[:2], arrays[2:]


@BOTH
@pytest.mark.parametrize("eigenvalues", [[1.7, 1.1, -0.3], [0.9, -0.5, 0.1], [-1.25, 0.5, 0.2]], ids=str)
def test_lyapunov_of_a_linear_map(package, eigenvalues):
    """At h = 0 the tanh network is the linear map W: its exponent is the log of the largest |eigenvalue|."""
    S = np.random.default_rng(2).normal(size=(3, 3))
    W = S @ np.diag(eigenvalues) @ np.linalg.inv(S)
    exponent = gradients.lyapunov(*alone(package, W, np.zeros(3), T=200), discard=100)
    np.testing.assert_allclose(exponent, [np.log(np.abs(eigenvalues).max())], atol=1e-10)


@BOTH
@pytest.mark.parametrize(("w", "start"), [(2.0, 0.5), (2.0, -0.5), (0.7, 0.9), (1.2, 0.1), (-1.5, 0.4)])
def test_lyapunov_of_one_unit(package, w, start):
    """h ← tanh(w h) settles at h* (for w < −1: jumps between h* and −h*), where λ = log |w (1 − h*²)|."""
    h = start
    for _ in range(2000):
        h = np.tanh(w * h)
    exponent = gradients.lyapunov(*alone(package, [[w]], [start], T=900), discard=800)
    np.testing.assert_allclose(exponent, [np.log(abs(w * (1 - h * h)))], atol=1e-9)
    assert exponent < 0


def test_lyapunov_of_a_rotation_is_zero():
    c, s = np.cos(0.3), np.sin(0.3)
    np.testing.assert_allclose(gradients.lyapunov(*alone("reference", [[c, -s], [s, c]], [0, 0], T=50)), 0, atol=1e-14)


def test_lyapunov_of_a_growing_relu_network():
    W = np.array([[1.0, 0.3], [0.2, 0.9]])
    cell, x, h0, weights = alone("reference", W, [1, 1], T=300)
    exponent = gradients.lyapunov(cell, x, h0, (*weights, ops.relu), discard=200)
    np.testing.assert_allclose(exponent, np.log(np.abs(np.linalg.eigvals(W)).max()), atol=1e-12)


def test_lyapunov_of_what_dies_is_minus_infinity():
    cell, x, h0, weights = alone("reference", [[1.0]], [1], T=9, b=np.array([-2.0]))
    assert gradients.lyapunov(cell, x, h0, (*weights, ops.relu)) == -np.inf
    assert gradients.lyapunov(cell, x, h0, (*weights, ops.relu), discard=5) == -np.inf


def test_lyapunov_is_the_growth_of_gradients():
    """A large chaotic network: per step, its gradient grows by the exponent of the forward pass."""
    rng = np.random.default_rng(0)
    n, T = 60, 600
    W = 2.0 * rng.normal(size=(n, n)) / n**0.5
    cell, x, h0, weights = alone("reference", W, rng.normal(size=n), T)
    exponent = gradients.lyapunov(cell, x, h0, weights, discard=100)
    flow = gradients.gradient_flow(cell, x, h0, weights, rng.normal(size=(1, n)))
    lengths = np.log(np.linalg.norm(flow, axis=-1))
    growth = (lengths[100] - lengths[600 - 100]) / 400
    assert exponent > 0.1
    np.testing.assert_allclose(growth, exponent, atol=0.03)


def test_lyapunov_of_each_item_of_a_batch_and_of_both_packages():
    cell, x, h0, weights, _ = case("reference", T=50)
    both = gradients.lyapunov(cell, x, h0, weights)
    np.testing.assert_allclose(gradients.lyapunov(*case("pytorch", T=50)[:4]), both, rtol=1e-10)
    swapped = gradients.lyapunov(cell, x[:, :1], h0[:1], weights, discard=20)
    np.testing.assert_allclose(gradients.lyapunov(cell, x, h0, weights, discard=20)[:1], swapped, rtol=1e-4)


@pytest.mark.parametrize("discard", [-1, 6, 1.5])
def test_lyapunov_refuses(discard):
    cell, x, h0, weights, _ = case("reference")
    with pytest.raises(ValueError, match=f"gradients.lyapunov: expected discard in 0 … 5, got {discard}"):
        gradients.lyapunov(cell, x, h0, weights, discard=discard)


def test_any_module_with_the_same_functions_is_a_cell():
    """Nothing of the simple network is built in: a map h ← x + 3h, written as a cell, has Jacobian 3."""
    cell = SimpleNamespace(
        forward=lambda x, h: (x + 3 * h, 3 * h + x[-1], None),
        backward=lambda dhs, dh_T, cache: SimpleNamespace(h0=3 * dh_T),
    )
    J = gradients.jacobian(cell, np.ones((2, 4)), np.ones((2, 4)), ())
    np.testing.assert_array_equal(J, np.broadcast_to(3 * np.eye(4), (2, 4, 4)))


# ---- cells with gates: one state, and two ------------------------------------------------------------------

PYTORCH = {"gru": pytorch_gru, "lstm": pytorch_lstm}
CELLS = {"reference": {"gru": reference_gru, "lstm": reference_lstm}, "pytorch": PYTORCH}
GATED = pytest.mark.parametrize("name", ["gru", "lstm"])


def gated(name, package, T=6, B=2, m=3, n=4, gain=1.0, seed=0, dtype=np.float64):
    """cell, x, state, weights, cotangent: of an LSTM the last two are pairs."""
    rng, k = np.random.default_rng(seed), {"gru": 3, "lstm": 4}[name]
    shapes = [(k * n, m), (k * n, n), (k * n,)] + [(n,)] * (name == "gru")
    count = {"gru": 1, "lstm": 2}[name]
    arrays = [rng.normal(size=s).astype(dtype) for s in [(T, B, m), *[(B, n)] * (2 * count), *shapes]]
    arrays[2 + 2 * count] *= dtype(gain)
    if package == "pytorch":
        arrays = [torch.from_numpy(a) for a in arrays]
    x, *states, weights = *arrays[: 1 + 2 * count], arrays[1 + 2 * count :]
    h0, d = tuple(states[:count]), tuple(states[count:])
    return CELLS[package][name], x, h0 if count == 2 else h0[0], weights, d if count == 2 else d[0]


def one_vector(name, x, weights, n):
    """The steps through x as a function of all that is remembered, laid end to end: (n,) or (2n,), one item."""

    def run(state):
        parts = state.split(n)
        for x_t in x:
            after = PYTORCH[name].step(x_t, *parts, *weights)
            parts = after if name == "lstm" else (after,)
        return torch.cat(tuple(parts))

    return run


@GATED
@BOTH
@pytest.mark.parametrize("sizes", [{}, {"B": 1}, {"n": 1, "m": 1}, {"n": 3}], ids=str)
def test_gated_jacobian_against_autograd(package, name, sizes):
    cell, x, state, weights, _ = gated(name, package, **sizes)
    J = gradients.jacobian(cell, x[0], state, weights)
    _, x, state, weights, _ = gated(name, "pytorch", **sizes)
    flat = torch.from_numpy(gradients.joined(state))
    B, size = flat.shape
    n = weights[1].shape[1]
    assert J.shape == (B, size, size) and size == n * (2 if name == "lstm" else 1)
    for item in range(B):
        expected = torch.autograd.functional.jacobian(one_vector(name, x[:1, item], weights, n), flat[item])
        assert gradients.relative_error(J[item], expected) < 1e-13


@GATED
@BOTH
def test_gated_jacobians_products_and_flow_against_autograd(package, name):
    """Every product of Jacobians is the Jacobian of the last state by that one; the flow is its transpose at work."""
    cell, x, state, weights, d = gated(name, package)
    J = gradients.jacobians(cell, x, state, weights)
    P, sigma = gradients.products(J), gradients.singular_values(J)
    flow = gradients.gradient_flow(cell, x, state, weights, d)
    _, x, state, weights, d = gated(name, "pytorch")
    flat, d, n = torch.from_numpy(gradients.joined(state)), gradients.joined(d), 4
    assert J.shape == (6, *flat.shape, flat.shape[1]) and flow.shape == (7, *flat.shape)
    for item in range(2):
        way = flat[item]
        for t in range(6):
            rest = one_vector(name, x[t:, item], weights, n)
            expected = torch.autograd.functional.jacobian(rest, way)
            assert gradients.relative_error(P[t, item], expected) < 1e-12
            assert gradients.relative_error(flow[t, item], expected.T @ torch.from_numpy(d[item])) < 1e-12
            step = one_vector(name, x[t : t + 1, item], weights, n)
            assert gradients.relative_error(J[t, item], torch.autograd.functional.jacobian(step, way)) < 1e-13
            way = step(way)
    np.testing.assert_array_equal(flow[6], d)
    np.testing.assert_allclose(sigma[..., 0], np.linalg.norm(P, 2, axis=(-2, -1)))


@BOTH
def test_of_two_states_h_comes_first(package):
    """∂h/∂c = o (1 − tanh²c) f, ∂c/∂c = f on the diagonal where W is zero; and h is not needed at all."""
    cell, x, (h, c), weights, _ = gated("lstm", package, gain=0)
    J = gradients.jacobian(cell, x[0], (h, c), weights)
    assert not J[:, :, :4].any()
    U, b = gradients.as_numpy(weights[0]), gradients.as_numpy(weights[2])
    i, f, g, o = np.split(gradients.as_numpy(x)[0] @ U.T + b, 4, axis=-1)
    i, f, o = (ops.sigmoid(a) for a in (i, f, o))
    after = f * gradients.as_numpy(c) + i * np.tanh(g)
    for item in range(2):
        np.testing.assert_allclose(J[item, 4:, 4:], np.diag(f[item]), rtol=1e-12, atol=1e-16)
        by_c = o[item] * (1 - np.tanh(after[item]) ** 2) * f[item]
        np.testing.assert_allclose(J[item, :4, 4:], np.diag(by_c), rtol=1e-12, atol=1e-16)


@GATED
def test_gated_flow_starts_where_backward_ends(name):
    cell, x, state, weights, d = gated(name, "reference")
    parts = gradients.parts
    hs, *_, cache = cell.forward(x, *parts(state), *weights)
    grads = cell.backward(np.zeros_like(hs), *parts(d), cache)
    expected = np.concatenate([grads.h0, grads.c0] if name == "lstm" else [grads.h0], axis=-1)
    assert gradients.relative_error(gradients.gradient_flow(cell, x, state, weights, d)[0], expected) < 1e-13


@GATED
def test_gated_both_packages_agree(name):
    ours, theirs = (gated(name, package, T=60) for package in ("reference", "pytorch"))
    for function, more in (("gradient_flow", 5), ("jacobians", 4), ("lyapunov", 4)):
        a, b = (getattr(gradients, function)(*arguments[:more]) for arguments in (ours, theirs))
        assert isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
        assert gradients.relative_error(a, b) < 1e-10, function


@GATED
@BOTH
def test_gated_lyapunov_of_gates_that_hold_still(package, name):
    """Without W and x, a difference shrinks by the forget gate, in a GRU by the update gate; the largest one wins."""
    cell, x, state, weights, _ = gated(name, package, T=400, gain=0)
    x = 0 * x
    gate = ops.sigmoid(gradients.as_numpy(weights[2])[4:8])  # f of i f g o; z of r z g
    exponent = gradients.lyapunov(cell, x, state, weights, discard=300)
    np.testing.assert_allclose(exponent, np.log(gate.max()), atol=1e-6)


@GATED
@BOTH
def test_gated_lyapunov_is_the_growth_of_the_product(package, name):
    cell, x, state, weights, _ = gated(name, package, T=120, gain=3.0)
    J = gradients.jacobians(cell, x, state, weights)
    v = np.random.default_rng(0).normal(size=J.shape[1:3])
    v /= np.linalg.norm(v, axis=-1, keepdims=True)
    end = np.einsum("bij,bj->bi", gradients.products(J)[0], v)
    exponent = gradients.lyapunov(cell, x, state, weights)
    np.testing.assert_allclose(exponent, np.log(np.linalg.norm(end, axis=-1)) / 120, rtol=1e-9)


@GATED
@BOTH
def test_gated_no_steps(package, name):
    cell, x, state, weights, d = gated(name, package, T=0)
    np.testing.assert_array_equal(gradients.gradient_flow(cell, x, state, weights, d), gradients.joined(d)[None])
    J = gradients.jacobians(cell, x, state, weights)
    size = gradients.joined(state).shape[1]
    assert J.shape == (0, 2, size, size) and gradients.products(J).shape == (1, 2, size, size)


@GATED
@BOTH
def test_gated_dtype_and_grad_mode(package, name):
    cell, x, state, weights, d = gated(name, package, dtype=np.float32)
    if package == "pytorch":
        for weight in weights:
            weight.requires_grad_()
    with torch.no_grad():  # as in an evaluation loop
        flow = gradients.gradient_flow(cell, x, state, weights, d)
        J = gradients.jacobians(cell, x, state, weights)
    assert flow.dtype == J.dtype == gradients.singular_values(J).dtype == np.float32
    if package == "pytorch":
        assert all(weight.grad is None for weight in weights)


@BOTH
def test_a_list_of_two_is_a_pair(package):
    cell, x, state, weights, d = gated("lstm", package)
    for function, last in (("gradient_flow", [d]), ("jacobians", []), ("lyapunov", [])):
        call = getattr(gradients, function)
        expected = call(cell, x, state, weights, *last)
        np.testing.assert_array_equal(call(cell, x, list(state), weights, *map(list, last)), expected)


def test_the_lstms_relatives_are_cells_too():
    """A step that declares c among its shapes has two states; gradients asks for no more."""
    _, x, state, weights, d = gated("lstm", "pytorch")
    p = torch.zeros(12, dtype=torch.float64)
    peephole = SimpleNamespace(step=variants.peephole)
    for function, last in (("gradient_flow", [d]), ("jacobians", [])):
        call = getattr(gradients, function)
        plain = call(pytorch_lstm, x, state, weights, *last)
        assert gradients.relative_error(call(peephole, x, state, [*weights, p], *last), plain) < 1e-13


def test_pairs_are_asked_for_where_there_are_two_states():
    cell, x, (h, c), weights, d = gated("lstm", "reference")
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    for function, last in (("gradient_flow", [d]), ("jacobians", []), ("lyapunov", [])):
        call, where = getattr(gradients, function), f"gradients.{function}"
        with say(f"{where}: expected h0 to be the pair (h0, c0), got ndarray"):
            call(cell, x, h, weights, *last)
        with say(f"{where}: expected h0 to be the pair (h0, c0), got tuple of length 3"):
            call(cell, x, (h, c, c), weights, *last)
        with say(f"{where}: expected c0 of shape (B=2, n=4), got (2, 3)"):
            call(cell, x, (h, c[:, 1:]), weights, *last)
    with say("gradients.gradient_flow: expected dh_T to be the pair (dh_T, dc_T), got ndarray"):
        gradients.gradient_flow(cell, x, (h, c), weights, np.concatenate(d, axis=-1))
    with say("gradients.gradient_flow: expected dc_T of shape (B=2, n=4), got (1, 4)"):
        gradients.gradient_flow(cell, x, (h, c), weights, (h, c[:1]))
    with say("gradients.jacobian: expected h to be the pair (h, c), got ndarray"):
        gradients.jacobian(cell, x[0], h, weights)
    with say("gradients.jacobian: expected c of dtype float64, as x has, got float32"):
        gradients.jacobian(cell, x[0], (h, c.astype(np.float32)), weights)


def test_pairs_are_refused_where_there_is_one_state():
    for cell, x, h0, weights, dh_T in (case("reference"), gated("gru", "reference")):
        with pytest.raises(ValueError, match="jacobians: expected h0 to be one array, got tuple of length 2"):
            gradients.jacobians(cell, x, (h0, h0), weights)
        with pytest.raises(ValueError, match="gradient_flow: expected dh_T to be one array, got tuple of length 2"):
            gradients.gradient_flow(cell, x, h0, weights, (dh_T, dh_T))
