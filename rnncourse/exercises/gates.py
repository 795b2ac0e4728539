"""The checks of part 2, gates, but that of chapter 2.2. The letters mean a gate's value after its squashing."""

import itertools

import numpy as np

from rnncourse import counting
from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import (
    NotYet,
    apart,
    arrays,
    asks_for_function,
    asks_for_result,
    hint,
    number,
)
from rnncourse.reference import gru, lstm
from rnncourse.reference.ops import sigmoid


@asks_for_result("three arrays (U, W, b)")
def check_counter(weights):
    """Chapter 2.1, “Count”: an LSTM with one unit, whose cell state is the number of a minus the number of b.

    weights: (U, W, b) of shapes (4, 3), (4, 1), (4,), the rows in the order i, f, g, o; the inputs are one-hot: a, b,
    −. Checked: the cell state c after eight texts of up to 200 letters, to 0.01. The output h is not checked: it is
    o ⊙ tanh(c), which lies between −1 and 1.
    """
    U, W, b = arrays(weights, U=(4, 3), W=(4, 1), b=(4,))
    if wrong := miscount(U, W, b):
        text, c, right = wrong
        c, right = apart(c, right)
        shown = text if len(text) < 20 else f"{text[:10]}… ({len(text)} letters)"
        why = f"(Only c is checked, not h.) {counter_hint(U, W, b)}"
        raise NotYet(f"after “{shown}” the cell state c is {c}; it should be {right}. {why}")


def miscount(U, W, b):
    """The first text after which c is not the count: (text, c, count), or None."""
    rng = np.random.default_rng(6)
    for text in ["a", "b", "-", "aab", "a--b-bb", "a" * 200, "b" * 200, "".join(rng.choice(list("ab-"), 200))]:
        x = np.eye(3)[["ab-".index(letter) for letter in text]][:, None]
        c = lstm.forward(x, np.zeros((1, 1)), np.zeros((1, 1)), U, W, b)[2].item()
        right = text.count("a") - text.count("b")
        if abs(c - right) > 0.01:
            return text, c, right


def counter_hint(U, W, b):
    turned = np.array([1, 1, -1, 1])
    if not miscount(U * turned[:, None], W * turned[:, None], b * turned):
        return "The sign of the candidate g is turned."
    for order in itertools.permutations(range(4)):
        if order[2] != 2 and not miscount(*(a[list(order)] for a in (U, W, b))):
            found = ", ".join("ifgo"[order.index(row)] for row in range(4))
            return f"It would count if the rows stood for {found}. They stand for i, f, g, o."
    i, f, g, _ = (U + b[:, None]).reshape(4, 3)
    i, f, g = sigmoid(i), sigmoid(f), np.tanh(g)
    for k, (letter, wish) in enumerate([("a", 1), ("b", -1), ("−", 0)]):
        if abs(i[k] * g[k] - wish) > 4e-5:
            gates = f"i = {apart(i[k], 1)[0]} and g = {apart(g[k], wish)[0]}"
            return f"At “{letter}” the gates are {gates}: i · g is added to c, and it should be {wish}."
    for k, letter in enumerate("ab−"):
        if 1 - f[k] > 5e-7:
            f_k = apart(f[k], 1)[0]
            return f"At “{letter}” the forget gate is f = {f_k}. It should be 1, because c is multiplied by f."
    return "The gates also depend on the old output h: W should be 0."


@asks_for_function
def check_parameters(parameters):
    """Chapter 2.3, “A stack”: parameters(m, n, layers, directions, biases) → a whole number.

    The numbers in a stack of LSTM layers with m inputs, n units a direction, one or two directions and 0, 1 or 2
    biases a unit and gate. Checked against ``counting.stack``, in nine cases.
    """
    cases = [(3, 2, 1, 1, 1), (3, 2, 1, 1, 2), (3, 2, 1, 1, 0), (3, 2, 1, 2, 1), (3, 2, 2, 1, 1), (5, 4, 3, 2, 2)]
    cases += [(1, 1, 1, 1, 1), (7, 3, 4, 2, 0), (400, 1150, 3, 1, 2)]
    answers = []
    for case in cases:
        given = dict(zip(("m", "n", "layers", "directions", "biases"), case, strict=True))
        where = f"for {', '.join(f'{name}={value}' for name, value in given.items())}"
        answers.append(number(call(parameters, where, **given), where, "a whole number"))
    m, n, k, d, b = np.array(cases).T
    slips = [
        (stack(m, n, 1, 1, 1), "That is one layer with one direction and one bias: use all five arguments."),
        (k * d * stack(m, n, 1, 1, b), "Only the first layer reads m numbers. A later one reads what lies below it."),
        (k * d * stack(m, n, 1, 1, 1), "Only the first layer reads m numbers. And the number of biases is not used."),
        (stack(m, n, k, d, b, W=d), "W is n by n in each direction: a direction reads only its own state."),
        (stack(m, n, 1, d, b), "That is one layer: the number of layers is not used."),
        (
            k * stack(m, n, 1, d, b),
            "Only the first layer reads m numbers. A later one reads what the layer below puts out.",
        ),
        (stack(m, n, k, d, b, below=n), "A layer above two directions reads 2n numbers, n from each direction."),
        (
            stack(m, n, k, d, b, below=n) / d,
            "Two directions have twice the weights, and the layer above reads 2n numbers.",
        ),
        (stack(m, n, k, d, b) / d, "Two directions have twice the weights."),
        (stack(m, n, k, d, b, gates=3), "That is a GRU, with three blocks. An LSTM has four."),
        (stack(m, n, k, d, b, gates=1), "That is one block. An LSTM has four: i, f, g, o."),
        (stack(m, n, k, d, 1), "The number of biases is always 1 there: use `biases`."),
        (stack(m, n, k, d, 2), "The number of biases is always 2 there: use `biases`."),
        (stack(m, n, k, d, 0), "The biases are missing."),
        (stack(m, n, k, d, b, W=0), "The recurrent matrix W is missing, n by n for each gate."),
        (stack(m, n, k, d, b / n), "Each bias is a vector of n numbers, not one number."),
        (stack(m, n, k, d, b / 4), "Each of the four gates has its own bias."),
        (stack(n, m, k, d, b), "m and n are exchanged."),
    ]
    for case, answer in zip(cases, answers, strict=True):
        right = sum(counting.stack("lstm", *case))
        if answer != right:
            where = ", ".join(f"{name}={value}" for name, value in zip(given, case, strict=True))
            answer, right = apart(answer, right)
            raise NotYet(f"for {where} you say {answer}; it should be {right}.{hint(answers, slips)}")


def stack(m, n, layers, directions, biases, gates=4, below=None, W=1):
    """The count, also with slips: another number of gates, of numbers from the layer below, or without W."""
    below = directions * n if below is None else below
    first, later = (gates * (n * (reads + W * n) + biases * n) for reads in (m, below))
    return directions * (first + (layers - 1) * later)


@asks_for_result("four arrays (U, W, b, b_n)")
def check_holds(weights):
    """Chapter 2.4, “Hold”: a GRU with one unit, +1 or −1 on command, that keeps any number while nothing is said.

    weights: (U, W, b, b_n) of shapes (3, 3), (3, 1), (3,), (1,), the rows in the order r, z, g; the reset comes after
    the product; the inputs are one-hot: +, −, nothing. Checked: the state after nine texts, to 0.01, from several
    first states.
    """
    U, W, b, b_n = arrays(weights, U=(3, 3), W=(3, 1), b=(3,), b_n=(1,))
    if wrong := mishold(U, W, b, b_n):
        text, h0, h, right = wrong
        h, right = apart(h, right)
        shown = text if len(text) < 20 else f"{text.rstrip('.')} and 200 × nothing".removeprefix(" and ")
        why = holds_hint(U, W, b, b_n)
        raise NotYet(f"from h = {h0}, after “{shown}” the state is {h}; it should be {right}. {why}")


def mishold(U, W, b, b_n):
    """The first text after which the state is wrong: (text, first state, state, what it should be), or None."""
    cases = [("+", 0.0, 1.0), ("-", 0.0, -1.0), ("+-", 0.0, -1.0), ("--+", 0.5, 1.0), ("+" + "." * 200, -0.5, 1.0)]
    cases += [("." * 200, held, held) for held in (0.3, -0.7, 0.0)] + [("-" + "." * 200, 0.9, -1.0)]
    for text, h0, right in cases:
        x = np.eye(3)[["+-.".index(letter) for letter in text]][:, None]
        h = gru.forward(x, np.full((1, 1), h0), U, W, b, b_n)[1].item()
        if abs(h - right) > 0.01:
            return text, h0, h, right


def holds_hint(U, W, b, b_n):
    for k, why in [
        (1, "z is turned: here z keeps the old state, and 1 − z lets the candidate in."),
        (2, "The sign of g is turned."),
    ]:
        turned = np.where(np.arange(3) == k, -1, 1)
        if not mishold(U * turned[:, None], W * turned[:, None], b * turned, b_n * turned[2]):
            return why
    for order in itertools.permutations(range(3)):
        if not mishold(*(a[list(order)] for a in (U, W, b)), b_n):
            found = ", ".join("rzg"[order.index(row)] for row in range(3))
            return f"It would hold if the rows stood for {found}. They stand for r, z, g."
    if W[2].any() and not mishold(U, W * [[1], [1], [0]], b, b_n):
        return "The candidate depends on the old state. Then h moves towards resting points, and only those are held."
    r, z, g = U + b[:, None]
    r, z, g = sigmoid(r), sigmoid(z), np.tanh(g + sigmoid(r) * b_n)
    for k, (command, wish) in enumerate([("+", 1), ("−", -1)]):
        if z[k] > 0.005:
            z_k = apart(z[k], 0)[0]
            return f"At “{command}” the update gate is z = {z_k}. It should be 0, because z keeps the old state."
        if abs(g[k] - wish) > 0.005:
            return f"At “{command}” the candidate is g = {apart(g[k], wish)[0]}; it should be {wish}."
    if 1 - z[2] > 4e-5:
        return f"At nothing the update gate is z = {apart(z[2], 1)[0]}. It should be 1, because z keeps the old state."
    return "The gates also depend on the old state: W should be 0."
