"""Daily prices: no feature looks ahead, no window holds its answer, no split shares a day; scores; every error."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler

from rnncourse.data import series

DRAWN = settings(deadline=None, derandomize=True, max_examples=25)  # the same cases every time


def random_prices(N=120, seed=0):
    """A table of N made-up days."""
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(0.02 * rng.normal(size=N)))
    spread = np.exp(0.01 * rng.random(N))
    table = pd.DataFrame({"open": close, "high": close * spread, "low": close / spread, "close": close})
    table = table.assign(volume=np.rint(1e6 * rng.random(N)), adjusted=close / 2)
    return table.set_index(pd.bdate_range("2001-01-01", periods=N, name="date"))


# ---- the prices ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=series.COMPANIES)
def company(request):
    return request.param, series.load(request.param)


def test_the_five_companies(company):
    name, table = company
    rows = {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}[name]
    assert len(table) == rows and list(table.columns) == list(series.COLUMNS) and table.index[-1].year == 2013
    assert (table.low <= table.close + 1e-9).all() and (table.close <= table.high + 1e-9).all()
    assert np.abs(series.returns(table)).max() < 0.8  # the splits are taken out


def test_splits_are_in_the_close_and_not_in_the_adjusted_close():
    table = series.load("AAPL").loc["2005-02-25":"2005-02-28"]
    assert table.close.iloc[1] / table.close.iloc[0] < 0.6 < 0.9 < table.adjusted.iloc[1] / table.adjusted.iloc[0]


def test_load_names_the_companies():
    with pytest.raises(ValueError, match=r"series.load: expected one of AAPL, FB, GOOG, IBM, MSFT, got 'TSLA'"):
        series.load("TSLA")


def test_load_says_what_to_install(monkeypatch, tmp_path):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(series, "files", missing)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "bokeh-sampledata>=2026.1"'):
        series.load("IBM")
    monkeypatch.setattr(series, "files", lambda name: tmp_path)
    with pytest.raises(FileNotFoundError, match=r'older than 2026.1.*pip install "bokeh-sampledata>=2026.1"'):
        series.load("IBM")


def test_your_own_csv(tmp_path):
    path = tmp_path / "mine.csv"
    table = random_prices(5)
    shown = table.rename(columns=lambda name: {"adjusted": "Adj Close"}.get(name, name.title()))
    shown.rename_axis("Date").to_csv(path)
    pd.testing.assert_frame_equal(series.read(path), table, check_freq=False, check_index_type=False)
    shown.drop(columns="Adj Close").rename_axis("Date").to_csv(path)
    assert (series.read(path).adjusted == series.read(path).close).all()
    shown.drop(columns=["Adj Close", "Volume", "Low"]).rename_axis("Date").to_csv(path)
    with pytest.raises(ValueError, match=r"series.read\('mine.csv'\): expected the columns .* missing low, volume"):
        series.read(path)
    with pytest.raises(FileNotFoundError, match="expected a CSV file, found nothing at"):
        series.read(tmp_path / "none.csv")


def broken(change):
    table = random_prices(60)
    return change(table.copy())


def put(table, day, name, value):
    table.loc[table.index[day], name] = value
    return table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.iloc[::-1], r"expected rising dates, got 2001-03-22 after 2001-03-23; sort_index\(\) sorts"),
        (lambda t: t.iloc[[0, 1, 1, 2, 2]], "expected each date once, got 2 again, the first 2001-01-02"),
        (lambda t: put(t, 3, "adjusted", np.nan), "finite values in adjusted, got 1 NaN or infinite, .* 2001-01-04; "),
        (lambda t: put(t, 4, "close", 0.0), "expected positive close, got 0 at 2001-01-05"),
        (lambda t: put(t, 4, "volume", -1.0), "expected positive volume, got -1 at 2001-01-05"),
        (lambda t: t.iloc[:0], "expected at least 1 rows, got 0"),
        (lambda t: t.set_index(t.index.where(t.index != t.index[2])), "a date in every row, got none in row 2"),
    ],
)
@pytest.mark.parametrize("function", [series.check, series.features, series.returns])
def test_broken_tables_are_named(function, change, message):
    with pytest.raises(ValueError, match=rf"^series.{function.__name__}: .*{message}"):
        function(broken(change))


# ---- features ------------------------------------------------------------------------------------------------


@DRAWN
@given(st.integers(0, 119), st.integers(0, 1000))
def test_changing_the_future_changes_no_feature_of_the_past(today, seed):
    table = random_prices()
    other = table.copy()
    other.iloc[today + 1 :] = random_prices(seed=seed + 1).iloc[today + 1 :] * 3
    past = slice(None, today + 1)
    pd.testing.assert_frame_equal(
        series.features(table).iloc[past], series.features(other).iloc[past], check_exact=True
    )


def test_a_feature_of_today_changes_with_today():
    table = random_prices()
    other = table.copy()
    other.iloc[80] *= [1, 1.2, 0.9, 1.1, 2, 1.1]
    changed = (series.features(table) != series.features(other)).iloc[80]
    assert changed.all()  # so that the test above is not passed by features that look at nothing


def test_features_of_a_prefix_are_a_prefix_of_the_features(company):
    _, table = company
    whole, part = series.features(table), series.features(table.iloc[:150])
    pd.testing.assert_frame_equal(whole.iloc[:150], part, check_exact=True)


def test_history_is_missing_for_49_rows_and_then_complete(company):
    whole = series.features(company[1])
    assert whole.iloc[:49].isna().any(axis=1).all() and whole.iloc[49:].notna().all(axis=None)


def test_features_by_hand():
    table = random_prices()
    p, row = table.adjusted.to_numpy(), series.features(table).iloc[100]
    last = p[81:101]
    assert np.isclose(row["return"], np.log(p[100] / p[99]))
    assert np.isclose(row.ma10, np.log(p[100] / p[91:101].mean()))
    assert np.isclose(row.ma50, np.log(p[100] / p[51:101].mean()))
    assert np.isclose(row.band, (p[100] - last.mean()) / (2 * last.std()))
    assert np.isclose(row.width, 4 * last.std() / last.mean())
    assert np.isclose(row.range, np.log(table.high.iloc[100] / table.low.iloc[100]))
    dollars = np.log(1 + table.close * table.volume)
    assert np.isclose(row.turnover, dollars.iloc[100] - dollars.iloc[81:101].mean())


def test_a_later_split_changes_no_feature():
    table = random_prices()
    split = table.assign(adjusted=table.adjusted / 7)
    pd.testing.assert_frame_equal(series.features(table), series.features(split), rtol=1e-9, atol=1e-12)


def test_constant_prices_give_numbers():
    table = random_prices()
    table[["open", "high", "low", "close", "adjusted"]] = 8.0  # sums of 8 are exact
    row = series.features(table).iloc[-1]
    assert row.band == 0 and row.rsi == 0.5 and np.isfinite(row).all()


def test_rsi_against_a_published_example():
    """The spreadsheet of StockCharts' page on the RSI, whose prices are printed with two digits."""
    price = "44.34 44.09 44.15 43.61 44.33 44.83 45.10 45.42 45.84 46.08 45.89 46.03 45.61 46.28 46.28 46.00 46.03 "
    price = pd.Series([float(p) for p in (price + "46.41 46.22 45.64 46.21").split()])
    got = series.rsi(price)
    assert got.iloc[:14].isna().all()
    np.testing.assert_allclose(got.iloc[14:], [70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93], atol=0.1)


def test_rsi_is_wilders_recursion():
    price = random_prices(60).adjusted
    change = np.diff(price)
    up, down = change[:5].clip(0).mean(), (-change[:5]).clip(0).mean()
    for c in change[5:]:
        up, down = (4 * up + max(c, 0)) / 5, (4 * down + max(-c, 0)) / 5
    assert np.isclose(series.rsi(price, 5).iloc[-1], 100 * up / (up + down))


def test_rsi_at_its_ends():
    rising = pd.Series(np.arange(1.0, 30))
    assert series.rsi(rising).iloc[-1] == 100 and series.rsi(rising[::-1].reset_index(drop=True)).iloc[-1] == 0
    with pytest.raises(ValueError, match="series.rsi: expected at least 15 rows, got 14"):
        series.rsi(rising[:14])
    with pytest.raises(ValueError, match="series.rsi: expected n to be an integer of at least 1, got 0"):
        series.rsi(rising, 0)


def test_features_of_another_table():
    table = random_prices(60)[["close"]]
    with pytest.raises(ValueError, match="series.features: expected a table with the columns high, .*, got close"):
        series.features(table)
    with pytest.raises(ValueError, match="series.returns: expected a table with the columns adjusted, got close"):
        series.returns(table)
    with pytest.raises(ValueError, match="series.returns: expected a table with the columns adjusted, got Series"):
        series.returns(table["close"])


# ---- leaks ---------------------------------------------------------------------------------------------------

AHEAD = {
    "centred average": lambda t: t["adjusted"].rolling(10, center=True).mean(),
    "tomorrow": lambda t: t["adjusted"].shift(-1),
    "scaled by all": lambda t: t["adjusted"] / t["adjusted"].mean(),
    "rank in all": lambda t: t["adjusted"].rank(),
    "first days filled": lambda t: t["adjusted"].rolling(50).mean().bfill(),
    "first days filled, 20": lambda t: t["adjusted"].rolling(20).mean().bfill(),
    "filled from later": lambda t: t["adjusted"].where(np.arange(len(t)) % 7 == 0).bfill(),
    "rows by their future": lambda t: t["adjusted"][t["adjusted"] > t["adjusted"].mean()],
    "one of two": lambda t: series.features(t).assign(ahead=t["close"].shift(-2)),
}


@pytest.mark.parametrize("N", [60, 120, 3270])  # also a table much shorter than another
@pytest.mark.parametrize("name", AHEAD)
def test_leaks_are_found(name, N):
    table = random_prices(N)
    found = series.leaks(AHEAD[name], table)
    assert 0 < len(found) < N and isinstance(found, pd.DatetimeIndex)
    if name == "tomorrow":
        assert list(found) == list(table.index[sorted({9, 29, N // 4, N // 2, 3 * N // 4, N - 2})])


@pytest.mark.parametrize("N", [60, 120, 3270])
def test_honest_features_leak_nothing(N):
    table = random_prices(N)
    assert len(series.leaks(series.features, table)) == 0
    assert len(series.leaks(lambda t: series.features(t).dropna(), table)) == 0
    assert len(series.leaks(series.returns, table)) == 0
    assert len(series.leaks(lambda t: t["volume"].shift(1), table)) == 0


def test_leaks_does_not_pass_what_it_cannot_see():
    with pytest.raises(ValueError, match="every feature known on a day with 40 rows, got none for ma50"):
        series.leaks(series.features, random_prices(40))
    with pytest.raises(ValueError, match="one feature at least to change .* got none for 0"):
        series.leaks(lambda t: pd.Series(1.0, index=t.index), random_prices(60))
    with pytest.raises(ValueError, match="series.leaks: expected at least 4 rows, got 3"):
        series.leaks(series.returns, random_prices(3))


# ---- windows, splits, scaling ----------------------------------------------------------------------------------


def numbered(N=20, m=2):
    """inputs[i] = (i, 100 + i, …), target[i] = −i: every number says where it came from."""
    dates = pd.bdate_range("2001-01-01", periods=N)
    inputs = pd.DataFrame({j: 100.0 * j + np.arange(N) for j in range(m)}, index=dates)
    return inputs, pd.Series(-np.arange(N, dtype=float), index=dates)


@pytest.mark.parametrize("steps", [1, 3, 19])
def test_a_window_ends_the_day_before_its_answer(steps):
    inputs, target = numbered()
    x, y, days = series.windows(inputs, target, steps)
    assert x.shape == (steps, 20 - steps, 2) and y.shape == days.shape == (20 - steps,)
    for b in range(20 - steps):
        assert (x[:, b, 0] == np.arange(b, b + steps)).all() and (x[:, b, 1] == 100 + x[:, b, 0]).all()
        assert y[b] == -(b + steps) and days[b] == target.index[b + steps]


def test_windows_errors():
    inputs, target = numbered()
    for arguments, message in [
        ((inputs, target, 0), "expected steps to be an integer of at least 1, got 0"),
        ((inputs, target, 20), "inputs: expected at least 21 rows, got 20"),
        ((inputs.iloc[1:], target), "the same dates"),
        ((inputs[0], target, 3), "a DataFrame of inputs and a Series as target, got Series and Series"),
        ((inputs, inputs, 3), "a DataFrame of inputs and a Series as target, got DataFrame and DataFrame"),
        ((inputs, target, 2.0), "expected steps to be an integer of at least 1, got 2.0"),
        (
            (inputs.where(inputs != 3), target),
            r"inputs: expected finite values in 0, got 1 .* 2001-01-04; .*dropna\(\)",
        ),
        ((inputs, target.where(target != -5)), "target: expected finite values in values, got 1"),
        ((inputs.iloc[::-1], target.iloc[::-1]), "expected rising dates"),
    ]:
        with pytest.raises(ValueError, match=f"series.windows.*{message}"):
            series.windows(*arguments)


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_no_day_on_both_sides_and_training_comes_first(folds):
    days = np.concatenate([np.arange(100), np.arange(40, 100), np.arange(95, 100)])  # three series, other starts
    tested = []
    for train, test in series.walk_forward(days, folds):
        assert days[train].max() + 1 == days[test].min() and days[train].min() == 0
        assert set(days[train]) | set(days[test]) == set(range(days[test].max() + 1))
        assert (train == (days < days[test].min())).all()  # of every series
        tested += list(np.unique(days[test]))
    assert tested == sorted(set(tested)) and tested[-1] == 99  # each day tested once


def test_too_few_days_for_the_folds():
    with pytest.raises(ValueError, match="more than folds=3 distinct days, got 3"):
        series.walk_forward([1, 1, 2, 2, 3, 3], 3)
    with pytest.raises(ValueError, match="folds to be an integer of at least 2, got 1"):
        series.walk_forward(range(10), 1)
    days = pd.bdate_range("2020-01-01", periods=10).to_numpy(copy=True)
    days[3] = np.datetime64("NaT")
    with pytest.raises(ValueError, match=r"expected days \(B,\), none missing, got shape \(10,\)"):
        series.walk_forward(days, 3)
    with pytest.raises(ValueError, match=r"expected days \(B,\), none missing, got shape \(5, 2\)"):
        series.walk_forward(np.arange(10).reshape(5, 2), 3)


@pytest.mark.parametrize("scaler", [None, MinMaxScaler()])
def test_scaling_learns_from_training_rows_only(scaler):
    rng = np.random.default_rng(0)
    x, train = rng.normal(3, 5, size=(4, 30, 2)), np.arange(30) < 20
    scaled = series.scale(x, train, scaler)
    last = scaled[-1, :20]
    if scaler is None:
        np.testing.assert_allclose([last.mean(0), last.std(0)], [[0, 0], [1, 1]], atol=1e-12)
    else:
        np.testing.assert_allclose([last.min(0), last.max(0)], [[0, 0], [1, 1]], atol=1e-12)
        assert not hasattr(scaler, "scale_")  # the caller's scaler stays unfitted
    other = x.copy()
    other[:, 20:] = 1e6 * rng.normal(size=(4, 10, 2))
    np.testing.assert_array_equal(series.scale(other, train, scaler)[:, :20], scaled[:, :20])


def test_scale_errors():
    x = np.zeros((4, 30, 2))
    with pytest.raises(ValueError, match=r"got \(4, 30, 2\) and bool \(29,\)"):
        series.scale(x, np.ones(29, bool))
    with pytest.raises(ValueError, match=r"got \(4, 30, 2\) and int64 \(30,\)"):
        series.scale(x, np.arange(30, dtype=np.int64))
    with pytest.raises(ValueError, match=r"series.scale: expected finite values in x, got 1 .* first at \(1, 25, 0\)"):
        series.scale(np.where(np.arange(240).reshape(4, 30, 2) == 60 + 50, np.nan, x), np.arange(30) < 20)
    with pytest.raises(ValueError, match="at least 2 training windows, got 0"):
        series.scale(x, np.zeros(30, bool))


# ---- scores ------------------------------------------------------------------------------------------------------


def test_mase_by_hand():
    assert series.mase([1, 2, 3], [1, 1, 5], [0, 2, 0, 2]) == 0.5
    price = np.cumsum(np.random.default_rng(0).normal(size=50))
    assert np.isclose(series.mase(price[1:], price[:-1], price), 1)  # persistence, on the past itself


def test_hits_by_hand():
    share, low, high, n = series.hits([1, -1, 2, 0, 3], [1, -2, -1, 5, 0])
    assert (share, n) == (0.5, 4)  # the day that did not move is out; a prediction of 0 is "down"
    z, p = 1.959963985, 0.5
    middle, half = (p + z**2 / 8) / (1 + z**2 / 4), z / (1 + z**2 / 4) * np.sqrt(p * (1 - p) / 4 + z**2 / 64)
    np.testing.assert_allclose([low, high], [middle - half, middle + half], rtol=1e-6)


def test_the_interval_of_hits_covers():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        _, low, high, _ = series.hits(rng.normal(size=300), rng.normal(size=300))
        inside += low < 0.5 < high
    assert 180 <= inside <= 199


def test_gain_averages_a_day_first():
    days = np.repeat(np.arange(40), [3] * 20 + [1] * 20)
    baseline = np.where(days < 20, 3.0, 1.0)
    assert np.isclose(series.gain(np.zeros(80), baseline, days, block=5)[0], 2.0)  # by rows it were 2.5


def test_gain_covers_also_with_companies_that_move_together():
    rng, inside, naive = np.random.default_rng(0), 0, 0
    for seed in range(60):
        day = np.repeat(rng.normal(size=400), 5)  # one number for five companies
        _, low, high = series.gain(np.zeros(2000), day, np.repeat(np.arange(400), 5), seed=seed)
        inside += low < 0 < high
        naive += abs(day.mean()) < 1.96 * day.std() / np.sqrt(2000)
    assert inside >= 50 > naive + 5


def test_gain_sees_a_difference():
    rng = np.random.default_rng(0)
    loss, baseline = rng.normal(1, 1, 500), rng.normal(1.5, 1, 500)
    mean, low, high = series.gain(loss, baseline, np.arange(500))
    assert 0 < low < mean < high and np.isclose(mean, baseline.mean() - loss.mean())
    other = series.gain(baseline, loss, np.arange(500))  # the worse against the better: the same below 0
    np.testing.assert_allclose(other, [-mean, -high, -low], atol=1e-12)


def test_gain_is_the_baselines_loss_less_the_own():
    """Days all alike, so the interval is one point; a loss that is the baseline's gains nothing."""
    assert series.gain(np.full(40, 3.0), np.full(40, 5.0), range(40)) == (2, 2, 2)
    assert series.gain(np.full(40, 5.0), np.full(40, 3.0), range(40)) == (-2, -2, -2)
    loss = np.random.default_rng(0).normal(size=40)
    assert series.gain(loss, loss, range(40)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: series.mase([1], [1, 2], [1, 2]), r"series.mase: .* one shape \(N,\), got \(1,\) and \(2,\)"),
        (lambda: series.mase([], [], [1, 2]), r"series.mase: .* got \(0,\) and \(0,\)"),
        (lambda: series.mase([np.nan], [1], [1, 2]), "series.mase: expected finite values"),
        (lambda: series.mase([1], [1], [2, 2]), "series.mase: expected a past .* not constant"),
        (lambda: series.mase([1], [1], [2]), "series.mase: expected a past .* at least 2"),
        (lambda: series.mase([1], [1], [1, np.inf, 2]), "series.mase: expected a past .* finite and not constant"),
        (lambda: series.hits([1, 2], [1, 1], 95), "series.hits: expected confidence between 0 and 1, got 95"),
        (lambda: series.hits([0, 0], [1, 1]), "series.hits: expected a day that moved, got none"),
        (lambda: series.hits([[1]], [[1]]), r"series.hits: .*got \(1, 1\)"),
        (
            lambda: series.gain(np.ones(9), np.ones(9), range(8)),
            r"series.gain: expected 9 days, none missing, got \(8,\)",
        ),
        (
            lambda: series.gain(np.ones(9), np.ones(9), np.where(np.arange(9) < 8, np.arange(9.0), np.nan), block=2),
            "series.gain: expected 9 days, none missing, got",  # pandas leaves such days out
        ),
        (lambda: series.gain(np.ones(9), np.ones(9), range(9), 2, 95), "confidence between 0 and 1, got 95"),
        (lambda: series.gain(np.ones(9), np.ones(9), range(9), 2.5), "block to be an integer of at least 1, got 2.5"),
        (lambda: series.gain(np.ones(9), np.ones(9), range(9)), "at least two blocks of 20 days, got 9 days"),
    ],
)
def test_errors_of_scores(call, message):
    with pytest.raises(ValueError, match=message):
        call()
