"""The gated recurrent unit in place of ``torch.nn.GRU``: the mathematics of ``rnncourse.reference.gru``, on tensors."""

import torch
from torch import nn, sigmoid, tanh

from rnncourse.checks import shapes
from rnncourse.pytorch.ops import add_parameters, run_layers, split


@shapes(U="3n m", W="3n n", b="3n", b_n="n", x="... m", h="... n")
def step(x, h, U, W, b, b_n):
    """One step, reset after the product: h_t = (1 − z) ⊙ g + z ⊙ h_{t−1},  g = tanh(U_g x + b_g + r ⊙ (W_g h + b_n)).

    The body of ``rnncourse.reference.gru.step``, on tensors. Returns h_t.
    """
    r, z, g = split(x @ U.T + b, 3)
    W_r, W_z, W_g = split(W.T, 3)
    r = sigmoid(r + h @ W_r)
    z = sigmoid(z + h @ W_z)
    g = tanh(g + r * (h @ W_g + b_n))
    return (1 - z) * g + z * h


@shapes(U="3n m", W="3n n", b="3n", b_n="n", x="... m", h="... n")
def step_before(x, h, U, W, b, b_n):
    """One step, reset before the product: h_t = (1 − z) ⊙ g + z ⊙ h_{t−1},  g = tanh(U_g x + b_g + W_g (r ⊙ h) + b_n).

    The body of ``rnncourse.reference.gru.step_before``, on tensors. Returns h_t.
    """
    r, z, g = split(x @ U.T + b, 3)
    W_r, W_z, W_g = split(W.T, 3)
    r = sigmoid(r + h @ W_r)
    z = sigmoid(z + h @ W_z)
    g = tanh(g + (r * h) @ W_g + b_n)
    return (1 - z) * g + z * h


@shapes(U="3n m", W="3n n", b="3n", b_n="n", x="T B m", h0="B n")
def forward(x, h0, U, W, b, b_n, reset="after"):
    """All steps. x (T, B, m), h0 (B, n). Returns hs (T, B, n) and h_T (B, n); autograd has the way back.

    reset: "after" or "before" the recurrent product. Raises ValueError for another.
    """
    if reset not in ("after", "before"):
        raise ValueError(f"gru.forward: expected reset to be 'after' or 'before', got {reset!r}")
    n, h, hs = len(b_n), h0, []
    for net in x @ U.T + b:  # what the input adds, for all steps in one product
        if reset == "after":
            Wh = h @ W.T
            r, z = split(sigmoid(net[:, : 2 * n] + Wh[:, : 2 * n]), 2)
            g = tanh(net[:, 2 * n :] + r * (Wh[:, 2 * n :] + b_n))
        else:
            r, z = split(sigmoid(net[:, : 2 * n] + h @ W[: 2 * n].T), 2)
            g = tanh(net[:, 2 * n :] + (r * h) @ W[2 * n :].T + b_n)
        h = (1 - z) * g + z * h
        hs.append(h)
    return torch.stack(hs) if hs else x.new_empty(0, *h0.shape), h


class GRU(nn.Module):
    """``torch.nn.GRU``, written out: same parameter names, same start, same results.

    input_size is m, hidden_size is n; num_layers and bidirectional as in torch (L layers of D directions).
    reset="before" gives the GRU of the paper, which torch does not have.
    forward(x, h0=None): x (T, B, m); h0 (L·D, B, n), zero if left out. Returns hs (T, B, D·n) and the last
    state h_T (L·D, B, n). ``load_state_dict`` takes the state of a ``torch.nn.GRU`` unchanged.
    Raises ValueError for another reset, sizes below 1, and for shapes, dtypes, devices or values that do not fit.
    """

    def __init__(
        self, input_size, hidden_size, num_layers=1, bidirectional=False, reset="after", device=None, dtype=None
    ):
        super().__init__()
        if reset not in ("after", "before"):
            raise ValueError(f"GRU: expected reset to be 'after' or 'before', got {reset!r}")
        self.hidden_size, self.num_layers = hidden_size, num_layers
        self.bidirectional, self.reset = bool(bidirectional), reset
        add_parameters(self, 3, input_size, hidden_size, num_layers, self.bidirectional, device, dtype)

    @shapes(x="T B m", h0="k B n")
    def forward(self, x, h0=None):
        n, count = self.hidden_size, self.num_layers * (1 + self.bidirectional)
        h0 = x.new_zeros(count, x.shape[1], n) if h0 is None else h0
        if len(h0) != count:
            raise ValueError(f"GRU: expected one state for each of {count} layers and directions, got {len(h0)}")

        def run(x, k, U, W, b_ih, b_hh):
            b = b_ih + torch.cat([b_hh[: 2 * n], torch.zeros_like(b_hh[2 * n :])])  # b_n stays within the reset
            return forward(x, h0[k], U, W, b, b_hh[2 * n :], self.reset)

        return run_layers(run, self, x)
