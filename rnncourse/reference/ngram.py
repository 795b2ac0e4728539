"""Tables that count: what follows each stretch of characters. The opponent that every language model has to beat.

    p(c | stretch) = (count of stretch c + a) / (count of stretch + a k)

order = characters in the stretch (0: unigram, 1: bigram, …), k = symbols, a > 0 = added to every count.
"""

from typing import NamedTuple

import numpy as np


class Table(NamedTuple):
    """The stretches of order + 1 characters that occur, as sorted numbers, and how often each does; and the same for
    the stretches of order characters that they begin with. A number is k · start + last character. The start is a
    number in base k, or with ``ranked`` the place of its stretch in ``whole`` of the table of the next lower order."""

    order: int
    k: int
    whole: np.ndarray
    whole_counts: np.ndarray
    start: np.ndarray
    start_counts: np.ndarray
    ranked: bool = False


def count(text, order, k):
    """The table of a text: integers (N,) in 0 … k−1. Stores only what occurs. For high orders see ``count_all``.

    Raises ValueError for a text that is no longer than the order, for other than integers in 0 … k−1, and for an order
    whose stretches cannot be numbered in 63 bits.
    """
    code = numbered(text, order, k, "ngram.count")
    return Table(order, k, *np.unique(code, return_counts=True), *np.unique(code // k, return_counts=True))


def count_all(text, longest, k):
    """The tables of orders 0, 1, … ``longest``, for ``blend``. Numbered by rank, so that every order fits into 63 bits.

    Raises ValueError for a text that is no longer than ``longest``, and for other than integers in 0 … k−1.
    """
    text, start, tables = checked(text, longest, k, "ngram.count_all"), 0, []
    for order in range(longest + 1):
        code = start * k + text[order:].astype(np.int64)
        whole, rank, counts = np.unique(code, return_inverse=True, return_counts=True)
        starts, first = np.unique(whole // k, return_index=True)
        tables.append(Table(order, k, whole, counts, starts, np.add.reduceat(counts, first), ranked=True))
        start = rank[:-1]
    return tables


def bits(table, text, a):
    """Bits per character of a text under a table: the mean of −log₂ p over all characters but the first ``order``.

    Raises ValueError as ``count`` does, and for an ``a`` that is not above 0, which would make the unseen impossible.
    """
    if not a > 0:
        raise ValueError(f"ngram.bits: expected a above 0, got {a}")
    if table.ranked:
        raise ValueError("ngram.bits: expected a table of ngram.count, got one of ngram.count_all")
    code = numbered(text, table.order, table.k, "ngram.bits")
    whole = look_up(table.whole, table.whole_counts, code)
    start = look_up(table.start, table.start_counts, code // table.k)
    return float(-np.log2((whole + a) / (start + a * table.k)).mean())


def checked(text, order, k, where):
    text = np.asarray(text)
    if text.ndim != 1 or text.dtype.kind not in "iu" or len(text) <= order:
        raise ValueError(f"{where}: expected more than {order} integers, got an array {text.shape} of {text.dtype}")
    if text.min() < 0 or text.max() >= k:
        raise ValueError(f"{where}: expected integers in 0 … {k - 1}, got {text.min()} … {text.max()}")
    return text


def numbered(text, order, k, where):
    """Each stretch of order + 1 characters as one number in base k, the last character in the last digit."""
    text = checked(text, order, k, where)
    if (order + 1) * np.log2(k) >= 63:
        raise ValueError(f"{where}: expected {k} symbols ** (order + 1) to fit 63 bits, got order {order}")
    ends = len(text) - order
    return sum(text[i : i + ends].astype(np.int64) * k ** (order - i) for i in range(order + 1))


def look_up(keys, counts, wanted):
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[at] == wanted, counts[at], 0)


def blend(tables, text, a, followers=False):
    """The probability of every character, where each table leans on the next shorter one, instead of on 1/k:

        p_o(c | stretch) = (count of stretch c + w p_{o−1}(c | stretch without its first)) / (count of stretch + w)

    with p_{−1} = 1/k. The weight w is a, the same for every stretch, or with ``followers=True`` a for each different
    character that was counted after the stretch: what has many followers will have more. tables: of orders 0, 1, 2, …,
    all of one k, of ``count_all`` or of ``count``; text: integers (N,). Returns p (N,); the first characters, which
    have no full stretch before them, get the longest there is. MacKay and Peto, *A hierarchical Dirichlet language
    model* (1995), doi:10.1017/S1351324900000218; followers: Witten and Bell, *The zero-frequency problem* (1991),
    doi:10.1109/18.87000.
    Raises ValueError for tables of other orders, an ``a`` that is not above 0, and a text that ``count`` would refuse.
    """
    if [t.order for t in tables] != list(range(len(tables))) or not tables or len({t.k for t in tables}) > 1:
        raise ValueError(f"ngram.blend: expected tables of orders 0, 1, 2, … of one k, got {[t[:2] for t in tables]}")
    if not a > 0:
        raise ValueError(f"ngram.blend: expected a above 0, got {a}")
    k, start = tables[0].k, 0
    text = checked(text, len(tables) - 1, k, "ngram.blend")
    p = np.full(len(text), 1 / k)
    for table in tables:
        if table.ranked:
            code = start * k + text[table.order :].astype(np.int64)
        else:
            code = numbered(text, table.order, k, "ngram.blend")
        code, at = np.unique(code, return_inverse=True)
        whole = look_up(table.whole, table.whole_counts, code)
        begun = look_up(table.start, table.start_counts, code // k)[at]
        # After a stretch that never occurred every weight gives the shorter table's opinion: so 1, to not divide by 0.
        weight = a * different(table, code // k).clip(min=1)[at] if followers else a
        p[table.order :] = (whole[at] + weight * p[table.order :]) / (begun + weight)
        rank = np.where(whole > 0, np.searchsorted(table.whole, code), len(table.whole))  # the last: never occurred
        start = rank[at][:-1]
    return p


def different(table, start):
    """How many different characters were counted after each stretch: they are neighbours among the sorted numbers."""
    return np.searchsorted(table.whole, (start + 1) * table.k) - np.searchsorted(table.whole, start * table.k)
