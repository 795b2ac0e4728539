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
            (
                np.concatenate([ahead[-1], ahead[0]], axis=-1),
                "Both halves are of the forward direction. The reverse half is the last n units: hs[0, :, n:].",
            ),
            (
                np.concatenate([back[-1], back[0]], axis=-1),
                "Both halves are of the reverse direction. The forward half is the first n units: hs[-1, :, :n].",
            ),
            (np.concatenate([back[0], ahead[-1]], axis=-1), "The forward half comes first."),
            (
                np.stack([ahead[-1], back[0]], axis=-1).reshape(B, 2 * n),
                "The two halves are interleaved. All of the forward half comes first: join them along the last axis.",
            ),
            (
                np.concatenate([hs[-1, :, ::2], hs[0, :, 1::2]], axis=-1),
                "You take every second unit. The forward half is the first n units, the reverse half the last n.",
            ),
            (hs.mean(axis=0), "That is the mean over the steps. Take one state of each direction."),
            (hs.max(axis=0), "That is the largest value over the steps. Take one state of each direction."),
            (hs.sum(axis=0), "That is the sum over the steps. Take one state of each direction."),
            (
                np.concatenate([back[-1], ahead[0]], axis=-1),
                "Both states have read one step only, and the reverse half comes first: exchange 0 and −1.",
            ),
        ]
        compare(where, got, both, slips=slips)


@asks_for_function
def check_attend(attend):
    """Chapter 3.6, “Code”: attend(query, keys, values, length) → the context of dot-product attention for a sequence.

    query (n,), keys (T, n), values (T, d), of which the first ``length`` may be read, at least one; the result has
    shape (d,). Checked for ten sizes, with and without hidden keys. In two the query is so large that exp overflows,
    and in one of these all scores are negative.
    """
    rng = np.random.default_rng(36)
    cases = [(*sizes, 1.0) for sizes in itertools.product((4, 1), (3, 1), (2, 1))]
    for T, n, d, size in [*cases, (5, 3, 2, 1e4), (5, 3, 2, -1e4)]:
        where = f"for T={T}, n={n}, d={d}" + (f" and a query of size {abs(size):g}" if size != 1 else "")
        query, keys, values = size * rng.normal(size=n), rng.normal(size=(T, n)), rng.normal(size=(T, d))
        if size < 0:  # so that no score is above −100
            query, keys, where = -np.abs(query), 0.1 + np.abs(keys), f"{where} and negative scores"
        for length in (T, max(T - 2, 1)):
            what = f"{where}, length={length}"
            answer = call(attend, what, query=query, keys=keys, values=values, length=length)
            nan = "Subtract the largest score before np.exp." if size != 1 else ""
            got = array(answer, (d,), what, "the context", nan=nan)
            right = softmax(keys[:length] @ query) @ values[:length]
            if size == 1:
                slips = attend_slips(query, keys, values, length, right)
            else:  # only the hidden keys are of interest here
                less = "A hidden key needs the score −∞: a fixed number such as −100 can be larger than a score."
                slips = [(values[length:].mean(axis=0), less)] if size < 0 and length < T else []
            compare(what, got, right, slips=slips)


def attend_slips(query, keys, values, length, right):
    scores, some = keys @ query, max(length - 1, 1)
    kept = np.arange(len(keys)) < length
    slips = [
        (softmax(scores) @ values, "The length is not used: a key behind it has weight 0."),
        (
            (kept * softmax(scores)) @ values,
            "The weights of the keys that may be read must have the sum 1: hide the scores, not the weights.",
        ),
        (
            softmax(kept * scores) @ values,
            "A score of 0 still gets a weight, for exp(0) = 1. A hidden key needs the score −∞.",
        ),
        (
            softmax(scores[:length] / np.sqrt(len(query))) @ values[:length],
            "The scores are divided by √n, as in a Transformer. Here they are not.",
        ),
        (softmax(scores[-length:]) @ values[-length:], "Those are the last keys. The first `length` may be read."),
        (softmax(scores[:some]) @ values[:some], "One key too few is read: keys[:length] are `length` keys."),
        (np.exp(scores[:length]) @ values[:length], "The weights do not have the sum 1: divide by their sum."),
        (values[:length].mean(axis=0), "That is the plain mean of the values. Weight them."),
        (scores[:length] @ values[:length], "The scores are no weights yet: take their softmax."),
        (values[scores[:length].argmax()], "That is the value of the best key. Attention takes a weighted mean."),
    ]
    return [slip for slip in slips if not np.allclose(slip[0], right)]


def softmax(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


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
        empty = "For k = 0, u[:-k] is empty: write u[: len(u) - k]." if k == 0 else ""
        got = number(call(recall, where, empty, hs=hs, u=u, k=k), where, "a squared correlation, one number")
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
    error = ((fitted(hs[k:], u[: T - k]) - u[: T - k]) ** 2).mean()
    yield error, "That is a mean squared error. Take the squared correlation."
    padded = np.concatenate([np.zeros(k), u[: T - k]])
    yield explained(hs, padded), "The first k steps have no u[t − k]: leave them out, do not put zeros there."
    yield 1 - right, "That is the share that the readout does not explain."
    yield sum(explained(hs[j:], u[: T - j]) for j in range(k + 1)), "That is the sum over delays. Return one delay, k."
    for ridge in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0):
        columns = np.column_stack([hs[k:], np.ones(T - k)])
        gram = columns.T @ columns + ridge * np.eye(columns.shape[1])
        fit = columns @ np.linalg.solve(gram, columns.T @ u[: T - k])
        yield (
            np.corrcoef(fit, u[: T - k])[0, 1] ** 2,
            "That looks like ridge regression. Fit by least squares, without λ.",
        )


def explained(hs, target, intercept=True):
    """The squared correlation between target and its least-squares fit from hs."""
    fit = fitted(hs, target, intercept)
    return np.corrcoef(fit, target)[0, 1] ** 2


def fitted(hs, target, intercept=True):
    columns = np.column_stack([hs, np.ones(len(hs))]) if intercept else hs
    return columns @ np.linalg.lstsq(columns, target, rcond=None)[0]


@asks_for_function
def check_fed_back(fed_back):
    """Chapter 3.3, “Code”: fed_back(y0, targets, decay) → what a Jordan network with decaying memory reads.

    s_t = decay · s_{t−1} + y_{t−1}, where y_0 is y0 and else the target. y0: an array (k,); targets: (T, k); decay: a
    number; the result has shape (T, k). Checked for twelve sizes.
    """
    rng = np.random.default_rng(33)
    for T, k, decay in itertools.product((4, 1), (2, 1), (0.4, 0.0, 0.9)):
        where = f"for T={T}, k={k}, decay={decay}"
        y0, targets = rng.normal(size=k), rng.normal(size=(T, k))
        answer = call(fed_back, where, y0=y0, targets=targets, decay=decay)
        got = array(answer, (T, k), where, "what is fed back at each step")
        without, empty = np.concatenate([y0[None], targets[:-1]]), np.zeros(k)
        late, own = decayed(without, decay), decayed(targets, decay)
        mixed, before = decayed((1 - decay) * without, decay), np.concatenate([empty[None], without[:-1]])
        slips = [
            (
                np.concatenate([empty[None], late[:-1]]),
                "That is one step late: it begins with s_0. Begin with s_1 = y_0.",
            ),
            (
                decayed(targets, decay, y0),
                "y_0 enters at step 1 with its full size, and the target of step 1 at step 2.",
            ),
            (
                decayed(decay * without, decay),
                "The decay multiplies the new vector too. It should multiply s_{t−1} alone.",
            ),
            (without + decay * before, "Only two vectors are added up. All older ones stay in s_{t−1}."),
            (
                np.repeat(late[-1:], T, axis=0),
                "All rows are the last s_t: append a copy at each step, not the same array.",
            ),
            (decayed(np.concatenate([empty[None], targets[:-1]]), decay), "y_0 is not used: it is what step 1 reads."),
            (decayed(without, decay, y0), "The first row is y_0 itself: before it stands s_0 = 0."),
            (own, "Step t is given its own target, which it should predict. Shift by one step: y0 comes first."),
            (mixed, "That is a mean, with (1 − decay) before the new vector. Here the new vector counts fully."),
            (without, "That is without the decay: only the last vector is there."),
            (late - without, "The last vector itself is missing: s_t = decay · s_{t−1} + y_{t−1}."),
            (decay * without, "Each vector is multiplied by the decay, but older ones are not added up."),
            *after_the_first(y0, targets, decay),
        ]
        compare(where, got, late, slips=[slip for slip in slips if not np.allclose(slip[0], late)])


def after_the_first(y0, targets, decay):
    """Slips whose first row, y0, is right."""
    own = "Step t is given its own target, which it should predict: after y0 comes targets[0]."
    plain = "The older vectors are added up without the decay: s_t = decay · s_{t−1} + y_{t−1}."
    yield np.concatenate([y0[None], decayed(targets[1:], decay, y0)]), own
    yield np.concatenate([y0[None], targets[1:]]), own
    yield decayed(np.concatenate([y0[None], targets[:-1]]), 1.0), plain
    rows, means = [y0], [y0]
    for target in targets[:-1]:
        rows.append(decay * (rows[-1] + target))
        means.append(decay * means[-1] + (1 - decay) * target)
    yield np.array(rows), "The decay multiplies the new vector too. It should multiply s_{t−1} alone."
    yield np.array(means), "That is a mean, with (1 − decay) before the new vector. Here the new vector counts fully."
    once = np.concatenate([y0[None], targets[:-1] + decay * y0])
    yield once, "In each row decay · y0 is added. Add decay · s_{t−1}, the row before."


def decayed(rows, decay, s=0.0):
    """s_t = decay · s_{t−1} + rows_t for all t, (T, k)."""
    return np.array([s := decay * s + row for row in rows]).reshape(rows.shape)
