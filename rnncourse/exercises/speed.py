"""The checks of part 8: speed."""

import itertools

import numpy as np
import torch

from rnncourse.exercises.running import check_arguments, refuse_changes, stops_are_sentences
from rnncourse.exercises.verdict import NotYet, array, asks_for_function, compare, kind


@asks_for_function
def check_recurrence(recurrence):
    """Chapter 8.1, “Code”: recurrence(f, u, c0) → cs, such as Recurrence.apply, with its own backward pass.

    c_t = f_t ⊙ c_{t−1} + u_t; torch tensors f, u, cs (T, B, n), c0 (B, n). Checked: cs and the gradients of f, u and
    c0 against autograd's, for twelve pairs of T and B; that no tensor is changed in place; and that autograd's graph
    has one node for all steps.
    """
    name = getattr(recurrence, "__name__", "")
    if isinstance(recurrence, type) or name in ("forward", "backward"):
        what = f"the method {name}" if name in ("forward", "backward") else "the class itself"
        raise NotYet(f"you passed {what}. Pass the method apply: check_recurrence(Recurrence.apply)")
    check_arguments(recurrence, ["f", "u", "c0"])
    rng = np.random.default_rng(8)
    for T, B in itertools.product((3, 1, 2, 7), (2, 1, 3)):
        where = f"for T={T}, B={B}"
        f, u, c0, dcs = (torch.from_numpy(rng.normal(size=s)) for s in [(T, B, 4), (T, B, 4), (B, 4), (T, B, 4)])
        given = {"f": f, "u": u, "c0": c0, "dcs": dcs}
        *inputs, direct = [tensor.clone() for tensor in given.values()]
        inputs = [tensor.requires_grad_() for tensor in inputs]
        with stops_are_sentences(where):
            cs = recurrence(*inputs)
        refuse_changes(where, given, [*inputs, direct])
        if not isinstance(cs, torch.Tensor):
            raise NotYet(f"{where}, your function returns {kind(cs)}. It should return a tensor, cs.")
        if (cs.shape, cs.dtype) != (u.shape, u.dtype):
            raise NotYet(f"{where}, cs is {tuple(cs.shape)}, {cs.dtype}. It should be {tuple(u.shape)}, {u.dtype}.")
        right = step_by_step(f, u, c0)
        compare(
            where, array(cs.detach(), tuple(u.shape), where, "all states", "cs"), right, "cs", state_slips(f, u, c0)
        )
        with stops_are_sentences(where):
            df, du, dc0 = torch.autograd.grad(cs, inputs, direct, allow_unused=True)
        refuse_changes(where, given, [*inputs, direct])
        whole = errors(dcs, f[1:])
        before = torch.cat([c0[None], right[:-1]])
        rights = {"du": whole, "df": whole * before, "dc0": f[0] * whole[0]}
        for (name, wish), got in zip(rights.items(), (du, df, dc0), strict=True):
            if got is None:
                raise NotYet(f"{where}, the gradient of {name[1:]} is None.")
            got = array(got, tuple(wish.shape), where, f"the gradient of {name[1:]}", name)
            compare(where, got, wish, name, gradient_slips(f, dcs, right, rights)[name])
        leaves = [getattr(node, "variable", None) for node, _ in cs.grad_fn.next_functions]
        if not all(any(leaf is tensor for leaf in leaves) for tensor in inputs):
            raise NotYet("autograd recorded the steps one by one. Let them run in forward of an autograd.Function.")


def step_by_step(f, u, c0, step=lambda f, u, c: f * c + u):
    cs = [c0]
    for f_t, u_t in zip(f, u, strict=True):
        cs.append(step(f_t, u_t, cs[-1]))
    return torch.stack(cs[1:])


def errors(direct, factors):
    """d_t = direct_t + factors_t ⊙ d_{t+1}, the last step first: direct (T, …), factors (T−1, …) → (T, …)."""
    later = [direct[-1]]
    for own, factor in zip(direct[:-1].flip(0), factors.flip(0), strict=True):
        later.insert(0, own + factor * later[0])
    return torch.stack(later)


def state_slips(f, u, c0):
    zero = torch.zeros_like(c0)
    return [
        (step_by_step(f, u, zero), "c0 is not used: the first step reads it."),
        (step_by_step(f, u, c0, lambda f, u, c: f * c - u), "u is subtracted; it should be added."),
        (step_by_step(f, u, c0, lambda f, u, c: c + u), "f is missing."),
        (step_by_step(f, u, c0, lambda f, u, c: c + f * u), "f multiplies u_t. It should multiply c_{t−1}."),
        (
            step_by_step(f, u, c0, lambda f, u, c: f * (c + u)),
            "f multiplies u_t, too. It should multiply c_{t−1} alone.",
        ),
        (step_by_step(f, u, c0, lambda f, u, c: f * c + (1 - f) * u), "u_t is added whole, not times 1 − f."),
        (step_by_step(f.roll(1, 0), u, c0), "f is one step off: c_t takes f_t."),
        (f * torch.cat([zero[None], u[:-1]]) + u, "Each step must read the state before it, not u_{t−1}."),
        (f * c0 + u, "Every step reads c0. It should read the state before it."),
        (torch.cat([c0[None], step_by_step(f, u, c0)[:-1]]), "cs begins with c_1, not with c0."),
    ]


def gradient_slips(f, dcs, cs, rights):
    """For each gradient, wrong ones and their sentences."""
    du, df, dc0 = rights.values()
    last = torch.cat([0 * dcs[:-1], dcs[-1:]])
    before = df / du
    return {
        "du": [
            (df, "That is df. The gradients come in the order of the inputs: f, u, c0."),
            (dcs, "Nothing comes back from the step after."),
            (errors(last, f[1:]), "That is the error of the last step alone. Each step has its own part in dcs."),
            (errors(last, f[1:]) + dcs - last, "A step's own part must also go on to the step before."),
            (errors(dcs, f[:-1]), "f_t stands where f_{t+1} should."),
            (errors(dcs, torch.ones_like(f[1:])), "What comes back must be multiplied by f_{t+1}."),
            (errors(dcs.flip(0), f[1:].flip(0)).flip(0), "The loop runs forwards. Begin at the last step."),
            (f * du, "That is multiplied by f_t: u_t enters c_t with the factor 1."),
        ],
        "df": [
            (du * cs, "c_t stands where c_{t−1} should."),
            (du, "The factor c_{t−1} is missing."),
            (dcs * before, "It uses the direct part dcs alone. Use the whole error, as for u."),
        ],
        "dc0": [
            (du[0], "f_1 is missing."),
            (0 * dc0, "c_1 depends on c_0, through f_1."),
            (f[0] * dcs[0], "It uses the direct part dcs alone. Use the whole error of c_1."),
            (f[-1] * du[-1], "The last step stands where the first should."),
        ],
    }
