"""The Jordan network in PyTorch: its functions against the reference, and its module."""

import re

import numpy as np
import pytest
import torch
from cells import DRAWN, SIZES, all_close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.pytorch import jordan
from rnncourse.reference import jordan as reference


def arguments(T=6, B=3, m=4, n=5, k=2, forced=False, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(T, B, m), (B, k), (n, m), (n, k), (n,), (k, n), (k,), *([(T, B, k)] if forced else [])]
    return [torch.tensor(rng.normal(size=shape) / n**0.5, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("forced", [False, True])
@DRAWN
@given(st.builds(dict, **SIZES, k=st.integers(1, 4)), st.integers(0, 999))
def test_forward_against_the_reference(forced, sizes, seed):
    tensors, rng = arguments(**sizes, forced=forced, seed=seed), np.random.default_rng(seed)
    outputs = jordan.forward(*tensors)
    *theirs, cache = reference.forward(*(a.detach().numpy() for a in tensors))
    all_close(outputs, theirs)
    cotangents = [rng.normal(size=tuple(out.shape)) for out in outputs]
    loss = sum((out * torch.tensor(d)).sum() for out, d in zip(outputs, cotangents, strict=True))
    grads = torch.autograd.grad(loss, tensors, materialize_grads=True)
    all_close(grads, reference.backward(*cotangents, cache)[: len(tensors)])


def test_forward_without_steps():
    """ys is empty, and in the graph of all arguments: their gradients are zero."""
    for forced in (False, True):
        tensors = arguments(T=0, forced=forced)
        ys, y_T = jordan.forward(*tensors)
        assert ys.shape == (0, 3, 2) and torch.equal(y_T, tensors[1])
        assert not any(grad.any() for grad in torch.autograd.grad(ys.sum(), tensors[:7]))


@pytest.mark.parametrize("forced", [False, True])
def test_gradcheck(forced):
    assert torch.autograd.gradcheck(jordan.forward, arguments(T=3, B=2, m=2, n=3, forced=forced))


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "linear"])
def test_module(output):
    module = jordan.Jordan(4, 5, 2, output, dtype=torch.float64)
    x, y0 = (a.detach() for a in arguments()[:2])
    g = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "linear": None}[output]
    all_close(module(x, y0), jordan.forward(x, y0, *module.parameters(), g=g))
    all_close(module(x), module(x, torch.zeros_like(y0)))
    teacher = module(x)[0].detach()
    all_close(module(x, teacher=teacher), module(x), 1e-12)
    assert list(dict(module.named_parameters())) == ["U", "W_y", "b", "V", "b_y"]
    assert max(p.abs().max() for p in module.parameters()) <= 5**-0.5
    assert repr(module) == f"Jordan(4, 5, 2, output='{output}')"


def test_errors():
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("Jordan: expected output to be one of sigmoid, tanh, linear, got 'softmax'"):
        jordan.Jordan(4, 5, 2, "softmax")
    with say("Jordan: expected output_size to be an integer of at least 1, got 0"):
        jordan.Jordan(4, 5, 0)
    with say("jordan.forward: expected y0 of shape (B=3, k=2), got (3, 4)"):
        jordan.Jordan(4, 5, 2)(torch.zeros(6, 3, 4), torch.zeros(3, 4))
