"""The checks of part 5: text."""

import math

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import NotYet, array, asks_for_function, compare


@asks_for_function
def check_min_p(min_p):
    """Chapter 5.1, “Min-p”: min_p(p, share) → the new probabilities, of the shape of p.

    p (k,): probabilities; kept are those of at least ``share`` times the largest one, the others become 0, and the
    sum is 1 again. Checked: five pairs of p and share, also with all p equal, and that p does not change.
    """
    cases = [([0.3, 0.3, 0.2, 0.09, 0.07, 0.03, 0.01], 0.2), ([0.6, 0.3, 0.1], 0.4), ([0.25] * 4, 1.0)]
    for p, share in [*cases, ([0.5, 0.3, 0.15, 0.05], 0.1), ([0.02, 0.98], 0.0)]:
        where, given = f"for p={p}, share={share}", np.array(p)
        nan = "Is everything cut, so that you divide 0 by 0? The largest one always stays: use >=."
        answer = call(min_p, where, p=given, share=share)
        kept = given[given >= share * given.max()]
        if np.shape(answer) == kept.shape != given.shape:
            raise NotYet(f"{where}, the result has {len(kept)} numbers, p has {len(p)}. Set what you cut to 0.")
        answer = array(answer, given.shape, where, "the new probabilities", nan=nan)
        bars = [
            (share, "The bar is a share of the largest probability, not of 1."),
            (share * given.mean(), "The bar is a share of the largest probability, not of the mean."),
            (given.max(), "Only the largest are kept."),
            (0, "Nothing is cut."),
        ]
        right = cut(given, given >= share * given.max())
        nucleus = np.cumsum(given) - given < share
        exp = np.where(right > 0, np.exp(given), 0)
        slips = [
            (np.where(right > 0, given, 0), "The sum is not 1: divide by it."),
            (cut(given, given > share * given.max()), "A probability equal to the bar is kept: use >=."),
            *[(cut(given, given >= bar), why) for bar, why in bars],
            *[(np.where(given >= bar, given, 0), f"{why} Also, the sum is not 1.") for bar, why in bars],
            (cut(given, nucleus), "That keeps the likeliest until their sum is `share`: the nucleus, not min-p."),
            (cut(given, right == 0), "You keep what should be cut."),
            (1.0 * (right > 0), "That says which are kept. Multiply by p, and divide by the sum."),
            (exp / exp.sum(), "Divide by the sum. Softmax would take the exponential of a probability."),
            (softmax(np.where(right > 0, given, 0)), "Divide by the sum. Softmax makes probabilities out of logits."),
        ]
        compare(where, answer, right, slips=slips)


def cut(p, keep):
    kept = np.where(keep, p, 0)
    return kept / (kept.sum() or 1)


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@asks_for_function
def check_temperature(heat):
    """Chapter 5.1, “Temperature without logits”: heat(p, temperature) → the new probabilities, of the shape of p.

    p (k,): probabilities, some of them 0; the answer is softmax(ln p / temperature). Checked: temperatures of 2, 1,
    0.5 and 0.001.
    """
    cases = [([0.5, 0.4, 0.1, 0.0], 2.0), ([0.8, 0.2], 0.5), ([0.3, 0.7], 1.0), ([0.3, 0.25, 0.25, 0.2], 0.001)]
    for p, temperature in cases:
        where, given = f"for p={p} at temperature {temperature}", np.array(p)
        nan = "ln 0 is −infinity. Softmax makes 0 of it, but a product of it with 0 is NaN."
        if given.all():
            nan = "Are all powers 0, so that you divide 0 by 0? Divide p by its largest number first."
        answer = array(
            call(heat, where, p=given, temperature=temperature), given.shape, where, "the new probabilities", nan=nan
        )
        logs = np.array([math.log(q) / temperature if q else -math.inf for q in p])
        right = softmax(logs)
        powers = given ** (1 / temperature)
        slips = [
            (cut(given**temperature, given > 0), "That is p to the power of the temperature. Take 1 / temperature."),
            (powers, "The sum is not 1: divide by it."),
            (given, "The temperature has no effect: a factor on p goes away when you divide by the sum."),
            (given / temperature, "That is p / temperature. The temperature divides the logits, and ln p are logits."),
            (softmax(given / temperature), "p is no logit. ln p is one."),
            (softmax(given * temperature), "p is no logit. ln p is one, and it is divided by the temperature."),
            (softmax(powers), "Divide the powers by their sum. Softmax would take the exponential once more."),
            ((given == given.max()) * 1.0, "Only the likeliest is left: that is temperature 0."),
            (np.full(len(p), 1 / len(p)), "All are equal: that is an infinite temperature."),
            (
                softmax(np.array([math.log(q) / temperature if q else 0 for q in p])),
                "What has probability 0 got the logit 0. ln 0 is −infinity, so that its probability stays 0.",
            ),
        ]
        if (answer >= 0).all() and answer.any():  # p / p.max() to a power, for instance
            slips.append((answer[0] / right[0] * right if right[0] else answer, "The sum is not 1: divide by it."))
        if answer[given == 0].any() and np.allclose(answer, right, atol=0.05):
            why = "What has probability 0 must keep it. Did you add a small number before the logarithm?"
            slips.append((answer, why))
        compare(where, answer, right, slips=slips)
