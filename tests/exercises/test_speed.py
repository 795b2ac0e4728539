"""Chapter 8.1: wrong answers that a student might give, and the sentence for each."""

import answers
import numpy as np
import pytest
import torch


def recurrence(back=None, step=lambda f, u, c: f * c + u, states=None):
    """One node in autograd's graph; back(dcs, f, cs, c0) → gradients, step and states give cs. Right by default."""

    class Recurrence(torch.autograd.Function):
        @staticmethod
        def forward(ctx, f, u, c0):
            cs = states(f, u, c0) if states else torch.stack(list(walk(f, u, c0, step)))
            ctx.save_for_backward(f, cs, c0)
            return cs

        @staticmethod
        def backward(ctx, dcs):
            return (back or gradients)(dcs, *ctx.saved_tensors)

    return Recurrence.apply


def walk(f, u, c0, step=lambda f, u, c: f * c + u):
    c = c0
    for f_t, u_t in zip(f, u, strict=True):
        c = step(f_t, u_t, c)
        yield c


def gradients(dcs, f, cs, c0, later=lambda f, t: f[t + 1], own=1):
    """df, du, dc0. Slips: another factor for what comes from the later step; only the last step's own part, own=0."""
    dc = dcs.clone()
    for t in reversed(range(len(f) - 1)):
        dc[t] = own * dcs[t] + later(f, t) * dc[t + 1]
    return dc * torch.cat([c0[None], cs[:-1]]), dc, f[0] * dc[0]


def changed(change):
    """The recurrence, whose gradients (df, du, dc0) have gone through change(df, du, dc0, dcs, cs, f)."""
    return recurrence(lambda dcs, f, cs, c0: change(*gradients(dcs, f, cs, c0), dcs, cs, f))


def from_du(du_of):
    """The recurrence with another du; df and dc0 follow from it."""

    def back(dcs, f, cs, c0):
        du = du_of(dcs, f, cs, c0)
        return du * torch.cat([c0[None], cs[:-1]]), du, f[0] * du[0]

    return recurrence(back)


def own_part_stays(dcs, f, cs, c0):
    du = gradients(dcs, f, cs, c0, own=0)[1]
    du[:-1] += dcs[:-1]
    return du


def forwards(dcs, f, cs, c0):
    dc = dcs.clone()
    for t in range(1, len(f)):
        dc[t] = dcs[t] + f[t] * dc[t - 1]
    return dc


def in_place(dcs, f, cs, c0):
    for t in reversed(range(len(f) - 1)):
        dcs[t] += f[t + 1] * dcs[t + 1]
    return dcs


def by_autograd(f, u, c0):
    return torch.stack(list(walk(f, u, c0)))


class Slipped(torch.autograd.Function):
    forward = staticmethod(lambda ctx, f, u, c0: by_autograd(f, u, c0))
    backward = staticmethod(lambda ctx, dcs: (dcs, dcs, dcs[0]))


WRONG = {
    "check_recurrence": [
        (Slipped, "you passed the class itself. Pass the method apply: check_recurrence(Recurrence.apply)"),
        (answers.Recurrence.forward, "you passed the method forward. Pass the method apply"),
        (answers.Recurrence.backward, "you passed the method backward. Pass the method apply"),
        # the states
        (lambda f, u, c0: None, "for T=3, B=2, your function returns None. It should return a tensor, cs."),
        (lambda f, u, c0: u.detach().numpy(), "returns an array of shape (3, 2, 4). It should return a tensor, cs."),
        (lambda f, u, c0: c0, "cs is (2, 4), torch.float64. It should be (3, 2, 4), torch.float64."),
        (lambda f, u, c0: (f * u).float(), "cs is (3, 2, 4), torch.float32. It should be"),
        (lambda f, u, c0: f.nothing, "your code stops at line"),
        (lambda f, u, c0: f.nothing, "AttributeError: 'Tensor' object has no attribute 'nothing'"),
        (recurrence(step=lambda f, u, c: f * c - u), "u is subtracted; it should be added."),
        (recurrence(step=lambda f, u, c: c + u), "f is missing."),
        (recurrence(step=lambda f, u, c: c + f * u), "f multiplies u_t. It should multiply c_{t−1}."),
        (recurrence(step=lambda f, u, c: f * (c + u)), "f multiplies u_t, too. It should multiply c_{t−1} alone."),
        (recurrence(step=lambda f, u, c: f * c + (1 - f) * u), "u_t is added whole, not times 1 − f."),
        (recurrence(step=lambda f, u, c: f * c + u * np.nan), "cs contains NaN"),
        (recurrence(states=lambda f, u, c0: by_autograd(f, u, 0 * c0)), "c0 is not used: the first step reads it."),
        (recurrence(states=lambda f, u, c0: f * c0 + u), "Every step reads c0. It should read the state before it."),
        (
            recurrence(states=lambda f, u, c0: torch.cat([c0[None], by_autograd(f, u, c0)[:-1]])),
            "cs begins with c_1, not with c0.",
        ),
        (recurrence(states=lambda f, u, c0: by_autograd(f.roll(1, 0), u, c0)), "f is one step off: c_t takes f_t."),
        (recurrence(states=lambda f, u, c0: by_autograd(f, u, c0).flip(0)), "the right result in the reverse order."),
        # the gradients
        (
            lambda f, u, c0: by_autograd(f, u, c0).detach(),
            "stops with RuntimeError: element 0 of tensors does not require grad",
        ),
        (
            changed(lambda df, du, dc0, *_: (df, du)),
            "RuntimeError: function RecurrenceBackward returned an incorrect number",
        ),
        (changed(lambda df, du, dc0, *_: df.nothing), "`(changed(lambda df, du, dc0, *_: df.nothing), "),
        (changed(lambda df, du, dc0, *_: (df, du, None)), "the gradient of c0 is None."),
        (changed(lambda df, du, dc0, *_: (None, du, dc0)), "the gradient of f is None."),
        (changed(lambda df, du, dc0, *_: (None, None, None)), "the gradient of u is None."),
        (changed(lambda df, du, dc0, *_: (df, du * np.nan, dc0)), "du contains NaN"),
        (changed(lambda df, du, dc0, *_: (du, df, dc0)), "That is df. The gradients come in the order of the inputs"),
        (changed(lambda df, du, dc0, *_: (df, 2 * du, dc0)), "Every number is 2 times the right one."),
        (changed(lambda df, du, dc0, *_: (df, -du, dc0)), "The sign is turned."),
        (changed(lambda df, du, dc0, dcs, cs, f: (df, f * du, dc0)), "That is multiplied by f_t"),
        (from_du(lambda dcs, f, cs, c0: dcs), "for T=3, B=2, du["),
        (from_du(lambda dcs, f, cs, c0: dcs), "Nothing comes back from the step after."),
        (from_du(lambda *given: gradients(*given, own=0)[1]), "That is the error of the last step alone."),
        (from_du(own_part_stays), "A step's own part must also go on to the step before."),
        (from_du(lambda *given: gradients(*given, later=lambda f, t: f[t])[1]), "f_t stands where f_{t+1} should."),
        (
            from_du(lambda *given: gradients(*given, later=lambda f, t: 1)[1]),
            "What comes back must be multiplied by f_{t+1}.",
        ),
        (from_du(forwards), "The loop runs forwards. Begin at the last step."),
        (changed(lambda df, du, dc0, dcs, cs, f: (du * cs, du, dc0)), "c_t stands where c_{t−1} should."),
        (changed(lambda df, du, dc0, *_: (du, du, dc0)), "The factor c_{t−1} is missing."),
        (
            changed(lambda df, du, dc0, dcs, cs, f: (df / du * dcs, du, dc0)),
            "It uses the direct part dcs alone. Use the whole",
        ),
        (changed(lambda df, du, dc0, *_: (df, du, du[0])), "f_1 is missing."),
        (changed(lambda df, du, dc0, *_: (df, du, 0 * dc0)), "c_1 depends on c_0, through f_1."),
        (changed(lambda df, du, dc0, dcs, cs, f: (df, du, f[0] * dcs[0])), "Use the whole error of c_1."),
        (
            changed(lambda df, du, dc0, dcs, cs, f: (df, du, f[-1] * du[-1])),
            "The last step stands where the first should.",
        ),
        # in place, and step by step
        (from_du(in_place), "your function changes its input dcs."),
        (recurrence(step=lambda f, u, c: u.addcmul_(f, c)), "your function changes its input u."),
        (by_autograd, "autograd recorded the steps one by one."),
        (lambda *given: recurrence()(*(1 * tensor for tensor in given)), "autograd recorded the steps one by one."),
    ]
}


@pytest.mark.parametrize(("check", "answer", "message"), answers.rows(WRONG))
def test_says_what_is_wrong(check, answer, message):
    answers.assert_says(check, answer, message)


def test_the_recurrence_is_right_but_for_the_slips():
    assert answers.judge("check_recurrence", recurrence())
