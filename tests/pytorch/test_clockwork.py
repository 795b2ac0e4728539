"""The clockwork network in PyTorch: its function against the reference, and its module."""

import re

import numpy as np
import pytest
import torch
from cells import DRAWN, SIZES, all_close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.pytorch import clockwork
from rnncourse.reference import clockwork as reference


def arguments(T=6, B=3, m=4, n=5, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(T, B, m), (B, n), (n, m), (n, n), (n,)]
    return [torch.tensor(rng.normal(size=shape) / n**0.5, requires_grad=True) for shape in shapes]


@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 9), st.integers(0, 999))
def test_forward_against_the_reference(sizes, start, seed):
    tensors, rng = arguments(**sizes, seed=seed), np.random.default_rng(seed)
    clock = np.sort(rng.integers(1, 9, sizes["n"]))
    outputs = clockwork.forward(*tensors, torch.tensor(clock), start)
    *theirs, cache = reference.forward(*(a.detach().numpy() for a in tensors), clock, start)
    all_close(outputs, theirs)
    cotangents = [rng.normal(size=tuple(out.shape)) for out in outputs]
    loss = sum((out * torch.tensor(d)).sum() for out, d in zip(outputs, cotangents, strict=True))
    all_close(torch.autograd.grad(loss, tensors, materialize_grads=True), reference.backward(*cotangents, cache))


def test_forward_without_steps():
    """hs is empty, and in the graph of all arguments: their gradients are zero."""
    tensors = arguments(T=0)
    hs, h_T = clockwork.forward(*tensors, torch.tensor([1, 1, 2, 2, 4]))
    assert hs.shape == (0, 3, 5) and torch.equal(h_T, tensors[1])
    assert not any(grad.any() for grad in torch.autograd.grad(hs.sum(), tensors))


def test_gradcheck():
    clock = torch.tensor([1, 2, 4])
    assert torch.autograd.gradcheck(lambda *a: clockwork.forward(*a, clock), arguments(T=5, B=2, m=2, n=3))
    assert torch.autograd.gradgradcheck(lambda *a: clockwork.forward(*a, clock), arguments(T=3, B=1, m=1, n=3))


def test_module():
    module = clockwork.Clockwork(4, 6, (1, 3), dtype=torch.float64)
    x, h0 = (a.detach() for a in arguments(n=6)[:2])
    all_close(module(x, h0, 2), clockwork.forward(x, h0, *module.parameters(), module.clock, 2))
    all_close(module(x), module(x, torch.zeros_like(h0)))
    assert list(dict(module.named_parameters())) == ["U", "W", "b"] and module.clock.tolist() == [1] * 3 + [3] * 3
    assert max(p.abs().max() for p in module.parameters()) <= 6**-0.5
    assert repr(module) == "Clockwork(4, 6, periods=(1, 3))"
    (grad,) = torch.autograd.grad(module(x)[0].sum(), module.W)
    assert module.counted == 6 * 5 + grad.count_nonzero() == 6 * 5 + 27


def test_errors():
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    for periods in ((1, 2, 4, 8), (), (2, 1), (1, 1)):
        with say(f"Clockwork: expected ascending periods, as many as divide hidden_size=6, got {list(periods)}"):
            clockwork.Clockwork(4, 6, periods)
    with say("Clockwork: expected period 0 to be an integer of at least 1, got 0"):
        clockwork.Clockwork(4, 6, (0, 1))
    with say("clockwork.forward: expected h0 of shape (B=3, n=6), got (3, 4)"):
        clockwork.Clockwork(4, 6, (1, 2))(torch.zeros(6, 3, 4), torch.zeros(3, 4))
    with say("clockwork.forward: expected clock to be a tensor of 5 whole numbers of at least 1, in ascending order"):
        clockwork.forward(*arguments(), torch.tensor([2, 1, 1, 1, 1]))
