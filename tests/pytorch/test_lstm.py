"""The LSTM in PyTorch: its functions against the reference; the forget gates' bias. test_layers.py has the module."""

import re

import pytest
import torch
from cases import LSTM as Case
from cases import tensors, weighted
from cells import DRAWN, SIZES, all_close, body, close
from hypothesis import given
from hypothesis import strategies as st
from torch import sigmoid

from rnncourse import timing
from rnncourse.pytorch import GRU, LSTM, lstm
from rnncourse.reference import lstm as reference


@pytest.mark.parametrize("name", ["gates", "step"])
def test_both_packages_have_the_same_body(name):
    ours, theirs = getattr(lstm, name), getattr(reference, name)
    assert body(ours) == body(theirs)
    assert getattr(ours, "shapes", None) == getattr(theirs, "shapes", None)


def test_gates_against_the_reference():
    net = torch.randn(3, 20, dtype=torch.float64)
    all_close(lstm.gates(net), reference.gates(net.numpy()), 1e-14)
    with pytest.raises(ValueError, match="expected a last axis that 4 divides, got 18"):
        lstm.gates(net[:, 2:])


@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_forward_against_the_reference(sizes, seed):
    case = Case(**sizes, seed=seed)
    arguments = tensors(case)
    outputs = lstm.forward(*arguments)
    all_close(outputs, case.forward()[:3])
    all_close(torch.autograd.grad(weighted(case, outputs), arguments), case.backward())


def test_forward_is_step_in_a_loop():
    x, h, c, *weights = tensors(Case())
    hs, h_T, c_T = lstm.forward(x, h, c, *weights)
    for x_t, expected in zip(x, hs, strict=True):
        h, c = lstm.step(x_t, h, c, *weights)
        close(h, expected, 1e-13)
    all_close([h, c], [h_T, c_T], 1e-13)


def test_forward_without_steps():
    """hs is empty, and in the graph of all arguments but c0, which is c_T: their gradients are zero."""
    x, h0, c0, *weights = tensors(Case(T=0))
    hs, h_T, c_T = lstm.forward(x, h0, c0, *weights)
    assert hs.shape == (0, 3, 5) and torch.equal(h_T, h0) and torch.equal(c_T, c0)
    assert not any(grad.any() for grad in torch.autograd.grad(hs.sum(), [x, h0, *weights]))


def test_forward_makes_no_needless_product():
    """Those of the formula, and no other: T B 4n (m + n) multiplications, each with an addition."""
    arguments = tensors(Case(T=6, B=3, m=4, n=5))
    assert timing.flops(lambda: lstm.forward(*arguments)) == 2 * 6 * 3 * 20 * (4 + 5)


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck], ids=lambda c: c.__name__)
def test_gradcheck(check):
    assert check(lstm.forward, tensors(Case(T=2, B=2, m=2, n=2)))


# ---- the states of the module ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "got"),
    [
        (3, "int"),
        (torch.zeros(2, 1, 2, 4), "Tensor"),
        ((torch.zeros(1, 2, 4),), "tuple of length 1"),
        ([torch.zeros(1, 2, 4)] * 3, "list of length 3"),
        ({}, "dict"),
        ("h0", "str"),
    ],
    ids=lambda a: type(a).__name__,
)
def test_states_that_are_no_pair(states, got):
    with pytest.raises(ValueError, match=re.escape(f"LSTM: expected the states to be a pair (h0, c0), got {got}")):
        LSTM(3, 4)(torch.zeros(5, 2, 3), states)


def test_one_of_the_states_may_be_left_out():
    module, x, state = LSTM(3, 4), torch.randn(5, 2, 3), torch.randn(1, 2, 4)
    for given_, whole in (((state, None), (state, 0 * state)), ([None, state], (0 * state, state))):
        assert torch.equal(module(x, given_)[0], module(x, whole)[0])


# ---- the forget gates' bias --------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [LSTM, torch.nn.LSTM], ids=["ours", "torch.nn"])
@pytest.mark.parametrize(("num_layers", "bidirectional"), [(1, False), (3, True)])
@pytest.mark.parametrize("value", [1, -0.5])
def test_initialise_forget_bias(make, num_layers, bidirectional, value):
    """The two biases of every forget gate add up to the value; nothing else moves, and training can go on."""
    net = make(3, 4, num_layers, bidirectional=bidirectional)
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    assert lstm.initialise_forget_bias(net, value) is None
    suffixes = [f"_l{layer}{way}" for layer in range(num_layers) for way in ["", "_reverse"][: 1 + bidirectional]]
    assert len(suffixes) * 4 == len(before)
    for suffix in suffixes:
        for name, wanted in (("bias_ih", value), ("bias_hh", 0)):
            assert (getattr(net, name + suffix)[4:8] == wanted).all()
            before[name + suffix][4:8] = wanted
    for name, weight in net.named_parameters():
        assert torch.equal(weight, before[name]) and weight.requires_grad and weight.grad_fn is None, name


def test_initialise_forget_bias_moves_the_gate():
    """With weights of zero the forget gate is σ(value): the cell state shrinks by it at every step."""
    net = LSTM(3, 4, dtype=torch.float64)
    for weight in net.parameters():
        weight.data.zero_()
    lstm.initialise_forget_bias(net, 2.0)
    c0 = torch.randn(1, 2, 4, dtype=torch.float64)
    _, (_, c_T) = net(torch.zeros(5, 2, 3, dtype=torch.float64), (0 * c0, c0))
    close(c_T, c0 * sigmoid(torch.tensor(2.0).double()) ** 5, 1e-13)


def test_initialise_forget_bias_of_a_projection():
    net = torch.nn.LSTM(3, 4, proj_size=2)
    lstm.initialise_forget_bias(net, 1)
    assert (net.bias_ih_l0[4:8] == 1).all() and (net.bias_hh_l0[4:8] == 0).all()


@pytest.mark.parametrize(
    "net",
    [
        torch.nn.GRU(3, 4),
        GRU(3, 4),
        torch.nn.RNN(3, 4),
        torch.nn.LSTM(3, 4, bias=False),
        LSTM(3, 4, bias=False),
        torch.nn.Linear(3, 4),
    ],
    ids=str,
)
def test_initialise_forget_bias_refuses(net):
    before = [p.clone() for p in net.parameters()]
    message = f"lstm.initialise_forget_bias: expected an LSTM with biases, got {type(net).__name__}"
    with pytest.raises(ValueError, match=message):
        lstm.initialise_forget_bias(net, 1)
    assert all(map(torch.equal, before, net.parameters()))
