"""What the checks of chapters 3.2, 3.5 and 3.7 say of answers that are not done or wrong in a known way."""

import numpy as np
import pytest

from rnncourse.exercises import check_causal, check_mask, check_stacked


def stacked(
    x, layers, plain=False, everywhere=False, into_state=False, late=False, carried=False, turned=False, inside=False
):
    a, h = x, np.zeros(2)
    for number, (U, W, b) in enumerate(layers):
        h, hs = h if carried else np.zeros(2), []
        before = np.zeros_like(a[0])
        for a_t in a:
            more = a_t if inside and number else 0
            h = np.tanh(U @ (before if late and number else a_t) + (h @ W if turned else W @ h) + b + more)
            add = 0 if plain or inside or not (number or (everywhere and len(a_t) == 2)) else a_t
            if into_state:
                h = h + add
            before = a_t
            hs.append(h + (0 if into_state else add))
        a = np.array(hs)
    return a


@pytest.mark.parametrize(
    ("slip", "says"),
    [
        ("plain", "The residual connections are missing"),
        ("everywhere", "The first layer has no residual connection"),
        ("into_state", "The sum has gone into the next step"),
        ("late", "at the same step, not one step ago"),
        ("carried", "Each layer starts from zeros"),
        ("turned", "W is transposed there"),
        ("inside", "The layer's input is added inside the tanh"),
    ],
)
def test_stacked(slip, says):
    verdict = check_stacked(lambda x, layers: stacked(x, layers, **{slip: True}))
    assert not verdict and says in verdict, verdict


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x, layers: stacked(x, layers)[-1], "of shape (2,). It should be what the last layer puts out"),
        (
            lambda x, layers: stacked(x, layers) - stacked(x, layers, plain=True),
            "The state of the last layer is missing",
        ),
        (lambda x, layers: None, "Is a `return …` missing?"),
    ],
)
def test_stacked_other_answers(answer, says):
    verdict = check_stacked(answer)
    assert not verdict and says in verdict, verdict


def not_moved_on(sizes):
    M, begin = np.zeros((sum(sizes),) * 2), 0
    for size in sizes:
        M[:size, begin:] = 1
    return M


def mask(sizes, compare=np.less_equal, even=False):
    group = np.repeat(np.arange(len(sizes)), sum(sizes) // len(sizes) if even else sizes)
    return compare(group[:, None], group)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda sizes: mask(sizes).T, "That is the transpose: fast groups feed slow ones"),
        (lambda sizes: mask(sizes, np.less), "A unit also reads its own group"),
        (lambda sizes: mask(sizes, np.equal), "the diagonal blocks alone"),
        (lambda sizes: np.triu(np.ones((sum(sizes),) * 2)), "whole blocks, not single entries"),
        (lambda sizes: np.ones((sum(sizes),) * 2), "A slow group must not read a faster one"),
        (lambda sizes: ~mask(sizes), "The ones and zeros are exchanged"),
        (not_moved_on, "Each group begins at row 0 there"),
        (lambda sizes: mask(sizes, even=True), "The groups have different sizes"),
        (lambda sizes: np.triu(np.ones((len(sizes),) * 2)), "It should be the mask, of shape (4, 4)"),
        (lambda sizes: None, "Is a `return …` missing?"),
    ],
)
def test_mask(answer, says):
    verdict = check_mask(answer)
    assert not verdict and says in verdict, verdict


def causal(x, u, dilation, front=None, late=0):
    """With ``front`` zeros in front instead of all, and each output ``late`` steps late."""
    reach = dilation * (len(u) - 1)
    front = reach if front is None else front(reach)
    padded = np.concatenate([np.zeros(front + late), x, np.zeros(reach + 1)])
    return sum(weight * padded[dilation * j :][: len(x)] for j, weight in enumerate(u))


def rolled(x, u, dilation):
    return sum(weight * np.roll(x, dilation * (len(u) - 1 - j)) for j, weight in enumerate(u))


def changes_the_series(x, u, dilation):
    x[0] = 0
    return causal(x, u, dilation)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x, u, dilation: causal(x, u, 1), "The dilation is not used"),
        (lambda x, u, dilation: causal(x, u[::-1], dilation), "The kernel is reversed"),
        (lambda *a: causal(*a, front=lambda reach: 0), "later steps: the future. Put the zeros in front"),
        (lambda x, u, d: causal(x, u[::-1], d, lambda reach: 0), "the future, and the kernel is reversed"),
        (lambda *a: causal(*a, front=lambda reach: reach // 2), "half of the zeros stand behind"),
        (lambda *a: causal(*a, late=1), "Every output comes one step late"),
        (lambda *a: causal(*a, late=-1), "One zero more in front"),
        (rolled, "The end of the series comes in at its beginning"),
        (lambda x, u, dilation: np.convolve(x, u)[: len(x)], "as np.convolve does it, and the dilation is not used"),
        (lambda x, u, dilation: causal(np.r_[0, x[1:]], u, dilation), "x[0] is missing"),
        (
            lambda x, u, d: np.where(np.arange(len(x)) < d * (len(u) - 1), 0, causal(x, u, d)),
            "The first outputs are not 0",
        ),
        (lambda x, u, dilation: causal(x, u, dilation)[dilation * (len(u) - 1) :], "of shape (4,). It should be"),
        (lambda x, u, dilation: None, "Is a `return …` missing?"),
        (changes_the_series, "changes its input x"),
    ],
)
def test_causal(answer, says):
    verdict = check_causal(answer)
    assert not verdict and says in verdict, verdict
