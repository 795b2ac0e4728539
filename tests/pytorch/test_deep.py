"""Stacked layers in PyTorch. The agreement with the reference is held in tests/reference/test_deep.py."""

import re

import pytest
import torch
from cells import close

from rnncourse import counting
from rnncourse.pytorch.deep import KINDS, Deep


@pytest.mark.parametrize("kind", KINDS)
def test_is_torch_nn_with_layers(kind):
    torch.manual_seed(0)
    made, theirs = Deep(kind, 3, 4, 2, dtype=torch.float64), getattr(torch.nn, kind)(3, 4, 2, dtype=torch.float64)
    state = theirs.state_dict()
    for layer, own in enumerate(made.layers):
        own.load_state_dict({name: state[name.replace("_l0", f"_l{layer}")] for name in own.state_dict()})
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    hs, last = made(x)
    close(hs, theirs(x)[0])
    again, _ = made(x[3:], made(x[:3])[1])  # in two pieces
    close(again, hs[3:])
    assert len(last) == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("residual", "norm"), [(False, False), (True, False), (False, True), (True, True)])
def test_parameters(kind, residual, norm):
    made = Deep(kind, 3, 4, 3, residual, norm)
    expected = sum(counting.stack(kind.lower(), 3, 4, layers=3, biases=2)) + (2 * 2 * 4 if norm else 0)
    assert counting.parameters(made) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("residual", "norm"), [(True, False), (False, True), (True, True)])
def test_gradcheck(kind, residual, norm):
    torch.manual_seed(0)
    made = Deep(kind, 2, 3, 2, residual, norm, dtype=torch.float64)
    x = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: made(x)[0], [x])


def test_errors():
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("Deep: expected kind to be one of RNN, GRU, LSTM, got 'CNN'"):
        Deep("CNN", 2, 3, 2)
    with say("Deep: expected num_layers to be an integer of at least 1, got 0"):
        Deep("RNN", 2, 3, 0)
    made = Deep("LSTM", 2, 3, 2)
    with say("Deep: expected x of shape (T, B, m=2), got (5, 4, 3)"):
        made(torch.zeros(5, 4, 3))
    with say("Deep: expected states for each of 2 layers, got 1"):
        made(torch.zeros(5, 4, 2), [(torch.zeros(4, 3),) * 2])
    with say("Deep: expected h0 of shape (B=4, n=3), got (1, 3)"):
        made(torch.zeros(5, 4, 2), [(torch.zeros(1, 3),) * 2] * 2)
