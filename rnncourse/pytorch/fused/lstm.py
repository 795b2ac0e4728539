"""The LSTM with its backward pass by hand, in one entry of autograd's graph."""

import torch

from rnncourse.checks import shapes
from rnncourse.pytorch import lstm
from rnncourse.pytorch.fused.common import (
    blocks,
    by_sigmoid,
    by_tanh,
    gates_of,
    input_part,
    last,
    once,
    product,
    recorded,
    rows,
    sum_of_products,
    transposed,
)


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
        return hs.clone(), last(hs, h0), cs[-1].clone()  # a copy: the reader may write to it

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
    if torch.compiler.is_compiling():  # which fuses the loop itself
        return lstm.forward.unchecked(x, h0, c0, U, W, b)
    if recorded(x, h0, c0, U, W, b):
        return LSTMFunction.apply(x, h0, c0, U, W, b)
    hs, _, cs = lstm_steps(x, h0, c0, U, W, b, keep=False)
    return hs, last(hs, h0), cs[-1]


class LSTM(lstm.LSTM):
    """``rnncourse.pytorch.LSTM``, faster: the same arguments, parameters, results and errors."""

    def layer(self, x, h0, c0, U, W, b_ih, b_hh):
        """One direction of one layer."""
        return lstm_forward.unchecked(x, h0, c0, U, W, b_ih + b_hh)
