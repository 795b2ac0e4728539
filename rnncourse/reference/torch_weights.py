"""Weights out of a torch module: what the ``from_torch`` of every cell begins with."""

import numpy as np


def one_layer(module, kind, k):
    """U (k·n, m), W (k·n, n), b_ih and b_hh (k·n,): copies of what a one-layer, one-direction module holds.

    kind: "RNN", "LSTM" or "GRU"; k: how many blocks of n rows it has. The biases are zero for a module without bias.
    Raises ValueError for more layers, two directions, a projection, another kind of module, or a dtype that NumPy does
    not have.
    """
    where = f"{kind.lower()}.from_torch"
    parameters = {name: value.detach().cpu() for name, value in module.named_parameters()}
    extra = sorted(set(parameters) - {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"})
    if extra:
        raise ValueError(f"{where}: expected one layer in one direction, got also {', '.join(extra)}")
    try:
        state = {name: value.numpy().copy() for name, value in parameters.items()}
    except TypeError:
        dtype = next(iter(parameters.values())).dtype
        raise ValueError(f"{where}: expected a dtype that NumPy has, got {dtype}: first call module.float()") from None
    U, W = state.get("weight_ih_l0"), state.get("weight_hh_l0")
    if W is None or W.shape[0] != k * W.shape[1]:  # the other kinds have the same names, with more or fewer rows
        raise ValueError(f"{where}: expected a torch.nn.{kind}, got {type(module).__name__}")
    return U, W, *(state.get(name, np.zeros(len(W), W.dtype)) for name in ("bias_ih_l0", "bias_hh_l0"))
