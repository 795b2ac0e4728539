"""What the checks share: how numbers and errors are shown, and what counts as changed."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.exercises.running import call, same
from rnncourse.exercises.verdict import NotYet, apart, array, asks_for_function, compare, kind, number, verdict


def test_only_correct_is_true():
    assert verdict() and repr(verdict()) == "Correct."
    assert not verdict("no.") and repr(verdict("no.")) == "Not yet: no."


@pytest.mark.parametrize(
    ("got", "wish", "shown"),
    [
        (0.5, 0.25, ("0.5", "0.25")),
        (1.00001, 1.0, ("1.00001", "1")),
        (0.49999999, 0.5, ("0.49999999", "0.5")),
        (-0.0, 1.0, ("0", "1")),
        (12345.6, 1.0, ("12346", "1")),
        (12345678, 12345679, ("12345678", "12345679")),
        (12345678.0, 12345679.0, ("12345678", "12345679")),
        (1e-12, 1.0, ("1e-12", "1")),
        (np.nan, 1.0, ("NaN", "1")),
        (np.inf, 1.0, ("inf", "1")),
        ([0.42704, 0.1], [0.42705, 0.1], ("[0.42704, 0.1]", "[0.42705, 0.1]")),
        ([1.0, 1.0 + 1e-12], [2.0, 1.0], ("[1, 1]", "[2, 1]")),  # a difference of rounding needs no digits
    ],
)
def test_two_numbers_are_shown_apart(got, wish, shown):
    assert apart(got, wish) == shown


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_two_different_numbers_never_look_alike(a, b):
    one, other = apart(a, b)
    assert (one == other) == (a == b)


@pytest.mark.parametrize(
    ("got", "wish", "message"),
    [
        ([1.0, 2, 3], [-1.0, -2, -3], "it is [1, 2, 3]; it should be [-1, -2, -3]. The sign is turned."),
        ([[1.0, 2], [3, 4]], [[1.0, 3], [2, 4]], "it[0, 1] is 2; it should be 3. That is the transpose"),
        ([2.0, 4, 6], [1.0, 2, 3], "Every number is 2 times the right one."),
        ([0.0, 0, 0], [1.0, 2, 3], "Every number is 0."),
        ([3.0, 2, 1], [1.0, 2, 3], "That is the right result in the reverse order."),
        (np.arange(9.0), np.arange(9.0) + (np.arange(9) == 7), "it[7] is 7; it should be 8."),
        ([5.0, 5], [1.0, 2], "it is [5, 5]; it should be [1, 2]. Five."),
    ],
)
def test_slips_that_fit_any_array(got, wish, message):
    with pytest.raises(NotYet) as error:
        compare("here", got, wish, "it", [(np.array([5.0, 5]), "Five.")])
    assert f"here, {message}" in str(error.value) or message in str(error.value)


def test_equal_arrays_pass():
    compare("here", [1.0, 2.0], [1.0, 2.0 + 1e-9])


def shape_error(code):
    a, b = np.ones((2, 3)), np.ones((2, 4))
    return lambda x: eval(code, {"np": np, "a": a, "b": b, "x": x})


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("a @ b", "ValueError: a matrix product does not fit, 3 columns meet 2 rows. Mind the shapes."),
        ("a @ 2.0", "ValueError: @ needs arrays, and one side is a single number. Mind the shapes."),
        ("np.dot(a, b)", "ValueError: the shapes (2,3) and (2,4) do not fit in a matrix product. Mind the shapes."),
        ("a + b", "ValueError: the shapes (2,3) and (2,4) do not fit entry by entry. Mind the shapes."),
        ("np.vstack([a, b])", "ValueError: arrays of sizes 3 and 4 cannot be joined. Mind the shapes."),
        (
            "np.concatenate([a, x])",
            "ValueError: arrays with different numbers of axes cannot be joined. Mind the shapes.",
        ),
        ("1 if a > 0 else 0", "ValueError: `if`, `and`, `max` need one True or False, and got a whole array."),
        ("float(a)", "TypeError: a function for one number, such as math.log, got an array."),
        ("[][0]", "IndexError: list index out of range."),
        ("np.linalg.inv(np.zeros((2, 2)))", "LinAlgError: Singular matrix."),
    ],
)
def test_errors_in_plain_words(code, message):
    with pytest.raises(NotYet) as error:
        call(shape_error(code), "for x=1", advice="Mind the shapes.", x=np.ones(3))
    assert str(error.value).endswith(message)
    assert "for x=1, your code stops at line" in str(error.value)


def test_an_error_without_words():
    def wrong(x):
        assert x is None

    with pytest.raises(NotYet, match=r"stops at line \d+, `assert x is None`, with AssertionError"):
        call(wrong, "for x=1", x=1)


def test_an_error_deep_in_a_library_is_shown_at_the_line_of_the_reader():
    with pytest.raises(NotYet, match=r"at line \d+, `call\(lambda x: np.linalg.inv\(x\)"):
        call(lambda x: np.linalg.inv(x), "for x=0", x=np.zeros((2, 2)))


def test_an_interrupt_is_no_wrong_answer():
    def stopped(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(stopped, "for x=1", x=1)


def test_functions_without_a_signature_are_called():
    assert call(max, "for 1 and 2", a=1, b=2) == 2


def test_numpy_does_not_warn():
    assert np.isnan(call(lambda x: x / x, "for x=0", x=np.zeros(1))).all()


@pytest.mark.parametrize(
    "value", [1, 0.5, np.arange(3), np.array([np.nan]), [np.ones(2), np.ones(3)], pd.Series([1, 2]), torch.ones(2)]
)
def test_what_is_equal_is_the_same(value):
    assert same(value, value)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.ones(2), np.zeros(2)),
        (np.ones(2), np.ones((1, 2))),
        ([np.ones(2)], []),
        ([np.ones(2)], [np.zeros(2)]),
        (torch.ones(2, requires_grad=True), torch.zeros(2)),
        (pd.Series([1.0]), pd.Series([2.0])),
    ],
)
def test_what_differs_is_changed(a, b):
    assert not same(a, b)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "None"),
        (3, "the number 3"),
        (np.float64(0.5), "the number 0.5"),
        ((1, 2), "a tuple of length 2"),
        (np.ones((1, 2)), "an array of shape (1, 2)"),
        (torch.ones(2), "an array of shape (2,)"),
        (max, "a function"),
        ({}, "of type dict"),
    ],
)
def test_kinds_in_words(answer, words):
    assert kind(answer) == words


def test_tensors_and_single_numbers_are_read():
    assert array(torch.ones(2), (2,), "here", "two").tolist() == [1, 1]
    assert number(torch.tensor(2.0), "here", "one number") == number(np.float32(2), "here", "one number") == 2
    assert array(torch.ones(2, requires_grad=True), (2,), "here", "two").tolist() == [1, 1]


def test_a_check_keeps_its_name_and_takes_a_callable_object():
    @asks_for_function
    def check_double(double):
        """Chapter 0.0."""
        compare("for 3", number(call(double, "for 3", x=3), "for 3", "twice x"), 6.0)

    class Double:
        def __call__(self, x):
            return 2 * x

    assert check_double.__name__ == "check_double" and check_double.__doc__ == "Chapter 0.0."
    assert check_double(Double())
