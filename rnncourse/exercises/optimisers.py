"""The check of chapter 4.2: an optimiser's step."""

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import NotYet, array, asks_for_function, compare, kind


@asks_for_function
def check_nesterov(nesterov):
    """Chapter 4.2, “Code”: nesterov(theta, g, u, rate, mu) → the new weights and the new u.

    u ← μ u + g, then θ ← θ − η (g + μ u) with the new u: ``torch.optim.SGD`` with ``nesterov=True``.
    theta, g, u: arrays of one shape; rate, mu: numbers. Checked for vectors and matrices, and for u = 0.
    """
    rng = np.random.default_rng(42)
    for shape, rate, mu, first in [((3,), 0.2, 0.9, False), ((2, 2), 0.5, 0.6, False), ((4,), 0.3, 0.8, True)]:
        theta, g, u = rng.normal(size=shape), rng.normal(size=shape), rng.normal(size=shape)
        u = np.zeros(shape) if first else u
        where = f"for shape={shape}, rate={rate}, mu={mu}" + (", u=0" if first else "")
        got = call(nesterov, where, theta=theta, g=g, u=u, rate=rate, mu=mu)
        if not isinstance(got, list | tuple) or len(got) != 2:
            raise NotYet(f"{where}, your function returns {kind(got)}. It should return two arrays, theta and u.")
        new = mu * u + g
        wish = theta - rate * (g + mu * new)
        got_u = array(got[1], shape, where, "the new u", "the second result")
        got_theta = array(got[0], shape, where, "the new weights", "the first result")
        if not first and np.allclose(got_theta, new) and np.allclose(got_u, wish):
            raise NotYet(f"{where}, the two results are exchanged. Return theta first, then u.")
        compare(
            where,
            got_u,
            new,
            "u",
            slips=[
                (u, "That is the old u. Return the new one: the next step needs it."),
                (mu * u + (1 - mu) * g, "That is a running mean. Here g is added in full: u ← μ u + g."),
                (u + g, "The old u is multiplied by μ."),
                (mu * (u + g), "μ multiplies only the old u, not g."),
                (mu * u - g, "g is added to u. The minus sign stands in the step of theta."),
                (mu * u - rate * g, "The rate does not enter u here, and g is added."),
                (mu * u + rate * g, "The rate does not enter u. It multiplies the whole step."),
                (g + mu * new, "That is the direction of the step. u is the running sum: μ u + g."),
            ],
        )
        compare(
            where,
            got_theta,
            wish,
            "theta",
            slips=[
                (theta - rate * new, "That is plain momentum. The step goes along g + μ u, with the new u."),
                (theta - rate * (new + mu * new), "Add g, not u: the step goes along g + μ u."),
                (theta - rate * (g + new), "The new u is multiplied by μ."),
                (theta - rate * mu * new, "The g of the step is missing: g + μ u."),
                (theta - rate * g, "That is SGD without momentum: μ u is missing."),
                (theta + rate * (g + mu * new), "The step goes downhill: subtract it."),
                (theta - (g + mu * new), "The learning rate is missing."),
                (-rate * (g + mu * new), "That is the step. Add it to theta."),
            ],
        )
