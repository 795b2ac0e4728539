"""What the three fused cells share: autograd's derivatives in place, arrays, and products over all steps."""

import functools

import torch

# Autograd's own derivatives, each one pass over memory: d ⊙ y(1 − y), d ⊙ (1 − y²) and d ⊙ (y > 0).
by_sigmoid = torch.ops.aten.sigmoid_backward.grad_input
by_tanh = torch.ops.aten.tanh_backward.grad_input
by_relu = torch.ops.aten.threshold_backward.grad_input

CACHED = 2**18  # numbers: as many as a processor keeps close by
PAGE = 4096  # bytes


def once(backward):
    """A backward pass that says so if its result is to be differentiated again, which autograd learns only here."""

    @functools.wraps(backward)
    def checked(ctx, *cotangents):
        if torch.is_grad_enabled():  # so it is for create_graph=True, and only then
            raise RuntimeError("the fused cells have no second derivative: take those of rnncourse.pytorch instead")
        return backward(ctx, *cotangents)

    return checked


def blocks(T, numbers):
    """Slices of the steps 0 … T−1, the last first, each of as many steps as fit the cache; a step has ``numbers``."""
    size = max(1, CACHED // max(numbers, 1))
    return [slice(max(stop - size, 0), stop) for stop in range(T, 0, -size)]


def recorded(*arrays):
    """Will autograd want the gradient of one of these?"""
    return torch.is_grad_enabled() and any(array.requires_grad for array in arrays)


def rows(like, *shape):
    """An empty array of this shape, whose rows do not lie whole pages apart.

    A matrix product reads down the rows. If they are pages apart, all fall on the same few lines of the cache and
    push each other out. So such rows get a gap.
    """
    row = shape[-1]
    return like.new_empty(*shape[:-1], row + 16 * (row * like.element_size() % PAGE == 0))[..., :row]


def transposed(W):
    return rows(W, *W.T.shape).copy_(W.T)


def input_part(x, U, b, out):
    """U x_t + b for all steps in one product: x (T, B, m), U (k, m), b (k,) → out (T, B, k)."""
    torch.addmm(b, x.flatten(0, 1), U.T, out=out.flatten(0, 1))
    return out


def gates_of(a, k):
    """The k gates in a (T, B, k·n), as views (T, B, n)."""
    return a.unflatten(-1, (k, -1)).unbind(2)


def product(A, B):
    """A @ B, which autocast leaves alone."""
    return torch.mm(A, B, out=A.new_empty(len(A), B.shape[1]))


def last(hs, h0):
    return (hs[-1] if len(hs) else h0).clone()


def sum_of_products(delta, h0, hs):
    """Σ_t δ_t h_{t−1}ᵀ: delta (T, B, k), h0 (B, n), hs (T, B, n) → (k, n)."""
    if not len(hs):
        return hs.new_zeros(delta.shape[2], hs.shape[2])
    return product(delta[1:].flatten(0, 1).T, hs[:-1].flatten(0, 1)).addmm_(delta[0].T, h0)
