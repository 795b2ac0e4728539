"""The five optimisers against torch.optim, over many steps; what they must not change, and what they refuse."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncourse.reference import optimisers

DRAWN = settings(deadline=None, derandomize=True, max_examples=30)  # the same cases every time
THEIRS = {
    "sgd": lambda w, rate: torch.optim.SGD(w, rate),
    "momentum": lambda w, rate: torch.optim.SGD(w, rate, momentum=0.9),
    "rmsprop": lambda w, rate: torch.optim.RMSprop(w, rate),
    "adam": lambda w, rate: torch.optim.Adam(w, rate),
    "adamw": lambda w, rate: torch.optim.AdamW(w, rate),
}


@pytest.mark.parametrize("name", THEIRS)
@DRAWN
@given(st.lists(st.integers(0, 4), max_size=3), st.sampled_from([1e-3, 0.1, 3.0]), st.integers(0, 99))
def test_against_torch(name, shape, rate, seed):
    rng = np.random.default_rng(seed)
    theta, state = np.asarray(rng.normal(size=shape)), None
    weight = torch.tensor(theta, requires_grad=True)
    update = THEIRS[name]([weight], rate)
    for _ in range(10):
        g = np.asarray(rng.normal(size=shape) * 10 ** rng.uniform(-6, 6))
        g[rng.random(shape) < 0.1] = 0
        weight.grad = torch.tensor(g)
        update.step()
        theta, state = getattr(optimisers, name)(theta, g, state, rate)
        np.testing.assert_allclose(theta, weight.detach(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("name", "options", "theirs"),
    [
        ("momentum", {"mu": 0.5}, lambda w: torch.optim.SGD(w, 0.1, momentum=0.5)),
        ("rmsprop", {"alpha": 0.9, "epsilon": 0.1}, lambda w: torch.optim.RMSprop(w, 0.1, alpha=0.9, eps=0.1)),
        (
            "adam",
            {"beta_1": 0.5, "beta_2": 0.6, "epsilon": 0.1},
            lambda w: torch.optim.Adam(w, 0.1, betas=(0.5, 0.6), eps=0.1),
        ),
        (
            "adamw",
            {"decay": 0.5, "beta_1": 0.5},
            lambda w: torch.optim.AdamW(w, 0.1, weight_decay=0.5, betas=(0.5, 0.999)),
        ),
    ],
)
def test_options(name, options, theirs):
    rng = np.random.default_rng(0)
    theta, state = rng.normal(size=(3, 2)), None
    weight = torch.tensor(theta, requires_grad=True)
    update = theirs([weight])
    for _ in range(5):
        g = rng.normal(size=(3, 2))
        weight.grad = torch.tensor(g)
        update.step()
        theta, state = getattr(optimisers, name)(theta, g, state, 0.1, **options)
    np.testing.assert_allclose(theta, weight.detach(), rtol=1e-12)


@pytest.mark.parametrize("name", THEIRS)
def test_changes_no_argument_and_keeps_the_dtype(name):
    step = getattr(optimisers, name)
    theta, g = np.ones(3, np.float32), np.full(3, 2, np.float32)
    _, state = step(theta, g, None, 0.1)
    kept = [np.copy(part) for part in (state if isinstance(state, tuple) else [state]) if part is not None]
    new, _ = step(theta, g, state, 0.1)
    again = [part for part in (state if isinstance(state, tuple) else [state]) if part is not None]
    assert all(np.array_equal(a, b) for a, b in zip(kept, again, strict=True))
    assert (theta == 1).all() and (g == 2).all() and new.dtype == np.float32


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize(
    ("theta", "g", "rate", "says"),
    [
        (np.ones(3), np.ones(2), 0.1, r"optimisers.NAME: expected g of shape \(3.*, got \(2,\)"),
        (np.ones(3), np.ones(3, np.float32), 0.1, "expected g of dtype float64"),
        (np.ones(3), np.array([1, np.nan, 1]), 0.1, r"expected finite values in g, got 1 NaN or infinite"),
        (np.ones(3), [1.0, 1, 1], 0.1, "expected g to be an array, got list"),
        (np.ones(3), np.ones(3), -0.1, "expected rate to be at least 0 and finite, got -0.1"),
    ],
)
def test_refuses(name, theta, g, rate, says):
    with pytest.raises(ValueError, match=says.replace("NAME", "adamw?" if "adam" in name else name)):
        getattr(optimisers, name)(theta, g, None, rate)


def test_refuses_a_state_of_another_shape():
    with pytest.raises(ValueError, match=r"optimisers.momentum: expected u of shape"):
        optimisers.momentum(np.ones(3), np.ones(3), np.ones(2), 0.1)
