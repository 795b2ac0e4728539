"""A causal convolutional network for sequences: residual blocks whose dilation doubles from block to block.

    z⁰_t = U x_t + b                                         a kernel of size 1
    zˡ_t = zˡ⁻¹_t + ReLU(Σ_j Uˡ_j zˡ⁻¹_{t − d(k−1−j)} + bˡ),   d = 2ˡ⁻¹,   l = 1 … L

Step t sees the inputs t − (k−1)(2ᴸ − 1) … t: a receptive field of 1 + (k−1)(2ᴸ − 1) steps. m = input size,
n = channels, k = kernel size, L = layers, T = steps, B = batch. Simpler than the network of Bai et al. (2018), which
has two convolutions in a block, weight normalisation and dropout.
"""

from torch import nn, relu
from torch.nn.functional import pad

from rnncourse.checks import check_sizes, shapes


def receptive_field(kernel, layers):
    """How many steps the last output sees:  1 + (k−1)(2ᴸ − 1).  Raises ValueError for sizes below 1."""
    check_sizes("causal_conv.receptive_field", kernel=kernel, layers=layers)
    return 1 + (kernel - 1) * (2**layers - 1)


class CausalConv(nn.Conv1d):
    """``torch.nn.Conv1d`` with d(k−1) zeros in front: ``rnncourse.reference.conv``, but on (B, m, T)."""

    def forward(self, x):
        return super().forward(pad(x, (self.dilation[0] * (self.kernel_size[0] - 1), 0)))


class CausalCNN(nn.Module):
    """The network of this file, without a readout: (m + 1) n + L (k n² + n) parameters.

    input_size is m, channels n. forward(x): x (T, B, m) → (T, B, n). Convolutions as torch.nn initialises them.
    Raises ValueError for sizes below 1 and for a wrong x.
    """

    def __init__(self, input_size, channels, kernel=3, layers=5):
        super().__init__()
        check_sizes("CausalCNN", input_size=input_size, channels=channels, kernel=kernel, layers=layers)
        self.read = nn.Conv1d(input_size, channels, 1)
        blocks = (CausalConv(channels, channels, kernel, dilation=2**j) for j in range(layers))
        self.blocks = nn.ModuleList(blocks)

    @shapes(x="T B m")
    def forward(self, x):
        z = self.read(x.permute(1, 2, 0))
        for block in self.blocks:
            z = z + relu(block(z))
        return z.permute(2, 0, 1)
