"""The GRU, reset after the product, with its backward pass by hand, in one entry of autograd's graph."""

import torch

from rnncourse.checks import shapes
from rnncourse.pytorch import gru
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
        return hs.clone(), last(hs, h0)  # a copy: the reader may write to it

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
    if torch.compiler.is_compiling():  # which fuses the loop itself
        return gru.forward.unchecked(x, h0, U, W, b, b_n)
    if recorded(x, h0, U, W, b, b_n):
        return GRUFunction.apply(x, h0, U, W, b, b_n)
    hs = gru_steps(x, h0, U, W, b, b_n, keep=False)[0]
    return hs, last(hs, h0)


class GRU(gru.GRU):
    """``rnncourse.pytorch.GRU``, faster: the same arguments, parameters, results and errors, but only reset="after"."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.reset != "after":
            got = f"got {self.reset!r}; rnncourse.pytorch.GRU has both"
            raise ValueError(f"fused.GRU: expected reset to be 'after', {got}")

    def layer(self, x, h0, U, W, b_ih, b_hh):
        """One direction of one layer."""
        return gru_forward.unchecked(x, h0, U, W, *gru.biases(b_ih, b_hh))
