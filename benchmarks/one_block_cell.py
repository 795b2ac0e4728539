"""What does an LSTM lose if one block of weights serves all its gates? Chapter 2.3's latch over 20 random seeds.

    python benchmarks/one_block_cell.py [--quick] [--out FILE]

Runs the cells of book/23-counting-parameters.md that are tagged "definition": what is measured is what the chapter
shows. A row is one cell and size: torch's LSTM or the cell with one shared block, with its recurrent matrix W or, as a
control, with W = 0. Its learning rate is the best of RATES by the median error over four seeds that the row does not
count; the row says all that was tried. Then the mean squared errors of 20 other seeds on 2,000 new sequences.
More controls: one LSTM unit with W = 0 at the rate of the unit with W, not at the best of its own; three one-block
units whose cell state is 0 at the beginning of every step; one unit in which one gate has a block of its own and the
other three share one; one unit in which i and g share a block.

It takes about 12 minutes on one core. The rows are written as JSON, one by one, with versions and date, to
rnncourse/data/measured, from where the chapter reads them; a run that was stopped goes on where it was.
--quick: few seeds and steps, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
from functools import partial

import numpy as np
import torch

import rnncourse
from rnncourse import counting
from rnncourse.checks import shapes
from rnncourse.data import recorded
from rnncourse.pytorch import variants
from rnncourse.pytorch.ops import split

RESULTS = recorded.FOLDER / "one_block_cell.json"
STEPS, SEEDS, SEARCH = 600, range(20), range(100, 104)
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
TIED = {  # the blocks of i, f, g and o: those with the same number share their weights
    "own i": (1, 0, 0, 0),
    "own f": (0, 1, 0, 0),
    "own g": (0, 0, 1, 0),
    "own o": (0, 0, 0, 1),
    "i = g": (0, 1, 0, 2),
}
BLOCKS = {"lstm": 4, "shared": 1, "c = 0": 1} | {kind: 1 + max(blocks) for kind, blocks in TIED.items()}
CELLS = [  # the cell, its units, whether it has a recurrent matrix, and its rate where there is no search
    ("lstm", 1, True),
    ("shared", 1, True),
    ("shared", 2, True),
    ("shared", 3, True),
    ("lstm", 8, True),
    ("shared", 8, True),
    ("shared", 17, True),
    ("lstm", 1, False),
    ("lstm", 8, False),
    ("shared", 3, False),
    ("shared", 17, False),
    ("lstm", 1, False, 0.1),
    ("c = 0", 3, True),
    *((kind, 1, True) for kind in TIED),
]


@shapes(U="n m", W="n n", b="n", x="... m", h="... n", c="... n")
def forgetful(x, h, c, U, W, b):
    """The one-block cell with c_{t−1} = 0 at every step: only h reaches the next step."""
    return variants.shared.unchecked(x, h, 0 * c, U, W, b)


def tied(i, f, g, o):
    """An LSTM step whose gates share blocks of weights: for each gate, the number of its block."""
    k = 1 + max(i, f, g, o)

    @shapes(U=f"{k}n m", W=f"{k}n n", b=f"{k}n", x="... m", h="... n", c="... n")
    def step(x, h, c, U, W, b):
        nets = split(x @ U.T + h @ W.T + b, k)
        c = nets[f].sigmoid() * c + nets[i].sigmoid() * nets[g].tanh()
        return nets[o].sigmoid() * c.tanh(), c

    return step


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("23-counting-parameters", np=np, torch=torch, variants=variants)


def rows(done, steps=STEPS, seeds=SEEDS, search=SEARCH, rates=RATES):
    """The rows that are not in ``done``, as they come."""
    names = chapter()
    makers = {"lstm": torch.nn.LSTM, "shared": names["Shared"], "c = 0": partial(variants.Variant, forgetful)}
    makers |= {kind: partial(variants.Variant, tied(*blocks)) for kind, blocks in TIED.items()}
    for kind, n, with_W, *fixed in CELLS:
        row = {"cell": kind, "n": n, "with W": with_W, "parameters": BLOCKS[kind] * counting.cell("shared", 2, n)}
        row |= {"steps": steps, "given": fixed[0]} if fixed else {"steps": steps}
        if any(row.items() <= old.items() and ("given" in old) == bool(fixed) for old in done):
            continue

        def error(seed, rate, cell=makers[kind], n=n, with_W=with_W):
            return float(f"{names['train'](cell, n, seed, rate, with_W, steps):.3g}")

        tried = {} if fixed else {str(rate): [error(seed, rate) for seed in search] for rate in rates}
        best = fixed[0] if fixed else float(min(tried, key=lambda rate: np.median(tried[rate])))
        yield row | {"rate": best, "search": tried, "error": [error(seed, best) for seed in seeds]}


def main():
    options = common.parser(__doc__, RESULTS, "few seeds and steps").parse_args()
    torch.set_num_threads(1)
    out = common.destination(options, RESULTS)
    report = {"date": common.today(), "versions": common.versions(rnncourse, np, torch), "rows": common.rows(out)}
    settings = dict(steps=3, seeds=[0], search=[100], rates=(0.03, 0.1)) if options.quick else {}
    for row in rows(list(report["rows"]), **settings):
        report["rows"].append(row)
        few = {key: row[key] for key in ("cell", "n", "with W", "rate")}
        print(few, f"median error {np.median(row['error']):.4f}", flush=True)
        common.write(out, report)


if __name__ == "__main__":
    main()
