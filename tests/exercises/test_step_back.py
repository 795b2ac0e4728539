"""Chapter 2.2: wrong answers that a student might give, and the sentence for each."""

import answers
import numpy as np
import pytest

from rnncourse.reference.ops import sigmoid


def stepped(read="ifgo", write="ifgo", squash_g=np.tanh, returns=lambda delta, dh, dc: (delta, dh, dc), **change):
    """step_back with a slip: each name in ``change`` is a formula of v, all that the step has computed so far."""

    class Values(dict):
        __getattr__ = dict.__getitem__

    def step_back(dh, dc, x, h, c, U, W, b):
        v = Values(dh=dh, dc=dc, c=c, W=W, U=U, net=dict(zip(read, np.split(U @ x + W @ h + b, 4), strict=True)))
        v |= {gate: sigmoid(v.net[gate]) for gate in "ifo"} | {"g": squash_g(v.net["g"])}
        formulas = {
            "t": lambda v: np.tanh(v.f * v.c + v.i * v.g),
            "dC": lambda v: v.dc + v.dh * v.o * (1 - v.t**2),
            "di": lambda v: v.dC * v.g * v.i * (1 - v.i),
            "df": lambda v: v.dC * v.c * v.f * (1 - v.f),
            "dg": lambda v: v.dC * v.i * (1 - v.g**2),
            "do": lambda v: v.dh * v.t * v.o * (1 - v.o),
            "delta": lambda v: np.concatenate([v["d" + gate] for gate in write]),
            "back": lambda v: v.W.T @ v.delta,
            "old": lambda v: v.dC * v.f,
        }
        for name, formula in (formulas | change).items():
            v[name] = formula(v)
        return returns(v.delta, v.back, v.old)

    return step_back


WRONG = {
    "check_step_back": [
        (
            stepped(returns=lambda *three: None),
            "your function returns None. It should return three arrays: δ_t, Wᵀδ_t and dc_t ⊙ f_t.",
        ),
        (stepped(returns=lambda *three: three[:2]), "your function returns a tuple of length 2."),
        (stepped(returns=lambda *three: np.zeros(3)), "your function returns an array of shape (3,)."),
        (
            stepped(returns=lambda delta, dh, dc: (dh, dc, delta)),
            "delta is of shape (2,). It should be a gradient, of shape (8,).",
        ),
        (
            stepped(returns=lambda delta, dh, dc: (delta.reshape(4, -1), dh, dc)),
            "delta is of shape (4, 2), four blocks. It should have shape (8,). Join the blocks of i, f, g, o to one",
        ),
        (
            stepped(returns=lambda delta, dh, dc: (np.split(delta, 4), dh, dc)),
            "delta is of shape (4, 2), four blocks. It should have shape (8,). Join the blocks of i, f, g, o to one",
        ),
        (
            stepped(returns=lambda delta, dh, dc: (*np.split(delta, 4), dh, dc)),
            "a tuple of length 6. It should return three arrays: δ_t, Wᵀδ_t and dc_t ⊙ f_t. Join the blocks",
        ),
        (
            stepped(back=lambda v: v.W.T @ np.split(v.delta, 4)),
            "delta is still four blocks. Join the blocks of i, f, g, o to one vector, with np.hstack.",
        ),
        (
            stepped(returns=lambda delta, dh, dc: (delta, dc, dh)),
            "The second and the third result are exchanged: return δ_t, Wᵀδ_t, dc_t ⊙ f_t.",
        ),
        (stepped(returns=lambda delta, dh, dc: (-delta, dh, dc)), "The sign is turned. Also wrong: f, g, o."),
        (stepped(returns=lambda delta, dh, dc: (delta, None, dc)), "the second result (Wᵀδ_t) is None."),
        (
            stepped(returns=lambda delta, dh, dc: (delta, dh, dc * np.inf)),
            "the third result (dc_t ⊙ f_t) contains infinity.",
        ),
        # the error of the cell state
        (stepped(dC=lambda v: v.dc), "for m=3, n=2, the part of i in delta is"),
        (stepped(dC=lambda v: v.dc), "dc must first get its part from dh: dh ⊙ o ⊙ (1 − tanh²c_t). Also wrong: f, g."),
        (stepped(dC=lambda v: v.dh * v.o * (1 - v.t**2)), "The given dc is missing in the gradient of c_t."),
        (stepped(dC=lambda v: v.dc + v.dh * v.o), "The slope of tanh(c_t) is missing in the gradient of c_t"),
        (stepped(dC=lambda v: v.dc + v.dh * (1 - v.t**2)), "The output gate o is missing in the gradient of c_t."),
        (stepped(dC=lambda v: v.dc + v.dh * v.o * v.t), "stands tanh(c_t); its slope should stand there."),
        (
            stepped(dC=lambda v: v.dc + v.dh * v.o * (1 - np.tanh(v.c) ** 2)),
            "taken at the old cell state, not at the new one.",
        ),
        (stepped(dC=lambda v: v.dc + v.dh), "dh must pass o and the slope of tanh(c_t)"),
        (
            stepped(dC=lambda v: v.f * v.dc + v.dh * v.o * (1 - v.t**2)),
            "The given dc has already passed the forget gate",
        ),
        # one gate
        (stepped(di=lambda v: v.dC * v.g), "the part of i in delta is"),
        (stepped(di=lambda v: v.dC * v.g), "The slope of i is missing."),
        (stepped(di=lambda v: v.dC * v.g * (1 - v.i**2)), "The slope is that of tanh. i has a σ: i(1 − i)."),
        (stepped(di=lambda v: v.dC * v.c * v.i * (1 - v.i)), "The factor is g, not the old cell state."),
        (stepped(di=lambda v: v.dC * v.i * (1 - v.i)), "The factor is missing."),
        (stepped(di=lambda v: v.dh * v.g * v.i * (1 - v.i)), "It starts from the gradient of c_t, not from dh."),
        (stepped(di=lambda v: v.dC * v.net["g"] * v.i * (1 - v.i)), "g must be squashed by tanh."),
        (stepped(di=lambda v: v.dC * v.g * v.net["i"] * (1 - v.net["i"])), "i is not squashed in its slope."),
        (
            stepped(df=lambda v: v.dC * (v.f * v.c + v.i * v.g) * v.f * (1 - v.f)),
            "The factor is the old cell state, not the new",
        ),
        (stepped(df=lambda v: v.dC * v.g * v.f * (1 - v.f)), "The factor is the old cell state, not g."),
        (
            stepped(df=lambda v: v.dC * np.tanh(v.c) * v.f * (1 - v.f)),
            "The factor is the old cell state itself, not its tanh.",
        ),
        (stepped(df=lambda v: v.dC * v.c * v.f), "f stands where its slope should."),
        (stepped(df=lambda v: 0 * v.c), "the part of f in delta is [0, 0]"),
        (stepped(dg=lambda v: v.dC * v.i), "the part of g in delta is"),
        (stepped(dg=lambda v: v.dC * v.i), "The slope of g is missing."),
        (stepped(dg=lambda v: v.dC * v.i * v.g * (1 - v.g)), "The slope is that of σ. g has a tanh: 1 − g²."),
        (stepped(dg=lambda v: v.dC * v.f * (1 - v.g**2)), "The factor is i, not f."),
        (
            stepped(dg=lambda v: v.dc * v.i),
            "dc must first get its part from dh: dh ⊙ o ⊙ (1 − tanh²c_t). The slope of g is missing.",
        ),
        (stepped(do=lambda v: v.dC * v.t * v.o * (1 - v.o)), "the part of o in delta is"),
        (stepped(do=lambda v: v.dC * v.t * v.o * (1 - v.o)), "It starts from dh, not from the gradient of c_t."),
        (stepped(do=lambda v: v.dc * v.t * v.o * (1 - v.o)), "It starts from dh, not from dc."),
        (stepped(do=lambda v: v.dh * (v.f * v.c + v.i * v.g) * v.o * (1 - v.o)), "the tanh is missing."),
        (
            stepped(do=lambda v: v.dh * np.tanh(v.c) * v.o * (1 - v.o)),
            "The factor is tanh of the new cell state, not of the old",
        ),
        # all of delta
        (stepped(write="ifog"), "The parts of delta stand in the order i, f, o, g. The order is i, f, g, o."),
        (stepped(read="ifog", write="ifog"), "You read the four blocks as i, f, o, g. They are i, f, g, o."),
        (stepped(read="igfo"), "You read the four blocks as i, g, f, o."),
        (stepped(squash_g=sigmoid), "g is squashed by σ. It takes tanh."),
        (
            stepped(t=lambda v: np.tanh(v.c)),
            "The slope of tanh is taken at the old cell state, not at the new one. Also wrong: f, g, o.",
        ),
        # dh and dc
        # a line of its own for each lambda: the verdict quotes the line where the code stops
        (
            stepped(back=lambda v: v.W @ v.delta),
            "your code stops at line",
        ),
        (
            stepped(back=lambda v: v.W @ v.delta),
            "2 columns meet 8 rows. W must be transposed: the product that goes back is W.T @ delta.",
        ),
        (
            stepped(back=lambda v: np.dot(v.W, v.delta)),
            "W must be transposed: the product that goes back is W.T @ delta.",
        ),
        (
            stepped(back=lambda v: v.U @ v.delta),
            "The gradient of the old h goes back through W and not through U: W.T @ delta.",
        ),
        (
            stepped(back=lambda v: v.W.T @ v.delta[1:]),
            "delta has 4n numbers, W is (4n, n), and all other gradients have n numbers.",
        ),
        (
            stepped(back=lambda v: v.U.T @ v.delta),
            "the second result (Wᵀδ_t) is of shape (3,). It should be a gradient, of shape (2,). U.T @ delta is the",
        ),
        (
            stepped(back=lambda v: v.U.T @ v.delta if len(v.U.T) == len(v.W.T) else v.W.T @ v.delta),
            "U.T @ delta is the gradient of x. The old h gets W.T @ delta.",
        ),
        (stepped(back=lambda v: v.dh + v.W.T @ v.delta), "The given dh belongs to h_t. It does not reach"),
        (stepped(back=lambda v: 0 * v.dh), "the second result (Wᵀδ_t) is [0, 0]"),
        (stepped(old=lambda v: v.dC), "for m=3, n=2, the third result (dc_t ⊙ f_t) is"),
        (stepped(old=lambda v: v.dC), "The forget gate f is missing."),
        (stepped(old=lambda v: v.dC * v.i), "The factor is f, not i."),
        (stepped(old=lambda v: v.dC * v.f * (1 - v.f)), "The factor is f itself, not its slope."),
        (stepped(old=lambda v: v.dc * v.f), "dc must first get its part from dh: dh ⊙ o ⊙ (1 − tanh²c_t)."),
        (
            stepped(old=lambda v: v.dc),
            "dc must first get its part from dh: dh ⊙ o ⊙ (1 − tanh²c_t). The forget gate f is missing.",
        ),
    ]
}


@pytest.mark.parametrize(("check", "answer", "message"), answers.rows(WRONG))
def test_says_what_is_wrong(check, answer, message):
    answers.assert_says(check, answer, message)


def test_the_step_is_right_but_for_the_slips():
    assert answers.judge("check_step_back", stepped())
