"""The GRU in PyTorch: its functions against the reference, the reset before the product; more in test_layers.py."""

import re

import pytest
import torch
from cases import GRU as Case
from cases import tensors, weighted
from cells import DRAWN, SIZES, all_close, body, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import timing
from rnncourse.pytorch import GRU, gru
from rnncourse.reference import gru as reference

RESETS = pytest.mark.parametrize("reset", gru.RESETS)
STEPS = {"after": gru.step, "before": gru.step_before}


@pytest.mark.parametrize("name", ["step", "step_before"])
def test_both_packages_have_the_same_body(name):
    ours, theirs = getattr(gru, name), getattr(reference, name)
    assert body(ours) == body(theirs)
    assert ours.shapes == theirs.shapes


@RESETS
@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_forward_against_the_reference(reset, sizes, seed):
    case = Case(**sizes, reset=reset, seed=seed)
    arguments = tensors(case)
    outputs = gru.forward(*arguments, reset)
    all_close(outputs, case.forward()[:2])
    all_close(torch.autograd.grad(weighted(case, outputs), arguments), case.backward())


@RESETS
def test_forward_is_step_in_a_loop(reset):
    x, h, *weights = tensors(Case())
    hs, h_T = gru.forward(x, h, *weights, reset)
    for x_t, expected in zip(x, hs, strict=True):
        h = STEPS[reset](x_t, h, *weights)
        close(h, expected, 1e-13)
    close(h, h_T, 1e-13)


@RESETS
def test_forward_without_steps(reset):
    """hs is empty, and in the graph of all arguments: their gradients are zero."""
    arguments = tensors(Case(T=0))
    hs, h_T = gru.forward(*arguments, reset)
    assert hs.shape == (0, 3, 5) and torch.equal(h_T, arguments[1])
    assert not any(grad.any() for grad in torch.autograd.grad(hs.sum(), arguments))


@RESETS
def test_forward_makes_no_needless_product(reset):
    """Those of the formula, and no other: T B 3n (m + n) multiplications, each with an addition."""
    arguments = tensors(Case(T=6, B=3, m=4, n=5))
    assert timing.flops(lambda: gru.forward(*arguments, reset)) == 2 * 6 * 3 * 15 * (4 + 5)


@RESETS
@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck], ids=lambda c: c.__name__)
def test_gradcheck(check, reset):
    assert check(lambda *a: gru.forward(*a, reset), tensors(Case(T=2, B=2, m=2, n=2)))


def test_other_resets_are_refused():
    with pytest.raises(ValueError, match=re.escape("GRU: expected reset to be 'after' or 'before', got 'never'")):
        GRU(3, 4, reset="never")
    with pytest.raises(ValueError, match="gru.forward: expected reset to be 'after' or 'before', got 'never'"):
        gru.forward(*tensors(Case()), "never")


@pytest.mark.parametrize(("num_layers", "bidirectional"), [(1, False), (1, True), (2, False), (3, True)], ids=str)
def test_module_with_the_reset_before(num_layers, bidirectional):
    """Layer by layer and direction by direction, from the function; and it is not what the other reset gives."""
    module = GRU(4, 5, num_layers, bidirectional=bidirectional, reset="before", dtype=torch.float64)
    x, weights, lasts = torch.randn(6, 3, 4, dtype=torch.float64), dict(module.named_parameters()), []
    below = x
    for layer in range(num_layers):
        outputs = []
        for suffix in ["", "_reverse"][: 1 + bidirectional]:
            kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            U, W, b_ih, b_hh = (weights[f"{kind}_l{layer}{suffix}"] for kind in kinds)
            reversed_ = below.flip(0) if suffix else below
            b = torch.cat([(b_ih + b_hh)[:10], b_ih[10:]])
            hs, last = gru.forward(reversed_, x.new_zeros(3, 5), U, W, b, b_hh[10:], "before")
            outputs.append(hs.flip(0) if suffix else hs)
            lasts.append(last)
        below = torch.cat(outputs, dim=-1)
    all_close(module(x), [below, torch.stack(lasts)])
    module.reset = "after"
    assert (module(x)[0] - below).abs().max() > 1e-3


def test_biases():
    """Those of r and z are added; the candidate's two stay apart, for the reset multiplies the second."""
    b_ih, b_hh = torch.arange(6.0), 10 * torch.arange(6.0)
    b, b_n = gru.biases(b_ih, b_hh)
    assert b.tolist() == [0, 11, 22, 33, 4, 5] and b_n.tolist() == [40, 50]
