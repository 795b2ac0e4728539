"""The simple network in place of ``torch.nn.RNN``: the mathematics of ``rnncourse.reference.rnn``, on tensors.

    h_t = f(U x_t + W h_{t−1} + b),   t = 1 … T

m = input size, n = hidden size, T = steps, B = batch; f = torch.tanh (default) or another function of a tensor.
"""

import torch
from torch import nn, relu, tanh

from rnncourse.checks import shapes
from rnncourse.pytorch.layers import arguments, build, run


@shapes(U="n m", W="n n", b="n", x="... m", h="... n")
def step(x, h, U, W, b, f=tanh):
    """One step: h_t = f(U x_t + W h_{t−1} + b).

    The body of ``rnncourse.reference.rnn.step``, on tensors: x (..., m) is x_t, h (..., n)
    is h_{t−1}. Returns h_t (..., n).
    Raises ValueError for shapes, dtypes, devices or values that do not fit.
    Source: Elman (1990), doi:10.1207/s15516709cog1402_1, figure 2.
    """
    return f(x @ U.T + h @ W.T + b)


@shapes(U="n m", W="n n", b="n", x="T B m", h0="B n")
def forward(x, h0, U, W, b, f=tanh):
    """All steps: hs[t] = step(x[t], hs[t−1]), with h0 before the first.

    x (T, B, m), h0 (B, n), U (n, m), W (n, n), b (n,). Returns hs (T, B, n) and the last
    state h_T (B, n); autograd has the backward pass. T = 0 is allowed: hs is empty, h_T is h0.
    Raises ValueError for shapes, dtypes, devices or values that do not fit.
    """
    net_x, h, hs = x @ U.T + b, h0, []  # the input's part of net, for all steps in one product
    for net in net_x:
        h = f(net + h @ W.T)
        hs.append(h)
    return torch.stack(hs) if hs else net_x + h0 @ W.T, h  # empty, but in the arguments' graph


class RNN(nn.Module):
    """``torch.nn.RNN``, written out: the same arguments, parameter names, initialisation and results.

    input_size is m, hidden_size is n; num_layers (L layers), nonlinearity ("tanh" or "relu"), bias, batch_first,
    dropout (between layers, while training) and bidirectional (D = 1 or 2 directions) as in torch.
    forward(x, h0=None): x (T, B, m), or (B, T, m) if batch_first; h0 (L·D, B, n), zero if left out. Returns hs
    (T, B, D·n), or (B, T, D·n), and the last states h_T (L·D, B, n). One sequence comes and goes without its B,
    a PackedSequence packed, with B sequences. ``load_state_dict`` takes the state of a ``torch.nn.RNN`` unchanged.
    T = 0 is allowed, in torch it is not.
    Raises ValueError for arguments that torch.nn.RNN does not take, and for shapes, dtypes, devices or values that do
    not fit.
    """

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        nonlinearity="tanh",
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        device=None,
        dtype=None,
        *,
        proj_size=0,
    ):
        super().__init__()
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: expected nonlinearity 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity, self.f = nonlinearity, {"tanh": tanh, "relu": relu}[nonlinearity]
        options = bias, batch_first, dropout, bidirectional, proj_size, device, dtype
        build(self, 1, input_size, hidden_size, num_layers, *options)

    extra_repr = arguments

    def forward(self, x, h0=None):
        return run(self, x, h0=h0)

    def layer(self, x, h0, U, W, b_ih, b_hh):
        """One direction of one layer."""
        return forward.unchecked(x, h0, U, W, b_ih + b_hh, self.f)
