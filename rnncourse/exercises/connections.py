"""The checks of chapters 3.2, 3.5 and 3.7: layers on layers, groups with a clock, convolutions."""

import itertools

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import array, asks_for_function, compare


@asks_for_function
def check_stacked(stacked):
    """Chapter 3.2, “Code”: stacked(x, layers) → what the last layer of a simple residual network puts out.

    x: an array (T, m); layers: a list of (U, W, b), from below. Each layer starts from h_0 = 0; from the second layer
    on, its output is its state plus its input. The result has shape (T, n). Checked for eight sizes.
    """
    rng = np.random.default_rng(32)
    for T, m, L in [(4, 3, 2), (4, 3, 3), (4, 3, 1), (1, 3, 3), (5, 2, 3), (1, 2, 1), (3, 1, 2), (4, 2, 2)]:
        n, where = 2, f"for T={T}, m={m}, L={L}"
        sizes = [m] + [n] * (L - 1)
        layers = [(rng.normal(size=(n, k)), 0.7 * rng.normal(size=(n, n)), rng.normal(size=n)) for k in sizes]
        x = rng.normal(size=(T, m))
        got = array(call(stacked, where, x=x, layers=layers), (T, n), where, "what the last layer puts out")
        right = stack(x, layers)
        slips = [slip for slip in stacked_slips(x, layers) if not np.allclose(slip[0], right)]
        compare(where, got, right, slips=slips)


def first_rows(sizes):
    """The mask of a loop that does not move on: M[:size] = 1."""
    M = np.zeros((sum(sizes),) * 2)
    M[: max(sizes)] = 1
    return M


def stack(x, layers, residual="above", late=False, into_state=False, carried=False):
    """The right answer of ``check_stacked``, or with one slip."""
    a, h, first = x, np.zeros(len(layers[0][2])), None
    for level, (U, W, b) in enumerate(layers):
        read = np.vstack([0 * a[:1], a[:-1]]) if late and level else a
        h, hs = h if carried else 0 * h, []
        add = level > 0 if residual in ("above", "first") else residual == "all" and a.shape[1] == len(b)
        for t in range(len(x)):
            inside = a[t] if residual == "inside" and level else 0
            h = np.tanh(U @ read[t] + W @ h + b + inside)
            h = h + a[t] if add and into_state else h
            hs.append(h)
        if residual == "own" and level:
            a = np.array(hs) + np.concatenate([0 * a[:1], np.array(hs)[:-1]])
            continue
        below = first if residual == "first" and level else a
        a = np.array(hs) + below if add and not into_state else np.array(hs)
        first = a if level == 0 else first
    return a


def stacked_slips(x, layers):
    turned = [(U, W.T, b) for U, W, b in layers]
    yield stack(x, turned), "W is transposed there: a state h of shape (n,) needs W @ h, not h @ W."
    yield stack(x, layers, residual="inside"), "The layer's input is added inside the tanh. Add it to tanh(…)."
    yield (
        stack(x, layers, residual="first"),
        "What the first layer puts out is added. Add what the layer below puts out.",
    )
    yield stack(x, layers, residual=""), "The residual connections are missing: add the layer's input to its state."
    yield (
        stack(x, layers, residual="all"),
        "The first layer has no residual connection, also where the sizes would allow it.",
    )
    yield (
        stack(x, layers, into_state=True),
        "The sum has gone into the next step. The next step of the layer reads its state h alone.",
    )
    yield stack(x, layers, late=True), "A layer reads what the layer below puts out at the same step, not one step ago."
    yield stack(x, layers, carried=True), "Each layer starts from zeros, not from the last state of the layer below."
    h = stack(x, layers, residual="")
    yield (
        stack(x, [(U, 0 * W, b) for U, W, b in layers]),
        "The state does not go from step to step: h belongs before the loop over t.",
    )
    yield (
        stack(x, layers, residual="own"),
        "A layer's own previous state is added. Add what the layer below puts out at this step.",
    )
    yield stack(x, layers) - h, "That is only what the layers read. The state of the last layer is missing."


@asks_for_function
def check_mask(mask):
    """Chapter 3.5, “Code”: mask(sizes) → which entries of W a clockwork network reads, groups of these sizes.

    sizes: a list, fast group first. The result has shape (n, n), n the sum of the sizes; entry (i, j) is 1 where unit i
    reads unit j: where j's group is i's or a slower one. Checked for seven lists.
    """
    for sizes in ([2, 2], [1, 1, 1], [3, 1], [1, 3], [2], [1, 2, 3], [4, 1, 2]):
        where, n = f"for sizes={sizes}", sum(sizes)
        got = array(call(mask, where, sizes=list(sizes)), (n, n), where, "the mask").astype(float)
        group = np.repeat(np.arange(len(sizes)), sizes)
        right = (group[:, None] <= group).astype(float)
        slips = [
            (right.T, "That is the transpose: fast groups feed slow ones. Row i belongs to the unit that reads."),
            (group[:, None] < group, "A unit also reads its own group: the blocks on the diagonal are 1."),
            (group[:, None] == group, "That has the diagonal blocks alone. A fast group also reads the slower ones."),
            (
                np.triu(np.ones((n, n))),
                "Inside a group every unit reads every other: whole blocks, not single entries.",
            ),
            (np.ones((n, n)), "Here every unit reads every other. A slow group must not read a faster one."),
            (1 - right, "The ones and zeros are exchanged."),
            (first_rows(sizes), "Each group begins at row 0 there: begin where the group before it ends."),
        ]
        even = np.repeat(np.arange(len(sizes)), n // len(sizes))
        if len(even) == n:
            slips.append(((even[:, None] <= even).astype(float), "The groups have different sizes."))
        compare(where, got, right, slips=[slip for slip in slips if not np.array_equal(slip[0], right)])


@asks_for_function
def check_causal(causal):
    """Chapter 3.7, “Code”: causal(x, u, dilation) → the causal convolution of a series with a kernel.

    x (T,), u (k,); the result has shape (T,): y_t = Σ_j u_j x_{t − dilation (k − 1 − j)}, with zeros before the first
    step. Checked for twelve sizes.
    """
    rng = np.random.default_rng(37)
    for T, k, dilation in itertools.product((8, 3), (3, 2, 1), (2, 1)):
        where, x, u = f"for T={T}, k={k}, dilation={dilation}", rng.normal(size=T), rng.normal(size=k)
        got = array(call(causal, where, x=x, u=u, dilation=dilation), (T,), where, "an output for each step")
        reach = dilation * (k - 1)

        def moved(kernel=u, dilation=dilation, ahead=0, x=x, T=T):
            """With an input that is read ``ahead`` steps too late in the series."""
            before = dilation * (len(kernel) - 1)
            padded = np.concatenate([np.zeros(before + T), x, np.zeros(before + T)])
            return sum(c * padded[T + ahead + dilation * j :][:T] for j, c in enumerate(kernel))

        slips = [
            (moved(dilation=1), "The dilation is not used: two inputs that are read lie `dilation` steps apart."),
            (
                moved(u[::-1], dilation=1),
                "The kernel is reversed, as np.convolve does it, and the dilation is not used.",
            ),
            (moved(u[::-1]), "The kernel is reversed: its last number belongs to x[t] itself."),
            (moved(ahead=reach), "Output t reads x[t] and later steps: the future. Put the zeros in front."),
            (
                moved(u[::-1], ahead=reach),
                "Output t reads x[t] and later steps, the future, and the kernel is reversed.",
            ),
            (moved(ahead=reach // 2), "Output t reads later steps: half of the zeros stand behind. Put all in front."),
            (moved(ahead=-1), "Every output comes one step late: y[t] may read x[t]. One zero less in front."),
            (moved(ahead=1), "Output t reads x[t + 1], the future. One zero more in front."),
            (
                circular(x, u, dilation),
                "The end of the series comes in at its beginning, as with np.roll or a negative index. Use zeros.",
            ),
            (moved(x=np.r_[0, x[1:]]), "x[0] is missing: an index of 0 is inside the series."),
            (
                np.where(np.arange(T) < reach, 0, moved()),
                "The first outputs are not 0: with zeros in front they read x, too.",
            ),
        ]
        compare(where, got, moved(), slips=[slip for slip in slips if not np.allclose(slip[0], moved())])


def circular(x, u, dilation):
    return sum(c * np.roll(x, dilation * (len(u) - 1 - j)) for j, c in enumerate(u))
