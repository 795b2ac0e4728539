"""The checks of part 6: series."""

import numpy as np
import pandas as pd

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import NotYet, apart, asks_for_function, compare, kind, number


@asks_for_function
def check_drawdown(drawdown):
    """Chapter 6.1, “A feature that does not look ahead”: drawdown(price, n) → a Series with the dates of price.

    Asked for: ln(p_t / max(p_{t−n+1} … p_t)), how far the price lies below its highest of the last n days, today
    included; NaN on the first n − 1 days. Checked: three series, also n = 1, and that later prices change no earlier
    value.
    """
    rng = np.random.default_rng(61)
    for N, n in [(40, 5), (30, 1), (60, 20)]:
        price = pd.Series(np.exp(np.cumsum(rng.normal(size=N))), index=pd.bdate_range("2001-01-01", periods=N))
        where = f"for n={n}"
        answer = series(call(drawdown, where, price=price, n=n), price, where)
        right = pd.Series([np.log(price.iloc[t] / price.iloc[max(t - n + 1, 0) : t + 1].max()) for t in range(N)])
        right.iloc[: n - 1] = np.nan
        if same(answer, right):
            continue
        for t in range(N - 1):
            other = price.copy()
            other.iloc[t + 1 :] *= 10.0
            after = series(call(drawdown, where, price=other, n=n), price, where)
            if not same(after[: t + 1], answer[: t + 1]):
                raise NotYet(f"{where}, it looks ahead: prices after row {t} change the result in rows up to {t}.")
        why = next((f" {why}" for slip, why in slips(price, n) if same(answer, slip)), "")
        if not why and not np.isnan(answer[: n - 1]).all():
            raise NotYet(f"{where}, the first {n - 1} rows have fewer than {n} days behind them. They should be NaN.")
        row = int(np.argmax(~np.isclose(answer, right, equal_nan=True)))
        got, wish = apart(answer[row], right[row])
        raise NotYet(f"{where}, row {row} is {got}; it should be {wish}.{why}")


@asks_for_function
def check_variance(variance):
    """Chapter 6.1, “Derive equation (1)”: variance(N, sigma) → the expected variance of a random walk of N steps.

    The walk is S_i = e_1 + … + e_i with steps of variance sigma²; asked for is E[mean of S_i² − (mean of S_i)²], which
    is sigma² (N² − 1) / (6 N). Checked: three pairs of N and sigma, none with sigma = 1; the limit N sigma² / 6 passes
    where N is large, but not for N = 4.
    """
    for N, sigma in [(654, 2.0), (100, 0.5), (4, 3.0)]:
        where = f"for N={N}, sigma={sigma:g}"
        answer = number(call(variance, where, N=N, sigma=sigma), where, "one number")
        shape = (N * N - 1) / (6 * N)
        if N > 99 and np.isclose(answer, N * sigma**2 / 6):
            continue
        first, mean = sigma**2 * (N + 1) / 2, sigma**2 * (N + 1) * (2 * N + 1) / (6 * N)
        slips = [
            (shape, "sigma is missing: steps twice as large make the variance four times as large."),
            (N / 6, "sigma is missing: steps twice as large make the variance four times as large."),
            (shape * sigma, "sigma is not squared."),
            (N * sigma / 6, "sigma is not squared."),
            (N * sigma**2 / 6, "That is right for large N only. A part of order 1/N is missing."),
            (first, "That is the mean of S_i² alone. Subtract the expected square of the mean."),
            (mean, "That is the expected square of the mean. Subtract it from the mean of E S_i²."),
            (mean - first, "The sign is turned."),
            (shape * sigma**2 * N / (N - 1), "That divides by N − 1. The variance here divides by N."),
            (shape * sigma**2 * N, "That is the sum over the days. Divide by N."),
            (6 * shape * sigma**2, "The factor 1/6 is missing."),
        ]
        compare(where, answer, sigma**2 * shape, slips=slips)


def series(answer, price, where):
    """The numbers of a reader's Series, if it is one with the dates of ``price``."""
    if not isinstance(answer, pd.Series):
        raise NotYet(f"{where}, the result is {kind(answer)}. It should be a Series with the dates of the price.")
    if len(answer) != len(price):
        raise NotYet(
            f"{where}, the result has {len(answer)} rows, and the price has {len(price)}. Do not drop the NaN."
        )
    if not answer.index.equals(price.index):
        raise NotYet(
            f"{where}, the index of the result is not that of the price. It should be a Series with its dates."
        )
    try:
        return answer.to_numpy(float)
    except (TypeError, ValueError):
        raise NotYet(f"{where}, the result holds {answer.dtype}. It should hold numbers.") from None


def same(a, b):
    return np.allclose(a, b, equal_nan=True)


def slips(price, n):
    """Wrong answers, without those that look ahead, and their sentences."""
    window = price.rolling(n)
    share, log = price / window.max(), np.log(price)
    yield share - 1, "That is a share. Take the logarithm of the ratio."
    yield share, "That is the ratio. Its logarithm is missing."
    yield -np.log(share), "The sign is turned: the price comes above, the highest below."
    yield 1 - share, "That is a share, and its sign is turned. Take the logarithm of the ratio."
    yield price - window.max(), "That is a difference of prices. Take the logarithm of the ratio."
    yield np.log10(share), "That is the logarithm to base 10. Take the natural one, np.log."
    yield np.log2(share), "That is the logarithm to base 2. Take the natural one, np.log."
    yield log - log.rolling(n + 1).max(), "The window has n + 1 days. Today is one of the n."
    yield log - log.shift(1).rolling(n).max(), "Today is missing in the window: without `shift`."
    yield log - log.cummax().where(window.count() == n), "That is the highest of all days so far. Take the last n days."
    yield np.log(price / window.mean()), "That is the mean of the window. Take its highest price."
    yield np.log(price / window.min()), "That is the lowest of the window. Take the highest."
    yield log.diff(n - 1), "That is the return over the window. Compare with its highest price."
    if n > 1:
        yield log - log.rolling(n - 1).max(), "The window has n − 1 days. Today is one of the n."
