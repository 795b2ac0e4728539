"""Relatives of the LSTM: one step each, and one module that runs any of them.

Each changes a line or two of ``rnncourse.pytorch.lstm.step``. m = input size, n = hidden size. The letters i, f, g, o
mean the gates' values after squashing; before it, net = U x_t + W h_{t−1} + b, block by block.
"""

import torch
from torch import nn, sigmoid, tanh

from rnncourse.checks import check, check_sizes, parse, shapes
from rnncourse.pytorch.layers import tensors
from rnncourse.pytorch.lstm import gates
from rnncourse.pytorch.ops import initialise, split


@shapes(U="4n m", W="4n n", b="4n", p="3n", x="... m", h="... n", c="... n")
def peephole(x, h, c, U, W, b, p):
    """The gates see the cell state: c_t = f ⊙ c_{t−1} + i ⊙ g,  h_t = o ⊙ tanh(c_t), with

        i = σ(net_i + p_i ⊙ c_{t−1}),  f = σ(net_f + p_f ⊙ c_{t−1}),  o = σ(net_o + p_o ⊙ c_t)

    p (3n,) is p_i, p_f, p_o; the rest as for ``lstm.step``. Returns h_t and c_t.
    Raises ValueError for shapes, dtypes, devices or values that do not fit.
    Source: Gers and Schmidhuber (2000), doi:10.1109/IJCNN.2000.861302; Greff et al. (2017),
    arXiv:1503.04069, whose "vanilla LSTM" this is.
    """
    net_i, net_f, net_g, net_o = split(x @ U.T + h @ W.T + b, 4)
    p_i, p_f, p_o = split(p, 3)
    i, f, g = sigmoid(net_i + p_i * c), sigmoid(net_f + p_f * c), tanh(net_g)
    c = f * c + i * g
    o = sigmoid(net_o + p_o * c)
    return o * tanh(c), c


@shapes(U="3n m", W="3n n", b="3n", x="... m", h="... n", c="... n")
def coupled(x, h, c, U, W, b):
    """What is forgotten is replaced, i = 1 − f: c_t = f ⊙ c_{t−1} + (1 − f) ⊙ g,  h_t = o ⊙ tanh(c_t).

    Three blocks of rows: f, g, o. Arguments else, result and errors as for ``lstm.step``.
    Source: Greff et al. (2017), arXiv:1503.04069, variant CIFG.
    """
    net_f, net_g, net_o = split(x @ U.T + h @ W.T + b, 3)
    f, g, o = sigmoid(net_f), tanh(net_g), sigmoid(net_o)
    c = f * c + (1 - f) * g
    return o * tanh(c), c


@shapes(U="4n m", W="4n r", b="4n", R="r n", x="... m", h="... r", c="... n")
def projected(x, h, c, U, W, b, R):
    """A large cell with a small output: c_t = f ⊙ c_{t−1} + i ⊙ g,  h_t = R (o ⊙ tanh(c_t)), of size r < n.

    h (..., r), R (r, n); the rest as for ``lstm.step``. Returns h_t (..., r) and c_t (..., n).
    It is ``torch.nn.LSTM`` with proj_size = r.
    Raises ValueError for shapes, dtypes, devices or values that do not fit.
    Source: Sak, Senior and Beaufays (2014), arXiv:1402.1128.
    """
    i, f, g, o = gates(x @ U.T + h @ W.T + b)
    c = f * c + i * g
    return (o * tanh(c)) @ R.T, c


@shapes(U="n m", W="n n", b="n", x="... m", h="... n", c="... n")
def shared(x, h, c, U, W, b):
    """Not an LSTM, though often shown as one: the same net for every gate, i = f = o = σ(net), g = tanh(net).

    One block of rows. Arguments else, result and errors as for ``lstm.step``.
    """
    net = x @ U.T + h @ W.T + b
    i = f = o = sigmoid(net)
    g = tanh(net)
    c = f * c + i * g
    return o * tanh(c), c


class Variant(nn.Module):
    """Any step of this file, or ``lstm.step``, as a layer: Variant(variants.peephole, m, n); projected needs r=….

    The parameters are the arguments of ``step`` after x, h and c, under their names and of the shapes that the
    step declares; their initialisation is uniform in ±1/√n, as in torch.nn.
    forward(x, h0=None, c0=None): x (T, B, m), h0 (B, n) or (B, r), c0 (B, n), zero if left out. Returns
    hs (T, B, n) or (T, B, r), and the last states (h_T, c_T). T = 0 is allowed: hs is empty and has no graph.
    Raises ValueError for another step, a missing or needless size or one below 1, and for shapes, dtypes or values
    that do not fit.
    """

    def __init__(self, step, input_size, hidden_size, **sizes):
        super().__init__()
        if not {"x", "h", "c"} <= set(getattr(step, "shapes", ())):
            raise ValueError(f"Variant: expected a step of x, h and c, with shapes, got {step!r}")
        self.step, self.n = step, hidden_size
        sizes = {"m": input_size, "n": hidden_size} | sizes
        self.names = [name for name in step.shapes if name not in ("x", "h", "c")]
        shape = {name: [parse(word) for word in step.shapes[name].split()] for name in self.names}
        needed = {letter for words in shape.values() for _, letter in words} | {"m", "n"}
        if needed != set(sizes):
            raise ValueError(f"Variant: expected the sizes {sorted(needed)} for {step.__name__}, got {sorted(sizes)}")
        check_sizes("Variant", **sizes)
        for name in self.names:
            rows = [factor * sizes[letter] for factor, letter in shape[name]]
            self.register_parameter(name, initialise(rows, hidden_size))

    def forward(self, x, h0=None, c0=None):
        weights = [getattr(self, name) for name in self.names]
        x, h0, c0 = tensors("Variant", weights[0], x, h0=h0, c0=c0)
        given = {name: a for name, a in {"x": x, "h0": h0, "c0": c0}.items() if a is not None}
        check(given, {"x": "T B m", "h0": "B k", "c0": "B n"}, "Variant")
        out = self.R.shape[0] if "R" in self.names else self.n
        h = x.new_zeros(x.shape[1], out) if h0 is None else h0
        c = x.new_zeros(x.shape[1], self.n) if c0 is None else c0
        step, hs = self.step, []  # the first step checks the weights, too
        for x_t in x:
            h, c = step(x_t, h, c, *weights)
            hs.append(h)
            step = self.step.unchecked
        return torch.stack(hs) if hs else x.new_empty(0, *h.shape), (h, c)
