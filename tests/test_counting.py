"""Counting: parameters, receptive fields and chains, of networks where they are known."""

import pytest
import torch
from torch import nn

from rnncourse import counting
from rnncourse.pytorch import RNN


def test_parameters():
    assert counting.parameters(nn.Linear(3, 2)) == 8
    assert counting.parameters(RNN(3, 2)) == 2 * (3 + 2 + 2)  # two biases, as torch.nn.RNN has
    frozen = nn.Linear(3, 2)
    frozen.bias.requires_grad_(False)
    assert counting.parameters(frozen) == 6
    with pytest.raises(ValueError, match="expected a torch module, got int"):
        counting.parameters(3)


@pytest.mark.parametrize("T", [1, 2, 7])
def test_recurrent_sees_all_and_waits(T):
    net, x = RNN(3, 4).double(), torch.randn(T, 2, 3, dtype=torch.float64)
    assert counting.receptive_field(lambda x: net(x)[0][-1], x) == T
    assert counting.receptive_field(lambda x: net(x)[0][0], x) == 1
    assert counting.sequential_steps(net(x)[0][-1]) == T  # W h_{t-1} at every step, one after the other
    assert counting.sequential_steps(net(x)[0][-1] @ torch.ones(4, 1, dtype=torch.float64)) == T + 1


def test_convolution_sees_its_width():
    conv, x = nn.Conv1d(3, 3, 4).double(), torch.randn(9, 1, 3, dtype=torch.float64)
    assert counting.receptive_field(lambda x: conv(x.permute(1, 2, 0))[..., -1], x) == 4
    assert counting.sequential_steps(conv(conv(x.permute(1, 2, 0)))) == 2


def test_chain_longer_than_pythons_stack():
    x = torch.ones(1, 1, requires_grad=True)
    y = x
    for _ in range(5000):
        y = y @ torch.ones(1, 1)
    assert counting.sequential_steps(y) == 5000


def test_no_graph():
    with pytest.raises(ValueError, match="got one without a graph"):
        counting.sequential_steps(torch.ones(2))
    with pytest.raises(ValueError, match=r"expected x of shape \(T, B, m\), got \(2,\)"):
        counting.receptive_field(lambda x: x, torch.ones(2))
