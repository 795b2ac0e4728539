"""Which part of the LSTM's gradient teaches? Chapter 2.2's task, trained again and again, ten seeds at a time.

    python benchmarks/forget_gate.py [--quick] [--resume] [--out FILE]

The task: one of four countries, a number of filler words, "speak"; the network names the country's language. 32 units,
32 fresh sentences a step. The ten networks of a row are stacked along an axis of their own and trained at once; seed s
draws its initial weights (torch.manual_seed(s), as torch.nn does it) and its sentences (numpy's generator s). Groups:

    paths       20 fillers, 400 steps of Adam, gradients clipped to length 1. All of the gradient; only the path along
                the cell state (h detached in the gates); all but that path (the difference of the first two); only the
                path through W at every step (c detached beside the forget gate); and, along the cell path, forget gates
                that act as with one bias in the forward pass and as with another in the backward pass. Words one-hot;
                and dense, the 13 words as the rows of an orthogonal matrix; dense with a U of its own for the first
                word. Once in float64 with Adam's epsilon 1e-30, not 1e-8, so that the smallest gradients count.
    optimiser   forget bias 2: SGD, clipped and not; clipped SGD with parts of the gradient.
    simple      a tanh network on the same task.
    bias        forget biases 1 and 5, and the gradient of the last step only (h and c detached at every step: no
                gradient goes back in time), which is what the networks learn without any of the paths.
    longer      1,200 steps instead of 400, two to four rates: settings in which fewer than ten networks learned.

Each setting runs at every learning rate of its grid. A row of the report is one setting at one rate: the accuracy of
each seed on 1,000 fresh sentences, and its longest gradient, before clipping. "Learned" is an accuracy of at least
0.99. Everything is written as JSON to rnncourse/data/measured, row by row, from where the chapter reads it. About 15
minutes on one thread; --resume keeps the rows that are there. --quick: two seeds, two steps, to see that it runs;
written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import platform

import numpy as np
import torch
from torch.nn.functional import cross_entropy

import rnncourse
from rnncourse.data import recorded

COUNTRIES, FILLERS, UNITS, BATCH, SEEDS = 4, 8, 32, 32, 10
WORDS = COUNTRIES + FILLERS + 1
LEARNED = 0.99
ADAM, SGD = [0.001, 0.003, 0.01, 0.03], [0.03, 0.1, 0.3, 1.0]  # learning rates
RESULTS = recorded.FOLDER / "forget_gate.json"

SETTING = {
    "cell": "LSTM",  # or "RNN"
    "forget_bias": None,  # of every unit before training; None leaves what torch draws
    "gradient": "all",  # or "cell path only", "all but the cell path", "W at every step", "last step only"
    "backward_bias": None,  # the forget gate of the backward pass acts as if its initial bias had been this
    "words": "one-hot",  # or "dense"
    "first_U": False,  # True: the first word is read by a U of its own, equal to the other before training
    "fillers": 20,
    "optimiser": "Adam",  # or "SGD"
    "epsilon": 1e-8,
    "clip": 1.0,  # or None
    "steps": 400,
}
PARTS = ("cell path only", "all but the cell path", "W at every step", "last step only")
ONLY, REST, HOPS, LAST = ({"gradient": name} for name in PARTS)
LONGER = 1200  # steps


def settings():
    """Every setting with its group, its learning rates left out."""
    for chosen in (
        {"forget_bias": 2},
        {"forget_bias": 0},
        {"forget_bias": 2} | ONLY,
        {"forget_bias": 2} | REST,
        {"words": "dense", "forget_bias": 2, "backward_bias": 0} | ONLY,
        {"words": "dense", "forget_bias": 2} | ONLY,
        {"words": "dense", "forget_bias": 0, "backward_bias": 2} | ONLY,
        {"forget_bias": 0, "backward_bias": 2} | ONLY,
        {"forget_bias": 2, "backward_bias": 0} | ONLY,
        {"forget_bias": 0} | ONLY,
        {"words": "dense", "forget_bias": 0} | ONLY,
        {"words": "dense", "forget_bias": 2, "backward_bias": 0, "first_U": True} | ONLY,
        {"forget_bias": 2} | HOPS,
        {"forget_bias": 2, "epsilon": 1e-30} | HOPS,
    ):
        yield "paths", chosen
    for clip in (None, 1.0):
        yield "optimiser", {"forget_bias": 2, "optimiser": "SGD", "clip": clip}
    for chosen in (ONLY, ONLY | {"backward_bias": 0}):
        yield "optimiser", {"forget_bias": 2, "optimiser": "SGD"} | chosen
    yield "simple", {"cell": "RNN"}
    for chosen in ({"forget_bias": 1}, {"forget_bias": 5}, {"forget_bias": 2} | LAST, {"forget_bias": 0} | LAST):
        yield "bias", chosen
    for chosen in (
        {"forget_bias": 0},
        {"forget_bias": 1},
        {"forget_bias": 2} | LAST,
        {"forget_bias": 2} | HOPS,
        {"forget_bias": 2, "epsilon": 1e-30} | HOPS,
        {"forget_bias": 2, "epsilon": 1e-30} | LAST,
        {"forget_bias": 0} | ONLY,
        {"words": "dense", "forget_bias": 0} | ONLY,
        {"forget_bias": 0, "backward_bias": 2} | ONLY,
        {"words": "dense", "forget_bias": 0, "backward_bias": 2} | ONLY,
        {"words": "dense", "forget_bias": 2, "backward_bias": 0} | ONLY,
        {"forget_bias": 2, "optimiser": "SGD", "clip": None},
        {"forget_bias": 2, "optimiser": "SGD"} | ONLY,
        {"forget_bias": 2, "backward_bias": 0, "optimiser": "SGD"} | ONLY,
    ):
        yield "longer", chosen | {"steps": LONGER}


# ---- the task and the networks -----------------------------------------------------------------------------


def sentences(generator, B, d, vectors):
    """x (d + 2, B, 13), each word a row of ``vectors``, and the language (B,); as in chapters 1.4 and 2.2."""
    country = generator.integers(COUNTRIES, size=B)
    middle = COUNTRIES + generator.integers(FILLERS, size=(d, B))
    words = np.vstack([country, middle, np.full(B, WORDS - 1)])
    return vectors[torch.tensor(words)], torch.tensor(country)


def dense():
    """One vector for each word, the rows of an orthogonal matrix (13, 13)."""
    return torch.tensor(np.linalg.qr(np.random.default_rng(5).normal(size=(WORDS, WORDS)))[0])


def initial(setting, seeds, dtype):
    """U (S, kn, m), W (S, kn, n), b (S, 1, kn), V (S, 4, n), b_y (S, 1, 4): S networks, stacked; last the first U."""
    networks, n = [], UNITS
    for seed in range(seeds):
        torch.manual_seed(seed)
        net, out = getattr(torch.nn, setting["cell"])(WORDS, n), torch.nn.Linear(n, COUNTRIES)
        b = (net.bias_ih_l0 + net.bias_hh_l0).detach()
        if setting["forget_bias"] is not None:
            b[n : 2 * n] = setting["forget_bias"]
        networks.append([net.weight_ih_l0, net.weight_hh_l0, b[None], out.weight, out.bias[None]])
    stacked = [torch.stack([w.detach() for w in same]).to(dtype) for same in zip(*networks, strict=True)]
    if setting["first_U"]:
        stacked.append(stacked[0].clone())
    return [w.requires_grad_() for w in stacked]


def step(net, h, c, W, setting):
    """One step of all networks; net (S, B, kn) is what input and bias give the gates."""
    if setting["cell"] == "RNN":
        return torch.tanh(net + h @ W.mT), c
    seen = h.detach() if setting["gradient"] in ("cell path only", "last step only") else h
    kept = c.detach() if setting["gradient"] in ("W at every step", "last step only") else c
    net_i, net_f, net_g, net_o = (net + seen @ W.mT).chunk(4, -1)
    i, f, g, o = net_i.sigmoid(), net_f.sigmoid(), net_g.tanh(), net_o.sigmoid()
    if setting["backward_bias"] is None:
        c = f * kept + i * g
    else:  # the value is f ⊙ c; its derivative by f is c as ever, and its derivative by c is another gate
        other = torch.sigmoid(net_f + setting["backward_bias"] - setting["forget_bias"]).detach()
        c = f * c.detach() + other * (c - c.detach()) + i * g
    return o * torch.tanh(c), c


def scores(x, weights, setting):
    """x (T, S, B, 13) → (S, B, 4)."""
    U, W, b, V, b_y, *first = weights
    h = c = x.new_zeros(*x.shape[1:3], UNITS)
    nets = x @ U.mT + b
    if first:
        nets = torch.cat([x[:1] @ first[0].mT + b, nets[1:]])
    for net in nets:
        h, c = step(net, h, c, W, setting)
    return h @ V.mT + b_y


def gradient(x, y, weights, setting):
    """The gradient, or the chosen part of it, of the loss of every network; each touches its own weights only."""
    if setting["gradient"] == "all but the cell path":  # U, W and b; the output layer comes after all paths
        whole, only = (gradient(x, y, weights, setting | {"gradient": part}) for part in ("all", "cell path only"))
        return [a - b for a, b in zip(whole[:3], only[:3], strict=True)] + list(whole[3:])
    said = scores(x, weights, setting)
    loss = cross_entropy(said.flatten(0, 1), y.flatten()) * len(y)
    return torch.autograd.grad(loss, weights)


def train(setting, rate, seeds=SEEDS):
    """The accuracy of every seed after training, and its longest gradient before clipping."""
    dtype = torch.float64 if setting["epsilon"] < 1e-8 else torch.float32
    weights = initial(setting, seeds, dtype)
    vectors = (dense() if setting["words"] == "dense" else torch.eye(WORDS, dtype=torch.float64)).to(dtype)
    generators = [np.random.default_rng(seed) for seed in range(seeds)]
    if setting["optimiser"] == "Adam":
        optimiser = torch.optim.Adam(weights, lr=rate, eps=setting["epsilon"])
    else:
        optimiser = torch.optim.SGD(weights, lr=rate)
    longest = torch.zeros(seeds, dtype=dtype)
    for _ in range(setting["steps"]):
        xs, ys = zip(*(sentences(g, BATCH, setting["fillers"], vectors) for g in generators), strict=True)
        grads = gradient(torch.stack(xs, 1), torch.stack(ys), weights, setting)
        length = sum(g.square().sum((1, 2)) for g in grads).sqrt()
        longest = torch.maximum(longest, length)
        shorten = (setting["clip"] / (length + 1e-6)).clamp(max=1) if setting["clip"] else torch.ones_like(length)
        for w, g in zip(weights, grads, strict=True):
            w.grad = g * shorten[:, None, None]
        optimiser.step()
    x, y = sentences(np.random.default_rng(99), 1000, setting["fillers"], vectors)
    with torch.no_grad():
        said = scores(x[:, None].expand(-1, seeds, -1, -1), weights, setting)
    accuracy = (said.argmax(-1) == y).double().mean(1).tolist()
    return [round(a, 3) for a in accuracy], [float(f"{value:.3g}") for value in longest.tolist()]


# ---- the report --------------------------------------------------------------------------------------------


def rates_of(setting):
    """The grid of learning rates, with more on top where the best would else lie at its edge.

    With 1,200 steps: the rates of the grid that had taught most in 400 steps, or all four where none had taught.
    """
    if setting["steps"] == LONGER:
        if setting["optimiser"] == "SGD":
            return [0.01, 0.03, 0.1] if setting["clip"] is None else SGD[1:3]
        if setting["epsilon"] < 1e-8:
            return ADAM[1:]
        whole = setting["forget_bias"] == 0 and setting["gradient"] == "all" or setting["gradient"] == "last step only"
        return ADAM if whole else ADAM[:3]
    if setting["optimiser"] == "SGD":
        return [0.01, *SGD] if setting["clip"] is None else SGD
    more = [0.1, 0.3] if setting["epsilon"] < 1e-8 else [0.1] if setting["cell"] == "RNN" else []
    return ADAM + more


def results(quick, known=()):
    """One row for each setting and learning rate, in order; those in ``known`` are not measured again."""
    for group, chosen in settings():
        setting = SETTING | chosen
        rates = rates_of(setting)
        if quick:
            setting |= {"steps": 2, "fillers": 2}
            rates = rates[:1]
        for rate in rates:
            found = [row for row in known if setting.items() <= row.items() and row["rate"] == rate]
            if found:
                known_values = {key: found[0][key] for key in ("accuracy", "learned", "longest")}
                yield {"group": group, **setting, "rate": rate, **known_values}
                continue
            accuracy, longest = train(setting, rate, 2 if quick else SEEDS)
            learned = sum(a >= LEARNED for a in accuracy)
            measured = {"accuracy": accuracy, "learned": learned, "longest": longest}
            yield {"group": group, **setting, "rate": rate, **measured}


def describe(row):
    what = ", ".join(f"{key} {row[key]}" for key in SETTING if row[key] != SETTING[key])
    return f"{row['group']:9} rate {row['rate']:<6} learned {row['learned']:2}  {what}"


def main():
    parser = common.parser(__doc__, RESULTS, "two seeds, two steps, one rate")
    parser.add_argument("--resume", action="store_true", help="keep the rows that the file has, measure the others")
    options = parser.parse_args()
    torch.set_num_threads(1)
    out = common.destination(options, RESULTS)
    known = common.rows(out) if options.resume else []
    report = {
        "date": common.today(),
        "machine": {"kind": platform.machine(), "threads": 1},
        "versions": common.versions(rnncourse, np, torch),
        "seeds": 2 if options.quick else SEEDS,
        "defaults": SETTING,
        "learned": f"accuracy of at least {LEARNED} on 1,000 fresh sentences",
        "rows": [],
    }
    for row in results(options.quick, known):
        report["rows"].append(row)
        print(describe(row), flush=True)
        if row not in known:
            common.write(out, report)
    common.write(out, report)


if __name__ == "__main__":
    main()
