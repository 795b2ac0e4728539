"""What the cells need beyond torch."""

import pytest
import torch

from rnncourse.pytorch.ops import initialise, split


def test_split():
    a = torch.arange(24.0).reshape(2, 12)
    parts = split(a, 4)
    assert [part.tolist() for part in parts] == [a[:, i : i + 3].tolist() for i in (0, 3, 6, 9)]
    parts[1][0, 0] = -1  # a view
    assert a[0, 3] == -1
    with pytest.raises(ValueError, match="ops.split: expected a last axis that 5 divides, got 12"):
        split(a, 5)


def test_initialise():
    """Uniform in ±1/√n, a parameter, of the dtype and on the device that are asked for."""
    torch.manual_seed(0)
    parameter = initialise((100, 200), 25, dtype=torch.float64)
    assert isinstance(parameter, torch.nn.Parameter) and parameter.requires_grad
    assert parameter.shape == (100, 200) and parameter.dtype == torch.float64
    assert 0.199 < parameter.max() <= 0.2 and -0.2 <= parameter.min() < -0.199
    assert abs(parameter.mean()) < 0.002 and abs(parameter.std() - 0.2 / 3**0.5) < 0.002
    assert initialise((3,), 4, device="meta").device.type == "meta"
