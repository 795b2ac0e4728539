"""The output layer, alone and under the softmax, against PyTorch."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncourse.reference import readout
from rnncourse.reference.ops import cross_entropy

DRAWN = settings(deadline=None, derandomize=True, max_examples=50)  # the same cases every time


def draw(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def tensors(*arrays):
    return [torch.from_numpy(array).requires_grad_() for array in arrays]


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)


@DRAWN
@given(st.lists(st.integers(1, 4), max_size=3), st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_against_torch(batch, n, k, seed):
    hs, V, b_y, dlogits = draw(seed, (*batch, n), (k, n), (k,), (*batch, k))
    ours = readout.backward(dlogits, hs, V)
    inputs = tensors(hs, V, b_y)
    logits = torch.nn.functional.linear(*inputs)
    close(readout.forward(hs, V, b_y), logits.detach())
    for name, gradient in zip(
        ours._fields, torch.autograd.grad(logits, inputs, torch.from_numpy(dlogits)), strict=True
    ):
        close(getattr(ours, name), gradient)


def test_softmax_cross_entropy_through_V():
    hs, V, b_y = draw(1, (5, 2, 4), (7, 4), (7,))
    targets = np.random.default_rng(2).integers(7, size=(5, 2))
    loss, dlogits = cross_entropy(readout.forward(hs, V, b_y), targets)
    ours = readout.backward(dlogits, hs, V)
    inputs = tensors(hs, V, b_y)
    logits = torch.nn.functional.linear(*inputs)
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).flatten())
    close(loss, expected.item())
    for name, gradient in zip(ours._fields, torch.autograd.grad(expected, inputs), strict=True):
        close(getattr(ours, name), gradient)


def test_no_states():
    hs, V, b_y = draw(3, (0, 2, 4), (7, 4), (7,))
    assert readout.forward(hs, V, b_y).shape == (0, 2, 7)
    grads = readout.backward(np.zeros((0, 2, 7)), hs, V)
    assert grads.hs.shape == (0, 2, 4) and not grads.V.any() and not grads.b_y.any()
