"""The check of chapter 4.4: how far back the gradient of a loss reaches."""

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import asks_for_function, compare, number


@asks_for_function
def check_reach(reach):
    """Chapter 4.4, “Code”: reach(t, k1, k2) → how many inputs get a gradient from the loss of step t in TBPTT(k1, k2).

    t: the step, counted from 0; k1: steps between two backward passes; k2: steps of the window, a multiple of k1.
    The input of step t itself counts. At the beginning of the text the window is shorter. Checked for all steps of
    seven pairs of k1 and k2.
    """
    for k1, k2 in [(4, 12), (4, 8), (1, 3), (5, 5), (2, 6), (1, 1), (3, 3)]:
        for t in [2 * k2 + 1, *range(3 * k2)]:
            where = f"for t={t}, k1={k1}, k2={k2}"
            got = number(call(reach, where, t=t, k1=k1, k2=k2), where, "the number of inputs")
            end = (t // k1 + 1) * k1
            first = max(0, end - k2)
            slips = [
                (k2, "Only the last loss of a block has the whole window before it."),
                (
                    t - end + k2 + 1,
                    "That counts steps before the text begins. The window begins at step 0 or later.",
                ),
                (t - first, "The input of step t itself counts, too."),
                (t - max(0, t // k1 * k1 - k2) + 1, "The window of k2 steps includes the block of step t."),
                (end - first, "That is the length of the window. It also holds steps after t, which get no gradient."),
                (t % k1 + 1, "That is the place within the block. The window may begin in an earlier block."),
                (first, "That is where the window begins. Count the steps from there to t."),
                (t + 1, "That is full BPTT. The window cuts off what lies more than k2 steps before its end."),
                (min(t + 1, k2), "That is right for k1 = 1. With k1 > 1, the window ends at the end of the block."),
                (end - t, "That counts forward, from t to the end of the block."),
            ]
            compare(where, got, float(t - first + 1), slips=slips)
