"""The gated recurrent unit (Cho et al. 2014): two gates, one state.

    r = σ(U_r x_t + b_r + W_r h_{t−1})                      reset gate
    z = σ(U_z x_t + b_z + W_z h_{t−1})                      update gate
    g = tanh(U_g x_t + b_g + r ⊙ (W_g h_{t−1} + b_n))       candidate, reset after the product: PyTorch, cuDNN
    g = tanh(U_g x_t + b_g + W_g (r ⊙ h_{t−1}) + b_n)       candidate, reset before the product: the paper
    h_t = (1 − z) ⊙ g + z ⊙ h_{t−1},                        t = 1 … T

m = input size, n = hidden size, T = steps, B = batch. The three blocks are stacked in the rows of U, W and b, n
rows each, in PyTorch's order: r, z, g. The letters mean the values after squashing; before it, net. PyTorch calls
the candidate n; here n is the size, and only the candidate's second bias keeps the letter: b_n is PyTorch's b_hn,
which r multiplies if the reset comes after the product. If the reset comes before it, b_g + b_n is all that counts.

Here z keeps the old state, as in Cho et al. and in PyTorch. In Chung et al. (2014), arXiv:1412.3555, z lets the
new state in: h_t = (1 − z) ⊙ h_{t−1} + z ⊙ g. That is the same family: σ(−a) = 1 − σ(a), so negate the rows of z in
U, W and b.
"""

from typing import Any, NamedTuple

import numpy as np

from rnncourse.checks import check, shapes
from rnncourse.reference.ops import gate_scales, sigmoid, split, tanh
from rnncourse.reference.torch_weights import one_layer

RESETS = ("after", "before")


class Weights(NamedTuple):
    """U (3n, m) from input, W (3n, n) from state, b (3n,), b_n (n,): 3(n(m+n)+n) + n numbers."""

    U: np.ndarray
    W: np.ndarray
    b: np.ndarray
    b_n: np.ndarray


class Grads(NamedTuple):
    """∂L/∂ of the arguments of ``forward``, in their order and of their shapes."""

    x: np.ndarray
    h0: np.ndarray
    U: np.ndarray
    W: np.ndarray
    b: np.ndarray
    b_n: np.ndarray


class Cache(NamedTuple):
    """What the backward pass needs.

    x (T, B, m); h (T+1, B, n), the states 0 … T; gates (T, B, 3n), which are r, z and g;
    inner (T, B, n): W_g h_{t−1} + b_n if the reset comes after the product, r ⊙ h_{t−1} if before; U, W and which.
    """

    x: np.ndarray
    h: np.ndarray
    gates: np.ndarray
    inner: np.ndarray
    U: np.ndarray
    W: np.ndarray
    reset: Any


@shapes(U="3n m", W="3n n", b="3n", b_n="n", x="... m", h="... n")
def step(x, h, U, W, b, b_n):
    """One step, reset after the product: h_t = (1 − z) ⊙ g + z ⊙ h_{t−1},
    g = tanh(U_g x_t + b_g + r ⊙ (W_g h_{t−1} + b_n)).

    x (..., m) is x_t and h (..., n) is h_{t−1}: one vector each, or a batch of them.
    Returns h_t (..., n).
    Raises ValueError for shapes, dtypes or values that do not fit.
    Source: the first version of Cho et al. (2014), https://arxiv.org/abs/1406.1078v1; the
    documentation of ``torch.nn.GRU``.
    """
    net_r, net_z, net_g = split(x @ U.T + b, 3)  # the input's part
    W_r, W_z, W_g = split(W.T, 3)
    r = sigmoid(net_r + h @ W_r)
    z = sigmoid(net_z + h @ W_z)
    g = tanh(net_g + r * (h @ W_g + b_n))
    return (1 - z) * g + z * h


@shapes(U="3n m", W="3n n", b="3n", b_n="n", x="... m", h="... n")
def step_before(x, h, U, W, b, b_n):
    """One step, reset before the product: h_t = (1 − z) ⊙ g + z ⊙ h_{t−1},
    g = tanh(U_g x_t + b_g + W_g (r ⊙ h_{t−1}) + b_n).

    Arguments, result and errors as for ``step``.
    Source: Cho et al. (2014), arXiv:1406.1078, equations 5 to 8.
    """
    net_r, net_z, net_g = split(x @ U.T + b, 3)  # the input's part
    W_r, W_z, W_g = split(W.T, 3)
    r = sigmoid(net_r + h @ W_r)
    z = sigmoid(net_z + h @ W_z)
    g = tanh(net_g + (r * h) @ W_g + b_n)
    return (1 - z) * g + z * h


@shapes(U="3n m", W="3n n", b="3n", b_n="n", x="T B m", h0="B n")
def forward(x, h0, U, W, b, b_n, reset="after"):
    """All steps: hs[t] = step(x[t], hs[t−1]) for reset="after", step_before(…) for "before".

    x (T, B, m), h0 (B, n), U (3n, m), W (3n, n), b (3n,), b_n (n,).
    Returns hs (T, B, n), the last state h_T (B, n), and the cache for ``backward``. They share
    memory: copy hs before you write to it. T = 0 is allowed: hs is empty and h_T is h0. A gate
    differs from that of ``step`` by at most one rounding error of a number near 1, not of its
    own: see ``ops.gate_scales``.
    Raises ValueError for another reset, and for shapes, dtypes or values that do not fit.
    """
    if reset not in RESETS:
        raise ValueError(f"gru.forward: expected reset to be 'after' or 'before', got {reset!r}")
    (T, B, m), n = x.shape, h0.shape[1]
    h, inner = np.empty((T + 1, B, n), x.dtype), np.empty((T, B, n), x.dtype)
    h[0] = h0
    scale = gate_scales("sst", n, x.dtype)
    U_half, W_half = U.T * scale, np.ascontiguousarray(W.T * scale)
    W_rz, W_g = np.ascontiguousarray(W_half[:, : 2 * n]), np.ascontiguousarray(W_half[:, 2 * n :])
    gates = (x.reshape(T * B, m) @ U_half).reshape(T, B, 3 * n)  # the input's part, all steps at once
    gates += b * scale
    r, z, g = np.moveaxis(gates.reshape(T, B, 3, n), 2, 0)  # views: they fill as the loop goes
    for t in range(T):
        Wh = h[t] @ (W_half if reset == "after" else W_rz)
        rz = gates[t, :, : 2 * n]
        rz += Wh[:, : 2 * n]
        np.tanh(rz, out=rz)
        rz *= 0.5
        rz += 0.5  # ½ + ½ tanh(a/2) = σ(a)
        if reset == "after":
            np.add(Wh[:, 2 * n :], b_n, out=inner[t])
            g[t] += r[t] * inner[t]
        else:
            np.multiply(r[t], h[t], out=inner[t])
            g[t] += inner[t] @ W_g + b_n
        np.tanh(g[t], out=g[t])
        np.add(g[t], z[t] * (h[t] - g[t]), out=h[t + 1])
    return h[1:], h[T], Cache(x, h, gates, inner, U, W, reset)


def backward(dhs, dh_T, cache):
    """Backpropagation through time, for ``forward``:

        dh_t = ∂L/∂h_t directly + what comes back to h_t from step t+1
        δ_z = dh_t ⊙ (h_{t−1} − g) ⊙ z(1−z),   δ_g = dh_t ⊙ (1−z) ⊙ (1−g²)
        reset after the product, with a = W_g h_{t−1} + b_n:
            δ_r = δ_g ⊙ a ⊙ r(1−r)
            back to h_{t−1}: z ⊙ dh_t + W_rᵀδ_r + W_zᵀδ_z + W_gᵀ(r ⊙ δ_g)
            dW_g = Σ_t (r ⊙ δ_g) h_{t−1}ᵀ,  db_n = Σ_t r ⊙ δ_g
        reset before the product:
            δ_r = W_gᵀδ_g ⊙ h_{t−1} ⊙ r(1−r)
            back to h_{t−1}: z ⊙ dh_t + W_rᵀδ_r + W_zᵀδ_z + r ⊙ W_gᵀδ_g
            dW_g = Σ_t δ_g (r ⊙ h_{t−1})ᵀ,  db_n = Σ_t δ_g
        dW_r = Σ_t δ_r h_{t−1}ᵀ,  dW_z = Σ_t δ_z h_{t−1}ᵀ
        dU = Σ_t [δ_r δ_z δ_g] x_tᵀ,  db = Σ_t [δ_r δ_z δ_g],  dx_t = Uᵀ[δ_r δ_z δ_g]

    All letters without an index are those of step t; each δ is an error of net, that is,
    before the squashing. dhs (T, B, n) is ∂L/∂hs and dh_T (B, n) is ∂L/∂h_T, each counting only
    the direct use of that output.
    Returns Grads(x, h0, U, W, b, b_n).
    Raises ValueError for shapes, dtypes or values that do not fit the cache.
    """
    x, h, gates, inner, U, W, reset = cache
    check({"hs": h[1:], "dhs": dhs, "dh_T": dh_T}, {"hs": "T B n", "dhs": "T B n", "dh_T": "B n"}, "gru.backward")
    (T, B, m), n = x.shape, W.shape[1]
    r, z, g = np.moveaxis(gates.reshape(T, B, 3, n), 2, 0)
    delta = np.empty((T, B, 3 * n), x.dtype)  # of r, z, g: what the input's side sees
    # of r, z and the candidate's recurrent product: what the state's side sees. The same
    # if the reset comes before the product.
    delta_W = np.empty_like(delta) if reset == "after" else delta
    of_r, of_z, of_g = np.moveaxis(delta.reshape(T, B, 3, n), 2, 0)
    W_rz, W_g = W[: 2 * n], W[2 * n :]
    dh = dh_T
    for t in reversed(range(T)):
        dh = dh + dhs[t]
        np.multiply(dh * (h[t] - g[t]), z[t] * (1 - z[t]), out=of_z[t])
        np.multiply(dh * (1 - z[t]), 1 - g[t] * g[t], out=of_g[t])
        if reset == "after":
            np.multiply(of_g[t] * inner[t], r[t] * (1 - r[t]), out=of_r[t])
            delta_W[t, :, : 2 * n] = delta[t, :, : 2 * n]
            np.multiply(r[t], of_g[t], out=delta_W[t, :, 2 * n :])
            dh = z[t] * dh + delta_W[t] @ W
        else:
            back = of_g[t] @ W_g
            np.multiply(back * h[t], r[t] * (1 - r[t]), out=of_r[t])
            dh = z[t] * dh + delta[t, :, : 2 * n] @ W_rz + r[t] * back
    rows, rows_W, before = delta.reshape(T * B, 3 * n), delta_W.reshape(T * B, 3 * n), h[:-1].reshape(T * B, n)
    if reset == "after":
        dW = rows_W.T @ before
    else:
        dW = np.concatenate([rows[:, : 2 * n].T @ before, rows[:, 2 * n :].T @ inner.reshape(T * B, n)])
    return Grads(
        x=(rows @ U).reshape(T, B, m),
        h0=dh if T else dh_T.copy(),
        U=rows.T @ x.reshape(T * B, m),
        W=dW,
        b=rows.sum(axis=0),
        b_n=rows_W[:, 2 * n :].sum(axis=0),
    )


def from_torch(module):
    """The weights of a one-layer, one-direction ``torch.nn.GRU`` (or ``rnncourse.pytorch.GRU``).

    Of torch's two biases those of r and z are only ever added, and here are their sum in b. Those of the
    candidate are two: b_g from ``bias_ih_l0``, b_n from ``bias_hh_l0``. Zero for a module without bias.
    Raises ValueError for more layers, two directions, another kind of module, or a dtype that NumPy does not have
    (bfloat16).
    """
    U, W, b, b_hh = one_layer(module, "GRU", 3)
    n = W.shape[1]
    b[: 2 * n] += b_hh[: 2 * n]
    return Weights(U, W, b, b_hh[2 * n :])


@shapes(U="3n m", W="3n n", b="3n", b_n="n")
def to_torch(U, W, b, b_n):
    """A ``torch.nn.GRU`` with these weights and their dtype, which resets after the product.

    b is its ``bias_ih_l0``; ``bias_hh_l0`` is zero but for b_n. Raises ValueError for other shapes.
    """
    import torch  # here, so that the reference runs where torch is not installed

    module = torch.nn.GRU(U.shape[1], W.shape[1], dtype=torch.from_numpy(U).dtype)
    b_hh = np.concatenate([np.zeros_like(b[: 2 * len(b_n)]), b_n])
    values = {"weight_ih_l0": U, "weight_hh_l0": W, "bias_ih_l0": b, "bias_hh_l0": b_hh}
    module.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in values.items()})
    return module
