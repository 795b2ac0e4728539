"""When does a simple recurrent network learn a word that it read forty words ago? Many seeds of chapter 1.4's task.

    python benchmarks/vanishing_training.py [--quick] [--only TABLE] [--fresh] [--out FILE]

The task: one of four countries, d filler words, "speak"; name the country's language. 32 units, Adam, batches of 32
fresh sentences. Every row of the result is one setting with the accuracy on 1,000 new sentences for each of 20 seeds,
the gradient's length at the first word over that at the last before training, and the longest gradient in training.
Chance is 0.25. Seven tables:

    distances   tanh as PyTorch initialises it, over d and over the number of steps, at one learning rate
    cells       tanh or ReLU × four initialisations × clipped to length 1 or not, at d = 40
    relu        two more initialisations for ReLU, clipped: √2 × an orthogonal matrix, and a permutation
    clipping    three networks, each at one learning rate, clipped or not
    backward    the same forward pass, but the backward pass multiplied by a factor at every step, at d = 40: during
                the whole training, or, with "until", in its first steps only
    longer      one row of the table backward, one of the table cells, trained for more steps
    taggers     chapter 1.1's tagger, 48 seeds: what it holds, and where its state goes when it reads "um" for ever

In the tables cells and relu each setting has its own learning rate, the best of RATES over seeds that the table does
not count: most networks at 0.99 or more, then the higher mean accuracy, then the lower rate. In the table backward all
else stays, so the rate is the best one of the network as it is; what the other rates give is written down, too. The
row with "until" has its own rate, from the same search.

It takes about 45 minutes on one core. Everything is written as JSON, with versions and date, to
rnncourse/data/measured, from where the chapter reads it. Rows that stand in the file are kept, so an interrupted run
goes on where it stopped. --only TABLE: run that table anew, keep the others; --fresh: run all anew. --quick: two seeds
and few steps, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import itertools
import json
from functools import partial

import numpy as np
import torch
from torch.nn.functional import cross_entropy, one_hot

import rnncourse
from rnncourse.data import recorded, tagging
from rnncourse.gradients import lyapunov
from rnncourse.pytorch import RNN
from rnncourse.reference import rnn

RESULTS = recorded.FOLDER / "vanishing_training.json"
RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1]
SEEDS, SEARCH, TAGGERS = range(20), range(100, 106), range(48)
INITIAL = ["PyTorch", "orthogonal", "identity", "identity, small U"]
DISTANCES = [(1, [200]), (5, [200]), (10, [200]), (20, [200, 1000, 3000]), (40, [200, 1000, 3000])]  # d, steps
BACKWARD = [  # initialisation, limit of the gradient's length, rate, factor a step, Adam's ε
    ("orthogonal", None, 0.003, 1.0, 1e-8),
    ("orthogonal", None, 0.003, 0.8, 1e-8),
    ("orthogonal", None, 0.003, 0.6, 1e-8),
    ("orthogonal", None, 0.003, 0.6, 1e-16),
    ("PyTorch", 1.0, 0.01, 1.0, 1e-8),
    ("PyTorch", 1.0, 0.01, 1.0, 1e-16),
    ("PyTorch", 1.0, 0.01, 1.75, 1e-8),
]
UNTIL = 100  # of 200 steps: how long the factor acts in the last row of the table backward
CLIPPING = [("relu", "identity", 0.003), ("relu", "identity, small U", 0.003), ("tanh", "PyTorch", 0.01)]
LONGER = [  # initialisation, limit, rate, factor
    ("orthogonal", None, 0.003, 0.6),
    ("PyTorch", 1.0, 0.01, 1.0),
]
FOUND = {"accuracy", "first over last", "longest gradient", "search", "moves", "apart", "exponents"}  # no settings


# ---- the task, the network, one training: as in the chapter ----------------------------------------------------


def sentences(generator, B, d, countries=4, fillers=8):
    """x (d + 2, B, 13) one-hot and the language (B,)."""
    country = generator.integers(countries, size=B)
    middle = countries + generator.integers(fillers, size=(d, B))
    words = np.vstack([country, middle, np.full(B, countries + fillers)])
    x = one_hot(torch.tensor(words), countries + fillers + 1).double()
    return x, torch.tensor(country)


def network(f, initial):
    """The network and its output layer. Whatever ``initial`` does not name is drawn as PyTorch draws it."""
    net = torch.nn.RNN(13, 32, nonlinearity=f)
    if initial.endswith("orthogonal"):
        torch.nn.init.orthogonal_(net.weight_hh_l0, gain=2**0.5 if initial.startswith("√2") else 1.0)
    elif initial == "permutation":
        net.weight_hh_l0.data = torch.eye(32)[torch.randperm(32)]
    elif initial.startswith("identity"):
        torch.nn.init.eye_(net.weight_hh_l0)
    if initial.endswith("small U"):
        torch.nn.init.normal_(net.weight_ih_l0, std=0.03)
        torch.nn.init.zeros_(net.bias_ih_l0)
        torch.nn.init.zeros_(net.bias_hh_l0)
    return net, torch.nn.Linear(32, 4)


def last_state(net, x, factor):
    """The state after the last word. The backward pass is multiplied by ``factor`` at every step."""
    if factor == 1:
        return net(x)[0][-1]
    f = torch.tanh if net.nonlinearity == "tanh" else torch.relu
    h = torch.zeros(x.shape[1], 32)
    for Ux in x @ net.weight_ih_l0.T + net.bias_ih_l0 + net.bias_hh_l0:
        before = factor * h + (1 - factor) * h.detach()  # the value of h, its gradient times the factor
        h = f(Ux + before @ net.weight_hh_l0.T)
    return h


def learn(d, seed, f="tanh", initial="PyTorch", limit=None, rate=0.003, factor=1.0, eps=1e-8, until=None, steps=(200,)):
    """One training, with ``factor`` in the first ``until`` steps.

    → accuracies after each number of ``steps``, first over last gradient, longest gradient.
    """
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    net, out = network(f, initial)
    weights = [*net.parameters(), *out.parameters()]
    optimiser = torch.optim.Adam(weights, lr=rate, eps=eps)
    ratio, longest, accuracies = None, 0.0, []
    for step in range(1, max(steps) + 1):
        x, language = sentences(generator, 32, d)
        x.requires_grad_(ratio is None)
        now = 1.0 if until is not None and step > until else factor
        loss = cross_entropy(out(last_state(net, x, now)), language)
        optimiser.zero_grad()
        loss.backward()
        if ratio is None:
            length = x.grad.norm(dim=(1, 2))
            ratio = (length[0] / length[-1]).item()
        longest = max(longest, torch.nn.utils.clip_grad_norm_(weights, limit or np.inf).item())
        optimiser.step()
        if step in steps:
            x, language = sentences(np.random.default_rng(99), 1000, d)
            with torch.no_grad():
                right = out(net(x)[0][-1]).argmax(-1) == language
            accuracies.append(right.double().mean().item())
    return accuracies, ratio, longest


# ---- the tables: of each, its jobs: the settings of the rows that a job gives, and the function that gives them ----


def results_of(runs):
    """The numbers of many runs, as they are written."""
    accuracies, ratios, longest = zip(*runs, strict=True)
    return {
        "accuracy": [round(a[-1], 3) for a in accuracies],
        "first over last": [float(f"{ratio:.2g}") for ratio in ratios],
        "longest gradient": [float(f"{length:.3g}") for length in longest],
    }


def trained(settings, seeds, shared):
    """Rows of one training for each seed, which is looked at after the steps of each of ``settings``."""
    steps = [row["steps"] for row in settings]
    runs = [learn(seed=seed, steps=steps, **shared) for seed in seeds]
    for i, row in enumerate(settings):
        yield row | results_of([([run[0][i]], *run[1:]) for run in runs])


def distances(seeds, steps):
    for d, lengths in DISTANCES if steps is None else [(1, [steps]), (5, [steps, 2 * steps])]:
        settings = [{"table": "distances", "d": d, "steps": length, "rate": 0.003} for length in lengths]
        yield settings, partial(trained, settings, seeds, {"d": d})


def searched(row, seeds, search, d, steps, fixed=None):
    """``row`` with the rate that is best over the seeds ``search``, or a ``fixed`` one, and results over ``seeds``."""
    settings = {key: row[key] for key in row if key != "table"}
    tried = {rate: [learn(d, s, rate=rate, steps=[steps], **settings)[0][0] for s in search] for rate in RATES}
    order = {rate: (sum(a >= 0.99 for a in tried[rate]), round(np.mean(tried[rate]), 3), -rate) for rate in RATES}
    best = fixed or max(RATES, key=order.get)
    runs = [learn(d, seed, rate=best, steps=[steps], **settings) for seed in seeds]
    tried = {str(rate): [round(a, 3) for a in accuracies] for rate, accuracies in tried.items()}
    return row | {"d": d, "steps": steps, "rate": best, "search": tried, **results_of(runs)}


def searching(row, seeds, search, d, steps, fixed=None):
    """The job of one row with a search."""
    setting = row | {"d": d, "steps": steps}
    return [setting], lambda: [searched(row, seeds, search, d, steps, fixed)]


def cells(seeds, search, d, steps):
    for f, initial, limit in itertools.product(["tanh", "relu"], INITIAL, [None, 1.0]):
        row = {"table": "cells", "f": f, "initial": initial, "limit": limit}
        yield searching(row, seeds, search, d, steps)


def relu(seeds, search, d, steps):
    for initial in ("√2 × orthogonal", "permutation"):
        row = {"table": "relu", "f": "relu", "initial": initial, "limit": 1.0}
        yield searching(row, seeds, search, d, steps)


def clipping(seeds, d, steps):
    for (f, initial, rate), limit in itertools.product(CLIPPING, [None, 1.0]):
        shared = {"f": f, "initial": initial, "limit": limit, "d": d, "rate": rate}
        settings = [{"table": "clipping", **shared, "steps": steps}]
        yield settings, partial(trained, settings, seeds, shared)


def backward(seeds, search, d, steps, until):
    for initial, limit, rate, factor, eps in BACKWARD:
        row = {"table": "backward", "initial": initial, "factor": factor, "eps": eps, "limit": limit}
        yield searching(row, seeds, search, d, steps, rate)
    yield searching(row | {"until": until}, seeds, search, d, steps)


def longer(seeds, d, steps):
    for initial, limit, rate, factor in LONGER:
        shared = {"initial": initial, "limit": limit, "factor": factor, "d": d, "rate": rate}
        settings = [{"table": "longer", **shared, "steps": length} for length in steps]
        yield settings, partial(trained, settings, seeds, shared)


def encode(batch):
    """Sentences as x (T, B, words) one-hot and tags (T, B), as in chapter 1.1."""
    T, B = max(len(s.words) for s in batch), len(batch)
    X = torch.zeros(T, B, len(tagging.WORDS))
    Y = torch.full((T, B), -100)
    for b, (words, tags) in enumerate(batch):
        X[range(len(words)), b, [tagging.WORDS.index(word) for word in words]] = 1
        Y[: len(tags), b] = torch.tensor([tagging.TAGS.index(tag) for tag in tags])
    return X, Y


def tagger(seed, X, Y, steps):
    """The recurrent tagger of chapter 1.1, trained as there."""
    torch.manual_seed(seed)
    net = torch.nn.ModuleList([RNN(X.shape[2], 16), torch.nn.Linear(16, len(tagging.TAGS))])
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(steps):
        optimiser.zero_grad()
        cross_entropy(net[1](net[0](X)[0]).flatten(0, 1), Y.flatten()).backward()
        optimiser.step()
    return net


def taggers(seeds, steps=200, ums=3000):
    """Where the states after "the um um …" and after "they um um …" go, over the last sixth of the words.

    moves: the largest change of a unit in the last step, for either word; 0 at a fixed point. apart: the least
    distance between a state of the one and a state of the other. exponents: λ of either, nats a step.
    """
    same = np.random.default_rng(0)  # the sentences of chapter 1.1
    X, Y = encode([tagging.sentence(same, most=4) for _ in range(500)])
    probes = {pause: encode(tagging.probes(pause)) for pause in (16, 298)}
    words, _ = encode([tagging.Sentence([word], ["DET"]) for word in ("the", "they")])
    um = torch.zeros(ums, 2, len(tagging.WORDS))
    um[..., tagging.WORDS.index("um")] = 1

    def follow(seed):
        net = tagger(seed, X, Y, steps)
        with torch.no_grad():
            guesses = {pause: net[1](net[0](x)[0][-1]).argmax(-1) for pause, (x, _) in probes.items()}
            hs = net[0](um, net[0](words)[1])[0].numpy()
        late = hs[-ums // 6 :]
        distance = np.linalg.norm(late[:, None, 0] - late[None, :, 1], axis=-1).min()
        W, b = net[0].weight_hh_l0.detach(), net[0].bias_ih_l0 + net[0].bias_hh_l0
        weights = [a.detach().numpy() for a in (net[0].weight_ih_l0, W, b)]
        exponents = lyapunov(rnn, um[: ums // 3].numpy(), hs[ums // 3], weights, discard=ums // 6)
        return {
            "table": "taggers",
            "seed": seed,
            "accuracy": {p: round((g == probes[p][1][-1]).double().mean().item(), 3) for p, g in guesses.items()},
            "moves": [float(f"{move:.1g}") for move in np.abs(hs[-1] - hs[-2]).max(-1)],
            "apart": float(f"{distance:.2g}"),
            "exponents": [round(float(exponent), 2) for exponent in exponents],
        }

    for seed in seeds:
        yield [{"table": "taggers", "seed": seed}], lambda seed=seed: [follow(seed)]


def jobs(quick=False):
    """The jobs of all tables."""
    if quick:
        yield from distances([0, 1], 2)
        yield from cells([0, 1], [100], 3, 2)
        yield from relu([0, 1], [100], 3, 2)
        yield from clipping([0, 1], 3, 2)
        yield from backward([0, 1], [100], 3, 2, 1)
        yield from longer([0, 1], 3, [2, 3])
        yield from taggers([0, 1], 2, 12)
    else:
        yield from distances(SEEDS, None)
        yield from taggers(TAGGERS)
        yield from cells(SEEDS, SEARCH, 40, 200)
        yield from clipping(SEEDS, 40, 200)
        yield from backward(SEEDS, SEARCH, 40, 200, UNTIL)
        yield from longer(SEEDS, 40, [200, 600, 1000])
        yield from relu(SEEDS, SEARCH, 40, 200)


def has(row, setting):
    """Does a row that was written have these settings? A searched rate is a result, not a setting."""
    given = {key: value for key, value in row.items() if key not in FOUND}
    if "rate" not in setting:
        given.pop("rate", None)
    return given == setting


def rows(jobs, kept=()):
    """The rows of the jobs in their order, each with whether it is new; ``kept`` rows stand for jobs that are done."""
    for settings, run in jobs:
        old = [[row for row in kept if has(row, setting)] for setting in settings]
        if all(old):
            yield from ((found[0], False) for found in old)
        else:
            yield from ((row, True) for row in run())


def describe(row):
    """A row of the table as one line."""
    setting = {key: value for key, value in row.items() if np.isscalar(value) or value is None}
    accuracy = row["accuracy"]
    if isinstance(accuracy, list):
        accuracy = f"{sum(a >= 0.99 for a in accuracy)} of {len(accuracy)} learn, mean {np.mean(accuracy):.2f}"
    return f"{', '.join(f'{key} {value}' for key, value in setting.items())}: {accuracy}"


def main():
    parser = common.parser(__doc__, RESULTS, "two seeds and few steps")
    parser.add_argument("--only", metavar="TABLE", help="run this table anew and keep the rows of the others")
    parser.add_argument("--fresh", action="store_true", help="keep no row that stands in the file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    report = {
        "date": common.today(),
        "versions": common.versions(rnncourse, np, torch),
        "learns": 0.99,
        "rows": [],
    }
    out = common.destination(options, RESULTS)
    kept = []
    if out and out.exists() and not options.fresh:
        before = json.loads(out.read_text(encoding="utf-8"))
        if before["versions"] != report["versions"]:
            parser.error(f"{out.name} was written with {before['versions']}; run --fresh or use these versions")
        kept = [row for row in before["rows"] if row["table"] != options.only]
    todo = list(jobs(options.quick))
    if options.only:
        tables = {settings[0]["table"] for settings, _ in todo}
        if options.only not in tables:
            parser.error(f"expected --only to be one of {sorted(tables)}, got {options.only!r}")
        todo = [
            job
            for job in todo
            if job[0][0]["table"] == options.only or all(any(has(r, s) for r in kept) for s in job[0])
        ]
    for row, new in rows(todo, kept):
        report["rows"].append(row)
        if new:
            print(describe(row), flush=True)
            common.write(out, report | {"rows": report["rows"] + left(kept, report["rows"])})
    if options.only:
        report["rows"] += left(kept, report["rows"])
    common.write(out, report)


def left(kept, rows):
    """The kept rows that are not among ``rows`` yet."""
    return [row for row in kept if row not in rows]


if __name__ == "__main__":
    main()
