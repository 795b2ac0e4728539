"""Stacked layers in PyTorch: the mathematics of ``rnncourse.reference.deep``; autograd has the backward pass.

    hˡ_t = step(aˡ⁻¹_t, hˡ_{t−1}),   a⁰_t = x_t,   ℓ = 1 … L,  t = 1 … T
    aˡ_t = hˡ_t, or hˡ_t + aˡ⁻¹_t from the second layer on (residual)

With ``norm``, every layer but the first reads LN(aˡ⁻¹_t). m = input size, n = hidden size, L = layers.
"""

import torch
from torch import nn

from rnncourse.checks import check, check_sizes

KINDS = ("RNN", "GRU", "LSTM")


class Deep(nn.Module):
    """L layers of torch.nn's RNN, GRU or LSTM, each a module of its own, with what stands between them.

    kind: "RNN", "GRU" or "LSTM"; input_size m, hidden_size n, num_layers L. Parameters: those of
    ``counting.stack``; residual adds none, norm adds 2n for each layer but the first.
    forward(x, states=None): x (T, B, m); states: None for zeros, or for each layer h0 (B, n), for an LSTM the pair
    (h0, c0). Returns hs (T, B, n) and the list of last states, in the form of states.
    Raises ValueError for another kind, sizes that are not whole numbers of at least 1, and shapes, dtypes, devices or
    values that do not fit.
    """

    def __init__(self, kind, input_size, hidden_size, num_layers, residual=False, norm=False, device=None, dtype=None):
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"Deep: expected kind to be one of {', '.join(KINDS)}, got {kind!r}")
        check_sizes("Deep", input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        self.kind, self.residual = kind, bool(residual)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        where, inputs = {"device": device, "dtype": dtype}, [input_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(getattr(nn, kind)(below, hidden_size, **where) for below in inputs)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size, **where) for _ in inputs[1:]) if norm else None

    def extra_repr(self):
        return f"residual={self.residual}"

    def forward(self, x, states=None):
        check({"x": x}, {"x": "T B m"}, "Deep", m=self.input_size)
        states = self.starts(x) if states is None else states
        if len(states) != self.num_layers:
            raise ValueError(f"Deep: expected states for each of {self.num_layers} layers, got {len(states)}")
        a, last = x, []
        for number, (layer, state) in enumerate(zip(self.layers, states, strict=True)):
            below = a
            if number and self.norms is not None:
                a = self.norms[number - 1](a)
            a, end = layer(a, self.inside(state, x))
            last.append(tuple(part[0] for part in end) if self.kind == "LSTM" else end[0])
            if number and self.residual:
                a = a + below
        return a, last

    def starts(self, x):
        """Zeros, for each layer."""
        zero = x.new_zeros(x.shape[1], self.hidden_size)
        return [(zero, zero) if self.kind == "LSTM" else zero] * self.num_layers

    def inside(self, state, x):
        """A state as torch.nn takes it, with an axis of length 1 in front."""
        parts = dict(zip(("h0", "c0"), state if self.kind == "LSTM" else [state], strict=False))
        check({"x": x, **parts}, {"x": "T B m", "h0": "B n", "c0": "B n"}, "Deep", n=self.hidden_size)
        parts = [torch.unsqueeze(part, 0) for part in parts.values()]
        return tuple(parts) if self.kind == "LSTM" else parts[0]
