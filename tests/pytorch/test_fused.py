"""The fused cells: against the loop modules, torch.nn and the reference; what they keep, what they refuse."""

import re

import numpy as np
import pytest
import torch
from cells import DRAWN, all_close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients, pytorch
from rnncourse.pytorch import fused, gru, lstm, rnn
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
MODULES = {
    "RNN": lambda make, **where: make.RNN(4, 5, **where),
    "ReLU": lambda make, **where: make.RNN(4, 5, nonlinearity="relu", **where),
    "LSTM": lambda make, **where: make.LSTM(4, 5, **where),
    "LSTM of 2 layers, 2 directions": lambda make, **where: make.LSTM(4, 5, 2, bidirectional=True, **where),
    "GRU": lambda make, **where: make.GRU(4, 5, **where),
    "GRU of 2 layers, 2 directions": lambda make, **where: make.GRU(4, 5, 2, bidirectional=True, **where),
}
EVERY = pytest.mark.parametrize("name", MODULES)


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


def states_of(module, x, states):
    """All outputs of a module, in one list."""
    if isinstance(module, torch.nn.LSTM | pytorch.LSTM):
        hs, last = module(x, tuple(states))
        return [hs, *last]
    return list(module(x, states[0]))


def module_and_arguments(name, make=fused, T=6, B=3):
    torch.manual_seed(0)
    module = MODULES[name](make, dtype=torch.float64)
    rng = np.random.default_rng(1)
    count = sum(key.startswith("weight_hh") for key in module.state_dict())
    shapes = [(T, B, 4)] + [(count, B, 5)] * (1 + ("LSTM" in name))
    return module, [torch.from_numpy(rng.normal(size=shape)).requires_grad_() for shape in shapes]


# ---- the functions -----------------------------------------------------------------------------------------


@EACH
@DRAWN
@given(st.builds(dict, **SIZES), st.integers(0, 999))
def test_against_the_loop_and_the_reference(name, sizes, seed):
    case = Case(name, **sizes, seed=seed)
    ours = case.run(case.fused)
    all_close(ours, case.by_reference())
    if sizes["T"]:  # without steps the loop's last state is h0 itself, and x is not in its graph
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
    monkeypatch.setattr(fused, "CACHED", numbers)
    all_close(case.run(case.fused), whole, 1e-13)


def test_blocks(monkeypatch):
    monkeypatch.setattr(fused, "CACHED", 20)
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
    """Arguments, outputs and what is saved for the way back stay as they are, also if it is gone twice."""
    case = Case(name)
    outputs = case.fused(*case.arguments, *case.more)
    kept = [*case.arguments, *case.cotangents, *outputs, *outputs[0].grad_fn.saved_tensors]
    before = [a.detach().clone() for a in kept]
    first, second = (torch.autograd.grad(outputs, case.arguments, case.cotangents, retain_graph=True) for _ in range(2))
    assert all(map(torch.equal, (*before, *first), (*kept, *second)))
    places = [a.untyped_storage().data_ptr() for a in (*outputs, *case.arguments)]
    assert len(set(places)) == len(places)  # no output shares memory with another


@EACH
def test_an_output_that_is_overwritten_is_noticed(name):
    """As in torch.nn: hs is needed on the way back. The last states may be overwritten."""
    case = Case(name)
    outputs = case.fused(*case.arguments, *case.more)
    with torch.no_grad():
        outputs[1].zero_()
    all_close(torch.autograd.grad(outputs, case.arguments, case.cotangents), case.run(case.loop)[len(outputs) :])
    outputs = case.fused(*case.arguments, *case.more)
    with torch.no_grad():
        outputs[0].zero_()
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


# ---- without a way back ------------------------------------------------------------------------------------


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


# ---- the modules -------------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("sizes", [{}, {"T": 1}, {"B": 1}], ids=str)
def test_module_is_torch_nn(name, sizes):
    """States load unchanged both ways; then all outputs and all gradients agree, with ours and with torch's."""
    ours, arguments = module_and_arguments(name, **sizes)
    results = []
    for make in (fused, pytorch, torch.nn):
        module = MODULES[name](make, dtype=torch.float64)
        module.load_state_dict(ours.state_dict())
        outputs = states_of(module, arguments[0], arguments[1:])
        rng = np.random.default_rng(3)
        cotangents = [torch.from_numpy(rng.normal(size=a.shape)) for a in outputs]
        results.append([*outputs, *torch.autograd.grad(outputs, [*arguments, *module.parameters()], cotangents)])
    all_close(results[0], results[1])
    all_close(results[0], results[2])


@EVERY
def test_module_starts_and_saves_like_its_loop(name):
    built = []
    for make in (fused, pytorch, torch.nn):
        torch.manual_seed(5)
        built.append(MODULES[name](make).state_dict())
    assert list(built[0]) == list(built[1]) == list(built[2])
    for key, value in built[0].items():
        assert torch.equal(value, built[1][key]) and torch.equal(value, built[2][key])


@EVERY
def test_module_without_states_and_without_steps(name):
    module, arguments = module_and_arguments(name)
    zeros = states_of(module, arguments[0], [torch.zeros_like(a) for a in arguments[1:]])
    flat = module(arguments[0])
    flat = [flat[0], *flat[1]] if isinstance(flat[1], tuple) else list(flat)
    assert all(map(torch.equal, flat, zeros))
    outputs = states_of(module, arguments[0][:0], arguments[1:])
    assert outputs[0].shape == (0, 3, 10 if "2 directions" in name else 5)
    assert all(map(torch.equal, outputs[1:], arguments[1:]))


@pytest.mark.parametrize("name", [name for name in MODULES if "directions" not in name])
def test_module_in_chunks_is_the_module(name):
    module, (x, *states) = module_and_arguments(name, T=7)
    whole, parts = states_of(module, x, states), []
    for chunk in x.split([3, 1, 3]):
        hs, *states = states_of(module, chunk, states)
        parts.append(hs)
    all_close([torch.cat(parts), *states], whole, 1e-13)


@EVERY
def test_module_trains_like_its_loop(name):
    """Ten steps of Adam, from the same start: the same weights."""
    trained = []
    for make in (fused, pytorch):
        module, arguments = module_and_arguments(name, make)
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        for _ in range(10):
            optimizer.zero_grad()
            sum((a**2).sum() for a in states_of(module, arguments[0], arguments[1:])).backward()
            optimizer.step()
        trained.append(list(module.parameters()))
    all_close(*trained, 1e-8)


@EVERY
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_module_in_other_dtypes(name, dtype):
    module, arguments = module_and_arguments(name)
    exact = states_of(module, arguments[0], arguments[1:])
    exact += torch.autograd.grad([a.sum() for a in exact], [*arguments, *module.parameters()])
    module = module.to(dtype)
    arguments = [a.detach().to(dtype).requires_grad_() for a in arguments]
    ours = states_of(module, arguments[0], arguments[1:])
    ours += torch.autograd.grad([a.sum() for a in ours], [*arguments, *module.parameters()])
    for a, b in zip(ours, exact, strict=True):
        assert a.dtype == dtype
        assert gradients.relative_error(a.double(), b) < 50 * torch.finfo(dtype).eps


@EVERY
def test_module_runs_on_shapes_alone(name):
    """On torch's meta device, both ways: what runs there runs on any device, for no tensor is on the wrong one."""
    where = {"device": "meta", "dtype": torch.bfloat16}
    module, x = MODULES[name](fused, **where), torch.zeros(6, 3, 4, **where, requires_grad=True)
    hs = module(x)[0]
    assert hs.shape == (6, 3, 10 if "2 directions" in name else 5) and hs.device.type == "meta"
    (dx,) = torch.autograd.grad(hs.sum(), [x])
    assert dx.shape == x.shape and dx.dtype == torch.bfloat16


@EVERY
def test_module_at_saturation(name):
    module = MODULES[name](fused)
    x = (1e3 * torch.sign(torch.randn(6, 2, 4))).requires_grad_()
    if name == "ReLU":
        x = (x.detach() * 1e-3).requires_grad_()  # which has no end to saturate at
    hs = module(x)[0]
    hs.sum().backward()
    assert all(a.isfinite().all() for a in (hs, x.grad, *(p.grad for p in module.parameters())))


@EVERY
def test_module_under_autocast(name):
    """It keeps to the dtype of its weights."""
    module, x = MODULES[name](fused), torch.randn(6, 3, 4)
    expected = module(x)[0]
    with torch.autocast("cpu", torch.bfloat16):
        hs = module(x)[0]
        hs.sum().backward()
    assert torch.equal(hs, expected)
    assert all(p.grad.dtype == torch.float32 for p in module.parameters())


def test_module_errors():
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    x, state = torch.zeros(5, 2, 3), torch.zeros(4, 2, 4)
    with say("fused.GRU: expected reset to be 'after', got 'before'; rnncourse.pytorch.GRU has both"):
        fused.GRU(3, 4, reset="before")
    with say("RNN: expected nonlinearity 'tanh' or 'relu', got 'sigmoid'"):
        fused.RNN(3, 4, nonlinearity="sigmoid")
    with say("LSTM: expected hidden_size to be an integer of at least 1, got 0"):
        fused.LSTM(3, 0)
    for module in (fused.LSTM(3, 4), fused.GRU(3, 4), fused.RNN(3, 4)):
        with say("expected x of shape (T, B, m), got (5, 3)"):
            module(x[:, 0])
        with say("expected x of shape (T, B, m=3), got (5, 2, 7)"):
            module(torch.zeros(5, 2, 7))
        with say("expected finite values in x, got 1 NaN or infinite, first at (4, 1, 2)"):
            module(torch.cat([x.flatten()[:-1], torch.tensor([torch.inf])]).view(x.shape))
        with say("expected x of dtype torch.float32, as U has, got torch.float64"):
            module(x.double())
    with say("LSTM: expected one state for each of 4 layers and directions, got 2"):
        fused.LSTM(3, 4, 2, bidirectional=True)(x, (state[:2], state[:2]))
    with say("LSTM: expected the states to be a pair (h0, c0), got Tensor of length 4"):
        fused.LSTM(3, 4, 4)(x, state)
    with say("GRU: expected one state for each of 4 layers and directions, got 2"):
        fused.GRU(3, 4, 2, bidirectional=True)(x, state[:2])
    with say("fused.RNN.forward: expected h0 of shape (1, B=2, n), got (2, 2, 4)"):
        fused.RNN(3, 4)(x, state[:2])
