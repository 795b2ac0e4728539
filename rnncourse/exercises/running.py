"""Running the reader's code inside a check, so that whatever it does becomes a sentence."""

import contextlib
import copy
import inspect
import os
import re
import sysconfig
import traceback
from pathlib import Path

import numpy as np

from rnncourse.exercises.verdict import NotYet


def call(function, where, advice="", **given):
    """What ``function`` returns for copies of the values in ``given``, in their order.

    where: the case, as in "for T=3". advice: a sentence for the reader whose arrays do not fit together,
    or a function from the error in plain words to this sentence.
    Raises NotYet if the function takes other arguments, stops with an error, or changes what it was given. What it
    prints is shown; NumPy's warnings are not, since the check names a NaN itself.
    """
    values = copy.deepcopy(list(given.values()))
    check_arguments(function, list(given))
    with stops_are_sentences(where, advice), np.errstate(all="ignore"):
        answer = function(*values)
    refuse_changes(where, given, values)
    return answer


def refuse_changes(where, given, after):
    """NotYet, if a value in ``given`` is not what it was; after: the copies that the reader's code had."""
    for (name, before), now in zip(given.items(), after, strict=True):
        if not same(before, now):
            raise NotYet(f"{where}, your function changes its input {name}. Work on a copy, or make a new array.")


def check_arguments(function, names):
    """NotYet, if ``function`` cannot be called with that many arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # some functions written in C have none
    try:
        signature.bind(*names)
    except TypeError:
        raise NotYet(f"your function takes {signature}; the check gives it ({', '.join(names)}).") from None


@contextlib.contextmanager
def stops_are_sentences(where, advice=""):
    """``with stops_are_sentences(where):`` an error of the reader's code inside becomes NotYet."""
    try:
        yield
    except NotYet:
        raise
    except Exception as error:  # whatever the reader's code may raise
        text, unfit = plain(error)
        text = f": {text}" if text else ""
        more = (advice(text) if callable(advice) else advice) if unfit else ""
        more = f" {more}" if more else ""
        raise NotYet(f"{where}, your code stops{line(error)} with {type(error).__name__}{text}.{more}") from None


# NumPy's commonest messages: a pattern, the same in plain words, and whether arrays do not fit together.
PLAIN = [
    (r"matmul: .*size (\d+) is different from (\d+)", r"a matrix product does not fit, \2 columns meet \1 rows", True),
    (r"matmul: .*not have enough dimensions", "@ needs arrays, and one side is a single number", True),
    (r"shapes (\(.*?\)) and (\(.*?\)) not aligned", r"the shapes \1 and \2 do not fit in a matrix product", True),
    (r"operands .*shapes (\(.*?\)) (\(.*?\))", r"the shapes \1 and \2 do not fit entry by entry", True),
    (r"all the input array dimensions.* size (\d+) .* size (\d+)", r"arrays of sizes \1 and \2 cannot be joined", True),
    (r"Incompatible dimensions", "the arrays have different numbers of rows", True),
    (r"all the input arrays must have same number", "arrays with different numbers of axes cannot be joined", True),
    (
        "only integer scalar arrays can be converted to a scalar index",
        "arrays to be joined stand in brackets, as in np.concatenate([h, x])",
        False,
    ),
    (r"truth value of an array", "`if`, `and`, `max` need one True or False, and got a whole array", False),
    (r"only (length-1|size-1|0-dim).* arrays", "a function for one number, such as math.log, got an array", False),
]


def plain(error):
    """The error's message, in plain words where we have some, and whether it says that arrays do not fit."""
    text = str(error).strip().split("\n")[0].rstrip(".")
    for pattern, words, unfit in PLAIN:
        if found := re.search(pattern, text):
            return found.expand(words), unfit
    return text, False


def line(error):
    """Where in the reader's own code an error arose: " at line 3, `return a / 0`", or nothing if that is unknown."""
    others = (f"{Path(__file__).parents[1]}{os.sep}", f"{sysconfig.get_path('stdlib')}{os.sep}", "<frozen", "<__array")
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(others) and "-packages" not in frame.filename
    ]
    if not frames:
        return ""
    code = f", `{frames[-1].line}`," if frames[-1].line else ""
    return f" at line {frames[-1].lineno}{code}"


def same(a, b):
    """Whether a value is still what it was: a number, an array, a tensor, a Series, or a list of these."""
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    a, b = (np.asarray(value.detach() if hasattr(value, "detach") else value) for value in (a, b))
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
