"""Long short-term memory in place of ``torch.nn.LSTM``: the mathematics of ``rnncourse.reference.lstm``, on tensors.

    i = σ(U_i x_t + W_i h_{t−1} + b_i)        input gate
    f = σ(U_f x_t + W_f h_{t−1} + b_f)        forget gate
    g = tanh(U_g x_t + W_g h_{t−1} + b_g)     candidate
    o = σ(U_o x_t + W_o h_{t−1} + b_o)        output gate
    c_t = f ⊙ c_{t−1} + i ⊙ g
    h_t = o ⊙ tanh(c_t),                      t = 1 … T

m = input size, n = hidden size, T = steps, B = batch. The four blocks are stacked in the rows of U, W and b, n
rows each, in PyTorch's order: i, f, g, o. The letters mean the values after squashing; before it, net.
"""

import torch
from torch import nn, sigmoid, tanh

from rnncourse.checks import shapes
from rnncourse.pytorch.layers import arguments, build, pair, run
from rnncourse.pytorch.ops import split


def gates(net):
    """The gates from net (..., 4n): i, f, g, o = σ, σ, tanh, σ of its four blocks, each (..., n).

    The body of ``rnncourse.reference.lstm.gates``, on tensors.
    Raises ValueError for a last axis that 4 does not divide.
    """
    net_i, net_f, net_g, net_o = split(net, 4)
    return sigmoid(net_i), sigmoid(net_f), tanh(net_g), sigmoid(net_o)


@shapes(U="4n m", W="4n n", b="4n", x="... m", h="... n", c="... n")
def step(x, h, c, U, W, b):
    """One step: c_t = f ⊙ c_{t−1} + i ⊙ g,  h_t = o ⊙ tanh(c_t).

    The body of ``rnncourse.reference.lstm.step``, on tensors: x (..., m) is x_t, h (..., n)
    is h_{t−1}, c (..., n) is c_{t−1}. Returns h_t and c_t, both (..., n).
    Raises ValueError for shapes, dtypes, devices or values that do not fit.
    Source: Hochreiter and Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735; the forget
    gate: Gers, Schmidhuber and Cummins (2000), doi:10.1162/089976600300015015, section 3.
    """
    i, f, g, o = gates(x @ U.T + h @ W.T + b)  # σ, σ, tanh, σ of the four blocks
    c = f * c + i * g
    return o * tanh(c), c


@shapes(U="4n m", W="4n n", b="4n", x="T B m", h0="B n", c0="B n")
def forward(x, h0, c0, U, W, b):
    """All steps: hs[t], c = step(x[t], hs[t−1], c), with h0 and c0 before the first.

    x (T, B, m), h0 and c0 (B, n), U (4n, m), W (4n, n), b (4n,). Returns hs (T, B, n) and the
    last states h_T and c_T, each (B, n); autograd has the backward pass. T = 0 is allowed: hs
    is empty, h_T is h0 and c_T is c0.
    Raises ValueError for shapes, dtypes, devices or values that do not fit.
    """
    net_x, h, c, hs = x @ U.T + b, h0, c0, []  # the input's part of net, for all steps in one product
    for net in net_x:
        i, f, g, o = gates(net + h @ W.T)
        c = f * c + i * g
        h = o * tanh(c)
        hs.append(h)
    return torch.stack(hs) if hs else split(net_x + h0 @ W.T, 4)[0], h, c  # empty, but in the arguments' graph


def initialise_forget_bias(module, value):
    """Set the forget gates' bias of every layer and direction of an LSTM, ours or ``torch.nn.LSTM``, to ``value``.

    Of the two biases that are added, ``bias_ih`` gets the value and ``bias_hh`` zero. In torch's initialisation both
    lie within ±1/√n, so the gates begin near σ(0) = 0.5; with 1 they begin near σ(1) = 0.73.
    Raises ValueError for a module that has no such biases.
    Source: Gers, Schmidhuber and Cummins (2000), doi:10.1162/089976600300015015, section 3; Jozefowicz, Zaremba and
    Sutskever (2015), https://proceedings.mlr.press/v37/jozefowicz15.html.
    """
    parameters = dict(module.named_parameters())
    biases = {name: weight for name, weight in parameters.items() if name.startswith(("bias_ih_l", "bias_hh_l"))}
    rows = {len(bias) for bias in biases.values()}
    if rows != {4 * getattr(module, "hidden_size", 0)}:
        raise ValueError(f"lstm.initialise_forget_bias: expected an LSTM with biases, got {type(module).__name__}")
    with torch.no_grad():
        for name, bias in biases.items():
            n = len(bias) // 4
            bias[n : 2 * n] = value if name.startswith("bias_ih") else 0


class LSTM(nn.Module):
    """``torch.nn.LSTM``, written out: the same arguments, parameter names, initialisation and results.

    input_size is m, hidden_size is n; num_layers (L layers), bias, batch_first, dropout (between layers, while
    training) and bidirectional (D = 1 or 2 directions) as in torch. A proj_size is refused.
    forward(x, (h0, c0)=None): x (T, B, m), or (B, T, m) if batch_first; h0 and c0 (L·D, B, n), zero if left out.
    Returns hs (T, B, D·n), or (B, T, D·n), and the last states (h_T, c_T), each (L·D, B, n). One sequence comes and
    goes without its B, and a PackedSequence packed, with B sequences. ``load_state_dict`` takes the state of a
    ``torch.nn.LSTM`` without projection unchanged. T = 0 is allowed, in torch it is not.
    Raises ValueError for arguments that torch.nn.LSTM does not take, for a projection, and for shapes, dtypes, devices
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
        proj_size=0,
        device=None,
        dtype=None,
    ):
        super().__init__()
        options = bias, batch_first, dropout, bidirectional, proj_size, device, dtype
        build(self, 4, input_size, hidden_size, num_layers, *options)

    extra_repr = arguments

    def forward(self, x, states=None):
        h0, c0 = pair(states, type(self).__name__)
        hs, h_T, c_T = run(self, x, h0=h0, c0=c0)
        return hs, (h_T, c_T)

    def layer(self, x, h0, c0, U, W, b_ih, b_hh):
        """One direction of one layer."""
        return forward.unchecked(x, h0, c0, U, W, b_ih + b_hh)
