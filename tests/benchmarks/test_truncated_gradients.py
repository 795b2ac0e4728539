"""The record of chapter 1.3's truncated gradients: the program runs, and its texts and cosines are what it says."""

import numpy as np
import pytest

from rnncourse.data import recorded


def test_quick_and_resumed(run_quick, tmp_path, program):
    """Every setting gives a row; a second run finds them all and measures nothing; the record has the same settings."""
    out = tmp_path / "new" / "truncated.json"
    for expected in (len(program.SETTINGS), 0):
        printed, report = run_quick(out)
        assert len(printed) == expected
    full = recorded.benchmark("truncated_gradients")
    assert set(report) == set(full) == {"date", "versions", "windows", "rows"}
    assert len(full["rows"]) == len(program.SETTINGS) * len(program.SEEDS)
    assert {(row["text"], row["steps"] > 0, row["scale"]) for row in report["rows"]} == {
        (row["text"], row["steps"] > 0, row["scale"]) for row in full["rows"]
    }
    untrained = [row for row in report["rows"] if row["steps"] == 0]
    for row in untrained:  # no training, so no rounding that grows
        (same,) = (old for old in full["rows"] if {**row, "cosines": 0} == {**old, "cosines": 0})
        np.testing.assert_allclose(row["cosines"], same["cosines"], atol=2e-4)


def test_both_windows_are_right_at_their_ends(program):
    """A window of one step is the same in chunks and moving; a window of all steps gives the full gradient."""
    names = program.chapter()
    letters = np.random.default_rng(0).integers(names["k"], size=4000)
    weights = names["learn"](letters, 0, 0)
    chunks, moving = names["cosines"](weights, letters), program.moving(names, weights, letters)
    assert chunks[0] == pytest.approx(moving[0]) and chunks[0] < 0.99
    assert chunks[-1] == pytest.approx(1) and moving[-1] == pytest.approx(1)


def test_texts(program):
    """Shuffled: the same letters. Markov: only pairs that the text has, but not the text."""
    names = program.chapter()
    letters = names["letters"][:20_000]
    assert (np.sort(names["shuffled"](letters)) == np.sort(letters)).all()
    drawn = names["markov"](letters)
    pairs = {(a, b) for a, b in zip(letters[:-1], letters[1:], strict=True)}
    assert {(a, b) for a, b in zip(drawn[:-1], drawn[1:], strict=True)} <= pairs
    triples = {tuple(letters[i : i + 3]) for i in range(len(letters) - 2)}
    assert sum(tuple(drawn[i : i + 3]) not in triples for i in range(len(drawn) - 2)) > 1000
