"""The simple recurrent network with its backward pass by hand, in one entry of autograd's graph."""

import torch
from torch import relu, tanh

from rnncourse.checks import shapes
from rnncourse.pytorch import rnn
from rnncourse.pytorch.fused.common import (
    by_relu,
    by_tanh,
    input_part,
    last,
    once,
    product,
    recorded,
    rows,
    sum_of_products,
    transposed,
)


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
        return hs.clone(), last(hs, h0)  # a copy: the reader may write to it

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
    if torch.compiler.is_compiling():  # which fuses the loop itself
        return rnn.forward.unchecked(x, h0, U, W, b, f)
    if recorded(x, h0, U, W, b):
        return RNNFunction.apply(x, h0, U, W, b, f)
    hs = rnn_steps(x, h0, U, W, b, f)
    return hs, last(hs, h0)


class RNN(rnn.RNN):
    """``rnncourse.pytorch.RNN``, faster: the same arguments, parameters, results and errors."""

    def layer(self, x, h0, U, W, b_ih, b_hh):
        """One direction of one layer."""
        return rnn_forward.unchecked(x, h0, U, W, b_ih + b_hh, self.f)
