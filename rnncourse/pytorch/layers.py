"""What the modules RNN, LSTM and GRU share: torch.nn's arguments and parameters, layers, and directions.

m = input size, n = hidden size, L = layers, D = directions, T = steps, B = batch.
"""

import warnings
from numbers import Real

import torch
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from rnncourse.checks import check, check_finite, check_kind, check_sizes
from rnncourse.pytorch.ops import initialise


def build(
    module,
    blocks,
    input_size,
    hidden_size,
    num_layers,
    bias,
    batch_first,
    dropout,
    bidirectional,
    proj_size,
    device,
    dtype,
):
    """Give ``module`` the arguments of torch.nn's recurrent modules as attributes, and their parameters.

    blocks: how many blocks of n rows the weights have (RNN 1, GRU 3, LSTM 4). Layer 0 reads m features, a higher
    layer the D·n that the layer below puts out. Names, order and initialisation are torch's: each entry uniform in
    ±1/√n.
    Raises ValueError for sizes that are not whole numbers of at least 1, for bias and batch_first other than True
    or False, for a dropout outside [0, 1], and for a proj_size other than 0. Warns of dropout with a single layer.
    """
    name, n = type(module).__name__, hidden_size
    check_sizes(name, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
    for what, value in {"bias": bias, "batch_first": batch_first}.items():
        if not isinstance(value, bool):
            raise ValueError(f"{name}: expected {what} to be True or False, got {value!r}")
    if isinstance(dropout, bool) or not isinstance(dropout, Real) or not 0 <= dropout <= 1:
        raise ValueError(f"{name}: expected dropout to be a number in [0, 1], got {dropout!r}")
    if proj_size != 0:
        raise ValueError(f"{name}: expected proj_size to be 0, got {proj_size!r}; see variants.projected")
    if dropout > 0 and num_layers == 1:
        text = f"{name}: dropout={dropout} does nothing with num_layers=1, for it stands between layers"
        warnings.warn(text, stacklevel=3)
    module.input_size, module.hidden_size, module.num_layers = input_size, hidden_size, num_layers
    module.bias, module.batch_first, module.dropout = bias, batch_first, float(dropout)
    module.bidirectional = bool(bidirectional)
    for layer in range(num_layers):
        m = n * (1 + module.bidirectional) if layer else input_size
        shapes = {"weight_ih": (blocks * n, m), "weight_hh": (blocks * n, n)}
        if bias:
            shapes |= {"bias_ih": (blocks * n,), "bias_hh": (blocks * n,)}
        for suffix in suffixes(module, layer):
            for kind, shape in shapes.items():
                module.register_parameter(kind + suffix, initialise(shape, n, device, dtype))


def arguments(module):
    """What torch.nn's recurrent modules show of themselves: the sizes, and whatever is not as by default."""
    shown = f"{module.input_size}, {module.hidden_size}"
    defaults = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
    defaults |= {"nonlinearity": "tanh", "reset": "after"}
    for name, default in defaults.items():
        value = getattr(module, name, default)
        shown += f", {name}={value!r}" if value != default else ""
    return shown


def suffixes(module, layer):
    return [f"_l{layer}", f"_l{layer}_reverse"] if module.bidirectional else [f"_l{layer}"]


def weights(module, layer):
    """For each direction of a layer: name → parameter, in the order U, W, b_ih, b_hh."""
    kinds = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if module.bias else [])]
    return [{kind + end: getattr(module, kind + end) for kind in kinds} for end in suffixes(module, layer)]


def pair(states, name):
    """(h0, c0) as they came, or None twice for None. Raises ValueError for what is not a pair."""
    if states is None:
        return None, None
    if not isinstance(states, tuple | list) or len(states) != 2:
        got = type(states).__name__ + (f" of length {len(states)}" if isinstance(states, tuple | list) else "")
        raise ValueError(f"{name}: expected the states to be a pair (h0, c0), got {got}")
    return states


def tensors(name, weight, x, **states):
    """x and the states (name → tensor or None), in a list; under autocast in the dtype of ``weight``.

    Autocast hands on what a layer below has computed in half precision, and the weights are in full.
    Raises ValueError for what is no torch tensor.
    """
    arrays = {"x": x, **{what: state for what, state in states.items() if state is not None}}
    for what, array in arrays.items():
        if not isinstance(array, torch.Tensor):
            kind = f"{type(array).__module__}.{type(array).__qualname__}".removeprefix("builtins.")
            raise ValueError(f"{name}: expected {what} to be a torch tensor, got {kind}")
    where = weight.device.type
    if where != "meta" and torch.is_autocast_enabled(where):
        arrays = {what: a.to(weight.dtype) if a.is_floating_point() else a for what, a in arrays.items()}
    return [arrays.get(what) for what in ("x", *states)]


def check_input(module, x, states, packed=None):
    """x and states (name → tensor) have the shapes that torch.nn's modules take; nothing is NaN or infinite.

    x is the data of ``packed``, if that is given.
    """
    name, first = type(module).__name__, module.weight_ih_l0
    alone = packed is None and x.dim() == 2
    axes = {"weight_ih_l0": "rows m", "x": "T m" if alone else "B T m" if module.batch_first else "T B m"}
    axes |= dict.fromkeys(states, "LD n" if alone else "LD B n")
    sizes = {"m": module.input_size, "n": module.hidden_size, "LD": module.num_layers * (1 + module.bidirectional)}
    what = "x"
    if packed is not None:
        what, axes = "x.data", axes | {"x.data": "N m"}
        rows = packed.batch_sizes.tolist()
        if not rows or rows != sorted(rows, reverse=True) or rows[-1] < 1 or sum(rows) != len(x):
            raise ValueError(
                f"{name}: expected x.batch_sizes to fall to at least 1 and to have the sum N={len(x)}, got {rows}"
            )
        sizes |= {"B": rows[0]}
    check({"weight_ih_l0": first, what: x, **states}, axes, name, **sizes)
    for layer in range(module.num_layers):
        for direction in weights(module, layer):
            for what, weight in direction.items():
                if weight is not first:
                    check_kind(what, weight, "weight_ih_l0", first, name)
                    check_finite(what, weight, name)


def in_pieces(layer, batch_sizes, reverse, x, first, *weights):
    """One direction of one layer over packed sequences: x (N, m) → (hs (N, n), *last states (B, n)).

    Consecutive steps with the same number of rows are a piece (T_k, B_k, m), which ``layer`` runs as a whole. Forward,
    the rows that end with a piece leave; in reverse, the rows that begin with it come in with their ``first`` states.
    """
    rows, steps = (found.tolist() for found in torch.unique_consecutive(batch_sizes, return_counts=True))
    pieces = x.split([B * T for B, T in zip(rows, steps, strict=True)])
    order = range(len(rows))[:: -1 if reverse else 1]
    hs, ended, now = [None] * len(rows), [], [state[: 0 if reverse else len(state)] for state in first]
    for k in order:
        if reverse:
            now = [torch.cat([state, new[len(state) : rows[k]]]) for state, new in zip(now, first, strict=True)]
        else:
            ended.append([state[rows[k] :] for state in now])
            now = [state[: rows[k]] for state in now]
        piece = pieces[k].view(steps[k], rows[k], x.shape[1])
        out, *now = layer(piece.flip(0) if reverse else piece, *now, *weights)
        hs[k] = (out.flip(0) if reverse else out).flatten(0, 1)
    if not reverse:  # the shortest ended first and lie last
        now = [torch.cat(states) for states in zip(now, *reversed(ended), strict=True)]
    return torch.cat(hs), *now


def reordered(state, order):
    """The rows of a state (L·D, B, n) in another order; as they are for None."""
    return state if order is None else state.index_select(1, order)


def run(module, x, layer=None, **states):
    """Every layer of ``module`` over x, each over what the one below puts out; two directions side by side.

    x (T, B, m), (B, T, m) if batch_first, (T, m) for one sequence, or a PackedSequence of B sequences. states: name →
    (L·D, B, n), (L·D, n) for one sequence, or None for zeros. layer(x, *states, U, W, b_ih, b_hh) → (hs, *last states)
    runs one direction of one layer; ``module.layer`` if left out. For the second direction x and hs are reversed in
    time. While training, dropout stands between the layers. Returns (hs, *last states), of the shapes that the
    arguments have; hs is a PackedSequence if x is one.
    """
    layer, name = layer or module.layer, type(module).__name__
    packed = x if isinstance(x, PackedSequence) else None
    x, *given = tensors(name, module.weight_ih_l0, x if packed is None else packed.data, **states)
    states = dict(zip(states, given, strict=True))
    check_input(module, x, {what: state for what, state in states.items() if state is not None}, packed)
    alone = packed is None and x.dim() == 2
    if alone:
        x, given = x[:, None], [None if state is None else state[:, None] for state in given]
    elif packed is not None:
        given = [state if state is None else reordered(state, packed.sorted_indices) for state in given]
    elif module.batch_first:
        x = x.transpose(0, 1)
    L, D = module.num_layers, 1 + module.bidirectional
    B = x.shape[1] if packed is None else packed.batch_sizes[0]
    given = [x.new_zeros(L * D, B, module.hidden_size) if state is None else state for state in given]
    lasts = []
    for depth in range(L):
        outputs = []
        for direction, (U, W, *biases) in enumerate(d.values() for d in weights(module, depth)):
            b_ih, b_hh = biases or [U.new_zeros(len(U))] * 2
            first = [state[len(lasts)] for state in given]
            if packed is not None:
                hs, *last = in_pieces(layer, packed.batch_sizes, direction, x, first, U, W, b_ih, b_hh)
            else:
                hs, *last = layer(x.flip(0) if direction else x, *first, U, W, b_ih, b_hh)
                hs = hs.flip(0) if direction else hs
            outputs.append(hs)
            lasts.append(last)
        x = torch.cat(outputs, dim=-1) if module.bidirectional else outputs[0]
        if depth < L - 1:
            x = functional.dropout(x, module.dropout, module.training)
    lasts = [torch.stack(last) for last in zip(*lasts, strict=True)]
    if alone:
        return x[:, 0], *(last[:, 0] for last in lasts)
    if packed is not None:
        lasts = [reordered(last, packed.unsorted_indices) for last in lasts]
        return PackedSequence(x, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices), *lasts
    return x.transpose(0, 1) if module.batch_first else x, *lasts
