"""Chapters 1.1 and 1.2: wrong answers that a student might give, and the sentence for each."""

import math

import answers
import numpy as np
import pytest

from rnncourse.reference.ops import relu, sigmoid


def latch(U=(4, -4, 0), W=2, b=0):
    return np.array([U], float), np.array([[W]], float), np.array([b], float)


def layers(formula):
    return lambda T, width: formula(T, width)


def concatenated(formula):
    """An answer of x, h, U, W, b and net = U x + W h + b."""
    return lambda x, h, U, W, b: formula(x, h, U, W, b, U @ x + W @ h + b)


WRONG = {
    "check_latch": [
        (latch(U=(-4, 4, 0)), "after “the” the state is -0.999; it should be above 0.5. The sign is turned."),
        (latch(U=(0.2, -0.2, 0)), "after “the” the state is 0.197; it should be above 0.5. The word itself pushes too"),
        (
            latch(W=0.9),
            "after “the” with 5 × um after each word the state is 0.345; it should be above 0.5. The state fades",
        ),
        (
            latch(W=1),
            "with 5 × um after each word the state is 0.472; it should be above 0.5. The state fades: with W = 1,",
        ),
        (
            latch(W=1.05),
            "the state is 0.394; it should be above 0.5. Without input the state comes to rest too near to 0",
        ),
        (
            latch(W=-2),
            "after “the” with 1 × um after each word the state is -0.964; it should be above 0.5. W is negative",
        ),
        (latch(U=(5, -5, 0), b=5), "The bias b = 5 is added at every word and works against this one: make it 0."),
        (latch(U=(1, -1, 0), W=4), "after “they the” the state is -0.967; it"),
        (latch(U=(1, -1, 0), W=4), "The new word does not win against the old state"),
        (latch(U=(4, -4, -3)), "A hesitation adds U[0, 2] + b = -3 before the tanh"),
        (latch(U=(4, -4, 3), b=-1), "A hesitation adds U[0, 2] + b = 2 before the tanh"),
        (([[4, -4]], [[2]], [0]), "U is of shape (1, 2). It should be an array, of shape (1, 3)."),
        (
            ([4, -4, 0], 2, 0),
            "U is of shape (3,). It should be an array, of shape (1, 3). An axis of length 1 is too few",
        ),
        (
            ([[4, -4, 0]], 2, 0),
            "W is of shape (). It should be an array, of shape (1, 1). An axis of length 1 is too few",
        ),
        (([[4, -4, 0]], [[2]]), "the answer holds 2 values. It should hold 3 arrays (U, W, b)."),
    ],
    "check_layers_needed": [
        (
            lambda T, k: (T - 1) // (k - 1),
            "T=2, width=3 you say 0; it should be 1. With 1 of them 3 inputs are seen, with 0 only 1. You round down",
        ),
        (
            lambda T, k: (T - 1) / (k - 1),
            "you say 0.5; it should be 1. With 1 of them 3 inputs are seen, with 0 only 1. A number of layers is whole",
        ),
        (lambda T, k: math.ceil((T - 1) / k), "A layer adds width − 1 inputs, not width."),
        (lambda T, k: T / k, "One input is seen without any layer. And round up."),
        (
            lambda T, k: math.ceil(T / k),
            "A layer adds width − 1 inputs, not width. One input is seen without any layer.",
        ),
        (
            lambda T, k: math.ceil(T / (k - 1)),
            "for T=5, width=3 you say 3; it should be 2. With 2 of them 5 inputs are seen, with 1 only 3.",
        ),
        (
            lambda T, k: math.ceil(T / (k - 1)),
            "One input is seen without any layer: the layers must add the other T − 1.",
        ),
        (lambda T, k: math.ceil(max(T - k, 0) / (k - 1)), "The first layer is not counted."),
        (
            lambda T, k: (T - 1) // (k - 1) + 1,
            "Where the division by width − 1 is exact, its result is the answer, without + 1.",
        ),
        (
            lambda T, k: round((T - 1) / (k - 1)),
            "T=2, width=3 you say 0; it should be 1. With 1 of them 3 inputs are seen, with 0 only 1. You round to the",
        ),
        (
            lambda T, k: int((T - 1) / (k - 1) + 0.5),
            "T=6, width=5 you say 1; it should be 2. With 2 of them 9 inputs are seen, with 1 only 5. You round to the",
        ),
        (lambda T, k: T // k, "One input is seen without any layer. And you round down."),
        (lambda T, k: T - k + 1, "So many places the window of one layer has if it must lie inside the T inputs."),
        (
            lambda T, k: math.ceil(math.log(T, k)),
            "Without dilation every layer adds width − 1 inputs; it does not multiply.",
        ),
        (lambda T, k: 5, "for T=5, width=3 you say 5; it should be 2."),
        (lambda T, k: math.ceil((T - k) / (k - 1)) + 1 if T > 1 else 1, "for T=1, width=3 you say 1; it should be 0."),
        (lambda T, k: range(T)[k], "your code stops at line"),
        (lambda T: T, "your function takes (T); the check gives it (T, width)."),
    ],
    "check_concatenated": [
        (concatenated(lambda x, h, U, W, b, net: net), "The tanh is missing."),
        (concatenated(lambda x, h, U, W, b, net: sigmoid(net)), "tanh here, not the sigmoid"),
        (concatenated(lambda x, h, U, W, b, net: relu(net)), "tanh here, not ReLU"),
        (concatenated(lambda x, h, U, W, b, net: np.tanh(np.hstack([W, U]) @ np.r_[h, x])), "The bias b is missing."),
        (concatenated(lambda x, h, U, W, b, net: np.tanh(net - b) + b), "b must be added before the tanh"),
        (concatenated(lambda x, h, U, W, b, net: np.tanh(U @ x + b)), "The old state is missing: W h."),
        (concatenated(lambda x, h, U, W, b, net: np.tanh(W @ h + b)), "The input is missing: U x."),
        (lambda x, h, U, W, b: np.tanh((W + U) @ h + b), "put the two matrices side by side, do not add them"),
        (lambda x, h, U, W, b: np.tanh((W + U) @ (h + x) + b), "put the two matrices side by side, do not add them"),
        (
            lambda x, h, U, W, b: np.tanh(np.hstack([W, U]) @ np.concatenate(h, x) + b),
            "arrays to be joined stand in brackets, as in np.concatenate([h, x])",
        ),
        (lambda x, h, U, W, b: np.tanh(W @ h + U @ x + b), "U or W multiplies a vector by itself"),
        (lambda x, h, U, W, b: np.tanh(np.dot(W, h) + x @ U.T + b), "U or W multiplies a vector by itself"),
        (
            concatenated(lambda x, h, U, W, b, net: np.tanh(np.hstack([U, W]) @ np.r_[h, x] + b)),
            "with m=2, n=2, the next state is",
        ),
        (
            concatenated(lambda x, h, U, W, b, net: np.tanh(np.hstack([W, U]) @ np.r_[x, h] + b)),
            "The blocks of the matrix must stand in the order of the blocks of the vector.",
        ),
        (
            concatenated(lambda x, h, U, W, b, net: np.tanh(np.hstack([W.T, U.T]) @ np.r_[h, x] + b)),
            "The matrices are transposed.",
        ),
        (
            concatenated(lambda x, h, U, W, b, net: np.tanh(np.vstack([W, U]) @ np.r_[h, x] + b)),
            "a matrix product does not fit, 2 columns meet 4 rows. The one matrix has n rows and n + m columns",
        ),
        (
            concatenated(lambda x, h, U, W, b, net: np.tanh(np.dot(np.vstack([W, U]), np.r_[h, x]) + b)),
            "the shapes (4,2) and (4,) do not fit in a matrix product. The one matrix has",
        ),
        (
            concatenated(lambda x, h, U, W, b, net: np.tanh(np.hstack([W, U]).T @ np.r_[h, x] + b)),
            "W and U stand side by side",
        ),
        (
            concatenated(lambda x, h, U, W, b, net: np.tanh(np.concatenate([W, h]) @ x)),
            "arrays with different numbers of axes cannot be joined. The one matrix",
        ),
        (
            concatenated(lambda x, h, U, W, b, net: np.tanh(np.stack([W, U]) @ np.r_[h, x] + b)),
            "a matrix product does not fit",
        ),
        (
            concatenated(lambda x, h, U, W, b, net: np.tanh(net)[:, None]),
            "of shape (2, 1). It should be the next state, of shape (2,). An axis of length 1 is too many",
        ),
        (concatenated(lambda x, h, U, W, b, net: np.hstack([W, U])), "the result is of shape (2, 4)."),
        (
            concatenated(lambda x, h, U, W, b, net: math.tanh(net)),
            "a function for one number, such as math.log, got an array",
        ),
        (concatenated(lambda x, h, U, W, b, net: -np.tanh(net)), "The sign is turned."),
    ],
    "check_bits_per_character": [
        (
            lambda p: -np.log(p).mean(),
            "for [0.5, 0.25, 0.125] you say 1.39; it should be 2. That is in nats: take log2.",
        ),
        (lambda p: -np.log10(p).mean(), "The logarithm is to base 10: take log2."),
        (lambda p: -np.log2(p).sum(), "That is the sum: take the mean."),
        (lambda p: np.log2(p).mean(), "The sign is turned."),
        (lambda p: np.log(p).sum(), "That is in nats: take log2. That is the sum: take the mean. The sign is turned."),
        (lambda p: -np.log2(p.mean()), "That is the logarithm of the mean. Take the mean of the logarithms."),
        (lambda p: 2 ** -np.log2(p).mean(), "That is the perplexity"),
        (lambda p: p.mean(), "The logarithm is missing"),
        (lambda p: -(p * np.log2(p)).sum(), "That is an entropy."),
        (lambda p: -(p * np.log2(p)).mean(), "That takes an expectation twice."),
        (lambda p: -np.log2(p), "the result is an array of shape (3,). It should be one number."),
        (lambda p: -math.log2(p), "a function for one number, such as math.log, got an array"),
        (lambda p: -np.log2(p - p).mean(), "the result contains infinity."),
        (lambda p: -np.log2(p).mean() + 1e-5, "you say 2.00001; it should be 2."),
        (lambda p: 1.0 if max(p) > p else 2, "`if`, `and`, `max` need one True or False, and got a whole array"),
    ],
}


@pytest.mark.parametrize(("check", "answer", "message"), answers.rows(WRONG))
def test_says_what_is_wrong(check, answer, message):
    answers.assert_says(check, answer, message)
