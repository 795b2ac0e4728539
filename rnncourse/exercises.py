"""Checks for the coded exercises: each says what is wrong, not only that it is wrong.

A check first asks for the answer (an exercise not yet done returns None), then tries it on cases that the
exercise named and on some it did not.
"""

import math

import numpy as np

from rnncourse.reference import rnn
from rnncourse.reference.ops import relu


class Verdict(str):
    """A sentence about an answer; it counts as true if the answer is right."""

    def __bool__(self):
        return self == "Correct."

    __repr__ = str.__str__  # a cell that ends with a check shows the bare sentence


def verdict(wrong=None):
    """The verdict: ``wrong`` is None, or says what is wrong."""
    return Verdict(f"Not yet: {wrong}" if wrong else "Correct.")


def check_latch(weights):
    """Chapter 1.1: a one-unit tanh network that holds + after a determiner, − after a pronoun, through any hesitation.

    weights: (U, W, b) of shapes (1, 3), (1, 1), (1,); the inputs are one-hot: determiner, pronoun, hesitation.
    """
    if weights is None:
        return verdict("the answer is None; it should be the three arrays (U, W, b)")
    try:
        U, W, b = (np.asarray(array, float) for array in weights)
        rnn.forward(np.zeros((1, 1, 3)), np.zeros((1, 1)), U, W, b)
    except (TypeError, ValueError) as error:
        return verdict(error)
    determiner, pronoun, hesitation = np.eye(3)
    for history in ("the", "they", "they the", "the they", "the the they", "they they the"):
        for pause in (0, 1, 2, 5, 20, 200):
            words = [word for token in history.split() for word in [token] + ["um"] * pause]
            x = np.array([{"the": determiner, "they": pronoun, "um": hesitation}[word] for word in words])[:, None]
            h = float(rnn.forward(x, np.zeros((1, 1)), U, W, b)[1][0, 0])
            sign = 1 if history.endswith("the") else -1
            if sign * h < 0.5:
                wish = "above 0.5" if sign > 0 else "below −0.5"
                read = f"“{history}” with {pause} × um after each word"
                return verdict(f"after {read} the state is {h:.3f}, and it should be {wish}")
    return verdict()


def check_layers_needed(layers_needed):
    """Chapter 1.1: the least number of causal convolutions of width k whose last output sees T inputs."""
    for T, k in [(5, 3), (3, 3), (2, 3), (1, 3), (10, 2), (300, 3), (300, 8), (1000, 5), (17, 17)]:
        answer = layers_needed(T, k)
        if answer is None:
            return verdict("layers_needed returned None; it should return a whole number")
        right = 0
        while 1 + right * (k - 1) < T:  # counted layer by layer, so that the check is no second copy of a formula
            right += 1
        if answer != right:
            sees = 1 + right * (k - 1)
            return verdict(
                f"for T={T}, width={k} you say {answer}; {right} layers see {sees} inputs, one fewer {sees - k + 1}"
            )
    return verdict()


def check_concatenated(step_concatenated):
    """Chapter 1.2: a step that uses one matrix on [h, x] where ``rnn.step`` uses two."""
    rng = np.random.default_rng(1)
    for m, n in [(2, 2), (3, 2), (2, 5), (4, 1)]:
        U, W, b, x, h = (rng.normal(size=s) for s in [(n, m), (n, n), n, m, n])
        try:
            answer = step_concatenated(x, h, U, W, b)
        except ValueError as error:
            return verdict(f"with m={m}, n={n} it raises ValueError: {error}")
        right = rnn.step(x, h, U, W, b)
        if answer is None:
            return verdict("step_concatenated returned None; it should return the next state")
        if np.shape(answer) != (n,):
            return verdict(f"with m={m}, n={n} the result has shape {np.shape(answer)}; a state has shape ({n},)")
        if not np.allclose(answer, right):
            swapped = np.allclose(answer, np.tanh(np.hstack([W, U]) @ np.r_[x, h] + b)) if m == n else False
            hint = "; are the blocks of the matrix in the order of the blocks of the vector?" if swapped else ""
            return verdict(f"with m={m}, n={n} it differs from rnn.step by {np.abs(answer - right).max():.3g}{hint}")
    return verdict()


def check_bits_per_character(bits_per_character):
    """Chapter 1.2: the score of a text, from the probability that a model gave to each character that came."""
    cases = [
        ([0.5, 0.5, 0.5], 1.0),
        ([0.25] * 7, 2.0),
        ([1.0], 0.0),
        ([0.5, 0.125], 2.0),
        ([0.9, 0.8, 0.1], None),
    ]
    for probabilities, right in cases:
        right = -sum(map(math.log2, probabilities)) / len(probabilities) if right is None else right
        answer = bits_per_character(np.array(probabilities))
        if answer is None:
            return verdict("bits_per_character returned None; it should return a number")
        if not math.isclose(answer, right, abs_tol=1e-9):
            nats = math.isclose(answer, right * math.log(2), abs_tol=1e-9)
            total = len(probabilities) > 1 and math.isclose(answer, right * len(probabilities), abs_tol=1e-9)
            sign = math.isclose(answer, -right, abs_tol=1e-9)
            hint = (
                " (that is in nats)" * nats
                + " (that is the sum, not the mean)" * total
                + " (the sign is turned)" * sign
            )
            return verdict(f"for {probabilities} you say {answer:.4f}{hint}; it should be {right:.4f}")
    return verdict()


def check_error_terms(error_terms):
    """Chapter 1.3: the error terms of a ReLU network, from the direct parts, the states and W."""
    rng = np.random.default_rng(3)
    for T, n in [(1, 2), (2, 3), (6, 4)]:
        W, b, x = rng.normal(size=(n, n)) / 2, rng.normal(size=n) / 4, rng.normal(size=(T, 1, n))
        hs, h_T, cache = rnn.forward(x, rng.uniform(size=(1, n)), np.eye(n), W, b, relu)
        dh = rng.normal(size=(T, n))
        answer = error_terms(dh.copy(), cache.h[:, 0].copy(), W.copy())
        if answer is None:
            return verdict("error_terms returned None; it should return an array like dh")
        if np.shape(answer) != dh.shape:
            return verdict(
                f"for T={T}, n={n} the result has shape {np.shape(answer)}; one error term a step is {dh.shape}"
            )
        right = rnn.backward(dh[:, None], np.zeros((1, n)), cache).x[:, 0]  # with U = 1, dx is the error term
        for t in reversed(range(T)):
            if not np.allclose(answer[t], right[t]):
                last = " (the last step, which nothing follows)" if t == T - 1 else ""
                return verdict(
                    f"for T={T}, n={n} delta[{t}]{last} is {np.round(answer[t], 3)}; "
                    f"it should be {np.round(right[t], 3)}"
                )
    return verdict()


def check_forward_gradient(forward_gradient):
    """Chapter 1.3: the gradient for W of a tanh network, carried forwards."""
    rng = np.random.default_rng(4)
    for T, m, n in [(1, 2, 2), (2, 2, 2), (5, 3, 4)]:
        U, W, b, x, h0, dh_T = (rng.normal(size=s) for s in [(n, m), (n, n), n, (T, m), n, n])
        answer = forward_gradient(x, h0, U, W, b, dh_T)
        if answer is None:
            return verdict("forward_gradient returned None; it should return the gradient for W")
        if np.shape(answer) != (n, n):
            return verdict(f"for n={n} the result has shape {np.shape(answer)}; W has shape ({n}, {n})")
        hs, _, cache = rnn.forward(x[:, None], h0[None], U, W, b)
        right = rnn.backward(np.zeros_like(hs), dh_T[None], cache).W
        if not np.allclose(answer, right):
            lags = rnn.by_lag(np.zeros_like(hs), dh_T[None], cache).W
            hint = "; that is the immediate part only" if np.allclose(answer, lags[0]) else ""
            hint = hint or ("; are j and k exchanged?" if np.allclose(answer, right.T) else "")
            return verdict(f"for T={T}, n={n} it is off by {np.abs(answer - right).max():.3g}{hint}")
    return verdict()


def check_clip(clip):
    """Chapter 1.4: a list of gradients, shortened together to a given length."""
    rng = np.random.default_rng(5)
    for limit, size in [(1.0, 10.0), (5.0, 0.1), (1.0, 0.0), (0.5, 1.0)]:
        grads = [size * rng.normal(size=shape) for shape in [(3, 2), (3,), (1,)]]
        before = [g.copy() for g in grads]
        with np.errstate(invalid="ignore", divide="ignore"):
            answer = clip(grads, limit)
        if answer is None:
            return verdict("clip returned None; it should return the list of shortened gradients")
        if [np.shape(a) for a in answer] != [g.shape for g in before]:
            return verdict(f"the result has shapes {[np.shape(a) for a in answer]}; it should be those of the input")
        if not all(np.array_equal(g, b) for g, b in zip(grads, before, strict=True)):
            return verdict("the input was changed; return new arrays")
        flat, right = (np.concatenate([np.ravel(a) for a in arrays]) for arrays in (answer, before))
        length = np.linalg.norm(right)
        right = right * (limit / length if length > limit else 1)
        if not np.isfinite(flat).all():
            return verdict("gradients that are all zero give NaN; is a length of 0 divided by?")
        if not np.allclose(flat, right):
            each = [np.linalg.norm(a) for a in answer]
            hint = "; each array alone has that length, together they are longer" if np.allclose(each, limit) else ""
            was, now, wish = length, np.linalg.norm(flat), np.linalg.norm(right)
            return verdict(f"with limit {limit}, length {was:.3f} became {now:.3f}; it should be {wish:.3f}{hint}")
    return verdict()


def check_resting_points(resting_points):
    """Chapter 1.4: all h with h = tanh(w h)."""
    for w in (0.5, 1.5, 3.0, 1.0, 0.0, -2.0, 1.1):
        answer = resting_points(w)
        if answer is None:
            return verdict("resting_points returned None; it should return a sorted array")
        answer = np.atleast_1d(np.asarray(answer, float))
        count = 3 if w > 1 else 1
        off = np.abs(answer - np.tanh(w * answer))
        if len(answer) and off.max() > 1e-6:
            h = answer[off.argmax()]
            return verdict(f"for w={w}, h={h:.4f} moves to {np.tanh(w * h):.4f}: it does not rest")
        if len(answer) != count or len(np.unique(answer.round(4))) != count:
            hint = "; it jumps to and fro between two values, but neither rests" if w < -1 else ""
            return verdict(f"for w={w} you give {answer}; there are {count} resting points{hint}")
        if (np.diff(answer) < 0).any():
            return verdict(f"for w={w} the points are not sorted: {answer}")
    return verdict()
