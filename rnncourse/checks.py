"""Shapes, dtypes and finite values, checked once, at the door of a public function.

The decorator names the shape of every array argument, so the signature of a function is also its glossary:

    @shapes(U="n m", W="n n", b="n", x="T B m", h0="B n")
    def forward(x, h0, U, W, b): ...

A letter is bound by the first argument that uses it, in the order written, and must be the same number
everywhere else; ``4n`` is four times n; a leading ``...`` stands for any further axes, the same for every
argument that has them. A number stands for itself. Works alike on NumPy arrays and torch tensors, and imports
torch only where a tensor comes.
"""

import functools
import inspect
from numbers import Integral

import numpy as np


def shapes(**specs):
    """Check the arguments named in ``specs`` at every call of the decorated function.

    An argument that is None, where None is the default, is not checked. The decorated function has two attributes:
    ``shapes``, the specs, and ``unchecked``, the function without the check, for a caller that has checked.

    Raises ValueError, which names the function, what was expected and what came, for an argument that is no
    array, for a wrong shape, for a dtype that is not floating point or differs from the first array's, for
    another device, and for NaN or infinity.
    """

    def decorate(function):
        signature = inspect.signature(function)
        where = function.__module__.rsplit(".", 1)[-1] + "." + function.__qualname__

        @functools.wraps(function)
        def checked(*args, **kwargs):
            call = signature.bind(*args, **kwargs)
            call.apply_defaults()
            arrays = {name: call.arguments[name] for name in specs}
            optional = {name for name in specs if signature.parameters[name].default is None}
            check({k: v for k, v in arrays.items() if v is not None or k not in optional}, specs, where)
            return function(*args, **kwargs)

        checked.shapes, checked.unchecked = specs, function
        return checked

    return decorate


def check(arrays, specs, where, **sizes):
    """Hold ``arrays`` (name → array) against ``specs`` (name → shape); raise as ``shapes`` describes.

    sizes: letter → number, for those that are known beforehand.
    """
    known, first = {"": 1, **sizes}, None
    for name, array in arrays.items():
        check_array(name, array, where)
        check_shape(name, tuple(array.shape), specs[name], known, where)
        first = first or (name, array)
        check_kind(name, array, *first, where)
    for name, array in arrays.items():
        check_finite(name, array, where)


def check_sizes(where, least=1, **sizes):
    """Each of ``sizes`` (name → number) is an integer, Python's or NumPy's, of at least ``least``."""
    for name, size in sizes.items():
        if not isinstance(size, Integral) or isinstance(size, bool) or size < least:
            raise ValueError(f"{where}: expected {name} to be an integer of at least {least}, got {size!r}")


def check_array(name, array, where):
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        raise ValueError(f"{where}: expected {name} to be an array, got {type(array).__name__}")


def check_shape(name, shape, spec, known, where):
    """Bind the letters of ``spec`` that are new to ``known``, which changes only if the shape fits."""
    words = spec.split()
    tail = words[1:] if words[0] == "..." else words
    split = len(shape) - len(tail)
    head, sizes, bound = shape[: max(split, 0)], shape[max(split, 0) :], dict(known)
    if words[0] == "...":
        fits = split >= 0 and bound.setdefault("...", head) == head
    else:
        fits = split == 0
    for word, size in zip(tail, sizes, strict=False):
        factor, letter = parse(word)
        if size % factor == 0:
            bound.setdefault(letter, size // factor)
        fits = fits and size == factor * bound.get(letter, -1)
    if not fits:
        raise ValueError(f"{where}: expected {name} of shape {describe(words, known)}, got {shape}")
    known.update(bound)


def parse(word):
    """``4n`` → (4, "n"), ``n`` → (1, "n"), and a bare number ``1`` → (1, "")."""
    letter = word.lstrip("0123456789")
    return int(word.removesuffix(letter) or 1), letter


def describe(letters, known):
    """``T B m`` with m = 3 known  →  ``(T, B, m=3)``."""
    words = []
    for word in letters:
        if word == "...":
            words += [str(size) for size in known["..."]] if "..." in known else ["..."]
            continue
        factor, letter = parse(word)
        size = known.get(letter)
        words.append(word if size is None or not letter else f"{word}={factor * size}")
    return "(" + ", ".join(words) + ("," if len(words) == 1 else "") + ")"


def check_kind(name, array, first_name, first, where):
    """Floating point, and the dtype, the kind of array and the device of the first argument."""
    if not floating(array.dtype):
        raise ValueError(f"{where}: expected {name} of a floating-point dtype, got {array.dtype}")
    if library(array) != library(first):
        raise ValueError(
            f"{where}: expected {name} to be the same kind of array as {first_name} "
            f"({library(first)}), got {library(array)}"
        )
    for what in ("dtype", "device"):
        mine, theirs = getattr(array, what, None), getattr(first, what, None)
        if mine != theirs:
            raise ValueError(f"{where}: expected {name} of {what} {theirs}, as {first_name} has, got {mine}")


def library(array):
    """Whose array it is: "torch" or "numpy"."""
    return "torch" if hasattr(array, "detach") else type(array).__module__.split(".")[0]


def floating(dtype):
    return dtype.kind == "f" if hasattr(dtype, "kind") else dtype.is_floating_point  # NumPy, torch


def check_finite(name, array, where):
    """No NaN and no infinity; a tensor whose values cannot be seen passes."""
    if hasattr(array, "detach") and (without_values(array) or seems_finite(array)):
        return
    finite = array.isfinite() if hasattr(array, "isfinite") else np.isfinite(array)  # torch, NumPy
    if not finite.all():
        first = finite.reshape(-1).tolist().index(False)
        index = tuple(int(i) for i in np.unravel_index(first, tuple(array.shape)))
        raise ValueError(
            f"{where}: expected finite values in {name}, got {int((~finite).sum())} NaN or infinite, first at {index}"
        )


def without_values(tensor):
    """Has it a shape only? So it is on torch's meta device, and while torch.compile or torch.export trace."""
    import torch

    return tensor.device.type == "meta" or torch.compiler.is_compiling()


def seems_finite(tensor):
    """By its sum, which is far quicker in torch than ``isfinite``: what is not finite makes a sum that is not."""
    try:
        return bool(tensor.detach().sum().isfinite())
    except RuntimeError:  # torch.func.vmap and fake tensors refuse to decide anything by a value
        return True
