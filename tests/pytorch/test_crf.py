"""The batched CRF: each sequence as the reference has it, gradients, padding, forbidden transitions, errors."""

import re

import numpy as np
import pytest
import torch
from cells import DRAWN, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.pytorch import crf
from rnncourse.reference import crf as reference


def case(T=6, B=4, k=3, seed=0, forbidden=False):
    """Emissions with NaN-free padding, transitions, paths that are allowed, lengths; one of them is T."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, T + 1, B)
    lengths[rng.integers(B)] = T
    emissions, transitions = 2 * rng.normal(size=(T, B, k)), 2 * rng.normal(size=(k, k))
    if forbidden:  # never the diagonal, so that a path is left
        transitions[(rng.random((k, k)) < 0.4) & ~np.eye(k, dtype=bool)] = -np.inf
    paths = np.tile(rng.integers(0, k, B), (T, 1)) if forbidden else rng.integers(0, k, (T, B))
    return [torch.tensor(array) for array in (emissions, transitions, paths, lengths)]


def near(ours, theirs):
    """Equal at 1e-10; with one label, both are rounding around 0."""
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


drawn = given(
    T=st.integers(1, 6), B=st.integers(1, 4), k=st.integers(1, 4), seed=st.integers(0, 2**16), forbidden=st.booleans()
)


@DRAWN
@drawn
def test_each_sequence_is_the_references(T, B, k, seed, forbidden):
    emissions, transitions, paths, lengths = case(T, B, k, seed, forbidden)
    emissions.requires_grad_(), transitions.requires_grad_()
    losses = crf.loss(emissions, transitions, paths, lengths)
    cotangent = torch.randn(B, dtype=torch.float64)
    d_emissions, d_transitions = torch.autograd.grad(losses @ cotangent, [emissions, transitions], allow_unused=True)
    best = crf.viterbi(emissions, transitions, lengths)
    counted = np.zeros((k, k))
    for b, length in enumerate(lengths.tolist()):
        e, A = emissions[:length, b].detach().numpy(), transitions.detach().numpy()
        path = paths[:length, b].numpy()
        value, grads = reference.loss(e, A, path)
        near(losses[b].detach(), value)
        near(d_emissions[:length, b], cotangent[b].item() * grads.emissions)
        counted += cotangent[b].item() * grads.transitions
        assert best[:length, b].tolist() == reference.viterbi(e, A)[0].tolist()
        assert not best[length:, b].any() and not d_emissions[length:, b].any()
    if T > 1:
        near(d_transitions, counted)


def test_padding_changes_nothing():
    emissions, transitions, paths, lengths = case(T=7, B=5)
    real = torch.arange(7)[:, None] < lengths
    other = torch.where(real[..., None], emissions, 1e6 * torch.randn_like(emissions))
    for function in (crf.log_partition, crf.viterbi):
        assert torch.equal(function(emissions, transitions, lengths), function(other, transitions, lengths))
    changed = torch.where(real, paths, 0)
    for scores in (emissions, other):
        close(crf.score(scores, transitions, changed, lengths), crf.score(emissions, transitions, paths, lengths))


def test_float32_and_the_second_derivative():
    emissions, transitions, paths, lengths = case(T=3, B=2)
    assert crf.loss(emissions.float(), transitions.float(), paths, lengths).dtype == torch.float32
    inputs = emissions.requires_grad_(), transitions.requires_grad_()
    assert torch.autograd.gradgradcheck(lambda e, A: crf.loss(e, A, paths, lengths), inputs)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"emissions": torch.zeros(6, 4)}, "expected emissions of shape (T, B, k), got (6, 4)"),
        ({"emissions": torch.zeros(0, 4, 3)}, "expected emissions of shape (T, B, k), got (0, 4, 3)"),
        ({"transitions": torch.zeros(3, 4)}, "expected transitions of shape (3, 3), got (3, 4)"),
        ({"lengths": torch.tensor([1, 2, 7, 6])}, "expected 4 whole lengths from 1 to 6, got [1, 2, 7, 6]"),
        ({"lengths": torch.tensor([1, 2, 0, 6])}, "expected 4 whole lengths"),
        ({"lengths": torch.tensor([6])}, "expected 4 whole lengths"),
        ({"lengths": torch.tensor([1.0, 2, 3, 6])}, "expected 4 whole lengths"),
        ({"paths": torch.zeros(4, 6, dtype=torch.int64)}, "expected paths of shape (6, 4), got (4, 6)"),
    ],
)
def test_errors(change, says):
    given = dict(zip(("emissions", "transitions", "paths", "lengths"), case(), strict=True)) | change
    with pytest.raises(ValueError, match=re.escape(says)):
        crf.loss(**given)
