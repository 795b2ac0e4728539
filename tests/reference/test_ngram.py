"""The counting tables: against a dictionary, and their errors."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.reference import ngram


def by_dictionary(read, text, order, k, a):
    whole = Counter(tuple(read[i : i + order + 1]) for i in range(len(read) - order))
    start = Counter(tuple(read[i : i + order]) for i in range(len(read) - order))
    total = 0.0
    for i in range(order, len(text)):
        stretch, c = tuple(text[i - order : i]), text[i]
        total -= np.log2((whole[(*stretch, c)] + a) / (start[stretch] + a * k))
    return total / (len(text) - order)


@given(
    read=st.lists(st.integers(0, 4), min_size=5, max_size=60),
    text=st.lists(st.integers(0, 4), min_size=5, max_size=30),
    order=st.integers(0, 4),
    a=st.sampled_from([1.0, 0.1, 0.01]),
)
def test_against_a_dictionary(read, text, order, a):
    got = ngram.bits(ngram.count(np.array(read), order, 5), np.array(text), a)
    assert got == pytest.approx(by_dictionary(read, text, order, 5, a), rel=1e-10)


def test_probabilities_sum_to_one():
    table = ngram.count(np.array([0, 1, 2, 1, 0, 1, 1]), 1, 3)
    p = [2.0 ** -ngram.bits(table, np.array([1, c]), 0.5) for c in range(3)]
    assert sum(p) == pytest.approx(1)


def test_nothing_learnt_is_uniform():
    table = ngram.count(np.array([0, 1, 0, 1]), 1, 8)
    assert ngram.bits(table, np.array([5, 6, 7]), 0.1) == pytest.approx(3)


@pytest.mark.parametrize(
    ("text", "order", "message"),
    [
        ([0, 1], 2, r"ngram.count: expected more than 2 integers, got an array \(2,\)"),
        ([0.0, 1.0], 0, "ngram.count: expected more than 0 integers, got an array .* of float64"),
        ([0, 3], 0, "ngram.count: expected integers in 0 … 2, got 0 … 3"),
        ([0] * 99, 40, "to fit 63 bits, got order 40"),
    ],
)
def test_errors(text, order, message):
    with pytest.raises(ValueError, match=message):
        ngram.count(np.array(text), order, 3)


def test_unseen_must_be_possible():
    with pytest.raises(ValueError, match="expected a above 0, got 0"):
        ngram.bits(ngram.count(np.array([0, 1]), 0, 2), np.array([0]), 0)


def each(read, longest, k):
    return [ngram.count(read, order, k) for order in range(longest + 1)]


@pytest.mark.parametrize("tables_of", [each, ngram.count_all])
@pytest.mark.parametrize("followers", [False, True])
def test_blend_is_the_recursion(followers, tables_of):
    read, text, k, a = [0, 1, 0, 2, 1, 0, 1, 0], [1, 0, 1, 0, 2], 4, 0.7

    def p(order, i):
        if order < 0:
            return 1 / k
        stretch = read[0:0] if order == 0 else text[i - order : i]
        starts = [j for j in range(len(read) - order) if read[j : j + order] == stretch]
        whole = sum(read[j + order] == text[i] for j in starts)
        w = a * max(len({read[j + order] for j in starts}), 1) if followers else a
        return (whole + w * p(order - 1, i)) / (len(starts) + w)

    tables = tables_of(np.array(read), 2, k)
    right = [p(min(i, 2), i) for i in range(5)]
    assert ngram.blend(tables, np.array(text), a, followers) == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize("tables_of", [each, ngram.count_all])
@pytest.mark.parametrize("followers", [False, True])
def test_blend_sums_to_one(followers, tables_of):
    tables = tables_of(np.array([0, 1, 2, 1, 0, 1, 1]), 3, 3)
    for stretch in ([0, 1, 2], [2, 2, 2], [1, 1, 0]):
        p = [ngram.blend(tables, np.array([*stretch, c]), 2.0, followers)[-1] for c in range(3)]
        assert sum(p) == pytest.approx(1)


@given(
    read=st.lists(st.integers(0, 4), min_size=5, max_size=60),
    text=st.lists(st.integers(0, 4), min_size=5, max_size=30),
    longest=st.integers(0, 4),
    followers=st.booleans(),
)
def test_ranks_change_no_result(read, text, longest, followers):
    read, text = np.array(read), np.array(text)
    tables = ngram.count_all(read, longest, 5)
    for ranked, table in zip(tables, each(read, longest, 5), strict=True):
        assert list(ranked.whole_counts) == list(table.whole_counts)
        assert list(ranked.start_counts) == list(table.start_counts)
    p = ngram.blend(each(read, longest, 5), text, 2.0, followers)
    assert (ngram.blend(tables, text, 2.0, followers) == p).all()


def test_ranks_fit_any_order():
    """100 characters of 96 kinds: after a stretch of 40 that occurred once, its one follower gains at every order."""
    read = np.random.default_rng(0).integers(96, size=100)
    tables = ngram.count_all(read, 40, 96)
    p = [ngram.blend(tables[:n], read[:41], 1.0, followers=True)[-1] for n in range(1, 42)]
    for order in range(3, 41):  # count 1, one follower, a = 1: half way to 1
        assert p[order] == pytest.approx((1 + p[order - 1]) / 2)


def test_bits_wants_one_table_alone():
    with pytest.raises(ValueError, match="expected a table of ngram.count, got one of ngram.count_all"):
        ngram.bits(ngram.count_all(np.array([0, 1, 0, 1]), 2, 2)[2], np.array([0, 1, 0]), 1.0)


@pytest.mark.parametrize(
    ("orders", "a", "message"),
    [
        ([0, 2], 1.0, "expected tables of orders 0, 1, 2, …"),
        ([], 1.0, "expected tables"),
        ([0], 0.0, "a above 0, got 0"),
    ],
)
def test_blend_errors(orders, a, message):
    with pytest.raises(ValueError, match=message):
        ngram.blend([ngram.count(np.array([0, 1, 1, 0]), order, 2) for order in orders], np.array([0, 1]), a)
