"""Tables whose index is time: read from a CSV file, with dates that are never guessed, and checked.

02.01.2020 is the second of January or the first of February, and 20200102 is a date or a number. So a date is read if
it is written year first, as ISO 8601 has it, or in the format that you state; anything else is an error that shows it.
"""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

ISO = r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?)(Z|[+-]\d\d:?\d\d)?"  # day, time, offset from UTC
PRICES = ("open", "high", "low", "close", "adjusted")


def read_table(path, time="date", date_format=None):
    """Your own table: a CSV file with a header, one column of dates or times, and numbers in all the others.

    path: str or Path. time: the name of the column of dates, in capitals or not. date_format: how the dates are
    written, as in ``datetime.strptime``: "%d.%m.%Y" reads 31.12.2020, "%Y%m%d" 20201231; None reads ISO 8601 only,
    2020-12-31 or 2020-12-31 23:59:00. An offset from UTC (+01:00, Z) is left out: the times are as the clock shows.
    Returns a DataFrame of float64 columns named as in the file, with a DatetimeIndex that ``check`` has checked.
    Raises FileNotFoundError, and ValueError that names the file, what was expected and what came.
    """
    where = f"series.read_table({Path(path).name!r})"
    table = read_csv(path, where)
    match = [name for name in table.columns if name.lower() == time.strip().lower()]
    if len(match) != 1:
        raise ValueError(f"{where}: expected one column {time!r} of dates, got the columns {', '.join(table.columns)}")
    index = dates(table.pop(match[0]), date_format, where, time)
    if not len(table.columns):
        raise ValueError(f"{where}: expected columns of numbers beside {match[0]}, got none")
    return check(numbers(table, where).set_index(index), where)


def read_csv(path, where):
    """The CSV file as it stands: a DataFrame of strings, the names of its columns without spaces around them."""
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"{where}: expected a CSV file, found nothing at {path}")
    if path.is_dir():
        raise ValueError(f"{where}: expected a CSV file, got the folder {path}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
            table = pd.read_csv(path, dtype=str, index_col=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserWarning) as error:  # pandas' errors of parsing, and bytes that are not UTF-8
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{where}: expected a CSV file in UTF-8 with a header, got: {reason}") from error
    table.columns = [name.strip() for name in table.columns]
    if table.columns.has_duplicates:
        raise ValueError(f"{where}: expected each column once, got {', '.join(table.columns)}")
    if len(table.columns) == 1 and ";" in table.columns[0]:
        raise ValueError(
            f"{where}: expected commas between the columns and points in the numbers, got {table.columns[0]!r}; "
            'convert it: pandas.read_csv(path, sep=";", decimal=",").to_csv(new, index=False)'
        )
    return table


def dates(written, date_format, where, name="date"):
    """A column of strings → DatetimeIndex. Raises ValueError that shows the first string that is no such date."""
    if written.isna().any():
        row = int(np.argmax(written.isna()))
        raise ValueError(f"{where}: expected a date in every row, got none in row {row + 1} after the header")
    written = written.str.strip()
    expected = f"dates as in date_format={date_format!r}"
    if date_format is None:
        expected = "dates as 2020-12-31, or a date_format that says how they are written, as '%d.%m.%Y'"
        found = written.str.extract(f"^{ISO}$")
        moments = pd.to_datetime(found[0], format="ISO8601", errors="coerce")
        offsets = found[1].dropna().unique()
        if len(offsets) > 1 and (moments != moments.dt.normalize()).any():
            raise ValueError(f"{where}: expected times of one offset from UTC, got {offsets[0]} and {offsets[1]}")
    elif "%" not in date_format:  # pandas would guess at "mixed"
        raise ValueError(f"{where}: expected date_format as '%d.%m.%Y' or None, got {date_format!r}")
    else:
        moments = stated(written, date_format, where)
    if moments.isna().any():
        row = int(np.argmax(moments.isna()))
        raise ValueError(f"{where}: expected {expected}, got {written.iloc[row]!r} in row {row + 1} after the header")
    return pd.DatetimeIndex(moments, name=name)


def stated(written, date_format, where):
    """The dates that ``date_format`` reads, NaT for the others."""
    try:
        moments = pd.to_datetime(written, format=date_format, errors="coerce")
        if re.search("%[a-zA-Z]%[a-zA-Z]", date_format):  # nothing between two numbers: 202012 were a day in January
            moments = moments.where(moments.dt.strftime(date_format) == written)
        return moments.dt.tz_localize(None)
    except (ValueError, AttributeError) as error:  # a directive that is none, offsets that differ
        raise ValueError(f"{where}: expected dates as in date_format={date_format!r}, got: {error}") from error


def numbers(table, where):
    """Columns of strings → columns of float64. What is missing stays NaN, for ``check`` to name."""
    converted = table.apply(pd.to_numeric, errors="coerce").astype(float)
    for name in table.columns:
        bad = converted[name].isna() & table[name].notna()
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"{where}: expected numbers as 3.5 in column {name}, got {table[name].iloc[row]!r} in row {row + 1} "
                "after the header"
            )
    return converted


def check(table, where="series.check", rows=1):
    """The table itself, if its dates rise, none stands twice, nothing is missing and it has at least ``rows`` rows.

    table: a DataFrame or Series with dates (or numbers) as its index. Prices must be positive, volumes not negative.
    Raises ValueError that names ``where``, the fault and the first date that has it.
    """
    if not isinstance(table, pd.DataFrame | pd.Series):
        raise ValueError(f"{where}: expected a DataFrame or Series of pandas, got {type(table).__name__}")
    index = table.index
    if len(table) < rows:
        raise ValueError(f"{where}: expected at least {rows} rows, got {len(table)}")
    if not (isinstance(index, pd.DatetimeIndex) or pd.api.types.is_numeric_dtype(index)):  # strings sort otherwise
        raise ValueError(
            f"{where}: expected dates or numbers as the index, got {index.dtype} as {index[0]!r}; "
            "pandas.to_datetime makes dates"
        )
    if index.hasnans:
        raise ValueError(f"{where}: expected a date in every row, got none in row {int(np.argmax(index.isna()))}")
    if index.has_duplicates:
        twice = index[index.duplicated()]
        raise ValueError(f"{where}: expected each date once, got {len(twice)} again, the first {label(twice[0])}")
    if not index.is_monotonic_increasing:
        first = int(np.argmax(index[1:] < index[:-1])) + 1
        raise ValueError(
            f"{where}: expected rising dates, got {label(index[first])} after {label(index[first - 1])}; "
            "sort_index() sorts them"
        )
    for name, column in table.items() if isinstance(table, pd.DataFrame) else [(table.name or "values", table)]:
        if not pd.api.types.is_numeric_dtype(column):
            raise ValueError(f"{where}: expected numbers in {name}, got {column.dtype} as {column.iloc[0]!r}")
        bad = ~np.isfinite(column.to_numpy(float))
        if bad.any():
            raise ValueError(
                f"{where}: expected finite values in {name}, got {bad.sum()} NaN or infinite, the first at "
                f"{label(index[np.argmax(bad)])}; a moving average has none for its first days: dropna()"
            )
        least = {"volume": 0}.get(name, np.nextafter(0, 1) if name in PRICES else -np.inf)
        if (column < least).any():
            day = index[np.argmax(column.to_numpy() < least)]
            raise ValueError(f"{where}: expected positive {name}, got {column[day]:g} at {label(day)}")
    return table


def label(day):
    """A date in an error message: without the time at midnight."""
    if not isinstance(day, pd.Timestamp):
        return str(day)
    return str(day.date()) if day == day.normalize() else str(day)
