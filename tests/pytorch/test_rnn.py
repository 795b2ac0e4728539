"""The simple network in PyTorch: its functions against the reference; test_layers.py has what all modules share."""

import pytest
import torch
from cases import RNN as Case
from cases import tensors, weighted
from cells import DRAWN, SIZES, all_close, body, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import timing
from rnncourse.pytorch import RNN, rnn
from rnncourse.reference import ops
from rnncourse.reference import rnn as reference

FUNCTIONS = {ops.tanh: torch.tanh, ops.relu: torch.relu}
NONLINEARITIES = pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)


def test_both_packages_have_the_same_step():
    assert body(rnn.step) == body(reference.step)
    assert rnn.step.shapes == reference.step.shapes


@NONLINEARITIES
@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_forward_against_the_reference(f, sizes, seed):
    case = Case(**sizes, f=f, seed=seed)
    arguments = tensors(case)
    outputs = rnn.forward(*arguments, FUNCTIONS[f])
    all_close(outputs, case.forward()[:2])
    all_close(torch.autograd.grad(weighted(case, outputs), arguments), case.backward())


def test_forward_is_step_in_a_loop():
    x, h, *weights = tensors(Case())
    hs, h_T = rnn.forward(x, h, *weights)
    for x_t, expected in zip(x, hs, strict=True):
        h = rnn.step(x_t, h, *weights)
        close(h, expected, 1e-13)
    close(h, h_T, 1e-13)


def test_forward_without_steps():
    """hs is empty, and in the graph of all arguments: their gradients are zero."""
    arguments = tensors(Case(T=0))
    hs, h_T = rnn.forward(*arguments)
    assert hs.shape == (0, 3, 5) and torch.equal(h_T, arguments[1])
    assert not any(grad.any() for grad in torch.autograd.grad(hs.sum(), arguments))


def test_forward_makes_no_needless_product():
    """Those of the formula, and no other: T B 1n (m + n) multiplications, each with an addition."""
    arguments = tensors(Case(T=6, B=3, m=4, n=5))
    assert timing.flops(lambda: rnn.forward(*arguments)) == 2 * 6 * 3 * 5 * (4 + 5)


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck], ids=lambda c: c.__name__)
def test_gradcheck(check):
    assert check(rnn.forward, tensors(Case(T=3, B=2, m=2, n=3)))


def test_the_module_has_its_nonlinearity():
    x = torch.randn(5, 2, 3)
    module = RNN(3, 4, nonlinearity="relu")
    assert module.nonlinearity == "relu" and module(x)[0].min() == 0
    assert RNN(3, 4)(x)[0].min() < 0
    with pytest.raises(ValueError, match="RNN: expected nonlinearity 'tanh' or 'relu', got 'sigmoid'"):
        RNN(3, 4, nonlinearity="sigmoid")
