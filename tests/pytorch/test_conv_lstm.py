"""ConvLSTM in PyTorch: against the reference with its backward pass, gradcheck, the module, errors."""

import re

import numpy as np
import pytest
import torch
from cells import DRAWN, all_close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import counting
from rnncourse.pytorch import conv_lstm
from rnncourse.reference import conv_lstm as reference

SIZES = {"T": st.integers(1, 4), "k": st.sampled_from([1, 3, 5]), "q": st.sampled_from([1, 3])}
SIZES |= {name: st.integers(1, 3) for name in ("B", "m", "n")} | {name: st.integers(1, 5) for name in ("H", "V")}


def arguments(T=4, B=2, m=3, n=2, k=3, q=3, H=5, V=4, seed=0):
    rng = np.random.default_rng(seed)
    states = (B, n, H, V)
    shapes = [(T, B, m, H, V), states, states, (4 * n, m, k, k), (4 * n, n, q, q), (4 * n,)]
    return [torch.tensor(rng.normal(size=shape) / 2, requires_grad=True) for shape in shapes]


def test_both_packages_ask_for_the_same_shapes():
    assert conv_lstm.forward.shapes == reference.forward.shapes


@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_outputs_and_gradients_against_the_reference(sizes, seed):
    tensors, rng = arguments(**sizes, seed=seed), np.random.default_rng(seed)
    outputs = conv_lstm.forward(*tensors)
    *theirs, cache = reference.forward(*(a.detach().numpy() for a in tensors))
    all_close(outputs, theirs)
    cotangents = [rng.normal(size=tuple(out.shape)) for out in outputs]
    loss = sum((out * torch.tensor(d)).sum() for out, d in zip(outputs, cotangents, strict=True))
    all_close(torch.autograd.grad(loss, tensors), reference.backward(*cotangents, cache))


def test_gradcheck():
    assert torch.autograd.gradcheck(conv_lstm.forward, arguments(T=2, B=1, m=2, n=1, H=3, V=2))


@pytest.mark.parametrize(("k", "q"), [(3, None), (1, None), (3, 1)])
def test_module(k, q):
    module = conv_lstm.ConvLSTM(3, 2, k, q, forget_bias=2.0)
    x = torch.randn(4, 2, 3, 5, 4)
    zeros = torch.zeros(2, 2, 5, 4)
    hs, (h_T, c_T) = module(x)
    all_close([hs, h_T, c_T], conv_lstm.forward(x, zeros, zeros, module.U, module.W, module.b), 1e-6)
    first, states = module(x[:2])
    all_close(torch.cat([first, module(x[2:], states)[0]]), hs, 1e-5)
    q = q or k
    assert counting.parameters(module) == 4 * ((k * k * 3 + q * q * 2) * 2 + 2)
    assert module.b.tolist() == [0, 0, 2, 2, 0, 0, 0, 0]


def test_errors():
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("ConvLSTM: expected hidden_channels to be an integer of at least 1, got 0"):
        conv_lstm.ConvLSTM(3, 0)
    with say("conv_lstm.forward: expected at least one step and kernels of odd size, got T=4, k=2, q=3"):
        conv_lstm.ConvLSTM(3, 2, 2, 3)(torch.zeros(4, 2, 3, 5, 4))
    with say("conv_lstm.forward: expected x of shape (T, B, m=3, H, V), got (4, 2, 1, 5, 4)"):
        conv_lstm.ConvLSTM(3, 2)(torch.zeros(4, 2, 1, 5, 4))
