"""The modules RNN, LSTM and GRU on packed sequences, by the loop and fused: against torch.nn and one by one."""

import numpy as np
import pytest
import torch
from cells import DRAWN, all_close
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence, pad_sequence

from rnncourse import pytorch
from rnncourse.pytorch import fused

PACKAGES = pytest.mark.parametrize("package", [pytorch, fused], ids=["loop", "fused"])
EACH = pytest.mark.parametrize("cell", ["RNN", "ReLU", "LSTM", "GRU"])
STACKS = pytest.mark.parametrize(
    "options",
    [{}, {"bias": False}, {"batch_first": True}, {"num_layers": 2}, {"num_layers": 2, "bidirectional": True}],
    ids=str,
)
LENGTHS = pytest.mark.parametrize("lengths", [[2, 5, 1, 5, 3], [5, 3, 3, 1], [4, 4], [1], [1, 1, 1]], ids=str)
DOUBLE = {"dtype": torch.float64}


def make(package, cell, *sizes, **options):
    options |= {"nonlinearity": "relu"} if cell == "ReLU" else {}
    return getattr(package, "RNN" if cell == "ReLU" else cell)(*sizes, **options, **DOUBLE)


def twins(package, cell, *sizes, **options):
    ours, theirs = (make(each, cell, *sizes, **options) for each in (package, torch.nn))
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def draw(module, lengths, seed=1):
    """Sequences [(T, m), …] and nonzero states, that ask for gradients."""
    rng = np.random.default_rng(seed)
    state = module.num_layers * (1 + module.bidirectional), len(lengths), module.hidden_size
    shapes = [(T, module.input_size) for T in lengths] + [state] * (2 if "LSTM" in type(module).__name__ else 1)
    arrays = [torch.from_numpy(rng.normal(size=shape)).requires_grad_() for shape in shapes]
    return arrays[: len(lengths)], arrays[len(lengths) :]


def packed(sequences, enforce_sorted=False):
    lengths = [len(sequence) for sequence in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def call(module, x, states):
    """hs and the last states in a list, for the states as a list."""
    if "LSTM" in type(module).__name__:
        hs, last = module(x, tuple(states) if states else None)
        return hs, list(last)
    hs, last = module(x, *states)
    return hs, [last]


def results(module, sequences, states, enforce_sorted=False, seed=3):
    """hs, the last states, and the gradients by everything for random cotangents on every output at once."""
    hs, last = call(module, packed(sequences, enforce_sorted), states)
    assert isinstance(hs, PackedSequence)
    outputs, rng = [hs.data, *last], np.random.default_rng(seed)
    cotangents = [torch.from_numpy(rng.normal(size=a.shape)) for a in outputs]
    return [*outputs, *torch.autograd.grad(outputs, [*sequences, *states, *module.parameters()], cotangents)], hs


@PACKAGES
@EACH
@STACKS
@LENGTHS
def test_outputs_and_gradients_against_torch(package, cell, options, lengths):
    ours, theirs = twins(package, cell, 4, 3, **options)
    sequences, states = draw(ours, lengths)
    for given_ in (states, []):
        (mine, hs), (wanted, wanted_hs) = (results(each, sequences, given_) for each in (ours, theirs))
        all_close(mine, wanted)
        for what in ("batch_sizes", "sorted_indices", "unsorted_indices"):
            assert torch.equal(getattr(hs, what), getattr(wanted_hs, what))


@PACKAGES
@EACH
def test_sorted_already(package, cell):
    ours, theirs = twins(package, cell, 4, 3, bidirectional=True)
    sequences, states = draw(ours, [5, 3, 3, 1])
    (mine, hs), (wanted, _) = (results(each, sequences, states, enforce_sorted=True) for each in (ours, theirs))
    all_close(mine, wanted)
    assert hs.sorted_indices is None and hs.unsorted_indices is None


@PACKAGES
@EACH
@DRAWN
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=5),
    st.builds(dict, input_size=st.integers(1, 4), hidden_size=st.integers(1, 5), num_layers=st.integers(1, 3)),
    st.builds(dict, bias=st.booleans(), batch_first=st.booleans(), bidirectional=st.booleans()),
)
def test_any_lengths_and_options_against_torch(package, cell, lengths, sizes, options):
    ours, theirs = twins(package, cell, **sizes, **options)
    sequences, states = draw(ours, lengths)
    all_close(results(ours, sequences, states)[0], results(theirs, sequences, states)[0])


@PACKAGES
@EACH
def test_as_one_by_one(package, cell):
    module = make(package, cell, 4, 3, num_layers=2, bidirectional=True)
    sequences, states = draw(module, [2, 5, 1, 3])
    hs, last = call(module, packed(sequences), states)
    padded, lengths = pad_packed_sequence(hs)
    for b, sequence in enumerate(sequences):
        alone, its_last = call(module, sequence, [state[:, b].contiguous() for state in states])
        all_close([padded[: lengths[b], b], *(a[:, b] for a in last)], [alone, *its_last], 1e-12)


@PACKAGES
@EACH
def test_dropout_is_torchs_number_for_number(package, cell):
    ours, theirs = twins(package, cell, 4, 3, 3, dropout=0.4, bidirectional=True)
    sequences, states = draw(ours, [2, 5, 1, 3])
    both = []
    for module in (ours, theirs):
        torch.manual_seed(7)
        both.append(results(module, sequences, states)[0])
    all_close(*both)


@EACH
@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck], ids=lambda c: c.__name__)
def test_gradcheck(check, cell):
    torch.manual_seed(2)
    module = make(pytorch, cell, 2, 3, num_layers=2, bidirectional=True)
    sequences, states = draw(module, [1, 3])
    names, weights = zip(*module.named_parameters(), strict=True)

    def run(*given_):
        sequences, states, weights = given_[:2], given_[2 : -len(names)], given_[-len(names) :]
        states = states if cell != "LSTM" else (tuple(states),)
        parameters = dict(zip(names, weights, strict=True))
        hs, last = torch.func.functional_call(module, parameters, (packed(sequences), *states))
        return hs.data, *(last if cell == "LSTM" else [last])

    assert check(run, (*sequences, *states, *weights), fast_mode=True)


@PACKAGES
@EACH
def test_what_does_not_fit(package, cell):
    kind = "RNN" if cell == "ReLU" else cell
    module = make(package, cell, 4, 3)
    x = packed([torch.zeros(2, 4, **DOUBLE), torch.zeros(5, 4, **DOUBLE)])
    say = lambda message: pytest.raises(ValueError, match=f"^{kind}: expected {message}$")  # noqa: E731
    with say(r"x.data of shape \(N, m=4\), got \(7, 5\)"):
        module(packed([torch.zeros(2, 5, **DOUBLE), torch.zeros(5, 5, **DOUBLE)]))
    with say("x.data of dtype torch.float64, as weight_ih_l0 has, got torch.float32"):
        module(x.to(torch.float32))
    with say(r"finite values in x.data, got 1 NaN or infinite, first at \(2, 1\)"):
        bad = x.data.clone()
        bad[2, 1] = torch.nan
        module(PackedSequence(bad, x.batch_sizes, x.sorted_indices, x.unsorted_indices))
    with say(r"h0 of shape \(LD=1, B=2, n=3\), got \(1, 3, 3\)"):
        call(module, x, [torch.zeros(1, 3, 3, **DOUBLE)] * (1 + (cell == "LSTM")))
    for rows in ([1, 2, 2, 2], [2, 2, 1, 1], [4, 3, 0], []):
        with say(rf"x.batch_sizes to fall to at least 1 and to have the sum N=7, got {rows}".replace("[", r"\[")):
            module(PackedSequence(x.data, torch.tensor(rows, dtype=torch.int64)))
