"""Noise inside an LSTM, while it trains: five places, and masks that are new at each step or kept.

    m ∈ {0, 1/(1−p)},  P(m = 0) = p,  so that E[m] = 1        the mask, one entry for each unit

    "hidden"     the gates read m ⊙ h_{t−1}
    "cell"       c_t = f ⊙ m ⊙ c_{t−1} + i ⊙ g
    "candidate"  c_t = f ⊙ c_{t−1} + i ⊙ m ⊙ g
    "weights"    the gates use M ⊙ W, one mask M (4n, n) for all steps and rows
    "zoneout"    c_t = c_{t−1} where z = 1, else as usual; h_t likewise, with masks of its own; P(z = 1) = p

m = input size, n = hidden size, T = steps, B = batch. After ``eval()`` there is no noise: the first four are
``torch.nn.LSTM``, zoneout takes the mean of its two cases, p c_{t−1} + (1 − p) c̃_t.
"""

from numbers import Real

import torch
from torch import nn, tanh

from rnncourse.checks import check
from rnncourse.pytorch.layers import pair, tensors
from rnncourse.pytorch.lstm import gates

PLACES = ("hidden", "cell", "candidate", "weights", "zoneout")


def mask(p, shape, like):
    """A mask with entries 0, with probability p, and 1/(1−p): E[mask] = 1. dtype and device as ``like``.

    Raises ValueError for p outside [0, 1).
    """
    check_p("dropout.mask", p)
    return torch.empty(shape, dtype=like.dtype, device=like.device).bernoulli_(1 - p).div_(1 - p)


def check_p(where, p):
    if isinstance(p, bool) or not isinstance(p, Real) or not 0 <= p < 1:
        raise ValueError(f"{where}: expected p to be a number in [0, 1), got {p!r}")


class Locked(nn.Module):
    """Dropout with one mask for all steps of a sequence: x (T, B, n) → m ⊙ x, m of shape (1, B, n).

    The identity after ``eval()``. Raises ValueError for p outside [0, 1) and for another number of axes.
    Source: Gal and Ghahramani (2016), arXiv:1512.05287.
    """

    def __init__(self, p):
        super().__init__()
        check_p("Locked", p)
        self.p = float(p)

    def extra_repr(self):
        return f"p={self.p}"

    def forward(self, x):
        if x.dim() != 3:
            raise ValueError(f"Locked: expected x of shape (T, B, n), got {tuple(x.shape)}")
        return x * mask(self.p, (1, *x.shape[1:]), x) if self.training else x


class NoisyLSTM(nn.LSTM):
    """``torch.nn.LSTM`` of one layer with noise in one place while it trains; the same parameters and names.

    place: one of ``PLACES``, see the top of this file. p: the share that is dropped, or held back for "zoneout".
    same: one mask for all steps of a sequence, or a new one at each step; "weights" has one mask a call, "zoneout" a
    new one at each step, whatever ``same`` says.
    forward(x, (h0, c0)=None): x (T, B, m), h0 and c0 (1, B, n), zero if left out. Returns hs (T, B, n), (h_T, c_T).
    Raises ValueError for another place, p outside [0, 1), and shapes, dtypes or values that do not fit.
    Sources: "hidden", same: Gal and Ghahramani (2016), arXiv:1512.05287; "cell", same: Moon et al.,
    RNNDROP (2015); "candidate": Semeniuta et al. (2016), arXiv:1603.05118; "weights": Merity et al.
    (2018), arXiv:1708.02182; "zoneout": Krueger et al. (2017), arXiv:1606.01305.
    """

    def __init__(self, input_size, hidden_size, place, p, same=True):
        if place not in PLACES:
            raise ValueError(f"NoisyLSTM: expected place to be one of {', '.join(PLACES)}, got {place!r}")
        check_p("NoisyLSTM", p)
        super().__init__(input_size, hidden_size)
        self.place, self.p, self.same = place, float(p), bool(same)

    def extra_repr(self):
        return f"{self.input_size}, {self.hidden_size}, {self.place!r}, p={self.p}, same={self.same}"

    def forward(self, x, states=None):
        h, c = pair(states, "NoisyLSTM")
        x, h, c = tensors("NoisyLSTM", self.weight_ih_l0, x, h0=h, c0=c)
        given = {"x": x} | {name: s for name, s in (("h0", h), ("c0", c)) if s is not None}
        check(given, {"x": "T B m", "h0": "1 B n", "c0": "1 B n"}, "NoisyLSTM", m=self.input_size, n=self.hidden_size)
        h, c = (x.new_zeros(1, x.shape[1], self.hidden_size) if s is None else s for s in (h, c))
        U, W, b_ih, b_hh = self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0
        if self.place == "zoneout" or (self.training and self.place != "weights"):
            hs, h, c = self.steps(x @ U.T + (b_ih + b_hh), h[0], c[0], W)
            return hs, (h[None], c[None])
        if self.training:
            W = W * mask(self.p, W.shape, W)
        hs, h, c = torch.lstm(x, (h, c), (U, W, b_ih, b_hh), True, 1, 0.0, self.training, False, False)
        return hs, (h, c)

    def steps(self, net_x, h, c, W):
        """The loop: net_x (T, B, 4n) is the input's part of net; h and c (B, n). Returns hs (T, B, n), h_T, c_T."""
        T, hs = len(net_x), []
        if self.place == "zoneout":
            kept = self.held(T, h)
        else:
            kept = mask(self.p, (1 if self.same else T, *h.shape), h).expand(T, -1, -1)
        for t in range(T):
            m = kept[t]
            i, f, g, o = gates(net_x[t] + (h * m if self.place == "hidden" else h) @ W.T)
            if self.place == "candidate":
                g = g * m
            new_c = f * (c * m if self.place == "cell" else c) + i * g
            if self.place == "zoneout":
                z_c, z_h = m
                c = z_c * c + (1 - z_c) * new_c
                h = z_h * h + (1 - z_h) * (o * tanh(new_c))
            else:
                c = new_c
                h = o * tanh(c)
            hs.append(h)
        return torch.stack(hs), h, c

    def held(self, T, h):
        """For "zoneout": how much of the old c and h stays, (T, 2, B, n): 0 or 1 in training, then p."""
        shape = T, 2, *h.shape
        return h.new_empty(shape).bernoulli_(self.p) if self.training else h.new_full(shape, self.p)
