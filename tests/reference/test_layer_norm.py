"""Layer normalisation: against torch.nn.LayerNorm, finite differences, and what it does not see."""

import re

import numpy as np
import pytest
import torch
from cells import DRAWN, all_close, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.reference import layer_norm


def arrays(shape=(6, 3, 5), seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape), rng.normal(size=shape[-1]), rng.normal(size=shape[-1]), rng.normal(size=shape)


@DRAWN
@given(st.lists(st.integers(1, 5), max_size=3), st.integers(3, 6), st.integers(0, 999))
def test_outputs_and_gradients_against_torch(axes, n, seed):
    a, gain, shift, dy = arrays((*axes, n), seed)
    module = torch.nn.LayerNorm(n, dtype=torch.float64)
    module.load_state_dict({"weight": torch.tensor(gain), "bias": torch.tensor(shift)})
    x = torch.tensor(a, requires_grad=True)
    y, cache = layer_norm.forward(a, gain, shift)
    close(y, module(x))
    grads = torch.autograd.grad(module(x), [x, module.weight, module.bias], torch.tensor(dy))
    all_close(layer_norm.backward(dy, cache), grads)


def test_vectors_of_one_number():
    """They become the shift, whatever they were, so nothing comes back."""
    a, gain, shift, dy = arrays((6, 3, 1))
    y, cache = layer_norm.forward(a, gain, shift)
    close(y, np.broadcast_to(shift, y.shape))
    assert not layer_norm.backward(dy, cache).a.any()


def test_gradients_against_finite_differences():
    a, gain, shift, dy = arrays()
    grads = layer_norm.backward(dy, layer_norm.forward(a, gain, shift)[1])
    loss = lambda *given: np.sum(layer_norm.forward(*given)[0] * dy)  # noqa: E731
    assert gradients.gradient_error(loss, [a, gain, shift], grads, np.random.default_rng(1)) < 1e-7


def test_blind_to_scale_and_shift_of_its_input():
    """The output stays; so the gradient is orthogonal to the vector of ones and, for a tiny ε, to a itself."""
    a, gain, shift, dy = arrays()
    y, cache = layer_norm.forward(a, gain, shift, eps=1e-12)
    close(layer_norm.forward(3 * a + 2, gain, shift, eps=1e-12)[0], y, 1e-9)
    da = layer_norm.backward(dy, cache).a
    assert np.abs(da.sum(axis=-1)).max() < 1e-12 and np.abs((da * a).sum(axis=-1)).max() < 1e-9


def test_errors():
    a, gain, shift, dy = arrays()
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("layer_norm.forward: expected a of shape (..., n=5), got (6, 3, 4)"):
        layer_norm.forward(a[..., :4], gain, shift)
    with say("layer_norm.forward: expected eps above 0, got 0"):
        layer_norm.forward(a, gain, shift, eps=0)
    with say("layer_norm.backward: expected dy of shape"):
        layer_norm.backward(dy[:2], layer_norm.forward(a, gain, shift)[1])
