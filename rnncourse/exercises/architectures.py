"""The checks of part 3: architectures."""

import itertools

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import array, asks_for_function, compare


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
            (hs[-1], "In hs[-1] the reverse half has read the last step only: its last state stands at step 0."),
            (hs[0], "In hs[0] the forward half has read the first step only: its last state stands at step −1."),
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
