"""Attention in NumPy: against torch, autograd, finite differences; masks; the cases in which the answer is known."""

import re

import numpy as np
import pytest
import torch
from cells import DRAWN, all_close, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.reference import attention

SIZES = {name: st.integers(1, 5) for name in ("T", "B", "n", "k", "d", "a")} | {"S": st.integers(0, 3)}


class Case:
    """Random arguments and cotangents; S = 0 stands for one query without an axis of its own."""

    def __init__(self, score="dot", S=2, T=6, B=3, n=4, k=5, d=3, a=7, seed=0, masked=False, dtype=np.float64):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.normal(size=shape).astype(dtype)  # noqa: E731
        head = (S,) if S else ()
        self.score = score
        k = n if score == "dot" else k
        self.arguments = [draw(*head, B, n), draw(T, B, k), draw(T, B, d)]
        if score == "additive":
            self.arguments += [draw(a, n), draw(a, k), draw(a)]
        self.cotangents = draw(*head, B, d), draw(*head, T, B)
        self.mask = None
        if masked:
            self.mask = rng.random((T, B)) < 0.5
            self.mask[rng.integers(T, size=B), np.arange(B)] = True

    def forward(self, *arguments):
        return getattr(attention, self.score)(*(arguments or self.arguments), mask=self.mask)

    def backward(self):
        return getattr(attention, f"{self.score}_backward")(*self.cotangents, self.forward()[-1])

    def loss(self, *arguments):
        return sum(np.sum(d * out) for d, out in zip(self.cotangents, self.forward(*arguments), strict=False))

    def autograd(self):
        """Context, weights and gradients from torch, sequence by sequence with nothing but matrix products."""
        tensors = [torch.from_numpy(a).requires_grad_() for a in self.arguments]
        query, keys, values, *rest = tensors
        queries = query if query.ndim == 3 else query[None]
        contexts, weights = [], []
        for b in range(keys.shape[1]):
            if self.score == "dot":
                scores = queries[:, b] @ keys[:, b].T
            else:
                W, U, v = rest
                scores = torch.stack([torch.tanh(W @ q + keys[:, b] @ U.T) @ v for q in queries[:, b]])
            if self.mask is not None:
                scores = scores.masked_fill(~torch.from_numpy(self.mask[:, b]), -torch.inf)
            weights.append(scores.softmax(dim=-1))
            contexts.append(weights[-1] @ values[:, b])
        outputs = torch.stack(contexts, dim=1), torch.stack(weights, dim=-1)
        if query.ndim == 2:
            outputs = [out[0] for out in outputs]
        loss = sum((out * torch.from_numpy(d)).sum() for out, d in zip(outputs, self.cotangents, strict=True))
        return outputs, torch.autograd.grad(loss, tensors)


def against_autograd(case):
    outputs, grads = case.autograd()
    all_close(case.forward()[:2], outputs)
    all_close(case.backward(), grads)


@DRAWN
@given(st.sampled_from(["dot", "additive"]), st.builds(dict, **SIZES), st.booleans(), st.integers(0, 999))
def test_outputs_and_gradients_against_autograd(score, sizes, masked, seed):
    against_autograd(Case(score, **sizes, masked=masked, seed=seed))


@pytest.mark.parametrize("S", [0, 3])
@pytest.mark.parametrize("score", ["dot", "additive"])
def test_gradients_against_finite_differences(score, S):
    case = Case(score, S=S, masked=True)
    rng = np.random.default_rng(1)
    assert gradients.gradient_error(case.loss, case.arguments, case.backward(), rng) < 1e-7
    for i in range(len(case.arguments)):  # each alone, so that a small one cannot hide behind a large one
        alone = lambda a, i=i: case.loss(*case.arguments[:i], a, *case.arguments[i + 1 :])  # noqa: E731
        assert gradients.gradient_error(alone, case.arguments[i : i + 1], case.backward()[i : i + 1], rng) < 1e-7


def test_dot_is_torchs_scaled_dot_product_without_the_scale():
    query, keys, values = (torch.from_numpy(a) for a in Case().arguments)
    first = lambda a: a.transpose(0, 1)  # noqa: E731
    theirs = torch.nn.functional.scaled_dot_product_attention(first(query), first(keys), first(values), scale=1.0)
    close(Case().forward()[0], first(theirs))


@pytest.mark.parametrize("score", ["dot", "additive"])
def test_many_queries_are_as_many_calls(score):
    case = Case(score, S=3)
    context, weights, _ = case.forward()
    for s in range(3):
        one = case.forward(case.arguments[0][s], *case.arguments[1:])
        all_close(one[:2], [context[s], weights[s]], 1e-13)


@pytest.mark.parametrize("score", ["dot", "additive"])
def test_equal_keys_give_the_mean_and_one_fitting_key_its_value(score):
    case = Case(score)
    query, keys, values, *rest = case.arguments
    keys[:] = keys[:1]
    context, weights, _ = case.forward()
    np.testing.assert_allclose(weights, 1 / 6, rtol=1e-14)
    np.testing.assert_allclose(context, np.broadcast_to(values.mean(axis=0), context.shape), rtol=1e-13)
    if score == "dot":
        query[:], keys[:] = 1, 0
        keys[4] = 1e3
        np.testing.assert_array_equal(case.forward()[0], np.broadcast_to(values[4], context.shape))


@pytest.mark.parametrize("score", ["dot", "additive"])
def test_what_the_mask_hides_changes_nothing(score):
    case, other = Case(score, masked=True), Case(score, masked=True)
    hidden = ~case.mask
    other.arguments[1][hidden], other.arguments[2][hidden] = 50, -50
    all_close(case.forward()[:2], other.forward()[:2], 1e-13)
    assert not case.forward()[1][:, hidden].any()
    grads = case.backward()
    assert not grads.keys[hidden].any() and not grads.values[hidden].any()


@pytest.mark.parametrize("score", ["dot", "additive"])
def test_float32_stays_float32_and_large_scores_do_not_overflow(score):
    case = Case(score, dtype=np.float32)
    case.arguments[0] *= 1e4
    context, weights, cache = case.forward()
    assert {a.dtype for a in (context, weights, *cache, *case.backward())} == {np.dtype(np.float32)}
    assert np.isfinite(context).all() and all(np.isfinite(g).all() for g in case.backward())


def test_errors():
    case = Case(masked=True)
    query, keys, values = case.arguments
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("attention.dot: expected query of shape (..., B=3, n=4), got (2, 3, 3)"):
        attention.dot(query[..., 1:], keys, values)
    with say("attention.dot: expected values of shape (T=6, B=3, d), got (5, 3, 3)"):
        attention.dot(query, keys, values[1:])
    with say("attention.dot: expected at least one key, got T = 0"):
        attention.dot(query, keys[:0], values[:0])
    with say("attention.dot: expected mask to be booleans of shape (T=6, B=3), got bool (3, 6)"):
        attention.dot(query, keys, values, case.mask.T)
    with say("attention.dot: expected mask to be booleans of shape (T=6, B=3), got int64 (6, 3)"):
        attention.dot(query, keys, values, case.mask.astype(int))
    case.mask[:, 1] = False
    with say("attention.dot: expected a key to read for each sequence, got none for sequence 1"):
        case.forward()
    case = Case("additive")
    with say("attention.additive: expected v of shape (a=7,), got (6,)"):
        attention.additive(*case.arguments[:5], case.arguments[5][1:])
    with say("attention.additive_backward: expected dcontext of shape (S=2, B=3, d=3), got (3, 3)"):
        attention.additive_backward(case.cotangents[0][0], case.cotangents[1], case.forward()[-1])
