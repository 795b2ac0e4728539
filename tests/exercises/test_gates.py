"""Chapters 2.1, 2.3 and 2.4: wrong answers that a student might give, and the sentence for each."""

import answers
import numpy as np
import pytest

from rnncourse.exercises.gates import stack


def counter(i=20, f=20, g=(20, -20, 0), W=0, U_i=0, U_f=0, order="ifgo"):
    """Weights of the counter with these numbers in the rows of i, f and g; the rows stand in ``order``."""
    rows = {"i": U_i, "f": U_f, "g": g, "o": 0}
    U = np.array([np.broadcast_to(rows[gate], 3) for gate in order], float)
    b = np.array([{"i": i, "f": f}.get(gate, 0) for gate in order], float)
    return U, np.full((4, 1), float(W)), b


def holder(z=(-20, -20, 20), g=(20, -20, 0), W=(0, 0, 0), b_n=0, order="rzg"):
    rows = {"r": np.zeros(3), "z": z, "g": g}
    U = np.array([rows[gate] for gate in order], float)
    return U, np.array(W, float)[:, None], np.zeros(3), np.array([b_n], float)


def stacked(formula):
    return lambda m, n, layers, directions, biases: formula(m, n, layers, directions, biases)


WRONG = {
    "check_counter": [
        (
            counter(i=0, f=0, g=0),
            "after “a” the cell state c is 0; it should be 1. (Only c is checked, not h.) At “a” the gates are",
        ),
        (counter(i=0), "At “a” the gates are i = 0.5 and g = 1: i · g is added to c, and it should be 1."),
        (counter(i=-20, U_i=(0, 0, 20)), "At “a” the gates are i = 2.06e-09 and g = 1"),
        (counter(i=1, f=1, g=(1, -1, 0)), "At “a” the gates are i = 0.731 and g = 0.762"),
        (counter(g=(1, -1, 0)), "after “a” the cell state c is 0.762; it should be 1."),
        (counter(f=0), "after “aab” the cell state c is 0.750; it should be 1.".replace("0.750", "-0.25")),
        (counter(f=2), "At “a” the forget gate is f = 0.881. It should be 1, because c is multiplied by f."),
        (counter(f=10), "At “a” the forget gate is f = 0.99995"),
        (counter(U_f=(0, 0, -40)), "At “−” the forget gate is f = 2.06e-09"),
        (counter(g=(20, 0, 0)), "after “b” the cell state c is 0; it should be -1."),
        (counter(g=(20, -20, 1)), "after “-” the cell state c is 0.762; it should be 0."),
        (counter(g=(-20, 20, 0)), "The sign of the candidate g is turned."),
        (counter(order="ifog"), "It would count if the rows stood for i, f, o, g. They stand for i, f, g, o."),
        (counter(order="igfo"), "It would count if the rows stood for i, g, f, o."),
        (counter(W=1), "The gates also depend on the old output h: W should be 0."),
        (counter()[::2], "the answer holds 2 values. It should hold 3 arrays (U, W, b)."),
    ],
    "check_parameters": [
        (stacked(lambda m, n, k, d, b: stack(m, n, 1, d, b)), "That is one layer: the number of layers is not used."),
        (
            stacked(lambda m, n, k, d, b: stack(m, n, 1, d, b)),
            "for m=3, n=2, layers=2, directions=1, biases=1 you say 48; it should be 88.",
        ),
        (
            stacked(lambda m, n, k, d, b: stack(m, n, 1, 1, 1)),
            "one layer with one direction and one bias: use all five",
        ),
        (stacked(lambda m, n, k, d, b: k * d * stack(m, n, 1, 1, b)), "A later one reads what lies below it."),
        (stacked(lambda m, n, k, d, b: k * d * stack(m, n, 1, 1, 1)), "And the number of biases is not used."),
        (stacked(lambda m, n, k, d, b: stack(m, n, k, d, b, W=d)), "W is n by n in each direction"),
        (stacked(lambda m, n, k, d, b: k * stack(m, n, 1, d, b)), "Only the first layer reads m numbers."),
        (stacked(lambda m, n, k, d, b: stack(m, n, k, d, b, below=n)), "A layer above two directions reads 2n numbers"),
        (
            stacked(lambda m, n, k, d, b: stack(m, n, k, 1, b)),
            "Two directions have twice the weights, and the layer above",
        ),
        (stacked(lambda m, n, k, d, b: stack(m, n, k, d, b) // d), "Two directions have twice the weights."),
        (stacked(lambda m, n, k, d, b: stack(m, n, k, d, b, gates=3)), "That is a GRU, with three blocks."),
        (stacked(lambda m, n, k, d, b: stack(m, n, k, d, b, gates=1)), "That is one block. An LSTM has four"),
        (stacked(lambda m, n, k, d, b: stack(m, n, k, d, 1)), "The number of biases is always 1 there"),
        (
            stacked(lambda m, n, k, d, b: stack(m, n, k, d, 2)),
            "biases=1 you say 56; it should be 48. The number of biases",
        ),
        (stacked(lambda m, n, k, d, b: stack(m, n, k, d, 0)), "The biases are missing."),
        (stacked(lambda m, n, k, d, b: stack(m, n, k, d, b, W=0)), "The recurrent matrix W is missing"),
        (stacked(lambda m, n, k, d, b: stack(m, n, k, d, b / n)), "Each bias is a vector of n numbers"),
        (stacked(lambda m, n, k, d, b: stack(m, n, k, d, b / 4)), "Each of the four gates has its own bias."),
        (stacked(lambda m, n, k, d, b: stack(n, m, k, d, b)), "m and n are exchanged."),
        (stacked(lambda m, n, k, d, b: [stack(m, n, 1, d, b)] * k), "a list of length 1. It should be a whole number."),
        (stacked(lambda m, n, k, d, b: None), "your function returns None. It should return a whole number."),
        (
            lambda m, n: 4 * n * (m + n),
            "your function takes (m, n); the check gives it (m, n, layers, directions, biases).",
        ),
    ],
    "check_holds": [
        (holder(z=(20, 20, -20)), "z is turned: here z keeps the old state, and 1 − z lets the candidate in."),
        (holder(g=(-20, 20, 0)), "from h = 0.0, after “+” the state is -1; it should be 1. The sign of g is turned."),
        (holder(order="zrg"), "It would hold if the rows stood for z, r, g. They stand for r, z, g."),
        (holder(order="rgz"), "It would hold if the rows stood for r, g, z."),
        (holder(z=(-20, -20, 2)), "from h = -0.5, after “+ and 200 × nothing” the state is"),
        (
            holder(z=(-20, -20, 2)),
            "At nothing the update gate is z = 0.881. It should be 1, because z keeps the old state.",
        ),
        (holder(z=(0, 0, 20)), "At “+” the update gate is z = 0.5. It should be 0, because z keeps the old state."),
        (holder(z=(-1, -1, 1)), "At “+” the update gate is z = 0.269."),
        (holder(z=(-20, 20, 20)), "At “−” the update gate is z = 1."),
        (holder(g=(1, -1, 0)), "At “+” the candidate is g = 0.762; it should be 1."),
        (holder(g=(20, 0, 0)), "At “−” the candidate is g = 0; it should be -1."),
        (holder(z=(-20, -20, -20), W=(0, 0, 5)), "At nothing the update gate is z = 2.06e-09."),
        (holder(W=(0, 0, -60)), "The candidate depends on the old state."),
        (holder(W=(0, 60, 0)), "The gates also depend on the old state: W should be 0."),
        (holder(b_n=-60), "At “+” the candidate is g = -1; it should be 1."),
        (holder()[:3], "the answer holds 3 values. It should hold 4 arrays (U, W, b, b_n)."),
    ],
}


@pytest.mark.parametrize(("check", "answer", "message"), answers.rows(WRONG))
def test_says_what_is_wrong(check, answer, message):
    answers.assert_says(check, answer, message)


def test_the_count_is_right_but_for_the_slips():
    assert answers.judge("check_parameters", stack)
