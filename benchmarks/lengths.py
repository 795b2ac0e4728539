"""Chapter 4.1: what padding costs a network that reads it, and which ways of reading a padded batch avoid the cost.

    python benchmarks/lengths.py [--quick] [--out FILE]

Runs the cells of book/41-sequences-of-any-length.md that are tagged "definition": what is measured is what the chapter
shows. Every row gets the same search: each learning rate of RATES with one seed, judged on validation names in batches
made as in training; the best rate then runs with other seeds on test names. Rows with LONG epochs take the rate of the
same row with EPOCHS. Scores: the shares right in random batches, in buckets and one by one, and the share of names
whose answer differs between two random orders; "last real state" is also tested as if it read output[-1].
The last entry is the strong simple rival: a logistic regression on n-grams of characters, its strength of
regularisation searched on the same validation names.
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew.
--quick: few names, one epoch, two seeds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import time

import numpy as np
import torch

from rnncourse import counting
from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "lengths.json"
RATES = (0.005, 0.01, 0.02, 0.04, 0.08)
STRENGTHS = (1, 3, 10, 30, 100)
EPOCHS, LONG, SEARCH_SEED = 8, 24, 100
PLAN = [  # model, buckets?, three times the epochs?, seeds
    ("last real state", False, False, 10),
    ("output[-1]", False, False, 10),
    ("padding in front", False, False, 10),
    ("mean of real steps", False, False, 10),
    ("mean of all steps", False, False, 10),
    ("last real state", True, False, 10),
    ("output[-1]", True, False, 10),
    ("both, packed", False, False, 5),
    ("both, padded", False, False, 5),
    ("both, half fixed", False, False, 5),
    ("output[-1]", False, True, 5),
    ("last real state", False, True, 5),
    ("padding in front", False, True, 5),
    ("output[-1], forget bias 2", False, False, 10),
    ("last real state, forget bias 2", False, False, 10),
]


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("41-sequences-of-any-length", np=np, torch=torch)


def key(row):
    return row["model"], row["buckets"], row["epochs"]


def measure(names, model, buckets, epochs, rates, seeds, rate=None):
    """A row: the search, unless a rate is given, and the runs with the rate chosen."""
    began, tried, scores = time.process_time(), {}, []
    if rate is None:
        for one in rates:
            found = names["test"](names["learn"](model, one, SEARCH_SEED, epochs, buckets), "validation")
            tried[one] = round(found["buckets" if buckets else "batches"], 4)
        rate = max(tried, key=tried.get)
    for seed in range(seeds):
        trained = names["learn"](model, rate, seed, epochs, buckets)
        found = names["test"](trained)
        if model == "last real state":
            trained.how = "output[-1]"
            found["read as output[-1]"] = names["test"](trained)["batches"]
        scores.append({what: round(share, 4) for what, share in found.items()})
    middle = {what: round(float(np.median([run[what] for run in scores])), 3) for what in scores[0]}
    print(model, buckets, epochs, tried, rate, middle, f"{time.process_time() - began:.0f} s", flush=True)
    return {
        "model": model,
        "buckets": buckets,
        "epochs": epochs,
        "weights": counting.parameters(trained),
        "search": {str(one): share for one, share in tried.items()},
        "rate": rate,
        "scores": scores,
    }


def ngrams(parts):
    """The rival: a logistic regression on weighted n-grams of 1 to 4 characters."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    options = {"analyzer": "char_wb", "ngram_range": (1, 4), "lowercase": False, "sublinear_tf": True, "min_df": 2}
    vectors = TfidfVectorizer(**options)
    x, fits, tried = vectors.fit_transform(parts["train"].texts), {}, {}
    for C in STRENGTHS:
        fits[C] = LogisticRegression(C=C, max_iter=500, tol=1e-3).fit(x, parts["train"].labels)
        part = parts["validation"]
        tried[C] = round(fits[C].score(vectors.transform(part.texts), part.labels), 4)
    C = max(tried, key=tried.get)
    right = fits[C].score(vectors.transform(parts["test"].texts), parts["test"].labels)
    return {"search": {str(one): share for one, share in tried.items()}, "C": C, "right": round(right, 4)}


def run(out, plan, quick=False, names=None):
    names = names or chapter()
    if quick:
        parts = names["parts"]
        parts |= {p: type(found)(found.texts[::20], found.labels[::20]) for p, found in parts.items()}
    rates = RATES[:2] if quick else RATES
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "rates tried": list(rates),
        "n-grams": ngrams(names["parts"]),
        "rows": common.rows(out),
    }
    rows = report["rows"]
    for model, buckets, long, seeds in plan:
        epochs = (2 if long else 1) if quick else LONG if long else EPOCHS
        if (model, buckets, epochs) in [key(row) for row in rows]:
            continue
        rate = None
        if long:
            short = model, buckets, 1 if quick else EPOCHS
            (rate,) = [row["rate"] for row in rows if key(row) == short]
        rows.append(measure(names, model, buckets, epochs, rates, 2 if quick else seeds, rate))
        common.write(out, report)


def main():
    options = common.parser(__doc__, RESULTS, "few names, one epoch, two seeds").parse_args()
    torch.set_num_threads(1)
    run(common.destination(options, RESULTS), PLAN, options.quick)


if __name__ == "__main__":
    main()
