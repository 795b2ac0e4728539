"""The check of chapter 2.5: is one network better than another, or was it luck?"""

from math import comb

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import NotYet, apart, asks_for_function, hint, number


@asks_for_function
def check_sign_test(sign_test):
    """Chapter 2.5, “Sign test”: sign_test(differences) → the probability p of a result at least as one-sided by chance.

    differences: an array of k numbers, one for each seed. A difference of 0 does not count; of the others, each sign is
    a fair coin. Both sides count, and p is at most 1. Checked in eight cases: ties, losses and no difference, too.
    """
    cases = ["+" * 10, "+" * 9 + "-", "-" * 8 + "++", "+++---", "++++00", "0" * 5, "+", "++++--0"]
    given = [np.array([{"+": 0.25, "-": -2.0, "0": 0.0}[sign] for sign in case]) for case in cases]
    where = [f"for the signs {case}" for case in cases]
    none = "If all differences are 0 there is no trial left, and p = 1."
    answers = [
        number(
            call(sign_test, place, "" if differences.any() else none, differences=differences), place, "a probability"
        )
        for place, differences in zip(where, given, strict=True)
    ]
    slips = [
        ([p(d, sides=1) for d in given], "That is one side. A result as one-sided for the other cell counts too."),
        (
            [p(d, most=3) for d in given],
            "A probability is at most 1: the two tails overlap if wins and losses are equal.",
        ),
        ([p(d, ties=True) for d in given], "A difference of 0 is no trial: leave it out."),
        (
            [p(d, tail=False) for d in given],
            "That is the probability of exactly this many wins. More wins count as well.",
        ),
        ([p(d, itself=False) for d in given], "The result itself counts too. In Python, range(k) ends with k − 1."),
        (
            [p(d, fewer=True, upper=True) for d in given],
            "That adds up the results with fewer wins. Add up those with more.",
        ),
        ([p(d, upper=True) for d in given], "Take the larger of wins and losses: many losses are one-sided too."),
        (
            [p(d, upper=True, most=3) for d in given],
            "Take the larger of wins and losses: many losses are one-sided too. A probability is at most 1.",
        ),
        ([p(d, sides=1, upper=True) for d in given], "That is one side, and wins only. Many losses count, too."),
        (
            [p(d, itself=False, most=3) for d in given],
            "The result itself counts too. In Python, range(k) ends with k − 1.",
        ),
        ([(d > 0).sum() / max((d != 0).sum(), 1) for d in given], "That is the share of wins, not a probability."),
        ([(d > 0).mean() for d in given], "That is the share of wins, not a probability."),
    ]
    # A slip is recognised by the cases that are not special: with as many wins as losses, and with no difference at
    # all, an answer may go wrong in a way of its own.
    plain = [i for i, d in enumerate(given) if (d > 0).sum() != (d < 0).sum()]
    plain_answers = [answers[i] for i in plain]
    known = [([slip[i] for i in plain], why) for slip, why in slips]
    right_there = np.allclose(plain_answers, [p(given[i]) for i in plain])
    for place, differences, answer in zip(where, given, answers, strict=True):
        if not np.isclose(answer, right := p(differences)):
            answer, right = apart(answer, right)
            why = hint(answers, slips) or ("" if right_there else hint(plain_answers, known))
            if right_there and not differences.any():
                why = f" {none}"
            raise NotYet(f"{place} you say {answer}; it should be {right}.{why}")


def p(differences, sides=2, most=1, ties=False, tail=True, upper=False, itself=True, fewer=False):
    """The probability, also with slips: one side, above 1, ties counted, no tail, wins only, without the result itself
    or with the other tail."""
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    trials, many = len(differences) if ties else wins + losses, wins if upper else max(wins, losses)
    counted = range(many + 1) if fewer else range(many if itself else many + 1, trials + 1)
    ways = [comb(trials, k) for k in (counted if tail else [many])]
    return min(sides * sum(ways) / 2**trials, most)
