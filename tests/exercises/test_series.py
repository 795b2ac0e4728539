"""Chapter 6.1: wrong answers that a student might give, and the sentence for each."""

import answers
import numpy as np
import pytest


def of_window(answer):
    """An answer of the prices p and the window of the last n of them."""
    return lambda price, n: answer(price, price.rolling(n))


WRONG = {
    "check_drawdown": [
        (lambda p, n: np.log(p / p.rolling(n, center=True).max()), "for n=5, it looks ahead: prices after row"),
        (lambda p, n: np.log(p / p.rolling(n).max()).bfill(), "it looks ahead"),
        (lambda p, n: np.log(p / p[::-1].rolling(n).max()[::-1]), "it looks ahead"),
        (lambda p, n: np.log(p / p.max()), "it looks ahead"),
        (
            lambda p, n: np.log(p / p.rolling(n, min_periods=1).max()),
            "the first 4 rows have fewer than 5 days behind them.",
        ),
        (lambda p, n: np.log(p / p.rolling(n).max()).fillna(0), "They should be NaN."),
        (of_window(lambda p, w: p / w.max() - 1), "That is a share. Take the logarithm of the ratio."),
        (of_window(lambda p, w: p / w.max()), "That is the ratio. Its logarithm is missing."),
        (of_window(lambda p, w: np.log(w.max() / p)), "The sign is turned: the price comes above, the highest below."),
        (of_window(lambda p, w: 1 - p / w.max()), "That is a share, and its sign is turned."),
        (of_window(lambda p, w: p - w.max()), "That is a difference of prices."),
        (of_window(lambda p, w: np.log10(p / w.max())), "to base 10"),
        (of_window(lambda p, w: np.log2(p / w.max())), "to base 2"),
        (of_window(lambda p, w: np.log(p / w.mean())), "That is the mean of the window. Take its highest price."),
        (of_window(lambda p, w: np.log(p / w.min())), "That is the lowest of the window. Take the highest."),
        (
            lambda p, n: np.log(p / p.rolling(n + 1).max()),
            "row 4 is NaN; it should be -2.91. The window has n + 1 days.",
        ),
        (lambda p, n: np.log(p / p.rolling(max(n - 1, 1)).max()), "The window has n − 1 days. Today is one of the n."),
        (lambda p, n: np.log(p / p.shift(1).rolling(n).max()), "Today is missing in the window: without `shift`."),
        (
            lambda p, n: np.log(p / p.cummax()).where(np.arange(len(p)) >= n - 1),
            "That is the highest of all days so far.",
        ),
        (lambda p, n: np.log(p / p.cummax()), "They should be NaN."),
        (lambda p, n: np.log(p / p.shift(n - 1)), "That is the return over the window."),
        (
            lambda p, n: np.log(p / p.rolling(n).max()).to_numpy(),
            "the result is an array of shape (40,). It should be a Series",
        ),
        (lambda p, n: np.log(p / p.rolling(n).max()).to_frame(), "It should be a Series with the dates of the price."),
        (
            lambda p, n: np.log(p / p.rolling(n).max()).dropna(),
            "has 36 rows, and the price has 40. Do not drop the NaN.",
        ),
        (
            lambda p, n: np.log(p / p.rolling(n).max()).reset_index(drop=True),
            "the index of the result is not that of the price.",
        ),
        (lambda p, n: np.log(p / p.rolling(n).max()).iloc[-1], "the result is the number"),
        (lambda p, n: np.log(p / p.rolling(n).max()).astype(str) + "%", "It should hold numbers."),
        (lambda p, n: np.log(p / max(p[t - n + 1 : t + 1] for t in p)), "your code stops at line"),
        (lambda p, n: p.rolling(n).maximum(), "AttributeError: 'Rolling' object has no attribute 'maximum'"),
    ]
}


@pytest.mark.parametrize(("check", "answer", "message"), answers.rows(WRONG))
def test_says_what_is_wrong(check, answer, message):
    answers.assert_says(check, answer, message)
