"""The trainings of chapter 2.1: the program runs the chapter's own cells, and the record has the form that it reads."""

import numpy as np
import pytest
import torch

from rnncourse.data import recorded

pytest.importorskip("jupytext")

SEARCHED = [
    ("marked numbers", "LSTM", 2, 40),
    ("marked numbers", "RNN", 5, 40),
    ("marked numbers", "RNN", 19, 418),
    ("agreement", "LSTM", 2, 96),
    ("agreement", "RNN", 6, 96),
]
INITIAL = {"LSTM": ["PyTorch", "forget bias 1", "forget bias 2"], "RNN": ["PyTorch", "orthogonal", "identity"]}


def hold_to_form(report):
    """Every row once; a learning rate that its search found; a number for every seed."""
    assert set(report) == {"date", "versions", "seeds", "rates", "old", "ages", "rows"}
    rows, rates, old = report["rows"], report["rates"], report["old"]
    assert [tuple(row[key] for key in ("table", "cell", "n", "parameters")) for row in rows[:5]] == SEARCHED
    assert [(row["table"], row.get("weight")) for row in rows[5:]] == [("drift", 10.0), *[("longer", None)] * 2]
    for row, before in zip(rows[6:], (rows[0], rows[2]), strict=True):
        same = ("cell", "n", "parameters", "initial", "rate")
        assert [row[key] for key in same] == [before[key] for key in same]
        assert np.shape(row["by age"]) == (report["seeds"]["longer"], len(report["ages"]) - 1)
        assert len(row["error"]) == report["seeds"]["longer"] and np.isfinite(row["error"]).all()
    for k, row in enumerate(rows[:6]):
        seeds, means = report["seeds"][row["table"]], {(i, r): np.mean(losses) for i, r, losses in row["search"]}
        pair = row["initial"], row["rate"]
        if k < 5:
            first = {(initial, rate): np.mean(losses[:2]) for initial, rate, losses in row["search"]}
            assert {(initial, rate) for initial in INITIAL[row["cell"]] for rate in rates} <= set(first)
            finalists = sorted(first, key=first.get)[:3]
            assert pair == min(finalists, key=means.get)
            more = {(initial, rate) for initial, rate, losses in row["search"] if len(losses) > 2}
            assert more == (set(finalists) if row["table"] == "marked numbers" else set())
        else:
            assert list(means) == [(rows[3]["initial"], rate) for rate in rates[1:-1]]
            assert pair == min(means, key=means.get)
        if row["table"] == "marked numbers":
            assert np.shape(row["by age"]) == (seeds, len(report["ages"]) - 1)
            low, high = np.min(row["by age"], axis=1), np.max(row["by age"], axis=1)
            assert len(row["error"]) == seeds and (low <= row["error"]).all() and (row["error"] <= high).all()
            gates = "i at marks, i elsewhere, f at marks, f elsewhere"
            assert (gates in row) == (row["cell"] == "LSTM")
            if gates in row:
                assert np.shape(row[gates]) == (seeds, 4)
            continue
        shares = np.array([row["before the subject"], row["after the subject"]])
        assert shares.shape == (2, seeds, len(old)) and (0 <= shares).all() and (shares <= 1).all()
        np.testing.assert_allclose(shares * 64, (shares * 64).round(), atol=0.02)  # 64 probes
        assert len(row["right"]) == len(row["loss"]) == seeds
        assert ("30 before the subject" in row) == (row["cell"] == "LSTM")
        for numbers in row.get("30 before the subject", {}).values():
            assert len(numbers) == seeds and np.isfinite(numbers).all()


def test_the_record():
    report = recorded.benchmark("agreement_training")
    hold_to_form(report)
    assert report["seeds"] == {"marked numbers": 10, "agreement": 20, "drift": 20, "longer": 5}
    assert report["old"] == [0, 1, 2, 5, 10, 20, 30] and report["rates"] == [0.003, 0.01, 0.03, 0.1, 0.3]
    for row in report["rows"][:6]:
        tried = [rate for _, rate, _ in row["search"]]
        assert min(tried) <= row["rate"] <= max(tried) and {len(losses) for *_, losses in row["search"]} <= {2, 6}
        assert row["table"] == "drift" or min(tried) < row["rate"] < max(tried)


def test_it_runs_and_goes_on(run_quick, tmp_path):
    out = tmp_path / "new" / "report.json"
    printed, report = run_quick(out)
    hold_to_form(report)
    assert len(printed) == len(report["rows"]) == 8 and not out.with_suffix(".rows").exists()


def test_rows_that_are_there_are_not_computed_again(program, monkeypatch):
    tables = program.Tables(quick=True)
    done = [{"table": "agreement", "cell": "LSTM", "n": k} for k in range(5)]
    monkeypatch.setattr(tables, "searched_row", None)
    monkeypatch.setattr(tables, "drift_row", lambda found, weight: (found["n"], weight))
    monkeypatch.setattr(tables, "longer_row", lambda before: before["n"])
    assert list(tables.rows(done)) == [*done, (0, 10.0), 0, 2]


def test_separable(program):
    """A line parts two clusters wherever they lie; it cannot part the corners of a square, nor equal points."""
    rng = np.random.default_rng(0)
    answers = np.repeat([1, 2], 30)
    apart = rng.normal(size=(60, 2)) * [50, 0.1] + 7
    apart[:, 1] += answers
    assert program.separable(apart, answers) == program.separable(-apart, answers) == 1
    square = np.array([[0, 0], [1, 1], [0, 1], [1, 0]], float)
    assert program.separable(square, np.array([1, 1, 2, 2])) == 0.75
    assert program.separable(np.ones((4, 2)), np.array([1, 1, 2, 2])) == 0


def test_errors_and_gates(program):
    """A network that reports the marked number at the mark, and 0 later, is wrong from the age of 1 on."""
    x, y = program.chapter()["marked_numbers"](np.random.default_rng(0), T=300, B=20)

    def report(x):
        return (x[..., :1] * x[..., 1:],)

    total, ages = program.errors((report, lambda h: h), (x, y))
    assert ages[0] == 0 and 0.5 < min(ages[1:]) and ages[0] < total < max(ages)

    U, W, b = np.zeros((4, 1, 2)), np.zeros((4, 1)), np.array([-20.0, 20, 0, 20])
    U[0, 0, 1], U[1, 0, 1], U[2, 0, 0] = 40, -40, 0.1
    net, out = program.lstm.to_torch(U.reshape(4, 2), W, b), torch.nn.Linear(1, 1)
    np.testing.assert_allclose(program.gates_at_marks((net, out), x), [1, 0, 0, 1], atol=1e-6)


def test_the_probes(program):
    """The words that were promised; and a network is right by chance when it hears of the subject only."""
    from rnncourse.data import agreement

    names = program.chapter()
    head, tail, answers = names["probes"](2, 1)
    text = [agreement.WORDS[k] for k in torch.cat([head, tail])[:, 9].argmax(-1)]
    assert " ".join(text[:2]) == "the dog" and text[2] == "VERB"
    assert text[3:6] == ["the", "old", "old"] and text[7:10] == ["near", "the", "old"] and text[11] == "VERB"
    assert agreement.ANSWERS[answers[9]] == ("singular" if text[6] in agreement.SINGULAR else "plural")
    torch.manual_seed(0)
    network = torch.nn.LSTM(9, 2), torch.nn.Linear(2, 3)
    both = names["right"](network, 30, 1, h_after=2, c_after=2)
    assert both == names["right"](network, 2, 1)
    cs = names["cell_states"](network[0], head)
    torch.testing.assert_close(cs[-1], network[0](head)[1][1][0])
    change = (cs[4] - cs[3]).square() + (cs[5] - cs[4]).square()
    torch.testing.assert_close(names["drift"](network[0], head), change.mean() / 2)
