"""Chapter 4.5: what an LSTM that has read scikit-learn's code brings to 1, 10 and 100 KB of another text.

    python benchmarks/transfer.py [--quick] [--out FILE]

Runs the cells of book/45-transfer.md that are tagged "definition": what is measured is what the chapter shows. Before
the first row it trains the old model, 3,000 steps, and keeps it in rnncourse/data/transfer_model.pt, where the chapter
reads it; an old model that stands there is used.
A row is a method, or another old model, on one target and one size. Every row gets the same search: learning rates from
GRID on the draws SEARCHED (only the first at 100 KB), and more rates, a factor of about 3 apart, until the best mean on
the validation parts of the little texts is not at the edge. The best rate then runs on other draws of the little text.
Scores: bits per character of the target's test files (bits), of scikit-learn's test files (old), and of the validation
part.
    0 KB       the old model as it is
    methods    the five of the chapter; "from nothing, longer" takes 3 times the steps at the same rate
    texts      the old model has read other text: shuffled, trigram, renamed
    parts      some layers get new random weights, or their entries another order, with another seed for each draw
    remember   "all layers" at its rate, with old text in the batches (share of 8) or a pull to the old weights
    like       "all layers" at its rate on Polish, where a new letter starts like its Latin letter, or with random rows
    n-grams    the n-gram model of the little text, of the old text, and their mixture, for the same draws
Written as JSON to rnncourse/data/measured, where the chapter reads it, after every row; rows that stand there are not
run again: remove the file to begin anew. About 18 minutes on one core.
The rows of 1 KB, of "fresh readout" and of the group parts were measured last, when the draws of 1 KB became five
pieces and new weights got seeds of their own. The other rows are older; this code makes the same draws.
--quick: some rows, few steps, two draws, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import time
import unicodedata

import numpy as np
import torch

from rnncourse.data import recorded, text
from rnncourse.pytorch import language

RESULTS = recorded.FOLDER / "transfer.json"
MODEL = recorded.FOLDER.parent / "transfer_model.pt"
GRID, SEARCHED = (0.001, 0.003, 0.01), (100, 101)
FACTORS = 10 ** np.arange(-5, 0.1, 0.5)  # the rates that a search may try: 1e-5, 3e-5, …, 1
METHODS = ("from nothing", "readout only", "all layers", "fresh readout")
LAYERWISE = "a rate for each layer"
TEXTS = ("shuffled", "trigram", "renamed")
PARTS = ("fresh embedding", "only the LSTM", "only embedding and readout")
PERMUTED = ("embedding and readout permuted", "all layers permuted")
LATIN = {c: {"ł": "l", "Ł": "L"}.get(c) or unicodedata.normalize("NFKD", c)[0] for c in "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ"}
PLAN = [  # group, method, target, KB, draws
    *(("0 KB", "as it is", target, 0, 1) for target in ("pandas", "C++", "Polish")),
    *(("n-grams", "n-grams", target, size, 10) for target in ("pandas", "C++", "Polish") for size in (1, 10)),
    *(("n-grams", "n-grams", target, 100, 5) for target in ("pandas", "C++")),
    *(("methods", method, target, 10, 10) for target in ("C++", "Polish", "pandas") for method in METHODS),
    *(("texts", method, "C++", 10, 10) for method in TEXTS),
    *(("parts", method, "C++", 10, 10) for method in PARTS + PERMUTED),
    *(("parts", method, "Polish", 10, 10) for method in PARTS),
    *(("longer", f"{method}, longer", "Polish", 10, 10) for method in ("from nothing", "all layers")),
    *(("methods", method, target, 1, 10) for target in ("C++", "pandas", "Polish") for method in METHODS[:3]),
    *(("methods", LAYERWISE, target, 10, 10) for target in ("C++", "Polish", "pandas")),
    *(("remember", f"replay {share}/8", "C++", 10, 10) for share in (1, 2, 4)),
    *(("remember", f"pull {pull}", "C++", 10, 10) for pull in (0.001, 0.01, 0.1)),
    ("longer", "from nothing, longer", "C++", 10, 10),
    ("longer", "all layers, longer", "C++", 10, 10),
    *(("methods", method, target, 100, 5) for target in ("C++", "pandas") for method in METHODS[:3]),
    *(("like", method, "Polish", 10, 10) for method in ("like Latin letters", "random rows")),
]
STEPS = {1: 300, 10: 300, 100: 1000}
QUICK = [
    planned
    for planned in PLAN
    if planned[2:4] in (("C++", 0), ("C++", 10)) or planned[1:4] == ("all layers", "Polish", 10)
]
QUICK += [planned for planned in PLAN if planned[0] == "like"]


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("45-transfer", np=np, torch=torch)


def key(row):
    return row["method"], row["target"], row["KB"]


class Models(dict):
    """The old models, made when they are first asked for. names: the chapter's; steps: of their training."""

    def __init__(self, names, steps, file=None):
        super().__init__()
        self.names, self.steps, self.file = names, steps, file

    def __missing__(self, kind):
        names = self.names
        if kind in names["TEXTS"]:
            self[kind] = names["pretrain"](names["TEXTS"][kind](names["OLD"].train), self.steps)
        elif self.file and self.file.exists():
            self[kind] = language.load(self.file, text.ASCII)[0]
        else:
            self[kind] = names["pretrain"](names["OLD"].train, self.steps)
            if self.file:
                language.save(self.file, self[kind], text.ASCII)
        return self[kind]


def options_of(method):
    """What ``fine_tune`` gets for a row of the group remember or longer."""
    kind, _, value = method.partition(" ")
    if kind == "replay":
        return {"share": int(value[0])}
    return {"pull": float(value)} if kind == "pull" else {}


def one(names, models, method, target, size, rate, seed, steps):
    """One training: bits on the validation part, the target's test text and the old test text."""
    options = options_of(method) | {"steps": steps}
    if "share" in options:
        options["old"] = torch.as_tensor(text.ASCII.encode(names["OLD"].train))
    base = method.removesuffix(", longer")
    if method in ("like Latin letters", "random rows"):
        symbols, new = names["encode"](target, names["draw"](target, size, seed)), names["ALPHABET"][target]
        old_model = models["code"]  # made before the seed is set
        torch.manual_seed(seed)
        like = LATIN if method == "like Latin letters" else None
        model = language.move(old_model, text.ASCII, new, like)
        if not like:
            with torch.no_grad():
                fresh = names["new_model"](len(new))
                for layer in ("embedding", "readout"):
                    pairs = zip(getattr(model, layer).parameters(), getattr(fresh, layer).parameters(), strict=True)
                    for weights, random in pairs:
                        weights[len(text.ASCII) :] = random[len(text.ASCII) :]
        validation = names["fine_tune"](model, symbols, rate, **options)
    else:
        old = None if base == "from nothing" else models[method if method in names["TEXTS"] else "code"]
        validation, model = names["transfer"](base, target, size, rate, seed, old, **options)
    new, old = names["bits"](model, names["HELD_OUT"][target]), None
    if target != "Polish":
        old = names["bits"](model, names["HELD_OUT"]["old"])
    return {"validation": validation, "bits": new} | ({} if old is None else {"old": old})


def search(score, grid, widest=6):
    """rate → score, for the rates of the grid and more, until the best is not at the edge."""
    tried = {rate: score(rate) for rate in grid}
    while (best := min(tried, key=tried.get)) in (min(tried), max(tried)) and len(tried) < widest:
        place = int(np.argmin(np.abs(np.log(FACTORS / best)))) + (-1 if best == min(tried) else 1)
        rate = float(f"{FACTORS[place]:.0e}")
        tried[rate] = score(rate)
    return tried


def measure(names, models, group, method, target, KB, draws, rate=None, quick=False, counts=None):
    """A row: the search, unless a rate is given, and the scores with the rate chosen."""
    size, tried, scores = KB * 1000, {}, []
    if group == "n-grams":
        if not counts:
            counts.append(names["counted"](names["OLD"].train[: 100_000 if quick else None]))
        scores = [names["count_target"](target, size, seed, counts[0]) for seed in range(draws)]
    elif group == "0 KB":
        model = language.move(models["code"], text.ASCII, names["ALPHABET"][target])
        old = names["bits"](models["code"], names["HELD_OUT"]["old"])
        scores = [{"bits": names["bits"](model, names["HELD_OUT"][target]), "old": old}]
    else:
        steps = (40 if quick else STEPS[KB]) * (3 if group == "longer" else 1)

        def validation(rate):
            searched = SEARCHED[:1] if quick or KB == 100 else SEARCHED
            found = [one(names, models, method, target, size, rate, seed, steps)["validation"] for seed in searched]
            return round(float(np.mean(found)), 4)

        if rate is None:
            tried = search(validation, GRID[:2] if quick else GRID, 2 if quick else 6)
            rate = min(tried, key=tried.get)
        scores = [one(names, models, method, target, size, rate, seed, steps) for seed in range(draws)]
    return {
        "group": group,
        "method": method,
        "target": target,
        "KB": KB,
        "search": {str(one): score for one, score in tried.items()},
        "rate": rate,
        "scores": [{what: round(float(value), 4) for what, value in run.items()} for run in scores],
    }


def rate_of(rows, group, method, target, KB):
    """The rate that rows without a search of their own take from another row."""
    base = {"remember": "all layers", "like": "all layers"}.get(group) or method.removesuffix(", longer")
    if group not in ("remember", "like", "longer"):
        return None
    (rate,) = [row["rate"] for row in rows if key(row) == (base, target, KB)]
    return rate


def run(out, plan, quick=False):
    names, counts = chapter(), []
    models = Models(names, 40 if quick else 3000, None if quick else MODEL)
    import sklearn

    report = {
        "date": common.today(),
        "versions": common.versions(np, torch) | {"scikit-learn": sklearn.__version__},
        "rows": common.rows(out),
    }
    rows, keys = report["rows"], [planned[1:4] for planned in PLAN]
    for group, method, target, KB, draws in plan:
        if (method, target, KB) in [key(row) for row in rows]:
            continue
        began, rate = time.process_time(), rate_of(rows, group, method, target, KB)
        draws = min(draws, 2) if quick else draws
        row = measure(names, models, group, method, target, KB, draws, rate, quick, counts)
        middle = {what: round(float(np.mean([s[what] for s in row["scores"]])), 3) for what in row["scores"][0]}
        print(
            method, target, KB, row["search"], row["rate"], middle, f"{time.process_time() - began:.0f} s", flush=True
        )
        rows.append(row)
        rows.sort(key=lambda row: keys.index(key(row)))
        common.write(out, report)


def main():
    options = common.parser(__doc__, RESULTS, "some rows, few steps, two draws").parse_args()
    torch.set_num_threads(1)
    run(common.destination(options, RESULTS), QUICK if options.quick else PLAN, options.quick)


if __name__ == "__main__":
    main()
