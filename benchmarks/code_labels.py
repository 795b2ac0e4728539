"""Chapter 0.1 over five random seeds, with rivals: what kind of text does each character of a program belong to?

    python benchmarks/code_labels.py [--quick] [--out FILE]

Runs the cells of book/01-lstm-in-ten-minutes.md that are tagged "definition": what is measured is what the chapter
shows. Rivals: the most frequent answer; logistic regression on a window of 8, 32 or 128 characters, from 200,000
examples; a tanh network with as many parameters and as many training steps; and the same LSTM that reads pieces of 32
characters, each from an empty memory, and in the test is asked for the 32nd. All are scored at the same 50,000 places
of the test files, drawn anew for each seed. All get a search, judged on validation files that are neither in the
training nor in the test files: a grid of learning rates with two seeds each for a network, of regularisations for a
window. For a network the optimum must not lie at its edge. Written as JSON to rnncourse/data/measured, where
the chapter reads it.
--quick: few steps, one seed, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import time

import numpy as np
import sklearn
import torch
from torch import nn

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "code_labels.json"
STEPS, SEEDS, SEARCHED = 1000, 5, 2
WIDTH = 32
RATES = {
    "LSTM": (0.003, 0.01, 0.03, 0.1),
    "LSTM, memory emptied every 32": (0.003, 0.01, 0.03, 0.1),
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


def cut(x, y):
    """The text in pieces of WIDTH characters, each read from an empty memory: (WIDTH, number of pieces)."""
    pieces = len(x) // WIDTH
    return x[: pieces * WIDTH].view(pieces, WIDTH).T, y[: pieces * WIDTH].view(pieces, WIDTH).T


def train_on_pieces(model, x, y, steps, rate):
    """The chapter's loop, but each batch is 128 pieces drawn at random: 4,096 characters a step, as there."""
    X, Y = cut(x, y)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps)
    for _ in range(steps):
        drawn = torch.randint(X.shape[1], (128,))
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
    if name.endswith("32"):
        train_on_pieces(model, *train, steps, rate)
        seconds = time.process_time() - began
        windows = torch.tensor(names["windows"](x, ends, WIDTH)).T
        with torch.no_grad():
            right = torch.cat([model(part)[0][-1].argmax(-1) for part in windows.split(10_000, dim=1)]) == y[ends]
    else:
        names["train"](model, *train, steps, rate)
        seconds = time.process_time() - began
        right = names["score"](model, paths)[0][ends]
    far = torch.zeros(len(y), dtype=bool)
    far[y == 2] = names["distances"](y) > 1000
    return right.double().mean().item(), right[far[ends]].double().mean().item(), seconds


def measure(steps=STEPS, seeds=SEEDS, searched=SEARCHED, examples=200_000, rates=RATES, strengths=(0.1, 1.0, 10.0)):
    names = chapter()
    paths, order = names["paths"], names["order"]
    test, validation = names["test_paths"], [paths[i] for i in order[60:80]]
    searching, train = names["read"]([paths[i] for i in order[80:]]), (names["x"], names["y"])
    test_x, test_y = names["read"](test, 20_000)
    validation_x, validation_y = names["read"](validation, 20_000)
    x, y = train
    results, chosen, far, seconds = {"the most frequent answer": []}, {}, {}, {}
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
        results[name], far[name], spent = map(list, zip(*runs, strict=True))
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
    }


def main():
    options = common.parser(__doc__, RESULTS, "few steps, one seed").parse_args()
    torch.set_num_threads(1)
    quick = dict(steps=3, seeds=1, searched=1, examples=500, rates={name: (0.01,) for name in RATES}, strengths=(0.1,))
    report = measure(**quick) if options.quick else measure()
    common.write(common.destination(options, RESULTS), report)


if __name__ == "__main__":
    main()
