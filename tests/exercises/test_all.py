"""What holds for every check: the right answer passes; the usual accidents get a sentence that names them."""

import inspect

import answers
import numpy as np
import pandas as pd
import pytest
import torch

from rnncourse import exercises

RESULTS = [check for check, right in answers.RIGHT.items() if isinstance(right, tuple)]
FUNCTIONS = [check for check in answers.RIGHT if check not in RESULTS]


def test_every_check_is_exported_and_has_a_right_answer_here():
    parts = [getattr(exercises, part) for part in dir(exercises) if inspect.ismodule(getattr(exercises, part))]
    written = {name for part in parts for name in vars(part) if name.startswith("check_") and name != "check_arguments"}
    assert written == set(exercises.__all__) == set(answers.RIGHT)


@pytest.mark.parametrize("check", answers.RIGHT)
def test_the_right_answer_is_correct(check):
    verdict = answers.judge(check, answers.RIGHT[check])
    assert verdict and repr(verdict) == "Correct."


@pytest.mark.parametrize("check", answers.RIGHT)
def test_says_in_its_docstring_where_it_belongs(check):
    assert inspect.getdoc(getattr(exercises, check)).startswith("Chapter ")
    assert "hecked" in inspect.getdoc(getattr(exercises, check))


@pytest.mark.parametrize("check", answers.RIGHT)
def test_none(check):
    answers.assert_says(check, None, "the answer is None")


# ---- checks of a result ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", RESULTS)
def test_the_function_instead_of_its_result(check):
    def by_hand():
        return answers.RIGHT[check]

    answers.assert_says(
        check, by_hand, f"you passed the function itself. Call it, and pass its result: {check}(by_hand())"
    )
    answers.assert_says(check, lambda: None, f"{check}(your_function())")


@pytest.mark.parametrize("check", RESULTS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda right: right[:-1], "the answer holds"),
        (lambda right: right[0], "the answer is an array of shape"),
        (lambda right: dict(enumerate(right)), "the answer is of type dict"),
        (lambda right: [array.T for array in right], "The transpose has this shape."),
        (lambda right: (right[0], right[1].ravel(), *right[2:]), "An axis of length 1 is too few"),
        (lambda right: (*right[:-1], right[-1][None]), "An axis of length 1 is too many"),
        (lambda right: (*right[:2], np.zeros(7), *right[3:]), "b is of shape (7,)"),
        (lambda right: (right[0], None, *right[2:]), "W is None. It should be an array, of shape ("),
        (lambda right: (right[0], np.tanh, *right[2:]), "W is a function"),
        (lambda right: ("U", *right[1:]), "U is of type str"),
        (lambda right: (right[0] * np.nan, *right[1:]), "U contains NaN"),
        (lambda right: (right[0] + np.inf, *right[1:]), "U contains infinity"),
    ],
)
def test_other_results(check, change, message):
    answers.assert_says(check, change(answers.RIGHT[check]), message)


@pytest.mark.parametrize("check", RESULTS)
def test_lists_and_whole_numbers_are_arrays_too(check):
    assert answers.judge(check, [array.tolist() for array in answers.RIGHT[check]])


# ---- checks of a function -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", FUNCTIONS)
@pytest.mark.parametrize(
    ("result", "what"),
    [
        (3, "the number 3"),
        (np.zeros(2), "an array of shape (2,)"),
        ([1, 2], "a list of length 2"),
        (torch.zeros(2, 3), "an array of shape (2, 3)"),
        ("abc", "of type str"),
    ],
)
def test_a_result_instead_of_the_function(check, result, what):
    answers.assert_says(check, result, f"you passed a result ({what}). Pass the function itself")


def changed(right, change):
    """The function, whose result has gone through ``change``: one value, or each in a list or tuple."""

    def answer(*given):
        result = right(*given)
        return type(result)(map(change, result)) if isinstance(result, list | tuple) else change(result)

    return answer


@pytest.mark.parametrize("check", FUNCTIONS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda result: None, "None"),
        (lambda result: np.tanh, "a function"),
        (lambda result: "text", "of type str"),
        (lambda result: result * np.nan, "NaN"),
        (lambda result: (result, result, result, result), "of length 4|of shape|Series"),
    ],
)
def test_other_results_of_a_function(check, change, message):
    verdict = answers.judge(check, changed(answers.RIGHT[check], change))
    assert not verdict and any(word in verdict for word in message.split("|")), verdict


@pytest.mark.parametrize("check", FUNCTIONS)
def test_an_error_is_named_with_its_line(check):
    def wrong(*given):
        nothing = None
        return nothing.shape

    answers.assert_says(check, wrong, "your code stops at line ")
    answers.assert_says(check, wrong, "`return nothing.shape`, with AttributeError: 'NoneType' object has no attribute")


@pytest.mark.parametrize("check", FUNCTIONS)
def test_another_number_of_arguments(check):
    answers.assert_says(check, lambda: None, "your function takes (); the check gives it (")


@pytest.mark.parametrize("check", FUNCTIONS)
def test_a_changed_input_is_named(check):
    def in_place(*given):
        result = answers.RIGHT[check](*given)
        if isinstance(given[0], list) and isinstance(given[0][0], int):
            given[0][0] += 1
        for value in given[0] if isinstance(given[0], list) else given:
            if isinstance(value, np.ndarray):
                value *= 2
            elif isinstance(value, pd.Series):
                value.iloc[:] = 1.0
            elif isinstance(value, torch.Tensor):
                value.data *= 2
        return result

    if check not in (
        "check_layers_needed",
        "check_parameters",
        "check_reach",
        "check_resting_points",
        "check_variance",
    ):  # numbers
        answers.assert_says(check, in_place, "your function changes its input ")


@pytest.mark.parametrize("check", FUNCTIONS)
def test_what_the_reader_prints_is_shown(check, capsys):
    def talks(*given):
        print("here")
        return answers.RIGHT[check](*given)

    assert answers.judge(check, talks)
    assert "here" in capsys.readouterr().out
