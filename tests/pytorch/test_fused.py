"""The fused functions: against the loop and the reference; what they keep and refuse. Modules: test_layers.py."""

import numpy as np
import pytest
import torch
from cells import DRAWN, all_close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.pytorch import fused, gru, lstm, rnn
from rnncourse.pytorch.fused import common
from rnncourse.reference import gru as reference_gru
from rnncourse.reference import lstm as reference_lstm
from rnncourse.reference import ops
from rnncourse.reference import rnn as reference_rnn

# name → fused function, loop function, reference, blocks of rows, states, weights after U and W, further arguments
CELLS = {
    "RNN": (fused.rnn_forward, rnn.forward, reference_rnn, 1, 1, ["b"], (torch.tanh,), (ops.tanh,)),
    "ReLU": (fused.rnn_forward, rnn.forward, reference_rnn, 1, 1, ["b"], (torch.relu,), (ops.relu,)),
    "LSTM": (fused.lstm_forward, lstm.forward, reference_lstm, 4, 2, ["b"], (), ()),
    "GRU": (fused.gru_forward, gru.forward, reference_gru, 3, 1, ["b", "b_n"], (), ()),
}
EACH = pytest.mark.parametrize("name", CELLS)
SIZES = {"T": st.integers(0, 7), "B": st.integers(1, 4), "m": st.integers(1, 5), "n": st.integers(1, 6)}


class Case:
    """Random arguments of the functions and random cotangents on every output."""

    def __init__(self, name, T=6, B=3, m=4, n=5, seed=0, dtype=torch.float64):
        self.fused, self.loop, self.reference, k, states, biases, self.more, self.reference_more = CELLS[name]
        rng = np.random.default_rng(seed)
        draw = lambda *shape: torch.from_numpy(rng.normal(size=shape)).to(dtype)  # noqa: E731
        self.arguments = [draw(T, B, m)] + [draw(B, n) for _ in range(states)]
        self.arguments += [draw(k * n, m) / n**0.5, draw(k * n, n) / n**0.5]
        self.arguments += [draw(n if bias == "b_n" else k * n) for bias in biases]
        self.cotangents = [draw(T, B, n)] + [draw(B, n) for _ in range(states)]
        for a in self.arguments:
            a.requires_grad_()

    def run(self, forward):
        """Outputs and gradients."""
        outputs = forward(*self.arguments, *self.more)
        return [*outputs, *torch.autograd.grad(outputs, self.arguments, self.cotangents)]

    def by_reference(self):
        outputs = self.reference.forward(*(a.detach().numpy() for a in self.arguments), *self.reference_more)
        return [*outputs[:-1], *self.reference.backward(*(d.numpy() for d in self.cotangents), outputs[-1])]


# ---- the functions -----------------------------------------------------------------------------------------


@EACH
@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_against_the_loop_and_the_reference(name, sizes, seed):
    case = Case(name, **sizes, seed=seed)
    ours = case.run(case.fused)
    all_close(ours, case.by_reference())
    if name != "LSTM" or sizes["T"]:  # without steps the loop's c_T is c0 itself
        all_close(ours, case.run(case.loop))


@EACH
@pytest.mark.parametrize("sizes", [{"T": 0}, {"T": 1}, {"B": 1}, {"T": 50}, {"T": 3, "n": 128}, {"n": 512}], ids=str)
def test_corners(name, sizes):
    """n = 128 and 512: rows that are whole pages, and so get a gap, in one of the cells at least."""
    case = Case(name, **sizes)
    all_close(case.run(case.fused), case.by_reference())


@EACH
@pytest.mark.parametrize("numbers", [1, 100, 150])
def test_factors_of_any_number_of_steps_at_once(name, numbers, monkeypatch):
    case = Case(name)
    whole = case.run(case.fused)
    monkeypatch.setattr(common, "CACHED", numbers)
    all_close(case.run(case.fused), whole, 1e-13)


def test_blocks(monkeypatch):
    monkeypatch.setattr(common, "CACHED", 20)
    assert fused.blocks(5, 10) == [slice(3, 5), slice(1, 3), slice(0, 1)]
    assert fused.blocks(2, 21) == [slice(1, 2), slice(0, 1)]  # a step that does not fit is a block all the same
    assert fused.blocks(2, 0) == [slice(0, 2)] and fused.blocks(0, 1) == []


@EACH
def test_each_output_alone(name):
    """One cotangent at a time, the others missing, so that none can stand in for another."""
    case = Case(name)
    for which in range(len(case.cotangents)):
        grads = [
            torch.autograd.grad(
                forward(*case.arguments, *case.more)[which], case.arguments, case.cotangents[which], allow_unused=True
            )
            for forward in (case.fused, case.loop)
        ]
        all_close(*grads)


@EACH
def test_gradcheck(name):
    case = Case(name, T=3, B=2, m=2, n=2)
    assert torch.autograd.gradcheck(lambda *a: case.fused(*a, *case.more), case.arguments)


@EACH
def test_only_what_is_asked_for(name):
    """Each argument alone needs a gradient: it gets the same one, and the others get none."""
    case = Case(name)
    whole = case.run(case.fused)[-len(case.arguments) :]
    for which in range(len(case.arguments)):
        arguments = [a.detach().requires_grad_(k == which) for k, a in enumerate(case.arguments)]
        outputs = case.fused(*arguments, *case.more)
        with torch.no_grad():
            given = outputs[0].grad_fn.apply(*case.cotangents)
        asked = [grad for k, grad in enumerate(given) if k < len(arguments) and k == which]
        all_close(asked, [whole[which]], 1e-13)
        large = ["x", "U", "W", "b"]  # the states' gradients come out of the loop either way
        names = ["x", *["h"] * (len(case.cotangents) - 1), "U", "W", "b", "b"]
        for k in range(len(arguments)):
            assert given[k] is None or k == which or names[k] not in large


@EACH
def test_nothing_is_written_to(name):
    """Arguments, outputs and what is saved for the backward pass stay as they are, also if it runs twice."""
    case = Case(name)
    outputs = case.fused(*case.arguments, *case.more)
    kept = [*case.arguments, *case.cotangents, *outputs, *outputs[0].grad_fn.saved_tensors]
    before = [a.detach().clone() for a in kept]
    first, second = (torch.autograd.grad(outputs, case.arguments, case.cotangents, retain_graph=True) for _ in range(2))
    assert all(map(torch.equal, (*before, *first), (*kept, *second)))
    places = [a.untyped_storage().data_ptr() for a in (*outputs, *case.arguments)]
    assert len(set(places)) == len(places)  # no output shares memory with another


@EACH
def test_outputs_may_be_overwritten(name):
    """None of them is needed in the backward pass. An argument is: then autograd says so, as everywhere."""
    case = Case(name)
    outputs = case.fused(*case.arguments, *case.more)
    with torch.no_grad():
        for output in outputs:
            output.zero_()
    all_close(torch.autograd.grad(outputs, case.arguments, case.cotangents), case.run(case.loop)[len(outputs) :])
    outputs = case.fused(*case.arguments, *case.more)
    with torch.no_grad():
        case.arguments[0].zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(outputs, case.arguments, case.cotangents)


@EACH
def test_one_derivative_only(name):
    """Also where no cotangent needs a gradient: without the error the second one would silently be missing."""
    case = Case(name)
    outputs = case.fused(*case.arguments, *case.more)
    with pytest.raises(RuntimeError, match="the fused cells have no second derivative: take those of rnncourse"):
        torch.autograd.grad(outputs, case.arguments[:1], case.cotangents, create_graph=True)


@EACH
def test_arrays_of_any_layout(name):
    """Batch first, turned round; every second column; expanded: the values count, not how they lie in memory."""
    case = Case(name, B=4)
    whole = case.run(case.fused)
    x, h, *rest = (a.detach() for a in case.arguments)
    case.arguments = [
        x.transpose(0, 1).contiguous().transpose(0, 1),
        h.repeat_interleave(2, dim=1)[:, ::2],
        *(a.repeat_interleave(2, dim=-1)[..., ::2] for a in rest),
    ]
    case.cotangents = [d.repeat_interleave(2, dim=-1)[..., ::2] for d in case.cotangents]
    for a in case.arguments:
        a.requires_grad_()
    all_close(case.run(case.fused), whole, 1e-13)
    outputs = case.fused(*case.arguments, *case.more)
    ones = [torch.ones(()).double().expand(a.shape) for a in outputs]  # what sum().backward() gives
    assert all(g.isfinite().all() for g in torch.autograd.grad(outputs, case.arguments, ones))


def test_other_functions_are_refused():
    case = Case("RNN")
    with pytest.raises(ValueError, match="fused.rnn_forward: expected f to be torch.tanh or torch.relu, got <"):
        fused.rnn_forward(*case.arguments, torch.sigmoid)


# ---- without a backward pass -------------------------------------------------------------------------------


@EACH
def test_inference_is_the_same_and_keeps_nothing(name, monkeypatch):
    """Neither in no_grad nor for arguments without gradients does it reach the function that saves."""
    case = Case(name)
    expected = case.fused(*case.arguments, *case.more)
    for function in (fused.RNNFunction, fused.LSTMFunction, fused.GRUFunction):
        monkeypatch.setattr(function, "forward", None)
    with torch.no_grad():
        first = case.fused(*case.arguments, *case.more)
    second = case.fused(*(a.detach() for a in case.arguments), *case.more)
    for outputs in (first, second):
        assert all(a.grad_fn is None and not a.requires_grad for a in outputs)
        assert all(map(torch.equal, outputs, expected))


def test_inference_takes_less_memory(monkeypatch):
    """Counted in new arrays: without keeping, one array for the cells and one for the inner products."""
    x, h, U, W, b = (torch.zeros(shape) for shape in [(50, 2, 3), (2, 4), (16, 3), (16, 4), (16,)])
    assert [a.numel() for a in fused.lstm_steps(x, h, h, U, W, b, keep=False)[2:]] == [2 * 4]
    assert [a.numel() for a in fused.lstm_steps(x, h, h, U, W, b, keep=True)[2:]] == [51 * 2 * 4]
    gates = U[:12], W[:12], b[:12], b[:4]
    assert fused.gru_steps(x, h, *gates, keep=False)[-1].numel() == 2 * 4
    assert fused.gru_steps(x, h, *gates, keep=True)[-1].numel() == 50 * 2 * 4
