"""The checks of chapters 1.3 and 1.4: backpropagation through time, vanishing and exploding gradients."""

import functools

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import (
    NotYet,
    apart,
    array,
    asks_for_function,
    compare,
    differ,
    hint,
    kind,
    usual_slips,
)
from rnncourse.reference import rnn
from rnncourse.reference.ops import relu


@asks_for_function
def check_error_terms(error_terms):
    """Chapter 1.3, “Another squashing function”: error_terms(dh, h, W) → delta, of the shape of dh.

    dh (T, n): the direct part of the gradient for each state; h (T+1, n): the states h_0 … h_T of a network with
    ReLU; W (n, n). delta[t] is the error term of the state h[t + 1]. Checked against ``rnn.backward``.
    """
    rng = np.random.default_rng(3)
    for T, n in [(4, 3), (1, 2), (2, 3), (6, 4)]:
        W, b, x = rng.normal(size=(n, n)) / 2, rng.normal(size=n) / 4, rng.normal(size=(T, 1, n))
        h0, dh = rng.uniform(size=(1, n)), rng.normal(size=(T, n))
        hs, _, cache = rnn.forward(x, h0, np.eye(n), W, b, relu)
        right = rnn.backward(dh[:, None], np.zeros((1, n)), cache).x[:, 0]  # with U = 1, dx is the error term
        h = np.concatenate([h0, hs[:, 0]])
        where = f"for T={T}, n={n}"
        advice = "h has one row more than dh: dh[t] belongs to the state h[t + 1]."
        answer = call(error_terms, where, advice, dh=dh, h=h, W=W)
        answer = array(answer, dh.shape, where, "one error term for each step")
        on, tanh, one = (h > 0) * 1.0, 1 - h**2, np.ones_like(dh)
        last = one * (np.arange(T)[:, None] == T - 1)
        slips = [
            (error_sums(slope * dh, slope, W), why)
            for slope, why in [
                (tanh[1:], "That is with the slope of tanh. The slope of ReLU is 1 or 0."),
                (on[:-1], "The slope is taken at h[t]. It belongs to the new state, h[t + 1], because h[0] is h_0."),
                (tanh[:-1], "The slope is that of tanh, not of ReLU, and it is taken at h[t] instead of h[t + 1]."),
                ((h * (1 - h))[1:], "That is with the slope of the sigmoid. The slope of ReLU is 1 or 0."),
                (h[1:], "You multiply by the state. Multiply by the slope of ReLU, which is 1 or 0."),
                (one, "The slope is missing, or always 1. Note that h >= 0 is true for every state; h > 0 is not."),
            ]
        ]
        on = on[1:]
        of_gradient = (
            "The slope is that of the gradient: you ask where dh is positive. Ask where the state h[t + 1] is."
        )
        slips += [
            (error_sums(on * dh, on, W.T), "W is not transposed. Going back in time takes W.T @ delta."),
            (on * dh, "The part from the next step is missing: Wᵀ δ_{t+1}."),
            (error_sums(on * dh * last, on, W), "The direct part dh[t] is missing at every step but the last."),
            (error_sums(on * dh, one, W), "The slope multiplies dh[t] only. It must multiply the whole sum."),
            (error_sums(dh, on, W), "The slope multiplies Wᵀ δ_{t+1} only. It must multiply the whole sum."),
            (on * error_sums(dh, one, W), "The slope is missing in what goes back: it takes W.T @ delta[t]."),
            (error_sums(dh, on, W, gate="sum"), of_gradient),
            (error_sums(dh, on, W, gate="own"), of_gradient),
            (error_sums(dh, on, W, gate="grows"), "`later` grows: put W.T @ delta[t] in its place, do not add it."),
            (error_sums((on * dh)[::-1], on[::-1], W)[::-1], "The loop runs forwards in time. Begin at the last step."),
            *usual_slips(answer, right),
        ]
        for t in reversed(range(T)):
            if not np.allclose(answer[t], right[t]):
                name = f"delta[{t}]" + " (the last step)" * (t == T - 1)
                raise NotYet(f"{where}, {differ(answer[t], right[t], name)}.{hint(answer, slips)}")


def error_sums(direct, slope, W, gate=None):
    """δ_t = direct_t + slope_t ⊙ Wᵀ δ_{t+1}, with nothing after the last step: (T, n).

    gate: slips that are no such sum. "sum": ReLU acts on the gradient; "own": its slope is taken at direct_t; "grows":
    the parts of all later steps add up.
    """
    if gate:
        delta, later = np.zeros_like(direct), np.zeros(len(W))
        for t in reversed(range(len(direct))):
            both = direct[t] + later
            delta[t] = {"sum": both > 0, "own": direct[t] > 0, "grows": slope[t]}[gate] * both
            later = delta[t] @ W + (later if gate == "grows" else 0)
        return delta
    delta = direct.copy()
    for t in reversed(range(len(delta) - 1)):
        delta[t] += slope[t] * (delta[t + 1] @ W)
    return delta


@asks_for_function
def check_forward_gradient(forward_gradient):
    """Chapter 1.3, “Forwards”: forward_gradient(x, h0, U, W, b, dh_T) → ∂L/∂W, of shape (n, n).

    x (T, m), h0 (n,), U (n, m), W (n, n), b (n,), dh_T (n,) = ∂L/∂h_T: the loss looks at the last state alone. The
    network has tanh. Checked against ``rnn.backward``; that no state was stored is not checked.
    """
    rng = np.random.default_rng(4)
    first_axis = " It belongs to i, the first axis: [:, None, None]."
    sum_l = " The sum over l takes W[i, l] and the first axis, P[l, j, k]."
    weigh_i = " It belongs to i, the first axis: sum dh_T[i] * P[i, j, k] over i."
    for T, m, n in [(3, 3, 2), (1, 2, 2), (2, 2, 2), (5, 3, 4)]:
        U, W, b, x, h0, dh_T = (rng.normal(size=s) for s in [(n, m), (n, n), n, (T, m), n, n])
        where = f"for T={T}, m={m}, n={n}"
        answer = call(forward_gradient, where, x=x, h0=h0, U=U, W=W, b=b, dh_T=dh_T)
        answer = array(answer, (n, n), where, "the gradient for W")
        hs, _, cache = rnn.forward(x[:, None], h0[None], U, W, b)
        right = rnn.backward(np.zeros_like(hs), dh_T[None], cache).W
        slip = functools.partial(carried, x, h0, U, W, b, dh_T)
        slips = [
            (right.T, "j and k are exchanged: dL/dW[j, k] stands in row j, column k."),
            (slip(past=0 * W), "That is the immediate part of the last step. The part through h_{t−1} is missing."),
            (slip(past=np.eye(n)), "W is missing in the part through h_{t−1}."),
            (slip(past=W.T), "W is transposed in the part through h_{t−1}: sum over l with W[i, l]."),
            (slip(reads="new"), "The immediate part takes the new state h_t. It must take h_{t−1}."),
            (slip(reads="any"), "The immediate part is 0 unless i = j."),
            (slip(slope="none"), "The slope 1 − h² is missing."),
            (slip(slope="old"), "The slope is taken at h_{t−1}. It belongs to the new state h_t."),
            (slip(slope="part"), "The slope multiplies the immediate part only. It must multiply the sum of both."),
            (slip(slope="last"), "The slope stands on the last axis of P." + first_axis),
            (slip(slope="middle"), "The slope stands on the middle axis of P." + first_axis),
            (slip(through="jl,ilk->ijk"), "W @ P sums over the middle axis of P." + sum_l),
            (slip(through="lk,ijl->ijk"), "P @ W sums over the last axis of P." + sum_l),
            (slip(kept=1), "The old P is kept and the new one added: write P = …, not P += …"),
            (slip(weigh="k,ijk->ij"), "dh_T is summed over the last axis of P." + weigh_i),
            (slip(weigh="j,ijk->ik"), "dh_T is summed over the middle axis of P." + weigh_i),
            (slip(squash=lambda net: net), "The tanh is missing in the new state."),
            (carried(x, h0, U, W, b, np.ones(n)), "dh_T is missing: weigh ∂h_i/∂W with dh_T[i]."),
            (carried(x[:-1], h0, U, W, b, dh_T), "The last step is missing."),
            (carried(x[1:], h0, U, W, b, dh_T), "The first step is missing."),
        ]
        compare(where, answer, right, slips=slips)


def carried(
    x,
    h0,
    U,
    W,
    b,
    dh_T,
    past=None,
    reads="old",
    slope="new",
    squash=np.tanh,
    through="il,ljk->ijk",
    kept=0,
    weigh="i,ijk->jk",
):
    """∂L/∂W, carried forwards in time; each option but the default is a slip."""
    n, past = len(h0), W if past is None else past
    axes = {"last": np.s_[None, None], "middle": np.s_[None, :, None]}.get(slope, np.s_[:, None, None])
    h, P = h0, np.zeros((n, n, n))
    for x_t in x:
        new = squash(U @ x_t + W @ h + b)
        own = np.ones((n, n)) if reads == "any" else np.eye(n)
        immediate = np.einsum("ij,k->ijk", own, new if reads == "new" else h)
        later = np.einsum(through, past, P)
        slopes = 1 - {"none": 0 * h, "old": h}.get(slope, new)[axes] ** 2
        P = kept * P + (slopes * immediate + later if slope == "part" else slopes * (immediate + later))
        h = new
    return np.einsum(weigh, dh_T, P)


@asks_for_function
def check_clip(clip):
    """Chapter 1.4, “Clip by norm”: clip(grads, limit) → a list of arrays of the same shapes.

    grads: a list of arrays. All together are shortened to the length ``limit`` if they are longer; otherwise they
    stay as they are. Checked: a long and a short gradient, one of zeros, and that no input changes.
    """
    rng = np.random.default_rng(5)
    for limit, size in [(1.0, 10.0), (5.0, 0.1), (1.0, 0.0), (0.5, 1.0)]:
        grads = [size * rng.normal(size=shape) for shape in [(3, 2), (3,), (1,)]]
        length = np.linalg.norm(np.concatenate([g.ravel() for g in grads]))
        where = f"with limit {limit} and gradients of length {apart(length, limit)[0]}"
        answer = call(clip, where, grads=grads, limit=limit)
        if not isinstance(answer, list | tuple) or len(answer) != len(grads):
            raise NotYet(
                f"{where}, your function returns {kind(answer)}. It should return a list of {len(grads)} arrays."
            )
        nan = "Do you divide by a length of 0?"
        answer = [
            array(a, g.shape, where, "a shortened gradient", f"array {k} of the result", nan)
            for k, (a, g) in enumerate(zip(answer, grads, strict=True))
        ]
        flat, given = (np.concatenate([a.ravel() for a in arrays]) for arrays in (answer, grads))
        right = given * (limit / length if length > limit else 1)
        if np.allclose(flat, right):
            continue
        lengths = np.array([np.linalg.norm(g) for g in grads])
        tiny = 1e-12  # in place of a division by 0
        factors = [
            (limit / (length + tiny), "A gradient that is shorter than the limit must stay as it is."),
            (1 / (length + tiny), "You divide by the length and forget the limit: every result has length 1."),
            (length / limit, "The factor is upside down: it is limit / length."),
            (limit / (length**2 + tiny), "You divide by the sum of the squares. The length is its square root."),
            (limit / (lengths.sum() + tiny), "You add up the lengths of the arrays. Add up the squares instead."),
            (limit / (np.abs(given).sum() + tiny), "You add up absolute values. Add up squares, and take the root."),
            (limit / (np.abs(given).max() + tiny), "You divide by the largest number. Divide by the length."),
            (limit / (length / np.sqrt(given.size) + tiny), "You take the mean of the squares. Take their sum."),
            (1, "Nothing was shortened."),
        ]
        alone = "Each array is shortened alone. Take one length of all arrays together."
        own = np.repeat(limit / (lengths + tiny), [g.size for g in grads])
        slips = [
            (given * own, alone),
            (given * np.minimum(own, 1), alone),
            (given.clip(-limit, limit), "You cut each number, which turns the direction. Scale all by one factor."),
            *[(given * factor, why) for factor, why in factors],
        ]
        now, wish = np.linalg.norm(flat), np.linalg.norm(right)
        if np.isclose(now, wish):
            raise NotYet(f"{where}, the result has the right length, but another direction.{hint(flat, slips)}")
        now, wish = apart(now, wish)
        raise NotYet(f"{where}, the result has length {now}; it should be {wish}.{hint(flat, slips)}")


@asks_for_function
def check_resting_points(resting_points):
    """Chapter 1.4, “Resting points”: resting_points(w) → all h with h = tanh(w h), as a sorted array.

    Checked: seven values of w, below, at and above 1, also 0 and negative; each h to 1e-6.
    """
    for w in (0.5, 1.5, 3.0, 1.0, 0.0, -2.0, 1.1):
        where, count = f"for w={w}", 3 if w > 1 else 1
        answer = call(resting_points, where, w=w)
        h = array(answer, np.shape(answer), where, "all resting points", nan="0 is always a resting point.")
        if h.ndim != 1:
            raise NotYet(
                f"{where}, the result is {kind(h if h.ndim else answer)}. It should be an array of shape ({count},)."
            )
        off = np.abs(h - np.tanh(w * h))
        if len(h) and off.max() > 1e-6:
            here, there = apart(h[off.argmax()], np.tanh(w * h[off.argmax()]))
            why = " Two values change places at every step, but neither rests." if w < -1 and abs(h).max() > 0.5 else ""
            why = why or (" Your search stops too early." if off.max() < 0.01 else "")
            raise NotYet(f"{where}, h = {here} moves to {there}, so it does not rest.{why}")
        if len(np.unique(h.round(4))) < len(h):
            raise NotYet(f"{where}, the result is {h}. The same point stands in it twice.")
        if len(h) != count:
            if not len(h) or np.abs(h).min() > 1e-6:
                why = "0 is missing: tanh(0) = 0."
            elif count == 3:
                why = "There is a point on either side of 0: if h rests, −h rests."
            else:
                why = "Only 0 rests, as long as w is at most 1."
            raise NotYet(f"{where}, the result is {h}. The number of resting points is {count}. {why}")
        if (np.diff(h) < 0).any():
            raise NotYet(f"{where}, the points are not sorted: {h}.")
