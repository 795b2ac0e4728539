"""What every check shares: the verdict, and how to refuse, compare and show an answer.

A check is a function of the reader's answer. It raises ``NotYet`` with a sentence, or comes to its end:

    @asks_for_function
    def check_double(double):
        answer = call(double, "for x=3", x=3.0)
        compare("for x=3", number(answer, "for x=3", "twice x"), 6.0, slips=[(9.0, "That is x squared.")])
"""

import functools
import inspect
import math
from numbers import Integral

import numpy as np


class Verdict(str):
    """A sentence about an answer; it counts as true if the answer is right."""

    def __bool__(self):
        return self == "Correct."

    __repr__ = str.__str__  # a cell that ends with a check shows the bare sentence


class NotYet(Exception):
    """Raised inside a check: the answer is wrong, and this is what is wrong with it."""


def verdict(wrong=None):
    """The verdict: ``wrong`` is None, or says what is wrong."""
    return Verdict(f"Not yet: {wrong}" if wrong else "Correct.")


# ---- what a check asks for ------------------------------------------------------------------------------------------


def asks_for_function(check):
    """Decorate a check whose answer is a function; in the chapter it has the name of the check's parameter."""
    how = f"{check.__name__}({next(iter(inspect.signature(check).parameters))})"

    def refuse(answer):
        if answer is None:
            return f"the answer is None. Pass the function itself, without calling it: {how}"
        if not callable(answer):
            return f"you passed a result ({kind(answer)}). Pass the function itself, without calling it: {how}"

    return judged(check, refuse)


def asks_for_result(what):
    """Decorate a check whose answer is what a function of the reader returns; ``what`` names it."""

    def decorate(check):
        def refuse(answer):
            if answer is None:
                return f"the answer is None; it should be {what}. Does your function end with `return …`?"
            if callable(answer):
                name = getattr(answer, "__name__", "")
                name = name if name.isidentifier() else "your_function"
                return f"you passed the function itself. Call it, and pass its result: {check.__name__}({name}())"

        return judged(check, refuse)

    return decorate


def judged(check, refuse):
    """The check as a function of the answer that returns a verdict; ``refuse`` says what is wrong before it begins."""

    @functools.wraps(check)
    def checked(answer):
        wrong = refuse(answer)
        if not wrong:
            try:
                check(answer)
            except NotYet as error:
                wrong = str(error)
        return verdict(wrong)

    return checked


# ---- the answer -----------------------------------------------------------------------------------------------------


def kind(answer):
    """What an answer is, in words: "a list of length 3", "an array of shape (2,)", "a function"."""
    if answer is None:
        return "None"
    if hasattr(answer, "shape") and np.shape(answer):
        return f"an array of shape {tuple(answer.shape)}"
    if isinstance(answer, list | tuple):
        return f"a {type(answer).__name__} of length {len(answer)}"
    if isinstance(answer, int | float | np.number):
        return f"the number {answer:.6g}"
    return "a function" if callable(answer) else f"of type {type(answer).__name__}"


def number(answer, where, what):
    """``answer``, one finite number; ``what`` says which."""
    return array(answer, (), where, what).item()


def array(answer, shape, where, what, name="the result", nan=""):
    """``answer`` as an array of floats of this shape, without NaN or infinity; ``nan`` is a sentence about these."""
    where = f"{where}, " if where else ""
    wish = f"{what}, of shape {shape}" if shape else what
    if answer is None:
        if name != "the result":
            raise NotYet(f"{where}{name} is None. It should be {wish}.")
        raise NotYet(f"{where}your function returns None. It should return {wish}. Is a `return …` missing?")
    try:
        got = np.asarray(answer.detach().cpu() if hasattr(answer, "detach") else answer).astype(float)
    except (TypeError, ValueError):
        raise NotYet(f"{where}{name} is {kind(answer)}. It should be {wish}.") from None
    if got.shape != shape:
        is_now = f"of shape {got.shape}" if shape else kind(answer)
        raise NotYet(f"{where}{name} is {is_now}. It should be {wish}.{shape_hint(got.shape, shape)}")
    if not np.isfinite(got).all():
        bad = "NaN (“not a number”)" if np.isnan(got).any() else "infinity"
        raise NotYet(f"{where}{name} contains {bad}.{f' {nan}' if nan else ''}")
    return got


def shape_hint(got, wish):
    if len(got) == 2 and got[::-1] == wish:
        return " The transpose has this shape."
    if math.prod(got) == math.prod(wish) and [k for k in got if k != 1] == [k for k in wish if k != 1]:
        return f" An axis of length 1 is too {'many' if len(got) > len(wish) else 'few'}: use reshape."
    return ""


def arrays(answer, **shapes):
    """The reader's weights as arrays of floats; shapes: name → shape, in the order asked for."""
    names = f"({', '.join(shapes)})"
    if not isinstance(answer, list | tuple):
        raise NotYet(f"the answer is {kind(answer)}. It should be {len(shapes)} arrays {names}.")
    if len(answer) != len(shapes):
        raise NotYet(f"the answer holds {len(answer)} values. It should hold {len(shapes)} arrays {names}.")
    pairs = zip(shapes.items(), answer, strict=True)
    return [array(given, shape, "", "an array", name) for (name, shape), given in pairs]


# ---- comparing and showing ------------------------------------------------------------------------------------------


def compare(where, got, wish, name="the result", slips=()):
    """NotYet, if ``got`` is not ``wish``: what it is, what it should be, and the sentence of the slip that explains it.

    slips: pairs of a wrong answer and its sentence; the first that equals ``got`` counts. Sentences that fit any
    array (the sign, a transpose, a constant factor) are tried after them.
    """
    got, wish = np.asarray(got), np.asarray(wish)
    if not np.allclose(got, wish):
        raise NotYet(f"{where}, {differ(got, wish, name)}.{hint(got, [*slips, *usual_slips(got, wish)])}")


def hint(got, slips):
    """The sentence of the first slip that equals ``got``, after a space; nothing, if there is none."""
    equal = (why for slip, why in slips if np.shape(slip) == np.shape(got) and np.allclose(got, slip))
    return next((f" {why}" for why in equal), "")


def usual_slips(got, wish):
    """Wrong answers that any array can have; a constant factor is a mean instead of a sum, for instance."""
    yield -wish, "The sign is turned."
    if wish.ndim == 2:
        yield wish.T, "That is the transpose: rows and columns are exchanged."
    if wish.size > 2:
        yield wish[::-1], "That is the right result in the reverse order."
        factor = (got * wish).sum() / ((wish**2).sum() or 1)
        yield factor * wish, f"Every number is {factor:.4g} times the right one." if got.any() else "Every number is 0."


def differ(got, wish, name="the result"):
    """As in "h[2] is 0.31; it should be 0.36": all of a short array, or the entry of a large one that is off most."""
    if wish.ndim > 1 or wish.size > 6:
        worst = np.unravel_index(np.argmax(np.abs(got - wish)), wish.shape)
        got, wish, name = got[worst], wish[worst], f"{name}[{', '.join(map(str, worst))}]"
    got, wish = apart(got, wish)
    return f"{name} is {got}; it should be {wish}"


def apart(got, wish):
    """Two numbers or two arrays as text, with the fewest digits, three at least, that show where they differ."""
    pairs = list(zip(np.ravel(got).tolist(), np.ravel(wish).tolist(), strict=True))
    different = [pair for pair in pairs if not math.isclose(*pair, rel_tol=1e-5, abs_tol=1e-8)] or pairs
    for digits in range(3, 18):
        if all(short(a, digits) != short(b, digits) for a, b in different):
            break
    return tuple(
        f"[{', '.join(short(value, digits) for value in values)}]" if np.ndim(array) else short(values[0], digits)
        for array, values in zip((got, wish), zip(*pairs, strict=True), strict=True)
    )


def short(value, digits=3):
    """A number with this many digits; all it has before the point, if it is an int or below a million."""
    if isinstance(value, Integral):
        return str(value)
    if 1 <= abs(value) < 1e6:
        digits = max(digits, len(str(int(abs(value)))))
    return "NaN" if math.isnan(value) else f"{value + 0.0:.{digits}g}"
