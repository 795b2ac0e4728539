"""Counting: parameters, receptive fields and chains, of networks where they are known."""

import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from rnncourse import counting
from rnncourse.pytorch import GRU, LSTM, RNN, fused, variants
from rnncourse.pytorch import gru as pytorch_gru
from rnncourse.pytorch import lstm as pytorch_lstm
from rnncourse.pytorch import rnn as pytorch_rnn
from rnncourse.reference import gru, lstm, rnn


def test_parameters():
    assert counting.parameters(nn.Linear(3, 2)) == 8
    assert counting.parameters(RNN(3, 2)) == 2 * (3 + 2 + 2)  # two biases, as torch.nn.RNN has
    frozen = nn.Linear(3, 2)
    frozen.bias.requires_grad_(False)
    assert counting.parameters(frozen) == 6
    with pytest.raises(ValueError, match="expected a torch module, got int"):
        counting.parameters(3)


@pytest.mark.parametrize("T", [1, 2, 7])
def test_recurrent_sees_all_and_waits(T):
    net, x = RNN(3, 4).double(), torch.randn(T, 2, 3, dtype=torch.float64)
    assert counting.receptive_field(lambda x: net(x)[0][-1], x) == T
    assert counting.receptive_field(lambda x: net(x)[0][0], x) == 1
    assert counting.sequential_steps(net(x)[0][-1]) == T  # W h_{t-1} at every step, one after the other
    assert counting.sequential_steps(net(x)[0][-1] @ torch.ones(4, 1, dtype=torch.float64)) == T + 1


def test_convolution_sees_its_width():
    conv, x = nn.Conv1d(3, 3, 4).double(), torch.randn(9, 1, 3, dtype=torch.float64)
    assert counting.receptive_field(lambda x: conv(x.permute(1, 2, 0))[..., -1], x) == 4
    assert counting.sequential_steps(conv(conv(x.permute(1, 2, 0)))) == 2


def test_chain_longer_than_pythons_stack():
    x = torch.ones(1, 1, requires_grad=True)
    y = x
    for _ in range(5000):
        y = y @ torch.ones(1, 1)
    assert counting.sequential_steps(y) == 5000


def test_only_the_gradient_of_the_output_counts():
    x, net = torch.randn(5, 2, 3, dtype=torch.float64), RNN(3, 4).double()
    assert counting.receptive_field(lambda x: net(x)[0][-1].softmax(-1), x) == 5  # a sum of probabilities is always 1
    assert all(p.grad is None for p in net.parameters())  # nothing is left behind for the next optimiser step
    with torch.no_grad():
        assert counting.receptive_field(lambda x: net(x)[0][2], x) == 3
    weight = torch.ones(2, requires_grad=True)
    assert counting.receptive_field(lambda x: weight * 2, x) == 0
    assert counting.receptive_field(lambda x: x.detach() * 2, x) == 0
    with pytest.raises(ValueError, match="receptive_field: expected finite values in the gradient, got 6 NaN"):
        counting.receptive_field(lambda x: (0 * x[0]).sqrt(), x)
    with pytest.raises(ValueError, match="receptive_field: expected a tensor from predict.x., got tuple"):
        counting.receptive_field(net, x)


class Sum(torch.autograd.Function):
    """Whatever it is called, nobody knows what is inside."""

    @staticmethod
    def forward(ctx, x):
        return x @ x.T

    @staticmethod
    def backward(ctx, dy):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("run", "node"),
    [
        (lambda x: nn.LSTM(3, 4)(x)[0], "MkldnnRnnLayerBackward0"),
        (lambda x: fused.LSTM(3, 4)(x)[0], "LSTMFunctionBackward"),
        (lambda x: nn.MultiheadAttention(3, 1)(x, x, x, need_weights=False)[0], "ScaledDotProduct[A-Za-z]*Backward0"),
        (lambda x: Sum.apply(x[0]), "SumBackward"),
        (lambda x: checkpoint(lambda x: x @ x.mT, x, use_reentrant=True), "CheckpointFunctionBackward"),
        (lambda x: torch.linalg.inv(x[:3, :1].reshape(3, 3) + torch.eye(3)), "LinalgInvExBackward0"),
        (lambda x: Sum.apply((nn.LSTM(3, 4)(x)[0])[:, 0]), "LSTM.*|MkldnnRnnLayerBackward0, SumBackward"),
    ],
)
def test_what_holds_a_chain_of_its_own_is_refused(run, node):
    message = f"counting.sequential_steps: expected products, .* got ({node}), which may hold"
    with pytest.raises(ValueError, match=message):
        counting.sequential_steps(run(torch.randn(5, 2, 3, requires_grad=True)))


ATTENTION = nn.MultiheadAttention(4, 1)
PLAIN = {
    "elementwise": (lambda x: (x * x.tanh() + x.sigmoid() / 2 - x.relu().exp()).clamp(0, 1), 0),
    "shapes": (lambda x: torch.cat([x.permute(1, 0, 2)[:, 1:].mT, x[:2, 0, None].expand(2, 4, 4)]).flatten(), 0),
    "in place": (lambda x: (lambda y: (y.__setitem__(0, x[1]), y)[1])(x * 1), 0),
    "losses": (lambda x: nn.functional.cross_entropy(x[0], torch.tensor([0, 1])) + x.var() + x.norm(), 0),
    "normalised": (lambda x: nn.LayerNorm(4)(nn.functional.dropout(x)), 0),
    "three layers": (lambda x: nn.Sequential(nn.Linear(4, 3), nn.GELU(), nn.Linear(3, 3), nn.Linear(3, 1))(x), 3),
    "side by side": (lambda x: nn.Linear(4, 4)(x) * nn.Linear(4, 4)(x), 1),
    "einsum": (lambda x: torch.einsum("tbi,sbi->tsb", x, x), 1),
    "vectors": (lambda x: x[0] @ (x[1].mT @ x[1, :, 0]) + x[0, 0] @ x[0, 1], 2),
    "cells": (lambda x: nn.GRUCell(4, 4)(x[1], nn.LSTMCell(4, 4)(x[0])[0]), 2),
    "torch's loop": (
        lambda x: nn.LSTM(4, 4, 2).double()(x.double())[0][-1],
        10,
    ),  # 5 steps, then one product for all inputs of layer 2
    "torch's float32 loop": (lambda x: nn.GRU(4, 4)(x)[0][-1], 5),
    "attention": (lambda x: ATTENTION(x, x, x)[0], 4),  # input, scores, mixture, output
    "convolutions": (lambda x: nn.Conv1d(4, 4, 2)(nn.Conv1d(4, 4, 2, groups=4)(x.permute(1, 2, 0))), 2),
}


@pytest.mark.parametrize("name", PLAIN)
def test_chains_of_what_is_known(name):
    run, steps = PLAIN[name]
    assert counting.sequential_steps(run(torch.randn(5, 2, 4, requires_grad=True))) == steps


@pytest.mark.parametrize("T", [1, 7])
@pytest.mark.parametrize("cell", [RNN, GRU, LSTM])
def test_our_own_loops(cell, T):
    assert counting.sequential_steps(cell(3, 4)(torch.randn(T, 2, 3))[0][-1]) == T


def test_no_graph():
    with pytest.raises(ValueError, match="got one without a graph"):
        counting.sequential_steps(torch.ones(2))
    with pytest.raises(ValueError, match=r"expected x of shape \(T, B, m\), got \(2,\)"):
        counting.receptive_field(lambda x: x, torch.ones(2))


# ---- closed forms ------------------------------------------------------------------------------------------

TORCH = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
OURS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
REFERENCE = {"rnn": rnn, "gru": gru, "lstm": lstm}
RELATIVES = {name: getattr(variants, name) for name in ("peephole", "coupled", "projected", "shared")}
STEPS = {"rnn": pytorch_rnn.step, "gru": pytorch_gru.step, "lstm": pytorch_lstm.step} | RELATIVES
KINDS = pytest.mark.parametrize("kind", TORCH)
SIZES = pytest.mark.parametrize(("m", "n"), [(3, 2), (1, 1), (5, 7), (27, 100)])


def by_layer(module):
    """The tensors of a torch stack, counted, layer by layer."""
    layers = {}
    for name, weight in module.named_parameters():
        layer = int(re.search(r"_l(\d+)", name)[1])
        layers[layer] = layers.get(layer, 0) + weight.numel()
    return [layers[layer] for layer in sorted(layers)]


@KINDS
@SIZES
@pytest.mark.parametrize("biases", [0, 2])
def test_cell_is_one_layer_of_torch(kind, m, n, biases):
    assert counting.cell(kind, m, n, biases) == counting.parameters(TORCH[kind](m, n, bias=biases > 0))
    if biases:
        assert counting.cell(kind, m, n, biases) == counting.parameters(OURS[kind](m, n))


@KINDS
@SIZES
def test_cell_with_one_bias_is_the_reference(kind, m, n):
    """A GRU's reference has n more: its candidate needs both biases where the reset stands between them."""
    weights = REFERENCE[kind].from_torch(TORCH[kind](m, n))
    assert counting.cell(kind, m, n) + n * (kind == "gru") == sum(a.size for a in weights)


@SIZES
@pytest.mark.parametrize("kind", [*RELATIVES, "lstm"])
def test_cell_of_the_relatives(kind, m, n):
    sizes = {"r": n} if kind == "projected" else {}
    assert counting.cell(kind, m, n, **sizes) == counting.parameters(variants.Variant(STEPS[kind], m, n, **sizes))


@pytest.mark.parametrize("biases", [0, 2])
@pytest.mark.parametrize("r", [1, 3])
def test_projected_cell_is_torchs(biases, r):
    assert counting.cell("projected", 5, 4, biases, r) == counting.parameters(
        nn.LSTM(5, 4, bias=biases > 0, proj_size=r)
    )
    ours = variants.Variant(variants.projected, 5, 4, r=r)
    assert counting.cell("projected", 5, 4, 1, r) == counting.parameters(ours)


def test_cell_by_hand():
    """m = 3, n = 2, as chapter 2.3 counts them."""
    assert [counting.cell(kind, 3, 2) for kind in counting.BLOCKS if kind != "projected"] == [12, 36, 48, 54, 36, 12]
    assert counting.cell("projected", 3, 2, r=1) == 4 * (2 * (3 + 1) + 2) + 2


@KINDS
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("biases", [0, 2])
def test_stack_is_torchs_layer_by_layer(kind, layers, directions, biases):
    module = TORCH[kind](5, 4, layers, bias=biases > 0, bidirectional=directions == 2)
    assert counting.stack(kind, 5, 4, layers, directions, biases) == by_layer(module)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("biases", [0, 2])
def test_stack_of_projections_is_torchs_layer_by_layer(layers, directions, biases):
    module = nn.LSTM(5, 4, layers, bias=biases > 0, bidirectional=directions == 2, proj_size=3)
    assert counting.stack("projected", 5, 4, layers, directions, biases, r=3) == by_layer(module)


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("B", [1, 3])
def test_flops_are_what_torch_counts(kind, B):
    """One step on a batch; and a backward pass to everything takes twice as many."""
    m, n, r = 5, 4, 3
    if kind in ("rnn", "gru"):
        module = OURS[kind](m, n)
        weights = [torch.from_numpy(a).requires_grad_() for a in REFERENCE[kind].from_torch(module)]
        states = [torch.zeros(B, n, requires_grad=True)]
    else:
        module = variants.Variant(STEPS[kind], m, n, **({"r": r} if kind == "projected" else {}))
        weights = list(module.parameters())
        states = [torch.zeros(B, r if kind == "projected" else n, requires_grad=True), torch.zeros(B, n)]
    expected = B * counting.flops(kind, m, n, r if kind == "projected" else None)
    with FlopCounterMode(display=False) as forward:
        outputs = STEPS[kind](torch.zeros(B, m, requires_grad=True), *states, *weights)
    assert forward.get_total_flops() == expected
    with FlopCounterMode(display=False) as backward:
        (outputs if isinstance(outputs, torch.Tensor) else outputs[0]).sum().backward()
    assert backward.get_total_flops() == 2 * expected


def test_flops_as_the_docstring_writes_them():
    m, n, r = 5, 4, 3
    for kind, k in counting.BLOCKS.items():
        if kind != "projected":
            assert counting.flops(kind, m, n) == 2 * k * n * (m + n)
    assert counting.flops("projected", m, n, r) == 2 * 4 * n * (m + r) + 2 * r * n


@KINDS
@pytest.mark.parametrize("T", [0, 1, 6])
@pytest.mark.parametrize("reset", ["after", "before"])
def test_stored_is_the_cache(kind, T, reset):
    m, n, B = 5, 4, 3
    weights = REFERENCE[kind].from_torch(TORCH[kind](m, n))
    states = [np.zeros((B, n), np.float32)] * (1 + (kind == "lstm"))
    more = [reset] if kind == "gru" else []
    cache = REFERENCE[kind].forward(np.zeros((T, B, m), np.float32), *states, *weights, *more)[-1]
    kept = {name: a for name, a in cache._asdict().items() if isinstance(a, np.ndarray) and name not in "UW"}
    assert counting.stored(kind, m, n, T, B) == sum(a.size for a in kept.values())
    assert 4 * counting.stored(kind, m, n, T, B) == sum(a.nbytes for a in kept.values())
    assert all(any(a is b for b in weights) for a in (cache.U, cache.W))  # referred to, not copied


def test_numpys_integers_are_integers():
    assert counting.cell("lstm", np.int64(3), np.int32(2)) == 48
    assert counting.stored("rnn", 3, 2, np.int64(0)) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: counting.cell("elman", 3, 2), "counting.cell: expected kind to be one of rnn, gru, lstm, peephole, "),
        (lambda: counting.cell("lstm", 0, 2), "counting.cell: expected m to be an integer of at least 1, got 0"),
        (lambda: counting.cell("lstm", 3, 2.0), "counting.cell: expected n to be an integer of at least 1, got 2.0"),
        (lambda: counting.cell("lstm", True, 2), "counting.cell: expected m to be an integer of at least 1, got True"),
        (lambda: counting.cell("lstm", 3, 2, 3), "counting.cell: expected biases to be 0, 1 or 2, got 3"),
        (lambda: counting.cell("lstm", 3, 2, True), "counting.cell: expected biases to be 0, 1 or 2, got True"),
        (lambda: counting.stack("lstm", 3, 2, 1, True), "counting.stack: expected directions to be 1 or 2, got True"),
        (lambda: counting.cell("projected", 3, 2), "expected r for 'projected' and for nothing else, got r=None"),
        (lambda: counting.cell("gru", 3, 2, r=1), "expected r for 'projected' and for nothing else, got r=1 for 'gru'"),
        (lambda: counting.cell("projected", 3, 2, r=0), "counting.cell: expected r to be an integer of at least 1"),
        (lambda: counting.stack("lstm", 3, 2, 0), "counting.stack: expected layers to be an integer of at least 1"),
        (lambda: counting.stack("lstm", 3, None), "counting.stack: expected n to be an integer of at least 1"),
        (lambda: counting.stack("lstm", 3, 2, 1, 3), "counting.stack: expected directions to be 1 or 2, got 3"),
        (lambda: counting.stack("lstm", 3, 2, 2, r=1), "expected r for 'projected' and for nothing else, got r=1"),
        (lambda: counting.flops("lstm", 3, -2), "expected n to be an integer of at least 1, got -2"),
        (lambda: counting.stored("coupled", 3, 2, 5), "counting.stored: expected kind to be 'rnn', 'gru' or 'lstm'"),
        (
            lambda: counting.stored("lstm", 3, 2, -1),
            "counting.stored: expected T to be an integer of at least 0, got -1",
        ),
        (
            lambda: counting.stored("lstm", 3, 2, 5.0),
            "counting.stored: expected T to be an integer of at least 0, got 5.0",
        ),
        (
            lambda: counting.stored("lstm", 3, 2, 5, 0),
            "counting.stored: expected B to be an integer of at least 1, got 0",
        ),
    ],
)
def test_closed_forms_refuse(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize("kind", [*counting.BLOCKS])
@pytest.mark.parametrize("biases", [0, 1, 2])
def test_hidden_size_is_the_largest_that_fits(kind, biases):
    r = 2 if kind == "projected" else None
    for m, budget in [(1, 50), (3, 48), (3, 352), (10, 12_345), (100, 1_000_000)]:
        if budget < counting.cell(kind, m, 1, biases, r):
            continue
        n = counting.hidden_size(kind, m, budget, biases, r)
        assert counting.cell(kind, m, n, biases, r) <= budget < counting.cell(kind, m, n + 1, biases, r)
    for n in (1, 2, 3, 64):  # an exact budget gives its own n back
        assert counting.hidden_size(kind, 5, counting.cell(kind, 5, n, biases, r), biases, r) == n


def test_hidden_size_refuses():
    with pytest.raises(ValueError, match="hidden_size: expected a budget of at least 20, for n=1, got 19"):
        counting.hidden_size("lstm", 3, 19)
    for budget in (float("inf"), float("nan")):
        with pytest.raises(ValueError, match=f"expected a budget of at least 20, for n=1, got {budget}"):
            counting.hidden_size("lstm", 3, budget)
    with pytest.raises(ValueError, match="expected kind to be one of"):
        counting.hidden_size("lstn", 3, 100)
