"""RNN, LSTM and GRU with the way back written by hand: one entry in autograd's graph for all steps together.

The mathematics is that of ``rnncourse.reference``, where the formulas stand; the modules take the place of those of
``rnncourse.pytorch`` and of ``torch.nn``. What makes them fast is the same in all three:

* The input's part of every step is one matrix product before the loop.
* The loop writes into arrays that are there, in as few calls as can be, none of which autograd records.
* Whatever factor of the way back does not wait for a later step is computed for many steps at once.
* The gradient of each weight is one matrix product after the loop, over all steps and the whole batch.

The price: one derivative. create_graph=True raises RuntimeError, and so do the transforms of torch.func; the modules
of ``rnncourse.pytorch`` have both. Under autocast they compute in the dtype of their weights all the same.
m = input size, n = hidden size, T = steps, B = batch.
"""

import functools

import torch
from torch import relu, tanh

from rnncourse.checks import shapes
from rnncourse.pytorch import gru, lstm, rnn
from rnncourse.pytorch.ops import run_layers

# Autograd's own derivatives, each one pass over memory: d ⊙ y(1 − y), d ⊙ (1 − y²) and d ⊙ (y > 0).
by_sigmoid = torch.ops.aten.sigmoid_backward.grad_input
by_tanh = torch.ops.aten.tanh_backward.grad_input
by_relu = torch.ops.aten.threshold_backward.grad_input

CACHED = 2**18  # numbers: as many as a processor keeps close by
PAGE = 4096  # bytes


def once(backward):
    """A way back that says so if its result is to be differentiated again, which autograd knows only from here."""

    @functools.wraps(backward)
    def checked(ctx, *cotangents):
        if torch.is_grad_enabled():  # so it is for create_graph=True, and only then
            raise RuntimeError("the fused cells have no second derivative: take those of rnncourse.pytorch instead")
        return backward(ctx, *cotangents)

    return checked


def blocks(T, numbers):
    """Slices of the steps 0 … T−1, the last first, each of as many steps as fit the cache; a step has ``numbers``."""
    size = max(1, CACHED // max(numbers, 1))
    return [slice(max(stop - size, 0), stop) for stop in range(T, 0, -size)]


def recorded(*arrays):
    """Will autograd want a way back to one of these?"""
    return torch.is_grad_enabled() and any(array.requires_grad for array in arrays)


def rows(like, *shape):
    """An empty array of this shape, whose rows do not lie whole pages apart.

    A matrix product reads down the rows. If they are pages apart, all fall on the same few lines of the cache and
    push each other out. So such rows get a gap.
    """
    row = shape[-1]
    return like.new_empty(*shape[:-1], row + 16 * (row * like.element_size() % PAGE == 0))[..., :row]


def transposed(W):
    return rows(W, *W.T.shape).copy_(W.T)


def input_part(x, U, b, out):
    """U x_t + b for all steps in one product: x (T, B, m), U (k, m), b (k,) → out (T, B, k)."""
    torch.addmm(b, x.flatten(0, 1), U.T, out=out.flatten(0, 1))
    return out


def gates_of(a, k):
    """The k gates in a (T, B, k·n), as views (T, B, n)."""
    return a.unflatten(-1, (k, -1)).unbind(2)


def product(A, B):
    """A @ B, which autocast leaves alone."""
    return torch.mm(A, B, out=A.new_empty(len(A), B.shape[1]))


def last(hs, h0):
    return (hs[-1] if len(hs) else h0).clone()


def sum_of_products(delta, h0, hs):
    """Σ_t δ_t h_{t−1}ᵀ: delta (T, B, k), h0 (B, n), hs (T, B, n) → (k, n)."""
    if not len(hs):
        return hs.new_zeros(delta.shape[2], hs.shape[2])
    return product(delta[1:].flatten(0, 1).T, hs[:-1].flatten(0, 1)).addmm_(delta[0].T, h0)


# ---- the simple network ------------------------------------------------------------------------------------


def rnn_steps(x, h0, U, W, b, f):
    hs = input_part(x, U, b, x.new_empty(*x.shape[:2], len(b)))
    h, W_T = h0, transposed(W)
    squash = torch.Tensor.relu_ if f is relu else torch.Tensor.tanh_
    for h_t in hs.unbind():
        h = squash(h_t.addmm_(h, W_T))
    return hs


class RNNFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, h0, U, W, b, f):
        hs = rnn_steps(x, h0, U, W, b, f)
        ctx.save_for_backward(x, h0, U, W, hs)
        ctx.f = f
        return hs, last(hs, h0)

    @staticmethod
    @once
    def backward(ctx, dhs, dh_T):
        x, h0, U, W, hs = ctx.saved_tensors
        needs_x, _, needs_U, needs_W, needs_b, _ = ctx.needs_input_grad
        delta, dh = rows(x, len(hs), *hs.shape[1:]), dh_T.clone()
        steps = list(zip(hs.unbind(), dhs.unbind(), delta.unbind(), strict=True))
        for h_t, dh_t, delta_t in reversed(steps):
            dh += dh_t
            if ctx.f is relu:
                by_relu(dh, h_t, 0, grad_input=delta_t)
            else:
                by_tanh(dh, h_t, grad_input=delta_t)
            torch.mm(delta_t, W, out=dh)
        all_delta = delta.flatten(0, 1)
        return (
            product(all_delta, U).view(x.shape) if needs_x else None,
            dh,
            product(all_delta.T, x.flatten(0, 1)) if needs_U else None,
            sum_of_products(delta, h0, hs) if needs_W else None,
            all_delta.sum(0) if needs_b else None,
            None,
        )


@shapes(U="n m", W="n n", b="n", x="T B m", h0="B n")
def rnn_forward(x, h0, U, W, b, f=tanh):
    """``rnncourse.pytorch.rnn.forward``: x (T, B, m), h0 (B, n) → hs (T, B, n) and h_T (B, n). f is tanh or relu."""
    if f is not tanh and f is not relu:
        raise ValueError(f"fused.rnn_forward: expected f to be torch.tanh or torch.relu, got {f!r}")
    if recorded(x, h0, U, W, b):
        return RNNFunction.apply(x, h0, U, W, b, f)
    hs = rnn_steps(x, h0, U, W, b, f)
    return hs, last(hs, h0)


class RNN(rnn.RNN):
    """``rnncourse.pytorch.RNN``, faster: the same arguments, parameters, results and errors."""

    @shapes(x="T B m", h0="1 B n")
    def forward(self, x, h0=None):
        U, W, b = self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0 + self.bias_hh_l0
        h0 = x.new_zeros(1, x.shape[1], len(b)) if h0 is None else h0
        hs, h_T = rnn_forward(x, h0[0], U, W, b, self.f)
        return hs, h_T[None]


# ---- LSTM --------------------------------------------------------------------------------------------------


def lstm_steps(x, h0, c0, U, W, b, keep):
    """hs, the gates after their squashing, and the cells c_0 … c_T; without ``keep``, of the cells only c_T.

    One tanh squashes all four gates, by σ(a) = ½ + ½ tanh(a/2), as in ``rnncourse.reference.ops.gate_scales``.
    """
    (T, B, _), n = x.shape, W.shape[1]
    half = x.new_full((4, n), 0.5)
    half[2] = 1  # the candidate is a tanh already
    half = half.view(4 * n)
    rest, h, W_T = 1 - half, h0, transposed(W * half[:, None])
    gates, hs = rows(x, T, B, 4 * n), x.new_empty(T, B, n)
    input_part(x, U * half[:, None], b * half, gates)
    cs = x.new_empty(T + 1 if keep else 1, B, n)
    cs[0] = c0
    c, *later = cs.unbind() if keep else cs.unbind() * (T + 1)
    each = (a.unbind() for a in (gates, *gates_of(gates, 4), hs))
    for gate, i, f, g, o, h_t, c_t in zip(*each, later, strict=True):
        gate.addmm_(h, W_T).tanh_()
        torch.addcmul(rest, gate, half, out=gate)
        c = torch.mul(f, c, out=c_t).addcmul_(i, g)
        h = torch.tanh(c, out=h_t).mul_(o)
    return hs, gates, cs


class LSTMFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, h0, c0, U, W, b):
        hs, gates, cs = lstm_steps(x, h0, c0, U, W, b, keep=True)
        ctx.save_for_backward(x, h0, U, W, hs, gates, cs)
        return hs, last(hs, h0), cs[-1].clone()

    @staticmethod
    @once
    def backward(ctx, dhs, dh_T, dc_T):
        x, h0, U, W, hs, gates, cs = ctx.saved_tensors
        needs_x, _, _, needs_U, needs_W, needs_b = ctx.needs_input_grad
        T, B, n = hs.shape
        delta, (i, f, g, o) = rows(gates, *gates.shape), gates_of(gates, 4)
        dh, dc = dh_T.clone(), dc_T.clone()
        dc_for_three = dc[:, None]
        for block in blocks(T, 4 * B * n):
            i_, f_, g_, o_, error = (a[block] for a in (i, f, g, o, delta))
            of_i, of_f, of_g, of_o = gates_of(error, 4)
            tanh_c = cs[1:][block].tanh()
            to_c = torch.empty_like(tanh_c)
            # What dc_t is multiplied with in δ_t, for i, f and g; and dh_t, for o.
            by_sigmoid(g_, i_, grad_input=of_i)
            by_sigmoid(cs[block], f_, grad_input=of_f)
            by_tanh(i_, g_, grad_input=of_g)
            by_sigmoid(tanh_c, o_, grad_input=of_o)
            by_tanh(o_, tanh_c, grad_input=to_c)
            three = error.unflatten(-1, (4, n))[:, :, :3]
            each = (a.unbind() for a in (dhs[block], to_c, three, of_o, f_, error))
            steps = reversed(list(zip(*each, strict=True)))
            for dh_t, to_c_t, three_t, of_o_t, f_t, delta_t in steps:
                dh += dh_t
                dc.addcmul_(dh, to_c_t)
                three_t *= dc_for_three
                of_o_t *= dh
                dc *= f_t
                torch.mm(delta_t, W, out=dh)
        all_delta = delta.flatten(0, 1)
        return (
            product(all_delta, U).view(x.shape) if needs_x else None,
            dh,
            dc,
            product(all_delta.T, x.flatten(0, 1)) if needs_U else None,
            sum_of_products(delta, h0, hs) if needs_W else None,
            all_delta.sum(0) if needs_b else None,
        )


@shapes(U="4n m", W="4n n", b="4n", x="T B m", h0="B n", c0="B n")
def lstm_forward(x, h0, c0, U, W, b):
    """``rnncourse.pytorch.lstm.forward``: x (T, B, m), h0 and c0 (B, n) → hs (T, B, n), h_T and c_T (B, n)."""
    if recorded(x, h0, c0, U, W, b):
        return LSTMFunction.apply(x, h0, c0, U, W, b)
    hs, _, cs = lstm_steps(x, h0, c0, U, W, b, keep=False)
    return hs, last(hs, h0), cs[-1]


class LSTM(lstm.LSTM):
    """``rnncourse.pytorch.LSTM``, faster: the same arguments, parameters, results and errors."""

    @shapes(x="T B m", h0="k B n", c0="k B n")
    def run(self, x, h0=None, c0=None):
        n, count = self.hidden_size, self.num_layers * (1 + self.bidirectional)
        h0 = x.new_zeros(count, x.shape[1], n) if h0 is None else h0
        c0 = torch.zeros_like(h0) if c0 is None else c0
        if len(h0) != count:
            raise ValueError(f"LSTM: expected one state for each of {count} layers and directions, got {len(h0)}")
        hs, h_T, c_T = run_layers(
            lambda x, k, U, W, b_ih, b_hh: lstm_forward(x, h0[k], c0[k], U, W, b_ih + b_hh), self, x
        )
        return hs, (h_T, c_T)


# ---- GRU ---------------------------------------------------------------------------------------------------


def gru_steps(x, h0, U, W, b, b_n, keep):
    """hs, the gates r and z, the candidate g, and W_g h_{t−1} + b_n, which r is multiplied with, if to ``keep``."""
    (T, B, _), n = x.shape, W.shape[1]
    rz, g, hs = rows(x, T, B, 2 * n), rows(x, T, B, n), x.new_empty(T, B, n)
    input_part(x, U[: 2 * n], b[: 2 * n], rz)
    input_part(x, U[2 * n :], b[2 * n :], g)
    inner = x.new_empty(T if keep else 1, B, n)
    inners = inner.unbind() if keep else inner.unbind() * T
    h, W_rz, W_g = h0, transposed(W[: 2 * n]), transposed(W[2 * n :])
    each = (a.unbind() for a in (rz, *gates_of(rz, 2), g, hs))
    for rz_t, r_t, z_t, g_t, h_t, inner_t in zip(*each, inners, strict=True):
        rz_t.addmm_(h, W_rz).sigmoid_()
        torch.addmm(b_n, h, W_g, out=inner_t)
        g_t.addcmul_(r_t, inner_t).tanh_()
        h = torch.lerp(g_t, h, z_t, out=h_t)  # g + z (h − g)
    return hs, rz, g, inner


class GRUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, h0, U, W, b, b_n):
        hs, rz, g, inner = gru_steps(x, h0, U, W, b, b_n, keep=True)
        ctx.save_for_backward(x, h0, U, W, hs, rz, g, inner)
        return hs, last(hs, h0)

    @staticmethod
    @once
    def backward(ctx, dhs, dh_T):
        x, h0, U, W, hs, rz, g, inner = ctx.saved_tensors
        needs_x, _, needs_U, needs_W, needs_b, needs_b_n = ctx.needs_input_grad
        T, B, n = hs.shape
        r, z = gates_of(rz, 2)
        # The errors of r, z, the candidate's recurrent product and the candidate: the first three go back through W,
        # all but the third through U.
        delta, dh = rows(x, T, B, 4 * n), dh_T.clone()
        dh_for_four = dh[:, None]
        for block in blocks(T, 4 * B * n):
            r_, z_, g_, inner_, error = (a[block] for a in (r, z, g, inner, delta))
            of_r, of_z, of_n, of_g = gates_of(error, 4)
            before = (
                hs[block.start - 1 : block.stop - 1] if block.start else torch.cat([h0[None], hs[: block.stop - 1]])
            )
            by_tanh(1 - z_, g_, grad_input=of_g)  # what dh_t is multiplied with, for each of the four
            by_sigmoid(before - g_, z_, grad_input=of_z)
            by_sigmoid(of_g * inner_, r_, grad_input=of_r)
            torch.mul(of_g, r_, out=of_n)
            each = (a.unbind() for a in (dhs[block], error.unflatten(-1, (4, n)), error[..., : 3 * n], z_))
            for dh_t, delta_t, three_t, z_t in reversed(list(zip(*each, strict=True))):
                dh += dh_t
                delta_t *= dh_for_four
                dh.mul_(z_t).addmm_(three_t, W)
        all_delta = delta.flatten(0, 1)
        of_rz, of_n, of_g = all_delta.split([2 * n, n, n], dim=1)
        dx = dU = db = None
        if needs_x:
            dx = product(of_rz, U[: 2 * n]).addmm_(of_g, U[2 * n :]).view(x.shape)
        if needs_U:
            dU = torch.cat([product(of_rz.T, x.flatten(0, 1)), product(of_g.T, x.flatten(0, 1))])
        if needs_b:
            db = torch.cat([of_rz.sum(0), of_g.sum(0)])
        dW = sum_of_products(delta[..., : 3 * n], h0, hs) if needs_W else None
        return dx, dh, dU, dW, db, of_n.sum(0) if needs_b_n else None


@shapes(U="3n m", W="3n n", b="3n", b_n="n", x="T B m", h0="B n")
def gru_forward(x, h0, U, W, b, b_n):
    """``rnncourse.pytorch.gru.forward``, reset after the product: x (T, B, m), h0 (B, n) → hs (T, B, n), h_T (B, n)."""
    if recorded(x, h0, U, W, b, b_n):
        return GRUFunction.apply(x, h0, U, W, b, b_n)
    hs = gru_steps(x, h0, U, W, b, b_n, keep=False)[0]
    return hs, last(hs, h0)


class GRU(gru.GRU):
    """``rnncourse.pytorch.GRU``, faster: the same arguments, parameters, results and errors, but only reset="after"."""

    def __init__(
        self, input_size, hidden_size, num_layers=1, bidirectional=False, reset="after", device=None, dtype=None
    ):
        if reset != "after":
            raise ValueError(f"fused.GRU: expected reset to be 'after', got {reset!r}; rnncourse.pytorch.GRU has both")
        super().__init__(input_size, hidden_size, num_layers, bidirectional, reset, device, dtype)

    @shapes(x="T B m", h0="k B n")
    def forward(self, x, h0=None):
        n, count = self.hidden_size, self.num_layers * (1 + self.bidirectional)
        h0 = x.new_zeros(count, x.shape[1], n) if h0 is None else h0
        if len(h0) != count:
            raise ValueError(f"GRU: expected one state for each of {count} layers and directions, got {len(h0)}")

        def run(x, k, U, W, b_ih, b_hh):
            b = b_ih + torch.cat([b_hh[: 2 * n], torch.zeros_like(b_hh[2 * n :])])  # b_n stays within the reset
            return gru_forward(x, h0[k], U, W, b, b_hh[2 * n :])

        return run_layers(run, self, x)
