"""The comparison of chapter 0.1: it runs on the chapter's own cells, and its record has the form the chapter reads."""

import numpy as np

from rnncourse.data import recorded

NAMES = ["the most frequent answer", *[f"window of {width} characters" for width in (8, 32, 128)]]
NAMES += ["LSTM", "LSTM, memory emptied every 32", "LSTM, memory emptied every 128", "tanh network"]


def check_form(report, seeds):
    assert list(report["results"]) == NAMES and set(report["chosen"]) == set(NAMES[1:])
    assert all(len(shares) == seeds and 0 < min(shares) <= max(shares) <= 1 for shares in report["results"].values())
    assert list(report["far from the quotes"]) == NAMES[4:]
    assert all(len(shares) == seeds and 0 <= min(shares) <= 1 for shares in report["far from the quotes"].values())
    quotes = report["called docstring behind three inserted quotes"]
    for which in ("with the quotes", "without"):
        shares = np.array(quotes[which])
        assert shares.shape == (seeds, len(quotes["characters behind"]) - 1) and 0 <= shares.min() <= shares.max() <= 1
    sizes = report["parameters"]  # the tanh network is no larger than the LSTM
    assert 0.99 * sizes["LSTM"] < sizes["tanh network"] <= sizes["LSTM"]


def test_quick(run_quick, tmp_path):
    check_form(run_quick(tmp_path / "new" / "record.json")[1], seeds=1)


def test_record():
    report = recorded.benchmark("code_labels")
    check_form(report, seeds=5)
    for name in NAMES[4:]:  # the best learning rate is not the first or the last one that was tried
        assert min(report["rates tried"][name]) < report["chosen"][name] < max(report["rates tried"][name])
    assert np.ptp(report["results"]["the most frequent answer"]) > 0  # places are drawn anew for each seed
