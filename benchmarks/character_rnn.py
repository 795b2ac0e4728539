"""Chapter 1.2's character model over ten random seeds, with and without its recurrent matrix, and in other sizes.

    python benchmarks/character_rnn.py [--quick] [--out FILE]

Runs the cells of book/12-simple-rnn.md that are tagged "definition": what is trained is what the chapter trains.
The tables:

    search   every learning rate of RATES, three seeds, with W and with W = 0: bits on the validation text
    runs     ten other seeds at the rate that was best on average: bits on the validation text and on the test text
    sizes    32 and 64 units, each with a search of its own, then three other seeds

The best rate of every search must lie inside the grid. It takes about five minutes on one core. A row is written as
soon as it is there, and a second call continues where the first one stopped.
--quick: one seed and a few steps, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split

import numpy as np
import sklearn

from rnncourse.data import recorded

RESULTS = recorded.FOLDER / "character_rnn.json"
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
NETWORKS = [(128, True), (128, False), (32, True), (64, True)]  # units, memory


def chapter():
    """The names that the chapter's definitions make, its text read."""
    return common.definitions("12-simple-rnn", np=np)


def run(names, seed, **settings):
    """One training → bits on the validation text, bits on the test text."""
    *_, (_, weights) = names["learn"](seed, **settings)
    return [round(float(names["bits"](weights, names[part])), 4) for part in ("validation", "test")]


def measure(names, rows, seeds, searched, rates=RATES, steps=2000):
    """The rows that are missing in ``rows``, which the caller extends, one after the other."""
    have = [(row["table"], row["units"], row["memory"], row["rate"]) for row in rows]
    for n, memory in NETWORKS:
        for rate in rates:
            if ("search", n, memory, rate) not in have:
                found = [run(names, seed, n=n, memory=memory, rate=rate, steps=steps)[0] for seed in searched]
                yield {"table": "search", "units": n, "memory": memory, "rate": rate, "validation": found}
        tried = {
            row["rate"]: np.mean(row["validation"])
            for row in rows
            if (row["table"], row["units"], row["memory"]) == ("search", n, memory)
        }
        rate, table = min(tried, key=tried.get), "runs" if n == 128 else "sizes"
        if (table, n, memory, rate) not in have:
            many = seeds if n == 128 else seeds[:3]
            validation, test = zip(
                *(run(names, s, n=n, memory=memory, rate=rate, steps=steps) for s in many), strict=True
            )
            row = {"table": table, "units": n, "memory": memory, "rate": rate}
            yield row | {"validation": list(validation), "test": list(test)}


def main():
    options = common.parser(__doc__, RESULTS, "one seed and a few steps").parse_args()
    names, out = chapter(), common.destination(options, RESULTS)
    report = {
        "date": common.today(),
        "versions": common.versions(np) | {"scikit-learn": sklearn.__version__},
        "rows": common.rows(out),
    }
    size = dict(seeds=range(10), searched=range(100, 103))
    if options.quick:
        size = dict(seeds=range(1), searched=range(100, 101), rates=(0.005, 0.01), steps=3)
    for row in measure(names, report["rows"], **size):
        report["rows"].append(row)
        print(row, flush=True)
        common.write(out, report)


if __name__ == "__main__":
    main()
