"""The modules RNN, LSTM and GRU, by the loop and fused: against torch.nn in all that it takes, and what they refuse."""

import copy
import functools
import inspect
import io
import itertools
import operator
import pickle
import re

import numpy as np
import pytest
import torch
from cells import DRAWN, all_close
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import gradients, pytorch
from rnncourse.pytorch import fused

PACKAGES = pytest.mark.parametrize("package", [pytorch, fused], ids=["loop", "fused"])
EACH = pytest.mark.parametrize("cell", ["RNN", "ReLU", "LSTM", "GRU"])
OPTIONS = [
    {},
    {"bias": False},
    {"batch_first": True},
    {"num_layers": 2},
    {"bidirectional": True},
    {"num_layers": 3, "bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "batch_first": True, "bias": False},
]
STACKS = pytest.mark.parametrize("options", OPTIONS, ids=str)
DOUBLE = {"dtype": torch.float64}


def make(package, cell, *sizes, **options):
    options |= {"nonlinearity": "relu"} if cell == "ReLU" else {}
    return getattr(package, "RNN" if cell == "ReLU" else cell)(*sizes, **options)


def flat(module, x, *states):
    """All outputs of a module in one list, for the states as a list."""
    if "LSTM" in type(module).__name__:
        hs, last = module(x, tuple(states)) if states else module(x)
        return [hs, *last]
    return list(module(x, *states))


def draw(module, T=6, B=3, seed=1, alone=False):
    """x and nonzero states, as the module takes them; ``alone``: of one sequence without a batch."""
    rng = np.random.default_rng(seed)
    batch = [] if alone else [B]
    x = [B, T, module.input_size] if module.batch_first and not alone else [T, *batch, module.input_size]
    state = [module.num_layers * (1 + module.bidirectional), *batch, module.hidden_size]
    shapes = [x] + [state] * (2 if "LSTM" in type(module).__name__ else 1)
    dtype = module.weight_ih_l0.dtype
    return [torch.from_numpy(rng.normal(size=shape)).to(dtype).requires_grad_() for shape in shapes]


def results(module, arguments, seed=3):
    """Outputs, and gradients by arguments and parameters for random cotangents on every output at once."""
    outputs = flat(module, *arguments)
    rng = np.random.default_rng(seed)
    cotangents = [torch.from_numpy(rng.normal(size=a.shape)) for a in outputs]
    return [*outputs, *torch.autograd.grad(outputs, [*arguments, *module.parameters()], cotangents)]


def twins(package, cell, *sizes, **options):
    """Ours and torch's, with the same weights."""
    ours, theirs = (make(each, cell, *sizes, **options, **DOUBLE) for each in (package, torch.nn))
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def say(message):
    return pytest.raises(ValueError, match=re.escape(message))


# ---- as torch.nn -------------------------------------------------------------------------------------------


@PACKAGES
@EACH
@STACKS
@pytest.mark.parametrize("sizes", [{}, {"T": 1}, {"B": 1}, {"alone": True}], ids=str)
def test_outputs_and_gradients_against_torch(package, cell, options, sizes):
    ours, theirs = twins(package, cell, 4, 5, **options)
    all_close(results(ours, draw(ours, **sizes)), results(theirs, draw(theirs, **sizes)))
    x = draw(ours, **sizes)[0]
    all_close(flat(ours, x), flat(theirs, x))  # no states: zeros


@PACKAGES
@EACH
@DRAWN
@given(
    st.builds(dict, T=st.integers(1, 6), B=st.integers(1, 4), alone=st.booleans(), seed=st.integers(0, 99)),
    st.builds(dict, input_size=st.integers(1, 5), hidden_size=st.integers(1, 6), num_layers=st.integers(1, 3)),
    st.builds(dict, bias=st.booleans(), batch_first=st.booleans(), bidirectional=st.booleans()),
)
def test_any_shape_and_options_against_torch(package, cell, shape, sizes, options):
    ours, theirs = twins(package, cell, **sizes, **options)
    all_close(results(ours, draw(ours, **shape)), results(theirs, draw(theirs, **shape)))


@PACKAGES
@EACH
@STACKS
def test_state_dicts_load_both_ways(package, cell, options):
    ours, theirs = (make(each, cell, 4, 5, **options) for each in (package, torch.nn))
    for one, other in ((ours, theirs), (theirs, ours)):
        for weight in one.parameters():
            torch.nn.init.normal_(weight)
        other.load_state_dict(one.state_dict())
        assert list(one.state_dict()) == list(other.state_dict())
        assert all(map(torch.equal, one.parameters(), other.parameters()))


@PACKAGES
@EACH
@STACKS
def test_same_initialisation_from_the_same_seed(package, cell, options):
    for n, dtype in itertools.product([1, 3, 7, 100], [torch.float32, torch.float64]):
        built = []
        for each in (package, torch.nn):
            torch.manual_seed(5)
            built.append(make(each, cell, 4, n, **options, dtype=dtype).state_dict())
        assert list(built[0]) == list(built[1])
        assert all(torch.equal(built[0][name], value) for name, value in built[1].items())


@pytest.mark.parametrize("cell", ["RNN", "LSTM", "GRU"])
def test_arguments_in_the_order_of_torch(cell):
    """By name, in order and with their defaults, as torch's documentation has them."""
    documented = getattr(torch.nn, cell).__doc__.split(")")[0].removeprefix("__init__(").split(",")
    ours = inspect.signature(getattr(pytorch, cell)).parameters.values()
    ours = [str(p).replace(" ", "") for p in ours if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert ours == documented
    assert inspect.signature(getattr(pytorch, cell)).parameters["proj_size"].default == 0


@PACKAGES
@pytest.mark.parametrize("cell", ["RNN", "LSTM", "GRU"])
def test_all_arguments_by_place(package, cell):
    given_ = {
        "RNN": (3, 4, 2, "relu", False, True, 0.25, True),
        "LSTM": (3, 4, 2, False, True, 0.25, True, 0, "cpu", torch.float64),
        "GRU": (3, 4, 2, False, True, 0.25, True),
    }[cell]
    ours, theirs = (getattr(each, cell)(*given_) for each in (package, torch.nn))
    names = ["input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"]
    for name in names + ["nonlinearity"] * (cell == "RNN"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.weight_ih_l0.dtype == theirs.weight_ih_l0.dtype
    ours.load_state_dict(theirs.state_dict())


@PACKAGES
@EACH
@pytest.mark.parametrize("options", [*OPTIONS, {"num_layers": 2, "dropout": 0.5}], ids=str)
def test_repr_has_the_arguments(package, cell, options):
    ours, theirs = (repr(make(each, cell, 4, 5, **options)) for each in (package, torch.nn))
    assert ours.replace(", nonlinearity='relu'", "") == theirs  # which torch does not show
    assert ("nonlinearity='relu'" in ours) == (cell == "ReLU")


def test_repr_of_the_reset():
    assert repr(pytorch.GRU(3, 4, reset="before")) == "GRU(3, 4, reset='before')"


# ---- dropout -----------------------------------------------------------------------------------------------


@PACKAGES
@EACH
@pytest.mark.parametrize("p", [0, 0.4, 1, 1.0])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"batch_first": True}], ids=str)
def test_dropout_is_torchs_number_for_number(package, cell, p, options):
    ours, theirs = twins(package, cell, 4, 5, 3, dropout=p, **options)
    both = []
    for module in (ours, theirs):
        torch.manual_seed(7)
        both.append(results(module, draw(module)))
    all_close(*both)
    ours.eval(), theirs.eval()
    all_close(results(ours, draw(ours)), results(theirs, draw(theirs)))


@PACKAGES
@EACH
def test_dropout_stands_between_layers_while_training(package, cell):
    """With p = 1 the second layer reads zeros; in evaluation it reads what the first puts out."""
    module = make(package, cell, 4, 5, 2, dropout=1, **DOUBLE)
    x = draw(module)[0]
    first, second = flat(module, x), flat(module, -x)
    assert torch.equal(first[0], second[0]) and not torch.equal(first[1], second[1])
    module.eval()
    assert not torch.equal(flat(module, x)[0], flat(module, -x)[0])


@PACKAGES
@EACH
def test_dropout_with_one_layer_warns(package, cell):
    kind = "RNN" if cell == "ReLU" else cell
    with pytest.warns(UserWarning, match=f"{kind}: dropout=0.5 does nothing with num_layers=1") as warned:
        module = make(package, cell, 4, 5, dropout=0.5)
    assert len(warned) == 1
    x = draw(module)[0]
    assert torch.equal(flat(module, x)[0], flat(module, x)[0])


@PACKAGES
@EACH
@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan"), True, "0.5", None])
def test_dropout_outside_of_0_to_1(package, cell, p):
    with say(f": expected dropout to be a number in [0, 1], got {p!r}"):
        make(package, cell, 4, 5, 2, dropout=p)


# ---- what is refused ---------------------------------------------------------------------------------------


@PACKAGES
@pytest.mark.parametrize("cell", ["RNN", "LSTM", "GRU"])
def test_a_projection_is_refused_by_name(package, cell):
    getattr(package, cell)(3, 4, proj_size=0)
    with say(f"{cell}: expected proj_size to be 0, got 2; see variants.projected"):
        getattr(package, cell)(3, 4, proj_size=2)


@PACKAGES
@EACH
@pytest.mark.parametrize("sizes", [{"input_size": 0}, {"hidden_size": -1}, {"num_layers": 0}, {"num_layers": 1.0}])
def test_sizes(package, cell, sizes):
    (name, size), *_ = sizes.items()
    with say(f": expected {name} to be an integer of at least 1, got {size}"):
        make(package, cell, **({"input_size": 3, "hidden_size": 4} | sizes))


@PACKAGES
@EACH
@pytest.mark.parametrize("name", ["bias", "batch_first"])
def test_neither_true_nor_false(package, cell, name):
    with say(f": expected {name} to be True or False, got 1"):
        make(package, cell, 3, 4, **{name: 1})


@PACKAGES
@EACH
def test_shapes_that_do_not_fit(package, cell):
    kind = "RNN" if cell == "ReLU" else cell
    module = make(package, cell, 3, 4, num_layers=2, bidirectional=True)
    x, h0, *c0 = draw(module, T=5, B=2)
    with say(f"{kind}: expected x of shape (T, B, m=3), got (5, 2, 7)"):
        module(torch.zeros(5, 2, 7))
    with say(f"{kind}: expected x of shape (T, B, m=3), got (3,)"):
        module(x[0, 0])
    with say(f"{kind}: expected x of shape (T, m=3), got (5, 7)"):
        module(torch.zeros(5, 7))
    with say(f"{kind}: expected h0 of shape (LD=4, B=2, n=4), got (2, 2, 4)"):
        flat(module, x, h0[:2], *c0)
    with say(f"{kind}: expected h0 of shape (LD=4, B=2, n=4), got (4, 2, 5)"):
        flat(module, x, torch.zeros(4, 2, 5), *c0)
    with say(f"{kind}: expected h0 of shape (LD=4, B=2, n=4), got (4, 4)"):
        flat(module, x, h0[:, 0], *c0)
    with say(f"{kind}: expected h0 of shape (LD=4, n=4), got (4, 2, 4)"):
        flat(module, x[:, 0], h0, *c0)
    if c0:
        with say("LSTM: expected c0 of shape (LD=4, B=2, n=4), got (4, 3, 4)"):
            module(x, (h0, torch.zeros(4, 3, 4)))
    module = make(package, cell, 3, 4, batch_first=True)
    with say(f"{kind}: expected x of shape (B, T, m=3), got (5, 2, 7)"):
        module(torch.zeros(5, 2, 7))
    with say(f"{kind}: expected h0 of shape (LD=1, B=5, n=4), got (1, 2, 4)"):
        flat(module, x, h0[:1], *(c[:1] for c in c0))


@PACKAGES
@EACH
def test_values_dtypes_and_devices_that_do_not_fit(package, cell):
    kind = "RNN" if cell == "ReLU" else cell
    module = make(package, cell, 3, 4, num_layers=2, batch_first=True)
    x, h0, *c0 = (a.detach() for a in draw(module, T=5, B=2))
    with say(f"{kind}: expected x of dtype torch.float32, as weight_ih_l0 has, got torch.float64"):
        module(x.double())
    with say(f"{kind}: expected x of a floating-point dtype, got torch.int64"):
        module(x.long())
    with say(f"{kind}: expected h0 of dtype torch.float32, as weight_ih_l0 has, got torch.float16"):
        flat(module, x, h0.half(), *c0)
    with say(f"{kind}: expected x of device cpu, as weight_ih_l0 has, got meta"):
        module(x.to("meta"))
    x[1, 4, 2] = torch.inf
    with say(f"{kind}: expected finite values in x, got 1 NaN or infinite, first at (1, 4, 2)"):
        module(x)
    module.weight_hh_l1.data[3, 1] = torch.nan
    with say(f"{kind}: expected finite values in weight_hh_l1, got 1 NaN or infinite, first at (3, 1)"):
        module(0 * x.nan_to_num())


@PACKAGES
@EACH
def test_what_is_no_tensor(package, cell):
    kind = "RNN" if cell == "ReLU" else cell
    module = make(package, cell, 3, 4)
    x, h0, *c0 = draw(module, T=5, B=2)
    for wrong, name in (
        (np.zeros((5, 2, 3), np.float32), "numpy.ndarray"),
        ([[[0.0] * 3] * 2] * 5, "list"),
        (None, "NoneType"),
    ):
        with say(f"{kind}: expected x to be a torch tensor, got {name}"):
            module(wrong)
    with say(f"{kind}: expected h0 to be a torch tensor, got numpy.ndarray"):
        flat(module, x, h0.detach().numpy(), *c0)
    with say(f"{kind}: expected {'c0' if c0 else 'h0'} to be a torch tensor, got int"):
        flat(module, x, *[h0, 3][-1 - len(c0) :])


def test_the_fused_gru_has_one_reset():
    with say("fused.GRU: expected reset to be 'after', got 'before'; rnncourse.pytorch.GRU has both"):
        fused.GRU(3, 4, reset="before")


# ---- other uses --------------------------------------------------------------------------------------------


@PACKAGES
@EACH
def test_chunks_make_the_whole(package, cell):
    module = make(package, cell, 4, 5, num_layers=2, **DOUBLE)
    x, *states = draw(module, T=7)
    whole, parts = flat(module, x, *states), []
    for chunk in x.split([3, 0, 1, 3]):
        hs, *states = flat(module, chunk, *states)
        parts.append(hs)
    all_close([torch.cat(parts), *states], whole, 1e-13)


@PACKAGES
@EACH
@STACKS
def test_without_steps(package, cell, options):
    """hs is empty, the states are those given, and every parameter of layer 0 has a gradient, of zero."""
    module = make(package, cell, 4, 5, **options, **DOUBLE)
    x, *states = draw(module, T=0)
    hs, *last = flat(module, x, *states)
    width = 5 * (1 + module.bidirectional)
    assert hs.shape == ((3, 0, width) if module.batch_first else (0, 3, width)) and hs.requires_grad
    assert all(map(torch.equal, last, states))
    hs.sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in module.parameters())
    assert flat(module, x)[0].requires_grad


@PACKAGES
@EACH
def test_an_empty_batch(package, cell):
    module = make(package, cell, 4, 5, num_layers=2)
    hs, *last = flat(module, torch.zeros(6, 0, 4))
    hs.sum().backward()
    assert hs.shape == (6, 0, 5) and {a.shape for a in last} == {(2, 0, 5)}


@PACKAGES
@EACH
@pytest.mark.parametrize("which", [0, 1, -1])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}], ids=str)
def test_outputs_may_be_changed_in_place(package, cell, which, options):
    """Then the gradient is that of the changed output, as of a copy."""
    module, grads = make(package, cell, 4, 5, **options, **DOUBLE), []
    for change in (operator.imul, operator.mul):
        arguments = draw(module)
        outputs = flat(module, *arguments)
        outputs[which] = change(outputs[which], 3)
        loss = sum((a**2).sum() for a in outputs)
        grads.append(torch.autograd.grad(loss, [*arguments, *module.parameters()]))
    all_close(*grads, 1e-13)


@EACH
@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck], ids=lambda c: c.__name__)
def test_gradcheck(check, cell):
    """Of the loop's modules; along random directions, for entry by entry takes long."""
    torch.manual_seed(2)
    module = make(pytorch, cell, 2, 3, num_layers=2, bidirectional=True, **DOUBLE)
    names, weights = zip(*module.named_parameters(), strict=True)
    arguments = draw(module, T=2, B=2)

    def run(*given_):
        arguments, weights = given_[: -len(names)], given_[-len(names) :]
        states = arguments[1:] if cell != "LSTM" else (tuple(arguments[1:]),)
        given_ = torch.func.functional_call(module, dict(zip(names, weights, strict=True)), (arguments[0], *states))
        return given_ if cell != "LSTM" else (given_[0], *given_[1])

    assert check(run, (*arguments, *weights), fast_mode=True)


@PACKAGES
@EACH
def test_copies_and_pickles(package, cell):
    module = make(package, cell, 4, 5, num_layers=2, dropout=0.5, batch_first=True)
    module.eval()
    x = draw(module)[0]
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), loaded):
        assert all(map(torch.equal, flat(other, x), flat(module, x))) and repr(other) == repr(module)


@PACKAGES
@EACH
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_other_dtypes(package, cell, options, dtype):
    module = make(package, cell, 4, 5, **options, **DOUBLE)
    torch.manual_seed(0)
    for weight in module.parameters():
        torch.nn.init.uniform_(weight, -0.45, 0.45)
    arguments = draw(module)
    exact = flat(module, *arguments)
    exact += torch.autograd.grad([a.sum() for a in exact], [*arguments, *module.parameters()])
    module = module.to(dtype)
    arguments = [a.detach().to(dtype).requires_grad_() for a in arguments]
    ours = flat(module, *arguments)
    ours += torch.autograd.grad([a.sum() for a in ours], [*arguments, *module.parameters()])
    smooth = len(ours) if cell != "ReLU" else 2  # rounding can switch a unit's slope between 0 and 1
    for k, (a, b) in enumerate(zip(ours, exact, strict=True)):
        assert a.dtype == dtype
        assert k >= smooth or gradients.relative_error(a.double(), b) < 50 * torch.finfo(dtype).eps


@PACKAGES
@EACH
@STACKS
def test_runs_on_shapes_alone(package, cell, options):
    """On torch's meta device, forward and backward: then no tensor is made on the wrong device."""
    where = {"device": "meta", "dtype": torch.bfloat16}
    module = make(package, cell, 4, 5, **options, **where)
    x = torch.zeros(6, 3, 4, **where, requires_grad=True)
    hs, *last = flat(module, x)
    assert hs.shape == (6, 3, 5 * (1 + module.bidirectional))
    assert {(a.device.type, a.dtype) for a in (hs, *last)} == {("meta", torch.bfloat16)}
    (dx,) = torch.autograd.grad(hs.sum(), [x])
    assert dx.shape == x.shape and dx.dtype == torch.bfloat16


@PACKAGES
@EACH
def test_saturation(package, cell):
    """Inputs of ±1000: every gate is at an end. Nothing overflows."""
    module = make(package, cell, 3, 4, num_layers=2, bidirectional=True)
    size = 1 if cell == "ReLU" else 1e3  # ReLU has no end to saturate at
    x = (size * torch.sign(torch.randn(6, 2, 3))).requires_grad_()
    outputs = flat(module, x)
    sum(a.sum() for a in outputs).backward()
    assert all(a.isfinite().all() for a in (*outputs, x.grad, *(p.grad for p in module.parameters())))


# ---- autocast, transforms, tracing -------------------------------------------------------------------------


@PACKAGES
@EACH
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16], ids=str)
def test_autocast_after_a_linear_layer(package, cell, half):
    """A Linear hands on half precision while the weights are in float32; torch.nn takes it, and so do ours."""
    torch.manual_seed(0)
    below, module = torch.nn.Linear(7, 4), make(package, cell, 4, 5, num_layers=2, bidirectional=True)
    x, state = torch.randn(6, 3, 7), torch.randn(4, 3, 5)
    exact = flat(module, below(x), *[state] * (1 + (cell == "LSTM")))
    with torch.autocast("cpu", half):
        inner = below(x)
        assert inner.dtype == half
        outputs = flat(module, inner, *[state.to(half)] * (1 + (cell == "LSTM")))
        sum(a.float().sum() for a in outputs).backward()
    for ours, wanted in zip(outputs, exact, strict=True):
        assert gradients.relative_error(ours.float(), wanted) < 10 * torch.finfo(half).eps
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in module.parameters())
    assert below.weight.grad.any()


@EACH
def test_fused_under_autocast_keeps_the_dtype_of_its_weights(cell):
    module, x = make(fused, cell, 4, 5, num_layers=2), torch.randn(6, 3, 4).bfloat16()
    expected = flat(module, x.float())
    with torch.autocast("cpu", torch.bfloat16):
        outputs = flat(module, x)
        sum(a.sum() for a in outputs).backward()
    assert all(map(torch.equal, outputs, expected))


@EACH
def test_vmap(cell):
    """Over inputs; and over parameters and samples, for the gradient of each sample's loss."""
    module = make(pytorch, cell, 4, 5, num_layers=2, **DOUBLE)
    x = torch.randn(3, 6, 2, 4, **DOUBLE)
    all_close([torch.vmap(lambda a: module(a)[0])(x)], [torch.stack([module(a)[0] for a in x])], 1e-13)

    def loss(weights, a):
        return (torch.func.functional_call(module, weights, (a,))[0] ** 2).sum()

    weights = dict(module.named_parameters())
    together = torch.vmap(torch.func.grad(loss), (None, 0))(weights, x[:, :, 0])
    one_by_one = [torch.autograd.grad(loss(weights, a), weights.values()) for a in x[:, :, 0]]
    all_close(list(together.values()), [torch.stack(g) for g in zip(*one_by_one, strict=True)], 1e-12)


@PACKAGES
@pytest.mark.parametrize("cell", ["RNN", "LSTM", "GRU"])
def test_compile_as_one_graph(package, cell):
    """fullgraph=True raises where the compiler would have to stop and ask for a value."""
    torch.compiler.reset()
    module = make(package, cell, 4, 5, **DOUBLE)
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    arguments = draw(module, T=2)
    outputs = flat(module, *arguments)
    theirs = compiled(arguments[0], tuple(arguments[1:]) if cell == "LSTM" else arguments[1])
    theirs = [theirs[0], *theirs[1]] if cell == "LSTM" else list(theirs)
    all_close(theirs, outputs, 1e-13)
    given_ = [*arguments, *module.parameters()]
    all_close(
        torch.autograd.grad([a.sum() for a in theirs], given_), torch.autograd.grad([a.sum() for a in outputs], given_)
    )


@PACKAGES
@pytest.mark.parametrize("cell", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("strict", [False, True])
def test_export(package, cell, strict):
    torch.compiler.reset()
    module = make(package, cell, 4, 5, **DOUBLE)
    x = draw(module, T=2)[0].detach()
    program = torch.export.export(module, (x,), strict=strict)
    hs, _ = program.module()(2 * x)
    all_close([hs], [module(2 * x)[0]], 1e-13)


@EACH
def test_fake_tensors(cell):
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        hs, _ = make(pytorch, cell, 4, 5)(torch.zeros(6, 3, 4))
    assert hs.shape == (6, 3, 5)


@PACKAGES
@EACH
def test_trains_like_torch(package, cell):
    """Ten steps of Adam, from the same initialisation: the same weights."""
    trained = []
    for module in twins(package, cell, 4, 5, num_layers=2, bidirectional=True):
        arguments = [a.detach() for a in draw(module)]
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        for _ in range(10):
            optimizer.zero_grad()
            functools.reduce(operator.add, ((a**2).sum() for a in flat(module, *arguments))).backward()
            optimizer.step()
        trained.append(list(module.parameters()))
    all_close(*trained, 1e-8)
