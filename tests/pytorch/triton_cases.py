"""The kernels of triton_lstm against float64: on CUDA where there is one, else through Triton's interpreter.

Not collected by itself: the interpreter must be switched on before Triton is imported, so test_triton.py runs this file
in a process of its own.
"""

import numpy as np
import pytest
import torch

from rnncourse.gradients import relative_error
from rnncourse.pytorch import triton_lstm
from rnncourse.reference import lstm

DEVICE = "cpu" if triton_lstm.INTERPRETED else "cuda"
LIMITS = {torch.float32: 5e-6, torch.float16: 5e-3, torch.bfloat16: 5e-2}
DTYPES = pytest.mark.parametrize("dtype", LIMITS, ids=str)
RAGGED = pytest.mark.parametrize("ragged", [False, True], ids=["uniform", "ragged"])
NAMES = ["hs", "h_T", "c_T", "dx", "dh0", "dc0", "dU", "dW", "db"]


class Case:
    def __init__(self, T=5, B=3, m=4, n=6, dtype=torch.float32, ragged=False, scale=1):
        rng = np.random.default_rng(0)
        draw = lambda *shape: torch.from_numpy(rng.normal(size=shape)).to(dtype)  # noqa: E731
        self.arguments = [draw(T, B, m) * scale, draw(B, n), draw(B, n)]
        self.arguments += [draw(4 * n, m), draw(4 * n, n) / n**0.5, draw(4 * n)]
        self.cotangents = [draw(T, B, n), draw(B, n), draw(B, n)]
        self.lengths = torch.from_numpy(rng.integers(0, T + 1, B)) if ragged else None

    def kernels(self):
        arguments = [a.detach().to(DEVICE).requires_grad_() for a in self.arguments]
        lengths = None if self.lengths is None else self.lengths.to(DEVICE)
        outputs = triton_lstm.forward(*arguments, lengths)
        grads = torch.autograd.grad(outputs, arguments, [d.to(DEVICE) for d in self.cotangents])
        return [a.detach().cpu() for a in (*outputs, *grads)]

    def exact(self):
        """The reference in float64, one sequence after the other, each cut at its end."""
        arguments = [a.double().numpy() for a in self.arguments]
        dhs, *dlast = (d.double().numpy() for d in self.cotangents)
        (T, B, _), n = arguments[0].shape, dhs.shape[2]
        hs, dx = np.zeros((T, B, n)), np.zeros_like(arguments[0])
        ends, starts, weights = np.zeros((2, B, n)), np.zeros((2, B, n)), 0
        for item, length in enumerate([T] * B if self.lengths is None else self.lengths.tolist()):
            one = slice(item, item + 1)
            x, h0, c0 = arguments[0][:length, one], arguments[1][one], arguments[2][one]
            hs[:length, one], *last, cache = lstm.forward(x, h0, c0, *arguments[3:])
            grads = lstm.backward(dhs[:length, one], *(d[one] for d in dlast), cache)
            dx[:length, one] = grads.x
            ends[:, one], starts[:, one] = last, (grads.h0, grads.c0)
            weights = [a + b for a, b in zip(weights, grads[3:], strict=True)] if weights else grads[3:]
        return [torch.from_numpy(np.asarray(a)) for a in (hs, *ends, dx, *starts, *weights)]

    def check(self, limit):
        for name, ours, exact in zip(NAMES, self.kernels(), self.exact(), strict=True):
            assert ours.dtype == self.arguments[0].dtype
            assert relative_error(ours.double(), exact) < limit, name


@DTYPES
@RAGGED
def test_against_the_reference(dtype, ragged):
    Case(dtype=dtype, ragged=ragged).check(LIMITS[dtype])


@RAGGED
@pytest.mark.parametrize(
    "sizes",
    [{"T": 1}, {"B": 1}, {"T": 1, "B": 1, "m": 1, "n": 1}, {"B": 16}, {"B": 37}, {"n": 16}, {"n": 17}, {"T": 40}],
    ids=str,
)
def test_corners(sizes, ragged):
    """Programs and blocks that are full, and that are not."""
    Case(**sizes, ragged=ragged).check(LIMITS[torch.float32])


@RAGGED
@pytest.mark.parametrize(("n", "dtype"), [(64, torch.float32), (128, torch.float32), (128, torch.bfloat16)], ids=str)
def test_large(n, dtype, ragged):
    """W on the chip, read again at every step, and on the chip again."""
    Case(T=3, B=2, n=n, dtype=dtype, ragged=ragged).check(LIMITS[dtype])


@DTYPES
def test_saturated_gates(dtype):
    """Inputs of some thousand: every gate is at an end, and nothing is NaN."""
    for ours in Case(dtype=dtype, scale=1e3).kernels():
        assert ours.isfinite().all()
    case = Case(dtype=torch.float32, scale=1e3)
    assert relative_error(case.kernels()[0].double(), case.exact()[0]) < 1e-5


def test_without_steps_and_without_sequences():
    case = Case(T=0)
    hs, h_T, c_T, dx, dh0, dc0, *weights = case.kernels()
    assert hs.shape == (0, 3, 6) and dx.shape == (0, 3, 4) and not any(a.any() for a in weights)
    assert torch.equal(h_T, case.arguments[1]) and torch.equal(c_T, case.arguments[2])
    assert torch.equal(dh0, case.cotangents[1]) and torch.equal(dc0, case.cotangents[2])
    assert [a.shape for a in Case(B=0).kernels()[:3]] == [(5, 0, 6), (0, 6), (0, 6)]


def test_nothing_beyond_the_end_counts():
    """What stands there in x changes nothing; hs and dx are zero there; a sequence without steps keeps its states."""
    case = Case(ragged=True)
    case.lengths = torch.tensor([5, 0, 2])
    before = case.kernels()
    beyond = torch.arange(5)[:, None] >= case.lengths
    case.arguments[0][beyond], case.cotangents[0][beyond] = 7.0, 9.0
    after = case.kernels()
    assert all(map(torch.equal, before, after))
    assert not after[0][beyond].any() and not after[3][beyond].any()
    assert torch.equal(after[1][1], case.arguments[1][1]) and torch.equal(after[5][1], case.cotangents[2][1])


@RAGGED
def test_inference_is_the_same(ragged):
    case = Case(ragged=ragged)
    lengths = None if case.lengths is None else case.lengths.to(DEVICE)
    with torch.no_grad():
        outputs = triton_lstm.forward(*(a.to(DEVICE) for a in case.arguments), lengths)
    assert all(map(torch.equal, [a.cpu() for a in outputs], case.kernels()[:3]))


def test_nothing_is_written_to():
    case = Case(ragged=True)
    before = [a.clone() for a in (*case.arguments, *case.cotangents, case.lengths)]
    first, second = case.kernels(), case.kernels()
    assert all(map(torch.equal, before, (*case.arguments, *case.cotangents, case.lengths)))
    assert all(map(torch.equal, first, second))


def test_arrays_of_any_layout():
    case = Case(B=5)
    whole = case.kernels()
    case.arguments = [a.repeat_interleave(2, dim=-1)[..., ::2] for a in case.arguments]
    case.cotangents = [d.repeat_interleave(2, dim=-1)[..., ::2] for d in case.cotangents]
    assert all(map(torch.equal, case.kernels(), whole))


def test_one_derivative_only():
    arguments = [a.detach().to(DEVICE).requires_grad_() for a in Case().arguments]
    hs = triton_lstm.forward(*arguments)[0]
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(hs.sum(), arguments, create_graph=True)


def test_module_is_torch_nn_LSTM_on_packed_sequences():
    torch.manual_seed(0)
    theirs, ours = torch.nn.LSTM(4, 6, num_layers=2), triton_lstm.LSTM(4, 6, num_layers=2, device=DEVICE)
    ours.load_state_dict(theirs.state_dict())
    x, lengths = torch.randn(5, 3, 4), torch.tensor([2, 5, 1])
    packed, last = theirs(torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False))
    hs, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, total_length=5)
    (hs.square().sum() + last[1].sum()).backward()
    our_hs, our_last = ours(x.to(DEVICE), lengths=lengths.to(DEVICE))
    (our_hs.square().sum() + our_last[1].sum()).backward()
    for a, b in zip([our_hs, *our_last], [hs, *last], strict=True):
        assert relative_error(a.detach().cpu(), b.detach()) < 1e-5
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert relative_error(a.grad.cpu(), b.grad) < 1e-5


@pytest.mark.skipif(DEVICE == "cpu", reason="nothing is compiled in the interpreter: needs CUDA")
def test_another_length_compiles_nothing():
    def compiled():
        kernels = triton_lstm.forward_kernel, triton_lstm.backward_kernel
        return [sum(len(cache[0]) for cache in kernel.device_caches.values()) for kernel in kernels]

    Case(T=16, B=16, ragged=True).kernels()
    before = compiled()
    for T, B in [(1, 1), (7, 3), (32, 48), (33, 49)]:
        Case(T=T, B=B, ragged=True).kernels()
    assert compiled() == before and all(before)
