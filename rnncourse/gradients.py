"""Is a gradient right, and how far back does it reach?

Checks: finite differences along random directions, relative error. Through time: the gradient with respect to
every earlier state, the Jacobian of a step, products of Jacobians and their singular values, the largest
Lyapunov exponent.

A ``cell`` is a module from either package: ``rnncourse.reference.rnn``, ``gru`` or ``lstm`` with NumPy arrays,
or ``rnncourse.pytorch.rnn``, ``gru`` or ``lstm`` with tensors. ``weights`` is what its ``step`` takes after the
state: (U, W, b), or (U, W, b, f) for a simple network with an f other than tanh. Results are NumPy arrays of the
input's dtype, whichever package; float32 for bfloat16, which NumPy does not have.

An LSTM has two states. Where a function takes h0 it takes the pair (h0, c0), where dh_T the pair (dh_T, dc_T),
and what it says of n is true of the two laid end to end, h first: 2n numbers.

m = input size, n = hidden size, T = steps, B = batch.
"""

import numpy as np

from rnncourse.checks import check, check_array, check_finite, check_sizes, shapes

# ---- is it right? ------------------------------------------------------------------------------------------


def relative_error(a, b):
    """How far two arrays are apart, by the measure of their largest entry:  max|a − b| / max(max|a|, max|b|).

    0 if they are equal, also if both are all zero or empty; 1 if only one is all zero; never above 2.
    Symmetric. The largest entry is the measure for all entries: one that cancels to almost zero carries
    rounding errors of the size of its neighbours', and divided by itself would look wrong.
    a, b: NumPy arrays, tensors or numbers of any dtype, of the same shape, compared in float64. Returns a float.
    Raises ValueError for different shapes and for NaN or infinity.
    Source: the notes of CS231n, "Gradient checks", https://cs231n.github.io/neural-networks-3/, entry by
    entry there.
    """
    a, b = as_numpy(a), as_numpy(b)
    if a.shape != b.shape:
        raise ValueError(f"gradients.relative_error: expected b of shape {a.shape}, as a has, got {b.shape}")
    for name, array in (("a", a), ("b", b)):
        check_finite(name, array, "gradients.relative_error")
    wide = complex if np.iscomplexobj(a) or np.iscomplexobj(b) else float
    a, b = a.astype(wide), b.astype(wide)  # in uint8 a difference wraps around, in float16 it can overflow
    scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    if scale > 1:
        a, b, scale = a / 2, b / 2, scale / 2  # exact, and no difference overflows
    return float(np.abs(a - b).max() / scale) if scale else 0.0


def random_direction(arrays, rng):
    """A direction in the space of all entries of ``arrays`` together: uniform on the sphere of radius 1.

    arrays: list or NamedTuple of arrays or tensors; rng: numpy Generator. Returns a list of NumPy arrays of
    their shapes. Raises ValueError if there is no entry.
    """
    direction = [rng.normal(size=tuple(array.shape)) for array in arrays]
    if not any(d.size for d in direction):
        raise ValueError("gradients.random_direction: expected arrays with at least one entry, got none")
    length = np.sqrt(sum(np.sum(d * d) for d in direction))
    return [d / length for d in direction]


def finite_difference(loss, arrays, direction, step=1e-5):
    """The slope of ``loss`` along a direction,  (loss(a + ε d) − loss(a − ε d)) / 2ε,  with ε = step.

    loss: a function of as many arguments as there are arrays, which returns one number. arrays: list or
    NamedTuple of float64 arrays or tensors. direction: a list of their shapes; a unit vector gives one entry
    of the gradient. The error is about ε² f‴/6 from the formula and 10⁻¹⁶ |f| / ε from rounding: 10⁻⁵ keeps
    both near 10⁻¹¹.
    Returns a float. Raises ValueError for arrays that are not float64, where the rounding would drown the
    slope, for non-finite entries, for a direction of other shapes, and for a step that is not above 0.
    """
    where = "gradients.finite_difference"
    if not step > 0:
        raise ValueError(f"{where}: expected step above 0, got {step}")
    arrays = check_float64(arrays, where)
    expected, got = [tuple(a.shape) for a in arrays], [np.shape(d) for d in direction]
    if got != expected:
        raise ValueError(f"{where}: expected a direction of shapes {expected}, got {got}")
    moves = [like(a, step * np.asarray(d)) for a, d in zip(arrays, direction, strict=True)]
    ahead = loss(*(a + move for a, move in zip(arrays, moves, strict=True)))
    behind = loss(*(a - move for a, move in zip(arrays, moves, strict=True)))
    return float(as_numpy(ahead) - as_numpy(behind)) / (2 * step)


def gradient_error(loss, arrays, grads, rng, directions=10, step=1e-5):
    """The relative error of a gradient along random directions: finite differences against  Σ ⟨grad, d⟩.

    loss, arrays: as for ``finite_difference``; grads: ∂loss/∂ of each array, in order; rng: numpy Generator.
    A correct gradient gives about 10⁻⁹; a wrong one as much as its part in the whole is wrong. All arrays
    move at once, so give one array alone where a small gradient could hide behind large ones. Where a step of
    ε crosses a kink, as ReLU has, a correct gradient looks wrong, too.
    Returns a float, ``relative_error`` over the directions. Raises ValueError as ``finite_difference`` does, and
    where nothing would be compared: no directions, or arrays without an entry.
    """
    check_sizes("gradients.gradient_error", directions=directions)
    arrays = check_float64(arrays, "gradients.gradient_error")
    grads = [as_numpy(g) for g in grads]
    ours, expected = [g.shape for g in grads], [tuple(a.shape) for a in arrays]
    if ours != expected:
        raise ValueError(f"gradients.gradient_error: expected grads of shapes {expected}, got {ours}")
    measured, claimed = [], []
    for _ in range(directions):
        direction = random_direction(arrays, rng)
        measured.append(finite_difference(loss, arrays, direction, step))
        claimed.append(sum(np.sum(g * d) for g, d in zip(grads, direction, strict=True)))
    return relative_error(measured, claimed)


# ---- how far back does it reach? ---------------------------------------------------------------------------


def gradient_flow(cell, x, h0, weights, dh_T):
    """The gradient of a loss on the last state with respect to every state before it.

        ∂L/∂h_{t−1} = J_tᵀ ∂L/∂h_t,   J_t = ∂h_t/∂h_{t−1},   t = T … 1

    x (T, B, m), h0 (B, n), dh_T (B, n) = ∂L/∂h_T. Returns (T+1, B, n): entry t is ∂L/∂h_t, the last is dh_T.
    Raises ValueError for shapes, dtypes or values that do not fit.
    Source: Pascanu, Mikolov and Bengio (2013), arXiv:1211.5063.
    """
    check_states("gradients.gradient_flow", cell, "T B m", x=x, h0=h0, dh_T=dh_T)
    before = states(cell, x, h0, weights)
    flow = [joined(dh_T)]
    for t in reversed(range(len(x))):
        flow.append(pull_back(cell, x[t], [part[t] for part in before], weights, flow[-1]))
    return np.stack(flow[::-1])


def jacobian(cell, x, h, weights):
    """The Jacobian of one step,  J_ij = ∂(h_t)_i / ∂(h_{t−1})_j;  in the simple network  diag(f′(net_t)) W.

    x (B, m) is x_t and h (B, n) is h_{t−1}. Returns (B, n, n), one matrix for each item of the batch, exact:
    row i is the backward pass of the unit vector e_i. Raises ValueError for shapes, dtypes or values that do not
    fit.
    """
    check_states("gradients.jacobian", cell, "B m", x=x, h=h)
    B, n = joined(h).shape
    item = np.repeat(np.arange(B), n)  # n copies of every item, one for each row of its Jacobian
    rows = pull_back(cell, x[item], [part[item] for part in parts(h)], weights, np.tile(np.eye(n), (B, 1)))
    return rows.reshape(B, n, n)


def jacobians(cell, x, h0, weights):
    """The Jacobians of all steps, at the states that the network goes through when it reads x.

    x (T, B, m), h0 (B, n). Returns (T, B, n, n): entry t is ∂h_{t+1}/∂h_t, with h_0 = h0.
    Raises ValueError for shapes, dtypes or values that do not fit.
    """
    check_states("gradients.jacobians", cell, "T B m", x=x, h0=h0)
    T, B, m = x.shape
    # The states are known, so the steps need not wait for each other: all are items of one batch.
    before = [part[:-1].reshape(T * B, part.shape[-1]) for part in states(cell, x, h0, weights)]
    J = jacobian(cell, x.reshape(T * B, m), like_state(h0, before), weights)
    return J.reshape(T, B, *J.shape[1:])


@shapes(J="T B n n")
def products(J):
    """The products of Jacobians from the end of time:  P_t = J_{T−1} ⋯ J_{t+1} J_t = ∂h_T/∂h_t,  P_T = 1.

    J (T, B, n, n), NumPy, as ``jacobians`` returns it. Returns (T+1, B, n, n). ∂L/∂h_t = P_tᵀ ∂L/∂h_T.
    Source: Pascanu, Mikolov and Bengio (2013), arXiv:1211.5063.
    """
    T, B, n, _ = J.shape
    P = np.empty((T + 1, B, n, n), J.dtype)
    P[T] = np.eye(n)
    for t in reversed(range(T)):
        P[t] = P[t + 1] @ J[t]
    return P


@shapes(J="T B n n")
def singular_values(J):
    """The singular values of ∂h_T/∂h_t for every t: the most and the least that a gradient grows back to h_t.

    J (T, B, n, n), as ``jacobians`` returns it. Returns (T+1, B, n), largest first; the last entry is all 1.
    What is below about 10⁻¹⁶ of the largest (float64) is rounding. Of float16 they are float32.
    """
    P = products(J)
    return np.linalg.svd(P.astype(np.promote_types(P.dtype, np.float32)), compute_uv=False)


def lyapunov(cell, x, h0, weights, discard=0):
    """The largest Lyapunov exponent: the mean growth of a small difference between two states, per step.

        λ = lim 1/T · log ‖J_{T−1} ⋯ J_0 v‖,   T → ∞
        here   1/(T−d) · Σ_{t≥d} log ‖J_t v_t‖   with   v_{t+1} = J_t v_t / ‖J_t v_t‖

    Below 0 differences die, above 0 they grow. The same factor e^λ per step governs gradients in the backward pass.
    x (T, B, m): zeros for the network left to itself; h0 (B, n). discard = d: the first d steps let the state
    and v find their course and are not counted. v starts in a fixed random direction and is brought back to
    length 1 at every step, so nothing overflows however large T is.
    Returns (B,), in nats per step; −∞ where a difference dies altogether.
    Raises ValueError for shapes, dtypes or values that do not fit, no steps, and a discard outside 0 … T−1.
    Source: Benettin, Galgani, Giorgilli and Strelcyn (1980), part 2, doi:10.1007/BF02128237; for recurrent
    networks Vogt et al. (2020), arXiv:2006.14123.
    """
    check_states("gradients.lyapunov", cell, "T B m", x=x, h0=h0)
    if not len(x):
        raise ValueError("gradients.lyapunov: expected at least one step in x, got none")
    if discard not in range(len(x)):
        raise ValueError(f"gradients.lyapunov: expected discard in 0 … {len(x) - 1}, got {discard}")
    v = np.random.default_rng(0).normal(size=joined(h0).shape)
    v /= np.linalg.norm(v, axis=-1, keepdims=True)
    total = np.zeros(len(v))
    before, block = states(cell, x, h0, weights), 50
    for t in range(len(x)):
        if t % block == 0:  # many Jacobians at once, for speed, but not all, for memory
            J = jacobians(cell, x[t : t + block], like_state(h0, [part[t] for part in before]), weights)
        v = np.einsum("bij,bj->bi", J[t % block], v)
        growth = np.linalg.norm(v, axis=-1)
        v = v / np.where(growth > 0, growth, 1)[:, None]
        if t >= discard:
            with np.errstate(divide="ignore"):  # log 0 = −∞ is the answer
                total += np.log(growth)
    return total / (len(x) - discard)


# ---- what both packages need -------------------------------------------------------------------------------


def states(cell, x, h0, weights):
    """h_0 … h_T along x, a list of one array (T+1, B, n) of the kind of h0; for an LSTM two, of h and of c."""
    if isinstance(h0, tuple | list):
        pairs = [h0]
        for x_t in x:
            pairs.append(tuple(cell.step(x_t, *pairs[-1], *weights)))
        return [like(h0[0], np.stack([as_numpy(part) for part in column])) for column in zip(*pairs, strict=True)]
    hs = cell.forward(x, h0, *weights)[0]
    return [like(h0, np.concatenate([as_numpy(h0)[None], as_numpy(hs)]))]


def pull_back(cell, x_t, state, weights, d):
    """J_tᵀ d: a gradient taken back through one step. Only here it matters whose the cell is.

    state: a list of one part, or of two for an LSTM; d (B, n), or (B, 2n), and so the result.
    """
    d = [like(part, values) for part, values in zip(state, np.split(d, len(state), axis=-1), strict=True)]
    if is_tensor(state[0]):
        import torch  # here, so that the reference runs where torch is not installed

        with torch.enable_grad():
            state = [part.detach().requires_grad_() for part in state]
            grads = torch.autograd.grad(parts(cell.step(x_t, *state, *weights)), state, d)
        return joined(grads)
    hs, *_, cache = cell.forward(x_t[None], *state, *weights)
    grads = cell.backward(np.zeros_like(hs), *d, cache)
    return joined([getattr(grads, name) for name in ("h0", "c0")[: len(state)]])


def parts(state):
    """One state or several, as a list."""
    return list(state) if isinstance(state, tuple | list) else [state]


def joined(state):
    """One state or several, laid end to end: a NumPy array (…, n) or (…, 2n)."""
    return np.concatenate([as_numpy(part) for part in parts(state)], axis=-1)


def like_state(h0, new):
    """The list ``new`` as ``h0`` is given: a pair as a pair, one state bare."""
    return tuple(new) if isinstance(h0, tuple | list) else new[0]


def check_states(where, cell, shape, x, **given):
    """Hold x to ``shape`` and every state or pair of states to (B, n), as ``checks.shapes`` does.

    The cell's step says whether it must be a pair, if it declares its shapes; else the first state given does.
    """
    arrays, specs = {"x": x}, {"x": shape}
    step, first = getattr(cell, "step", None), next(iter(given.values()))
    pair = "c" in step.shapes if hasattr(step, "shapes") else isinstance(first, tuple | list)
    for name, state in given.items():
        names = [name, name.replace("h", "c")] if pair else [name]
        if isinstance(state, tuple | list) != pair or len(parts(state)) != len(names):
            wanted = f"the pair ({', '.join(names)})" if pair else "one array"
            got = f" of length {len(state)}" if isinstance(state, tuple | list) else ""
            raise ValueError(f"{where}: expected {name} to be {wanted}, got {type(state).__name__}{got}")
        arrays |= zip(names, parts(state), strict=True)
        specs |= dict.fromkeys(names, "B n")
    check(arrays, specs, where)


def is_tensor(array):
    return hasattr(array, "detach")


def as_numpy(array):
    """A NumPy array of the same dtype; float32 for bfloat16 and float8, which NumPy does not have."""
    if not is_tensor(array):
        return np.asarray(array)
    array = array.detach().cpu()
    return (array.float() if "bfloat16" in str(array.dtype) or "float8" in str(array.dtype) else array).numpy()


def like(array, values):
    """NumPy ``values`` as the kind, dtype and device of ``array``."""
    return array.new_tensor(values) if is_tensor(array) else np.asarray(values, array.dtype)


def check_float64(arrays, where):
    arrays = list(arrays)
    for i, array in enumerate(arrays):
        check_array(f"arrays[{i}]", array, where)
        if not str(array.dtype).endswith("float64"):
            raise ValueError(f"{where}: expected arrays[{i}] of dtype float64, got {array.dtype}")
        check_finite(f"arrays[{i}]", array, where)
    return arrays
