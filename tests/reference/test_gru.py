"""The GRU in NumPy, reset after and before the product: against its steps, torch, autograd, finite differences."""

import re

import numpy as np
import pytest
import torch
from cases import GRU as Case
from cells import CORNERS, DRAWN, SIZES, all_close, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.pytorch import GRU
from rnncourse.reference import gru

RESETS = pytest.mark.parametrize("reset", gru.RESETS)
STEPS = {"after": gru.step, "before": gru.step_before}


# ---- the reference: forward --------------------------------------------------------------------------------


@RESETS
def test_forward_is_step_in_a_loop(reset):
    case = Case(reset=reset)
    hs, h_T, cache = case.forward()
    h = case.h0
    for x_t, expected in zip(case.x, hs, strict=True):
        h = STEPS[reset](x_t, h, *case.weights)
        close(h, expected, 1e-13)
    np.testing.assert_array_equal(h_T, hs[-1])
    np.testing.assert_array_equal(cache.h, np.concatenate([case.h0[None], hs]))


@RESETS
def test_step_is_the_formula(reset):
    """Gate by gate and number by number, with nothing of NumPy's but the exponential."""
    case = Case(T=1, B=2, m=3, n=2)
    U, W, b, b_n = case.weights
    n, sigmoid = 2, lambda a: 1 / (1 + np.exp(-a))
    h = STEPS[reset](case.x[0], case.h0, *case.weights)
    for item in range(2):
        x, old = case.x[0, item], case.h0[item]
        of_x = [sum(U[row, k] * x[k] for k in range(3)) + b[row] for row in range(3 * n)]
        of_h = lambda row, state: sum(W[row, k] * state[k] for k in range(n))  # noqa: E731
        r = [sigmoid(of_x[j] + of_h(j, old)) for j in range(n)]
        for j in range(n):
            z = sigmoid(of_x[n + j] + of_h(n + j, old))
            if reset == "after":
                inner = r[j] * (of_h(2 * n + j, old) + b_n[j])
            else:
                inner = of_h(2 * n + j, [r[k] * old[k] for k in range(n)]) + b_n[j]
            g = np.tanh(of_x[2 * n + j] + inner)
            np.testing.assert_allclose(h[item, j], (1 - z) * g + z * old[j], rtol=1e-13)


@RESETS
def test_step_takes_one_vector_or_a_batch(reset):
    case, step = Case(), STEPS[reset]
    batch = step(case.x[0], case.h0, *case.weights)
    close(step(case.x[0, 1], case.h0[1], *case.weights), batch[1], 1e-13)


@RESETS
def test_shut_update_gate_keeps_the_state(reset):
    case = Case(T=50, reset=reset)
    case.weights.b[5:10] = 1e3  # z = 1
    close(case.forward()[1], case.h0, 1e-13)
    grads = gru.backward(0 * case.dhs, case.dh_T, case.forward()[-1])
    close(grads.h0, case.dh_T, 1e-13)
    assert not any(a.any() for a in (grads.x, grads.U, grads.W, grads.b, grads.b_n))


@RESETS
def test_no_steps(reset):
    case = Case(T=0, reset=reset)
    hs, h_T, _ = case.forward()
    assert hs.shape == (0, 3, 5)
    np.testing.assert_array_equal(h_T, case.h0)
    grads = case.backward()
    np.testing.assert_array_equal(grads.h0, case.dh_T)
    assert not np.shares_memory(grads.h0, case.dh_T)
    assert grads.x.shape == (0, 3, 4) and not any(a.any() for a in (grads.U, grads.W, grads.b, grads.b_n))
    assert [a.shape for a in grads] == [a.shape for a in case.arguments]


# ---- the two resets ----------------------------------------------------------------------------------------


def both(case):
    return [gru.forward(*case.arguments, reset)[0] for reset in gru.RESETS]


def test_the_two_resets_differ():
    after, before = both(Case())
    assert np.abs(after - before).max() > 0.1


def test_the_two_resets_agree_where_the_reset_gate_is_open():
    case = Case()
    case.weights.b[:5] = 1e3  # r = 1
    close(*both(case), 1e-13)


@pytest.mark.parametrize("W_g", [np.zeros((5, 5)), np.diag(np.linspace(-2, 2, 5))], ids=["zero", "diagonal"])
def test_the_two_resets_agree_where_every_unit_listens_to_itself_alone(W_g):
    """W_g (r ⊙ h) = r ⊙ (W_g h) for a diagonal W_g; and b_n must be zero, for only after the product r scales it."""
    case = Case()
    case.weights.W[10:], case.weights.b_n[:] = W_g, 0
    close(*both(case), 1e-13)
    case.weights.b_n[:] = 1
    after, before = both(case)
    assert np.abs(after - before).max() > 0.1


def test_before_the_product_the_two_biases_are_one():
    case, moved = Case(reset="before"), Case(reset="before")
    moved.weights.b[10:] += case.weights.b_n
    moved.weights.b_n[:] = 0
    close(moved.forward()[0], case.forward()[0], 1e-13)
    close(case.backward().b_n, case.backward().b[10:], 1e-13)


def test_the_other_convention_of_z_is_the_same_family():
    """Chung et al. (2014): h_t = (1 − z) ⊙ h_{t−1} + z ⊙ g. Turn the sign of the rows of z, and it is ours."""
    case = Case()
    U, W, b, b_n = case.weights
    h, (_, expected) = case.h0, case.forward()[:2]
    turn = np.repeat([1, -1, 1], 5)
    for x_t in case.x:
        r, z, g = gru.split(x_t @ (U * turn[:, None]).T + b * turn, 3)
        W_r, W_z, W_g = gru.split((W * turn[:, None]).T, 3)
        r, z = gru.sigmoid(r + h @ W_r), gru.sigmoid(z + h @ W_z)
        g = np.tanh(g + r * (h @ W_g + b_n))
        h = (1 - z) * h + z * g
    close(h, expected, 1e-13)


# ---- the reference: backward -------------------------------------------------------------------------------


@RESETS
@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_outputs_and_gradients_against_torch(reset, sizes, seed):
    case = Case(**sizes, reset=reset, seed=seed)
    outputs, grads = case.autograd()
    all_close(case.forward()[:2], outputs)
    all_close(case.backward(), grads)


@RESETS
@pytest.mark.parametrize("sizes", CORNERS, ids=str)
def test_corners_against_torch(reset, sizes):
    case = Case(**sizes, reset=reset)
    outputs, grads = case.autograd()
    all_close(case.forward()[:2], outputs)
    all_close(case.backward(), grads)


@RESETS
@pytest.mark.parametrize("zero", ["dhs", "dh_T"])
def test_each_output_alone_against_torch(reset, zero):
    """One cotangent at a time, so that none can stand in for another."""
    case = Case(reset=reset)
    getattr(case, zero)[:] = 0
    all_close(case.backward(), case.autograd()[1])


@RESETS
def test_gradients_against_finite_differences(reset):
    case, rng = Case(reset=reset), np.random.default_rng(1)
    arguments = case.arguments
    assert gradients.gradient_error(case.loss, arguments, case.backward(), rng) < 1e-7
    for i in range(len(arguments)):  # each alone, so that a small one cannot hide behind a large one
        alone = lambda a, i=i: case.loss(*arguments[:i], a, *arguments[i + 1 :])  # noqa: E731
        assert gradients.gradient_error(alone, arguments[i : i + 1], case.backward()[i : i + 1], rng) < 1e-7


@RESETS
def test_float32_stays_float32_and_stays_close(reset):
    single, double = Case(dtype=np.float32, T=50, reset=reset), Case(T=50, reset=reset)
    outputs, grads = single.forward(), single.backward()
    assert {a.dtype for a in (*outputs[:2], *outputs[2][:-1], *grads)} == {np.dtype(np.float32)}
    for ours, exact in zip((*outputs[:2], *grads), (*double.forward()[:2], *double.backward()), strict=True):
        assert gradients.relative_error(ours, exact) < 1e-5


@RESETS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_gates(reset, dtype):
    """Inputs of ±1000: every gate is at an end. Nothing overflows or warns; gradients are mostly rounding."""
    case = Case(dtype=dtype, m=2, reset=reset)
    case.x = np.sign(case.x) * dtype(1e3)
    outputs, grads = case.autograd()
    assert all(np.isfinite(a).all() for a in (*case.forward()[:2], *case.backward()))
    for ours, theirs in zip((*case.forward()[:2], *case.backward()), (*outputs, *grads), strict=True):
        np.testing.assert_allclose(ours, theirs.detach(), rtol=0, atol=1e5 * np.finfo(dtype).eps)


@RESETS
@pytest.mark.parametrize("cuts", [(1,), (5,), (2, 3), (1, 2, 3, 4, 5)], ids=str)
def test_chunks_make_the_whole(reset, cuts):
    """Forward: the state goes from chunk to chunk. Backward: dh comes back from chunk to chunk."""
    case = Case(reset=reset)
    whole = case.backward()
    h, parts, caches = case.h0, [], []
    for x in np.split(case.x, cuts):
        out, h, cache = gru.forward(x, h, *case.weights, reset)
        parts.append(out)
        caches.append(cache)
    all_close([np.concatenate(parts), h], case.forward()[:2], 1e-13)
    dh, grads = case.dh_T, []
    for dhs, cache in zip(reversed(np.split(case.dhs, cuts)), reversed(caches), strict=True):
        grads.insert(0, gru.backward(dhs, dh, cache))
        dh = grads[0].h0
    close(np.concatenate([g.x for g in grads]), whole.x, 1e-13)
    close(dh, whole.h0, 1e-13)
    for name in ("U", "W", "b", "b_n"):
        close(sum(getattr(g, name) for g in grads), getattr(whole, name), 1e-13)


@RESETS
def test_batch_items_do_not_touch_each_other(reset):
    case, other = Case(reset=reset), Case(reset=reset, seed=9)
    whole = case.backward()
    for item in range(3):
        alone = Case(reset=reset)
        for name in ("x", "h0", "dhs", "dh_T"):
            getattr(alone, name)[..., :, :] = getattr(other, name)
            getattr(alone, name)[..., item, :] = getattr(case, name)[..., item, :]
        close(alone.forward()[0][:, item], case.forward()[0][:, item], 1e-13)
        close(alone.backward().x[:, item], whole.x[:, item], 1e-13)
        close(alone.backward().h0[item], whole.h0[item], 1e-13)


@RESETS
def test_a_padded_tail_is_inert(reset):
    """Steps after the last asked output, with cotangent zero, change no gradient, whatever stands in them."""
    case, padded = Case(reset=reset), Case(reset=reset)
    case.dh_T[:], padded.dh_T[:] = 0, 0
    padded.x = np.concatenate([case.x, np.full((4, 3, 4), 7.0)])
    padded.dhs = np.concatenate([case.dhs, np.zeros((4, 3, 5))])
    short, long = case.backward(), padded.backward()
    close(padded.forward()[0][:6], case.forward()[0], 1e-13)
    close(long.x[:6], short.x, 1e-13)
    assert not long.x[6:].any()
    all_close(long[1:], short[1:], 1e-13)


@RESETS
def test_backward_writes_to_nothing_and_repeats(reset):
    """Also where the cotangents are parts of one array."""
    case = Case(reset=reset)
    cache = case.forward()[-1]
    given = (*case.arguments, case.dhs, case.dh_T, *cache[:-1])
    before = [a.copy() for a in given]
    first, second = (gru.backward(case.dhs, case.dh_T, cache) for _ in range(2))
    for a, b in zip((*before, *first), (*given, *second), strict=True):
        np.testing.assert_array_equal(a, b)
    for grad in first:
        assert not any(np.shares_memory(grad, a) for a in given)
    case.dh_T = case.dhs[-1]
    all_close(gru.backward(case.dhs, case.dhs[-1], cache), case.autograd()[1])


@RESETS
def test_arrays_of_any_layout(reset):
    """Batch first, turned round; every second column; read-only: the values count, not how they lie in memory."""
    case, other = Case(reset=reset), Case(reset=reset)
    whole = (*case.forward()[:2], *case.backward())
    other.x = np.ascontiguousarray(case.x.transpose(1, 0, 2)).transpose(1, 0, 2)
    other.dhs = np.repeat(case.dhs, 2, axis=2)[..., ::2]
    other.weights = gru.Weights(*(np.asfortranarray(a) for a in case.weights))
    for a in (*other.arguments, other.dhs, other.dh_T):
        a.flags.writeable = False
    all_close((*other.forward()[:2], *other.backward()), whole, 1e-13)


def test_errors():
    case = Case()
    x, h0, U, W, b, b_n = case.arguments
    cache = case.forward()[-1]
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("gru.forward: expected x of shape (T, B, m=4), got (6, 3, 3)"):
        gru.forward(x[..., 1:], h0, U, W, b, b_n)
    with say("gru.forward: expected b_n of shape (n=5,), got (15,)"):
        gru.forward(x, h0, U, W, b, b)
    with say("gru.forward: expected U of shape (3n, m), got (14, 4)"):
        gru.forward(x, h0, U[1:], W, b, b_n)
    with say("gru.forward: expected reset to be 'after' or 'before', got 'never'"):
        gru.forward(x, h0, *case.weights, "never")
    with say("gru.forward: expected b_n of dtype float64, as U has, got float32"):
        gru.forward(x, h0, U, W, b, b_n.astype(np.float32))
    with say("gru.step: expected h of shape (3, n=5), got (5,)"):
        gru.step(x[0], h0[0], *case.weights)
    with say("gru.step_before: expected W of shape (3n=15, n=5), got (15, 4)"):
        gru.step_before(x[0], h0, U, W[:, 1:], b, b_n)
    with say("gru.backward: expected dhs of shape (T=6, B=3, n=5), got (5, 3, 5)"):
        gru.backward(case.dhs[1:], case.dh_T, cache)
    with say("gru.backward: expected dh_T of shape (B=3, n=5), got (1, 3, 5)"):
        gru.backward(case.dhs, case.dh_T[None], cache)
    with say("gru.backward: expected dhs of dtype float64, as hs has, got float32"):
        gru.backward(case.dhs.astype(np.float32), case.dh_T, cache)


# ---- weights to torch and back -----------------------------------------------------------------------------


def test_weights_to_torch_and_back():
    case = Case()
    module = gru.to_torch(*case.weights)
    for there, here in zip(gru.from_torch(module), case.weights, strict=True):
        np.testing.assert_array_equal(there, here)
    module.weight_hh_l0.data.zero_()  # a copy each way: neither writes into the other
    module.bias_hh_l0.data.zero_()
    assert case.weights.W.all() and case.weights.b_n.all()
    assert gru.to_torch(*Case(dtype=np.float32).weights).weight_hh_l0.dtype == torch.float32


@pytest.mark.parametrize("make", [torch.nn.GRU, GRU], ids=["torch.nn", "ours"])
def test_from_torch(make):
    module = make(3, 4, dtype=torch.float64)
    U, W, b, b_n = gru.from_torch(module)
    b_ih, b_hh = module.bias_ih_l0.detach().numpy(), module.bias_hh_l0.detach().numpy()
    np.testing.assert_array_equal(b, np.concatenate([(b_ih + b_hh)[:8], b_ih[8:]]))
    np.testing.assert_array_equal(b_n, b_hh[8:])
    before = [p.clone() for p in module.parameters()]
    for a in (U, W, b, b_n):  # copies: the module keeps its own
        a[:] = 0
    assert all(map(torch.equal, before, module.parameters()))
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    hs, h_T, _ = gru.forward(x.numpy(), np.zeros((2, 4)), *gru.from_torch(module))
    expected, last = module(x)
    all_close([hs, h_T], [expected, last[0]])


def test_from_torch_without_bias():
    module, x = torch.nn.GRU(3, 4, bias=False, dtype=torch.float64), torch.randn(5, 2, 3, dtype=torch.float64)
    weights = gru.from_torch(module)
    assert not weights.b.any() and weights.b.shape == (12,) and weights.b_n.shape == (4,)
    close(gru.forward(x.numpy(), np.zeros((2, 4)), *weights)[0], module(x)[0])


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (torch.nn.GRU(3, 4, num_layers=2), "got also bias_hh_l1, bias_ih_l1, weight_hh_l1, weight_ih_l1"),
        (torch.nn.GRU(3, 4, bidirectional=True), "got also bias_hh_l0_reverse"),
        (GRU(3, 4, num_layers=2), "got also bias_hh_l1"),
        (torch.nn.RNN(3, 4), "expected a torch.nn.GRU, got RNN"),
        (torch.nn.LSTM(3, 4, bias=False), "expected a torch.nn.GRU, got LSTM"),
        (torch.nn.Linear(3, 4), "got also bias, weight"),
        (torch.nn.Tanh(), "expected a torch.nn.GRU, got Tanh"),
    ],
    ids=str,
)
def test_from_torch_refuses(module, message):
    with pytest.raises(ValueError, match=f"gru.from_torch: .*{message}"):
        gru.from_torch(module)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e5m2], ids=str)
def test_from_torch_refuses_a_dtype_that_NumPy_has_not(dtype):
    message = f"gru.from_torch: expected a dtype that NumPy has, got {dtype}: first call module.float()"
    with pytest.raises(ValueError, match=re.escape(message)):
        gru.from_torch(torch.nn.GRU(3, 4).to(dtype))
    assert gru.from_torch(torch.nn.GRU(3, 4).half()).U.dtype == np.float16


def test_to_torch_refuses():
    U, W, b, b_n = Case().weights
    with pytest.raises(ValueError, match=re.escape("gru.to_torch: expected W of shape (3n=15, n=5), got (15, 4)")):
        gru.to_torch(U, U, b, b_n)
    with pytest.raises(ValueError, match=re.escape("gru.to_torch: expected b_n of shape (n=5,), got (4,)")):
        gru.to_torch(U, W, b, b_n[1:])
