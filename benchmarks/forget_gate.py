"""Which path of the LSTM's gradient teaches? Chapter 2.2's task, trained again and again, ten seeds at a time.

    python benchmarks/forget_gate.py [--quick] [--out FILE]

The task: one of four countries, a number of filler words, "speak"; the network names the country's language. 32 units,
32 fresh sentences a step. The ten networks of a row are stacked along an axis of their own and trained at once; seed s
draws its initial weights (torch.manual_seed(s), as torch.nn does it) and its sentences (numpy's generator s). Groups:

    paths       20 fillers, 400 steps of Adam, gradients clipped to length 1. All of the gradient; only the path along
                the cell state (h detached in the gates); everything but that path (c detached beside the forget gate);
                and forget gates that act as with one bias in the forward pass and as with another in the backward
                pass, along the cell state alone. Words one-hot; and dense, the 13 words as the rows of an orthogonal
                matrix. Once in float64 with Adam's epsilon 1e-30, not 1e-8, so that the smallest gradients count.
    clipping    forget bias 2, all of the gradient: SGD and Adam, clipped and not.
    SGD         forget bias 2, clipped SGD: parts of the gradient, as under "paths".
    simple      tanh networks on the same task: PyTorch's initial weights, or an orthogonal W times a gain.
    far         150 fillers, 200 steps of Adam, clipped: LSTMs with several initial biases, and tanh networks.

Each setting runs at every learning rate of its grid. A row of the report is one setting at one rate: the accuracy of
each seed on 1,000 fresh sentences after some of the steps, and its longest gradient, before clipping. "Learned" is an
accuracy of at least 0.99. Everything is written as JSON to rnncourse/data/measured, from where the chapter reads it.
About an hour on one thread; --resume keeps the rows that are there. --quick: two seeds, a step or two, to see that it
runs; written only where --out says.
"""

import os

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
os.environ |= dict.fromkeys(THREADS, "1")  # libraries read this once, when they are first imported

import argparse  # noqa: E402
import datetime  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

import rnncourse  # noqa: E402
from rnncourse.data import recorded  # noqa: E402

COUNTRIES, FILLERS, UNITS, BATCH, SEEDS = 4, 8, 32, 32, 10
WORDS = COUNTRIES + FILLERS + 1
LEARNED = 0.99
ADAM, SGD = [0.0003, 0.001, 0.003, 0.01, 0.03], [0.03, 0.1, 0.3, 1.0]  # learning rates
RESULTS = recorded.FOLDER / "forget_gate.json"

SETTING = {
    "cell": "LSTM",  # or "RNN"
    "forget bias": None,  # of every unit before training; None leaves what torch draws
    "input bias": None,
    "gain": None,  # of an orthogonal W; None leaves what torch draws
    "gradient": "all",  # or "cell only", "cell cut"
    "backward bias": None,  # the forget gate of the backward pass acts as if its initial bias had been this
    "words": "one-hot",  # or "dense"
    "fillers": 20,
    "optimiser": "Adam",  # or "SGD"
    "epsilon": 1e-8,
    "clip": 1.0,  # or None
    "steps": 400,
}


def settings():
    """Every setting with its group, its learning rates left out."""
    for words in ("one-hot", "dense"):
        for bias in (2, 0, 1):
            for gradient in ("all", "cell only", "cell cut"):
                yield "paths", {"words": words, "forget bias": bias, "gradient": gradient}
        for forward, backward in ((2, 0), (0, 2)):
            yield (
                "paths",
                {
                    "words": words,
                    "forget bias": forward,
                    "backward bias": backward,
                    "gradient": "cell only",
                },
            )
    yield "paths", {"forget bias": 2, "gradient": "cell cut", "epsilon": 1e-30}
    for optimiser, clip in (("SGD", None), ("SGD", 1.0), ("Adam", None)):
        yield "clipping", {"forget bias": 2, "optimiser": optimiser, "clip": clip}
    for chosen in ({"gradient": "cell only"}, {"gradient": "cell cut"}, {"gradient": "cell only", "backward bias": 0}):
        yield "SGD", {"forget bias": 2, "optimiser": "SGD"} | chosen
    for gain in (None, 0.9, 1.0, 1.1):
        yield "simple", {"cell": "RNN", "gain": gain}
        yield "far", {"cell": "RNN", "gain": gain, "fillers": 150, "steps": 200}
    for forget, write in ((5, -5), (5, None), (4, -4), (6, -6)):
        yield "far", {"forget bias": forget, "input bias": write, "fillers": 150, "steps": 200}
    yield "far", {"forget bias": 5, "input bias": -5, "gradient": "cell only", "fillers": 150, "steps": 200}


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
    """U (S, kn, m), W (S, kn, n), b (S, 1, kn), V (S, 4, n), b_y (S, 1, 4): S networks, stacked."""
    networks, n = [], UNITS
    for seed in range(seeds):
        torch.manual_seed(seed)
        net, out = getattr(torch.nn, setting["cell"])(WORDS, n), torch.nn.Linear(n, COUNTRIES)
        if setting["gain"]:
            torch.nn.init.orthogonal_(net.weight_hh_l0, setting["gain"])
        b = (net.bias_ih_l0 + net.bias_hh_l0).detach()
        for rows, name in ((slice(n), "input bias"), (slice(n, 2 * n), "forget bias")):
            if setting[name] is not None:
                b[rows] = setting[name]
        networks.append([net.weight_ih_l0, net.weight_hh_l0, b[None], out.weight, out.bias[None]])
    return [torch.stack([w.detach() for w in same]).to(dtype).requires_grad_() for same in zip(*networks, strict=True)]


def step(net, h, c, W, setting):
    """One step of all networks; net (S, B, kn) is what input and bias give the gates."""
    if setting["cell"] == "RNN":
        return torch.tanh(net + h @ W.mT), c
    seen = h.detach() if setting["gradient"] == "cell only" else h
    kept = c.detach() if setting["gradient"] == "cell cut" else c
    net_i, net_f, net_g, net_o = (net + seen @ W.mT).chunk(4, -1)
    i, f, g, o = net_i.sigmoid(), net_f.sigmoid(), net_g.tanh(), net_o.sigmoid()
    if setting["backward bias"] is None:
        c = f * kept + i * g
    else:  # the value is f ⊙ c; its derivative by f is c as ever, and its derivative by c is another gate
        other = torch.sigmoid(net_f + setting["backward bias"] - setting["forget bias"]).detach()
        c = f * c.detach() + other * (c - c.detach()) + i * g
    return o * torch.tanh(c), c


def scores(x, weights, setting):
    """x (T, S, B, 13) → (S, B, 4)."""
    U, W, b, V, b_y = weights
    h = c = x.new_zeros(*x.shape[1:3], UNITS)
    for net in x @ U.mT + b:
        h, c = step(net, h, c, W, setting)
    return h @ V.mT + b_y


def train(setting, rate, seeds=SEEDS, at=(100, 200, 400)):
    """The accuracy of every seed after the steps ``at``, and its longest gradient."""
    dtype = torch.float64 if setting["epsilon"] < 1e-8 else torch.float32
    weights = initial(setting, seeds, dtype)
    vectors = (dense() if setting["words"] == "dense" else torch.eye(WORDS, dtype=torch.float64)).to(dtype)
    generators = [np.random.default_rng(seed) for seed in range(seeds)]
    if setting["optimiser"] == "Adam":
        optimiser = torch.optim.Adam(weights, lr=rate, eps=setting["epsilon"])
    else:
        optimiser = torch.optim.SGD(weights, lr=rate)
    x_test, y_test = sentences(np.random.default_rng(99), 1000, setting["fillers"], vectors)
    accuracy, longest = {}, torch.zeros(seeds, dtype=dtype)
    for count in range(1, setting["steps"] + 1):
        xs, ys = zip(*(sentences(g, BATCH, setting["fillers"], vectors) for g in generators), strict=True)
        said = scores(torch.stack(xs, 1), weights, setting)
        loss = sum(cross_entropy(s, y) for s, y in zip(said, ys, strict=True))  # each touches its own network only
        optimiser.zero_grad()
        loss.backward()
        length = sum(w.grad.square().sum((1, 2)) for w in weights).sqrt()
        longest = torch.maximum(longest, length)
        if setting["clip"]:
            for w in weights:
                w.grad *= (setting["clip"] / (length + 1e-6)).clamp(max=1)[:, None, None]
        optimiser.step()
        if count in at or count == setting["steps"]:
            with torch.no_grad():
                said = scores(x_test[:, None].expand(-1, seeds, -1, -1), weights, setting)
            accuracy[str(count)] = [round(a, 3) for a in (said.argmax(-1) == y_test).double().mean(1).tolist()]
    return accuracy, [float(f"{value:.3g}") for value in longest.tolist()]


# ---- the report --------------------------------------------------------------------------------------------


def results(quick, known=()):
    """One row for each setting and learning rate, in order; those in ``known`` are not measured again."""
    for group, chosen in settings():
        setting = SETTING | chosen
        rates = ADAM if setting["optimiser"] == "Adam" else SGD
        if quick:
            setting |= {"steps": 2, "fillers": min(setting["fillers"], 21) - 18}
            rates = rates[:1]
        for rate in rates:
            found = [row for row in known if setting.items() <= row.items() and row["rate"] == rate]
            if found:
                yield found[0] | {"group": group}
                continue
            accuracy, longest = train(setting, rate, 2 if quick else SEEDS)
            last = accuracy[str(setting["steps"])]
            learned = sum(a >= LEARNED for a in last)
            measured = {"accuracy": accuracy, "learned": learned, "longest gradient": longest}
            yield {"group": group, **setting, "rate": rate, **measured}


def describe(row):
    what = ", ".join(f"{key} {row[key]}" for key in SETTING if row[key] != SETTING[key])
    return f"{row['group']:9} rate {row['rate']:<6} learned {row['learned']:2}  {what}"


def write(report, file):
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = ",\n  ".join(json.dumps(row) for row in report["rows"])  # a line each
    text = json.dumps(report | {"rows": ["…"]}, indent=1, ensure_ascii=False).replace('"…"', rows)
    file.write_text(text + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two seeds, two steps, one rate, to see that it runs")
    parser.add_argument("--out", type=Path, help=f"default: {RESULTS.name} in the package; with --quick: nowhere")
    parser.add_argument("--resume", action="store_true", help="keep the rows that the file has, measure the others")
    options = parser.parse_args()
    torch.set_num_threads(1)
    out = options.out or (None if options.quick else RESULTS)
    known = json.loads(out.read_text(encoding="utf-8"))["rows"] if options.resume and out and out.exists() else []
    report = {
        "date": datetime.date.today().isoformat(),
        "machine": {"kind": platform.machine(), "threads": 1},
        "versions": {
            "python": platform.python_version(),
            **{library.__name__: library.__version__ for library in (rnncourse, np, torch)},
        },
        "seeds": 2 if options.quick else SEEDS,
        "learned": f"accuracy of at least {LEARNED} on 1,000 fresh sentences",
        "rows": [],
    }
    for row in results(options.quick, known):
        report["rows"].append(row)
        print(describe(row), flush=True)
    if out:
        write(report, out)


if __name__ == "__main__":
    main()
