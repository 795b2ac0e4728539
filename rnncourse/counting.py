"""What a network costs: parameters, operations, memory, and how many products have to wait for one another."""

import math
import re

from rnncourse.checks import check_finite, check_sizes, shapes

# The names of autograd's nodes, without Backward and the number that only torch's own have: MmBackward0.
PRODUCTS = frozenset("""
    Mm Mv Addmm Addmv Bmm Baddbmm Addbmm Dot Vdot Linear Trilinear Convolution MpsConvolution
""".split())  # fmt: skip
OTHERS = frozenset("""
    AccumulateGrad CopySlices CopyBackwards Clone ToCopy Fill Zero Alias Detach
    View UnsafeView ReshapeAlias AsStrided T Transpose Permute Squeeze Unsqueeze Expand Repeat Select Slice Split
    SplitWithSizes UnsafeSplit Unbind Stack Cat Flip Roll Rot90 Unfold Im2Col Diagonal DiagEmbed BlockDiag Tril Triu
    Index IndexSelect IndexPut IndexAdd IndexCopy IndexFill Gather Scatter ScatterAdd Take MaskedSelect MaskedFill
    MaskedScatter Where Sort Topk Kthvalue Embedding EmbeddingBag PackPaddedSequence ConstantPadNd ReflectionPad1D
    ReflectionPad2D ReplicationPad1D ReplicationPad2D UpsampleNearest1D UpsampleNearest2D
    Add Sub Rsub Mul Div Neg Pow Exp Exp2 Expm1 Log Log2 Log10 Log1P Sqrt Rsqrt Reciprocal Abs Sign Sgn Floor Ceil Round
    Remainder Sin Cos Tan Sinh Cosh Atan Atan2 Asinh Erf Sinc Hypot Xlogy Logaddexp Lerp Addcmul Addcdiv Addr NanToNum
    Clamp ClampMin ClampMax Maximum Minimum Tanh Sigmoid LogSigmoid Relu LeakyRelu PreluKernel RreluWithNoise Elu Celu
    Gelu Silu Mish Glu Softplus Softshrink Hardshrink Hardtanh Hardsigmoid Hardswish Threshold NativeDropout
    ThnnFusedLstmCell ThnnFusedGruCell
    Sum Nansum Mean Prod Max Min Amax Amin Aminmax Median Var Std VarMean StdMean Norm LinalgVectorNorm Trace Logsumexp
    Softmax SafeSoftmax LogSoftmax Cumsum Cumprod Logcumsumexp NativeLayerNorm NativeBatchNorm NativeGroupNorm
    CudnnBatchNorm FusedRmsNorm MaxPool2DWithIndices AvgPool2D AdaptiveAvgPool2D AdaptiveMaxPool2D
    NllLoss NllLoss2D MseLoss SmoothL1Loss HuberLoss BinaryCrossEntropy BinaryCrossEntropyWithLogits KlDiv
""".split())  # fmt: skip


def parameters(module):
    """The number of trainable numbers in a torch module. Raises ValueError for anything else."""
    if not callable(getattr(module, "parameters", None)):
        raise ValueError(f"counting.parameters: expected a torch module, got {type(module).__name__}")
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


@shapes(x="T B m")
def receptive_field(predict, x):
    """How many of the T inputs have a gradient other than exactly 0 in the output ``predict(x)``.

    x (T, B, m), a torch tensor. What is counted is what arrives in floating point: an influence that falls below the
    smallest number of the dtype is not there. The gradient is that of a weighted sum of all outputs, with weights from
    1 to 2: a plain sum of probabilities is always 1. Parameters get no gradient. Raises ValueError for a gradient that
    is not finite.
    """
    import torch  # here, so that the closed forms need no torch

    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        y = predict(x)
        if not isinstance(y, torch.Tensor):
            raise ValueError(f"counting.receptive_field: expected a tensor from predict(x), got {type(y).__name__}")
        if not y.requires_grad:
            return 0
        weights = torch.linspace(1, 2, y.numel(), dtype=y.dtype, device=y.device).reshape(y.shape)
        (grad,) = torch.autograd.grad(y, x, weights, allow_unused=True)
    if grad is None:
        return 0
    check_finite("the gradient", grad, "counting.receptive_field")
    return int(grad.abs().flatten(1).sum(1).count_nonzero())


def sequential_steps(output):
    """The longest chain of matrix products or convolutions, each needing the one before, that led to ``output``.

    Reads the graph that autograd recorded, which it walks with its own stack: the chain can be longer than Python's.
    What was computed without a gradient is not in the graph. Raises ValueError for a tensor without a graph, and for
    operations of which it does not know how many products wait inside: a cell or attention that runs in one call, such
    as torch.nn.LSTM in float32, does not show its steps; a loop (``rnncourse.pytorch``) does.
    """
    if getattr(output, "grad_fn", None) is None:
        raise ValueError(
            "counting.sequential_steps: expected a tensor computed from parameters, got one without a graph"
        )
    longest, stack, unknown = {}, [output.grad_fn], set()
    while stack:
        node = stack[-1]
        below = [n for n, _ in node.next_functions if n is not None]
        waiting = [n for n in below if n not in longest]
        if waiting:
            stack += waiting
            continue
        name = re.sub(r"Backward\d+$", "", node.name().split("::")[-1])
        if name not in PRODUCTS and name not in OTHERS:
            unknown.add(node.name())
        longest[node] = max((longest[n] for n in below), default=0) + (name in PRODUCTS)
        stack.pop()
    if unknown:
        raise ValueError(
            "counting.sequential_steps: expected products, convolutions and operations that hold none, got "
            f"{', '.join(sorted(unknown))}, which may hold a chain of them; a loop shows its steps"
        )
    return longest[output.grad_fn]


# ---- closed forms ------------------------------------------------------------------------------------------
# m = input size, n = hidden size, T = steps, B = batch. A kind is a key of BLOCKS, an LSTM's relatives included.

BLOCKS = {"rnn": 1, "gru": 3, "lstm": 4, "peephole": 4, "coupled": 3, "shared": 1, "projected": 4}


def cell(kind, m, n, biases=1, r=None):
    """The parameters of one cell:  k (n(m + n) + biases · n), k blocks of rows: 1 RNN, 3 GRU, 4 LSTM.

        rnn, shared   n(m+n) + n             coupled     3(n(m+n) + n)
        lstm          4(n(m+n) + n)          peephole    4(n(m+n) + n) + 3n
        gru           3(n(m+n) + n)          projected   4(n(m+r) + n) + r·n

    biases: 0, 1 or 2 for each block. 1 is the formula of the books and Keras's LSTM; 2 is PyTorch, cuDNN and
    ONNX. A GRU with its reset after the product needs one bias more than 1 gives: the reference's has n more,
    Keras and PyTorch take 2. r: the size of the projection, for "projected" alone, as in torch's proj_size.
    Raises ValueError for an unknown kind, sizes below 1, and an r that is missing or needless.
    """
    where = "counting.cell"
    check_kind(kind, where)
    check_sizes(where, m=m, n=n)
    if isinstance(biases, bool) or biases not in (0, 1, 2):  # torch's bias=True are 2
        raise ValueError(f"{where}: expected biases to be 0, 1 or 2, got {biases!r}")
    if (r is not None) != (kind == "projected"):
        raise ValueError(f"{where}: expected r for 'projected' and for nothing else, got r={r!r} for {kind!r}")
    check_sizes(where, r=n if r is None else r)
    extra = {"peephole": 3 * n, "projected": (r or 0) * n}
    return BLOCKS[kind] * (n * (m + (r or n)) + biases * n) + extra.get(kind, 0)


def stack(kind, m, n, layers=1, directions=1, biases=1, r=None):
    """The parameters of each layer of a stack, from the bottom: a list of ``layers`` numbers.

    Layer 1 reads m features; every other reads what the one below puts out, directions · n numbers a step
    (directions · r from a projection). directions: 1, or 2 for bidirectional, which doubles every layer.
    Raises ValueError as ``cell`` does, and for layers below 1 or directions other than 1 and 2.
    """
    check_sizes("counting.stack", n=n, layers=layers)
    if isinstance(directions, bool) or directions not in (1, 2):
        raise ValueError(f"counting.stack: expected directions to be 1 or 2, got {directions!r}")
    inputs = [m] + [directions * (n if r is None else r)] * (layers - 1)
    return [directions * cell(kind, below, n, biases, r) for below in inputs]


def hidden_size(kind, m, budget, biases=1, r=None):
    """The largest n for which ``cell(kind, m, n, biases, r)`` stays within ``budget``. To compare at equal parameters.

    Raises ValueError as ``cell`` does, and for a budget that even one unit exceeds or that is not finite.
    """
    least = cell(kind, m, 1, biases, r)
    if not least <= budget < math.inf:
        raise ValueError(f"counting.hidden_size: expected a budget of at least {least}, for n=1, got {budget!r}")
    low, high = 1, 2
    while cell(kind, m, high, biases, r) <= budget:
        low, high = high, 2 * high
    while high - low > 1:  # low fits, high does not
        middle = (low + high) // 2
        low, high = (middle, high) if cell(kind, m, middle, biases, r) <= budget else (low, middle)
    return low


def flops(kind, m, n, r=None):
    """Floating-point operations of one step for one sequence, in the forward pass:  2 k n (m + n).

        with a projection from n to r numbers, which the next step reads:  2 k n (m + r) + 2 r n

    Counted are the products of matrices, a multiplication and an addition for each weight; what the gates do
    entry by entry is left out: it grows with n, the products with n (m + n). A backward pass takes twice as
    much: one product for the state or input, one for the weight. Raises ValueError as ``cell`` does.
    """
    bare = cell(kind, m, n, biases=0, r=r)  # every weight of a matrix is used once; peepholes are no matrix
    return 2 * (bare - 3 * n if kind == "peephole" else bare)


def stored(kind, m, n, T, B=1):
    """How many numbers the reference keeps from the forward pass for the backward pass. Times 4: bytes in float32.

        rnn    T B m + (T+1) B n                        x and the states
        gru    T B m + (T+1) B n + 4 T B n              x, states, three gates, the candidate's inner product
        lstm   T B m + 2 (T+1) B n + 5 T B n            x, states, cells, four gates, tanh of the cell

    The weights, which the cache refers to but does not copy, are not in it. Raises ValueError for another kind
    and for sizes below 1; T may be 0.
    """
    if kind not in ("rnn", "gru", "lstm"):
        raise ValueError(f"counting.stored: expected kind to be 'rnn', 'gru' or 'lstm', got {kind!r}")
    check_sizes("counting.stored", m=m, n=n, B=B)
    check_sizes("counting.stored", least=0, T=T)
    states, steps = {"rnn": (1, 0), "gru": (1, 4), "lstm": (2, 5)}[kind]
    return T * B * m + states * (T + 1) * B * n + steps * T * B * n


def check_kind(kind, where):
    if kind not in BLOCKS:
        raise ValueError(f"{where}: expected kind to be one of {', '.join(BLOCKS)}, got {kind!r}")
