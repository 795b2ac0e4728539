"""The checks of the exercises: what they say of answers that are not done, nearly right, or wrong in a known way.

That they accept the right answer is proved by the solutions in the chapters (test_solutions.py).
"""

import re

import numpy as np
import pytest

from rnncourse import exercises
from rnncourse.reference import lstm, rnn


def without_slope_of_the_candidate(dh, dc, x, h, c, U, W, b):
    """The way back through an LSTM step, in which 1 − g² has been forgotten."""
    hs, *_, cache = lstm.forward(x[None, None], h[None], c[None], U, W, b)
    right = lstm.backward(np.zeros_like(hs), dh[None], dc[None], cache)
    delta = right.b.copy()
    n = len(h)
    delta[2 * n : 3 * n] /= 1 - cache.gates[0, 0, 2 * n : 3 * n] ** 2
    return delta, right.h0[0], right.c0[0]


def holder(U_z, W_g=0.0):
    """A one-unit GRU that writes +1 and −1, with these weights into z and this one from the state to the candidate."""
    return np.array([[0, 0, 0], U_z, [20, -20, 0]], float), np.array([[0], [0], [W_g]]), np.array([20.0, 0, 0]), [0]


WRONG = [
    ("check_latch", None, "the answer is None"),
    ("check_latch", ([[4, -4, 0]], [[0.9]], [0]), "after “the” with 5 × um"),
    ("check_latch", ([[-4, 4, 0]], [[2]], [0]), "it should be above 0.5"),
    ("check_latch", ([[4, -4]], [[2]], [0]), "expected x of shape"),
    ("check_layers_needed", lambda T, k: None, "returned None"),
    ("check_layers_needed", lambda T, k: (T - 1) // (k - 1), "for T=2, width=3 you say 0; 1 layers see 3"),
    ("check_concatenated", lambda x, h, U, W, b: None, "returned None"),
    (
        "check_concatenated",
        lambda x, h, U, W, b: np.tanh(np.hstack([U, W]) @ np.r_[h, x] + b),
        "raises ValueError|differs",
    ),
    ("check_concatenated", lambda x, h, U, W, b: np.tanh(U @ x + b), "differs from rnn.step"),
    ("check_bits_per_character", lambda p: -np.log(p).mean(), "that is in nats"),
    ("check_bits_per_character", lambda p: -np.log2(p).sum(), "the sum, not the mean"),
    ("check_bits_per_character", lambda p: np.log2(p).mean(), "the sign is turned"),
    ("check_error_terms", lambda dh, h, W: None, "returned None"),
    ("check_error_terms", lambda dh, h, W: dh, r"delta\[0\] \(the last step, which nothing follows\)|delta\["),
    ("check_forward_gradient", lambda *a: None, "returned None"),
    ("check_clip", lambda grads, limit: [g / max(np.linalg.norm(g), 1e-9) for g in grads], "each array alone"),
    ("check_clip", lambda grads, limit: [0 * g / 0 for g in grads], "NaN"),
    ("check_resting_points", lambda w: np.array([0.0]), "for w=1.5 you give .*; there are 3"),
    ("check_resting_points", lambda w: np.array([0.3]), "it does not rest"),
    ("check_counter", None, "the answer is None"),
    ("check_counter", (np.zeros((4, 3)), np.zeros((4, 1)), [20, 20, 0, 0]), "after “a” the cell is 0.000"),
    ("check_counter", ([[0] * 3, [0] * 3, [20, -20, 0], [0] * 3], np.zeros((4, 1)), [20, 2, 0, 0]), "after “aab”"),
    ("check_counter", (np.zeros((4, 3)), np.zeros((1, 4)), np.zeros(4)), "expected W of shape"),
    ("check_step_back", lambda *a: None, "returned None"),
    ("check_step_back", lambda dh, dc, *a: (dh, dc), "should be three arrays"),
    ("check_step_back", lambda dh, dc, *a: (dh, dh, dc), "delta has shape"),
    ("check_step_back", without_slope_of_the_candidate, "in the part of g"),
    ("check_drawdown", lambda p, n: None, "returned None"),
    ("check_drawdown", lambda p, n: np.log(p / p.rolling(n).max()).to_numpy(), "a Series with the dates"),
    ("check_drawdown", lambda p, n: np.log(p / p.rolling(n, center=True).max()), "after row .* it looks ahead"),
    ("check_drawdown", lambda p, n: np.log(p / p.rolling(n).max()).bfill(), "it looks ahead"),
    ("check_drawdown", lambda p, n: np.log(p / p.rolling(n, min_periods=1).max()), "first 4 rows .* should be NaN"),
    ("check_drawdown", lambda p, n: p / p.rolling(n).max() - 1, "that is a share"),
    ("check_drawdown", lambda p, n: np.log(p.rolling(n).max() / p), "the sign is turned"),
    ("check_holds", None, "the answer is None"),
    ("check_holds", (np.zeros((3, 3)), np.zeros((3, 1)), np.zeros(3), np.zeros(2)), "expected b_n of shape"),
    ("check_holds", holder([20, 20, -20]), "after “\\+” the state is 0.000.*does z keep, or let in"),
    ("check_holds", holder([-20, -20, 2]), "from h = -0.5, after “\\+ and 200 × nothing” the state is 0.000"),
    ("check_holds", holder([-20, -20, -20], W_g=5.0), "after “200 × nothing” .* hold a sign, not a number"),
    ("check_min_p", lambda p, share: None, "returned None"),
    ("check_min_p", lambda p, share: np.where(p >= share * p.max(), p, 0), "the sum is not 1"),
    ("check_min_p", lambda p, share: np.where(p >= share, p, 0) / p[p >= share].sum(), "a share of the likeliest"),
    ("check_temperature", lambda p, t: None, "returned None"),
    ("check_temperature", lambda p, t: p**t / (p**t).sum(), "p to the temperature"),
    ("check_temperature", lambda p, t: np.exp(p / t) / np.exp(p / t).sum(), "p is no logit"),
    ("check_temperature", lambda p, t: p ** (1 / t) / (p ** (1 / t)).sum(), "at 0.001 you say .*is 0 divided by 0"),
    ("check_parameters", lambda *a: None, "parameters returned None"),
    ("check_parameters", lambda m, n, *a: 4 * (n * (m + n) + 2 * n), "biases=1 you say 56; it should be 48$"),
    ("check_parameters", lambda m, n, k, d, b: 4 * (n * (m + n) + b * n), "you say 48; it should be 96; there are two"),
    (
        "check_parameters",
        lambda m, n, k, d, b: d * 4 * (n * (m + n) + b * n),
        "layers=2, directions=1, biases=1 you say 48; it should be 88; that is one layer",
    ),
    ("check_parameters", lambda m, n, k, d, b: k * d * 4 * (n * (m + n) + b * n), "do all layers read m features"),
    (
        "check_parameters",
        lambda m, n, k, d, b: d * 4 * (n * (m + n) + b * n) + (k - 1) * d * 4 * (2 * n * n + b * n),
        "layers=3, directions=2, biases=2 .* what does a layer read from two directions",
    ),
]


@pytest.mark.parametrize(("check", "answer", "message"), WRONG)
def test_says_what_is_wrong(check, answer, message):
    verdict = getattr(exercises, check)(answer)
    assert not verdict and repr(verdict).startswith("Not yet: ")
    assert re.search(message, verdict), verdict


def test_immediate_part_is_recognised():
    def immediate(x, h0, U, W, b, dh_T):
        hs, _, cache = rnn.forward(x[:, None], h0[None], U, W, b)
        return rnn.by_lag(np.zeros_like(hs), dh_T[None], cache).W[0]

    assert "immediate part only" in exercises.check_forward_gradient(immediate)


def test_the_right_answer_is_true():
    verdict = exercises.check_bits_per_character(lambda p: -np.log2(p).mean())
    assert verdict and repr(verdict) == "Correct."
