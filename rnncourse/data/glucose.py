"""Blood glucose of one person, every five minutes for half a year: a small series of real measurements.

``load`` reads it from the package ``bokeh-sampledata`` ("supplied directly to a Bokeh maintainer by a personal
acquaintance as public-domain data"); ``windows`` cuts pieces of it with the value some steps later, none over a gap.
"""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from rnncourse.checks import check_sizes

DAY = 288
"""Steps of five minutes in a day."""


def load():
    """Glucose in mg/dL: a Series of float64 with a time every five minutes, NaN where nothing was measured.

    A single missing step between two measured ones is their mean. Raises ModuleNotFoundError or FileNotFoundError,
    which say what to install, if bokeh-sampledata is missing or has no such file.
    """
    install = 'install it: pip install "bokeh-sampledata>=2026.1"'
    try:
        path = Path(str(files("bokeh_sampledata"))) / "_data" / "CGM.csv.gz"
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"glucose.load: the series is in the package bokeh-sampledata; {install}") from error
    if not path.exists():
        raise FileNotFoundError(f"glucose.load: expected {path.name} in bokeh-sampledata, found none; {install}")
    table = pd.read_csv(path)
    times = pd.to_datetime(table["datetime"])
    series = pd.Series(table["glucose"].to_numpy(float), index=times, name="glucose")
    return filled(series.resample("5min").mean())


def filled(series):
    """Steps that are missing alone, between two that are not, get the mean of both."""
    alone = series.isna() & series.shift(1).notna() & series.shift(-1).notna()
    return series.where(~alone, (series.shift(1) + series.shift(-1)) / 2)


def windows(series, first_day, days, steps, ahead):
    """x (B, steps): what was measured; y (B,): the value ``ahead`` steps after the last one.

    Taken from the ``days`` days after the first ``first_day`` days, counted from the first measurement, and only where
    nothing is missing from the first step to y. All of a window lies in these days, so that two calls for other days
    share no measurement. series: as ``load`` gives it. Returns two arrays of float64.
    Raises ValueError for sizes below 1 (first_day: below 0), for days past the end, and for days with no whole window.
    """
    check_sizes("glucose.windows", days=days, steps=steps, ahead=ahead)
    check_sizes("glucose.windows", least=0, first_day=first_day)
    values = np.asarray(series, float)
    if values.ndim != 1:
        raise ValueError(f"glucose.windows: expected a series of shape (N,), got {values.shape}")
    if (first_day + days) * DAY > len(values):
        raise ValueError(
            f"glucose.windows: expected days up to {len(values) // DAY}, got {first_day} to {first_day + days}"
        )
    values = values[first_day * DAY : (first_day + days) * DAY]
    if steps + ahead <= len(values):
        whole = np.lib.stride_tricks.sliding_window_view(values, steps + ahead)
        whole = whole[np.isfinite(whole).all(axis=1)]
        if len(whole):
            return whole[:, :steps].copy(), whole[:, -1].copy()
    raise ValueError(f"glucose.windows: expected {steps + ahead} steps without a gap, found none in these days")
