"""What a network costs: parameters, operations, memory, and how many products have to wait for one another."""

from rnncourse.checks import check_sizes, shapes

PRODUCTS = ("Mm", "Mv", "Addmm", "Addmv", "Bmm", "Baddbmm", "Dot", "Convolution")


def parameters(module):
    """The number of trainable numbers in a torch module. Raises ValueError for anything else."""
    if not hasattr(module, "parameters"):
        raise ValueError(f"counting.parameters: expected a torch module, got {type(module).__name__}")
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


@shapes(x="T B m")
def receptive_field(predict, x):
    """How many of the T inputs have a gradient other than exactly 0 in the sum of the output ``predict(x)``.

    x (T, B, m), a torch tensor. What is counted is what arrives in floating point: an influence that falls below the
    smallest number of the dtype is not there.
    """
    x = x.detach().clone().requires_grad_()
    predict(x).sum().backward()
    return int(x.grad.abs().flatten(1).sum(1).count_nonzero())


def sequential_steps(output):
    """The longest chain of matrix products or convolutions, each needing the one before, that led to ``output``.

    Reads the graph that autograd recorded, which it walks with its own stack: the chain can be longer than Python's.
    Raises ValueError for a tensor without a graph.
    """
    if getattr(output, "grad_fn", None) is None:
        raise ValueError(
            "counting.sequential_steps: expected a tensor computed from parameters, got one without a graph"
        )
    longest, stack = {}, [output.grad_fn]
    while stack:
        node = stack[-1]
        below = [n for n, _ in node.next_functions if n is not None]
        waiting = [n for n in below if n not in longest]
        if waiting:
            stack += waiting
            continue
        longest[node] = max((longest[n] for n in below), default=0) + node.name().startswith(PRODUCTS)
        stack.pop()
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
    if biases not in (0, 1, 2):
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
    if directions not in (1, 2):
        raise ValueError(f"counting.stack: expected directions to be 1 or 2, got {directions!r}")
    inputs = [m] + [directions * (n if r is None else r)] * (layers - 1)
    return [directions * cell(kind, below, n, biases, r) for below in inputs]


def hidden_size(kind, m, budget, biases=1, r=None):
    """The largest n for which ``cell(kind, m, n, biases, r)`` stays within ``budget``. To compare at equal parameters.

    Raises ValueError as ``cell`` does, and for a budget that even one unit exceeds.
    """
    least = cell(kind, m, 1, biases, r)
    if budget < least:
        raise ValueError(f"counting.hidden_size: expected a budget of at least {least}, for n=1, got {budget!r}")
    low, high = 1, 2
    while cell(kind, m, high, biases, r) <= budget:
        low, high = high, 2 * high
    while high - low > 1:  # low fits, high does not
        middle = (low + high) // 2
        low, high = (middle, high) if cell(kind, m, middle, biases, r) <= budget else (low, middle)
    return low


def flops(kind, m, n, r=None):
    """Floating-point operations of one step for one sequence, forward:  2 k n (m + n),  and 2 r n for a projection.

    Counted are the products of matrices, a multiplication and an addition for each weight; what the gates do
    entry by entry is left out: it grows with n, the products with n (m + n). A backward pass takes twice as
    much: one product for the state or input, one for the weight. Raises ValueError as ``cell`` does.
    """
    bare = cell(kind, m, n, biases=0, r=r)  # every weight of a matrix is used once; peepholes are no matrix
    return 2 * (bare - 3 * n if kind == "peephole" else bare)


def stored(kind, m, n, T, B=1):
    """How many numbers the reference keeps from the forward pass for the way back. Times 4 they are bytes in float32.

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
