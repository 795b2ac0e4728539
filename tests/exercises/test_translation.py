"""What the check of chapter 5.5 says of answers that are not done, nearly right, or wrong in a known way."""

import numpy as np
import pytest

from rnncourse.exercises import check_extend


def best(total, width):
    order = np.argsort(-total, axis=None)[:width]
    return np.column_stack([order // total.shape[1], order % total.shape[1], total.ravel()[order]])


def right(logp, step, width):
    return best(logp[:, None] + step, width)


def ascending(logp, step, width):
    total = logp[:, None] + step
    order = np.argsort(total, axis=None)[:width]
    return np.column_stack([order // step.shape[1], order % step.shape[1], total.ravel()[order]])


def last_step(logp, step, width):
    return best(step, width)


def forgets_the_sum(logp, step, width):
    found = right(logp, step, width)
    found[:, 2] = step[found[:, 0].astype(int), found[:, 1].astype(int)]
    return found


def flat(logp, step, width):
    found = right(logp, step, width)
    return found + np.column_stack([0 * found[:, 0], found[:, 0] * step.shape[1], 0 * found[:, 0]])


def one_each(logp, step, width):
    total = logp[:, None] + step
    found = np.column_stack([np.arange(len(logp)), total.argmax(axis=1), total.max(axis=1)])
    return found[np.argsort(-found[:, 2])][:width]


def changes_its_input(logp, step, width):
    step += logp[:, None]
    return best(step, width)


def probabilities(logp, step, width):
    found = right(logp, step, width)
    return np.column_stack([found[:, :2], np.exp(found[:, 2])])


def test_right():
    assert check_extend(right)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda *given: right(*given)[::-1], "in the wrong order: the best comes first"),
        (ascending, "These are the worst continuations"),
        (last_step, "the ranking by the last step alone"),
        (forgets_the_sum, "log p of the whole continuation"),
        (flat, "the place in the flattened table"),
        (probabilities, "The third number is a probability"),
        (lambda *given: right(*given)[:, [1, 0, 2]], "Beginning and symbol are exchanged"),
        (lambda logp, step, width: best(logp[:, None] * step, width), "You multiplied two logarithms"),
        (one_each, "One beginning may give several of the best"),
        (lambda *given: right(*given) + [1, 1, 0], "counted from 0"),
        (lambda *given: right(*given) * [1, 1, -1], "The sign of log p is turned"),
        (lambda *given: right(*given)[:, :2], "of shape (2, 2). It should be the continuations"),
        (lambda *given: None, "Is a `return …` missing?"),
        (changes_its_input, "changes its input step"),
        (lambda logp, step: None, "the check gives it (logp, step, width)"),
    ],
)
def test_hints(answer, says):
    verdict = check_extend(answer)
    assert not verdict and says in verdict, verdict
