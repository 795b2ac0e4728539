"""Daily prices that are on every machine that runs this course: features, windows, splits without leakage, scores.

``load`` reads five companies, 2000 to 2013, from the package ``bokeh-sampledata`` (Quandl WIKI prices, declared
public domain by their publisher; the values are as supplied); ``read`` takes your own CSV of prices, ``read_table``
any other. A table of prices has one row a trading day, sorted, and the columns open, high, low, close, volume (as
traded that day) and adjusted: the close divided by all later splits and dividends, so that its ratios are returns.

What is known at the close of day t may use rows up to t and no other: ``features`` keeps to that, ``windows`` pairs
it with day t+1, ``walk_forward`` cuts by day, ``scale`` learns from training rows only.
"""

import re
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit
from sklearn.preprocessing import StandardScaler

from rnncourse.data.tables import check, dates, numbers, read_csv
from rnncourse.data.tables import read_table as read_table  # for the reader: series.read_table

COMPANIES = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
COLUMNS = ("open", "high", "low", "close", "volume", "adjusted")
ADJUSTED = ("adjusted", "adjusted close", "adj", "adj close", "adjclose", "close adjusted", "close adj")


class Windows(NamedTuple):
    """x (T, B, m): what was known, T days a window; y (B,): the day after; days (B,): the date of y."""

    x: np.ndarray
    y: np.ndarray
    days: np.ndarray


# ---- tables of prices ----------------------------------------------------------------------------------------


def load(company):
    """Daily prices of one of ``COMPANIES``. Returns a DataFrame with ``COLUMNS``, the dates as its index.

    Raises ValueError for another name, ModuleNotFoundError and FileNotFoundError, which say what to install, if
    bokeh-sampledata is missing or older than 2026.1, where the prices had another licence.
    """
    if company not in COMPANIES:
        raise ValueError(
            f"series.load: expected one of {', '.join(COMPANIES)}, got {company!r}; "
            "series.read(path) reads your own prices, series.read_table(path) any other table"
        )
    install = 'install it: pip install "bokeh-sampledata>=2026.1"'
    try:
        path = Path(str(files("bokeh_sampledata"))) / "_data" / "stocks.csv.gz"
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"series.load: the prices are in the package bokeh-sampledata; {install}") from error
    if not path.exists():
        raise FileNotFoundError(f"series.load: bokeh-sampledata is older than 2026.1, no {path.name} in it; {install}")
    table = read_csv(path, "series.load")
    return tidy(table[table["Ticker"] == company].drop(columns="Ticker"), f"series.load({company!r})")


def read(path, date_format=None):
    """Your own prices: a CSV with the columns Date, Open, High, Low, Close, Volume and, if there is one, Adj Close.

    The dates are ISO (2020-12-31) or as ``date_format`` says, see ``read_table``; other columns are left out. Without
    an adjusted close the close stands for it; then a split looks like a crash. Returns what ``load`` does.
    Raises FileNotFoundError, and ValueError for missing columns, a column that could be an adjusted price and has
    another name, and whatever ``read_table`` refuses.
    """
    where = f"series.read({Path(path).name!r})"
    return tidy(read_csv(path, where), where, date_format)


def tidy(table, where, date_format=None):
    """A table of strings → prices with ``COLUMNS`` and dates, whatever the capitals, points and spaces in its names."""
    plain = [re.sub("[^a-z]+", " ", name.lower()).strip() for name in table.columns]
    table = table.set_axis(["adjusted" if name in ADJUSTED else name for name in plain], axis=1)
    missing = [name for name in ("date", *COLUMNS[:-1]) if name not in table.columns]
    if missing:
        raise ValueError(f"{where}: expected the columns date, {', '.join(COLUMNS[:-1])}, missing {', '.join(missing)}")
    twice = [name for name in ("date", *COLUMNS) if list(table.columns).count(name) > 1]
    if twice:
        raise ValueError(f"{where}: expected each column once, got {', '.join(twice)} again")
    if "adjusted" not in table.columns:
        strange = [name for name in table.columns if "adj" in name]
        if strange:
            raise ValueError(f"{where}: expected the adjusted close to be named Adj Close, got {', '.join(strange)}")
        table = table.assign(adjusted=table["close"])
    return check(numbers(table[list(COLUMNS)], where).set_index(dates(table["date"], date_format, where)), where)


# ---- what is known at the close of a day ---------------------------------------------------------------------


def returns(prices):
    """Log returns r_t = ln(p_t / p_{t−1}) of the adjusted close; NaN on the first day, which has no day before."""
    return np.log(check(prices, "series.returns")["adjusted"]).diff().rename("return")


def features(prices):
    """Eight numbers a day, each from that day and days before it.

    prices: a table as ``load`` gives it. Returns a DataFrame with the same dates: return; ma10, ma50: log distance
    from the moving average of 10 and 50 days; rsi of 14 days, as a share; band, width: place between the Bollinger
    bands (−1 lower, 1 upper) and their distance, for 20 days and 2 standard deviations; range: ln(high/low);
    turnover: log of the dollars traded against its mean of 20 days. The first 49 rows have NaN: no history yet.
    A later split or dividend multiplies all adjusted prices before it by one number; that changes no feature.
    Raises ValueError as ``check``.
    """
    prices = check(prices, "series.features")
    p, log = prices["adjusted"], np.log
    middle, deviation = p.rolling(20).mean(), p.rolling(20).std(ddof=0)
    dollars = log(1 + prices["close"] * prices["volume"])  # both as traded: a split cancels
    return pd.DataFrame(
        {
            "return": returns(prices),
            "ma10": log(p / p.rolling(10).mean()),
            "ma50": log(p / p.rolling(50).mean()),
            "rsi": rsi(p) / 100,
            "band": ((p - middle) / (2 * deviation)).where(~(deviation == 0), 0.0),
            "width": 4 * deviation / middle,
            "range": log(prices["high"] / prices["low"]),
            "turnover": dollars - dollars.rolling(20).mean(),
        }
    )


def rsi(price, n=14):
    """Relative strength index: 100 · up / (up + down), smoothed means of the rises and of the falls.

    The first mean is that of n changes; then mean_t = ((n−1) mean_{t−1} + change_t) / n, as Wilder (1978) has it.
    price (N,): a Series. Returns a Series of the same dates, NaN for the first n; 50 where nothing moved.
    Raises ValueError for n < 1, fewer than n + 1 prices, and as ``check``.
    """
    if n < 1:
        raise ValueError(f"series.rsi: expected n of at least 1, got {n}")
    change = check(price, "series.rsi", rows=n + 1).diff()

    def smooth(part):
        start = part.iloc[n:].copy()
        start.iloc[0] = part.iloc[1 : n + 1].mean()
        return start.ewm(alpha=1 / n, adjust=False).mean()

    up, down = smooth(change.clip(lower=0)), smooth(-change.clip(upper=0))
    return (100 * up / (up + down)).where(up + down > 0, 50.0).reindex(price.index)


# ---- windows, splits, scaling ----------------------------------------------------------------------------------


def windows(inputs, target, steps=10):
    """Windows of ``steps`` rows, each with the target of the row after it: y[b] is no part of x[:, b].

    inputs (N, m): a DataFrame; target (N,): a Series with the same dates. Returns Windows with B = N − steps.
    Raises ValueError for steps < 1, dates that differ, fewer than steps + 1 rows, and as ``check``.
    """
    if steps < 1:
        raise ValueError(f"series.windows: expected steps of at least 1, got {steps}")
    if not inputs.index.equals(target.index):
        raise ValueError("series.windows: expected inputs and target with the same dates, got others")
    check(inputs, "series.windows: inputs", rows=steps + 1)
    check(target, "series.windows: target", rows=steps + 1)
    view = np.lib.stride_tricks.sliding_window_view(inputs.to_numpy(float), steps, axis=0)  # (N−steps+1, m, steps)
    x = np.ascontiguousarray(view[:-1].transpose(2, 0, 1))
    return Windows(x, target.to_numpy(float)[steps:], target.index.to_numpy()[steps:])


def walk_forward(days, folds=3):
    """Train on all days before a cut, test on the stretch after it, move on: a list of (train, test), masks (B,).

    days (B,): the date of each window's y, in any order and as often as there are series. The cut is between days,
    so that no day stands on both sides. scikit-learn's TimeSeriesSplit on the distinct days.
    Raises ValueError for fewer than folds + 1 distinct days.
    """
    days = np.asarray(days)
    distinct = np.unique(days)
    if folds < 2 or len(distinct) < folds + 1:
        raise ValueError(
            f"series.walk_forward: expected folds of at least 2 and more than folds={folds} distinct days, "
            f"got {len(distinct)}"
        )
    return [
        (days <= distinct[train[-1]], (days >= distinct[test[0]]) & (days <= distinct[test[-1]]))
        for train, test in TimeSeriesSplit(folds).split(distinct)
    ]


def scale(x, train, scaler=None):
    """All windows, scaled by what the training windows show: fitted on their last rows, each training day once.

    x (T, B, m); train (B,): a mask; scaler: unfitted, of scikit-learn, StandardScaler() if left out.
    Returns an array like x. Raises ValueError for shapes that do not fit and for fewer than two training windows.
    """
    x, train = np.asarray(x, float), np.asarray(train)
    if x.ndim != 3 or train.shape != x.shape[1:2] or train.dtype != bool:
        raise ValueError(
            f"series.scale: expected x (T, B, m) and a mask train (B,), got {x.shape} and {train.dtype} {train.shape}"
        )
    if train.sum() < 2:
        raise ValueError(f"series.scale: expected at least 2 training windows, got {train.sum()}")
    fitted = clone(scaler or StandardScaler()).fit(x[-1, train])
    return fitted.transform(x.reshape(-1, x.shape[2])).reshape(x.shape)


# ---- scores ------------------------------------------------------------------------------------------------------


def mase(true, predicted, past):
    """Mean absolute scaled error: mean |true − predicted| over the mean |change| from step to step of ``past``.

    true, predicted (N,); past (M,): the same series in training. Below 1 beats what "as yesterday" scored *then*.
    Hyndman and Koehler (2006), https://doi.org/10.1016/j.ijforecast.2006.03.001.
    Raises ValueError for shapes that differ, empty input, values that are not finite, or a past that never moves.
    """
    true, predicted = same("series.mase", true, predicted)
    past = np.asarray(past, float)
    unit = np.abs(np.diff(past)).mean() if past.ndim == 1 and len(past) > 1 else np.nan
    if not unit > 0:
        raise ValueError("series.mase: expected a past of shape (M,), M at least 2, finite and not constant")
    return float(np.abs(true - predicted).mean() / unit)


def hits(true, predicted, confidence=0.95):
    """How often the sign was right, with Wilson's interval: (share, low, high, days that count).

    true, predicted (N,): returns. A day that did not move is left out; a prediction of exactly 0 counts as down. The
    interval takes days for independent. Raises ValueError for shapes that differ, or if no day moved.
    """
    true, predicted = same("series.hits", true, predicted)
    moved = true != 0
    if not moved.any():
        raise ValueError("series.hits: expected a day that moved, got none")
    right = int(((true > 0) == (predicted > 0))[moved].sum())
    test = binomtest(right, int(moved.sum()))
    low, high = test.proportion_ci(confidence, method="wilson")
    return right / test.n, float(low), float(high), test.n


def gain(loss, baseline, days, block=20, confidence=0.95, seed=0):
    """By how much the loss is lower than the baseline's, a day, with an interval: (mean, low, high).

    loss, baseline, days (N,): of the same forecasts. The differences of one day (several companies) are averaged
    first; then blocks of ``block`` days in a row are drawn with replacement 2,000 times, since days in a row and
    companies on one day are not independent. 0 in the interval: no difference shown. The question is that of Diebold
    and Mariano (1995), https://doi.org/10.1080/07350015.1995.10524599; the interval is by bootstrap.
    Raises ValueError for shapes that differ and for fewer than two blocks of days.
    """
    loss, baseline = same("series.gain", loss, baseline)
    if len(days) != len(loss):
        raise ValueError(f"series.gain: expected {len(loss)} days, got {len(days)}")
    daily = pd.Series(baseline - loss).groupby(np.asarray(days)).mean().to_numpy()
    if block < 1 or len(daily) < 2 * block:
        raise ValueError(f"series.gain: expected at least two blocks of {block} days, got {len(daily)} days")
    blocks = np.array_split(daily, len(daily) // block)
    total, size = np.array([b.sum() for b in blocks]), np.array([len(b) for b in blocks])
    drawn = np.random.default_rng(seed).integers(len(blocks), size=(2000, len(blocks)))
    means = total[drawn].sum(1) / size[drawn].sum(1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(daily.mean()), float(low), float(high)


def same(where, true, predicted):
    true, predicted = np.asarray(true, float), np.asarray(predicted, float)
    if true.ndim != 1 or true.shape != predicted.shape or not len(true):
        raise ValueError(f"{where}: expected two arrays of one shape (N,), got {true.shape} and {predicted.shape}")
    if not (np.isfinite(true).all() and np.isfinite(predicted).all()):
        raise ValueError(f"{where}: expected finite values, got NaN or infinite ones")
    return true, predicted
