"""Checks for the coded exercises: each says what is wrong, not only that it is wrong.

A check first asks for the answer (an exercise not yet done returns None), then tries it on cases that the
exercise named and on some it did not.
"""

import math

import numpy as np

from rnncourse.reference import rnn


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
                f"for T={T}, k={k} you say {answer}; {right} layers see {sees} inputs, one fewer sees {sees - k + 1}"
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
