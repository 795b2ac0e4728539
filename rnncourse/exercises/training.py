"""The checks of part 4: training."""

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import array, asks_for_function, compare


@asks_for_function
def check_last_states(last_states):
    """Chapter 4.1, “Code”: last_states(hs, lengths) → the last real states of a padded bidirectional batch.

    hs: an array (T, B, 2n), the forward half in front, in which each row has been read on its own: the reverse half
    began at its last real step; lengths: (B,) whole numbers from 1 to T. The result has shape (B, 2n): for each row the
    forward half after its last real step, and the reverse half at its first. Checked for ten batches.
    """
    rng = np.random.default_rng(41)
    # In the first case no sequence is as long as the batch, so that hs[lengths] exists and gets its own hint.
    cases = [(6, [3, 5, 1], 2), (4, [4, 2], 1), (3, [1], 2), (2, [2, 2, 2], 3), (6, [6, 5, 3, 3, 1], 1)]
    for T, lengths, n in [*cases, *((T + 1, lengths, n) for T, lengths, n in cases)]:
        B, lengths = len(lengths), np.array(lengths)
        where = f"for T={T}, lengths={lengths.tolist()}, n={n}"
        real = np.arange(T)[:, None, None] < lengths[:, None]
        hs = rng.normal(size=(T, B, 2 * n))
        got = array(call(last_states, where, hs=hs, lengths=lengths), (B, 2 * n), where, "the last real states")
        rows, ahead, back = np.arange(B), hs[..., :n], hs[..., n:]
        last = ahead[lengths - 1, rows]

        def joined(*halves):
            return np.concatenate(halves, axis=-1)

        slips = [
            (hs[-1], "That is hs[-1]: behind the end of a short row it is padding. Each row ends at lengths[b] − 1."),
            (
                joined(ahead[-1], back[0]),
                "In a short row the last forward state is not at step −1. Each row ends at lengths[b] − 1.",
            ),
            (
                hs[lengths - 1, rows],
                "The reverse half at the last real step has read one character only. It has read all at step 0.",
            ),
            (
                joined(last, back[-1]),
                "The reverse half at step −1 is padding in a short row. It has read all at step 0.",
            ),
            (hs[0], "The forward half at step 0 has read one character only. It has read all at lengths[b] − 1."),
            (
                joined(ahead[np.minimum(lengths, T - 1), rows], back[0]),
                "hs[lengths] is one step too late: steps are counted from 0.",
            ),
            (
                joined(ahead[lengths - 2, rows], back[0]),
                "hs[lengths − 2] is one step too early: the last real step is lengths[b] − 1.",
            ),
            (
                joined(last, back[T - lengths, rows]),
                "The reverse half has read everything at step 0, also in a short sequence.",
            ),
            (
                joined(last, ahead[0]),
                "Both halves are of the forward direction. The reverse half is the last n units.",
            ),
            (joined(back[0], last), "The forward half comes first."),
            ((hs * real).sum(axis=0) / lengths[:, None], "That is the mean over the real steps. Take one state."),
            (hs.mean(axis=0), "That is the mean over the steps. Take one state of each direction."),
        ]
        compare(where, got, joined(last, back[0]), slips=slips)
