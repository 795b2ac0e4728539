"""The simple network in NumPy: against its step, torch and finite differences; truncated; by lag; weights to torch."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from cases import RNN as Case
from cells import CORNERS, DRAWN, SIZES, all_close, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.pytorch import RNN
from rnncourse.reference import ops, readout, rnn

NUMPY = ["reference", "reference.rnn", "reference.lstm", "reference.gru", "reference.readout", "data.text", "gradients"]
NAMES = {ops.tanh: "tanh", ops.relu: "relu"}
NONLINEARITIES = pytest.mark.parametrize("f", NAMES, ids=NAMES.get)


# ---- the reference: forward --------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [ops.tanh, ops.relu, ops.sigmoid], ids=lambda f: f.__name__)
def test_forward_is_step_in_a_loop(f):
    case = Case(f=f)
    hs, h_T, cache = case.forward()
    h = case.h0
    for x_t, expected in zip(case.x, hs, strict=True):
        h = rnn.step(x_t, h, *case.weights, f)
        close(h, expected, 1e-13)
    np.testing.assert_array_equal(h_T, hs[-1])
    np.testing.assert_array_equal(cache.h, np.concatenate([case.h0[None], hs]))


def test_step_takes_one_vector_or_a_batch():
    case = Case()
    batch = rnn.step(case.x[0], case.h0, *case.weights)
    close(rnn.step(case.x[0, 1], case.h0[1], *case.weights), batch[1], 1e-13)


def test_dtype_follows_the_input():
    case = Case()
    x, h0, U, W, b, dhs, dh_T = (a.astype(np.float32) for a in (case.x, case.h0, *case.weights, case.dhs, case.dh_T))
    hs, h_T, cache = rnn.forward(x, h0, U, W, b)
    grads = rnn.backward(dhs, dh_T, cache)
    assert {a.dtype for a in (hs, h_T, *grads, *rnn.by_lag(dhs, dh_T, cache))} == {np.dtype(np.float32)}


def test_no_steps():
    case = Case(T=0)
    hs, h_T, cache = case.forward()
    assert hs.shape == (0, 3, 5)
    np.testing.assert_array_equal(h_T, case.h0)
    grads = rnn.backward(case.dhs, case.dh_T, cache)
    np.testing.assert_array_equal(grads.h0, case.dh_T)
    assert grads.x.shape == (0, 3, 4) and not any(a.any() for a in (grads.U, grads.W, grads.b))


# ---- the reference: backward -------------------------------------------------------------------------------


@NONLINEARITIES
@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_outputs_and_gradients_against_torch(f, sizes, seed):
    case = Case(**sizes, f=f, seed=seed)
    (hs, h_T), grads = case.autograd()
    close(case.forward()[0], hs)
    close(case.forward()[1], h_T)
    all_close(case.backward(), grads)


@NONLINEARITIES
@pytest.mark.parametrize("sizes", CORNERS, ids=str)
def test_corners_against_torch(f, sizes):
    case = Case(**sizes, f=f)
    all_close(case.backward(), case.autograd()[1])


@pytest.mark.parametrize("f", [ops.tanh, ops.sigmoid], ids=lambda f: f.__name__)  # smooth: ReLU has a kink
def test_gradients_against_finite_differences(f):
    case = Case(f=f)
    arguments = (case.x, case.h0, *case.weights)
    rng = np.random.default_rng(1)
    assert gradients.gradient_error(case.loss, arguments, case.backward(), rng) < 1e-7
    for i in range(len(arguments)):  # each alone, so that a small one cannot hide behind a large one
        alone = lambda a, i=i: case.loss(*arguments[:i], a, *arguments[i + 1 :])  # noqa: E731
        assert gradients.gradient_error(alone, arguments[i : i + 1], case.backward()[i : i + 1], rng) < 1e-7


def test_whole_network_against_torch():
    """Loss on every step through V and softmax, all gradients back to x and h0: what chapter 1.3 derives."""
    case, rng = Case(), np.random.default_rng(3)
    V, b_y, targets = rng.normal(size=(7, 5)), rng.normal(size=7), rng.integers(7, size=(6, 3))
    hs, _, cache = case.forward()
    loss, dlogits = ops.cross_entropy(readout.forward(hs, V, b_y), targets)
    top = readout.backward(dlogits, hs, V)
    grads = rnn.backward(top.hs, np.zeros_like(case.h0), cache)

    x, h0, tV, tb_y = (torch.from_numpy(a).requires_grad_() for a in (case.x, case.h0, V, b_y))
    module = rnn.to_torch(*case.weights)
    logits = module(x, h0[None])[0] @ tV.T + tb_y
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).flatten())
    wanted = [x, h0, module.weight_ih_l0, module.weight_hh_l0, module.bias_ih_l0, tV, tb_y]
    np.testing.assert_allclose(loss, expected.item(), rtol=1e-10)
    all_close([*grads, top.V, top.b_y], torch.autograd.grad(expected, wanted))


@pytest.mark.parametrize("cuts", [(1,), (5,), (2, 3), (1, 2, 3, 4, 5)], ids=str)
def test_chunks_make_the_whole(cuts):
    """Forward: the state goes from chunk to chunk. Backward: dh comes back from chunk to chunk."""
    case = Case()
    hs, h_T, _ = case.forward()
    whole = case.backward()
    h, parts, caches = case.h0, [], []
    for x in np.split(case.x, cuts):
        out, h, cache = rnn.forward(x, h, *case.weights)
        parts.append(out)
        caches.append(cache)
    close(np.concatenate(parts), hs, 1e-13)
    close(h, h_T, 1e-13)
    dh, grads = case.dh_T, []
    for dhs, cache in zip(reversed(np.split(case.dhs, cuts)), reversed(caches), strict=True):
        grads.insert(0, rnn.backward(dhs, dh, cache))
        dh = grads[0].h0
    close(np.concatenate([g.x for g in grads]), whole.x, 1e-13)
    close(dh, whole.h0, 1e-13)
    for name in ("U", "W", "b"):
        close(sum(getattr(g, name) for g in grads), getattr(whole, name), 1e-13)


def test_batch_items_do_not_touch_each_other():
    case = Case()
    whole = case.backward()
    other = Case(seed=9)
    for item in range(3):
        alone = Case()
        for name in ("x", "h0", "dhs", "dh_T"):
            getattr(alone, name)[..., :, :] = getattr(other, name)
            getattr(alone, name)[..., item, :] = getattr(case, name)[..., item, :]
        close(alone.forward()[0][:, item], case.forward()[0][:, item], 1e-13)
        close(alone.backward().x[:, item], whole.x[:, item], 1e-13)
        close(alone.backward().h0[item], whole.h0[item], 1e-13)


def test_a_padded_tail_is_inert():
    """Steps after the last asked output, with cotangent zero, change no gradient, whatever stands in them."""
    case = Case()
    case.dh_T[:] = 0
    short = case.backward()
    padded = Case()
    padded.x = np.concatenate([case.x, np.full((4, 3, 4), 7.0)])
    padded.dhs = np.concatenate([case.dhs, np.zeros((4, 3, 5))])
    padded.dh_T[:] = 0
    long = padded.backward()
    close(padded.forward()[0][:6], case.forward()[0], 1e-13)
    close(long.x[:6], short.x, 1e-13)
    assert not long.x[6:].any()
    all_close(long[1:], short[1:], 1e-13)


def test_backward_does_not_write_to_its_arguments():
    case = Case()
    hs, _, cache = case.forward()
    before = [a.copy() for a in (case.dhs, case.dh_T, *cache[:4])]
    rnn.backward(case.dhs, case.dh_T, cache, window=2)
    rnn.by_lag(case.dhs, case.dh_T, cache)
    for a, b in zip(before, (case.dhs, case.dh_T, *cache[:4]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_wrong_cotangents_and_functions():
    case = Case()
    cache = case.forward()[-1]
    for function in (rnn.backward, rnn.by_lag):
        name = f"rnn.{function.__name__}"
        with pytest.raises(
            ValueError, match=re.escape(f"{name}: expected dhs of shape (T=6, B=3, n=5), got (5, 3, 5)")
        ):
            function(case.dhs[1:], case.dh_T, cache)
        with pytest.raises(ValueError, match=re.escape(f"{name}: expected dh_T of shape (B=3, n=5), got (1, 3, 5)")):
            function(case.dhs, case.dh_T[None], cache)
        with pytest.raises(ValueError, match=f"{name}: expected dhs of dtype float64, as hs has, got float32"):
            function(case.dhs.astype(np.float32), case.dh_T, cache)
    with pytest.raises(ValueError, match="expected f to be ops.tanh, ops.sigmoid or ops.relu, got cos"):
        rnn.forward(case.x, case.h0, *case.weights, np.cos)


# ---- the reference: truncated ------------------------------------------------------------------------------


@NONLINEARITIES
@pytest.mark.parametrize("window", [1, 2, 3, 4, 5, 6, 7, 100])
def test_truncated_against_detach(f, window):
    case = Case(f=f)
    all_close(case.backward(window=window), case.autograd(cut=window)[1])


@pytest.mark.parametrize("window", [6, np.int64(7), 1000])
def test_a_window_as_long_as_the_sequence_truncates_nothing(window):
    case = Case()
    for truncated, whole in zip(case.backward(window=window), case.backward(), strict=True):
        np.testing.assert_array_equal(truncated, whole)


@pytest.mark.parametrize("window", [1, 2, 4])
def test_truncated_is_training_chunk_by_chunk(window):
    """The loop of every trainer on long text: carry the state, begin each chunk's backward pass at zero."""
    case = Case()
    h, grads = case.h0, []
    firsts = range(0, len(case.x), window)
    for first in firsts:
        chunk = slice(first, first + window)
        _, h, cache = rnn.forward(case.x[chunk], h, *case.weights)
        dh = case.dh_T if first == firsts[-1] else np.zeros_like(h)
        grads.append(rnn.backward(case.dhs[chunk], dh, cache))
    truncated = case.backward(window=window)
    close(truncated.x, np.concatenate([g.x for g in grads]), 1e-13)
    for name in ("U", "W", "b"):
        close(getattr(truncated, name), sum(getattr(g, name) for g in grads), 1e-13)


@pytest.mark.parametrize("window", [0, -1, 2.0, "3"])
def test_bad_window(window):
    with pytest.raises(ValueError, match="rnn.backward: expected window to be None or an integer of at least 1"):
        Case().backward(window=window)


@NONLINEARITIES
@pytest.mark.parametrize("T", [1, 2, 6])
def test_lags_sum_to_the_whole(f, T):
    case = Case(T=T, f=f)
    lags = rnn.by_lag(case.dhs, case.dh_T, case.forward()[-1])
    assert all(len(a) == T for a in lags)
    all_close([a.sum(axis=0) for a in lags], case.backward(), 1e-13)


def test_each_lag_against_torch():
    """Lag k by autograd: each use of W has its own copy; of the loss at t, count the copy used at t − k."""
    case, T = Case(), 6
    U, W, b = (torch.from_numpy(a) for a in case.weights)
    copies = [W.clone().requires_grad_() for _ in range(T)]
    h, losses = torch.from_numpy(case.h0), []
    direct = case.dhs.copy()
    direct[-1] += case.dh_T
    for x_t, W_t, dh in zip(torch.from_numpy(case.x), copies, torch.from_numpy(direct), strict=True):
        h = torch.tanh(x_t @ U.T + h @ W_t.T + b)
        losses.append((h * dh).sum())
    expected = np.zeros((T, *W.shape))
    for t in range(T):
        for s, gradient in enumerate(torch.autograd.grad(losses[t], copies[: t + 1], retain_graph=True)):
            expected[t - s] += gradient.numpy()
    close(rnn.by_lag(case.dhs, case.dh_T, case.forward()[-1]).W, expected)


def test_truncation_stays_within_the_chunk():
    """Window 1 keeps exactly lag 0; a step's loss reaches back to the beginning of its chunk, no further."""
    case = Case()
    lags = rnn.by_lag(case.dhs, case.dh_T, case.forward()[-1])
    all_close(case.backward(window=1)[2:], [a[0] for a in lags][2:], 1e-13)
    case.dhs[:], case.dh_T[:] = 0, 0
    case.dhs[4] = 1
    reached = case.backward(window=3).x.any(axis=(1, 2))
    assert reached.tolist() == [False, False, False, True, True, False]


# ---- between the packages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("module", NUMPY)
def test_importing_the_reference_does_not_import_torch(module):
    code = f"import sys, rnncourse.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_pytorch_package_does_not_import_the_reference():
    code = "import sys, rnncourse.pytorch; sys.exit('rnncourse.reference' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@NONLINEARITIES
def test_weights_to_torch_and_back(f):
    case = Case(f=f)
    module = rnn.to_torch(*case.weights, f)
    assert module.nonlinearity == NAMES[f]
    for there, here in zip(rnn.from_torch(module), case.weights, strict=True):
        np.testing.assert_array_equal(there, here)
    module.weight_hh_l0.data.zero_()  # a copy each way: neither writes into the other
    assert case.weights.W.all()


def test_from_torch():
    torch.manual_seed(0)
    plain = torch.nn.RNN(3, 4)
    b = rnn.from_torch(plain).b
    np.testing.assert_array_equal(b, (plain.bias_ih_l0 + plain.bias_hh_l0).detach().numpy())
    assert b.dtype == np.float32
    ours = RNN(3, 4, dtype=torch.float64)
    assert rnn.from_torch(ours).U.dtype == np.float64
    without = torch.nn.RNN(3, 4, bias=False)
    U, W, b = rnn.from_torch(without)
    np.testing.assert_array_equal(b, np.zeros(4, np.float32))
    x = torch.randn(5, 2, 3)
    hs = rnn.forward(x.numpy(), np.zeros((2, 4), np.float32), U, W, b)[0]
    np.testing.assert_allclose(hs, without(x)[0].detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (torch.nn.RNN(3, 4, num_layers=2), "got also bias_hh_l1, bias_ih_l1, weight_hh_l1, weight_ih_l1"),
        (torch.nn.RNN(3, 4, bidirectional=True), "got also bias_hh_l0_reverse"),
        (torch.nn.LSTM(3, 4, proj_size=2), "got also weight_hr_l0"),
        (torch.nn.LSTM(3, 4), "expected a torch.nn.RNN, got LSTM"),
        (torch.nn.GRU(3, 4, bias=False), "expected a torch.nn.RNN, got GRU"),
        (torch.nn.Linear(3, 4), "got also bias, weight"),
        (torch.nn.Tanh(), "expected a torch.nn.RNN, got Tanh"),
    ],
    ids=str,
)
def test_from_torch_refuses(module, message):
    with pytest.raises(ValueError, match=f"rnn.from_torch: .*{message}"):
        rnn.from_torch(module)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e5m2], ids=str)
def test_from_torch_refuses_a_dtype_that_NumPy_has_not(dtype):
    message = f"rnn.from_torch: expected a dtype that NumPy has, got {dtype}: first call module.float()"
    with pytest.raises(ValueError, match=re.escape(message)):
        rnn.from_torch(torch.nn.RNN(3, 4).to(dtype))
    assert rnn.from_torch(torch.nn.RNN(3, 4).half()).U.dtype == np.float16


def test_to_torch_refuses():
    U, W, b = Case().weights
    with pytest.raises(ValueError, match="rnn.to_torch: expected f to be ops.tanh or ops.relu, got sigmoid"):
        rnn.to_torch(U, W, b, ops.sigmoid)
    with pytest.raises(ValueError, match=re.escape("rnn.to_torch: expected W of shape (n=5, n=5), got (5, 4)")):
        rnn.to_torch(U, U, b)
