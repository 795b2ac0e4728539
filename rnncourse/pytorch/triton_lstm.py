"""An LSTM whose whole sequence is one kernel, in Triton: W is read once and stays on the chip. For CUDA, n ≤ 128.

A loop of kernels reads W again at every step and waits for each launch. Here one program takes ROWS sequences of the
batch from the first step to the last, with W in shared memory, the state and the cell in registers. What it gives up: a
program uses one multiprocessor, so a small batch leaves most of the device idle. W of float32 with n > 64, or of n > 64
on a device with little shared memory, does not fit: then it is read again at every step, from cache.

* Forward: the input's part of all steps is one matrix product before; each step is four products and the gates.
* Backward: the kernel goes back through the steps and stores the gates' errors δ; the gradients of the weights are
  one product each afterwards, over all steps.
* Products add up in float32 and the cell stays in float32, whatever the dtype of the weights.
* Sequences may have different lengths. They are dealt out by length, and each program stops at its own longest.
* T and B are values, not constants of the kernel: another length compiles nothing. n and the dtype are constants.

The formulas are those of ``rnncourse.reference.lstm``. Without Triton or CUDA ``LSTM`` warns and computes with
``rnncourse.pytorch.fused``. TRITON_INTERPRET=1, set before the import, runs the kernels on the CPU, for tests.
m = input size, n = hidden size, T = steps, B = batch.
"""

import os
import warnings

import torch

from rnncourse.checks import shapes
from rnncourse.pytorch import fused, lstm
from rnncourse.pytorch.layers import pair, run

try:
    import triton
    import triton.language as tl
    from triton.language import constexpr
except ImportError:
    triton, constexpr = None, None

LARGEST = 128
ROWS = 16  # sequences of one program: the least that Triton's product takes
OTHERS = 24 * 1024  # bytes of shared memory that a program needs beside W
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


def jit(kernel):
    return kernel if triton is None else triton.jit(kernel, do_not_specialize=["T", "B"])


def inline(function):
    return function if triton is None else triton.jit(function)


# ---- the kernels -------------------------------------------------------------------------------------------
# N is n rounded up to a power of two, as Triton's blocks must be; what lies beyond n is masked, and zero.


@inline
def sigmoid(a):
    e = tl.exp(-tl.abs(a))  # never above 1: nothing overflows
    return tl.where(a >= 0, 1.0, e) / (1.0 + e)


@inline
def tanh(a):
    e = tl.exp(-2.0 * tl.abs(a))
    return tl.where(a >= 0, 1.0 - e, e - 1.0) / (1.0 + e)


@inline
def rows_and_steps(lengths, order, T, B, ROWS: constexpr, RAGGED: constexpr):
    """Which sequences this program has, how long each is, and the longest of them."""
    place = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = place < B
    if RAGGED:
        row = tl.load(order + place, mask=inside, other=0)
        length = tl.load(lengths + row, mask=inside, other=0)
        steps = tl.max(length, axis=0)
    else:
        row = place.to(tl.int64)
        length = tl.where(inside, T, 0)
        steps = T
    return row, length, steps


@inline
def block_of(W, gate: constexpr, n: constexpr, N: constexpr, TURNED: constexpr):
    """The rows of one gate in W (4n, n), as a block (N, N); TURNED: transposed."""
    a, b = tl.arange(0, N)[:, None], tl.arange(0, N)[None, :]
    offset = (gate * n + b) * n + a if TURNED else (gate * n + a) * n + b
    return tl.load(W + offset, mask=(a < n) & (b < n), other=0.0)


@inline
def product(a, b, first, PRECISION: constexpr, WIDEN: constexpr):
    """first + a @ b, added up in float32."""
    if WIDEN:  # Triton's interpreter multiplies the bits of bfloat16; in float32 it is exact
        a, b = a.to(tl.float32), b.to(tl.float32)
    return tl.dot(a, b, first, input_precision=PRECISION)


@jit
def forward_kernel(
    gates,  # (T, B, 4n): in, U x_t + b; out, the gates after their squashing, if KEEP
    W,  # (4n, n)
    h0,  # (B, n)
    c0,  # (B, n)
    lengths,  # (B,) int64
    order,  # (B,) int64: the sequences, the longest first
    hs,  # (T, B, n), of zeros if RAGGED
    h_T,  # (B, n)
    c_T,  # (B, n)
    cs,  # (T+1, B, n) float32, filled if KEEP
    T,
    B,
    n: constexpr,
    N: constexpr,
    ROWS: constexpr,
    RAGGED: constexpr,
    KEEP: constexpr,
    STAYS: constexpr,  # W on the chip for the whole sequence
    PRECISION: constexpr,
    WIDEN: constexpr,
):
    row, length, steps = rows_and_steps(lengths, order, T, B, ROWS, RAGGED)
    unit = tl.arange(0, N)
    inside = (tl.program_id(0) * ROWS + tl.arange(0, ROWS) < B)[:, None] & (unit < n)[None, :]
    state = row[:, None] * n + unit[None, :]
    gate = row[:, None] * (4 * n) + unit[None, :]
    h = tl.load(h0 + state, mask=inside, other=0.0)
    c = tl.load(c0 + state, mask=inside, other=0.0).to(tl.float32)
    if KEEP:
        tl.store(cs + state, c, mask=inside)
    if STAYS:
        W_i = block_of(W, 0, n, N, True)
        W_f = block_of(W, 1, n, N, True)
        W_g = block_of(W, 2, n, N, True)
        W_o = block_of(W, 3, n, N, True)
    for t in range(steps):
        at = gates + gate
        net_i = tl.load(at, mask=inside, other=0.0).to(tl.float32)
        net_f = tl.load(at + n, mask=inside, other=0.0).to(tl.float32)
        net_g = tl.load(at + 2 * n, mask=inside, other=0.0).to(tl.float32)
        net_o = tl.load(at + 3 * n, mask=inside, other=0.0).to(tl.float32)
        i = sigmoid(product(h, W_i if STAYS else block_of(W, 0, n, N, True), net_i, PRECISION, WIDEN))
        f = sigmoid(product(h, W_f if STAYS else block_of(W, 1, n, N, True), net_f, PRECISION, WIDEN))
        g = tanh(product(h, W_g if STAYS else block_of(W, 2, n, N, True), net_g, PRECISION, WIDEN))
        o = sigmoid(product(h, W_o if STAYS else block_of(W, 3, n, N, True), net_o, PRECISION, WIDEN))
        live = inside & (t < length)[:, None]
        c = tl.where(live, f * c + i * g, c)
        h = tl.where(live, (o * tanh(c)).to(h.dtype), h)
        tl.store(hs + state, h, mask=live)
        if KEEP:
            tl.store(at, i.to(h.dtype), mask=live)
            tl.store(at + n, f.to(h.dtype), mask=live)
            tl.store(at + 2 * n, g.to(h.dtype), mask=live)
            tl.store(at + 3 * n, o.to(h.dtype), mask=live)
            cs += B * n
            tl.store(cs + state, c, mask=inside)
        hs += B * n
        gates += B * n * 4
    state = row[:, None] * n + unit[None, :]
    tl.store(h_T + state, h, mask=inside)
    tl.store(c_T + state, c.to(h.dtype), mask=inside)


@jit
def backward_kernel(
    dhs,  # (T, B, n)
    dh_T,  # (B, n)
    dc_T,  # (B, n)
    W,  # (4n, n)
    lengths,
    order,
    gates,  # (T, B, 4n)
    cs,  # (T+1, B, n)
    delta,  # (T, B, 4n), of zeros if RAGGED
    dh0,  # (B, n)
    dc0,  # (B, n)
    T,
    B,
    n: constexpr,
    N: constexpr,
    ROWS: constexpr,
    RAGGED: constexpr,
    STAYS: constexpr,
    PRECISION: constexpr,
    WIDEN: constexpr,
):
    row, length, steps = rows_and_steps(lengths, order, T, B, ROWS, RAGGED)
    unit = tl.arange(0, N)
    inside = (tl.program_id(0) * ROWS + tl.arange(0, ROWS) < B)[:, None] & (unit < n)[None, :]
    state = row[:, None] * n + unit[None, :]
    gate = row[:, None] * (4 * n) + unit[None, :]
    dh = tl.load(dh_T + state, mask=inside, other=0.0).to(tl.float32)
    dc = tl.load(dc_T + state, mask=inside, other=0.0).to(tl.float32)
    if STAYS:
        W_i = block_of(W, 0, n, N, False)
        W_f = block_of(W, 1, n, N, False)
        W_g = block_of(W, 2, n, N, False)
        W_o = block_of(W, 3, n, N, False)
    last = (steps - 1).to(tl.int64) * B * n
    dhs += last
    cs += last
    gates += last * 4
    delta += last * 4
    for back in range(steps):
        live = inside & (steps - 1 - back < length)[:, None]
        i = tl.load(gates + gate, mask=live, other=0.0).to(tl.float32)
        f = tl.load(gates + gate + n, mask=live, other=0.0).to(tl.float32)
        g = tl.load(gates + gate + 2 * n, mask=live, other=0.0).to(tl.float32)
        o = tl.load(gates + gate + 3 * n, mask=live, other=0.0).to(tl.float32)
        before = tl.load(cs + state, mask=live, other=0.0)
        tanh_c = tanh(tl.load(cs + B * n + state, mask=live, other=0.0))
        dh_t = dh + tl.load(dhs + state, mask=live, other=0.0).to(tl.float32)
        dc_t = dc + dh_t * o * (1.0 - tanh_c * tanh_c)
        # Zero for a sequence that has ended: its gates were read as zeros.
        of_i = (dc_t * g * i * (1.0 - i)).to(delta.dtype.element_ty)
        of_f = (dc_t * before * f * (1.0 - f)).to(delta.dtype.element_ty)
        of_g = (dc_t * i * (1.0 - g * g)).to(delta.dtype.element_ty)
        of_o = (dh_t * tanh_c * o * (1.0 - o)).to(delta.dtype.element_ty)
        tl.store(delta + gate, of_i, mask=live)
        tl.store(delta + gate + n, of_f, mask=live)
        tl.store(delta + gate + 2 * n, of_g, mask=live)
        tl.store(delta + gate + 3 * n, of_o, mask=live)
        through_W = product(of_i, W_i if STAYS else block_of(W, 0, n, N, False), tl.zeros_like(dh), PRECISION, WIDEN)
        through_W = product(of_f, W_f if STAYS else block_of(W, 1, n, N, False), through_W, PRECISION, WIDEN)
        through_W = product(of_g, W_g if STAYS else block_of(W, 2, n, N, False), through_W, PRECISION, WIDEN)
        through_W = product(of_o, W_o if STAYS else block_of(W, 3, n, N, False), through_W, PRECISION, WIDEN)
        dh = tl.where(live, through_W, dh)
        dc = tl.where(live, dc_t * f, dc)
        dhs -= B * n
        cs -= B * n
        gates -= B * n * 4
        delta -= B * n * 4
    tl.store(dh0 + state, dh.to(dh0.dtype.element_ty), mask=inside)
    tl.store(dc0 + state, dc.to(dc0.dtype.element_ty), mask=inside)


# ---- around them -------------------------------------------------------------------------------------------


def missing(device, dtype, n):
    """Why the kernels cannot run there, in words; None if they can."""
    if triton is None:
        return "Triton is not installed (pip install triton; Linux)"
    if dtype not in DTYPES:
        return f"the dtype is {dtype}; the kernels take float32, float16 and bfloat16"
    if n > LARGEST:
        return f"n is {n}; W stays on the chip up to n = {LARGEST}"
    if torch.device(device).type != "cuda" and not INTERPRETED:
        return f"the device is {device}; the kernels run on CUDA"
    return None


def room(device):
    """Bytes of shared memory that a program may have there; what an H100 has, where no device is asked."""
    if device.type != "cuda":
        return 227 * 1024
    return getattr(torch.cuda.get_device_properties(device), "shared_memory_per_block_optin", 99 * 1024)


def settings(W, lengths):
    """Constants of the kernels, and the order in which the sequences are dealt out."""
    n = W.shape[1]
    N = max(16, 1 << (n - 1).bit_length())
    tf32 = W.is_cuda and torch.backends.cuda.matmul.allow_tf32
    order = W.new_zeros(1, dtype=torch.int64) if lengths is None else lengths.argsort(descending=True)
    constants = {
        "n": n,
        "N": N,
        "ROWS": ROWS,
        "RAGGED": lengths is not None,
        "STAYS": 4 * N * N * W.element_size() + OTHERS <= room(W.device),
        "PRECISION": "tf32" if tf32 else "ieee",
        "WIDEN": INTERPRETED and W.dtype == torch.bfloat16,
        "num_stages": 1,  # no room beside W for the loads of the next steps
        "num_warps": 8 if N > 64 else 4,
    }
    return constants, order


def launch(kernel, B, *arguments, **constants):
    if B:
        kernel[(-(-B // ROWS),)](*arguments, **constants)


def steps(x, h0, c0, U, W, b, lengths, keep):
    """hs, h_T, c_T; and the gates and the cells for the backward pass, the cells empty without ``keep``."""
    T, B, n = *x.shape[:2], W.shape[1]
    constants, order = settings(W, lengths)
    gates = torch.addmm(b, x.flatten(0, 1), U.T).view(T, B, 4 * n)
    hs = (x.new_empty if lengths is None else x.new_zeros)(T, B, n)
    h_T, c_T = x.new_empty(B, n), x.new_empty(B, n)
    cs = x.new_empty(T + 1 if keep else 0, B, n, dtype=torch.float32)
    known = order if lengths is None else lengths
    states = h0.contiguous(), c0.contiguous(), known, order
    launch(forward_kernel, B, gates, W.contiguous(), *states, hs, h_T, c_T, cs, T, B, KEEP=keep, **constants)
    return hs, h_T, c_T, gates, cs


class LSTMFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, h0, c0, U, W, b, lengths):
        hs, h_T, c_T, gates, cs = steps(x, h0, c0, U, W, b, lengths, keep=True)
        ctx.save_for_backward(x, h0, U, W, hs, gates, cs)
        ctx.lengths = lengths
        return hs, h_T, c_T

    @staticmethod
    @fused.once
    def backward(ctx, dhs, dh_T, dc_T):
        x, h0, U, W, hs, gates, cs = ctx.saved_tensors
        needs_x, _, _, needs_U, needs_W, needs_b, _ = ctx.needs_input_grad
        (T, B, _), (constants, order) = hs.shape, settings(W, ctx.lengths)
        delta = torch.empty_like(gates) if ctx.lengths is None else torch.zeros_like(gates)
        dh0, dc0 = torch.empty_like(dh_T, memory_format=torch.contiguous_format), torch.empty_like(cs[0], dtype=x.dtype)
        known = order if ctx.lengths is None else ctx.lengths
        given = (a.contiguous() for a in (dhs, dh_T, dc_T, W))
        launch(backward_kernel, B, *given, known, order, gates, cs, delta, dh0, dc0, T, B, **constants)
        all_delta = delta.flatten(0, 1)
        return (
            fused.product(all_delta, U).view(x.shape) if needs_x else None,
            dh0,
            dc0,
            fused.product(all_delta.T, x.flatten(0, 1)) if needs_U else None,
            fused.sum_of_products(delta, h0, hs) if needs_W else None,
            all_delta.sum(0) if needs_b else None,
            None,
        )


def check_lengths(lengths, x):
    T, B = x.shape[:2]
    if not isinstance(lengths, torch.Tensor) or lengths.dtype != torch.int64 or lengths.shape != (B,):
        got = f"{lengths.dtype} {tuple(lengths.shape)}" if isinstance(lengths, torch.Tensor) else lengths
        raise ValueError(f"triton_lstm: expected lengths to be a tensor of int64, of shape (B={B},), got {got}")
    if lengths.device != x.device:
        raise ValueError(f"triton_lstm: expected lengths on {x.device}, as x is, got {lengths.device}")
    if B and not (0 <= lengths.min() and lengths.max() <= T):
        raise ValueError(f"triton_lstm: expected lengths in 0 … T = {T}, got {lengths.min()} … {lengths.max()}")


@shapes(U="4n m", W="4n n", b="4n", x="T B m", h0="B n", c0="B n")
def forward(x, h0, c0, U, W, b, lengths=None):
    """``rnncourse.pytorch.lstm.forward`` in one kernel, for sequences of one length or of several.

    x (T, B, m), h0 and c0 (B, n). lengths (B,) int64, on the device of x: how many steps each sequence has; None: T.
    Returns hs (T, B, n), zero beyond a sequence's end, and the states h_T and c_T (B, n) at each one's own end. Nothing
    beyond an end has a gradient, nor what stands there a part in another's.
    Raises ValueError for shapes, dtypes, devices, values or lengths that do not fit, and where the kernels cannot run.
    """
    reason = missing(x.device, x.dtype, W.shape[1])
    if reason:
        raise ValueError(f"triton_lstm.forward: {reason}")
    if lengths is not None:
        check_lengths(lengths, x)
    if fused.recorded(x, h0, c0, U, W, b):
        return LSTMFunction.apply(x, h0, c0, U, W, b, lengths)
    return steps(x, h0, c0, U, W, b, lengths, keep=False)[:3]


def loop_forward(x, h0, c0, U, W, b, lengths=None):
    """What ``forward`` computes, step by step, on any device and in any dtype; autograd has the backward pass."""
    if lengths is None:
        return fused.lstm_forward(x, h0, c0, U, W, b)
    check_lengths(lengths, x)
    h, c, hs = h0, c0, []
    for t, x_t in enumerate(x):
        live = (t < lengths)[:, None]
        h_t, c_t = lstm.step(x_t, h, c, U, W, b)
        h, c = torch.where(live, h_t, h), torch.where(live, c_t, c)
        hs.append(torch.where(live, h_t, 0))
    return torch.stack(hs) if hs else x.new_empty(0, *h0.shape), h, c


class LSTM(lstm.LSTM):
    """``torch.nn.LSTM`` of one direction, for n ≤ 128 in one kernel a layer, with sequences of different lengths.

    input_size is m, hidden_size is n, num_layers is L; parameter names, initialisation and ``load_state_dict`` as in
    torch.
    forward(x, (h0, c0)=None, lengths=None): x (T, B, m); h0 and c0 (L, B, n), zero if left out; lengths (B,) int64, T
    if left out. Returns hs (T, B, n), zero beyond each end, and the states (h_T, c_T) at each end, each (L, B, n): what
    packing, torch.nn.LSTM and unpacking return.
    Where the kernels cannot run it warns, says why, and computes the same without them.
    Raises ValueError for sizes below 1, and for shapes, dtypes, devices, values or lengths that do not fit.
    """

    def __init__(self, input_size, hidden_size, num_layers=1, device=None, dtype=None):
        super().__init__(input_size, hidden_size, num_layers, device=device, dtype=dtype)

    def forward(self, x, states=None, lengths=None):
        h0, c0 = pair(states, "LSTM")
        weight = self.weight_ih_l0
        reason = missing(weight.device, weight.dtype, self.hidden_size)
        compute = loop_forward if reason else forward
        layer = lambda x, h0, c0, U, W, b_ih, b_hh: compute(x, h0, c0, U, W, b_ih + b_hh, lengths)  # noqa: E731
        hs, h_T, c_T = run(self, x, layer, h0=h0, c0=c0)
        if reason:
            warnings.warn(f"triton_lstm.LSTM computes without its kernels: {reason}", stacklevel=2)
        return hs, (h_T, c_T)
