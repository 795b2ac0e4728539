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
    ],
    "check_variance": [
        (lambda N, sigma: (N**2 - 1) / (6 * N), "for N=654, sigma=2, the result is 109; it should be 436. sigma is"),
        (lambda N, sigma: N / 6, "sigma is missing"),
        (lambda N, sigma: sigma * (N**2 - 1) / (6 * N), "sigma is not squared."),
        (lambda N, sigma: sigma * N / 6, "sigma is not squared."),
        (lambda N, sigma: sigma**2 * N / 6, "for N=4, sigma=3, the result is 6; it should be 5.62. That is right for"),
        (lambda N, sigma: sigma**2 * (N + 1) / 2, "That is the mean of S_i² alone."),
        (lambda N, sigma: sigma**2 * (N + 1) * (2 * N + 1) / (6 * N), "That is the expected square of the mean."),
        (lambda N, sigma: -(sigma**2) * (N**2 - 1) / (6 * N), "The sign is turned."),
        (lambda N, sigma: sigma**2 * (N + 1) / 6, "The variance here divides by N."),
        (lambda N, sigma: sigma**2 * (N**2 - 1) / 6, "That is the sum over the days."),
        (lambda N, sigma: sigma**2 * (N**2 - 1) / N, "The factor 1/6 is missing."),
        (lambda N, sigma: float("nan"), "NaN"),
    ],
}


def test_the_walks_that_the_chapter_draws_have_the_right_answer_s_variance():
    steps = np.random.default_rng(3).normal(0, 3, size=(200_000, 4))
    assert answers.RIGHT["check_variance"](4, 3.0) == pytest.approx(steps.cumsum(axis=1).var(axis=1).mean(), rel=0.01)


@pytest.mark.parametrize(("check", "answer", "message"), answers.rows(WRONG))
def test_says_what_is_wrong(check, answer, message):
    answers.assert_says(check, answer, message)
