"""What the tests of the cells share: cases to draw, and what counts as the same."""

import ast
import inspect
import textwrap

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from rnncourse import gradients

DRAWN = settings(deadline=None, derandomize=True, max_examples=50)  # the same cases every time
SIZES = {"T": st.integers(1, 7), "B": st.integers(1, 4), "m": st.integers(1, 5), "n": st.integers(1, 6)}
CORNERS = [{"T": 1}, {"B": 1}, {"T": 1, "B": 1, "m": 1, "n": 1}, {"T": 50}]


def close(ours, theirs, rtol=1e-10):
    """Within rtol of the largest entry: one that cancels to almost nothing keeps its rounding error."""
    ours, theirs = gradients.as_numpy(ours), gradients.as_numpy(theirs)
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max(initial=0))


def all_close(ours, theirs, rtol=1e-10):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        close(a, b, rtol)


def body(function):
    """What a function does, without its docstring and decorators: equal for two that read the same."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    return [ast.dump(node) for node in tree.body if not isinstance(node, ast.Expr)], ast.dump(tree.args)
