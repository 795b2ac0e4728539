"""The simple recurrent network, h_t = f(U x_t + W h_{t−1} + b), in place of a one-layer ``torch.nn.RNN``."""

import torch
from torch import nn, relu, tanh

from rnncourse.checks import check_sizes, shapes
from rnncourse.pytorch.ops import start


@shapes(U="n m", W="n n", b="n", x="... m", h="... n")
def step(x, h, U, W, b, f=tanh):
    """One step, h_t = f(U x_t + W h_{t−1} + b): the body of ``rnncourse.reference.rnn.step``, on tensors."""
    return f(x @ U.T + h @ W.T + b)


@shapes(U="n m", W="n n", b="n", x="T B m", h0="B n")
def forward(x, h0, U, W, b, f=tanh):
    """All steps. x (T, B, m), h0 (B, n). Returns hs (T, B, n) and h_T (B, n); autograd has the way back."""
    h, hs = h0, []
    for net in x @ U.T + b:  # what the input adds, for all steps in one product
        h = f(net + h @ W.T)
        hs.append(h)
    return torch.stack(hs) if hs else x.new_empty(0, *h0.shape), h


class RNN(nn.Module):
    """One layer of ``torch.nn.RNN``, written out: same parameter names, same start, same results.

    input_size is m, hidden_size is n, nonlinearity is "tanh" or "relu".
    forward(x, h0=None): x (T, B, m); h0 (1, B, n), zero if left out. Returns hs (T, B, n) and the last state
    (1, B, n). ``load_state_dict`` takes the state of a one-layer, one-direction ``torch.nn.RNN`` unchanged.
    Raises ValueError for another nonlinearity, sizes below 1, and shapes, dtypes, devices or values that do not fit.
    """

    def __init__(self, input_size, hidden_size, nonlinearity="tanh", device=None, dtype=None):
        super().__init__()
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: expected nonlinearity 'tanh' or 'relu', got {nonlinearity!r}")
        self.f = {"tanh": tanh, "relu": relu}[nonlinearity]
        check_sizes("RNN", input_size=input_size, hidden_size=hidden_size)
        m, n = input_size, hidden_size
        for name, shape in [
            ("weight_ih_l0", (n, m)),
            ("weight_hh_l0", (n, n)),
            ("bias_ih_l0", (n,)),
            ("bias_hh_l0", (n,)),
        ]:
            self.register_parameter(name, start(shape, n, device, dtype))

    @shapes(x="T B m", h0="1 B n")
    def forward(self, x, h0=None):
        U, W, b = self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0 + self.bias_hh_l0
        if h0 is None:
            h0 = x.new_zeros(1, x.shape[1], len(b))
        hs, h_T = forward(x, h0[0], U, W, b, self.f)
        return hs, h_T[None]
