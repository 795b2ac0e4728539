"""Chapters 1.3 and 1.4: wrong answers that a student might give, and the sentence for each."""

import answers
import numpy as np
import pytest

from rnncourse.exercises.backward import carried


def terms(slope=lambda h: h > 0, at=1, W_back=lambda W: W.T, order=reversed, term=None):
    """error_terms with another slope, taken at h[t + at], another matrix, another order of steps, or another sum."""

    def error_terms(dh, h, W):
        delta, later = np.zeros_like(dh), np.zeros(len(W))
        for t in order(range(len(dh))):
            s = slope(h[t + at])
            delta[t] = term(s, dh[t], later) if term else s * (dh[t] + later)
            later = W_back(W) @ delta[t]
        return delta

    return error_terms


def own_terms(term=lambda dh, later, on: on * (dh + later), back=lambda dh, later, delta, W: W.T @ delta):
    """error_terms as a reader writes it: term gives delta[t], back gives the later of the next round."""

    def error_terms(dh, h, W):
        delta, later = np.zeros_like(dh), np.zeros(len(W))
        for t in reversed(range(len(dh))):
            delta[t] = term(dh[t], later, h[t + 1] > 0)
            later = back(dh[t], later, delta[t], W)
        return delta

    return error_terms


def own_carry(
    through=lambda W, P: np.einsum("il,ljk->ijk", W, P),
    slope=lambda s: s[:, None, None],
    weigh=lambda P, dh_T: np.einsum("i,ijk->jk", dh_T, P),
    kept=0,
):
    """forward_gradient as a reader writes it: kept is 1 for P += in place of P =."""

    def forward_gradient(x, h0, U, W, b, dh_T):
        n = len(h0)
        h, P = h0, np.zeros((n, n, n))
        for x_t in x:
            both = np.einsum("ij,k->ijk", np.eye(n), h) + through(W, P)
            h = np.tanh(U @ x_t + W @ h + b)
            P = kept * P + slope(1 - h**2) * both
        return weigh(P, dh_T)

    return forward_gradient


def carry(**slip):
    """forward_gradient with a slip."""
    return lambda x, h0, U, W, b, dh_T: carried(x, h0, U, W, b, dh_T, **{k: v(W) for k, v in slip.items()})


def norm(grads):
    return np.linalg.norm(np.concatenate([g.ravel() for g in grads]))


def scaled(factor, only_longer=True):
    """clip with this factor, a function of all gradients and the limit."""
    return lambda grads, limit: [
        g * factor(grads, limit) if norm(grads) > limit or not only_longer else g for g in grads
    ]


def in_place(grads, limit):
    length = norm(grads)
    for g in grads:
        g *= limit / max(length, limit)
    return grads


def each_alone(grads, limit):
    return [g * min(1, limit / max(np.linalg.norm(g), 1e-9)) for g in grads]


def iterated(w, starts=(-1, 0, 1), steps=1000):
    h = np.array(starts, float)
    for _ in range(steps):
        h = np.tanh(w * h)
    return h


WRONG = {
    "check_error_terms": [
        (lambda dh, h, W: dh, "for T=4, n=3, delta[3] (the last step) is"),
        (terms(slope=lambda h: 1 - h**2), "That is with the slope of tanh. The slope of ReLU is 1 or 0."),
        (terms(at=0), "The slope is taken at h[t]. It belongs to the new state, h[t + 1]"),
        (terms(slope=lambda h: 1 - h**2, at=0), "The slope is that of tanh, not of ReLU, and it is taken at h[t]"),
        (terms(slope=lambda h: h * (1 - h)), "That is with the slope of the sigmoid."),
        (terms(slope=lambda h: h), "You multiply by the state."),
        (terms(slope=lambda h: h >= 0), "h >= 0 is true for every state; h > 0 is not"),
        (terms(slope=lambda h: 1), "The slope is missing, or always 1."),
        (terms(W_back=lambda W: W), "W is not transposed. Going back in time takes W.T @ delta."),
        (terms(term=lambda s, dh, later: s * dh), "The part from the next step is missing"),
        (terms(term=lambda s, dh, later: s * (later if later.any() else dh)), "The direct part dh[t] is missing"),
        (terms(term=lambda s, dh, later: s * dh + later), "The slope multiplies dh[t] only."),
        (terms(term=lambda s, dh, later: dh + s * later), "The slope multiplies Wᵀ δ_{t+1} only."),
        (terms(term=lambda s, dh, later: s * (later - dh)), "delta[3] (the last step) is"),
        (terms(term=lambda s, dh, later: -s * (dh - later)), "delta[3] (the last step) is"),
        (lambda dh, h, W: answers.error_terms(dh, h, W) / len(dh), "Every number is 0.25 times the right one."),
        (own_terms(back=lambda dh, later, delta, W: W.T @ (dh + later)), "The slope is missing in what goes back"),
        (own_terms(lambda dh, later, on: np.maximum(dh + later, 0)), "The slope is that of the gradient"),
        (own_terms(lambda dh, later, on: (dh > 0) * (dh + later)), "The slope is that of the gradient"),
        (own_terms(back=lambda dh, later, delta, W: later + W.T @ delta), "`later` grows: put W.T @ delta[t] in its"),
        (terms(order=list), "The loop runs forwards in time."),
        (lambda dh, h, W: answers.error_terms(dh, h, W)[::-1], "That is the right result in the reverse order."),
        (lambda dh, h, W: -answers.error_terms(dh, h, W), "The sign is turned."),
        (
            lambda dh, h, W: answers.error_terms(dh, h, W).T,
            "of shape (3, 4). It should be one error term for each step",
        ),
        (lambda dh, h, W: answers.error_terms(dh, h, W).sum(0), "of shape (3,)."),
        (lambda dh, h, W: answers.error_terms(dh, h, W)[1:], "of shape (3, 3)."),
        (lambda dh, h, W: (h > 0) * dh, "the shapes (5,3) and (4,3) do not fit entry by entry. h has one row more"),
        (lambda dh, h, W: dh if h > 0 else 0 * dh, "`if`, `and`, `max` need one True or False"),
        (lambda dh, h, W: [h[t + 2] for t in range(len(dh))], "IndexError: index 5 is out of bounds"),
        (lambda dh, h, W: answers.error_terms(dh, h, W) / 0, "contains NaN"),
    ],
    "check_forward_gradient": [
        (lambda *given: answers.forward_gradient(*given).T, "j and k are exchanged"),
        (carry(past=lambda W: 0 * W), "The part through h_{t−1} is missing."),
        (carry(past=lambda W: np.eye(len(W))), "W is missing in the part through h_{t−1}."),
        (carry(past=lambda W: W.T), "W is transposed in the part through h_{t−1}"),
        (carry(reads=lambda W: "new"), "The immediate part takes the new state h_t."),
        (carry(reads=lambda W: "any"), "The immediate part is 0 unless i = j."),
        (carry(slope=lambda W: "none"), "The slope 1 − h² is missing."),
        (carry(slope=lambda W: "old"), "The slope is taken at h_{t−1}."),
        (carry(slope=lambda W: "part"), "The slope multiplies the immediate part only."),
        (own_carry(weigh=lambda P, dh_T: P @ dh_T), "dh_T is summed over the last axis of P."),
        (own_carry(weigh=lambda P, dh_T: dh_T @ P), "dh_T is summed over the middle axis of P."),
        (
            own_carry(slope=lambda s: s),
            "The slope stands on the last axis of P. It belongs to i, the first axis: [:, None",
        ),
        (own_carry(slope=lambda s: s[:, None]), "The slope stands on the middle axis of P."),
        (own_carry(through=lambda W, P: W @ P), "W @ P sums over the middle axis of P."),
        (own_carry(through=lambda W, P: P @ W), "P @ W sums over the last axis of P."),
        (own_carry(kept=1), "The old P is kept and the new one added: write P = …, not P += …"),
        (carry(squash=lambda W: lambda net: net), "The tanh is missing in the new state."),
        (lambda x, h0, U, W, b, dh_T: carried(x, h0, U, W, b, np.ones_like(dh_T)), "dh_T is missing"),
        (lambda x, *given: carried(x[:-1], *given), "The last step is missing."),
        (lambda x, *given: carried(x[1:], *given), "The first step is missing."),
        (lambda *given: -answers.forward_gradient(*given), "The sign is turned."),
        (lambda x, *given: answers.forward_gradient(x, *given) / len(x), "Every number is 0.3333 times the right one."),
        (lambda x, h0, U, W, b, dh_T: np.zeros_like(W), "Every number is 0."),
        (
            lambda x, h0, U, W, b, dh_T: np.zeros((2, 2, 2)),
            "of shape (2, 2, 2). It should be the gradient for W, of shape",
        ),
        (
            lambda x, h0, U, W, b, dh_T: np.zeros_like(U),
            "of shape (2, 3). It should be the gradient for W, of shape (2, 2)",
        ),
        (lambda x, h0, U, W, b, dh_T: W @ x, "a matrix product does not fit, 2 columns meet 3 rows"),
        (lambda *given: answers.forward_gradient(*given) * np.nan, "contains NaN"),
    ],
    "check_clip": [
        (each_alone, "Each array is shortened alone. Take one length of all arrays together."),
        (lambda grads, limit: [g / max(np.linalg.norm(g), 1e-9) for g in grads], "Each array is shortened alone."),
        (scaled(lambda grads, limit: limit / max(norm(grads), 1e-9), only_longer=False), "must stay as it is"),
        (scaled(lambda grads, limit: norm(grads) / limit), "The factor is upside down"),
        (scaled(lambda grads, limit: limit / norm(grads) ** 2), "You divide by the sum of the squares."),
        (scaled(lambda grads, limit: limit / sum(map(np.linalg.norm, grads))), "You add up the lengths of the arrays."),
        (scaled(lambda grads, limit: limit / sum(abs(g).sum() for g in grads)), "You add up absolute values."),
        (scaled(lambda grads, limit: limit / max(abs(g).max() for g in grads)), "You divide by the largest number."),
        (scaled(lambda grads, limit: limit / norm(grads) * 10**0.5), "You take the mean of the squares."),
        (scaled(lambda grads, limit: -limit / norm(grads)), "the right length, but another direction."),
        (lambda grads, limit: grads, "Nothing was shortened."),
        (
            lambda grads, limit: [np.clip(g, -limit, limit) for g in grads],
            "You cut each number, which turns the direction.",
        ),
        (lambda grads, limit: [g * limit / norm(grads) for g in grads], "must stay as it is"),
        (scaled(lambda grads, limit: 1 / norm(grads)), "You divide by the length and forget the limit"),
        (
            lambda grads, limit: [g * min(1, limit / norm(grads)) for g in grads][:-1],
            "a list of length 2. It should return a",
        ),
        (
            lambda grads, limit: grads[0] * limit / norm(grads[:1]),
            "returns an array of shape (3, 2). It should return a list",
        ),
        (lambda grads, limit: norm(grads), "It should return a list of 3 arrays."),
        (lambda grads, limit: [g[None] for g in grads], "array 0 of the result is of shape (1, 3, 2)."),
        (
            lambda grads, limit: [g / norm(grads) * min(norm(grads), limit) for g in grads],
            "Do you divide by a length of 0?",
        ),
        (lambda grads, limit: np.concatenate(grads), "cannot be joined"),
        (in_place, "your function changes its input grads"),
        (lambda grads, limit: [in_place(grads, limit), None][1], "your function changes its input grads"),
    ],
    "check_resting_points": [
        (
            lambda w: np.array([0.0]),
            "for w=1.5, the result is [0.]. The number of resting points is 3. There is a point on",
        ),
        (lambda w: np.array([0.3]), "for w=0.5, h = 0.3 moves to 0.149, so it does not rest."),
        (lambda w: iterated(w, [0, 1]) if w > 1 else [0.0], "if h rests, −h rests"),
        (lambda w: iterated(w, [-1, 1]) if w > 1 else [0.0], "0 is missing: tanh(0) = 0."),
        (lambda w: [] if w < 1 else iterated(w), "0 is missing: tanh(0) = 0."),
        (lambda w: iterated(w, [1, 0, -1]) if w > 1 else [0.0], "the points are not sorted"),
        (lambda w: iterated(w), "The same point stands in it twice."),
        (lambda w: iterated(w, steps=5) if w > 1 else [0.0], "Your search stops too early."),
        (lambda w: iterated(w) if abs(w) > 1 else [0.0], "Two values change places at every step, but neither rests."),
        (
            lambda w: np.unique(iterated(w).round(9)),
            "for w=1.0, h = -0.03868 moves to -0.03866, so it does not rest. Your",
        ),
        (lambda w: np.array([0.0, np.nan]), "contains NaN (“not a number”). 0 is always a resting point."),
        (lambda w: 0.0, "the result is the number 0. It should be an array of shape (1,)."),
        (lambda w: [iterated(w)], "an array of shape (1, 3)."),
        (lambda w: 1 / 0, "your code stops at line"),
    ],
}


@pytest.mark.parametrize(("check", "answer", "message"), answers.rows(WRONG))
def test_says_what_is_wrong(check, answer, message):
    answers.assert_says(check, answer, message)


def test_answers_are_right_but_for_the_slips():
    assert answers.judge("check_forward_gradient", carried)
    assert answers.judge("check_forward_gradient", own_carry())
    assert answers.judge("check_error_terms", own_terms())
