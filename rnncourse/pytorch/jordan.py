"""The Jordan network in PyTorch: the mathematics of ``rnncourse.reference.jordan``, on tensors.

    h_t = f(U x_t + W_y y_{t−1} + b)
    y_t = g(V h_t + b_y),               t = 1 … T

m = input size, n = hidden size, k = output size, T = steps, B = batch; f = torch.tanh (default) or another function
of a tensor; g = torch.sigmoid (default), another function, or None for a linear output.
"""

import torch
from torch import nn, sigmoid, tanh

from rnncourse.checks import check_sizes, shapes
from rnncourse.pytorch.ops import initialise

OUTPUTS = {"sigmoid": sigmoid, "tanh": tanh, "linear": None}


@shapes(U="n m", W_y="n k", b="n", V="k n", b_y="k", x="... m", y="... k")
def step(x, y, U, W_y, b, V, b_y, f=tanh, g=sigmoid):
    """One step: h_t = f(U x_t + W_y y_{t−1} + b), y_t = g(V h_t + b_y).

    The body of ``rnncourse.reference.jordan.step``, on tensors: x (..., m) is x_t, y (..., k)
    is y_{t−1}. Returns y_t (..., k).
    Raises ValueError for shapes, dtypes, devices or values that do not fit.
    """
    o = f(x @ U.T + y @ W_y.T + b) @ V.T + b_y
    return o if g is None else g(o)


@shapes(U="n m", W_y="n k", b="n", V="k n", b_y="k", x="T B m", y0="B k", teacher="T B k")
def forward(x, y0, U, W_y, b, V, b_y, teacher=None, f=tanh, g=sigmoid):
    """All steps: ys[t] = step(x[t], ys[t−1]), with y0 before the first; with a teacher, step(x[t], teacher[t−1]).

    x (T, B, m), y0 (B, k), U (n, m), W_y (n, k), b (n,), V (k, n), b_y (k,); teacher: None, or
    the targets (T, B, k), of which the last is not used: then all steps are computed at once.
    Returns ys (T, B, k) and the last output y_T (B, k), y0 if T = 0.
    Raises ValueError for shapes, dtypes, devices or values that do not fit.
    """
    squash = (lambda o: o) if g is None else g
    net_x, y, ys = x @ U.T + b, y0, []
    if teacher is not None and len(x):
        fed = torch.cat([y0[None], teacher[:-1]])
        ys = squash(f(net_x + fed @ W_y.T) @ V.T + b_y)
        return ys, ys[-1]
    for net in net_x:
        y = squash(f(net + y @ W_y.T) @ V.T + b_y)
        ys.append(y)
    return torch.stack(ys) if ys else (net_x + y0 @ W_y.T) @ V.T + b_y, y  # empty, but in the arguments' graph


class Jordan(nn.Module):
    """A Jordan network with one hidden layer.

    input_size is m, hidden_size n, output_size k; output: "sigmoid", "tanh" or "linear". The parameters are U, W_y, b,
    V and b_y, each entry uniform in ±1/√n, as in torch.nn's recurrent modules.
    forward(x, y0=None, teacher=None): x (T, B, m), y0 (B, k), zero if left out, teacher None or targets (T, B, k).
    Returns ys (T, B, k) and the last output (B, k).
    Raises ValueError for sizes that are not whole numbers of at least 1, another output, and as ``forward``.
    """

    def __init__(self, input_size, hidden_size, output_size, output="sigmoid", device=None, dtype=None):
        super().__init__()
        check_sizes("Jordan", input_size=input_size, hidden_size=hidden_size, output_size=output_size)
        if output not in OUTPUTS:
            raise ValueError(f"Jordan: expected output to be one of {', '.join(OUTPUTS)}, got {output!r}")
        self.input_size, self.hidden_size, self.output_size = input_size, hidden_size, output_size
        self.output = output
        m, n, k = input_size, hidden_size, output_size
        for name, shape in {"U": (n, m), "W_y": (n, k), "b": (n,), "V": (k, n), "b_y": (k,)}.items():
            self.register_parameter(name, initialise(shape, n, device, dtype))

    def extra_repr(self):
        return f"{self.input_size}, {self.hidden_size}, {self.output_size}, output={self.output!r}"

    def forward(self, x, y0=None, teacher=None):
        if y0 is None:
            y0 = x.new_zeros(x.shape[1], self.output_size)
        return forward(x, y0, self.U, self.W_y, self.b, self.V, self.b_y, teacher, g=OUTPUTS[self.output])
