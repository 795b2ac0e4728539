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
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit
from sklearn.preprocessing import StandardScaler

from rnncourse.checks import check_finite, check_sizes
from rnncourse.data.scores import gain, hits, mase
from rnncourse.data.tables import check, dates, numbers, read_csv, read_table

__all__ = ["Windows", "check", "features", "leaks", "load", "read", "read_table", "returns", "rsi", "scale"]
__all__ += ["walk_forward", "windows", "gain", "hits", "mase"]

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
    return np.log(need(prices, ["adjusted"], "series.returns")["adjusted"]).diff().rename("return")


def need(prices, columns, where):
    """The table, if it has these columns and ``check`` finds no fault."""
    if not isinstance(prices, pd.DataFrame) or not set(columns) <= set(prices.columns):
        got = ", ".join(map(str, prices.columns)) if isinstance(prices, pd.DataFrame) else type(prices).__name__
        raise ValueError(f"{where}: expected a table with the columns {', '.join(columns)}, got {got}")
    return check(prices, where)


def features(prices):
    """Eight numbers a day, each from that day and days before it.

    prices: a table as ``load`` gives it. Returns a DataFrame with the same dates: return; ma10, ma50: log distance
    from the moving average of 10 and 50 days; rsi of 14 days, as a share; band, width: place between the Bollinger
    bands (−1 lower, 1 upper) and their distance, for 20 days and 2 standard deviations; range: ln(high/low);
    turnover: log of the dollars traded against its mean of 20 days. The first 49 rows have NaN: no history yet.
    A later split or dividend multiplies all adjusted prices before it by one number; that changes no feature.
    Raises ValueError as ``check``.
    """
    prices = need(prices, ["high", "low", "close", "volume", "adjusted"], "series.features")
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
    check_sizes("series.rsi", n=n)
    change = check(price, "series.rsi", rows=n + 1).diff()

    def smooth(part):
        start = part.iloc[n:].copy()
        start.iloc[0] = part.iloc[1 : n + 1].mean()
        return start.ewm(alpha=1 / n, adjust=False).mean()

    up, down = smooth(change.clip(lower=0)), smooth(-change.clip(upper=0))
    return (100 * up / (up + down)).where(up + down > 0, 50.0).reindex(price.index)


def leaks(make, table, seed=0):
    """The dates whose features change when a later row of the table does: none, if no feature looks ahead.

    make(table) -> DataFrame or Series of features, one row a date; table: as ``check`` wants it. After each of a few
    days (the 10th, the 30th, the quarters, the last but one) all rows are multiplied by random numbers between ½ and
    2: what ``make`` then gives for the days up to that one must be the same, to the bit. The two early days show what
    fills the first rows from later ones. Returns a DatetimeIndex.
    Raises ValueError as ``check``, for fewer than 4 rows, for a feature that has no value yet on any of those days, and
    if no feature changes at all: that would pass without a look.
    """
    where = "series.leaks"
    table, rng = check(table, where, rows=4).astype(float), np.random.default_rng(seed)
    known, found, looked, moved = pd.DataFrame(make(table.copy())), set(), False, False
    N = len(table)
    for row in sorted({row for row in (9, 29, N // 4, N // 2, 3 * N // 4, N - 2) if row <= N - 2}):
        other = table.copy()
        other.iloc[row + 1 :] *= rng.uniform(0.5, 2, size=other.iloc[row + 1 :].shape)
        before, after = known.align(pd.DataFrame(make(other)))
        changed = ~(before.eq(after) | (before.isna() & after.isna())).all(axis=1)
        past = before.index <= table.index[row]
        found |= set(before.index[past & changed])
        looked, moved = looked | before[past].notna().any(), moved or changed[~past].any()
    if not (looked.all() and moved):
        what = "one feature at least to change with the table" if looked.all() else "every feature known on a day"
        names = ", ".join(map(str, known.columns[~looked] if not looked.all() else known.columns))
        raise ValueError(f"{where}: expected {what} with {N} rows, got none for {names}")
    return pd.Index(sorted(found), dtype=table.index.dtype, name=table.index.name)


# ---- windows, splits, scaling ----------------------------------------------------------------------------------


def windows(inputs, target, steps=10):
    """Windows of ``steps`` rows, each with the target of the row after it: y[b] is no part of x[:, b].

    inputs (N, m): a DataFrame; target (N,): a Series with the same dates. Returns Windows with B = N − steps.
    Raises ValueError for steps < 1, dates that differ, fewer than steps + 1 rows, and as ``check``.
    """
    check_sizes("series.windows", steps=steps)
    if not isinstance(inputs, pd.DataFrame) or not isinstance(target, pd.Series):
        got = f"{type(inputs).__name__} and {type(target).__name__}"
        raise ValueError(f"series.windows: expected a DataFrame of inputs and a Series as target, got {got}")
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
    if days.ndim != 1 or pd.isna(days).any():
        raise ValueError(f"series.walk_forward: expected days (B,), none missing, got shape {days.shape}")
    check_sizes("series.walk_forward", least=2, folds=folds)
    distinct = np.unique(days)
    if len(distinct) < folds + 1:
        raise ValueError(f"series.walk_forward: expected more than folds={folds} distinct days, got {len(distinct)}")
    return [
        (days <= distinct[train[-1]], (days >= distinct[test[0]]) & (days <= distinct[test[-1]]))
        for train, test in TimeSeriesSplit(folds).split(distinct)
    ]


def scale(x, train, scaler=None):
    """All windows, scaled by what the training windows show: fitted on their last rows, each training day once.

    x (T, B, m); train (B,): a mask; scaler: unfitted, of scikit-learn, StandardScaler() if left out.
    Returns an array like x. Raises ValueError for shapes that do not fit, for NaN or infinity, and for fewer than two
    training windows.
    """
    x, train = np.asarray(x, float), np.asarray(train)
    if x.ndim != 3 or train.shape != x.shape[1:2] or train.dtype != bool:
        raise ValueError(
            f"series.scale: expected x (T, B, m) and a mask train (B,), got {x.shape} and {train.dtype} {train.shape}"
        )
    check_finite("x", x, "series.scale")
    if train.sum() < 2:
        raise ValueError(f"series.scale: expected at least 2 training windows, got {train.sum()}")
    fitted = clone(scaler or StandardScaler()).fit(x[-1, train])
    return fitted.transform(x.reshape(-1, x.shape[2])).reshape(x.shape)
