"""The LSTM: the reference against its step, torch and finite differences; the module against torch.nn.LSTM."""

import re

import numpy as np
import pytest
import torch
from cells import CORNERS, DRAWN, SIZES, all_close, body, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.pytorch import LSTM
from rnncourse.pytorch import lstm as pytorch_lstm
from rnncourse.reference import lstm, ops

STACKS = pytest.mark.parametrize(
    ("num_layers", "bidirectional"), [(1, False), (1, True), (2, False), (3, True)], ids=str
)
WEIGHTS = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0")


class Case:
    """Random arguments of ``forward`` and random cotangents on all three of its outputs."""

    def __init__(self, T=6, B=3, m=4, n=5, seed=0, dtype=np.float64):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.normal(size=shape).astype(dtype)  # noqa: E731
        self.x, self.h0, self.c0 = draw(T, B, m), draw(B, n), draw(B, n)
        self.weights = lstm.Weights(*(draw(*shape) / dtype(n**0.5) for shape in [(4 * n, m), (4 * n, n), (4 * n,)]))
        self.dhs, self.dh_T, self.dc_T = draw(T, B, n), draw(B, n), draw(B, n)

    @property
    def arguments(self):
        return self.x, self.h0, self.c0, *self.weights

    @property
    def cotangents(self):
        return self.dhs, self.dh_T, self.dc_T

    def forward(self):
        return lstm.forward(*self.arguments)

    def backward(self):
        return lstm.backward(*self.cotangents, self.forward()[-1])

    def loss(self, *arguments):
        """A number whose gradient by ``arguments`` is what ``backward`` returns."""
        return sum(np.sum(d * out) for d, out in zip(self.cotangents, lstm.forward(*arguments), strict=False))


def tensors(case):
    return [torch.from_numpy(a).requires_grad_() for a in case.arguments]


def weighted(case, outputs):
    return sum((out * torch.from_numpy(d)).sum() for out, d in zip(outputs, case.cotangents, strict=True))


def autograd(case):
    """hs, h_T, c_T and Grads from torch.nn.LSTM."""
    module = lstm.to_torch(*case.weights)
    x, h0, c0 = tensors(case)[:3]
    hs, (h_T, c_T) = module(x, (h0[None], c0[None]))
    outputs = hs, h_T[0], c_T[0]
    wanted = [x, h0, c0, *(getattr(module, name) for name in WEIGHTS)]
    return outputs, lstm.Grads(*torch.autograd.grad(weighted(case, outputs), wanted))


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
    outputs, grads = autograd(case)
    all_close(case.forward()[:3], outputs)
    all_close(case.backward(), grads)


@pytest.mark.parametrize("sizes", CORNERS, ids=str)
def test_corners_against_torch(sizes):
    case = Case(**sizes)
    outputs, grads = autograd(case)
    all_close(case.forward()[:3], outputs)
    all_close(case.backward(), grads)


@pytest.mark.parametrize("output", range(3), ids=["hs", "h_T", "c_T"])
def test_each_output_alone_against_torch(output):
    """One cotangent at a time, so that none can stand in for another."""
    case = Case()
    for i, d in enumerate(case.cotangents):
        d *= i == output
    all_close(case.backward(), autograd(case)[1])


@pytest.mark.parametrize("numbers", [1, 100, 150])
def test_factors_of_any_number_of_steps_at_once(numbers, monkeypatch):
    """Blocks of one step, of several, and with a rest: small cases would else be one block."""
    case = Case(T=7, B=2, n=5)
    monkeypatch.setattr(ops, "CACHED", numbers)
    assert len(ops.blocks(7, 40)) == {1: 7, 100: 4, 150: 3}[numbers]
    all_close(case.backward(), autograd(case)[1])


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
    outputs, grads = autograd(case)
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
    all_close(lstm.backward(case.dhs, case.dhs[-1], case.dhs[-1], cache), autograd(case)[1])


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


# ---- between the packages ----------------------------------------------------------------------------------


def test_both_packages_have_the_same_step():
    assert body(lstm.step) == body(pytorch_lstm.step)
    assert lstm.step.shapes == pytorch_lstm.step.shapes


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


def test_to_torch_refuses():
    U, W, b = Case().weights
    with pytest.raises(ValueError, match=re.escape("lstm.to_torch: expected W of shape (4n=20, n=5), got (20, 4)")):
        lstm.to_torch(U, U, b)
    with pytest.raises(ValueError, match=re.escape("lstm.to_torch: expected U of shape (4n, m), got (5, 4)")):
        lstm.to_torch(U[:5], W, b)


# ---- the PyTorch functions and module ----------------------------------------------------------------------


@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_functional_forward_against_the_reference(sizes, seed):
    case = Case(**sizes, seed=seed)
    arguments = tensors(case)
    outputs = pytorch_lstm.forward(*arguments)
    all_close(outputs, case.forward()[:3])
    all_close(torch.autograd.grad(weighted(case, outputs), arguments), case.backward())


def test_functional_forward_is_step_in_a_loop():
    x, h, c, *weights = tensors(Case())
    hs, h_T, c_T = pytorch_lstm.forward(x, h, c, *weights)
    for x_t, expected in zip(x, hs, strict=True):
        h, c = pytorch_lstm.step(x_t, h, c, *weights)
        close(h, expected, 1e-13)
    all_close([h, c], [h_T, c_T], 1e-13)


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck], ids=lambda c: c.__name__)
def test_gradcheck(check):
    arguments = tensors(Case(T=2, B=2, m=2, n=2))
    assert check(pytorch_lstm.forward, arguments)

    module = LSTM(2, 2, num_layers=2, bidirectional=True, dtype=torch.float64)
    x, h0, c0 = (a.detach().requires_grad_() for a in (arguments[0], *torch.randn(2, 4, 2, 2).double()))
    names, weights = zip(*module.named_parameters(), strict=True)

    def run(x, h0, c0, *weights):
        hs, states = torch.func.functional_call(module, dict(zip(names, weights, strict=True)), (x, (h0, c0)))
        return hs, *states

    assert check(run, (x, h0, c0, *weights), fast_mode=True)  # along random directions: entry by entry takes long


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [1, 2, 3, 6, 7, 100])
def test_same_start_from_the_same_seed(n, dtype):
    theirs, ours = (
        torch.manual_seed(5) and kind(4, n, 2, bidirectional=True, dtype=dtype) for kind in (torch.nn.LSTM, LSTM)
    )
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name


@STACKS
def test_module_is_torch_nn_LSTM(num_layers, bidirectional):
    """States load unchanged both ways; then all outputs and all gradients agree."""
    ours = LSTM(4, 5, num_layers, bidirectional, dtype=torch.float64)
    theirs = torch.nn.LSTM(4, 5, num_layers, bidirectional=bidirectional, dtype=torch.float64)
    theirs.load_state_dict(ours.state_dict())
    ours.load_state_dict(torch.nn.LSTM(4, 5, num_layers, bidirectional=bidirectional).state_dict())
    ours.load_state_dict(theirs.state_dict())

    count = num_layers * (1 + bidirectional)
    rng = np.random.default_rng(2)
    x, h0, c0 = (torch.from_numpy(rng.normal(size=s)).requires_grad_() for s in [(6, 3, 4), *[(count, 3, 5)] * 2])
    results = []
    for module in (ours, theirs):
        hs, (h_T, c_T) = module(x, (h0, c0))
        cotangents = [torch.from_numpy(np.random.default_rng(3).normal(size=a.shape)) for a in (hs, h_T, c_T)]
        loss = sum((a * d).sum() for a, d in zip((hs, h_T, c_T), cotangents, strict=True))
        results.append([hs, h_T, c_T, *torch.autograd.grad(loss, [x, h0, c0, *module.parameters()])])
    all_close(*results)
    for module in (ours, theirs):  # no states: zeros
        hs, states = module(x)
        results.append([hs, *states])
    all_close(*results[2:])


def test_module_in_chunks_is_the_module():
    module, x = LSTM(3, 4, num_layers=2, dtype=torch.float64), torch.randn(7, 2, 3, dtype=torch.float64)
    whole, last = module(x)
    states, parts = None, []
    for chunk in x.split(3):
        hs, states = module(chunk, states)
        parts.append(hs)
    all_close([torch.cat(parts), *states], [whole, *last], 1e-13)


def test_module_at_saturation():
    module = LSTM(3, 4, num_layers=2, bidirectional=True)
    x = (1e3 * torch.sign(torch.randn(6, 2, 3))).requires_grad_()
    hs, (h_T, c_T) = module(x)
    (hs.sum() + c_T.sum()).backward()
    assert all(a.isfinite().all() for a in (hs, h_T, c_T, x.grad, *(p.grad for p in module.parameters())))


@pytest.mark.parametrize("sizes", [{"input_size": 0}, {"hidden_size": -1}, {"num_layers": 0}, {"num_layers": 1.0}])
def test_module_sizes(sizes):
    (name, size), *_ = sizes.items()
    with pytest.raises(ValueError, match=f"LSTM: expected {name} to be an integer of at least 1, got {size}"):
        LSTM(**({"input_size": 3, "hidden_size": 4} | sizes))


def test_module_errors():
    module, x = LSTM(3, 4, num_layers=2, bidirectional=True), torch.zeros(5, 2, 3)
    state = torch.zeros(4, 2, 4)
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("LSTM: expected one state for each of 4 layers and directions, got 2"):
        module(x, (state[:2], state[:2]))
    with say("lstm.LSTM.run: expected c0 of shape (k=4, B=2, n=4), got (2, 2, 4)"):
        module(x, (state, state[:2]))
    with say("LSTM: expected the states to be a pair (h0, c0), got Tensor of length 4"):
        module(x, state)
    with say("LSTM: expected the states to be a pair (h0, c0), got tuple of length 1"):
        module(x, (state,))
    with say("lstm.forward: expected h0 of shape (B=2, n=4), got (2, 5)"):
        module(x, (torch.zeros(4, 2, 5), torch.zeros(4, 2, 5)))
    with say("lstm.LSTM.run: expected x of shape (T, B, m), got (5, 3)"):
        module(x[:, 0])
    with say("lstm.forward: expected x of shape (T, B, m=3), got (5, 2, 7)"):
        module(torch.zeros(5, 2, 7))
    with say("lstm.forward: expected x of dtype torch.float32, as U has, got torch.float64"):
        module(x.double())


def test_module_without_steps():
    states = torch.ones(4, 2, 4), torch.full((4, 2, 4), 2.0)
    hs, (h_T, c_T) = LSTM(3, 4, num_layers=2, bidirectional=True)(torch.zeros(0, 2, 3), states)
    assert hs.shape == (0, 2, 8) and torch.equal(h_T, states[0]) and torch.equal(c_T, states[1])


def test_module_runs_on_shapes_alone():
    """On torch's meta device: what runs there runs on any device, for no tensor is made on the wrong one."""
    where = {"device": "meta", "dtype": torch.bfloat16}
    hs, (h_T, c_T) = LSTM(3, 4, num_layers=2, bidirectional=True, **where)(torch.zeros(5, 2, 3, **where))
    assert hs.shape == (5, 2, 8) and h_T.shape == c_T.shape == (4, 2, 4)
    assert {(a.device.type, a.dtype) for a in (hs, h_T, c_T)} == {("meta", torch.bfloat16)}


def test_module_in_bfloat16():
    torch.manual_seed(0)
    module, x = LSTM(3, 4), torch.randn(5, 2, 3)
    exact, _ = module(x)
    hs, (_, c_T) = module.bfloat16()(x.bfloat16())
    assert hs.dtype == c_T.dtype == torch.bfloat16
    assert gradients.relative_error(hs.float(), exact) < 0.03
