"""What the cells need beyond ``torch`` itself: the last axis in equal parts, and layers from torch.nn's names."""

import math

import torch
from torch import nn

from rnncourse.checks import check_sizes


def split(a, k):
    """The last axis in k equal parts, as views, in order: (..., k·n) → k tensors (..., n).

    Raises ValueError if there is a rest; torch's chunk would give parts of other sizes.
    """
    if a.shape[-1] % k:
        raise ValueError(f"ops.split: expected a last axis that {k} divides, got {a.shape[-1]}")
    return a.chunk(k, dim=-1)


def start(shape, n, device=None, dtype=None):
    """A new parameter of this shape, each entry uniform in ±1/√n: how torch.nn starts a recurrent module."""
    bound = 1 / math.sqrt(n)  # rounded as in torch, so that the same seed gives the same numbers
    return nn.Parameter(torch.empty(shape, device=device, dtype=dtype).uniform_(-bound, bound))


def add_parameters(module, rows, input_size, hidden_size, num_layers, bidirectional, device, dtype):
    """Give ``module`` the parameters of torch.nn's recurrent modules: names, order and start.

    rows: how many blocks of n rows the weights have (LSTM 4, GRU 3). Layer 0 reads m features, a higher layer
    what the one below puts out. Each entry starts uniform in ±1/√n.
    Raises ValueError for sizes that are not whole numbers of at least 1.
    """
    sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
    check_sizes(type(module).__name__, **sizes)
    n = hidden_size
    for layer in range(num_layers):
        m = n * (1 + bidirectional) if layer else input_size
        for suffix in suffixes(layer, bidirectional):
            for name, shape in [
                ("weight_ih", (rows * n, m)),
                ("weight_hh", (rows * n, n)),
                ("bias_ih", (rows * n,)),
                ("bias_hh", (rows * n,)),
            ]:
                module.register_parameter(name + suffix, start(shape, n, device, dtype))


def suffixes(layer, bidirectional):
    return [f"_l{layer}", f"_l{layer}_reverse"] if bidirectional else [f"_l{layer}"]


def run_layers(run, module, x):
    """Every layer of ``module`` over x, each over what the one below put out; two directions side by side.

    run(x, index, U, W, b_ih, b_hh) → (hs, *last states) runs one direction of one layer; index counts them in
    torch's order. For the second direction x and hs are turned round in time. Returns (hs, *last states), the
    states stacked along a new first axis.
    """
    lasts = []
    for layer in range(module.num_layers):
        outputs = []
        for direction, suffix in enumerate(suffixes(layer, module.bidirectional)):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            weights = [getattr(module, name + suffix) for name in names]
            hs, *last = run(x.flip(0) if direction else x, len(lasts), *weights)
            outputs.append(hs.flip(0) if direction else hs)
            lasts.append(last)
        x = torch.cat(outputs, dim=-1) if module.bidirectional else outputs[0]
    return x, *(torch.stack(states) for states in zip(*lasts, strict=True))
