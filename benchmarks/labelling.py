"""Chapter 5.2: what a tagger gains from reading on, from both directions, from a CRF, and from half-typed lines.

    python benchmarks/labelling.py [--quick] [--out FILE]

Runs the cells of book/52-labelling.md that are tagged "definition": what is measured is what the chapter shows. Every
row but the long ones gets the same search: each learning rate of RATES with one seed, judged by the F1 of spans on the
validation lines, cut as in training; the best rate then runs with other seeds on the test lines. The long rows, three
times the epochs, take the rate of the same row with EPOCHS. Each model is tested as it is, and with the transitions
that the tags forbid set to −∞ in Viterbi ("rules"), on whole lines and on half-typed ones.
"rivals": the most frequent tag of each token, a logistic regression on the same window of 7 tokens with its search,
and the repaired parser. "milliseconds": a training step of 64 lines with both directions, without and with the CRF.
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew.
--quick: few lines, one epoch, two seeds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import time
from collections import Counter

import numpy as np
import torch

from rnncourse import counting
from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "labelling.json"
RATES = (0.003, 0.01, 0.03, 0.1)
STRENGTHS = (0.3, 1, 3, 10, 30, 100)
EPOCHS, LONG, SEARCH_SEED = 4, 12, 100
PLAN = [  # reader, with a CRF?, half of the training lines cut?, three times the epochs?, seeds
    ("both", False, False, False, 10),
    ("both", True, False, False, 10),
    ("both", False, True, False, 5),
    ("forward", False, False, False, 5),
    ("window", False, False, False, 5),
    ("window", True, False, False, 5),
    ("forward", True, False, False, 5),
    ("both", False, False, True, 5),
    ("both", True, False, True, 5),
]


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("52-labelling", np=np, torch=torch)


def key(row):
    return row["reader"], row["crf"], row["cut"], row["epochs"]


def train(names, reader, crf, cut, epochs, rate, seed):
    """A trained model."""
    torch.manual_seed(seed)
    lines = names["parts"]["train"]
    if cut:
        lines = names["cut"](lines, np.random.default_rng(seed + 1000), 0.5)
    model = names["WithCRF" if crf else "Tagger"](reader)
    return names["learn"](model, rate, seed, lines, epochs)


def scores(names, model):
    """What a model gets right: whole lines of other packages and of the same one, and half-typed lines."""
    parts, f1 = names["parts"], names["f1"]
    own = getattr(model, "transitions", None)
    own = None if own is None else own.detach()
    rules = names["RULES"] if own is None else own + names["RULES"]
    true = [line.tags for line in parts["test"]]
    given = names["predict"](model, parts["test"], own)
    ruled = names["predict"](model, parts["test"], rules)
    same = names["predict"](model, parts["validation"], own)
    typed = names["predict"](model, names["half_typed"], own)
    half = [line.tags for line in names["half_typed"]]
    found = {
        "right": names["right"](true, given),
        "f1": f1(true, given),
        "f1, rules": f1(true, ruled),
        "f1, same package": f1([line.tags for line in parts["validation"]], same),
        "half-typed": names["right"](half, typed),
        "half-typed, last": names["last"](half, typed),
    }
    found = {what: round(float(value), 4) for what, value in found.items()}
    counts = {"forbidden": names["forbidden"](given), "forbidden, rules": names["forbidden"](ruled)}
    labels = {label: round(f1(true, given, label), 3) for label in names["python_tokens"].LABELS}
    return found | counts | {"labels": labels}


def measure(names, reader, crf, cut, epochs, rates, seeds, rate=None):
    """A row: the search, unless a rate is given, and the runs with the rate chosen."""
    tried, runs = {}, []
    if rate is None:
        lines = names["parts"]["validation"]
        lines = names["cut"](lines, np.random.default_rng(1), 0.5) if cut else lines
        for one in rates:
            model = train(names, reader, crf, cut, epochs, one, SEARCH_SEED)
            own = model.transitions.detach() if crf else None
            guess = names["predict"](model, lines, own)
            tried[one] = round(names["f1"]([line.tags for line in lines], guess), 4)
        rate = max(tried, key=tried.get)
    for seed in range(seeds):
        model = train(names, reader, crf, cut, epochs, rate, seed)
        runs.append(scores(names, model))
    middle = {what: round(float(np.median([run[what] for run in runs])), 4) for what in runs[0] if what != "labels"}
    print(reader, crf, cut, epochs, tried, rate, middle, flush=True)
    return {
        "reader": reader,
        "crf": crf,
        "cut": cut,
        "epochs": epochs,
        "weights": counting.parameters(model),
        "search": {str(one): share for one, share in tried.items()},
        "rate": rate,
        "scores": runs,
    }


def milliseconds(names, steps):
    """Of processor time for a training step of 64 lines with both directions: without and with the CRF."""
    found, lines = {}, names["parts"]["train"]
    batches = [names["collate"](lines[64 * k : 64 * k + 64]) for k in range(len(lines) // 64)]
    for name in ("Tagger", "WithCRF"):
        torch.manual_seed(0)
        model, times = names[name]("both"), []
        optimiser = torch.optim.Adam(model.parameters())
        for k in range(steps):
            began = time.process_time()
            optimiser.zero_grad()
            model.loss(*batches[k % len(batches)]).backward()
            optimiser.step()
            times.append(1000 * (time.process_time() - began))
        found[name] = round(float(np.median(times)), 1)
    return found


def rivals(names):
    """Taggers without an LSTM: tokens and spans right on whole lines, tokens right on half-typed lines."""
    parts, half, found = names["parts"], names["half_typed"], {}

    def add(name, tag):
        row = {}
        for lines, what in ((parts["test"], "right"), (half, "half-typed")):
            guess, true = tag(lines), [line.tags for line in lines]
            row[what] = names["right"](true, guess)
            row |= (
                {"f1": names["f1"](true, guess)}
                if lines is parts["test"]
                else {"half-typed, last": names["last"](true, guess)}
            )
        found[name] = {what: round(float(value), 4) for what, value in row.items()}

    seen = {}
    for line in parts["train"]:
        for token, tag in zip(names["encode"](line.tokens).tolist(), line.tags, strict=True):
            seen.setdefault(token, Counter())[tag] += 1
    best = {token: count.most_common(1)[0][0] for token, count in seen.items()}
    add("most frequent", lambda lines: [[best.get(k, "O") for k in names["encode"](x.tokens).tolist()] for x in lines])
    add("repaired parser", lambda lines: [names["repaired"](line.tokens) for line in lines])
    tag, chosen = regression(names)
    add("logistic regression", tag)
    return found | {"search": chosen}


def regression(names):
    """The logistic regression on the window of 7 tokens: a function from lines to tags, and its search."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    parts, k = names["parts"], len(names["number"]) + 1

    def windows(lines):
        rows = []
        for line in lines:
            ids = np.pad(names["encode"](line.tokens).numpy(), 3)
            rows.append(np.lib.stride_tricks.sliding_window_view(ids, 7) + k * np.arange(7))
        columns = np.concatenate(rows)
        place = np.repeat(np.arange(len(columns)), 7), columns.ravel()
        return sparse.csr_matrix((np.ones(columns.size), place), shape=(len(columns), 7 * k))

    x, tags = windows(parts["train"]), [tag for line in parts["train"] for tag in line.tags]
    true, tried, fits = [tag for line in parts["validation"] for tag in line.tags], {}, {}
    for C in STRENGTHS:
        fits[C] = LogisticRegression(C=C, max_iter=100, tol=1e-3).fit(x, tags)
        tried[C] = round(fits[C].score(windows(parts["validation"]), true), 4)
    C = max(tried, key=tried.get)

    def tag(lines):
        ends = np.cumsum([len(line.tokens) for line in lines])[:-1]
        return [part.tolist() for part in np.split(fits[C].predict(windows(lines)), ends)]

    return tag, {"C": C, "tried": {str(one): share for one, share in tried.items()}}


def run(out, plan, quick=False):
    names = chapter()
    if quick:
        parts = names["parts"]
        parts |= {p: parts[p][::8] for p in ("train", "validation", "test")}
        names["half_typed"] = names["half_typed"][::8]
    rates = RATES[2:] if quick else RATES
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "rates tried": list(rates),
        "rivals": None,
        "milliseconds": None,
        "rows": common.rows(out),
    }
    rows = report["rows"]
    for reader, crf, cut, long, seeds in plan:
        epochs = (2 if long else 1) if quick else LONG if long else EPOCHS
        if (reader, crf, cut, epochs) in [key(row) for row in rows]:
            continue
        rate = None
        if long:
            (rate,) = [row["rate"] for row in rows if key(row) == (reader, crf, cut, 1 if quick else EPOCHS)]
        rows.append(measure(names, reader, crf, cut, epochs, rates, 2 if quick else seeds, rate))
        common.write(out, report)
    report["rivals"] = rivals(names)
    report["milliseconds"] = milliseconds(names, 4 if quick else 60)
    common.write(out, report)


def main():
    options = common.parser(__doc__, RESULTS, "few lines, one epoch, two seeds").parse_args()
    torch.set_num_threads(1)
    run(common.destination(options, RESULTS), PLAN, options.quick)


if __name__ == "__main__":
    main()
