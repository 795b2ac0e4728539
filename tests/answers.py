"""A right answer to every exercise that has a check, and what the tests of the checks share."""

import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from rnncourse import counting, exercises
from rnncourse.reference import lstm, rnn


def latch():
    return np.array([[4.0, -4.0, 0.0]]), np.array([[2.0]]), np.zeros(1)


def counter():
    return np.array([[0.0] * 3, [0] * 3, [20, -20, 0], [0] * 3]), np.zeros((4, 1)), np.array([20.0, 20, 0, 0])


def hold():
    return np.array([[0.0, 0, 0], [-20, -20, 20], [20, -20, 0]]), np.zeros((3, 1)), np.zeros(3), np.zeros(1)


def error_terms(dh, h, W):
    delta, later = np.zeros_like(dh), 0
    for t in reversed(range(len(dh))):
        delta[t] = (h[t + 1] > 0) * (dh[t] + later)
        later = W.T @ delta[t]
    return delta


def forward_gradient(x, h0, U, W, b, dh_T):
    hs, _, cache = rnn.forward(x[:, None], h0[None], U, W, b)
    return rnn.backward(np.zeros_like(hs), dh_T[None], cache).W


def clip(grads, limit):
    length = np.sqrt(sum((g**2).sum() for g in grads))
    return [g * (limit / length if length > limit else 1) for g in grads]


def resting_points(w):
    if w <= 1:
        return np.array([0.0])
    h = 1.0
    for _ in range(1000):
        h = np.tanh(w * h)
    return np.array([-h, 0, h])


def step_back(dh, dc, x, h, c, U, W, b):
    hs, *_, cache = lstm.forward(x[None, None], h[None], c[None], U, W, b)
    back = lstm.backward(np.zeros_like(hs), dh[None], dc[None], cache)
    return back.b, back.h0[0], back.c0[0]


def fed_back(y0, targets, decay):
    rows = [y0]
    for target in targets[:-1]:
        rows.append(decay * rows[-1] + target)
    return np.array(rows)


def stacked(x, layers):
    a = x
    for number, (U, W, b) in enumerate(layers):
        h, hs = np.zeros(len(b)), []
        for a_t in a:
            h = np.tanh(U @ a_t + W @ h + b)
            hs.append(h + a_t if number else h)
        a = np.array(hs)
    return a


def heat(p, temperature):
    powers = (p / p.max()) ** (1 / temperature)
    return powers / powers.sum()


def min_p(p, share):
    kept = np.where(p >= share * p.max(), p, 0)
    return kept / kept.sum()


class Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx, f, u, c0):
        cs = [c0]
        for t in range(len(f)):
            cs.append(f[t] * cs[t] + u[t])
        cs = torch.stack(cs)
        ctx.save_for_backward(f, cs)
        return cs[1:].clone()

    @staticmethod
    def backward(ctx, dcs):
        f, cs = ctx.saved_tensors
        dc = dcs.clone()
        for t in reversed(range(len(f) - 1)):
            dc[t] += f[t + 1] * dc[t + 1]
        return dc * cs[:-1], dc, f[0] * dc[0]


def causal(x, u, dilation):
    before = dilation * (len(u) - 1)
    padded = np.concatenate([np.zeros(before), x])
    return sum(weight * padded[dilation * j :][: len(x)] for j, weight in enumerate(u))


def attend(query, keys, values, length):
    scores = keys[:length] @ query
    weights = np.exp(scores - scores.max())
    return weights / weights.sum() @ values[:length]


def pieces(kinds):
    edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    return [(a, b, kinds[a]) for a, b in zip(edges[:-1], edges[1:], strict=True) if a < b]


def sign_test(differences):
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    return binomtest(wins, wins + losses).pvalue if wins + losses else 1.0


def recall(hs, u, k):
    columns = np.column_stack([hs[k:], np.ones(len(hs) - k)])
    past = u[: len(u) - k]
    guess = columns @ np.linalg.lstsq(columns, past, rcond=None)[0]
    return np.corrcoef(guess, past)[0, 1] ** 2


def mask(sizes):
    group = np.repeat(np.arange(len(sizes)), sizes)
    return group[:, None] <= group


def strict_spans(tags):
    found, start = set(), None
    for t, tag in enumerate([*tags, "O"]):
        if start is not None and tag != "I-" + tags[start][2:]:
            found.add((start, t, tags[start][2:]))
            start = None
        if tag[0] == "B":
            start = t
    return found


def last_states(hs, lengths):
    n = hs.shape[-1] // 2
    return np.concatenate([hs[lengths - 1, np.arange(len(lengths)), :n], hs[0, :, n:]], axis=-1)


def reach(t, k1, k2):
    return t + 1 - max(0, (t // k1 + 1) * k1 - k2)


def same_masks(x, p, seed):
    kept = np.random.default_rng(seed).random((1, *x.shape[1:])) >= p
    return x * kept / (1 - p)


def move_rows(rows, old, new):
    return np.array([rows[old.index(c)] if c in old else rows.mean(axis=0) for c in new])


def nesterov(theta, g, u, rate, mu):
    u = mu * u + g
    return theta - rate * (g + mu * u), u


def extend(logp, step, width):
    total = logp[:, None] + step
    order = np.argsort(-total, axis=None)[:width]
    return np.column_stack([order // step.shape[1], order % step.shape[1], total.ravel()[order]])


RIGHT = {
    "check_extend": extend,
    "check_same_masks": same_masks,
    "check_move_rows": move_rows,
    "check_nesterov": nesterov,
    "check_spans": strict_spans,
    "check_last_states": last_states,
    "check_reach": reach,
    "check_sign_test": sign_test,
    "check_pieces": pieces,
    "check_latch": latch(),
    "check_recall": recall,
    "check_fed_back": fed_back,
    "check_mask": mask,
    "check_summary": lambda hs, n: np.concatenate([hs[-1, :, :n], hs[0, :, n:]], axis=-1),
    "check_attend": attend,
    "check_stacked": stacked,
    "check_causal": causal,
    "check_layers_needed": lambda T, width: -(-(T - 1) // (width - 1)),
    "check_concatenated": lambda x, h, U, W, b: np.tanh(np.hstack([W, U]) @ np.r_[h, x] + b),
    "check_bits_per_character": lambda probabilities: -np.log2(probabilities).mean(),
    "check_error_terms": error_terms,
    "check_forward_gradient": forward_gradient,
    "check_clip": clip,
    "check_resting_points": resting_points,
    "check_counter": counter(),
    "check_step_back": step_back,
    "check_parameters": lambda *given: sum(counting.stack("lstm", *given)),
    "check_holds": hold(),
    "check_min_p": min_p,
    "check_temperature": heat,
    "check_drawdown": lambda price, n: np.log(price / price.rolling(n).max()),
    "check_variance": lambda N, sigma: sigma**2 * (N**2 - 1) / (6 * N),
    "check_recurrence": Recurrence.apply,
}


def judge(check, answer):
    return getattr(exercises, check)(answer)


def rows(wrong):
    """Test cases from check → [(wrong answer, what the verdict must say)]."""
    return [
        pytest.param(check, answer, message, id=f"{check.removeprefix('check_')}: {message}")
        for check, pairs in wrong.items()
        for answer, message in pairs
    ]


def assert_says(check, answer, message):
    verdict = judge(check, answer)
    assert not verdict and repr(verdict).startswith("Not yet: ")
    assert message in verdict, verdict
