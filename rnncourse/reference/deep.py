"""Stacked layers of one cell: layer ℓ reads at step t what layer ℓ − 1 puts out at step t.

    a⁰_t = x_t
    hˡ_t = step(aˡ⁻¹_t, hˡ_{t−1}),                  ℓ = 1 … L,  t = 1 … T
    aˡ_t = hˡ_t                     plain
    aˡ_t = hˡ_t + aˡ⁻¹_t            residual, from the second layer on
    hˡ_t = step(LN(aˡ⁻¹_t), hˡ_{t−1})               with layer normalisation, from the second layer on

The first layer has neither: its input is x, of another size. The normalisation stands before the layer and not on the
residual connection, so a sum of states runs from the first layer to the output untouched. ``cell`` is a module of this
package with ``forward`` and ``backward``: rnn, lstm or gru. L = layers, T = steps, B = batch, m = input size.
"""

from typing import Any, NamedTuple

import numpy as np

from rnncourse.checks import check
from rnncourse.reference import gru, layer_norm, lstm, rnn

CELLS = {"RNN": rnn, "GRU": gru, "LSTM": lstm}


class Grads(NamedTuple):
    """∂L/∂ of the arguments of ``forward``: x an array, the others lists with an entry for each layer or norm."""

    x: np.ndarray
    states: list
    weights: list
    norms: list


class Cache(NamedTuple):
    """What the backward pass needs: the cell, whether it is residual, the size of hs, the caches of cells and norms."""

    cell: Any
    residual: bool
    size: int
    cells: list
    norms: list


def forward(cell, x, states, weights, residual=False, norms=None, **options):
    """All layers over all steps.

    x (T, B, m); states: for each layer what the cell starts from, (h0,) or (h0, c0), each
    (B, n); weights: for each layer the cell's Weights. residual: add the input of each layer
    but the first to what it puts out. norms: None, or for each layer but the first the pair
    (gain, shift) of the layer normalisation of its input. options: what the cell's ``forward``
    takes besides, f for rnn and reset for gru.
    Returns hs (T, B, n), what the last layer puts out; the last states, for each layer a tuple
    like that in states; and the cache for ``backward``.
    Raises ValueError for lists that do not fit each other, for a residual connection between
    layers of different sizes, and whatever ``cell.forward`` raises.
    Source: Graves (2013), arXiv:1308.0850, section 2, without its extra connections; residual:
    Wu et al. (2016), arXiv:1609.08144, section 3.1.
    """
    L = len(weights)
    if not L or len(states) != L:
        raise ValueError(f"deep.forward: expected states for each of {max(L, 1)} layers, got {len(states)}")
    if norms is not None and len(norms) != L - 1:
        raise ValueError(f"deep.forward: expected norms for {L - 1} layers, all but the first, got {len(norms)}")
    a, last, caches, norm_caches = x, [], [], []
    for layer in range(L):
        below, read = a, a
        if layer and norms is not None:
            read, cache = layer_norm.forward(below, *norms[layer - 1])
            norm_caches.append(cache)
        a, *ends, cache = cell.forward(read, *states[layer], *weights[layer], **options)
        last.append(tuple(ends))
        caches.append(cache)
        if layer and residual:
            if a.shape != below.shape:
                sizes = below.shape[-1], a.shape[-1]
                raise ValueError(f"deep.forward: expected layers of one size for a residual connection, got {sizes}")
            a = a + below
    return a, last, Cache(cell, residual, a.shape[-1], caches, norm_caches)


def backward(dhs, dlast, cache):
    """Backpropagation through all layers, the last first, for ``forward``:

        dhˡ_t = daˡ_t + what comes back from step t + 1 of layer ℓ        (inside the cell)
        daˡ⁻¹_t = Uˡᵀ δˡ_t  (through the norm, if there is one)  + daˡ_t  (if residual)

    dhs has the shape of hs; dlast is a list like the last states. Each counts only the direct
    use of that output.
    Returns Grads(x, states, weights, norms).
    Raises ValueError for shapes that do not fit the cache.
    """
    cell, residual, size, caches, norm_caches = cache
    check({"dhs": dhs}, {"dhs": f"T B {size}"}, "deep.backward")
    if len(dlast) != len(caches):
        raise ValueError(f"deep.backward: expected dlast for each of {len(caches)} layers, got {len(dlast)}")
    da, states, weights, norms = dhs, [], [], []
    for layer in reversed(range(len(caches))):
        grads = cell.backward(da, *dlast[layer], caches[layer])
        k = 1 + len(dlast[layer])  # the gradients of x and of the states come first, then those of the weights
        states.append(tuple(grads[1:k]))
        weights.append(cell.Weights(*grads[k:]))
        below = grads.x
        if layer and norm_caches:
            below, *pair = layer_norm.backward(below, norm_caches[layer - 1])
            norms.append(tuple(pair))
        da = below + da if layer and residual else below
    return Grads(x=da, states=states[::-1], weights=weights[::-1], norms=norms[::-1])


def from_torch(module):
    """The cell, and a list of the weights of each layer, of a ``torch.nn`` RNN, GRU or LSTM in one direction.

    Biases as in the ``from_torch`` of the cell, which also raises for what does not fit.
    Raises ValueError for a module of another kind, or with two directions.
    """
    import torch  # here, so that the reference runs where torch is not installed

    kind = type(module).__name__
    if kind not in CELLS or module.bidirectional:
        raise ValueError(f"deep.from_torch: expected an RNN, GRU or LSTM in one direction, got {module}")
    cell, found, state = CELLS[kind], [], module.state_dict()
    for layer in range(module.num_layers):
        m = module.hidden_size if layer else module.input_size
        one = getattr(torch.nn, kind)(m, module.hidden_size, bias=module.bias)
        names = {name: name.replace("_l0", f"_l{layer}") for name in one.state_dict()}
        one.to(module.weight_ih_l0.dtype)
        one.load_state_dict({name: state[theirs] for name, theirs in names.items()})
        found.append(cell.from_torch(one))
    return cell, found
