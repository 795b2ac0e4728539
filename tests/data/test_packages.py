"""Texts of installed packages: no file and no key on both sides, always the same split, and the errors."""

import numpy as np
import pytest

from rnncourse.data import packages, text

POLISH = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ"


@pytest.mark.parametrize(
    ("made", "least"),
    [
        (lambda: packages.python("tqdm"), 20_000),
        (lambda: packages.headers("c10"), 300_000),
        (lambda: packages.names("pl", text.ASCII.symbols + POLISH), 10_000),
    ],
)
def test_two_parts_of_known_symbols(made, least):
    found = made()
    assert len(found.train) > 1.1 * len(found.test) and len(found.test) > least / 4 and len(found.train) > least
    assert set("".join(found)) <= set(text.ASCII.symbols + POLISH)
    assert found == made()


def test_names_share_no_line():
    found = packages.names("pl", text.ASCII.symbols + POLISH)
    train, test = (part.splitlines() for part in found)
    assert not set(train) & set(test) and len(set(train)) == len(train) and "{" not in found.train
    assert set(POLISH[:9]) <= set(found.train)


def test_a_file_stays_on_its_side():
    texts = {f"file {k}": f"text {k}" for k in range(50)}
    small, large = packages.by_name(dict(list(texts.items())[:20]), "here"), packages.by_name(texts, "here")
    assert all(set(a.split("\n\n")) <= set(b.split("\n\n")) for a, b in zip(small, large, strict=True))


def test_draw():
    letters = "".join(map(chr, range(32, 122)))
    drawn = packages.draw(letters, 30, np.random.default_rng(0), piece=10)
    pieces = [drawn[i : i + 10] for i in (0, 10, 20)]
    assert all(piece in letters for piece in pieces) and len(set(pieces)) == 3
    assert drawn == packages.draw(letters, 30, np.random.default_rng(0), piece=10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: packages.python("no_such_package"), "expected an installed package, got 'no_such_package'"),
        (lambda: packages.headers("no_such_library"), "expected texts for two parts in torch/include/no_such_library"),
        (lambda: packages.names("xx", "abc"), "packages.names: expected a language that CLDR knows, got 'xx'"),
        (lambda: packages.draw("a" * 50, 60, np.random.default_rng(0), 10), "at most 50, got 60"),
        (lambda: packages.draw("a" * 50, 15, np.random.default_rng(0), 10), "whole pieces of 10 characters"),
        (lambda: packages.draw("a" * 50, 0, np.random.default_rng(0), 10), "packages.draw"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
