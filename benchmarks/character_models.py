"""Chapter 5.1 with more seeds: three cells on equal schedules, and how much text, how many steps and units it takes.

    python benchmarks/character_models.py [--quick] [--out FILE]

Runs the cells of book/51-character-language-model.md that are tagged "definition": what is trained here is what the
chapter trains. Every row of the result is one training, or one n-gram model. Bits per character are of the test text,
"validation" of the validation text. Six tables:

    search  RNN, GRU and LSTM with about 62,000 parameters, 500 steps: a grid of learning rates, two seeds each. The
            grid grows by a factor of 2 until the best mean on the validation text is not at its edge
    cells   the same with the best rate, ten other seeds. All three cells read the same characters in the same order,
            and their learning rates fall to 0 at the same step
    again   the RNN of the table cells with the rate 0.01, the same ten seeds: with two seeds, a search may choose badly
    ngram   the n-gram model of the whole training text with n = 1 … 30, and one b for all
    own     a text of N characters, cut 80 : 10 : 10 as ``text.load`` cuts it: scikit-learn's docstrings. One seed each.
            "ngram": the n-gram model of the training part, its b chosen on the validation part
    state   the LSTM of the table cells, five seeds, trained with the state of the step before ("carried") or with a
            zero state at every step ("zero"), scored on whole pieces and on pieces of 16 characters

It takes about 5 minutes on one core. Rows are written one by one, and a second call continues where the first
stopped. The result is JSON in rnncourse/data/measured, from where the chapter reads it. --quick: few steps, to see that
it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split

import numpy as np
import sklearn
import torch

from rnncourse import training
from rnncourse.data import recorded, text
from rnncourse.pytorch import language
from rnncourse.reference import ngram

RESULTS = recorded.FOLDER / "character_models.json"
STEPS, GRID, SEARCHED, SEEDS = 500, (0.005, 0.01, 0.02, 0.04), (100, 101), range(10)
SIZES = (50_000, 200_000, 1_000_000)
SETTINGS = ((128, 500), (128, 2000))  # units, steps
RATE = 0.01  # of the table own
AGAIN = 0.01  # of the table again
LONGEST = 30  # n of the table ngram


def chapter():
    """The names that the chapter's definitions make, its text read."""
    given = {"np": np, "torch": torch, "device": "cpu", "text": text, "language": language}
    return common.definitions("51-character-language-model", **given, ngram=ngram, training=training)


class Rows(list):
    """The rows so far, also in a file. ``add(setting, make)`` makes the row of a setting unless it is there."""

    def __init__(self, out):
        super().__init__(common.rows(out))
        self.out = out

    def add(self, setting, make):
        for row in self:
            if setting.items() <= row.items():
                return row
        row = setting | {key: round(float(value), 4) for key, value in make().items()}
        self.append(row)
        print(row, flush=True)
        versions = common.versions() | {"scikit-learn": sklearn.__version__} | common.versions(np, torch)
        common.write(self.out, {"date": common.today(), "versions": versions, "rows": self})
        return row


def train_cell(names, cell, steps, rate, seed):
    """One training of the chapter's. → the model; bits on the validation text and on the test text."""
    columns, chosen, held_out = names["columns"], names["chosen"], names["held_out"]
    model, history = names["train_model"](cell, names["UNITS"][cell], names["k"], columns, chosen, steps, rate, seed)
    return model, {"validation": min(row[3] for row in history), "bits": names["network_bits"](model, held_out).mean()}


def cells(rows, names, steps, grid, searched, seeds):
    for cell in names["UNITS"]:

        def mean(rate, cell=cell):
            found = [
                rows.add(
                    {"table": "search", "cell": cell, "steps": steps, "rate": rate, "seed": seed},
                    lambda seed=seed: train_cell(names, cell, steps, rate, seed)[1],
                )
                for seed in searched
            ]
            return np.mean([row["validation"] for row in found])

        tried = {rate: mean(rate) for rate in grid}
        while len(tried) > 1 and (best := min(tried, key=tried.get)) in (min(tried), max(tried)):
            new = best / 2 if best == min(tried) else best * 2
            tried[new] = mean(new)
        best = min(tried, key=tried.get)
        for seed in seeds:
            rows.add(
                {"table": "cells", "cell": cell, "steps": steps, "rate": best, "seed": seed},
                lambda cell=cell, best=best, seed=seed: train_cell(names, cell, steps, best, seed)[1],
            )


def again(rows, names, steps, rate, seeds):
    for seed in seeds:
        setting = {"table": "again", "cell": "RNN", "steps": steps, "rate": rate, "seed": seed}
        rows.add(setting, lambda seed=seed: train_cell(names, "RNN", steps, rate, seed)[1])


def ngrams(rows, names, longest):
    read, chosen, held_out = names["train"], names["chosen"], names["held_out"]
    made = []
    for n in range(1, longest + 1):

        def make(n=n):
            if not made:  # counted once, and not at all where every row is there
                made.append(ngram.count_all(read, longest - 1, names["k"]))
                made.append(names["best_ngram"](read, chosen, names["k"])[1])
            counts, b = made
            on = {"validation": chosen, "bits": held_out}
            return {"b": b} | {key: names["ngram_bits"](counts[:n], b, text).mean() for key, text in on.items()}

        rows.add({"table": "ngram", "n": n}, make)


def own(rows, names, sizes, settings):
    for size in sizes:
        string = text.prose().train[:size]
        a, b = int(0.8 * size), int(0.9 * size)  # as text.load cuts one file
        symbols, parts = names["prepare"](text.Corpus(string[:a], string[a:b], string[b:]))
        score = []

        def ngram_score(parts=parts, symbols=symbols, score=score):
            if not score:
                counts, b = names["best_ngram"](parts[0].T.flatten().numpy(), parts[1], len(symbols))
                score.append({"ngram": names["ngram_bits"](counts, b, parts[2]).mean(), "n": len(counts), "b": b})
            return score[0]

        def network(units, steps, parts=parts, symbols=symbols):
            model, history = names["train_model"]("LSTM", units, len(symbols), *parts[:2], steps, RATE)
            bits = names["network_bits"](model, parts[2]).mean()
            return {
                "bits": bits,
                "validation": min(row[3] for row in history),
                "seconds": history[-1][1],
            } | ngram_score()

        for units, steps in settings:
            setting = {"table": "own", "characters": size, "units": units, "steps": steps}
            rows.add(setting, lambda units=units, steps=steps: network(units, steps))


def in_pieces(model, columns, T=16):
    """Bits where every piece of T characters is read from a zero state, over the characters that are scored whole."""
    pieces = [language.surprise(model, columns[first : first + T + 1]) for first in range(0, len(columns) - 1, T)]
    return torch.cat(pieces)[99:].mean()


def state(rows, names, steps, rate, seeds):
    """The walk with and without the state of the step before."""

    def cold(model, columns, T):
        loss = walk(model, columns, T)
        return lambda step, _: loss(step, None)

    walk = language.walk
    for trained in ("carried", "zero"):
        for seed in seeds:

            def make(trained=trained, seed=seed):
                language.walk = cold if trained == "zero" else walk
                try:
                    model, score = train_cell(names, "LSTM", steps, rate, seed)
                finally:
                    language.walk = walk
                return {"whole": score["bits"], "pieces": in_pieces(model, names["held_out"])}

            rows.add({"table": "state", "trained": trained, "steps": steps, "rate": rate, "seed": seed}, make)


def main():
    options = common.parser(__doc__, RESULTS, "few steps").parse_args()
    torch.set_num_threads(1)
    rows, names = Rows(common.destination(options, RESULTS)), chapter()
    if options.quick:
        cells(rows, names, 2, (0.01,), (100,), (0,))
        again(rows, names, 2, 0.005, (0,))
        ngrams(rows, names, 2)
        own(rows, names, (20_000,), ((8, 2),))
        state(rows, names, 2, 0.01, (0,))
    else:
        cells(rows, names, STEPS, GRID, SEARCHED, SEEDS)
        again(rows, names, STEPS, AGAIN, SEEDS)
        ngrams(rows, names, LONGEST)
        best = next(row for row in rows if row["table"] == "cells" and row["cell"] == "LSTM")
        state(rows, names, STEPS, best["rate"], range(5))
        for setting in SETTINGS:
            own(rows, names, SIZES, [setting])


if __name__ == "__main__":
    main()
