"""Attention on tensors: against the NumPy reference with its backward pass, gradcheck, masks, modules, errors."""

import re

import numpy as np
import pytest
import torch
from cells import DRAWN, all_close, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import counting
from rnncourse.pytorch import attention
from rnncourse.reference import attention as reference

SIZES = {name: st.integers(1, 5) for name in ("T", "B", "n", "k", "d", "a")} | {"S": st.integers(0, 3)}
SCORES = pytest.mark.parametrize("score", ["dot", "additive"])


class Case:
    """Random arguments and cotangents, as arrays and as tensors; S = 0: one query without an axis of its own."""

    def __init__(self, score, S=2, T=6, B=3, n=4, k=5, d=3, a=7, masked=False, seed=0):
        rng = np.random.default_rng(seed)
        head, k = (S,) if S else (), n if score == "dot" else k
        shapes = [(*head, B, n), (T, B, k), (T, B, d)] + ([(a, n), (a, k), (a,)] if score == "additive" else [])
        self.score, self.arrays = score, [rng.normal(size=shape) for shape in shapes]
        self.cotangents = rng.normal(size=(*head, B, d)), rng.normal(size=(*head, T, B))
        self.mask = None
        if masked:
            self.mask = rng.random((T, B)) < 0.5
            self.mask[rng.integers(T, size=B), np.arange(B)] = True
        self.tensors = [torch.tensor(a, requires_grad=True) for a in self.arrays]

    def forward(self, *tensors):
        mask = None if self.mask is None else torch.tensor(self.mask)
        return getattr(attention, self.score)(*(tensors or self.tensors), mask=mask)

    def expected(self):
        outputs = getattr(reference, self.score)(*self.arrays, mask=self.mask)
        return outputs[:2], getattr(reference, f"{self.score}_backward")(*self.cotangents, outputs[2])


def test_both_packages_ask_for_the_same_shapes():
    for score in ("dot", "additive"):
        assert getattr(attention, score).shapes == getattr(reference, score).shapes


@DRAWN
@given(st.sampled_from(["dot", "additive"]), st.builds(dict, **SIZES), st.booleans(), st.integers(0, 999))
def test_outputs_and_gradients_against_the_reference(score, sizes, masked, seed):
    case = Case(score, **sizes, masked=masked, seed=seed)
    outputs, grads = case.forward(), case.expected()[1]
    all_close(outputs, case.expected()[0])
    loss = sum((out * torch.tensor(d)).sum() for out, d in zip(outputs, case.cotangents, strict=True))
    all_close(torch.autograd.grad(loss, case.tensors), grads)


@SCORES
@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck], ids=lambda c: c.__name__)
def test_gradcheck(check, score):
    case = Case(score, S=2, T=3, B=2, n=2, k=2, d=2, a=2, masked=True)
    assert check(case.forward, case.tensors)


def test_dot_is_torchs_scaled_dot_product_without_the_scale():
    case = Case("dot", masked=True)
    first = lambda a: a.transpose(0, 1)  # noqa: E731
    theirs = torch.nn.functional.scaled_dot_product_attention(
        *map(first, case.tensors), attn_mask=torch.tensor(case.mask).T[:, None], scale=1.0
    )
    close(case.forward()[0], first(theirs))


@SCORES
def test_what_the_mask_hides_changes_nothing(score):
    case, other = Case(score, masked=True), Case(score, masked=True)
    hidden = torch.tensor(~case.mask)
    with torch.no_grad():
        other.tensors[1][hidden], other.tensors[2][hidden] = 50, -50
    all_close(case.forward(), other.forward(), 1e-13)
    assert not case.forward()[1][:, hidden].any()


def test_modules():
    torch.manual_seed(0)
    case = Case("additive", masked=True)
    query, keys, values, *_ = case.tensors
    module = attention.Additive(4, 5, 7, dtype=torch.float64)
    assert [(name, tuple(p.shape)) for name, p in module.named_parameters()] == [
        ("W", (7, 4)),
        ("U", (7, 5)),
        ("v", (7,)),
    ]
    assert counting.parameters(module) == 7 * (4 + 5 + 1)
    for weight, size in ((module.W, 4), (module.U, 5), (module.v, 7)):
        assert 0 < weight.abs().max() <= size**-0.5
    mask = torch.tensor(case.mask)
    all_close(module(query, keys, values, mask), attention.additive(query, keys, values, *module.parameters(), mask))
    case = Case("dot", masked=True)
    assert not list(attention.Dot().parameters())
    all_close(attention.Dot()(*case.tensors, mask), attention.dot(*case.tensors, mask))


def test_errors():
    case = Case("dot", masked=True)
    query, keys, values = case.tensors
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("attention.dot: expected query of shape (..., B=3, n=4), got (2, 3, 3)"):
        attention.dot(query[..., 1:], keys, values)
    with say("attention.dot: expected values of dtype torch.float64, as keys has, got torch.float32"):
        attention.dot(query, keys, values.float())
    with say("attention.dot: expected at least one key, got T = 0"):
        attention.dot(query, keys[:0], values[:0])
    with say("attention.dot: expected mask to be booleans of shape (T=6, B=3), got bool (3, 6)"):
        attention.dot(query, keys, values, torch.tensor(case.mask.T))
    with say("attention.dot: expected mask to be booleans of shape (T=6, B=3), got int64 (6, 3)"):
        attention.dot(query, keys, values, torch.tensor(case.mask).long())
    case.mask[:, 1] = False
    with say("attention.dot: expected a key to read for each sequence, got none for sequence 1"):
        case.forward()
    case = Case("additive")
    with say("attention.additive: expected v of shape (a=7,), got (6,)"):
        attention.additive(*case.tensors[:5], case.tensors[5][1:])
    with say("Additive: expected a to be an integer of at least 1, got 0"):
        attention.Additive(3, 4, 0)
