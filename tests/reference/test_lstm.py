"""The LSTM in NumPy: against its step, its formula, torch and finite differences; weights to torch and back."""

import re

import numpy as np
import pytest
import torch
from cases import LSTM as Case
from cells import CORNERS, DRAWN, SIZES, all_close, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.pytorch import LSTM
from rnncourse.reference import lstm, ops

# ---- the reference: forward --------------------------------------------------------------------------------


def test_forward_is_step_in_a_loop():
    case = Case()
    hs, h_T, c_T, cache = case.forward()
    h, c = case.h0, case.c0
    for t, x_t in enumerate(case.x):
        h, c = lstm.step(x_t, h, c, *case.weights)
        close(h, hs[t], 1e-13)
        close(c, cache.c[t + 1], 1e-13)
    np.testing.assert_array_equal(h_T, hs[-1])
    np.testing.assert_array_equal(c_T, cache.c[-1])
    np.testing.assert_array_equal(cache.h, np.concatenate([case.h0[None], hs]))
    np.testing.assert_array_equal(cache.c[0], case.c0)


def test_gates():
    """σ, σ, tanh, σ of the four blocks of the last axis, for any axes in front."""
    net = np.random.default_rng(0).normal(size=(2, 3, 20))
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    expected = [sigmoid(net[..., :5]), sigmoid(net[..., 5:10]), np.tanh(net[..., 10:15]), sigmoid(net[..., 15:])]
    all_close(lstm.gates(net), expected, 1e-14)
    all_close(lstm.gates(net[0, 0]), [gate[0, 0] for gate in expected], 1e-14)
    with pytest.raises(ValueError, match="expected a last axis that 4 divides, got 18"):
        lstm.gates(net[..., 2:])


def test_forward_stores_the_gates():
    """``cache.gates`` are i, f, g, o as ``gates`` gives them: values after squashing."""
    case = Case()
    x, h0, _, U, W, b = case.arguments
    hs, _, _, cache = case.forward()
    before = np.concatenate([h0[None], hs[:-1]])
    all_close(np.split(cache.gates, 4, axis=-1), lstm.gates(x @ U.T + before @ W.T + b), 1e-13)


def test_step_is_the_formula():
    """Gate by gate and number by number, with nothing of NumPy's but the exponential."""
    case = Case(T=1, B=2, m=3, n=2)
    U, W, b = case.weights
    n, sigmoid = 2, lambda a: 1 / (1 + np.exp(-a))
    h, c = lstm.step(case.x[0], case.h0, case.c0, U, W, b)
    for item, j in np.ndindex(2, n):
        net = [
            sum(U[row, k] * case.x[0, item, k] for k in range(3))
            + sum(W[row, k] * case.h0[item, k] for k in range(n))
            + b[row]
            for row in (j, n + j, 2 * n + j, 3 * n + j)  # i, f, g, o
        ]
        cell = sigmoid(net[1]) * case.c0[item, j] + sigmoid(net[0]) * np.tanh(net[2])
        np.testing.assert_allclose(c[item, j], cell, rtol=1e-13)
        np.testing.assert_allclose(h[item, j], sigmoid(net[3]) * np.tanh(cell), rtol=1e-13)


def test_step_takes_one_vector_or_a_batch():
    case = Case()
    batch = lstm.step(case.x[0], case.h0, case.c0, *case.weights)
    one = lstm.step(case.x[0, 1], case.h0[1], case.c0[1], *case.weights)
    all_close(one, [state[1] for state in batch], 1e-13)


def test_open_forget_gate_and_shut_input_gate_keep_the_cell():
    """Exactly: f = 1 and i = 0 are reached in floating point, and 1 · c + 0 · g is c."""
    case = Case(T=50)
    i, f = case.weights.b[:5], case.weights.b[5:10]
    i[:], f[:] = -1e3, 1e3
    np.testing.assert_array_equal(case.forward()[2], case.c0)
    grads = lstm.backward(0 * case.dhs, 0 * case.dh_T, case.dc_T, case.forward()[-1])
    np.testing.assert_array_equal(grads.c0, case.dc_T)
    assert not any(a.any() for a in (grads.x, grads.h0, grads.U, grads.W, grads.b))


def test_no_steps():
    case = Case(T=0)
    hs, h_T, c_T, cache = case.forward()
    assert hs.shape == (0, 3, 5)
    np.testing.assert_array_equal(h_T, case.h0)
    np.testing.assert_array_equal(c_T, case.c0)
    grads = case.backward()
    np.testing.assert_array_equal(grads.h0, case.dh_T)
    np.testing.assert_array_equal(grads.c0, case.dc_T)
    assert not np.shares_memory(grads.h0, case.dh_T) and not np.shares_memory(grads.c0, case.dc_T)
    assert grads.x.shape == (0, 3, 4) and not any(a.any() for a in (grads.U, grads.W, grads.b))


# ---- the reference: backward -------------------------------------------------------------------------------


@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_outputs_and_gradients_against_torch(sizes, seed):
    case = Case(**sizes, seed=seed)
    outputs, grads = case.autograd()
    all_close(case.forward()[:3], outputs)
    all_close(case.backward(), grads)


@pytest.mark.parametrize("sizes", CORNERS, ids=str)
def test_corners_against_torch(sizes):
    case = Case(**sizes)
    outputs, grads = case.autograd()
    all_close(case.forward()[:3], outputs)
    all_close(case.backward(), grads)


@pytest.mark.parametrize("output", range(3), ids=["hs", "h_T", "c_T"])
def test_each_output_alone_against_torch(output):
    """One cotangent at a time, so that none can stand in for another."""
    case = Case()
    for i, d in enumerate(case.cotangents):
        d *= i == output
    all_close(case.backward(), case.autograd()[1])


@pytest.mark.parametrize("numbers", [1, 100, 150])
def test_factors_of_any_number_of_steps_at_once(numbers, monkeypatch):
    """Blocks of one step, of several, and with a rest: small cases would else be one block."""
    case = Case(T=7, B=2, n=5)
    monkeypatch.setattr(ops, "CACHED", numbers)
    assert len(ops.blocks(7, 40)) == {1: 7, 100: 4, 150: 3}[numbers]
    all_close(case.backward(), case.autograd()[1])


def test_gradients_against_finite_differences():
    case, rng = Case(), np.random.default_rng(1)
    arguments = case.arguments
    assert gradients.gradient_error(case.loss, arguments, case.backward(), rng) < 1e-7
    for i in range(len(arguments)):  # each alone, so that a small one cannot hide behind a large one
        alone = lambda a, i=i: case.loss(*arguments[:i], a, *arguments[i + 1 :])  # noqa: E731
        assert gradients.gradient_error(alone, arguments[i : i + 1], case.backward()[i : i + 1], rng) < 1e-7


def test_float32_stays_float32_and_stays_close():
    single, double = Case(dtype=np.float32, T=50), Case(T=50)
    outputs, grads = single.forward(), single.backward()
    assert {a.dtype for a in (*outputs[:3], *outputs[3], *grads)} == {np.dtype(np.float32)}
    for ours, exact in zip((*outputs[:3], *grads), (*double.forward()[:3], *double.backward()), strict=True):
        assert gradients.relative_error(ours, exact) < 1e-5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_gates(dtype):
    """Inputs of ±1000: every gate is at an end. Nothing overflows or warns; gradients are mostly rounding."""
    case = Case(dtype=dtype, m=2)
    case.x = np.sign(case.x) * dtype(1e3)
    outputs, grads = case.autograd()
    assert all(np.isfinite(a).all() for a in (*case.forward()[:3], *case.backward()))
    for ours, theirs in zip((*case.forward()[:3], *case.backward()), (*outputs, *grads), strict=True):
        np.testing.assert_allclose(ours, theirs.detach(), rtol=0, atol=1e5 * np.finfo(dtype).eps)


@pytest.mark.parametrize("cuts", [(1,), (5,), (2, 3), (1, 2, 3, 4, 5)], ids=str)
def test_chunks_make_the_whole(cuts):
    """Forward: both states go from chunk to chunk. Backward: dh and dc come back from chunk to chunk."""
    case = Case()
    whole = case.backward()
    h, c, parts, caches = case.h0, case.c0, [], []
    for x in np.split(case.x, cuts):
        out, h, c, cache = lstm.forward(x, h, c, *case.weights)
        parts.append(out)
        caches.append(cache)
    all_close([np.concatenate(parts), h, c], case.forward()[:3], 1e-13)
    dh, dc, grads = case.dh_T, case.dc_T, []
    for dhs, cache in zip(reversed(np.split(case.dhs, cuts)), reversed(caches), strict=True):
        grads.insert(0, lstm.backward(dhs, dh, dc, cache))
        dh, dc = grads[0].h0, grads[0].c0
    close(np.concatenate([g.x for g in grads]), whole.x, 1e-13)
    all_close([dh, dc], [whole.h0, whole.c0], 1e-13)
    for name in ("U", "W", "b"):
        close(sum(getattr(g, name) for g in grads), getattr(whole, name), 1e-13)


def test_batch_items_do_not_touch_each_other():
    case, other = Case(), Case(seed=9)
    whole = case.backward()
    for item in range(3):
        alone = Case()
        for name in ("x", "h0", "c0", "dhs", "dh_T", "dc_T"):
            getattr(alone, name)[..., :, :] = getattr(other, name)
            getattr(alone, name)[..., item, :] = getattr(case, name)[..., item, :]
        for ours, expected in zip(alone.forward()[:3], case.forward()[:3], strict=True):
            close(ours[..., item, :], expected[..., item, :], 1e-13)
        for ours, expected in zip(alone.backward()[:3], whole[:3], strict=True):
            close(ours[..., item, :], expected[..., item, :], 1e-13)


def test_a_padded_tail_is_inert():
    """Steps after the last asked output, with cotangent zero, change no gradient, whatever stands in them."""
    case, padded = Case(), Case()
    for each in (case, padded):
        each.dh_T[:], each.dc_T[:] = 0, 0
    padded.x = np.concatenate([case.x, np.full((4, 3, 4), 7.0)])
    padded.dhs = np.concatenate([case.dhs, np.zeros((4, 3, 5))])
    short, long = case.backward(), padded.backward()
    close(padded.forward()[0][:6], case.forward()[0], 1e-13)
    close(long.x[:6], short.x, 1e-13)
    assert not long.x[6:].any()
    all_close(long[1:], short[1:], 1e-13)


def test_backward_writes_to_nothing_and_repeats():
    """Also where the cotangents are parts of one array, or one array is given twice."""
    case = Case()
    cache = case.forward()[-1]
    given = (*case.arguments, *case.cotangents, *cache)
    before = [a.copy() for a in given]
    first, second = (lstm.backward(*case.cotangents, cache) for _ in range(2))
    for a, b in zip((*before, *first), (*given, *second), strict=True):
        np.testing.assert_array_equal(a, b)
    for grad in first:
        assert not any(np.shares_memory(grad, a) for a in given)
    case.dc_T = case.dh_T = case.dhs[-1]
    all_close(lstm.backward(case.dhs, case.dhs[-1], case.dhs[-1], cache), case.autograd()[1])


def test_arrays_of_any_layout():
    """Batch first, turned round; every second column; read-only: the values count, not how they lie in memory."""
    case, other = Case(), Case()
    whole = (*case.forward()[:3], *case.backward())
    other.x = np.ascontiguousarray(case.x.transpose(1, 0, 2)).transpose(1, 0, 2)
    other.dhs = np.repeat(case.dhs, 2, axis=2)[..., ::2]
    other.weights = lstm.Weights(*(np.asfortranarray(a) for a in case.weights))
    for a in (*other.arguments, *other.cotangents):
        a.flags.writeable = False
    all_close((*other.forward()[:3], *other.backward()), whole, 1e-13)


def test_errors():
    case = Case()
    x, h0, c0, U, W, b = case.arguments
    cache = case.forward()[-1]
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("lstm.forward: expected x of shape (T, B, m=4), got (6, 3, 3)"):
        lstm.forward(x[..., 1:], h0, c0, U, W, b)
    with say("lstm.forward: expected c0 of shape (B=3, n=5), got (5,)"):
        lstm.forward(x, h0, c0[0], U, W, b)
    with say("lstm.forward: expected U of shape (4n, m), got (19, 4)"):
        lstm.forward(x, h0, c0, U[1:], W, b)
    with say("lstm.forward: expected b of shape (4n=20,), got (5,)"):
        lstm.forward(x, h0, c0, U, W, b[:5])
    with say("lstm.step: expected c of shape (3, n=5), got (1, 5)"):
        lstm.step(x[0], h0, c0[:1], U, W, b)
    with say("lstm.forward: expected c0 of dtype float64, as U has, got float32"):
        lstm.forward(x, h0, c0.astype(np.float32), U, W, b)
    with say("lstm.forward: expected finite values in c0, got 1 NaN or infinite, first at (0, 2)"):
        lstm.forward(x, h0, np.where(c0 == c0[0, 2], np.inf, c0), U, W, b)
    with say("lstm.backward: expected dhs of shape (T=6, B=3, n=5), got (5, 3, 5)"):
        lstm.backward(case.dhs[1:], case.dh_T, case.dc_T, cache)
    with say("lstm.backward: expected dc_T of shape (B=3, n=5), got (1, 3, 5)"):
        lstm.backward(case.dhs, case.dh_T, case.dc_T[None], cache)
    with say("lstm.backward: expected dh_T of dtype float64, as hs has, got float32"):
        lstm.backward(case.dhs, case.dh_T.astype(np.float32), case.dc_T, cache)


# ---- weights to torch and back -----------------------------------------------------------------------------


def test_weights_to_torch_and_back():
    case = Case()
    module = lstm.to_torch(*case.weights)
    for there, here in zip(lstm.from_torch(module), case.weights, strict=True):
        np.testing.assert_array_equal(there, here)
    module.weight_hh_l0.data.zero_()  # a copy each way: neither writes into the other
    assert case.weights.W.all()
    assert lstm.to_torch(*Case(dtype=np.float32).weights).weight_hh_l0.dtype == torch.float32


def test_from_torch():
    plain = torch.nn.LSTM(3, 4)
    b = lstm.from_torch(plain).b
    np.testing.assert_array_equal(b, (plain.bias_ih_l0 + plain.bias_hh_l0).detach().numpy())
    ours = LSTM(3, 4, dtype=torch.float64)
    weights = lstm.from_torch(ours)
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    hs, h_T, c_T, _ = lstm.forward(x.numpy(), np.zeros((2, 4)), np.zeros((2, 4)), *weights)
    expected, (expected_h, expected_c) = ours(x)
    all_close([hs, h_T, c_T], [expected, expected_h[0], expected_c[0]])
    without = torch.nn.LSTM(3, 4, bias=False, dtype=torch.float64)
    weights = lstm.from_torch(without)
    assert not weights.b.any() and weights.b.shape == (16,)
    close(lstm.forward(x.numpy(), np.zeros((2, 4)), np.zeros((2, 4)), *weights)[0], without(x)[0])


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (torch.nn.LSTM(3, 4, num_layers=2), "got also bias_hh_l1, bias_ih_l1, weight_hh_l1, weight_ih_l1"),
        (torch.nn.LSTM(3, 4, bidirectional=True), "got also bias_hh_l0_reverse"),
        (torch.nn.LSTM(3, 4, proj_size=2), "got also weight_hr_l0"),
        (LSTM(3, 4, num_layers=2), "got also bias_hh_l1"),
        (torch.nn.RNN(3, 4), "expected a torch.nn.LSTM, got RNN"),
        (torch.nn.GRU(3, 4, bias=False), "expected a torch.nn.LSTM, got GRU"),
        (torch.nn.Linear(3, 4), "got also bias, weight"),
        (torch.nn.Tanh(), "expected a torch.nn.LSTM, got Tanh"),
    ],
    ids=str,
)
def test_from_torch_refuses(module, message):
    with pytest.raises(ValueError, match=f"lstm.from_torch: .*{message}"):
        lstm.from_torch(module)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e5m2], ids=str)
def test_from_torch_refuses_a_dtype_that_NumPy_has_not(dtype):
    message = f"lstm.from_torch: expected a dtype that NumPy has, got {dtype}: first call module.float()"
    with pytest.raises(ValueError, match=re.escape(message)):
        lstm.from_torch(torch.nn.LSTM(3, 4).to(dtype))
    assert lstm.from_torch(torch.nn.LSTM(3, 4).half()).U.dtype == np.float16


def test_to_torch_refuses():
    U, W, b = Case().weights
    with pytest.raises(ValueError, match=re.escape("lstm.to_torch: expected W of shape (4n=20, n=5), got (20, 4)")):
        lstm.to_torch(U, U, b)
    with pytest.raises(ValueError, match=re.escape("lstm.to_torch: expected U of shape (4n, m), got (5, 4)")):
        lstm.to_torch(U[:5], W, b)
