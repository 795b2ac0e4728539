"""Checks for the coded exercises: each says what is wrong, not only that it is wrong.

A check first asks for the answer (an exercise not yet done returns None), then tries it on cases that the
exercise named and on some it did not.
"""

import itertools
import math

import numpy as np
import pandas as pd
import torch

from rnncourse import counting
from rnncourse.reference import gru, lstm, rnn
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


def check_drawdown(drawdown):
    """Chapter 6.1: how far the price lies below its highest of the last n days, ln(p_t / max(p_{t−n+1} … p_t))."""
    rng = np.random.default_rng(61)
    for N, n in [(40, 5), (30, 1), (60, 20)]:
        price = pd.Series(np.exp(np.cumsum(rng.normal(size=N))), index=pd.bdate_range("2001-01-01", periods=N))
        answer = drawdown(price.copy(), n)
        if answer is None:
            return verdict("drawdown returned None; it should return a Series")
        if not isinstance(answer, pd.Series) or not answer.index.equals(price.index):
            return verdict("the result should be a Series with the dates of the price")
        right = pd.Series([np.log(price.iloc[t] / price.iloc[max(t - n + 1, 0) : t + 1].max()) for t in range(N)])
        right.iloc[: n - 1] = np.nan
        if np.allclose(answer, right, equal_nan=True):
            continue
        for t in range(N - 1):
            other = price.copy()
            other.iloc[t + 1 :] *= 10.0
            after = drawdown(other, n)
            if not np.allclose(after.iloc[: t + 1], answer.iloc[: t + 1], equal_nan=True):
                return verdict(f"with n={n}, prices after row {t} change the result in rows up to {t}: it looks ahead")
        if answer.iloc[: n - 1].notna().any():
            return verdict(f"with n={n} the first {n - 1} rows have no {n} days behind them; they should be NaN")
        row = int(np.argmax(~np.isclose(answer, right, equal_nan=True)))
        percent = np.isclose(answer.iloc[row], np.expm1(right[row]))
        hint = "; that is a share, the logarithm is wanted" if percent else ""
        hint = hint or ("; the sign is turned" if np.isclose(answer.iloc[row], -right[row]) else "")
        return verdict(f"with n={n}, row {row} is {answer.iloc[row]:.4f}; it should be {right[row]:.4f}{hint}")
    return verdict()


def check_counter(weights):
    """Chapter 2.1: a one-unit LSTM whose cell counts letter a minus letter b, whatever stands between.

    weights: (U, W, b) of shapes (4, 3), (4, 1), (4,); the inputs are one-hot: a, b, −.
    """
    if weights is None:
        return verdict("the answer is None; it should be the three arrays (U, W, b)")
    try:
        U, W, b = (np.asarray(array, float) for array in weights)
        lstm.forward(np.zeros((1, 1, 3)), np.zeros((1, 1)), np.zeros((1, 1)), U, W, b)
    except (TypeError, ValueError) as error:
        return verdict(error)
    rng = np.random.default_rng(6)
    for text in ["a", "b", "-", "aab", "a--b-bb", "a" * 200, "b" * 200, "".join(rng.choice(list("ab-"), 200))]:
        x = np.eye(3)[["ab-".index(letter) for letter in text]][:, None]
        c = float(lstm.forward(x, np.zeros((1, 1)), np.zeros((1, 1)), U, W, b)[2][0, 0])
        right = text.count("a") - text.count("b")
        if abs(c - right) > 0.01:
            shown = text if len(text) < 20 else f"{text[:10]}… ({len(text)} letters)"
            return verdict(f"after “{shown}” the cell is {c:.3f}, and it should be {right}")
    return verdict()


def check_parameters(parameters):
    """Chapter 2.3: the numbers in a stack of LSTM layers, in one direction or two, with 0, 1 or 2 biases a gate."""
    cases = [(3, 2, 1, 1, 1), (3, 2, 1, 1, 2), (3, 2, 1, 1, 0), (3, 2, 1, 2, 1), (3, 2, 2, 1, 1), (5, 4, 3, 2, 2)]
    for m, n, layers, directions, biases in [*cases, (1, 1, 1, 1, 1), (7, 3, 4, 2, 0), (400, 1150, 3, 1, 2)]:
        answer = parameters(m, n, layers, directions, biases)
        where = f"for m={m}, n={n}, layers={layers}, directions={directions}, biases={biases}"
        if answer is None:
            return verdict("parameters returned None; it should return a whole number")
        right = sum(counting.stack("lstm", m, n, layers, directions, biases))
        if answer != right:
            one = directions * counting.cell("lstm", m, n, biases)
            narrow = one + (layers - 1) * directions * counting.cell("lstm", n, n, biases)
            hint = "; that is one layer" if layers > 1 and answer == one else ""
            hint = hint or ("; do all layers read m features?" if layers > 1 and answer == layers * one else "")
            hint = hint or ("; what does a layer read from two directions?" if answer == narrow else "")
            hint = hint or ("; there are two directions" if directions == 2 and 2 * answer == right else "")
            return verdict(f"{where} you say {answer}; it should be {right}{hint}")
    return verdict()


def check_min_p(min_p):
    """Chapter 5.1: keep what has at least ``share`` times the largest probability, and renormalise."""
    for p, share in [([0.6, 0.3, 0.1], 0.4), ([0.25] * 4, 1.0), ([0.5, 0.3, 0.15, 0.05], 0.1), ([0.02, 0.98], 0.0)]:
        given = np.array(p)
        answer = min_p(given, share)
        if answer is None:
            return verdict("min_p returned None; it should return an array of probabilities")
        if not np.array_equal(given, p):
            return verdict("the input was changed; return a new array")
        right = np.array([q if q >= share * max(p) else 0.0 for q in p])
        if np.shape(answer) != right.shape:
            return verdict(f"for {p} the result has shape {np.shape(answer)}; it should be {right.shape}")
        if not np.allclose(answer, right / right.sum()):
            hint = "; the sum is not 1" if np.allclose(answer, right) else ""
            absolute = np.array([q if q >= share else 0.0 for q in p])
            absolute = absolute.any() and np.allclose(answer, absolute / absolute.sum())
            hint = hint or ("; the bar is a share of the likeliest, not of 1" if absolute else "")
            right = np.round(right / right.sum(), 3)
            return verdict(f"for {p} and {share} you say {np.round(answer, 3)}; it should be {right}{hint}")
    return verdict()


def check_temperature(heat):
    """Chapter 5.1: a temperature, applied to probabilities instead of logits."""
    for p, temperature in [
        ([0.8, 0.2], 0.5),
        ([0.5, 0.4, 0.1, 0.0], 2.0),
        ([0.3, 0.7], 1.0),
        ([0.3, 0.25, 0.25, 0.2], 0.001),
    ]:
        p = np.array(p) / np.sum(p)
        with np.errstate(all="ignore"):
            answer = heat(p.copy(), temperature)
        if answer is None:
            return verdict("the function returned None; it should return an array of probabilities")
        logs = np.array([math.log(q) / temperature if q else -math.inf for q in p])
        right = np.exp(logs - logs.max())
        right /= right.sum()
        if np.shape(answer) != right.shape or not np.isfinite(answer).all():
            return verdict(
                f"for {p.round(3)} at {temperature} you say {answer}; is 0 divided by 0, or its logarithm taken?"
            )
        if not np.allclose(answer, right):
            upside = p[p > 0].size == p.size and np.allclose(answer, p**temperature / (p**temperature).sum())
            softmax = np.exp(p / temperature - (p / temperature).max())
            hint = "; that is p to the temperature, not to 1 / temperature" if upside else ""
            hint = hint or ("; p is no logit" if np.allclose(answer, softmax / softmax.sum()) else "")
            return verdict(
                f"for {p.round(3)} at {temperature} you say {np.round(answer, 3)}; it should be {right.round(3)}{hint}"
            )
    return verdict()


def check_holds(weights):
    """Chapter 2.4: a one-unit GRU that takes +1 or −1 on command and holds any number while nothing is said.

    weights: (U, W, b, b_n) of shapes (3, 3), (3, 1), (3,), (1,); the inputs are one-hot: +, −, nothing.
    """
    if weights is None:
        return verdict("the answer is None; it should be the four arrays (U, W, b, b_n)")
    try:
        U, W, b, b_n = (np.asarray(array, float) for array in weights)
        gru.forward(np.zeros((1, 1, 3)), np.zeros((1, 1)), U, W, b, b_n)
    except (TypeError, ValueError) as error:
        return verdict(error)
    cases = [("+", 0.0, 1), ("-", 0.0, -1), ("+-", 0.0, -1), ("--+", 0.5, 1), ("+" + "." * 200, -0.5, 1)]
    cases += [("." * 200, held, held) for held in (0.3, -0.7, 0.0)] + [("-" + "." * 200, 0.9, -1)]
    for text, h0, right in cases:
        x = np.eye(3)[["+-.".index(letter) for letter in text]][:, None]
        h = float(gru.forward(x, np.full((1, 1), h0), U, W, b, b_n)[1][0, 0])
        if abs(h - right) > 0.01:
            shown = text if len(text) < 20 else f"{text.rstrip('.')} and 200 × nothing".removeprefix(" and ")
            hint = "; does z keep, or let in?" if text in "+-" and abs(h - h0) < 0.01 else ""
            rests = set(text) == {"."} and abs(h) > 0.9
            hint = hint or ("; two resting points hold a sign, not a number" if rests else "")
            return verdict(f"from h = {h0}, after “{shown}” the state is {h:.3f}, and it should be {right}{hint}")
    return verdict()


def check_step_back(step_back):
    """Chapter 2.2: the way back through one step of an LSTM, for vectors."""
    rng = np.random.default_rng(7)
    for m, n in [(1, 1), (3, 2), (2, 4)]:
        U, W, b, x = (rng.normal(size=s) for s in [(4 * n, m), (4 * n, n), 4 * n, m])
        h, c, dh, dc = (rng.normal(size=n) for _ in range(4))
        hs, *_, cache = lstm.forward(x[None, None], h[None], c[None], U, W, b)
        right = lstm.backward(np.zeros_like(hs), dh[None], dc[None], cache)
        answer = step_back(dh.copy(), dc.copy(), x, h, c, U, W, b)
        if answer is None:
            return verdict("step_back returned None; it should return (delta, dh, dc)")
        if not isinstance(answer, tuple | list) or len(answer) != 3:
            return verdict(f"it returned {type(answer).__name__}; it should be three arrays (delta, dh, dc)")
        for name, got, wish in zip(("delta", "dh", "dc"), answer, (right.b, right.h0[0], right.c0[0]), strict=True):
            if np.shape(got) != wish.shape:
                return verdict(f"for n={n} {name} has shape {np.shape(got)}; it should be {wish.shape}")
            if not np.allclose(got, wish):
                off = (
                    [
                        gate
                        for gate, a, b in zip("ifgo", np.split(got, 4), np.split(wish, 4), strict=True)
                        if not np.allclose(a, b)
                    ]
                    if name == "delta"
                    else []
                )
                hint = f", in the part of {', '.join(off)}" if off else ""
                return verdict(f"for n={n} {name} is off by {np.abs(got - wish).max():.3g}{hint}")
    return verdict()


def whole_errors(direct, factors):
    """d_t = direct_t + factors_t ⊙ d_{t+1}, the last step first: direct (T, …), factors (T−1, …) → (T, …)."""
    errors = [direct[-1]]
    for own, factor in zip(direct[:-1].flip(0), factors.flip(0), strict=True):
        errors.insert(0, own + factor * errors[0])
    return torch.stack(errors)


def check_recurrence(recurrence):
    """Chapter 8.1: c_t = f_t ⊙ c_{t−1} + u_t with a way back of its own, one entry in autograd's graph.

    recurrence(f, u, c0) → cs, for instance Recurrence.apply; f, u, cs (T, B, n), c0 (B, n).
    """
    if recurrence is None:
        return verdict("the answer is None; it should be a function of f, u and c0, such as Recurrence.apply")
    rng = np.random.default_rng(8)
    for T, B in itertools.product((1, 2, 7), (1, 3)):
        f, u, c0, dcs = given = [torch.from_numpy(rng.normal(size=s)) for s in [(T, B, 4)] * 2 + [(B, 4), (T, B, 4)]]
        before, inputs, states = [a.clone() for a in given], [a.requires_grad_() for a in given[:3]], [c0]
        for t in range(T):
            states.append(f[t] * states[t] + u[t])
        right = torch.stack(states[1:])
        df, du, dc0 = torch.autograd.grad(right, inputs, dcs)
        where = f"for T={T}, B={B}"
        try:
            cs = recurrence(*inputs)
            if not isinstance(cs, torch.Tensor):
                return verdict(
                    f"it returned {None if cs is None else type(cs).__name__}; it should return a tensor, cs"
                )
            if (cs.shape, cs.dtype) != (u.shape, u.dtype):
                return verdict(f"{where} cs is {tuple(cs.shape)}, {cs.dtype}; u is {tuple(u.shape)}, {u.dtype}")
            grads = torch.autograd.grad(cs, inputs, dcs, allow_unused=True)
        except Exception as error:  # whatever the reader's code may raise
            return verdict(f"{where} it stops with {type(error).__name__}: {error}")
        for name, now, then in zip(("f", "u", "c0", "dcs"), given, before, strict=True):
            if not torch.equal(now, then):
                return verdict(f"{name} was changed in place; it belongs to others, who may still need it")
        last = torch.cat([0 * dcs[:-1], dcs[-1:]])
        slips = [
            ("du", df, "that is df; the gradients come in the order of the inputs"),
            ("du", dcs, "nothing comes back from the step after"),
            ("du", whole_errors(last, f[1:]), "that is the error of the last step alone; each has a part of its own"),
            ("du", whole_errors(last, f[1:]) + dcs - last, "a step's own part must also go on to the step before"),
            ("du", whole_errors(dcs, f[:-1]), "f_t stands where f_{t+1} should"),
            ("df", du * right, "c_t stands where c_{t−1} should"),
            ("dc0", du[0], "f_1 is missing"),
            ("dc0", 0 * dc0, "c_1 depends on c_0, through f_1"),
        ]
        answers = [("cs", cs, right), ("du", grads[1], du), ("df", grads[0], df), ("dc0", grads[2], dc0)]
        for name, got, wish in answers:
            if got is None:
                return verdict(f"{where} the gradient of {name[1:]} is None")
            if not torch.allclose(got, wish):
                hint = next((f"; {why}" for what, slip, why in slips if what == name and torch.allclose(got, slip)), "")
                return verdict(f"{where} {name} is off by {(got - wish).abs().max():.3g}{hint}")
        leaves = [getattr(node, "variable", None) for node, _ in cs.grad_fn.next_functions]
        if not all(any(leaf is a for leaf in leaves) for a in inputs):
            return verdict("autograd recorded the steps one by one; let them run in forward of an autograd.Function")
    return verdict()
