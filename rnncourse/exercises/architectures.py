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
