"""The check of chapter 5.5: translation."""

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import array, asks_for_function, compare


@asks_for_function
def check_extend(extend):
    """Chapter 5.5, “Code”: extend(logp, step, width) → the ``width`` best continuations in one step of beam search.

    logp (W,): log p of each beginning; step (W, K): log p of each next symbol after each beginning. The result has
    shape (width, 3): for each continuation the place of its beginning, its symbol, and its log p, the best first.
    Checked for eight cases.
    """
    rng = np.random.default_rng(55)
    for W, K, width in [(2, 3, 2), (1, 5, 3), (3, 4, 3), (3, 4, 1), (4, 3, 5), (5, 7, 4), (2, 9, 6), (6, 4, 6)]:
        where = f"for W={W}, K={K}, width={width}"
        logp = -rng.gamma(2.0, 1.0, size=W)
        step = np.log(rng.dirichlet(np.ones(K), size=W))
        got = array(call(extend, where, logp=logp, step=step, width=width), (width, 3), where, "the continuations")
        total = logp[:, None] + step
        wish = best(total, width)
        copied = wish.copy()
        copied[:, 2] = step[wish[:, 0].astype(int), wish[:, 1].astype(int)]
        flat = wish.copy()
        flat[:, 1] = wish[:, 0] * K + wish[:, 1]
        rounded = wish.copy()
        rounded[:, 2] = np.exp(wish[:, 2])
        each = np.array([[w, total[w].argmax(), total[w].max()] for w in range(W)])
        each = each[np.argsort(-each[:, 2])][:width]
        slips = [
            (wish[::-1], "These are the right ones in the wrong order: the best comes first."),
            (best(-total, width, sign=-1), "These are the worst continuations. argsort sorts from small to large."),
            (best(step, width), "That is the ranking by the last step alone. Add the log p of the beginning."),
            (copied, "The third number should be log p of the whole continuation: beginning plus symbol."),
            (flat, "The symbol is the place in the flattened table. Take the remainder of the division by K."),
            (rounded, "The third number is a probability. It should be its logarithm."),
            (wish[:, [1, 0, 2]], "Beginning and symbol are exchanged."),
            (
                best(logp[:, None] * step, width),
                "You multiplied two logarithms. Logarithms add.",
            ),
            (each, "You kept the best symbol of each beginning. One beginning may give several of the best."),
            (wish + [1, 1, 0], "Beginnings and symbols are counted from 0."),
            (wish * [1, 1, -1], "The sign of log p is turned."),
        ]
        compare(where, got, wish, slips=slips)


def best(total, width, sign=1):
    """(width, 3): beginning, symbol and value of the largest entries of total (W, K)."""
    order = np.argsort(-total, axis=None)[:width]
    return np.column_stack([order // total.shape[1], order % total.shape[1], sign * total.ravel()[order]])
