"""Your own table: dates are read as written or refused, never guessed; every error names the file."""

import re

import numpy as np
import pandas as pd
import pytest

from rnncourse.data import series


@pytest.fixture
def write(tmp_path):
    """Write mine.csv, of rows or bytes, and return its path."""

    def write(*rows):
        path = tmp_path / "mine.csv"
        path.write_bytes(rows[0] if isinstance(rows[0], bytes) else "\n".join(rows).encode())
        return path

    return write


def prices(write, days, header="Date,Open,High,Low,Close,Volume", more=""):
    return write(header, *(f"{day},1,3,1,2,100{more}" for day in days))


def test_dates_and_temperatures(write, monkeypatch):
    path = write("Date, temperature", "2020-01-01,-3.5", "2020-01-02,0", "2020-01-05,1e1")
    table = series.read_table(path)
    assert isinstance(table.index, pd.DatetimeIndex) and table.index.name == "date"
    assert list(table.columns) == ["temperature"] and table["temperature"].dtype == np.float64
    assert table["temperature"].tolist() == [-3.5, 0, 10]
    assert table.index.equals(pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-05"]))
    pd.testing.assert_frame_equal(series.read_table(str(path)), table)
    monkeypatch.setenv("HOME", str(path.parent))
    pd.testing.assert_frame_equal(series.read_table("~/mine.csv"), table)


def test_a_table_fits_into_windows(write):
    path = write("when,level,flow", *(f"2020-01-{day:02d},{day},{2 * day}" for day in range(1, 21)))
    table = series.read_table(path, time="when")
    x, y, days = series.windows(table, table["level"], 5)
    assert x.shape == (5, 15, 2) and y[0] == 6 and days[0] == np.datetime64("2020-01-06")


@pytest.mark.parametrize(
    ("date_format", "first", "second"),
    [
        (None, "2020-01-02", "2020-02-01"),
        (None, "2020-01-02 00:00:00", "2020-02-01 00:00:00"),
        (None, "2020-01-02T00:00:00+09:00", "2020-02-01T00:00+09:00"),
        (None, "2020-01-02 00:00:00-05:00", "2020-02-01 00:00:00-04:00"),  # days, across the change to summer time
        (None, "2020-01-02T00:00:00.000Z", "2020-02-01T00:00:00.000Z"),
        ("%d.%m.%Y", "02.01.2020", " 1.2.2020"),
        ("%m/%d/%Y", "01/02/2020", "02/01/2020"),
        ("%Y%m%d", "20200102", "20200201"),
        ("%d.%m.%y %H:%M %z", "02.01.20 00:00 +0100", "01.02.20 00:00 +0100"),
    ],
)
def test_dates_are_read_as_written(write, date_format, first, second):
    wanted = pd.DatetimeIndex(["2020-01-02", "2020-02-01"])
    path = write("date,x", f"{first},1", f"{second},2")
    assert (series.read_table(path, date_format=date_format).index == wanted).all()
    assert (series.read(prices(write, [first, second]), date_format).index == wanted).all()


def test_hours(write):
    index = series.read_table(write("time,x", "2020-01-01 22:30,1", "2020-01-01 23:30:15,2"), "time").index
    assert list(index) == [pd.Timestamp("2020-01-01 22:30"), pd.Timestamp("2020-01-01 23:30:15")]


@pytest.mark.parametrize(
    ("date_format", "day", "message"),
    [
        (None, "20200102", "expected dates as 2020-12-31, or a date_format .*, got '20200102' in row 1 after"),
        (None, "02.01.2020", "got '02.01.2020' in row 1"),
        (None, "1/2/2020", "got '1/2/2020' in row 1"),
        (None, "1577923200", "got '1577923200' in row 1"),
        (None, "2020-02-30", "got '2020-02-30' in row 1"),
        (None, "2020-01-02 5 pm", "got '2020-01-02 5 pm' in row 1"),
        (None, "", "expected a date in every row, got none in row 1"),
        ("%d.%m.%Y", "13/01/2020", "expected dates as in date_format='%d.%m.%Y', got '13/01/2020' in row 1"),
        ("%d.%m.%Y", "01.13.2020", "got '01.13.2020' in row 1"),
        ("%Y%m%d", "202012", "got '202012' in row 1"),  # pandas: the second of January
        ("mixed", "01.02.2020", "expected date_format as '%d.%m.%Y' or None, got 'mixed'"),
        ("%Q", "01.02.2020", "expected dates as in date_format='%Q', got: "),
    ],
)
def test_other_dates_are_refused(write, date_format, day, message):
    path = write("date,x", f"{day},1")
    with pytest.raises(ValueError, match=rf"^series.read_table\('mine.csv'\): .*{message}"):
        series.read_table(path, date_format=date_format)
    with pytest.raises(ValueError, match=rf"^series.read\('mine.csv'\): .*{message}"):
        series.read(prices(write, [day]), date_format)


def test_hours_of_two_offsets_are_refused(write):
    path = write("date,x", "2020-10-25 02:30+02:00,1", "2020-10-25 02:30+01:00,2")
    with pytest.raises(ValueError, match=r"mine.csv.*expected times of one offset from UTC, got \+02:00 and \+01:00"):
        series.read_table(path)
    path = write("date,x", "25.10.2020 02:30+0200,1", "25.10.2020 02:30+0100,2")
    with pytest.raises(ValueError, match="mine.csv.*date_format='%d.%m.%Y %H:%M%z', got: "):
        series.read_table(path, date_format="%d.%m.%Y %H:%M%z")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["when,x", "2020-01-01,1"], "expected one column 'date' of dates, got the columns when, x"),
        (["date,Date,x", "2020-01-01,2020-01-01,1"], "expected one column 'date' of dates, got the columns date, Date"),
        (["date,x, x", "2020-01-01,1,2"], "expected each column once, got date, x, x"),
        (["date", "2020-01-01"], "expected columns of numbers beside date, got none"),
        (["date,x"], "expected at least 1 rows, got 0"),
        ([""], "expected a CSV file in UTF-8 with a header, got: No columns"),
        (["date;x", "2020-01-01;1"], r"expected commas .* got 'date;x'; convert it: .*sep=\";\", decimal=\",\""),
        (["date;x", "2020-01-01;1,5"], "expected a CSV file in UTF-8 with a header, got: Length of header"),
        (["date,x", "2020-01-01,1,5"], "expected a CSV file in UTF-8 with a header, got: Length of header"),
        (["date,x", "2020-01-01,1", "2020-01-02,1,5"], "with a header, got: .*Expected 2 fields in line 3, saw 3"),
        ([b"date,x\n2020-01-01,caf\xe9"], "expected a CSV file in UTF-8 with a header, got: 'utf-8' codec"),
        (["date,x", "2020-01-01,1", "2020-01-02,warm"], "expected numbers as 3.5 in column x, got 'warm' in row 2"),
        (["date,x", '2020-01-01,"1,5"'], "expected numbers as 3.5 in column x, got '1,5' in row 1"),
        (["date,x", "2020-01-01,1_0"], "expected numbers as 3.5 in column x, got '1_0' in row 1"),
        (["date,x", "2020-01-01,1", "2020-01-02,"], "finite values in x, got 1 NaN or infinite, .* 2020-01-02"),
        (["date,x", "2020-01-01,inf"], "finite values in x, got 1 NaN or infinite, the first at 2020-01-01"),
        (["date,x", "2020-01-02,1", "2020-01-02,1"], "each date once, got 1 again, the first 2020-01-02"),
        (["date,x", "2020-01-02,1", "2020-01-01,1"], "rising dates, got 2020-01-01 after 2020-01-02"),
        (["date,x", "2020-01-02 10:00,1", "2020-01-02 09:00,1"], "rising dates, got 2020-01-02 09:00:00 after 2020-01"),
    ],
)
def test_broken_files_are_named(write, rows, message):
    with pytest.raises(ValueError, match=rf"^series.read_table\('mine.csv'\): .*{message}"):
        series.read_table(write(*rows))


def test_no_file(tmp_path):
    for read in (series.read, series.read_table):
        with pytest.raises(FileNotFoundError, match=re.escape(f"found nothing at {tmp_path / 'none.csv'}")):
            read(tmp_path / "none.csv")
        with pytest.raises(ValueError, match="expected a CSV file, got the folder"):
            read(tmp_path)


# ---- prices ------------------------------------------------------------------------------------------------------

DAYS = ["2020-01-02", "2020-01-03"]


@pytest.mark.parametrize("name", ["Adj Close", "Adj. Close", "adj_close", "Adj_Close", "Adjusted Close", "AdjClose"])
def test_the_adjusted_close_by_any_name(write, name):
    table = series.read(prices(write, DAYS, f"Date,Open,High,Low,Close,Volume,{name}", ",0.5"))
    assert list(table.columns) == list(series.COLUMNS) and (table.adjusted == 0.5).all()


@pytest.mark.parametrize("name", ["adj price", "Adjusted for splits", "Split-adj."])
def test_an_adjusted_price_of_unknown_name_is_not_passed_over(write, name):
    with pytest.raises(ValueError, match=r"mine.csv.*expected the adjusted close to be named Adj Close, got .*adj"):
        series.read(prices(write, DAYS, f"Date,Open,High,Low,Close,Volume,{name}", ",0.5"))


def test_two_adjusted_closes(write):
    path = prices(write, DAYS, "Date,Open,High,Low,Close,Volume,Adj Close,adjusted", ",1,2")
    with pytest.raises(ValueError, match=r"mine.csv.*expected each column once, got adjusted again"):
        series.read(path)


def test_other_columns_of_prices_are_left_out(write):
    table = series.read(prices(write, DAYS, "Date,Open,High,Low,Close,Volume,Ticker,Dividends", ",ABC,"))
    assert list(table.columns) == list(series.COLUMNS) and (table.adjusted == 2).all()


def test_load_says_how_to_read_your_own():
    with pytest.raises(ValueError, match=r"got 'shares.csv'; series.read\(path\) reads your own prices"):
        series.load("shares.csv")


# ---- any table ---------------------------------------------------------------------------------------------------


def test_dates_as_strings_are_no_index():
    """Sorted as strings, 01.02. stands before 02.01.: rising, and wrong."""
    table = pd.Series([1.0, 2.0], index=["01.02.2020", "02.01.2020"])
    with pytest.raises(ValueError, match="series.check: expected dates or numbers as the index, got .*'01.02.2020'"):
        series.check(table)


def test_text_is_no_number():
    table = pd.DataFrame({"x": ["1", "2"]}, index=pd.bdate_range("2020-01-01", periods=2))
    with pytest.raises(ValueError, match="series.check: expected numbers in x, got .* as '1'"):
        series.check(table)
    with pytest.raises(ValueError, match="series.check: expected a DataFrame or Series of pandas, got ndarray"):
        series.check(np.ones(3))
