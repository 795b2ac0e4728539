"""The CRF against enumeration of all paths, autograd, finite differences, and cases whose answer is known."""

import itertools
import re

import numpy as np
import pytest
import torch
from cells import DRAWN, close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients
from rnncourse.reference import crf


def case(T=5, k=3, seed=0, forbidden=False):
    rng = np.random.default_rng(seed)
    emissions, transitions = 2 * rng.normal(size=(T, k)), 2 * rng.normal(size=(k, k))
    if forbidden:  # never the diagonal, so that a path is left
        transitions[(rng.random((k, k)) < 0.4) & ~np.eye(k, dtype=bool)] = -np.inf
    return emissions, transitions


def enumerated(emissions, transitions):
    """Every path and its score."""
    T, k = emissions.shape
    paths = np.array(list(itertools.product(range(k), repeat=T)))
    scores = [
        sum(emissions[t, path[t]] for t in range(T)) + sum(transitions[path[t - 1], path[t]] for t in range(1, T))
        for path in paths
    ]
    return paths, np.array(scores)


drawn = given(T=st.integers(1, 6), k=st.integers(1, 4), seed=st.integers(0, 2**16), forbidden=st.booleans())


@DRAWN
@drawn
def test_equals_enumeration(T, k, seed, forbidden):
    emissions, transitions = case(T, k, seed, forbidden)
    paths, scores = enumerated(emissions, transitions)
    p = np.exp(scores - np.logaddexp.reduce(scores))
    close(crf.log_partition(emissions, transitions), np.logaddexp.reduce(scores))
    np.testing.assert_allclose([crf.score(emissions, transitions, path) for path in paths], scores, rtol=1e-10)

    best, highest = crf.viterbi(emissions, transitions)
    close(highest, scores.max())
    assert best.tolist() == paths[scores.argmax()].tolist()

    labels, pairs = crf.marginals(emissions, transitions)
    each = np.eye(k)[paths]  # (paths, T, k)
    close(labels, np.einsum("p,ptk->tk", p, each))
    close(pairs, np.einsum("p,pti,ptj->tij", p, each[:, :-1], each[:, 1:]))


@DRAWN
@drawn
def test_the_gradient_equals_autograd(T, k, seed, forbidden):
    emissions, transitions = case(T, k, seed, forbidden)
    path, _ = crf.viterbi(emissions, transitions)
    value, grads = crf.loss(emissions, transitions, path)

    e, A = (torch.from_numpy(array).requires_grad_() for array in (emissions, transitions))
    ahead = e[0]
    for t in range(1, T):
        ahead = e[t] + torch.logsumexp(ahead[:, None] + A, dim=0)
    right = e[torch.arange(T), torch.from_numpy(path)].sum() + A[path[:-1], path[1:]].sum()
    expected = torch.logsumexp(ahead, 0) - right
    expected.backward()
    np.testing.assert_allclose(value, expected.item(), rtol=1e-10, atol=1e-12)
    dA = torch.zeros_like(A) if A.grad is None else A.grad
    # torch gives NaN where a forbidden transition meets an unreachable label; a forbidden one has no gradient
    free = np.isfinite(transitions)
    assert not grads.transitions[~free].any()
    for ours, theirs in ((grads.emissions, e.grad), (grads.transitions[free], dA.numpy()[free])):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)  # shares: some differences are exactly 0


def test_the_gradient_equals_finite_differences():
    emissions, transitions = case(T=7, k=4)
    path = np.array([0, 3, 3, 1, 2, 0, 0])
    grads = crf.loss(emissions, transitions, path)[1]
    loss = lambda *arguments: crf.loss(*arguments, path)[0]  # noqa: E731
    rng = np.random.default_rng(0)
    assert gradients.gradient_error(loss, [emissions, transitions], grads, rng) < 1e-7


def test_one_label_has_one_path():
    emissions, transitions = case(T=4, k=1)
    value, grads = crf.loss(emissions, transitions, [0, 0, 0, 0])
    assert abs(value) < 1e-12 and np.abs(np.concatenate([g.ravel() for g in grads])).max() < 1e-12


def test_large_scores_do_not_overflow():
    emissions, transitions = case()
    close(crf.log_partition(emissions + 1e4, transitions), crf.log_partition(emissions, transitions) + 5e4)
    close(crf.log_partition(emissions - 1e4, transitions), crf.log_partition(emissions, transitions) - 5e4)


def test_without_transitions_each_step_is_a_softmax():
    emissions, _ = case()
    labels, _ = crf.marginals(emissions, np.zeros((3, 3)))
    close(labels, np.exp(emissions - np.logaddexp.reduce(emissions, axis=1)[:, None]))


def test_long_sequences_take_steps_not_paths():
    emissions, transitions = case(T=2000, k=5)  # 5^2000 paths
    path, highest = crf.viterbi(emissions, transitions)
    close(crf.score(emissions, transitions, path), highest)
    assert highest < crf.log_partition(emissions, transitions)


def test_float32_stays_float32():
    emissions, transitions = (array.astype(np.float32) for array in case())
    _, grads = crf.loss(emissions, transitions, [0, 1, 2, 0, 1])
    assert {g.dtype for g in grads} == {np.dtype(np.float32)}


def test_the_arguments_are_left_alone():
    emissions, transitions = case(forbidden=True)
    before = emissions.copy(), transitions.copy()
    path, _ = crf.viterbi(emissions, transitions)
    crf.loss(emissions, transitions, path)
    assert (emissions == before[0]).all() and (transitions == before[1]).all()


E5, A3 = case()
CUT = np.where(np.eye(3, dtype=bool), A3, -np.inf)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: crf.log_partition(E5, A3[:2]),
            "crf.log_partition: expected transitions of shape (k=3, k=3), got (2, 3)",
        ),
        (lambda: crf.log_partition(E5[:0], A3), "at least one step and one label, got emissions of shape (0, 3)"),
        (lambda: crf.viterbi(E5.astype(int), A3), "crf.viterbi: expected emissions"),
        (lambda: crf.viterbi(E5, A3 * np.nan), "crf.viterbi: expected finite values in transitions"),
        (lambda: crf.viterbi(E5, A3 + np.inf), "crf.viterbi: expected finite values in transitions"),
        (lambda: crf.marginals(E5 - np.inf, A3), "crf.marginals: expected finite values in emissions"),
        (lambda: crf.score(E5, A3, [0, 1]), "crf.score: expected a path of 5 integers in 0 … 2, got int64 [0, 1]"),
        (lambda: crf.score(E5, A3, [0, 1, 2, 3, 0]), "crf.score: expected a path of 5 integers in 0 … 2"),
        (lambda: crf.loss(E5, A3, [0.0, 1, 2, 0, 0]), "crf.loss: expected a path of 5 integers in 0 … 2, got float64"),
        (lambda: crf.loss(E5, CUT, [0, 1, 2, 0, 0]), "crf.loss: expected a path without a forbidden transition"),
        (lambda: crf.viterbi(E5, A3 - np.inf), "crf.viterbi: expected at least one path without a forbidden"),
        (lambda: crf.log_partition(E5, A3 - np.inf), "expected at least one path without a forbidden"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_a_path_that_avoids_what_is_forbidden_is_found():
    path, _ = crf.viterbi(E5, CUT)
    assert len(set(path.tolist())) == 1
