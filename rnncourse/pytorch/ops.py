"""What the cells need beyond ``torch`` itself: the last axis in equal parts, and a parameter's initialisation."""

import math

import torch
from torch import nn


def split(a, k):
    """The last axis in k equal parts, as views, in order: (..., k·n) → k tensors (..., n).

    Raises ValueError if there is a rest; torch's chunk would give parts of other sizes.
    """
    if a.shape[-1] % k:
        raise ValueError(f"ops.split: expected a last axis that {k} divides, got {a.shape[-1]}")
    return a.chunk(k, dim=-1)


def initialise(shape, n, device=None, dtype=None):
    """A new parameter of this shape, each entry uniform in ±1/√n: the initialisation of torch.nn's recurrent modules.

    The same random seed gives the same numbers as in torch.
    """
    bound = 1 / math.sqrt(n)  # rounded as in torch
    return nn.Parameter(torch.empty(shape, device=device, dtype=dtype).uniform_(-bound, bound))
