"""Long short-term memory in place of ``torch.nn.LSTM``: the mathematics of ``rnncourse.reference.lstm``, on tensors."""

import torch
from torch import nn, sigmoid, tanh

from rnncourse.checks import shapes
from rnncourse.pytorch.ops import add_parameters, run_layers, split


@shapes(U="4n m", W="4n n", b="4n", x="... m", h="... n", c="... n")
def step(x, h, c, U, W, b):
    """One step: c_t = σ(f) ⊙ c_{t−1} + σ(i) ⊙ tanh(g),  h_t = σ(o) ⊙ tanh(c_t),  [i f g o] = U x_t + W h_{t−1} + b.

    The body of ``rnncourse.reference.lstm.step``, on tensors. Returns h_t and c_t.
    """
    i, f, g, o = split(x @ U.T + h @ W.T + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


@shapes(U="4n m", W="4n n", b="4n", x="T B m", h0="B n", c0="B n")
def forward(x, h0, c0, U, W, b):
    """All steps. x (T, B, m), h0 and c0 (B, n). Returns hs (T, B, n), h_T and c_T (B, n); autograd has the way back."""
    h, c, hs = h0, c0, []
    for net in x @ U.T + b:  # what the input adds, for all steps in one product
        i, f, g, o = split(net + h @ W.T, 4)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        hs.append(h)
    return torch.stack(hs) if hs else x.new_empty(0, *h0.shape), h, c


def start_forget_bias(module, value):
    """Set the forget gates' bias of every layer and direction of an LSTM, ours or ``torch.nn.LSTM``, to ``value``.

    Of the two biases that are added, ``bias_ih`` gets the value and ``bias_hh`` zero. At the start torch draws
    both from ±1/√n, so the gate starts near σ(0) = 0.5; with 1 it starts near σ(1) = 0.73.
    Raises ValueError for a module that has no such biases.
    Source: Gers, Schmidhuber and Cummins (2000), doi:10.1162/089976600300015015; Jozefowicz, Zaremba and
    Sutskever (2015), https://proceedings.mlr.press/v37/jozefowicz15.html.
    """
    weights = dict(module.named_parameters())
    biases = {name: weight for name, weight in weights.items() if name.startswith(("bias_ih_l", "bias_hh_l"))}
    rows = {len(bias) for bias in biases.values()}
    if rows != {4 * getattr(module, "hidden_size", 0)}:
        raise ValueError(f"lstm.start_forget_bias: expected an LSTM with biases, got {type(module).__name__}")
    with torch.no_grad():
        for name, bias in biases.items():
            n = len(bias) // 4
            bias[n : 2 * n] = value if name.startswith("bias_ih") else 0


class LSTM(nn.Module):
    """``torch.nn.LSTM``, written out: same parameter names, same start, same results.

    input_size is m, hidden_size is n; num_layers and bidirectional as in torch (L layers of D directions).
    forward(x, (h0, c0)=None): x (T, B, m); h0 and c0 (L·D, B, n), zero if left out. Returns hs (T, B, D·n) and
    the last states (h_T, c_T), each (L·D, B, n). ``load_state_dict`` takes the state of a ``torch.nn.LSTM``
    without projection unchanged.
    Raises ValueError for sizes below 1, and for shapes, dtypes, devices or values that do not fit.
    """

    def __init__(self, input_size, hidden_size, num_layers=1, bidirectional=False, device=None, dtype=None):
        super().__init__()
        self.hidden_size, self.num_layers, self.bidirectional = hidden_size, num_layers, bool(bidirectional)
        add_parameters(self, 4, input_size, hidden_size, num_layers, self.bidirectional, device, dtype)

    def forward(self, x, states=None):
        states = (None, None) if states is None else states
        if not isinstance(states, tuple | list) or len(states) != 2:
            kind = type(states).__name__
            raise ValueError(f"LSTM: expected the states to be a pair (h0, c0), got {kind} of length {len(states)}")
        return self.run(x, *states)

    @shapes(x="T B m", h0="k B n", c0="k B n")
    def run(self, x, h0=None, c0=None):
        n, count = self.hidden_size, self.num_layers * (1 + self.bidirectional)
        h0 = x.new_zeros(count, x.shape[1], n) if h0 is None else h0
        c0 = torch.zeros_like(h0) if c0 is None else c0
        if len(h0) != count:
            raise ValueError(f"LSTM: expected one state for each of {count} layers and directions, got {len(h0)}")
        hs, h_T, c_T = run_layers(lambda x, k, U, W, b_ih, b_hh: forward(x, h0[k], c0[k], U, W, b_ih + b_hh), self, x)
        return hs, (h_T, c_T)
