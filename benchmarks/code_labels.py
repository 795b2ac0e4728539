"""Chapter 0.1 over five random seeds, with rivals: what kind of text does each character of a program belong to?

    python benchmarks/code_labels.py [--quick] [--out FILE]

Runs the cells of book/01-lstm-in-ten-minutes.md that are tagged "definition": what is measured is what the chapter
shows. Rivals: the most frequent answer; logistic regression on a window of 8, 32 or 128 characters, from 200,000
examples; a tanh network with as many parameters and as many training steps; and the same LSTM that reads pieces of
32 or 128 characters, each from an empty memory, and in the test is asked for the last one. All are scored at the same
50,000 places of the test files, drawn anew for each seed. All get a search, judged on validation files that are
neither in the training nor in the test files: a grid of learning rates with two seeds each for a network, of
regularisations for a window. For a network the optimum must not lie at its edge. At last the trained LSTMs read code
with three quotes put before it: how far behind the quotes do they still say "docstring"? Written as JSON to
rnncourse/data/measured, where the chapter reads it.
--quick: few steps, one seed, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import ast
import time

import numpy as np
import sklearn
import torch
from torch import nn

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "code_labels.json"
STEPS, SEEDS, SEARCHED = 1000, 5, 2
DISTANCES = (0, 50, 100, 200, 300, 500, 1000)  # characters after three inserted quotes
RATES = {
    "LSTM": (0.003, 0.01, 0.03, 0.1),
    "LSTM, memory emptied every 32": (0.003, 0.01, 0.03, 0.1),
    "LSTM, memory emptied every 128": (0.003, 0.01, 0.03, 0.1),
    "tanh network": (0.001, 0.003, 0.01, 0.03),
}


def chapter():
    """The names that the chapter's definitions make, its files read."""
    return common.definitions("01-lstm-in-ten-minutes", np=np, torch=torch)


class Tanh(nn.RNN):
    """torch's tanh network with its state in a tuple, as the chapter's loop hands on the LSTM's."""

    def forward(self, x, state=None):
        states, last = super().forward(x, None if state is None else state[0])
        return states, (last,)


def new_model(name, names):
    model = names["Tagger"]()
    if name == "tanh network":  # 135 units: 23,247 parameters; the LSTM has 23,300
        model.lstm, model.output = Tanh(16, 135), nn.Linear(135, 4)
    return model


def cut(x, y, width):
    """The text in pieces of ``width`` characters, each read from an empty memory: (width, number of pieces)."""
    pieces = len(x) // width
    return x[: pieces * width].view(pieces, width).T, y[: pieces * width].view(pieces, width).T


def train_on_pieces(model, x, y, width, steps, rate):
    """The chapter's loop, but each batch is pieces drawn at random: 4,096 characters a step, as there."""
    X, Y = cut(x, y, width)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps)
    for _ in range(steps):
        drawn = torch.randint(X.shape[1], (4096 // width,))
        scores, _ = model(X[:, drawn])
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), Y[:, drawn].flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()


def places(y, seed):
    """Where all methods are scored: 50,000 characters that have 128 before them in the row of files."""
    return np.random.default_rng(seed).integers(128, len(y), size=50_000)


def run(name, names, train, paths, rate, steps, seed):
    """Share of the places in the files ``paths`` that are right; share far from the quotes; seconds of training.

    Far: places in a docstring that stand more than 1,000 characters after its quotes.
    """
    x, y = names["read"](paths, 20_000)
    ends = places(y, seed)
    torch.manual_seed(seed)
    model, began = new_model(name, names), time.process_time()
    if "emptied" in name:
        width = int(name.split()[-1])
        train_on_pieces(model, *train, width, steps, rate)
        seconds = time.process_time() - began
        windows = torch.tensor(names["windows"](x, ends, width)).T
        with torch.no_grad():
            right = torch.cat([model(part)[0][-1].argmax(-1) for part in windows.split(10_000, dim=1)]) == y[ends]
    else:
        names["train"](model, *train, steps, rate)
        seconds = time.process_time() - began
        right = names["score"](model, paths)[0][ends]
    far = torch.zeros(len(y), dtype=bool)
    far[y == 2] = names["distances"](y) > 1000
    shares = after_quotes(names, model, paths) if name == "LSTM" else None
    return right.double().mean().item(), right[far[ends]].double().mean().item(), seconds, shares


def stretches(names, paths, seed=0):
    """Places in files at which a statement begins and no docstring and no three quotes follow for 1,000 characters.

    Up to four a file. For each: the 2,000 characters before it or fewer, and the 1,000 behind it.
    """
    rng, found, reach = np.random.default_rng(seed), [], DISTANCES[-1]
    for path in paths:
        x, y = (part.numpy() for part in names["read"]([path], 20_000))
        text, program = bytes(x.astype(np.uint8)), path.read_text(encoding="utf-8")
        lines = np.cumsum([1] + [len(line) for line in program.splitlines(keepends=True)])  # 1: the sign in front
        statements = [node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.stmt)]
        begins = {lines[node.lineno - 1] + node.col_offset for node in statements}
        free = [
            at
            for at in sorted(begins)
            if at + reach <= len(x) and (y[at : at + reach] != 2).all() and b'"""' not in text[at : at + reach]
        ]
        for at in rng.permutation(free)[:4]:
            found.append((x[max(at - 2000, 0) : at], x[at : at + reach]))
    return found


def after_quotes(names, model, paths):
    """Three quotes are put before code: which share of the characters behind them is called docstring, by distance?

    Python calls all of them docstring. Returns the shares with the quotes, and without them.
    """
    shares, quotes = [], [np.full(3, ord('"')), np.zeros(0, int)]
    found, reach = stretches(names, paths), DISTANCES[-1]
    for put in quotes:
        texts = [torch.tensor(np.concatenate([before, put, behind]).astype(np.int64)) for before, behind in found]
        with torch.no_grad():  # reversed padding: all texts end at the same step
            longest = max(map(len, texts))
            padded = torch.stack([torch.cat([torch.zeros(longest - len(t), dtype=torch.int64), t]) for t in texts], 1)
            called = (model(padded)[0].argmax(-1) == 2)[-reach:].double().mean(dim=1)
        pairs = zip(DISTANCES[:-1], DISTANCES[1:], strict=True)
        shares.append([round(called[low:high].mean().item(), 4) for low, high in pairs])
    return shares


def measure(steps=STEPS, seeds=SEEDS, searched=SEARCHED, examples=200_000, rates=RATES, strengths=(0.1, 1.0, 10.0)):
    names = chapter()
    paths, order = names["paths"], names["order"]
    test, validation = names["test_paths"], [paths[i] for i in order[60:80]]
    searching, train = names["read"]([paths[i] for i in order[80:]]), (names["x"], names["y"])
    test_x, test_y = names["read"](test, 20_000)
    validation_x, validation_y = names["read"](validation, 20_000)
    x, y = train
    results, chosen, far, seconds, quotes = {"the most frequent answer": []}, {}, {}, {}, []
    for seed in range(seeds):
        ends = places(test_y, 100 + seed)
        results["the most frequent answer"].append((test_y[ends] == y.bincount().argmax()).double().mean().item())
    for width in (8, 32, 128):
        tried, ends = {}, places(validation_y, 0)
        for C in strengths:
            guess = names["window_method"](*searching, width, examples, C)
            tried[C] = float((guess(validation_x, ends) == validation_y.numpy()[ends]).mean())
        name = f"window of {width} characters"
        chosen[name], results[name] = max(tried, key=tried.get), []
        for seed in range(seeds):
            guess, ends = names["window_method"](x, y, width, examples, chosen[name], seed), places(test_y, 100 + seed)
            results[name].append(float((guess(test_x, ends) == test_y.numpy()[ends]).mean()))
        print(name, tried, np.round(results[name], 4), flush=True)
    for name, grid in rates.items():
        tried = {
            rate: [run(name, names, searching, validation, rate, steps, seed)[0] for seed in range(searched)]
            for rate in grid
        }
        chosen[name] = max(tried, key=lambda rate: np.mean(tried[rate]))
        runs = [run(name, names, train, test, chosen[name], steps, 100 + seed) for seed in range(seeds)]
        results[name], far[name], spent, shares = map(list, zip(*runs, strict=True))
        quotes = quotes or [share for share in shares if share]
        seconds[name] = float(np.median(spent))
        print(
            name, {rate: np.round(shares, 4) for rate, shares in tried.items()}, np.round(results[name], 4), flush=True
        )
    sizes = {name: sum(weights.numel() for weights in new_model(name, names).parameters()) for name in rates}
    return {
        "date": common.today(),
        "versions": common.versions(torch) | {"scikit-learn": sklearn.__version__},
        "steps": steps,
        "rates tried": {name: list(grid) for name, grid in rates.items()},
        "strengths tried": list(strengths),
        "chosen": chosen,
        "parameters": sizes,
        "seconds of training (processor time, median)": seconds,
        "results": results,
        "far from the quotes": far,
        "called docstring behind three inserted quotes": {
            "characters behind": list(DISTANCES),
            "with the quotes": [share for share, _ in quotes],
            "without": [share for _, share in quotes],
            "places": len(stretches(names, test)),
        },
    }


def main():
    options = common.parser(__doc__, RESULTS, "few steps, one seed").parse_args()
    torch.set_num_threads(1)
    quick = dict(steps=3, seeds=1, searched=1, examples=500, rates={name: (0.01,) for name in RATES}, strengths=(0.1,))
    report = measure(**quick) if options.quick else measure()
    common.write(common.destination(options, RESULTS), report)


if __name__ == "__main__":
    main()
