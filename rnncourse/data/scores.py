"""How good a forecast is: against the size of the usual change, by its sign, against a baseline with an interval.

For a reader they are ``series.mase``, ``series.hits`` and ``series.gain``.
"""

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from rnncourse.checks import check_sizes


def mase(true, predicted, past):
    """Mean absolute scaled error: mean |true − predicted| over the mean |change| from step to step of ``past``.

    true, predicted (N,); past (M,): the same series in training. Below 1 beats what "as yesterday" scored *then*.
    Hyndman and Koehler (2006), https://doi.org/10.1016/j.ijforecast.2006.03.001.
    Raises ValueError for shapes that differ, empty input, values that are not finite, or a past that never moves.
    """
    true, predicted = same("series.mase", true, predicted)
    past = np.asarray(past, float)
    unit = np.abs(np.diff(past)).mean() if past.ndim == 1 and len(past) > 1 else np.nan
    if not 0 < unit < np.inf:
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
    check_confidence("series.hits", confidence)
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
    days = np.asarray(days)
    if days.shape != loss.shape or pd.isna(days).any():
        raise ValueError(f"series.gain: expected {len(loss)} days, none missing, got {days.shape}")
    check_sizes("series.gain", block=block)
    check_confidence("series.gain", confidence)
    daily = pd.Series(baseline - loss).groupby(days).mean().to_numpy()
    if len(daily) < 2 * block:
        raise ValueError(f"series.gain: expected at least two blocks of {block} days, got {len(daily)} days")
    blocks = np.array_split(daily, len(daily) // block)
    total, size = np.array([b.sum() for b in blocks]), np.array([len(b) for b in blocks])
    drawn = np.random.default_rng(seed).integers(len(blocks), size=(2000, len(blocks)))
    means = total[drawn].sum(1) / size[drawn].sum(1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(daily.mean()), float(low), float(high)


def check_confidence(where, confidence):
    if not 0 < confidence < 1:
        raise ValueError(f"{where}: expected confidence between 0 and 1, got {confidence}")


def same(where, true, predicted):
    true, predicted = np.asarray(true, float), np.asarray(predicted, float)
    if true.ndim != 1 or true.shape != predicted.shape or not len(true):
        raise ValueError(f"{where}: expected two arrays of one shape (N,), got {true.shape} and {predicted.shape}")
    if not (np.isfinite(true).all() and np.isfinite(predicted).all()):
        raise ValueError(f"{where}: expected finite values, got NaN or infinite ones")
    return true, predicted
