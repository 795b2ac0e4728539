"""The decorator at the door: every message that it can give, for NumPy arrays and for torch tensors."""

import re

import numpy as np
import pytest
import torch

from rnncourse.checks import check, check_finite, check_sizes, shapes
from rnncourse.pytorch import rnn as pytorch_rnn
from rnncourse.reference import ops, readout
from rnncourse.reference import rnn as reference_rnn

BOTH = pytest.mark.parametrize(
    "kind", [np.ones, lambda shape: torch.ones(shape, dtype=torch.float64)], ids=["numpy", "torch"]
)


@shapes(U="4n m", b="4n", x="... m", y="... 1")
def gates(x, U, b, y=None):
    """A function as the package has them: every kind of letter, and an argument that may be left out."""
    return "ran"


def raises(message):
    return pytest.raises(ValueError, match=re.escape(message))


@BOTH
def test_what_fits_passes(kind):
    assert gates(kind((5, 2, 3)), kind((8, 3)), kind((8,))) == "ran"
    assert gates(kind((3,)), kind((8, 3)), b=kind((8,)), y=kind((1,))) == "ran"
    assert gates(kind((0, 3)), kind((8, 3)), kind((8,)), y=kind((0, 1))) == "ran"
    assert gates.__name__ == "gates" and gates.__doc__


@BOTH
def test_no_array(kind):
    with raises("test_checks.gates: expected U to be an array, got list"):
        gates(kind((3,)), [[1.0]], kind((8,)))
    with raises("test_checks.gates: expected x to be an array, got NoneType"):
        gates(None, kind((8, 3)), kind((8,)))
    with raises("test_checks.gates: expected x to be an array, got float"):
        gates(1.0, kind((8, 3)), kind((8,)))


@BOTH
def test_wrong_rank(kind):
    with raises("test_checks.gates: expected U of shape (4n, m), got (8,)"):
        gates(kind((3,)), kind((8,)), kind((8,)))
    with raises("test_checks.gates: expected b of shape (4n=8,), got (8, 1)"):
        gates(kind((3,)), kind((8, 3)), kind((8, 1)))
    with raises("test_checks.gates: expected x of shape (..., m=3), got ()"):
        gates(kind(()), kind((8, 3)), kind((8,)))


@BOTH
def test_wrong_size_names_what_is_known(kind):
    with raises("test_checks.gates: expected U of shape (4n, m), got (7, 3)"):
        gates(kind((3,)), kind((7, 3)), kind((8,)))
    with raises("test_checks.gates: expected b of shape (4n=8,), got (12,)"):
        gates(kind((3,)), kind((8, 3)), kind((12,)))
    with raises("test_checks.gates: expected x of shape (..., m=3), got (5, 2, 7)"):
        gates(kind((5, 2, 7)), kind((8, 3)), kind((8,)))
    with raises("test_checks.gates: expected y of shape (5, 2, 1), got (5, 3, 1)"):
        gates(kind((5, 2, 3)), kind((8, 3)), kind((8,)), kind((5, 3, 1)))
    with raises("test_checks.gates: expected y of shape (5, 2, 1), got (5, 2, 2)"):
        gates(kind((5, 2, 3)), kind((8, 3)), kind((8,)), kind((5, 2, 2)))


@BOTH
def test_a_square_is_a_square(kind):
    with raises("here: expected W of shape (n, n), got (3, 4)"):
        check({"W": kind((3, 4))}, {"W": "n n"}, "here")


def test_dtype():
    with raises("test_checks.gates: expected U of a floating-point dtype, got int64"):
        gates(np.ones(3), np.ones((8, 3), np.int64), np.ones(8))
    with raises("test_checks.gates: expected U of a floating-point dtype, got torch.int64"):
        gates(torch.ones(3), torch.ones(8, 3, dtype=torch.int64), torch.ones(8))
    with raises("test_checks.gates: expected U of a floating-point dtype, got complex128"):
        gates(np.ones(3), np.ones((8, 3), complex), np.ones(8))
    with raises("test_checks.gates: expected x of dtype float64, as U has, got float32"):
        gates(np.ones(3, np.float32), np.ones((8, 3)), np.ones(8))
    with raises("test_checks.gates: expected x of dtype torch.float64, as U has, got torch.float32"):
        gates(torch.ones(3), torch.ones(8, 3).double(), torch.ones(8).double())
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        assert gates(*(torch.ones(shape, dtype=dtype) for shape in [(3,), (8, 3), (8,)])) == "ran"


def test_mixed_kinds():
    with raises("test_checks.gates: expected x to be the same kind of array as U (numpy), got torch"):
        gates(torch.ones(3).double(), np.ones((8, 3)), np.ones(8))
    with raises("test_checks.gates: expected x to be the same kind of array as U (torch), got numpy"):
        gates(np.ones(3), torch.ones(8, 3).double(), torch.ones(8).double())
    parameter = torch.nn.Parameter(torch.ones(8, 3))  # a tensor, though its type lives in another module
    assert gates(torch.ones(3), parameter, torch.ones(8)) == "ran"


def test_another_device():
    here, there = torch.ones, lambda *shape: torch.ones(*shape, device="meta")
    with raises("test_checks.gates: expected x of device cpu, as U has, got meta"):
        gates(there(3), here(8, 3), here(8))
    with raises("test_checks.gates: expected x of device meta, as U has, got cpu"):
        gates(here(3), there(8, 3), there(8))
    assert gates(there(3), there(8, 3), there(8)) == "ran"  # shapes alone: there is no value to look at


@BOTH
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(kind, value):
    x = kind((5, 2, 3))
    x[3, 1, 0] = value
    x[4, 0, 2] = value
    with raises("test_checks.gates: expected finite values in x, got 2 NaN or infinite, first at (3, 1, 0)"):
        gates(x, kind((8, 3)), kind((8,)))


def test_arguments_are_counted_as_usual():
    with pytest.raises(TypeError, match="missing a required argument: 'U'"):
        gates(np.ones(3))


@pytest.mark.parametrize("step", [reference_rnn.step, pytorch_rnn.step], ids=["reference", "pytorch"])
def test_a_reader_meets_it_in_every_public_function(step):
    kind = np.ones if step is reference_rnn.step else lambda shape: torch.ones(shape, dtype=torch.float64)
    with raises("rnn.step: expected x of shape (..., m=3), got (2, 7)"):
        step(kind((2, 7)), kind((2, 4)), kind((4, 3)), kind((4, 4)), kind((4,)))
    with raises("rnn.step: expected h of shape (2, n=4), got (5, 4)"):
        step(kind((2, 3)), kind((5, 4)), kind((4, 3)), kind((4, 4)), kind((4,)))


def test_in_the_other_functions_of_the_reference():
    x, h0, U, W, b = np.ones((5, 2, 3)), np.ones((2, 4)), np.ones((4, 3)), np.ones((4, 4)), np.ones(4)
    with raises("rnn.forward: expected x of shape (T, B, m=3), got (5, 2, 7)"):
        reference_rnn.forward(np.ones((5, 2, 7)), h0, U, W, b)
    with raises("rnn.forward: expected h0 of shape (B=2, n=4), got (4,)"):
        reference_rnn.forward(x, np.ones(4), U, W, b)
    with raises("rnn.forward: expected W of shape (n=4, n=4), got (4, 3)"):
        reference_rnn.forward(x, h0, U, U, b)
    with raises("readout.forward: expected b_y of shape (k=6,), got (4,)"):
        readout.forward(x, np.ones((6, 3)), b)
    with raises("readout.backward: expected dlogits of shape (5, 2, k=6), got (5, 2, 3)"):
        readout.backward(x, x, np.ones((6, 3)))
    with raises("ops.softmax: expected logits of shape (..., k), got ()"):
        ops.softmax(np.float64(1))


def test_sizes():
    check_sizes("f", m=1, n=np.int64(3))
    check_sizes("f", least=0, T=0)
    for wrong in (0, -1, 1.0, "1", None, True, np.float64(1)):
        with raises(f"f: expected n to be an integer of at least 1, got {wrong!r}"):
            check_sizes("f", m=1, n=wrong)
    with raises("f: expected T to be an integer of at least 0, got -1"):
        check_sizes("f", least=0, T=-1)


def test_the_decorated_function_shows_its_shapes():
    assert gates.shapes == {"U": "4n m", "b": "4n", "x": "... m", "y": "... 1"}


def test_finite_numbers_whose_sum_is_not():
    """The quick test of tensors adds them up; what overflows there is looked at one by one."""
    large = torch.full((4,), 60000.0, dtype=torch.float16)
    assert large.sum().isinf()
    check_finite("x", large, "here")
    with pytest.raises(ValueError, match=r"expected finite values in x, got 2 NaN or infinite, first at \(1,\)"):
        check_finite("x", torch.tensor([0, torch.inf, -torch.inf]), "here")


def test_sizes_known_beforehand():
    with raises("here: expected x of shape (T, m=3), got (5, 4)"):
        check({"x": np.ones((5, 4))}, {"x": "T m"}, "here", m=3)
    with raises("here: expected h of shape (LD=4, n=2), got (3, 2)"):
        check({"h": np.ones((3, 2))}, {"h": "LD n"}, "here", LD=4, n=2)
    check({"x": np.ones((5, 3)), "h": np.ones((4, 2))}, {"x": "T m", "h": "LD n"}, "here", m=3, LD=4)


def test_the_function_without_its_check():
    assert gates.unchecked([], None, "b") == "ran"
    assert gates.unchecked is gates.__wrapped__


def test_values_that_cannot_be_seen():
    """Under vmap, in a compiled graph and of a fake tensor nothing can be decided by a value; all else is checked."""
    weights = torch.ones(8, 3), torch.ones(8)
    bad = torch.full((4, 3), torch.nan)
    function = lambda x: x if gates(x, *weights) == "ran" else None  # noqa: E731
    assert torch.vmap(function)(bad).isnan().all()
    with raises("test_checks.gates: expected x of shape (..., m=3), got (2,)"):
        torch.vmap(function)(bad[:, 1:])
    torch.compiler.reset()
    assert torch.compile(function, fullgraph=True, backend="eager")(bad).isnan().all()
    with raises("expected finite values in x, got 12 NaN"):
        function(bad)
    torch.func.grad(lambda x: function(x).sum())(torch.ones(3))
    with raises("expected finite values in x, got 3 NaN"):  # its values can be seen
        torch.func.grad(lambda x: function(x).sum())(bad[0])


def test_what_counts_as_floating_point():
    for dtype in (np.float16, np.float32, np.float64, np.longdouble):
        check({"x": np.ones(3, dtype)}, {"x": "n"}, "here")
    for dtype in (np.int8, np.complex128, bool, object):
        with raises(f"here: expected x of a floating-point dtype, got {np.dtype(dtype)}"):
            check({"x": np.ones(3, dtype)}, {"x": "n"}, "here")
    with raises("here: expected x of a floating-point dtype, got torch.complex64"):
        check({"x": torch.ones(3, dtype=torch.complex64)}, {"x": "n"}, "here")
