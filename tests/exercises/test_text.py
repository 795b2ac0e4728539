"""Chapter 5.1: wrong answers that a student might give, and the sentence for each."""

import answers
import numpy as np
import pytest


def cut_at(bar, keep=np.greater_equal, divide=True):
    """min_p with another bar, a function of p and share."""

    def min_p(p, share):
        kept = np.where(keep(p, bar(p, share)), p, 0)
        return kept / kept.sum() if divide else kept

    return min_p


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def in_place(p, share):
    p[p < share * p.max()] = 0
    p /= p.sum()
    return p


def nucleus(p, share):
    kept = np.where(np.cumsum(p) - p < share, p, 0)
    return kept / kept.sum()


def powers(p, power):
    return p**power / (p**power).sum()


WRONG = {
    "check_min_p": [
        (cut_at(lambda p, share: share * p.max(), divide=False), "The sum is not 1: divide by it."),
        (cut_at(lambda p, share: share), "The bar is a share of the largest probability, not of 1."),
        (cut_at(lambda p, share: share, divide=False), "not of 1. Also, the sum is not 1."),
        (cut_at(lambda p, share: share * p.min()), "Nothing is cut."),
        (cut_at(lambda p, share: share * p.mean()), "not of the mean."),
        (cut_at(lambda p, share: p.max()), "Only the largest are kept."),
        (cut_at(lambda p, share: 0), "Nothing is cut."),
        (lambda p, share: p, "Nothing is cut."),
        (
            cut_at(lambda p, share: share * p.max(), keep=np.greater),
            "for p=[0.25, 0.25, 0.25, 0.25], share=1.0, the result contains",
        ),
        (cut_at(lambda p, share: share * p.max(), keep=np.greater), "The largest one always stays: use >=."),
        (cut_at(lambda p, share: share * p.max(), keep=np.less), "You keep what should be cut."),
        (nucleus, "That keeps the likeliest until their sum is `share`: the nucleus, not min-p."),
        (lambda p, share: softmax(np.where(p >= share * p.max(), p, 0)), "Softmax makes probabilities out of logits."),
        (
            lambda p, share: softmax(np.where(p >= share * p.max(), p, -np.inf)),
            "Softmax would take the exponential of a",
        ),
        (
            lambda p, share: p[p >= share * p.max()] / p[p >= share * p.max()].sum(),
            "has 5 numbers, p has 7. Set what you cut to 0.",
        ),
        (lambda p, share: p.argmax(), "is of shape (). It should be the new probabilities, of shape (7,)."),
        (in_place, "your function changes its input p"),
        (lambda p, share: [q if q >= share * p else 0 for q in p], "`if`, `and`, `max` need one True or False"),
    ],
    "check_temperature": [
        (lambda p, t: powers(p, t), "That is p to the power of the temperature. Take 1 / temperature."),
        (lambda p, t: p ** (1 / t), "The sum is not 1: divide by it."),
        (lambda p, t: (p / p.max()) ** (1 / t), "The sum is not 1: divide by it."),
        (lambda p, t: 100 * answers.heat(p, t), "The sum is not 1: divide by it."),
        (lambda p, t: p / t / (p / t).sum(), "The temperature has no effect"),
        (lambda p, t: p / t, "That is p / temperature."),
        (lambda p, t: softmax(p / t), "p is no logit. ln p is one."),
        (lambda p, t: softmax(p * t), "p is no logit. ln p is one, and it is divided by the temperature."),
        (lambda p, t: softmax(p ** (1 / t)), "Softmax would take the exponential once more."),
        (lambda p, t: np.log(p) / t, "the result contains infinity."),
        (lambda p, t: (p == p.max()) * 1.0, "Only the likeliest is left: that is temperature 0."),
        (lambda p, t: np.ones(len(p)) / len(p), "All are equal: that is an infinite temperature."),
        (
            lambda p, t: softmax(np.log(p + 1e-9) / t),
            "[0.427043, 0.381959, 0.190979, 1.90979e-05]; it should be [0.427051, 0.381966, 0.190983, 0].",
        ),
        (lambda p, t: softmax(np.log(p + 1e-9) / t), "Did you add a small number before the logarithm?"),
        (lambda p, t: softmax(np.log(np.maximum(p, 1e-9)) / t), "Did you add a small number before the logarithm?"),
        (lambda p, t: powers(p, 1 / t), "for p=[0.3, 0.25, 0.25, 0.2] at temperature 0.001, the result contains NaN"),
        (
            lambda p, t: powers(p, 1 / t),
            "Are all powers 0, so that you divide 0 by 0? Divide p by its largest number first.",
        ),
        (lambda p, t: powers(p, -1 / t), "the result contains NaN"),
        (lambda p, t: softmax(np.log(p) * p / t), "a product of it with 0 is NaN"),
        (lambda p, t: answers.heat(p, t)[::-1], "That is the right result in the reverse order."),
        (lambda p, t: answers.heat(p, t)[p > 0], "of shape (3,). It should be the new probabilities, of shape (4,)"),
    ],
}


@pytest.mark.parametrize(("check", "answer", "message"), answers.rows(WRONG))
def test_says_what_is_wrong(check, answer, message):
    answers.assert_says(check, answer, message)
