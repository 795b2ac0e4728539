"""The check of chapter 2.2: the backward pass of one step of an LSTM. i, f, g, o are the gates after squashing."""

import itertools
import math

import numpy as np

from rnncourse.exercises.running import call
from rnncourse.exercises.verdict import NotYet, array, asks_for_function, compare, differ, hint, kind, usual_slips
from rnncourse.reference import lstm
from rnncourse.reference.ops import sigmoid

SECOND, THIRD = "the second result (Wᵀδ_t)", "the third result (dc_t ⊙ f_t)"
JOIN = " Join the blocks of i, f, g, o to one vector, with np.hstack."
OF_X = "U.T @ delta is the gradient of x. The old h gets W.T @ delta."


@asks_for_function
def check_step_back(step_back):
    """Chapter 2.2, “One step back”: step_back(dh, dc, x, h, c, U, W, b) → (delta, dh, dc) of the step before.

    dh, dc, h, c (n,), x (m,), U (4n, m), W (4n, n), b (4n,). dh is the total gradient of h_t; dc is what
    reaches c_t from later steps, without the part from dh. Asked for: delta (4n,), the gradient of the net inputs of
    i, f, g, o; Wᵀ delta (n,); and dc_t ⊙ f_t, the gradient of the old cell state along the cell path (n,). Checked
    against ``lstm.backward``.
    """
    rng = np.random.default_rng(7)
    for m, n in [(3, 2), (1, 1), (2, 4)]:
        U, W, b, x = (rng.normal(size=s) for s in [(4 * n, m), (4 * n, n), 4 * n, m])
        h, c, dh, dc = (rng.normal(size=n) for _ in range(4))
        hs, *_, cache = lstm.forward(x[None, None], h[None], c[None], U, W, b)
        right = lstm.backward(np.zeros_like(hs), dh[None], dc[None], cache)
        where = f"for m={m}, n={n}"
        answer = call(step_back, where, advice(m, n), dh=dh, dc=dc, x=x, h=h, c=c, U=U, W=W, b=b)
        if not isinstance(answer, tuple | list) or len(answer) != 3:
            raise NotYet(
                f"{where}, your function returns {kind(answer)}. It should return three arrays: δ_t, Wᵀδ_t and "
                f"dc_t ⊙ f_t.{JOIN if isinstance(answer, tuple | list) and len(answer) == 6 else ''}"
            )
        refuse_wrong_shapes(where, answer, n, U)
        shapes = {"delta": (4 * n,), SECOND: (n,), THIRD: (n,)}
        pairs = zip(answer, shapes.items(), strict=True)
        delta, dh_old, dc_old = (array(a, shape, where, "a gradient", name) for a, (name, shape) in pairs)
        nets = np.split(U @ x + W @ h + b, 4)
        compare_gates(where, delta, right.b, nets, c, dh, dc)
        swapped = "The second and the third result are exchanged: return δ_t, Wᵀδ_t, dc_t ⊙ f_t."
        slips = [
            *([(U.T @ right.b, OF_X)] if m == n else []),
            (right.h0[0] + dh, "The given dh belongs to h_t. It does not reach h_(t−1) directly."),
        ]
        compare(where, dh_old, right.h0[0], SECOND, [(right.c0[0], swapped), *slips])
        i, f, _, _ = sigmoid(nets)
        factors = [
            (f, ""),
            (1, "The forget gate f is missing."),
            (i, "The factor is f, not i."),
            (f * (1 - f), "The factor is f itself, not its slope."),
        ]
        slips = joined(cell_errors(nets, c, dh, dc), factors)
        compare(where, dc_old, right.c0[0], THIRD, slips)


def advice(m, n):
    """What to say when arrays do not fit together, as a function of the error in plain words."""
    W_not_turned = (f"{n} columns meet {4 * n} rows", f"({4 * n},{n}) and ({4 * n},)")
    U_not_turned = (f"{m} columns meet {4 * n} rows", f"({4 * n},{m}) and ({4 * n},)")
    blocks = (f"{4 * n} columns meet 4 rows", f"({n},{4 * n}) and (4,{n})")

    def sentence(text):
        if any(part in text for part in W_not_turned):
            return "W must be transposed: the product that goes back is W.T @ delta."
        if any(part in text for part in U_not_turned):
            return "The gradient of the old h goes back through W and not through U: W.T @ delta."
        if any(part in text for part in blocks):
            return f"delta is still four blocks.{JOIN}"
        return "delta has 4n numbers, W is (4n, n), and all other gradients have n numbers."

    return sentence


def refuse_wrong_shapes(where, answer, n, U):
    """NotYet, if δ is four blocks, not one vector, or if the second result went back through U."""
    try:
        delta, second, _ = (np.asarray(a, dtype=float) for a in answer)
    except (TypeError, ValueError):
        return
    if delta.shape in ((4, n), (4, 1, n)):
        raise NotYet(f"{where}, delta is of shape {delta.shape}, four blocks. It should have shape {(4 * n,)}.{JOIN}")
    if delta.shape == (4 * n,) and second.shape == (U.shape[1],) != (n,) and np.allclose(second, U.T @ delta):
        raise NotYet(f"{where}, {SECOND} is of shape {second.shape}. It should be a gradient, of shape {(n,)}. {OF_X}")


def joined(*tables):
    """All products of one factor from each table, with their sentences, those with the fewest sentences first."""
    rows = [([value for value, _ in row], [why for _, why in row if why]) for row in itertools.product(*tables)]
    return [(math.prod(values), " ".join(whys)) for values, whys in sorted(rows, key=lambda row: len(row[1]))]


def cell_errors(nets, c, dh, dc, squash=np.tanh):
    """The complete error of the new cell state, and wrong ones with their sentences."""
    i, f, _, o = sigmoid(nets)
    t = np.tanh(f * c + i * squash(nets[2]))
    return [
        (dc + dh * o * (1 - t**2), ""),
        (dc, "dc must first get its part from dh: dh ⊙ o ⊙ (1 − tanh²c_t)."),
        (dh * o * (1 - t**2), "The given dc is missing in the gradient of c_t."),
        (dc + dh * o, "The slope of tanh(c_t) is missing in the gradient of c_t: 1 − tanh²c_t."),
        (dc + dh * (1 - t**2), "The output gate o is missing in the gradient of c_t."),
        (dc + dh * o * t, "In the gradient of c_t stands tanh(c_t); its slope should stand there."),
        (dc + dh * o * (1 - np.tanh(c) ** 2), "The slope of tanh is taken at the old cell state, not at the new one."),
        (dc + dh, "dh must pass o and the slope of tanh(c_t) before it is added to dc."),
        (f * dc + dh * o * (1 - t**2), "The given dc has already passed the forget gate: f must not multiply it here."),
    ]


def gate_errors(nets, c, dh, dc, squash=np.tanh):
    """For each gate three tables: what may stand for its error, its factor and its slope. The right ones come first."""
    i, f, _, o = values = sigmoid(nets)
    values[2] = g = squash(nets[2])
    new = f * c + i * g
    errors = cell_errors(nets, c, dh, dc, squash)
    from_cell = [*errors, (dh, "It starts from the gradient of c_t, not from dh.")]
    from_output = [
        (dh, ""),
        (errors[0][0], "It starts from dh, not from the gradient of c_t."),
        (dc, "It starts from dh, not from dc."),
    ]
    old, fresh = "The factor is the old cell state", "The factor is tanh of the new cell state"
    factors = [
        [(g, ""), (nets[2], "g must be squashed by tanh."), (c, "The factor is g, not the old cell state.")],
        [
            (c, ""),
            (new, f"{old}, not the new one."),
            (g, f"{old}, not g."),
            (np.tanh(c), f"{old} itself, not its tanh."),
        ],
        [
            (i, ""),
            (nets[0], "i must be squashed by σ."),
            (f, "The factor is i, not f."),
            (o, "The factor is i, not o."),
        ],
        [(np.tanh(new), ""), (new, f"{fresh}; the tanh is missing."), (np.tanh(c), f"{fresh}, not of the old one.")],
    ]
    for k, gate in enumerate("ifgo"):
        y = values[k]
        of_sigmoid = [(y * (1 - y), ""), (1 - y**2, f"The slope is that of tanh. {gate} has a σ: {gate}(1 − {gate}).")]
        of_tanh = [(1 - y**2, ""), (y * (1 - y), "The slope is that of σ. g has a tanh: 1 − g².")]
        slopes = of_tanh if gate == "g" else of_sigmoid
        slopes = [*slopes, (1, f"The slope of {gate} is missing."), (y, f"{gate} stands where its slope should.")]
        slopes += [
            (1 - nets[k] ** 2 if gate == "g" else nets[k] * (1 - nets[k]), f"{gate} is not squashed in its slope.")
        ]
        yield from_output if gate == "o" else from_cell, [*factors[k], (1, "The factor is missing.")], slopes


def compare_gates(where, delta, right, nets, c, dh, dc):
    """NotYet, if delta is not right: which gate's part is wrong, and why."""
    got, wish = delta.reshape(4, -1), right.reshape(4, -1)
    wrong = [k for k in range(4) if not np.allclose(got[k], wish[k])]
    if not wrong:
        return
    k, letters = wrong[0], [*"ifgo"]
    by_sigmoid = errors_of_nets(nets, c, dh, dc, sigmoid)[k]
    why = hint(delta, whole_slips(nets, c, dh, dc)) or hint(
        got[k], [(by_sigmoid, "g is squashed by σ. It takes tanh.")]
    )
    why = why or hint(got[k], [*joined(*list(gate_errors(nets, c, dh, dc))[k]), *usual_slips(got[k], wish[k])])
    others = f" Also wrong: {', '.join(letters[j] for j in wrong[1:])}." if wrong[1:] else ""
    raise NotYet(f"{where}, {differ(got[k], wish[k], f'the part of {letters[k]} in delta')}.{why}{others}")


def errors_of_nets(nets, c, dh, dc, squash=np.tanh):
    """The right delta (4, n), or with another squashing of g: the product of the first entries of the tables."""
    tables = gate_errors(nets, c, dh, dc, squash)
    return np.array([math.prod(table[0][0] for table in three) for three in tables])


def whole_slips(nets, c, dh, dc):
    """Slips that concern all of delta at once: the blocks are read or written in another order."""
    right = errors_of_nets(nets, c, dh, dc)
    for order in itertools.permutations(range(4)):
        read = ", ".join("ifgo"[order.index(row)] for row in range(4))
        parts, back = errors_of_nets([nets[k] for k in order], c, dh, dc), np.argsort(order)
        yield right[back].ravel(), f"The parts of delta stand in the order {read}. The order is i, f, g, o."
        for answer in (parts, parts[back]):
            yield answer.ravel(), f"You read the four blocks as {read}. They are i, f, g, o."
