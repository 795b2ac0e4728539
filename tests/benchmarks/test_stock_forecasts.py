"""The record of chapter 6.1: the program runs, goes on after a stop, and its scores say what they promise."""

import numpy as np
import pytest

# rows of --quick
PARTS = {"picture": 1, "leak": 10, "longer": 6, "contest": 7, "volatility": 10, "control": 5, "steps": 4}
ORDER = "mean, line, ridge, LSTM 1, LSTM 2"


def test_quick_goes_on_after_a_stop(run, run_quick, tmp_path):
    out, keep = tmp_path / "new" / "stocks.json", ("--keep", tmp_path / "kept")
    stopped = run("--quick", "--parts", "contest", "--out", out, *keep, "--seconds", "0")
    assert stopped.returncode != 0 and "time is over" in stopped.stderr and not out.exists()
    _, report = run_quick(out, *keep)
    assert {"date", "machine", "versions", "seeds", "marks", "strengths", "rows"} <= set(report)
    parts = [row["part"] for row in report["rows"]]
    assert {part: parts.count(part) for part in PARTS} == PARTS and len(parts) == sum(PARTS.values())
    contest = [row for row in report["rows"] if row["part"] == "contest"]
    assert ", ".join(row["model"] for row in contest if "model" in row) == ORDER
    for row in contest[:5]:  # equation (3): skill = product term − size
        assert row["skill"][0] == pytest.approx(row["together"][0] - row["size"], abs=2e-3)
    assert run_quick(out, *keep) == ([], report)  # all there


def test_ratio_of_an_oracle_and_of_noise(program):
    """The interval holds the true ratio for an oracle and 0 for noise, and widens with what days share."""
    rng = np.random.default_rng(0)
    days = np.repeat(np.arange(2000), 4)
    truth, signal = rng.normal(size=(2, len(days)))
    y = truth + 0.2 * signal
    value, low, high = program.ratio(2 * y * (0.2 * signal) - (0.2 * signal) ** 2, y**2, days)
    assert low < 100 * 0.04 / 1.04 < high and low < value < high and high - low < 2
    value, low, high = program.ratio(2 * y * rng.permutation(0.2 * signal), y**2, days)
    assert low < 0 < high
    widths = np.zeros(2)
    for _ in range(5):  # four companies that do the same carry the news of one
        for i, noise in enumerate((np.repeat(rng.normal(size=2000), 4), rng.normal(size=8000))):
            _, low, high = program.ratio(noise, np.ones(8000), days)
            widths[i] += high - low
    assert widths[0] > 1.5 * widths[1]


def test_the_interval_covers_seeds(program):
    """Seeds that differ widen the interval."""
    days, below = np.arange(1000), np.ones(1000)
    noise = np.random.default_rng(0).normal(size=1000)
    same, apart = np.stack([noise, noise]), np.stack([noise - 1, noise + 1])
    width = [np.diff(program.ratio(above, below, days)[1:])[0] for above in (same, apart)]
    assert width[1] > 3 * width[0]


def test_width_keeps_the_budget(program):
    for layers in (1, 2):
        for limit in program.LIMITS:
            n = program.width(9, layers, limit)
            count = [sum(w.numel() for w in program.Net(9, k, layers).parameters()) for k in (n, n + 1)]
            assert count[0] <= limit < count[1]
        assert program.width(9, layers, program.LIMITS[0]) == 1


def test_known_windows_have_no_future(program):
    """What the program reads of a day does not contain that day's return."""
    data = program.load()
    distinct = np.unique(data.days)
    fit, val = program.halves(data.days, data.days < distinct[len(distinct) // 2])
    assert data.days[fit].max() < data.days[val].min() and not (fit & val).any()
    today = data.x[-1, :, data.columns.index("return")]
    same = data.who[1:] == data.who[:-1]
    assert np.allclose(today[1:][same], data.returns[:-1][same])
