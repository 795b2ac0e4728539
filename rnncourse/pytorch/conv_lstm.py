"""ConvLSTM in PyTorch: the mathematics of ``rnncourse.reference.conv_lstm``, on tensors.

    i, f, g, o = σ, σ, tanh, σ of the four blocks of  U ∗ x_t + W ∗ h_{t−1} + b
    c_t = f ⊙ c_{t−1} + i ⊙ g
    h_t = o ⊙ tanh(c_t),              t = 1 … T

The star is a convolution with zeros beyond the border, so that height and width stay. m = input channels, n = hidden
channels, k and q = kernel sizes for the input and the state (odd), T = steps, B = batch.
"""

import torch
from torch import nn, sigmoid, tanh
from torch.nn.functional import conv2d

from rnncourse.checks import check_sizes, shapes
from rnncourse.pytorch.ops import initialise


@shapes(U="4n m k k", W="4n n q q", b="4n", x="T B m H V", h0="B n H V", c0="B n H V")
def forward(x, h0, c0, U, W, b):
    """All steps, with h0 and c0 before the first.

    x (T, B, m, height, width), h0 and c0 (B, n, height, width), U (4n, m, k, k),
    W (4n, n, q, q), b (4n,). Returns hs (T, B, n, height, width) and the last states h_T, c_T;
    autograd has the backward pass. The input's part is computed for all steps at once.
    Raises ValueError for shapes, dtypes, devices or values that do not fit, for an even kernel,
    and for T = 0.
    Source: Shi et al. (2015), arXiv:1506.04214, equation 3, without the peephole terms.
    """
    if len(x) == 0 or U.shape[-1] % 2 == 0 or W.shape[-1] % 2 == 0:
        raise ValueError(
            "conv_lstm.forward: expected at least one step and kernels of odd size, "
            f"got T={len(x)}, k={U.shape[-1]}, q={W.shape[-1]}"
        )
    net_x = conv2d(x.flatten(0, 1), U, b, padding=U.shape[-1] // 2).unflatten(0, x.shape[:2])
    h, c, hs = h0, c0, []
    for net in net_x:
        net_i, net_f, net_g, net_o = (net + conv2d(h, W, padding=W.shape[-1] // 2)).chunk(4, dim=1)
        c = sigmoid(net_f) * c + sigmoid(net_i) * tanh(net_g)
        h = sigmoid(net_o) * tanh(c)
        hs.append(h)
    return torch.stack(hs), h, c


class ConvLSTM(nn.Module):
    """One layer with 4((k² m + q² n) n + n) parameters: U (4n, m, k, k), W (4n, n, q, q), b (4n,).

    input_channels is m, hidden_channels n, kernel k, recurrent_kernel q (k if left out). U is uniform in ±1/√(k² m), W
    in ±1/√(q² n); b is zero, and forget_bias for the forget gates.
    forward(x, states=None): x (T, B, m, height, width), states (h0, c0), zero if left out. Returns hs and (h_T, c_T).
    Raises ValueError for sizes below 1, and as ``forward``.
    """

    def __init__(self, input_channels, hidden_channels, kernel=3, recurrent_kernel=None, forget_bias=1.0):
        super().__init__()
        q = recurrent_kernel or kernel
        sizes = {"input_channels": input_channels, "hidden_channels": hidden_channels, "kernel": kernel}
        check_sizes("ConvLSTM", **sizes, recurrent_kernel=q)
        m, n = input_channels, hidden_channels
        self.hidden_channels = n
        self.U = initialise((4 * n, m, kernel, kernel), kernel**2 * m)
        self.W = initialise((4 * n, n, q, q), q**2 * n)
        self.b = nn.Parameter(torch.zeros(4 * n))
        with torch.no_grad():
            self.b[n : 2 * n] = forget_bias

    def forward(self, x, states=None):
        if states is None:
            zeros = x.new_zeros(x.shape[1], self.hidden_channels, *x.shape[3:])
            states = zeros, zeros
        hs, h_T, c_T = forward(x, *states, self.U, self.W, self.b)
        return hs, (h_T, c_T)
