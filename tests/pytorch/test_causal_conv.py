"""The causal CNN: against the reference's convolution, its receptive field as measured, its count, errors."""

import re

import pytest
import torch
from cells import close

from rnncourse import counting
from rnncourse.pytorch import causal_conv
from rnncourse.reference import conv as reference


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (1, 4), (3, 1)])
def test_causal_conv_is_the_references(stride, dilation):
    torch.manual_seed(0)
    conv = causal_conv.CausalConv(4, 5, 3, stride=stride, dilation=dilation, dtype=torch.float64)
    x = torch.randn(9, 2, 4, dtype=torch.float64)
    U, b = (p.detach().numpy() for p in conv.parameters())
    ys, _ = reference.forward(x.numpy(), U, b, stride, dilation)
    close(conv(x.permute(1, 2, 0)).permute(2, 0, 1), ys)


@pytest.mark.parametrize(("kernel", "layers"), [(3, 1), (3, 4), (2, 5), (4, 3)])
def test_receptive_field_is_as_measured_and_causal(kernel, layers):
    torch.manual_seed(0)
    network = causal_conv.CausalCNN(2, 16, kernel, layers).double()
    field = causal_conv.receptive_field(kernel, layers)
    x = torch.randn(field + 9, 8, 2, dtype=torch.float64)
    assert counting.receptive_field(lambda x: network(x)[-1], x) == field
    assert counting.receptive_field(lambda x: network(x)[3], x) == min(4, field)
    assert counting.parameters(network) == 3 * 16 + layers * (kernel * 16**2 + 16)
    assert network(x).shape == (field + 9, 8, 16)


def test_errors():
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("CausalCNN: expected layers to be an integer of at least 1, got 0"):
        causal_conv.CausalCNN(2, 3, layers=0)
    with say("causal_conv.receptive_field: expected kernel to be an integer of at least 1, got 0"):
        causal_conv.receptive_field(0, 3)
    with say("causal_conv.CausalCNN.forward: expected x of shape (T, B, m), got (5, 2)"):
        causal_conv.CausalCNN(2, 3)(torch.zeros(5, 2))
