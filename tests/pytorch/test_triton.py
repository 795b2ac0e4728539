"""The LSTM in Triton: its kernels in a process of their own; here what it says and does where they cannot run."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest
import torch
from cells import all_close

from rnncourse.pytorch import fused, triton_lstm

WARNING = "triton_lstm.LSTM computes without its kernels: "
TRITON = importlib.util.find_spec("triton") is not None
CUDA = torch.cuda.is_available()


def case(T=6, B=3, m=4, n=5):
    torch.manual_seed(0)
    shapes = [(T, B, m), (B, n), (B, n), (4 * n, m), (4 * n, n), (4 * n,)]
    return [torch.randn(shape, dtype=torch.float64).requires_grad_() for shape in shapes]


@pytest.mark.skipif(not TRITON, reason="Triton is not installed: pip install triton (Linux)")
@pytest.mark.parametrize(
    "where",
    ["interpreter", pytest.param("cuda", marks=pytest.mark.skipif(not CUDA, reason="there is no CUDA device"))],
)
def test_the_kernels(root, where):
    environment = os.environ | {"TRITON_INTERPRET": "1" if where == "interpreter" else "0", "OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        root / "tests" / "pytorch" / "triton_cases.py",
    ]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not TRITON, reason="Triton is not installed: pip install triton (Linux)")
def test_T_and_B_are_no_constants_of_the_kernels(root):
    """Triton compiles anew for a value that is 1 or a multiple of 16, unless it is told not to."""
    code = """
from rnncourse.pytorch import triton_lstm as t
for kernel in (t.forward_kernel, t.backward_kernel):
    print(sorted(p.name for p in kernel.params if p.do_not_specialize))
"""
    environment = os.environ | {"TRITON_INTERPRET": "0"}
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)
    assert done.stdout.count("['B', 'T']") == 2, done.stdout + done.stderr


# ---- where they cannot run ---------------------------------------------------------------------------------


def test_why_they_cannot(monkeypatch):
    monkeypatch.setattr(triton_lstm, "triton", None)
    assert triton_lstm.missing("cuda", torch.float32, 64) == "Triton is not installed (pip install triton; Linux)"
    monkeypatch.setattr(triton_lstm, "triton", object())
    assert triton_lstm.missing("cuda:1", torch.bfloat16, 128) is None
    reason = "the dtype is torch.float64; the kernels take float32, float16 and bfloat16"
    assert triton_lstm.missing("cuda", torch.float64, 64) == reason
    assert triton_lstm.missing("cuda", torch.float32, 129) == "n is 129; W stays on the chip up to n = 128"
    assert triton_lstm.missing("cpu", torch.float32, 64) == "the device is cpu; the kernels run on CUDA"


def test_function_refuses_and_says_why(monkeypatch):
    monkeypatch.setattr(triton_lstm, "triton", object())
    with pytest.raises(ValueError, match="triton_lstm.forward: the dtype is torch.float64; the kernels take float32"):
        triton_lstm.forward(*case())
    monkeypatch.setattr(triton_lstm, "triton", None)
    with pytest.raises(ValueError, match=re.escape("triton_lstm.forward: Triton is not installed (pip install")):
        triton_lstm.forward(*case())


def test_module_warns_and_computes_without_them():
    module = triton_lstm.LSTM(4, 5, num_layers=2, dtype=torch.float64)
    plain = torch.nn.LSTM(4, 5, num_layers=2, dtype=torch.float64)
    plain.load_state_dict(module.state_dict())
    x, states = torch.randn(6, 3, 4).double(), torch.randn(2, 2, 3, 5).double().unbind()
    for given in ((x,), (x, states)):
        with pytest.warns(UserWarning, match=WARNING):
            hs, last = module(*given)
        expected, expected_last = plain(*given)
        all_close([hs, *last], [expected, *expected_last])


def test_module_without_them_on_sequences_of_different_lengths():
    """Against packing, torch.nn.LSTM and unpacking: outputs and all gradients."""
    module = triton_lstm.LSTM(4, 5, num_layers=2, dtype=torch.float64)
    plain = torch.nn.LSTM(4, 5, num_layers=2, dtype=torch.float64)
    plain.load_state_dict(module.state_dict())
    x, lengths = torch.randn(6, 3, 4, dtype=torch.float64, requires_grad=True), torch.tensor([2, 6, 1])
    packed, last = plain(torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False))
    hs, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, total_length=6)
    with pytest.warns(UserWarning, match=WARNING):
        our_hs, our_last = module(x, lengths=lengths)
    results = []
    for net, outputs in ((plain, [hs, *last]), (module, [our_hs, *our_last])):
        torch.manual_seed(1)
        cotangents = [torch.randn_like(a) for a in outputs]
        results.append([*outputs, *torch.autograd.grad(outputs, [x, *net.parameters()], cotangents)])
    all_close(*results)


def test_loop():
    """Full lengths change nothing, a length of zero keeps the states, and without steps there is nothing to do."""
    arguments = case()
    whole = fused.lstm_forward(*arguments)
    all_close(triton_lstm.loop_forward(*arguments), whole)
    all_close(triton_lstm.loop_forward(*arguments, torch.tensor([6, 6, 6])), whole)
    hs, h_T, c_T = triton_lstm.loop_forward(*arguments, torch.tensor([6, 0, 3]))
    assert torch.equal(h_T[1], arguments[1][1]) and torch.equal(c_T[1], arguments[2][1])
    assert not hs[:, 1].any() and not hs[3:, 2].any() and torch.equal(hs[2, 2], h_T[2])
    empty = case(T=0)
    hs, h_T, _ = triton_lstm.loop_forward(*empty, torch.tensor([0, 0, 0]))
    assert hs.shape == (0, 3, 5) and torch.equal(h_T, empty[1])


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 2, 3], "expected lengths to be a tensor of int64, of shape (B=3,), got [1, 2, 3]"),
        (torch.tensor([1.0, 2, 3]), "got torch.float32 (3,)"),
        (torch.tensor([1, 2]), "got torch.int64 (2,)"),
        (torch.tensor([1, 2, 7]), "expected lengths in 0 … T = 6, got 1 … 7"),
        (torch.tensor([-1, 2, 6]), "expected lengths in 0 … T = 6, got -1 … 6"),
        (torch.zeros(3, dtype=torch.int64, device="meta"), "expected lengths on cpu, as x is, got meta"),
    ],
    ids=str,
)
def test_lengths_that_do_not_fit(lengths, message):
    with pytest.raises(ValueError, match="triton_lstm: .*" + re.escape(message)):
        triton_lstm.loop_forward(*case(), lengths)


def test_module_errors():
    module, x, state = triton_lstm.LSTM(4, 5, num_layers=2), torch.zeros(6, 3, 4), torch.zeros(1, 3, 5)
    with pytest.raises(ValueError, match=re.escape("LSTM: expected h0 of shape (LD=2, B=3, n=5), got (1, 3, 5)")):
        module(x, (state, state))
    with pytest.raises(ValueError, match=re.escape("expected the states to be a pair (h0, c0), got Tensor")):
        module(x, state)
    with pytest.raises(ValueError, match="LSTM: expected num_layers to be an integer of at least 1, got 0"):
        triton_lstm.LSTM(4, 5, num_layers=0)


def test_same_initialisation_from_the_same_seed():
    built = []
    for make in (triton_lstm.LSTM, torch.nn.LSTM):
        torch.manual_seed(5)
        built.append(make(4, 5, num_layers=2).state_dict())
    assert list(built[0]) == list(built[1]) and all(torch.equal(built[0][k], v) for k, v in built[1].items())
