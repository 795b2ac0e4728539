"""The checks of part 3: architectures."""

import itertools

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import array, asks_for_function, compare, number


@asks_for_function
def check_summary(summary):
    """Chapter 3.1, “Code”: summary(hs, n) → the states of a bidirectional network that have read the whole sequence.

    hs: an array (T, B, 2n), the forward half in front; the result has shape (B, 2n). Checked for twelve sizes.
    """
    rng = np.random.default_rng(31)
    for T, B, n in itertools.product((4, 1, 3), (2, 1), (3, 1)):
        where, hs = f"for T={T}, B={B}, n={n}", rng.normal(size=(T, B, 2 * n))
        answer = call(summary, where, hs=hs, n=n)
        got = array(answer, (B, 2 * n), where, "the last states of both directions")
        ahead, back = hs[..., :n], hs[..., n:]
        both = np.concatenate([ahead[-1], back[0]], axis=-1)
        slips = [
            (hs[-1], "In hs[-1] the reverse half has read the last step only: its last state is in hs[0]."),
            (hs[0], "In hs[0] the forward half has read the first step only: its last state is in hs[-1]."),
            (
                np.concatenate([ahead[0], back[-1]], axis=-1),
                "Each direction has read one step only: exchange 0 and −1.",
            ),
            (np.concatenate([back[0], ahead[-1]], axis=-1), "The forward half comes first."),
            (hs.mean(axis=0), "That is the mean over the steps. Take one state of each direction."),
            (hs.max(axis=0), "That is the largest value over the steps. Take one state of each direction."),
        ]
        compare(where, got, both, slips=slips)


@asks_for_function
def check_attend(attend):
    """Chapter 3.6, “Code”: attend(query, keys, values, length) → the context of dot-product attention for a sequence.

    query (n,), keys (T, n), values (T, d), of which the first ``length`` may be read, at least one; the result has
    shape (d,). Checked for nine sizes, with and without hidden keys, one with a query so large that exp overflows.
    """
    rng = np.random.default_rng(36)
    cases = [(*sizes, 1.0) for sizes in itertools.product((4, 1), (3, 1), (2, 1))]
    for T, n, d, size in [*cases, (5, 3, 2, 1e4)]:
        where = f"for T={T}, n={n}, d={d}" + (f" and a query of size {size:g}" if size > 1 else "")
        query, keys, values = size * rng.normal(size=n), rng.normal(size=(T, n)), rng.normal(size=(T, d))
        for length in (T, max(T - 2, 1)):
            mask, what = np.arange(T) < length, f"{where}, length={length}"
            answer = call(attend, what, query=query, keys=keys, values=values, length=length)
            nan = "Subtract the largest score before np.exp." if size > 1 else ""
            got = array(answer, (d,), what, "the context", nan=nan)
            scores = keys @ query
            kept = np.where(mask, scores, -np.inf)
            weights = np.exp(kept - kept.max())
            weights /= weights.sum()
            all_read = np.exp(scores - scores.max())
            all_read /= all_read.sum()
            zeros = np.exp(mask * scores - (mask * scores).max())
            slips = [
                (all_read @ values, "The length is not used: a key behind it has weight 0."),
                (
                    (mask * all_read) @ values,
                    "The weights of the keys that may be read must have the sum 1: hide the scores, not the weights.",
                ),
                (
                    zeros / zeros.sum() @ values,
                    "A score of 0 still gets a weight, for exp(0) = 1. A hidden key needs the score −∞.",
                ),
                (values[mask].mean(axis=0), "That is the plain mean of the values. Weight them."),
                (np.where(mask, scores, 0) @ values, "The scores are no weights yet: take their softmax."),
                (values[np.argmax(kept)], "That is the value of the best key. Attention takes a weighted mean."),
            ]
            compare(what, got, weights @ values, slips=slips if size == 1 else ())


@asks_for_function
def check_recall(recall):
    """Chapter 3.4, “Code: recall”: recall(hs, u, k) → how well a linear readout of h_t knows the input k steps ago.

    hs: the states (T, n) that the inputs u (T,) left; k ≥ 0. The result is the squared correlation between u_{t−k} and
    its best linear readout with an intercept, over the steps t ≥ k. Checked for six cases.
    """
    rng = np.random.default_rng(34)
    for T, n, k in [(40, 3, 2), (40, 3, 0), (60, 1, 1), (30, 5, 4), (80, 2, 7), (50, 4, 3)]:
        where, u, hs = f"for T={T}, n={n}, k={k}", 0.5 + rng.normal(size=T), np.empty((T, n))
        W, h = rng.normal(size=(n, n)) / (1 + n), np.zeros(n)
        W_in = rng.normal(size=n)
        for t in range(T):
            h = hs[t] = np.tanh(W @ h + W_in * u[t] + 0.5)
        got = number(call(recall, where, hs=hs, u=u, k=k), where, "a squared correlation")
        right = explained(hs[k:], u[: T - k])
        compare(where, got, right, slips=recall_slips(hs, u, k, right))


def recall_slips(hs, u, k, right):
    T, alone = len(u), hs[k:] - hs[k:].mean(axis=0)
    past = u[: T - k] - u[: T - k].mean()
    single = (alone.T @ past) ** 2 / (alone**2).sum(axis=0) / (past**2).sum()
    yield np.sqrt(right), "That is the correlation. Square it."
    yield (
        explained(hs[: T - k], u[k:]),
        "That recalls u[t + k], an input that h[t] has not seen. Pair hs[k:] with the past.",
    )
    yield explained(hs[k:], u[k:]), "That recalls u[t], not u[t − k]: leave out the last k inputs, not the first."
    yield explained(hs[k + 1 :], u[: T - k - 1]), "That is the input k + 1 steps ago."
    yield explained(hs, np.roll(u, k)), "np.roll puts the last k inputs in front of the first. Leave these steps out."
    yield explained(hs[k:], u[: T - k], intercept=False), "The readout has an intercept, too: add a column of ones."
    yield single.max(), "That is the best single unit. The readout may combine all units."
    yield 1 - right, "That is the share that the readout does not explain."


def explained(hs, target, intercept=True):
    """The squared correlation between target and its least-squares fit from hs."""
    columns = np.column_stack([hs, np.ones(len(hs))]) if intercept else hs
    fit = columns @ np.linalg.lstsq(columns, target, rcond=None)[0]
    return np.corrcoef(fit, target)[0, 1] ** 2


@asks_for_function
def check_fed_back(fed_back):
    """Chapter 3.3, “Code”: fed_back(y0, targets, decay) → what a Jordan network with decaying memory reads.

    s_t = decay · s_{t−1} + y_{t−1}, where y_0 is y0 and else the target. y0: an array (k,); targets: (T, k); decay: a
    number; the result has shape (T, k). Checked for twelve sizes.
    """
    rng = np.random.default_rng(33)
    for T, k, decay in itertools.product((4, 1), (2, 1), (0.5, 0.0, 0.9)):
        where = f"for T={T}, k={k}, decay={decay}"
        y0, targets = rng.normal(size=k), rng.normal(size=(T, k))
        answer = call(fed_back, where, y0=y0, targets=targets, decay=decay)
        got = array(answer, (T, k), where, "what is fed back at each step")
        late, own, mixed = np.empty((T, k)), np.empty((T, k)), np.empty((T, k))
        s = m = np.zeros(k)
        for t in range(T):
            last = targets[t - 1] if t else y0
            s = late[t] = decay * s + last
            m = mixed[t] = decay * m + (1 - decay) * last
        s = np.zeros(k)
        for t in range(T):
            s = own[t] = decay * s + targets[t]
        without = np.concatenate([y0[None], targets[:-1]])
        slips = [
            (own, "Step t is given its own target, which it should predict. Shift by one step: y0 comes first."),
            (mixed, "That is a mean, with (1 − decay) before the new vector. Here the new vector counts fully."),
            (without, "That is without the decay: only the last vector is there."),
            (late - without, "The last vector itself is missing: s_t = decay · s_{t−1} + y_{t−1}."),
        ]
        compare(where, got, late, slips=[slip for slip in slips if not np.allclose(slip[0], late)])


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
            (moved(u[::-1]), "The kernel is reversed: its last number belongs to x[t] itself."),
            (moved(ahead=reach), "Output t reads x[t] and later steps: the future. Put the zeros in front."),
            (
                moved(u[::-1], ahead=reach),
                "Output t reads x[t] and later steps, the future, and the kernel is reversed.",
            ),
            (moved(ahead=reach // 2), "Output t reads later steps: half of the zeros stand behind. Put all in front."),
            (moved(ahead=-1), "Every output comes one step late: y[t] may read x[t]. One zero less in front."),
            (moved(ahead=1), "Output t reads x[t + 1], the future. One zero more in front."),
            (circular(x, u, dilation), "np.roll brings the end of the series to its beginning. Use zeros there."),
        ]
        compare(where, got, moved(), slips=slips)


def circular(x, u, dilation):
    return sum(c * np.roll(x, dilation * (len(u) - 1 - j)) for j, c in enumerate(u))
