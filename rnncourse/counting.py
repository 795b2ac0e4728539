"""What a network costs: parameters, and how many products have to wait for one another."""

from rnncourse.checks import shapes

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
