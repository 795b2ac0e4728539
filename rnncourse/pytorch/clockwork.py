"""The clockwork network in PyTorch: the mathematics of ``rnncourse.reference.clockwork``, on tensors.

    h_t[i] = f(U x_t + W h_{t−1} + b)[i]      if unit i ticks: its period divides t
    h_t[i] = h_{t−1}[i]                       if not: a copy,                       t = 0 … T−1

``clock`` (n,) holds the period of each unit, smallest first. W[i, j] counts where clock[i] ≤ clock[j]: a unit reads its
own group and slower ones.

m = input size, n = hidden size, T = steps, B = batch; f = torch.tanh (default) or another function of a tensor.
"""

import torch
from torch import nn, tanh

from rnncourse.checks import check_sizes, shapes
from rnncourse.pytorch.ops import initialise


@shapes(U="n m", W="n n", b="n", x="T B m", h0="B n")
def forward(x, h0, U, W, b, clock, start=0, f=tanh):
    """All steps, from number ``start`` on, with h0 before the first.

    x (T, B, m), h0 (B, n), U (n, m), W (n, n), b (n,); clock (n,): a tensor of whole numbers, the periods, ascending.
    Returns hs (T, B, n) and the last state h_T (B, n); autograd has the backward pass. T = 0 is allowed.
    Raises ValueError for shapes, dtypes, devices or values that do not fit, and for a bad clock.
    Source: Koutník et al. (2014), arXiv:1402.3511, section 3.
    """
    good = isinstance(clock, torch.Tensor) and clock.shape == b.shape and not clock.is_floating_point()
    if not good or clock[0] < 1 or (clock.diff() < 0).any():
        raise ValueError(
            f"clockwork.forward: expected clock to be a tensor of {len(b)} whole numbers of at least 1, in ascending "
            f"order, got {clock!r}"
        )
    W = W * (clock[:, None] <= clock[None, :])
    net_x, h, hs = x @ U.T + b, h0, []
    for t, net in enumerate(net_x, start):
        h = torch.where(t % clock == 0, f(net + h @ W.T), h)
        hs.append(h)
    return torch.stack(hs) if hs else net_x + h0 @ W.T, h  # empty, but in the arguments' graph


class Clockwork(nn.Module):
    """A clockwork network of one layer.

    input_size is m, hidden_size n; periods: one for each group, ascending; as many as divide n. The parameters are U, W
    and b, each entry uniform in ±1/√n, as in torch.nn's recurrent modules; W is stored whole, though only its entries
    between a group and itself or a slower one count: ``counted`` is the number of parameters that do.
    forward(x, h0=None, start=0): x (T, B, m), h0 (B, n), zero if left out; start: the number of the first step.
    Returns hs (T, B, n) and the last state (B, n).
    Raises ValueError for sizes and periods that do not fit, and as ``forward``.
    """

    def __init__(self, input_size, hidden_size, periods=(1, 2, 4, 8), device=None, dtype=None):
        super().__init__()
        check_sizes("Clockwork", input_size=input_size, hidden_size=hidden_size)
        periods, (m, n) = list(periods), (input_size, hidden_size)
        check_sizes("Clockwork", **{f"period {g}": period for g, period in enumerate(periods)})
        if not periods or n % len(periods) or sorted(set(periods)) != periods:
            raise ValueError(f"Clockwork: expected ascending periods, as many as divide hidden_size={n}, got {periods}")
        self.input_size, self.hidden_size, self.periods = m, n, tuple(periods)
        self.register_buffer("clock", torch.tensor(periods, device=device).repeat_interleave(n // len(periods)))
        for name, shape in {"U": (n, m), "W": (n, n), "b": (n,)}.items():
            self.register_parameter(name, initialise(shape, n, device, dtype))

    @property
    def counted(self):
        """n(m + 1) + n²(G + 1)/(2G) for G groups."""
        n, G = self.hidden_size, len(self.periods)
        return n * (self.input_size + 1) + n * n * (G + 1) // (2 * G)

    def extra_repr(self):
        return f"{self.input_size}, {self.hidden_size}, periods={self.periods}"

    def forward(self, x, h0=None, start=0):
        if h0 is None:
            h0 = x.new_zeros(x.shape[1], self.hidden_size)
        return forward(x, h0, self.U, self.W, self.b, self.clock, start)
