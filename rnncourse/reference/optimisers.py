"""Five optimisers as PyTorch has them: how the weights θ move when the gradient is g.

    sgd        θ ← θ − η g
    momentum   u ← μ u + g,                     θ ← θ − η u
    rmsprop    v ← α v + (1 − α) g²,            θ ← θ − η g / (√v + ε)
    adam       m ← β₁ m + (1 − β₁) g,           v ← β₂ v + (1 − β₂) g²,
               m̂ = m / (1 − β₁ᵗ),               v̂ = v / (1 − β₂ᵗ),
               θ ← θ − η m̂ / (√v̂ + ε)
    adamw      θ ← θ − η λ θ, then as adam

η is the learning rate, t = 1, 2, … the step; all operations are entry by entry. Each function takes the state that it
returned, or None before the first step, and changes no array that it is given.
Sources: Polyak (1964), doi:10.1016/0041-5553(64)90137-5, for momentum; Hinton's lecture 6e (2012) for rmsprop; Kingma
and Ba (2014), arXiv:1412.6980, algorithm 1, for adam; Loshchilov and Hutter (2017), arXiv:1711.05101, algorithm 2, for
adamw. The forms and default values are those of ``torch.optim``.
"""

import numpy as np

from rnncourse.checks import check


def sgd(theta, g, state, rate):
    """One step of gradient descent: θ ← θ − η g.

    theta, g: arrays of one shape; state: None; rate: η. Returns the new θ and the state, None.
    Raises ValueError for shapes, dtypes or values that do not fit, and for a rate below 0.
    """
    check_step("sgd", theta, g, rate)
    return theta - rate * g, None


def momentum(theta, g, state, rate, mu=0.9):
    """One step with momentum: u ← μ u + g,  θ ← θ − η u. In the first step u = g, as u began at 0.

    theta, g and state u: arrays of one shape, u None before the first step. Returns θ and u. Raises as ``sgd``.
    """
    check_step("momentum", theta, g, rate, u=state)
    u = g.copy() if state is None else mu * state + g
    return theta - rate * u, u


def rmsprop(theta, g, state, rate, alpha=0.99, epsilon=1e-8):
    """One step of RMSprop: v ← α v + (1 − α) g²,  θ ← θ − η g / (√v + ε). v begins at 0.

    theta, g and state v: arrays of one shape, v None before the first step. Returns θ and v. Raises as ``sgd``.
    """
    check_step("rmsprop", theta, g, rate, v=state)
    v = alpha * (0 if state is None else state) + (1 - alpha) * g**2
    return theta - rate * g / (np.sqrt(v) + epsilon), v


def adam(theta, g, state, rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """One step of Adam: running means of g and of g², each divided by 1 − βᵗ because it began at 0.

    theta, g: arrays of one shape; state: None before the first step, then (m, v, t). Returns θ and the new state.
    Raises as ``sgd``.
    """
    m, v, t = (np.zeros_like(theta), np.zeros_like(theta), 0) if state is None else state
    check_step("adam", theta, g, rate, m=m, v=v)
    m, v, t = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2, t + 1
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return theta - rate * m_hat / (np.sqrt(v_hat) + epsilon), (m, v, t)


def adamw(theta, g, state, rate, decay=0.01, **options):
    """One step of AdamW: θ ← θ − η λ θ, then a step of Adam from there; λ is ``decay``.

    The decay is decoupled: it does not enter m or v. Arguments and errors as ``adam``.
    """
    check_step("adamw", theta, g, rate)
    return adam(theta - rate * decay * theta, g, state, rate, **options)


def check_step(name, theta, g, rate, **state):
    """Arrays of one shape and dtype with finite values, and a rate of at least 0."""
    arrays = {"theta": theta, "g": g} | {what: array for what, array in state.items() if array is not None}
    check(arrays, dict.fromkeys(arrays, "..."), f"optimisers.{name}")
    if not 0 <= rate < np.inf:
        raise ValueError(f"optimisers.{name}: expected rate to be at least 0 and finite, got {rate}")
