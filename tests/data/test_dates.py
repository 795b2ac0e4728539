"""Dates in words: what CLDR writes, parts that share no date, and typing errors that leave digits alone."""

import datetime

import numpy as np
import pytest

from rnncourse.data import dates

DAY = datetime.date(2031, 3, 3)


def test_write():
    assert [dates.write(DAY, language, "long") for language in dates.LANGUAGES] == [
        "March 3, 2031",
        "3 mars 2031",
        "3. März 2031",
        "2031年3月3日",
        "2031年3月3日",
    ]
    assert dates.write(DAY, "fr", "full") == "lundi 3 mars 2031"
    assert dates.write(DAY, "ja", "full") == "2031年3月3日月曜日"


def test_draw():
    rng = np.random.default_rng(0)
    found = {part: set(dates.draw(rng, 300, 1990, 2030, part)) for part in dates.PARTS}
    for part, days in found.items():
        assert len(days) == 300 and {day.year for day in days} <= set(range(1990, 2031))
        assert all(dates.part_of(day) == part for day in days)
    assert not found["train"] & found["test"] and not found["validation"] & (found["train"] | found["test"])
    again = [dates.draw(np.random.default_rng(7), 20, 1, 9999, "train") for _ in range(2)]
    assert again[0] == again[1]


def test_parts_have_their_sizes():
    days = [datetime.date.fromordinal(700_000 + k) for k in range(5000)]
    shares = {part: np.mean([dates.part_of(day) == part for day in days]) for part in dates.PARTS}
    assert abs(shares["train"] - 0.8) < 0.03 and abs(shares["test"] - 0.1) < 0.02


def test_mistype():
    rng = np.random.default_rng(0)
    found = {dates.mistype("3 mars 2031", rng) for _ in range(500)}
    assert {"3 mrs 2031", "3 amrs 2031", "3 maars 2031"} <= found
    for text in found:
        assert [c for c in text if c.isdigit()] == [*"32031"] and len(text) in (10, 11, 12)
    assert dates.mistype("2031年3月3日", rng) == "2031年3月3日"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: dates.write(DAY, "it", "long"), "got 'it' and 'long'"),
        (lambda: dates.write(DAY, "en", "short"), "got 'en' and 'short'"),
        (lambda: dates.draw(np.random.default_rng(0), 5, 1990, 2030, "other"), "got 'other', 1990 and 2030"),
        (lambda: dates.draw(np.random.default_rng(0), 5, 2030, 1990, "test"), "got 'test', 2030 and 1990"),
        (lambda: dates.draw(np.random.default_rng(0), 5, 1, 10000, "test"), "first <= last <= 9999"),
        (lambda: dates.draw(np.random.default_rng(0), 0, 1, 10, "test"), "N"),
        (lambda: dates.draw(np.random.default_rng(0), 400, 1990, 1990, "test"), "got N=400"),
    ],
)
def test_what_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
