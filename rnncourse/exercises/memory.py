"""The checks of chapters 1.1 and 1.2: why memory, and the simple recurrent network."""

import contextlib
import itertools
import math

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import (
    NotYet,
    apart,
    array,
    arrays,
    asks_for_function,
    asks_for_result,
    compare,
    hint,
    number,
)
from rnncourse.reference import rnn
from rnncourse.reference.ops import relu, sigmoid


@asks_for_result("three arrays (U, W, b)")
def check_latch(weights):
    """Chapter 1.1, “Build a memory by hand”: one tanh unit that remembers the last word that mattered.

    weights: (U, W, b) of shapes (1, 3), (1, 1), (1,); the inputs are one-hot: determiner, pronoun, hesitation.
    Checked: after six short sentences, with 0 to 200 hesitations after each word, the state is above 0.5 if the last
    word was a determiner and below −0.5 if it was a pronoun.
    """
    U, W, b = arrays(weights, U=(1, 3), W=(1, 1), b=(1,))
    inputs = dict(zip(("the", "they", "um"), np.eye(3), strict=True))
    for history in ("the", "they", "they the", "the they", "the the they", "they they the"):
        for pause in (0, 1, 2, 5, 20, 200):
            words = [word for token in history.split() for word in [token] + ["um"] * pause]
            x = np.array([inputs[word] for word in words])[:, None]
            h = rnn.forward(x, np.zeros((1, 1)), U, W, b)[1].item()
            sign = 1 if history.endswith("the") else -1
            if sign * h < 0.5:
                state, bound = apart(h, 0.5 * sign)
                read = f"after “{history}”" + f" with {pause} × um after each word" * (pause > 0)
                wish = f"{'above' if sign > 0 else 'below'} {bound}"
                why = latch_hint(U[0], W.item(), b.item(), words, sign * h)
                raise NotYet(f"{read} the state is {state}; it should be {wish}.{why}")


def latch_hint(U, w, b, words, signed):
    """Why one unit loses the word: ``signed`` is its state, positive if the sign is right."""
    own = U[0] if words[0] == "the" else U[1]
    if len(words) == 1 and abs(own + b) < abs(own):
        return f" The bias b = {b:.3g} is added at every word and works against this one: make it 0."
    if len(words) == 1:
        return " The sign is turned." if signed < -0.5 else " The word itself pushes too little: make U larger."
    if words[-1] != "um":
        return " The new word does not win against the old state: make U larger, or W smaller."
    if w < 0:
        return " W is negative, so the state changes its sign at every hesitation."
    if w <= 1:
        return f" The state fades: with W = {w:.3g}, tanh(W h) is nearer to 0 than h. W must be above 1."
    if abs(U[2] + b) > 0.01:
        return f" A hesitation adds U[0, 2] + b = {U[2] + b:.3g} before the tanh; it should add 0."
    return " Without input the state comes to rest too near to 0: make W larger."


@asks_for_function
def check_layers_needed(layers_needed):
    """Chapter 1.1, “How deep must a convolution be?”: layers_needed(T, width) → a whole number.

    The answer is the least number of causal convolutions of this width (at least 2) whose last output sees all T
    inputs. Checked: ten pairs of T and width, also T = 1, which needs no layer.
    """
    cases = [(5, 3), (3, 3), (2, 3), (1, 3), (10, 2), (300, 3), (300, 8), (1000, 5), (17, 17), (6, 5)]
    answers = []
    for T, k in cases:
        where = f"for T={T}, width={k}"
        answers.append(number(call(layers_needed, where, T=T, width=k), where, "a whole number"))
    T, k = np.array(cases).T
    nearest = "You round to the nearest whole number: round up. However little is left over, it takes one more layer."
    exact = (
        "One input is seen without any layer: the layers must add the other T − 1. Where the division by width − 1 "
        "is exact, its result is the answer, without + 1."
    )
    slips = [
        ((T - 1) // (k - 1), "You round down. The last layer is needed, even if some of what it sees is not."),
        ((T - 1) / (k - 1), "A number of layers is whole: round up."),
        (np.round((T - 1) / (k - 1)), nearest),
        (np.floor((T - 1) / (k - 1) + 0.5), nearest),
        (np.ceil((T - 1) / k), "A layer adds width − 1 inputs, not width."),
        (T / k, "A layer adds width − 1 inputs, not width. One input is seen without any layer. And round up."),
        (np.ceil(T / k), "A layer adds width − 1 inputs, not width. One input is seen without any layer."),
        (T // k, "A layer adds width − 1 inputs, not width. One input is seen without any layer. And you round down."),
        (np.ceil(T / (k - 1)), exact),
        (T - k + 1, "So many places the window of one layer has if it must lie inside the T inputs. Count the layers."),
        (np.ceil(np.maximum(T - k, 0) / (k - 1)), "The first layer is not counted."),
        (np.ceil(np.log(T) / np.log(k)), "Without dilation every layer adds width − 1 inputs; it does not multiply."),
    ]
    for (T, k), answer in zip(cases, answers, strict=True):
        right = 0
        while 1 + right * (k - 1) < T:  # counted layer by layer, so that the check is no second copy of a formula
            right += 1
        if answer != right:
            sees = [1 + layers * (k - 1) for layers in (right, right - 1)]
            count = (
                f" With {right} of them {sees[0]} inputs are seen, with {right - 1} only {sees[1]}." if right else ""
            )
            answer, right = apart(answer, right)
            raise NotYet(f"for T={T}, width={k} you say {answer}; it should be {right}.{count}{hint(answers, slips)}")


@asks_for_function
def check_concatenated(step_concatenated):
    """Chapter 1.2, “One matrix”: step_concatenated(x, h, U, W, b) → the next state, of shape (n,).

    x (m,), h (n,), U (n, m), W (n, n), b (n,). Checked against ``rnn.step``, for four pairs of m and n.
    Also checked: no product has U or W alone as a factor.
    """
    rng = np.random.default_rng(1)
    for m, n in [(2, 2), (3, 2), (2, 5), (4, 1)]:
        U, W, b, x, h = (rng.normal(size=s) for s in [(n, m), (n, n), n, m, n])
        where = f"with m={m}, n={n}"
        advice = "The one matrix has n rows and n + m columns: W and U stand side by side."
        answer = call(step_concatenated, where, advice, x=x, h=h, U=U, W=W, b=b)
        answer = array(answer, (n,), where, "the next state")
        net = U @ x + W @ h + b
        slips = [
            (net, "The tanh is missing."),
            (sigmoid(net), "The squashing is tanh here, not the sigmoid."),
            (relu(net), "The squashing is tanh here, not ReLU."),
            (np.tanh(net - b), "The bias b is missing."),
            (np.tanh(net - b) + b, "The bias b must be added before the tanh."),
            (np.tanh(U @ x + b), "The old state is missing: W h."),
            (np.tanh(W @ h + b), "The input is missing: U x."),
        ]
        if m == n:
            apart = "W multiplies h and U multiplies x: put the two matrices side by side, do not add them."
            slips += [(np.tanh((W + U) @ h + b), apart), (np.tanh((W + U) @ x + b), apart)]
            slips += [(np.tanh((W + U) @ (h + x) + b), apart)]
        if m == n:
            swapped = "The blocks of the matrix must stand in the order of the blocks of the vector."
            slips += [
                (np.tanh(U @ h + W @ x + b), swapped),
                (np.tanh(U.T @ x + W.T @ h + b), "The matrices are transposed."),
            ]
        compare(where, answer, rnn.step(x, h, U, W, b), "the next state", slips)
    U, W = (a.view(Watched) for a in (U, W))
    with Watched.watching() as alone:
        step_concatenated(x.copy(), h.copy(), U, W, b.copy())
    if alone:
        raise NotYet(
            "the numbers are right, but U or W multiplies a vector by itself. Join them into one matrix M first."
        )


class Watched(np.ndarray):
    """An array that notes when it is a factor of a matrix product itself; what is joined from it is not watched."""

    notes = None

    @classmethod
    @contextlib.contextmanager
    def watching(cls):
        cls.notes = []
        try:
            yield cls.notes
        finally:
            cls.notes = None

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        self.note(ufunc is np.matmul, inputs)
        return getattr(ufunc, method)(*bare(inputs), **bare(kwargs))

    def __array_function__(self, function, types, args, kwargs):
        products = (np.dot, np.inner, np.einsum, np.tensordot, np.vdot)
        self.note(function in products, args)
        return function(*bare(args), **bare(kwargs))

    @staticmethod
    def note(product, inputs):
        if product and any(isinstance(a, Watched) for a in inputs):
            Watched.notes.append(product)


def bare(value):
    """The value with plain arrays in place of watched ones, also inside lists, tuples and dicts."""
    if isinstance(value, Watched):
        return value.view(np.ndarray)
    if isinstance(value, list | tuple):
        return type(value)(map(bare, value))
    return {key: bare(part) for key, part in value.items()} if isinstance(value, dict) else value


@asks_for_function
def check_bits_per_character(bits_per_character):
    """Chapter 1.2, “Bits per character”: bits_per_character(probabilities) → one number.

    probabilities (T,): what a model gave to each of the characters that came. The answer is the mean of −log2
    of these. Checked: five texts, to 1e-9.
    """
    cases = [np.array(p) for p in ([0.5, 0.25, 0.125], [0.9, 0.8, 0.1], [0.25] * 7, [1.0], [0.5, 0.125])]
    answers = []
    for p in cases:
        where = f"for {p.tolist()}"
        answers.append(number(call(bits_per_character, where, probabilities=p), where, "one number"))
    logs = {"": np.log2, "That is in nats: take log2.": np.log, "The logarithm is to base 10: take log2.": np.log10}
    sums = {"": np.mean, "That is the sum: take the mean.": np.sum}
    signs = {"": -1, "The sign is turned.": 1}
    slips = []
    for (unit, log), (part, total), (turned, sign) in itertools.product(logs.items(), sums.items(), signs.items()):
        slips.append(([sign * total(log(p)) for p in cases], " ".join(filter(None, [unit, part, turned]))))
    for why, score in {
        "That is the logarithm of the mean. Take the mean of the logarithms.": lambda p: -np.log2(p.mean()),
        "That is the perplexity: 2 to the power of the bits.": lambda p: 2 ** -np.log2(p).mean(),
        "The logarithm is missing: that is the mean probability.": np.mean,
        "That is an entropy. Each character came once, so no logarithm is weighted by p.": (
            lambda p: -(p * np.log2(p)).sum()
        ),
        "That takes an expectation twice. Each character came once, so the mean takes −log2 p without the factor p.": (
            lambda p: -(p * np.log2(p)).mean()
        ),
    }.items():
        slips.append(([score(p) for p in cases], why))
    for p, answer in zip(cases, answers, strict=True):
        right = -sum(map(math.log2, p)) / len(p)
        if not math.isclose(answer, right, abs_tol=1e-9):
            answer, right = apart(answer, right)
            raise NotYet(f"for {p.tolist()} you say {answer}; it should be {right}.{hint(answers, slips)}")
