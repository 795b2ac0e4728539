"""The gated recurrent unit in place of ``torch.nn.GRU``: the mathematics of ``rnncourse.reference.gru``, on tensors.

    r = σ(U_r x_t + b_r + W_r h_{t−1})                      reset gate
    z = σ(U_z x_t + b_z + W_z h_{t−1})                      update gate
    g = tanh(U_g x_t + b_g + r ⊙ (W_g h_{t−1} + b_n))       candidate, reset after the product
    g = tanh(U_g x_t + b_g + W_g (r ⊙ h_{t−1}) + b_n)       candidate, reset before the product
    h_t = (1 − z) ⊙ g + z ⊙ h_{t−1},                        t = 1 … T

m = input size, n = hidden size, T = steps, B = batch. The three blocks are stacked in the rows of U, W and b, n
rows each, in PyTorch's order: r, z, g. The letters mean the values after squashing; before it, net.
"""

import torch
from torch import nn, sigmoid, tanh

from rnncourse.checks import shapes
from rnncourse.pytorch.layers import arguments, build, run
from rnncourse.pytorch.ops import split

RESETS = ("after", "before")


@shapes(U="3n m", W="3n n", b="3n", b_n="n", x="... m", h="... n")
def step(x, h, U, W, b, b_n):
    """One step, reset after the product: h_t = (1 − z) ⊙ g + z ⊙ h_{t−1},
    g = tanh(U_g x_t + b_g + r ⊙ (W_g h_{t−1} + b_n)).

    The body of ``rnncourse.reference.gru.step``, on tensors: x (..., m) is x_t, h (..., n)
    is h_{t−1}. Returns h_t (..., n).
    Raises ValueError for shapes, dtypes, devices or values that do not fit.
    Source: the first version of Cho et al. (2014), https://arxiv.org/abs/1406.1078v1; the
    documentation of ``torch.nn.GRU``.
    """
    net_r, net_z, net_g = split(x @ U.T + b, 3)  # the input's part
    W_r, W_z, W_g = split(W.T, 3)
    r = sigmoid(net_r + h @ W_r)
    z = sigmoid(net_z + h @ W_z)
    g = tanh(net_g + r * (h @ W_g + b_n))
    return (1 - z) * g + z * h


@shapes(U="3n m", W="3n n", b="3n", b_n="n", x="... m", h="... n")
def step_before(x, h, U, W, b, b_n):
    """One step, reset before the product: h_t = (1 − z) ⊙ g + z ⊙ h_{t−1},
    g = tanh(U_g x_t + b_g + W_g (r ⊙ h_{t−1}) + b_n).

    The body of ``rnncourse.reference.gru.step_before``, on tensors. Arguments, result and
    errors as for ``step``.
    Source: Cho et al. (2014), arXiv:1406.1078, equations 5 to 8.
    """
    net_r, net_z, net_g = split(x @ U.T + b, 3)  # the input's part
    W_r, W_z, W_g = split(W.T, 3)
    r = sigmoid(net_r + h @ W_r)
    z = sigmoid(net_z + h @ W_z)
    g = tanh(net_g + (r * h) @ W_g + b_n)
    return (1 - z) * g + z * h


@shapes(U="3n m", W="3n n", b="3n", b_n="n", x="T B m", h0="B n")
def forward(x, h0, U, W, b, b_n, reset="after"):
    """All steps: hs[t] = step(x[t], hs[t−1]) for reset="after", step_before(…) for "before".

    x (T, B, m), h0 (B, n), U (3n, m), W (3n, n), b (3n,), b_n (n,). Returns hs (T, B, n) and
    the last state h_T (B, n); autograd has the backward pass. T = 0 is allowed: hs is empty,
    h_T is h0.
    Raises ValueError for another reset, and for shapes, dtypes, devices or values that do not fit.
    """
    if reset not in RESETS:
        raise ValueError(f"gru.forward: expected reset to be 'after' or 'before', got {reset!r}")
    net_x, n, h, hs = x @ U.T + b, len(b_n), h0, []  # the input's part of net, for all steps in one product
    for net in net_x:
        net_rz, net_g = net[:, : 2 * n], net[:, 2 * n :]
        if reset == "after":
            Wh = h @ W.T
            r, z = split(sigmoid(net_rz + Wh[:, : 2 * n]), 2)
            g = tanh(net_g + r * (Wh[:, 2 * n :] + b_n))
        else:
            r, z = split(sigmoid(net_rz + h @ W[: 2 * n].T), 2)
            g = tanh(net_g + (r * h) @ W[2 * n :].T + b_n)
        h = (1 - z) * g + z * h
        hs.append(h)
    return torch.stack(hs) if hs else split(net_x + h0 @ W.T, 3)[0] + b_n, h  # empty, but in the arguments' graph


def biases(b_ih, b_hh):
    """torch's two biases (3n,) as b (3n,) and b_n (n,): they are added, but b_n stays within the reset product."""
    n = len(b_hh) // 3
    return b_ih + torch.cat([b_hh[: 2 * n], torch.zeros_like(b_hh[2 * n :])]), b_hh[2 * n :]


class GRU(nn.Module):
    """``torch.nn.GRU``, written out: the same arguments, parameter names, initialisation and results.

    input_size is m, hidden_size is n; num_layers (L layers), bias, batch_first, dropout (between layers, while
    training) and bidirectional (D = 1 or 2 directions) as in torch. reset="before" gives the GRU of the paper, which
    torch does not have.
    forward(x, h0=None): x (T, B, m), or (B, T, m) if batch_first; h0 (L·D, B, n), zero if left out. Returns hs
    (T, B, D·n), or (B, T, D·n), and the last states h_T (L·D, B, n). One sequence comes and goes without its B,
    a PackedSequence packed, with B sequences. ``load_state_dict`` takes the state of a ``torch.nn.GRU`` unchanged.
    T = 0 is allowed, in torch it is not.
    Raises ValueError for another reset, for arguments that torch.nn.GRU does not take, and for shapes, dtypes, devices
    or values that do not fit.
    """

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        device=None,
        dtype=None,
        *,
        reset="after",
        proj_size=0,
    ):
        super().__init__()
        if reset not in RESETS:
            raise ValueError(f"GRU: expected reset to be 'after' or 'before', got {reset!r}")
        self.reset = reset
        options = bias, batch_first, dropout, bidirectional, proj_size, device, dtype
        build(self, 3, input_size, hidden_size, num_layers, *options)

    extra_repr = arguments

    def forward(self, x, h0=None):
        return run(self, x, h0=h0)

    def layer(self, x, h0, U, W, b_ih, b_hh):
        """One direction of one layer."""
        return forward.unchecked(x, h0, U, W, *biases(b_ih, b_hh), self.reset)
