"""The glucose of half a year: no window over a gap, no two parts that share a measurement; every error."""

import sys

import numpy as np
import pandas as pd
import pytest

from rnncourse.data import glucose


@pytest.fixture(scope="module")
def series():
    return glucose.load()


def test_the_series(series):
    assert series.name == "glucose" and series.dtype == float and len(series) > 200 * glucose.DAY
    assert (series.index.to_series().diff().dropna() == pd.Timedelta("5min")).all()
    assert 35 < series.min() < series.max() < 450 and 0.05 < series.isna().mean() < 0.15


def test_filled():
    nan = np.nan
    got = glucose.filled(pd.Series([nan, 1, nan, 3, nan, nan, 6, nan]))
    np.testing.assert_equal(got.to_numpy(), [nan, 1, 2, 3, nan, nan, 6, nan])


def test_windows_count_and_gaps():
    values = np.arange(3.0 * glucose.DAY)
    values[glucose.DAY + 100] = np.nan
    x, y = glucose.windows(values, 1, 1, steps=4, ahead=2)
    assert x.shape == (glucose.DAY - 5 - 6, 4) and (y == x[:, -1] + 2).all() and (np.diff(x) == 1).all()
    assert x.min() >= glucose.DAY and y.max() < 2 * glucose.DAY
    later, _ = glucose.windows(values, 2, 1, steps=4, ahead=2)
    assert y.max() < later.min() and len(later) == glucose.DAY - 5


def test_windows_do_not_change_the_series(series):
    before = series.copy()
    x, _ = glucose.windows(series, 0, 2, steps=12, ahead=6)
    x[:] = 0
    pd.testing.assert_series_equal(series, before)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"days": 0}, "expected days to be an integer of at least 1, got 0"),
        ({"first_day": -1}, "expected first_day to be an integer of at least 0, got -1"),
        ({"first_day": 3}, "expected days up to 3, got 3 to 4"),
        ({"steps": 287, "ahead": 2}, "expected 289 steps without a gap, found none"),
        ({"series": np.zeros((3, 2))}, r"expected a series of shape \(N,\), got \(3, 2\)"),
        ({"series": np.full(900, np.nan)}, "found none in these days"),
    ],
)
def test_what_does_not_fit(given, says):
    with pytest.raises(ValueError, match=says):
        glucose.windows(**{"series": np.zeros(900), "first_day": 0, "days": 1, "steps": 4, "ahead": 2} | given)


def test_the_package_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(glucose, "files", lambda name: tmp_path)
    with pytest.raises(FileNotFoundError, match="expected CGM.csv.gz in bokeh-sampledata, found none; install it"):
        glucose.load()
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "bokeh_sampledata", None)
    with pytest.raises(ModuleNotFoundError, match="in the package bokeh-sampledata; install it"):
        glucose.load()
