"""How much of the gradient does truncation lose? Chapter 1.3's comparison over 20 random seeds.

    python benchmarks/truncated_gradients.py [--quick] [--out FILE]

Runs the cells of book/13-bptt.md that are tagged "definition": what is measured is what the chapter shows. A row is
one network: the text it reads, the steps of training, the factor on its initial W, the seed, and the cosine of the
truncated gradient for W with the full one, for each window. Texts: documentation; the same letters shuffled; letters of
which each depends on the one before only. "moving" is the same for a window that moves along (rnn.by_lag), on
documentation alone.

It takes about 2 minutes on one core. The rows are written as JSON, one by one, with versions and date, to
rnncourse/data/measured, from where the chapter reads them; a run that was stopped goes on where it was.
--quick: one seed and few steps, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import itertools

import numpy as np
from tqdm import trange

import rnncourse
from rnncourse.data import recorded, text
from rnncourse.reference import readout, rnn
from rnncourse.reference.ops import cross_entropy, one_hot

RESULTS = recorded.FOLDER / "truncated_gradients.json"
STEPS, SEEDS = 1500, range(20)
SETTINGS = [  # text, whether trained, factor on the initial W
    *itertools.product(("documentation", "shuffled", "markov"), (False, True), (1.0,)),
    *itertools.product(("documentation", "shuffled"), (False,), (3**0.5,)),
]


def chapter():
    """The names that the chapter's definitions make."""
    given = {"np": np, "readout": readout, "rnn": rnn, "text": text, "trange": trange}
    return common.definitions("13-bptt", **given, cross_entropy=cross_entropy, one_hot=one_hot)


def moving(names, weights, letters):
    """Cosine of dL/dW with the full one where the loss of every step reaches the last w uses of W."""
    end = letters[-32 * 101 :].reshape(32, 101).T
    x, h0 = one_hot(end[:-1], names["k"]), np.zeros((32, names["n"]))
    hs, h_T, cache = rnn.forward(x, h0, *weights[:3])
    dlogits = cross_entropy(readout.forward(hs, *weights[3:]), end[1:])[1]
    lags = rnn.by_lag(readout.backward(dlogits, hs, weights[3]).hs, np.zeros_like(h_T), cache).W
    return [names["cosine"](lags.sum(0), lags[:window].sum(0)) for window in names["windows"]]


def rows(done, steps=STEPS, seeds=SEEDS):
    """The rows that are not in ``done``, as they come."""
    names = chapter()
    letters = names["letters"]
    texts = {
        "documentation": letters,
        "shuffled": names["shuffled"](letters),
        "markov": names["markov"](letters),
    }
    for (name, trained, scale), seed in itertools.product(SETTINGS, seeds):
        row = {"text": name, "steps": steps * trained, "scale": round(scale, 3), "seed": seed}
        if any(row.items() <= old.items() for old in done):
            continue
        weights = names["learn"](texts[name], seed, row["steps"], scale)
        found = {"cosines": names["cosines"](weights, texts[name])}
        if trained and name == "documentation":
            found["moving"] = moving(names, weights, texts[name])
        yield row | {key: [round(float(c), 4) for c in values] for key, values in found.items()}


def main():
    options = common.parser(__doc__, RESULTS, "one seed and few steps").parse_args()
    out = common.destination(options, RESULTS)
    report = {
        "date": common.today(),
        "versions": common.versions(rnncourse, np),
        "windows": chapter()["windows"],
        "rows": common.rows(out),
    }
    settings = dict(steps=3, seeds=[0]) if options.quick else {}
    for row in rows(list(report["rows"]), **settings):
        report["rows"].append(row)
        print({key: value for key, value in row.items() if key != "moving"}, flush=True)
        common.write(out, report)


if __name__ == "__main__":
    main()
