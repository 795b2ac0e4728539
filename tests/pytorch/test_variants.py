"""The LSTM's relatives: each against what it must equal, and by hand; the module."""

import re

import numpy as np
import pytest
import torch
from cells import DRAWN, SIZES, all_close, close
from hypothesis import given
from hypothesis import strategies as st
from torch import tanh

from rnncourse.checks import parse, shapes
from rnncourse.pytorch import LSTM, gru, lstm, variants
from rnncourse.pytorch.variants import Variant

STEPS = {
    step.__name__: step
    for step in (lstm.step, variants.peephole, variants.coupled, variants.projected, variants.shared)
}
EACH = pytest.mark.parametrize("name", STEPS)


def case(name, T=6, B=3, m=4, n=5, r=2, seed=0):
    """x, h0, c0 and the weights that the step declares, by name; random, float64, with gradients."""
    rng, step = np.random.default_rng(seed), STEPS[name]
    sizes = {"m": m, "n": n, "r": r}
    draw = lambda *shape: torch.from_numpy(rng.normal(size=shape)).requires_grad_()  # noqa: E731
    wanted = {
        k: [f * sizes[letter] for f, letter in map(parse, spec.split())]
        for k, spec in step.shapes.items()
        if "." not in spec
    }
    weights = {k: draw(*shape) for k, shape in wanted.items()}
    return draw(T, B, m), draw(B, r if name == "projected" else n), draw(B, n), weights


def run(step, x, h, c, weights):
    hs = []
    for x_t in x:
        h, c = step(x_t, h, c, *weights)
        hs.append(h)
    return torch.stack(hs), h, c


def module(name, weights, m, n):
    net = Variant(STEPS[name], m, n, **({"r": weights["R"].shape[0]} if name == "projected" else {})).double()
    net.load_state_dict(weights)
    return net


def gradients_of(outputs, arguments, seed=1):
    """Of a loss with random weights on all outputs at once."""
    rng = np.random.default_rng(seed)
    loss = sum((a * torch.from_numpy(rng.normal(size=a.shape))).sum() for a in outputs)
    return torch.autograd.grad(loss, arguments)


# ---- each relative against what it must equal --------------------------------------------------------------


@DRAWN
@given(st.builds(dict, **SIZES), st.integers(2, 6), st.integers(0, 999))
def test_projected_is_torch_nn_LSTM_with_a_projection(sizes, n, seed):
    sizes["n"] = n  # torch wants r < n
    x, h0, c0, weights = case("projected", **sizes, r=1 + seed % (n - 1), seed=seed)
    theirs = torch.nn.LSTM(sizes["m"], n, proj_size=len(weights["R"]), dtype=torch.float64)
    names = {"weight_ih_l0": "U", "weight_hh_l0": "W", "bias_ih_l0": "b", "weight_hr_l0": "R"}
    theirs.load_state_dict({k: weights[v] for k, v in names.items()} | {"bias_hh_l0": torch.zeros(4 * n)})
    hs, (h_T, c_T) = theirs(x, (h0[None], c0[None]))
    outputs = run(variants.projected, x, h0, c0, weights.values())
    all_close(outputs, [hs, h_T[0], c_T[0]])
    given = [getattr(theirs, name) for name in names]
    expected = gradients_of([hs, h_T[0], c_T[0]], [x, h0, c0, *given])
    all_close(gradients_of(outputs, [x, h0, c0, *(weights[k] for k in names.values())]), expected)


def test_peephole_without_peepholes_is_the_lstm():
    x, h0, c0, weights = case("peephole")
    plain = run(lstm.step, x, h0, c0, [weights[k] for k in "UWb"])
    assert (run(variants.peephole, x, h0, c0, weights.values())[0] - plain[0]).abs().max() > 0.1
    weights["p"].data.zero_()
    all_close(run(variants.peephole, x, h0, c0, weights.values()), plain, 1e-13)


def test_peephole_is_the_formula():
    """Number by number: the first two gates see the old cell, the output gate sees the new one."""
    x, h0, c0, weights = case("peephole", T=1, B=2, m=3, n=2)
    h, c = (a.detach().numpy() for a in variants.peephole(x[0], h0, c0, *weights.values()))
    x, h0, c0, U, W, b, p = (a.detach().numpy() for a in (x[0], h0, c0, *(weights[k] for k in "UWbp")))
    s = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    for item, j in np.ndindex(2, 2):
        net = [U[row] @ x[item] + W[row] @ h0[item] + b[row] for row in (j, 2 + j, 4 + j, 6 + j)]
        old = c0[item, j]
        new = s(net[1] + p[2 + j] * old) * old + s(net[0] + p[j] * old) * np.tanh(net[2])
        np.testing.assert_allclose(c[item, j], new, rtol=1e-13)
        np.testing.assert_allclose(h[item, j], s(net[3] + p[4 + j] * new) * np.tanh(new), rtol=1e-13)


def test_coupled_is_an_lstm_whose_input_gate_is_the_forget_gate_turned_round():
    """1 − σ(f) = σ(−f): an LSTM whose rows of i are the negative of those of f."""
    x, h0, c0, weights = case("coupled")
    rows = [weights[k] for k in "UWb"]
    whole = run(lstm.step, x, h0, c0, [torch.cat([-a[:5], a]) for a in rows])
    outputs = run(variants.coupled, x, h0, c0, rows)
    all_close(outputs, whole, 1e-13)
    all_close(gradients_of(outputs, [x, h0, c0, *rows]), gradients_of(whole, [x, h0, c0, *rows]))


def test_shared_has_one_net_for_all_gates():
    """An LSTM with the same rows four times: its three gates are equal at every step, and g is their net's tanh."""
    x, h0, c0, weights = case("shared")
    rows = [weights[k] for k in "UWb"]
    four = [torch.cat([a] * 4) for a in rows]
    outputs = run(variants.shared, x, h0, c0, rows)
    all_close(outputs, run(lstm.step, x, h0, c0, four), 1e-13)
    h = h0
    for x_t, after in zip(x, outputs[0], strict=True):
        i, f, g, o = lstm.split(x_t @ four[0].T + h @ four[1].T + four[2], 4)
        assert all((gate - i).abs().max() < 1e-13 for gate in (f, g, o))
        h = after


@EACH
@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck], ids=lambda c: c.__name__)
def test_gradcheck(check, name):
    x, h0, c0, weights = case(name, T=2, B=2, m=2, n=3)
    assert check(
        lambda x, h, c, *weights: run(STEPS[name], x, h, c, weights), (x, h0, c0, *weights.values()), fast_mode=True
    )


@EACH
def test_step_takes_one_vector_or_a_batch(name):
    x, h0, c0, weights = case(name)
    batch = STEPS[name](x[0], h0, c0, *weights.values())
    all_close(STEPS[name](x[0, 1], h0[1], c0[1], *weights.values()), [state[1] for state in batch], 1e-13)


@EACH
def test_step_errors(name):
    x, h0, c0, weights = case(name)
    first, *rest = weights.values()
    expected = f"{name}: expected c of shape (3, n=5), got (3, 4)"
    with pytest.raises(ValueError, match=re.escape(expected)):
        STEPS[name](x[0], h0, c0[:, 1:], first, *rest)
    with pytest.raises(ValueError, match=rf"{name}: expected W of shape .*, got \(1, "):
        STEPS[name](x[0], h0, c0, first, rest[0][:1], *rest[1:])


# ---- the module --------------------------------------------------------------------------------------------


@EACH
@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_module_is_step_in_a_loop(name, sizes, seed):
    x, h0, c0, weights = case(name, **sizes, seed=seed)
    net = module(name, weights, sizes["m"], sizes["n"])
    assert list(net.state_dict()) == list(weights)
    hs, states = net(x, h0, c0)
    all_close([hs, *states], run(STEPS[name], x, h0, c0, weights.values()), 1e-13)
    zeros = torch.zeros_like(h0), torch.zeros_like(c0)
    hs, states = net(x)
    all_close([hs, *states], run(STEPS[name], x, *zeros, weights.values()), 1e-13)


def test_module_of_the_plain_step_is_the_lstm():
    x, h0, c0, weights = case("step")
    plain = LSTM(4, 5, dtype=torch.float64)
    plain.load_state_dict(
        {
            "weight_ih_l0": weights["U"],
            "weight_hh_l0": weights["W"],
            "bias_ih_l0": weights["b"],
            "bias_hh_l0": 0 * weights["b"],
        }
    )
    hs, states = module("step", weights, 4, 5)(x, h0, c0)
    expected, last = plain(x, (h0[None], c0[None]))
    all_close([hs, *states], [expected, last[0][0], last[1][0]], 1e-13)


@EACH
def test_module_in_chunks_and_without_steps(name):
    x, h0, c0, weights = case(name)
    net = module(name, weights, 4, 5)
    whole, last = net(x, h0, c0)
    states, parts = (h0, c0), []
    for chunk in x.split([2, 0, 4]):
        hs, states = net(chunk, *states)
        assert hs.shape == (len(chunk), *h0.shape)
        parts.append(hs)
    all_close([torch.cat(parts), *states], [whole, *last], 1e-13)


@EACH
def test_module_initialisation_is_torchs(name):
    """Every entry between ±1/√n, and not all in half of it; dtype and device follow the module."""
    net = Variant(STEPS[name], 30, 25, **({"r": 7} if name == "projected" else {}))
    for parameter in net.parameters():
        assert 0.15 < parameter.abs().max() <= 0.2
    hs, (h_T, c_T) = net.to("meta", torch.bfloat16)(torch.zeros(5, 2, 30, device="meta", dtype=torch.bfloat16))
    assert hs.shape == (5, 2, 7 if name == "projected" else 25) and c_T.shape == (2, 25)
    assert {(a.device.type, a.dtype) for a in (hs, h_T, c_T)} == {("meta", torch.bfloat16)}


@EACH
def test_module_at_saturation(name):
    net = Variant(STEPS[name], 3, 4, **({"r": 2} if name == "projected" else {}))
    x = (1e3 * torch.sign(torch.randn(6, 2, 3))).requires_grad_()
    hs, (_, c_T) = net(x)
    (hs.sum() + c_T.sum()).backward()
    assert all(a.isfinite().all() for a in (hs, c_T, x.grad, *(p.grad for p in net.parameters())))


def test_module_errors():
    x = torch.zeros(5, 2, 3)
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("Variant: expected the sizes ['m', 'n', 'r'] for projected, got ['m', 'n']"):
        Variant(variants.projected, 3, 4)
    with say("Variant: expected the sizes ['m', 'n'] for peephole, got ['m', 'n', 'r']"):
        Variant(variants.peephole, 3, 4, r=2)
    with say("Variant: expected n to be an integer of at least 1, got 0"):
        Variant(variants.peephole, 3, 0)
    with say("Variant: expected r to be an integer of at least 1, got 1.5"):
        Variant(variants.projected, 3, 4, r=1.5)
    for wrong in (gru.step, torch.tanh):  # one state; no declared shapes
        with say("Variant: expected a step of x, h and c, with shapes, got <"):
            Variant(wrong, 3, 4)
    net = Variant(variants.peephole, 3, 4)
    with say("Variant: expected x of shape (T, B, m), got (5, 3)"):
        net(x[:, 0])
    with say("Variant: expected x to be a torch tensor, got numpy.ndarray"):
        net(x.numpy())
    with say("Variant: expected h0 to be a torch tensor, got int"):
        net(x, 3)
    with say("Variant: expected c0 of shape (B=2, n), got (1, 2, 4)"):
        net(x, torch.zeros(2, 4), torch.zeros(1, 2, 4))
    with say("variants.peephole: expected x of shape (..., m=3), got (2, 7)"):
        net(torch.zeros(5, 2, 7))
    with say("variants.peephole: expected h of shape (2, n=4), got (2, 5)"):
        net(x, torch.zeros(2, 5))


@EACH
def test_module_under_autocast_vmap_and_compile(name):
    """After a Linear, whose output is in half precision; over a further axis; as one graph."""
    torch.manual_seed(0)
    below, net = torch.nn.Linear(3, 4), Variant(STEPS[name], 4, 5, **({"r": 2} if name == "projected" else {}))
    x = torch.randn(6, 2, 3)
    exact = net(below(x))[0]
    with torch.autocast("cpu", torch.bfloat16):
        hs = net(below(x))[0]
        hs.float().sum().backward()
    assert (hs.float() - exact).abs().max() < 0.02
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in net.parameters())
    together = torch.vmap(lambda a: net(a)[0])(torch.stack([below(x), below(2 * x)]))
    close(together, torch.stack([exact, net(below(2 * x))[0]]), 1e-5)
    torch.compiler.reset()
    compiled = torch.compile(net, fullgraph=True, backend="eager")
    close(compiled(below(x)[:2].detach())[0], exact[:2], 1e-5)


def test_the_weights_are_checked_once_a_sequence():
    """By the first step: a NaN among them is named."""
    net = Variant(variants.coupled, 3, 4)
    net.W.data[2, 1] = torch.nan
    with pytest.raises(
        ValueError, match=r"coupled: expected finite values in W, got 1 NaN or infinite, first at \(2, 1\)"
    ):
        net(torch.zeros(5, 2, 3))


def test_a_step_of_ones_own_is_a_variant():
    """Any function of x, h, c and weights that declares its shapes."""

    @shapes(U="n m", b="n", x="... m", h="... n", c="... n")
    def step(x, h, c, U, b):
        c = c + tanh(x @ U.T + b)
        return c, c

    hs, (_, c_T) = Variant(step, 3, 4)(torch.ones(5, 2, 3))
    assert torch.equal(hs[-1], c_T) and hs.shape == (5, 2, 4)
