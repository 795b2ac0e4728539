"""The checks of the exercises: what they say of answers that are not done, nearly right, or wrong in a known way.

That they accept the right answer is proved by the solutions in the chapters (test_solutions.py).
"""

import re

import numpy as np
import pytest
import torch

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


def recurrence(back, forth=lambda f, u, c: f * c + u):
    """c_t = forth(f_t, u_t, c_{t−1}) as one entry in autograd's graph, whose way back is back(dcs, f, cs, c0)."""

    class Recurrence(torch.autograd.Function):
        @staticmethod
        def forward(ctx, f, u, c0):
            cs = []
            for t in range(len(f)):
                cs.append(forth(f[t], u[t], cs[-1] if cs else c0))
            cs = torch.stack(cs)
            ctx.save_for_backward(f, cs, c0)
            return cs

        @staticmethod
        def backward(ctx, dcs):
            return back(dcs, *ctx.saved_tensors)

    return Recurrence.apply


def way_back(dcs, f, cs, c0, factor=1, keep=1, f_1=True):
    """The right one: df, du, dc0. Slips: another factor f_{t+factor}; only the last step's error, keep=0; no f_1."""
    dc = dcs.clone()
    for t in reversed(range(len(f) - 1)):
        dc[t] = keep * dcs[t] + f[t + factor] * dc[t + 1]
    return dc * torch.cat([c0[None], cs[:-1]]), dc, f[0] * dc[0] if f_1 else dc[0]


def own_part_not_handed_on(dcs, f, cs, c0):
    du = way_back(dcs, f, cs, c0, keep=0)[1]
    du[:-1] += dcs[:-1]
    return du * torch.cat([c0[None], cs[:-1]]), du, f[0] * du[0]


def in_place(dcs, f, cs, c0):
    for t in reversed(range(len(f) - 1)):
        dcs[t] += f[t + 1] * dcs[t + 1]
    return dcs * torch.cat([c0[None], cs[:-1]]), dcs, f[0] * dcs[0]


def one_by_one(f, u, c0):
    cs = [c0]
    for t in range(len(f)):
        cs.append(f[t] * cs[t] + u[t])
    return torch.stack(cs[1:])


def with_gradients(change):
    """The recurrence, whose three gradients (df, du, dc0) have gone through ``change(df, du, dc0, cs)``."""
    return recurrence(lambda dcs, f, cs, c0: change(*way_back(dcs, f, cs, c0), cs))


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
    ("check_recurrence", None, "the answer is None"),
    ("check_recurrence", lambda f, u, c0: None, "it returned None; it should return a tensor, cs"),
    ("check_recurrence", lambda f, u, c0: u.detach().numpy(), "it returned ndarray; it should"),
    (
        "check_recurrence",
        lambda f, u, c0: c0,
        r"for T=1, B=1 cs is \(1, 4\), torch.float64; u is \(1, 1, 4\), torch.fl",
    ),
    ("check_recurrence", lambda f, u, c0: (f * u).float(), r"torch.float32; u is"),
    ("check_recurrence", lambda f, u, c0: f.nothing, "for T=1, B=1 it stops with AttributeError: .*nothing"),
    ("check_recurrence", lambda f, u, c0: one_by_one(f, u, c0).detach(), "it stops with RuntimeError: .*grad"),
    ("check_recurrence", with_gradients(lambda df, du, dc0, cs: (df, du)), "RuntimeError: .*number of gradients"),
    ("check_recurrence", recurrence(way_back, lambda f, u, c: f * c - u), "for T=1, B=1 cs is off by [0-9.]+$"),
    ("check_recurrence", recurrence(in_place), "dcs was changed in place"),
    ("check_recurrence", recurrence(way_back, lambda f, u, c: u.addcmul_(f, c)), "u was changed in place"),
    (
        "check_recurrence",
        with_gradients(lambda df, du, dc0, cs: (du, df, dc0)),
        "T=1, B=1 du .*order of the inputs",
    ),
    (
        "check_recurrence",
        recurrence(lambda dcs, f, cs, c0: (dcs * cs, dcs, f[0] * dcs[0])),
        "T=1, B=1 df .*; c_t stands",
    ),
    (
        "check_recurrence",
        with_gradients(lambda df, du, dc0, cs: (du * cs, du, dc0)),
        "T=1, B=1 df .*; c_t stands where",
    ),
    ("check_recurrence", with_gradients(lambda df, du, dc0, cs: (df, 2 * du, dc0)), "B=1 du is off by [0-9.]+$"),
    (
        "check_recurrence",
        recurrence(lambda dcs, f, cs, c0: (dcs * torch.cat([c0[None], cs[:-1]]), dcs, f[0] * dcs[0])),
        "for T=2, B=1 du is off by .*; nothing comes back from the step after",
    ),
    ("check_recurrence", recurrence(lambda *a: way_back(*a, keep=0)), "T=2, B=1 du .*the error of the last step alone"),
    ("check_recurrence", recurrence(own_part_not_handed_on), "du is off by .*must also go on to the step before"),
    ("check_recurrence", recurrence(lambda *a: way_back(*a, factor=0)), r"T=2, B=1 du .*f_t stands where f_\{t\+1\}"),
    ("check_recurrence", recurrence(lambda *a: way_back(*a, f_1=False)), "T=1, B=1 dc0 is off by .*; f_1 is missing"),
    ("check_recurrence", with_gradients(lambda df, du, dc0, cs: (df, du, 0 * dc0)), "dc0 .*; c_1 depends on c_0"),
    ("check_recurrence", with_gradients(lambda df, du, dc0, cs: (df, du, None)), "the gradient of c0 is None"),
    ("check_recurrence", with_gradients(lambda df, du, dc0, cs: (None, du, dc0)), "the gradient of f is None"),
    ("check_recurrence", one_by_one, "autograd recorded the steps one by one"),
    (
        "check_recurrence",
        lambda *a: recurrence(way_back)(*(1 * b for b in a)),
        "autograd recorded the steps one by one",
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


def test_the_right_way_back_of_a_recurrence():
    assert exercises.check_recurrence(recurrence(way_back)) == "Correct."
