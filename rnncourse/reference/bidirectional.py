"""Two directions of one cell (Schuster and Paliwal 1997): a state that has read the past, and one the future.

    h→_t = step(x_t, h→_{t−1}),   t = 1 … T        reads the sequence from its first step
    h←_t = step(x_t, h←_{t+1}),   t = T … 1        reads the sequence from its last step, with weights of its own
    h_t  = [h→_t, h←_t]  (concat),   h→_t + h←_t  (sum)   or   (h→_t + h←_t)/2  (mean)

The two never meet before h_t. So each is an ordinary pass of the cell, and the second one runs over the reversed
sequence. ``cell`` is a module of this package with ``forward`` and ``backward``: rnn, lstm or gru.
"""

from typing import Any, NamedTuple

import numpy as np

from rnncourse.checks import check
from rnncourse.reference import gru, lstm, rnn

CELLS = {"RNN": rnn, "GRU": gru, "LSTM": lstm}
MERGES = ("concat", "sum", "mean")


class Grads(NamedTuple):
    """∂L/∂ of the arguments of ``forward``: x an array, the others tuples as they were given."""

    x: np.ndarray
    states: tuple
    weights: tuple
    states_reverse: tuple
    weights_reverse: tuple


class Cache(NamedTuple):
    """What the backward pass needs: the cell, how the states were merged, n of each direction, and both caches."""

    cell: Any
    merge: str
    sizes: tuple
    cache: Any
    cache_reverse: Any


def forward(cell, x, states, weights, states_reverse, weights_reverse, merge="concat", **options):
    """All steps in both directions: h_t from the pass over x and the pass over x reversed in time.

    x (T, B, m); states and states_reverse: what the cell starts from, (h0,) or (h0, c0), each
    (B, n); states_reverse stands *behind* the last step. weights and weights_reverse: the
    cell's Weights for each direction. The directions may differ in size if merge is "concat".
    options: what the cell's ``forward`` takes besides, f for rnn and reset for gru.
    Returns hs, which is (T, B, n + n_reverse) for "concat" and else (T, B, n); the last states
    of the two directions, tuples like states (that of the reverse direction belongs to step
    1); and the cache for ``backward``.
    Raises ValueError for another merge, for sizes that cannot be added, and whatever
    ``cell.forward`` raises.
    Source: Schuster and Paliwal (1997), doi:10.1109/78.650093.
    """
    if merge not in MERGES:
        raise ValueError(f"bidirectional.forward: expected merge to be one of {', '.join(MERGES)}, got {merge!r}")
    hs, *last, cache = cell.forward(x, *states, *weights, **options)
    back = cell.forward(x[::-1], *states_reverse, *weights_reverse, **options)
    hs_reverse, *last_reverse, cache_reverse = back
    sizes = hs.shape[-1], hs_reverse.shape[-1]
    if merge != "concat" and sizes[0] != sizes[1]:
        raise ValueError(f"bidirectional.forward: expected directions of one size for {merge}, got {sizes}")
    if merge == "concat":
        merged = np.concatenate([hs, hs_reverse[::-1]], axis=-1)
    else:
        merged = share(merge, hs.dtype) * (hs + hs_reverse[::-1])
    return merged, tuple(last), tuple(last_reverse), Cache(cell, merge, sizes, cache, cache_reverse)


def backward(dhs, dlast, dlast_reverse, cache):
    """Backpropagation through both passes, for ``forward``:

        concat:  dh→_t and dh←_t are the two parts of dh_t
        sum:     dh→_t = dh←_t = dh_t          mean:  half of it
        dx_t = (dx_t from the pass over x) + (dx_t from the pass over x reversed)

    dhs has the shape of hs; dlast and dlast_reverse are tuples like the last states. Each
    counts only the direct use of that output.
    Returns Grads(x, states, weights, states_reverse, weights_reverse).
    Raises ValueError for shapes that do not fit the cache.
    """
    cell, merge, (n, n_reverse), cache, cache_reverse = cache
    width = n + n_reverse if merge == "concat" else n
    check({"dhs": dhs}, {"dhs": f"T B {width}"}, "bidirectional.backward")
    if merge == "concat":
        dhs, dhs_reverse = dhs[..., :n], dhs[..., n:]
    else:
        dhs = dhs_reverse = share(merge, dhs.dtype) * dhs
    grads = cell.backward(dhs, *dlast, cache)
    grads_reverse = cell.backward(dhs_reverse[::-1], *dlast_reverse, cache_reverse)
    k = 1 + len(dlast)  # the gradients of x and of the states come first, then those of the weights
    return Grads(
        x=grads.x + grads_reverse.x[::-1],
        states=tuple(grads[1:k]),
        weights=cell.Weights(*grads[k:]),
        states_reverse=tuple(grads_reverse[1:k]),
        weights_reverse=cell.Weights(*grads_reverse[k:]),
    )


def share(merge, dtype):
    """What each direction counts in h_t: 1 for a sum, ½ for a mean."""
    return dtype.type(1 if merge == "sum" else 0.5)


def from_torch(module):
    """The cell, its weights and its reverse weights, of a one-layer bidirectional ``torch.nn`` RNN, GRU or LSTM.

    Biases as in the ``from_torch`` of the cell, which also raises for what does not fit.
    Raises ValueError for a module of another kind, or with one direction only.
    """
    import torch  # here, so that the reference runs where torch is not installed

    kind = type(module).__name__
    if kind not in CELLS or not module.bidirectional or module.num_layers != 1:
        raise ValueError(
            f"bidirectional.from_torch: expected one bidirectional layer of RNN, GRU or LSTM, got {module}"
        )
    cell, found = CELLS[kind], []
    for direction in ("", "_reverse"):
        one = getattr(torch.nn, kind)(module.input_size, module.hidden_size, bias=module.bias)
        names = {name: name + direction for name in one.state_dict()}
        one.to(module.weight_ih_l0.dtype)
        one.load_state_dict({name: module.state_dict()[theirs] for name, theirs in names.items()})
        found.append(cell.from_torch(one))
    return cell, *found
