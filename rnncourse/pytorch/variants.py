"""Relatives of the LSTM: one step each, and one module that runs any of them.

Each changes a line or two of ``rnncourse.pytorch.lstm.step``. m = input size, n = hidden size.
"""

import torch
from torch import nn, sigmoid, tanh

from rnncourse.checks import check_sizes, parse, shapes
from rnncourse.pytorch.ops import split, start


@shapes(U="4n m", W="4n n", b="4n", p="3n", x="... m", h="... n", c="... n")
def peephole(x, h, c, U, W, b, p):
    """The gates see the cell: i and f by p_i ⊙ c_{t−1} and p_f ⊙ c_{t−1}, o by p_o ⊙ c_t. Returns h_t and c_t.

    p (3n,) is p_i, p_f, p_o; the rest as for ``lstm.step``.
    Source: Gers and Schmidhuber (2000), doi:10.1109/IJCNN.2000.861302; Greff et al. (2017), arXiv:1503.04069,
    section 2, whose "vanilla LSTM" this is.
    """
    i, f, g, o = split(x @ U.T + h @ W.T + b, 4)
    p_i, p_f, p_o = split(p, 3)
    c = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * tanh(g)
    return sigmoid(o + p_o * c) * tanh(c), c


@shapes(U="3n m", W="3n n", b="3n", x="... m", h="... n", c="... n")
def coupled(x, h, c, U, W, b):
    """What is forgotten is replaced: i = 1 − σ(f). Three blocks of rows: f, g, o. Returns h_t and c_t.

    Source: Greff et al. (2017), arXiv:1503.04069, section 3, variant CIFG.
    """
    f, g, o = split(x @ U.T + h @ W.T + b, 3)
    c = sigmoid(f) * c + (1 - sigmoid(f)) * tanh(g)
    return sigmoid(o) * tanh(c), c


@shapes(U="4n m", W="4n r", b="4n", R="r n", x="... m", h="... r", c="... n")
def projected(x, h, c, U, W, b, R):
    """A large cell with a small output: h_t = R (σ(o) ⊙ tanh(c_t)), of size r < n. Returns h_t (…, r) and c_t (…, n).

    It is ``torch.nn.LSTM`` with proj_size = r. Source: Sak, Senior and Beaufays (2014), arXiv:1402.1128.
    """
    i, f, g, o = split(x @ U.T + h @ W.T + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return (sigmoid(o) * tanh(c)) @ R.T, c


@shapes(U="n m", W="n n", b="n", x="... m", h="... n", c="... n")
def shared(x, h, c, U, W, b):
    """Not an LSTM, though often shown as one: the same linear layer for every gate. Returns h_t and c_t."""
    i = f = g = o = x @ U.T + h @ W.T + b
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


class Variant(nn.Module):
    """Any step of this file, or ``lstm.step``, as a layer: Variant(variants.peephole, m, n); projected needs r=….

    The parameters are the arguments of ``step`` after x, h and c, under their names and of the shapes that the
    step declares; each entry starts uniform in ±1/√n, as in torch.nn.
    forward(x, h0=None, c0=None): x (T, B, m), h0 (B, n) or (B, r), c0 (B, n), zero if left out. Returns
    hs (T, B, n) or (T, B, r), and the last states (h_T, c_T).
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
            self.register_parameter(name, start(rows, hidden_size))

    @shapes(x="T B m", h0="B k", c0="B n")
    def forward(self, x, h0=None, c0=None):
        weights = [getattr(self, name) for name in self.names]
        out = self.R.shape[0] if "R" in self.names else self.n
        h = x.new_zeros(x.shape[1], out) if h0 is None else h0
        c = x.new_zeros(x.shape[1], self.n) if c0 is None else c0
        hs = []
        for x_t in x:
            h, c = self.step(x_t, h, c, *weights)
            hs.append(h)
        return torch.stack(hs) if hs else x.new_empty(0, *h.shape), (h, c)
