"""What do small LSTMs and tanh networks learn, over many random seeds? For chapter 2.1.

    python benchmarks/agreement_training.py [--quick] [--out FILE]

Runs the cells of book/21-lstm-step-by-step.md that are tagged "definition": what is measured is what the chapter shows.
Four tables:

    marked numbers  at every step, report the last marked number; the mean time between two marks is 20 steps
    agreement       at every verb, say whether its subject is singular or plural; up to 2 "old" before a noun
    drift           the same for the LSTM, with the drift of c at "old" added to the loss, times a weight
    longer          marked numbers again, with five times as many steps: the LSTM, and the large tanh network, with
                    the rate and the initialisation of the first table

In the first two tables each network gets the same search, judged by the mean loss on texts that are neither trained on
nor tested on: five learning rates times three initialisations, two seeds each. If the best rate lies at the edge of
the grid, the grid gets one more rate there. For the marked numbers the three best pairs then get four more seeds each.
The initialisations are PyTorch's, for the LSTM also forget biases of 1 and 2, for the tanh network also an orthogonal
W and W = identity. A row has the results of the best pair on other seeds. The last table takes the LSTM's
initialisation from the second, and searches three learning rates with two seeds each, judged by the loss without the
drift.

marked numbers: the root mean square error, also by the steps since the mark; for the LSTM, of the unit that moves the
report most, the mean of i and f at marks and elsewhere. agreement: the share of right answers on texts of the training
kind ("right"), and on probes with so many "old" before the subject or after it, between subject and verb. Of an LSTM
whose probes have 30 "old" before the subject: how far c moves from the 2nd to the 30th, in the unit that moves most;
how many answers a straight line in the plane of c can separate, right after the subject and right before the verb; and
the share of right answers when c or h right before the subject is taken from a text with one "old".

It takes about ten minutes on one core. Rows are written one by one to FILE.rows, and losses of a search to FILE.search;
an interrupted run goes on there. --rows N: stop after N rows.
Written as JSON to rnncourse/data/measured, where the chapter reads it.
--quick: few steps, two seeds, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import itertools
import json

import numpy as np
import torch

from rnncourse.data import recorded
from rnncourse.pytorch.lstm import initialise_forget_bias
from rnncourse.reference import lstm

RESULTS = recorded.FOLDER / "agreement_training.json"
SEARCHED, FINALISTS = range(100, 102), 3
FINAL = {"marked numbers": range(100, 106), "agreement": SEARCHED}
SEEDS = {"marked numbers": range(10), "agreement": range(20), "drift": range(20), "longer": range(5)}
RATES = [0.003, 0.01, 0.03, 0.1, 0.3]
OLD = [0, 1, 2, 5, 10, 20, 30]
AGES = [0, 1, 3, 10, 30, 100]  # steps since the mark: 0, 1–2, 3–9, 10–29, 30 and more
WEIGHTS = [10.0]  # of the drift in the loss
SIZES = {  # (cell, units): as many parameters, one bias counted; the last tanh network has ten times as many
    "marked numbers": [("LSTM", 2), ("RNN", 5), ("RNN", 19)],
    "agreement": [("LSTM", 2), ("RNN", 6)],
}
INITIAL = {
    "LSTM": {
        "PyTorch": None,
        "forget bias 1": lambda net: initialise_forget_bias(net, 1),
        "forget bias 2": lambda net: initialise_forget_bias(net, 2),
    },
    "RNN": {
        "PyTorch": None,
        "orthogonal": lambda net: torch.nn.init.orthogonal_(net.weight_hh_l0),
        "identity": lambda net: torch.nn.init.eye_(net.weight_hh_l0),
    },
}


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("21-lstm-step-by-step", np=np, torch=torch)


# ---- what is measured of a trained network (net, output layer) -------------------------------------------------


def loss_on(network, task, data):
    net, out = network
    with torch.no_grad():
        return task.loss(out(net(data[0])[0]), data[1]).item()


def right_at_verbs(network, data):
    (net, out), (x, y) = network, data
    with torch.no_grad():
        return (out(net(x)[0]).argmax(-1) == y)[y > 0].double().mean().item()


def errors(network, data):
    """The root mean square error over all steps, and over the steps of each age."""
    (net, out), (x, y) = network, data
    with torch.no_grad():
        wrong = (out(net(x)[0]) - y)[..., 0].numpy() ** 2
    steps = np.arange(len(x))[:, None]
    age = steps - np.maximum.accumulate((x[..., 1].numpy() > 0) * steps)
    shares = [wrong[(low <= age) & (age < high)].mean() for low, high in zip(AGES, AGES[1:], strict=False)]
    return np.sqrt(wrong.mean()), np.sqrt(shares)


def gates_at_marks(network, x):
    """i at marks, i elsewhere, f at marks, f elsewhere: means, of the unit whose h moves the report most."""
    net, out = network
    weights = [a.astype(np.float64) for a in lstm.from_torch(net)]
    T, B, n = *x.shape[:2], net.hidden_size
    *_, cache = lstm.forward(x.double().numpy(), *np.zeros((2, B, n)), *weights)
    unit = np.argmax(np.abs(out.weight.detach().numpy()[0]) * cache.h[1:].std(axis=(0, 1)))
    mark = x[..., 1].numpy() > 0
    i, f = cache.gates.reshape(T, B, 4, n)[..., :2, unit].transpose(2, 0, 1)
    return [gate[where].mean() for gate in (i, f) for where in (mark, ~mark)]


def separable(states, answers):
    """The largest share of answers 1 and 2 that a straight line in the plane of ``states`` (B, 2) has on two sides."""
    best, states = 0.0, states - states.mean(axis=0)
    for angle in np.linspace(0, 2 * np.pi, 720, endpoint=False):
        along = states @ [np.cos(angle), np.sin(angle)]
        order = np.argsort(along)
        one, along = answers[order] == 1, along[order]
        gap = np.append(np.diff(along) > 1e-3 * np.ptp(along), False)  # a line runs between two points, not through
        right = (np.cumsum(~one) + one.sum() - np.cumsum(one)) / len(one)
        best = max(best, right[gap].max(initial=0))
    return best


def long_before_the_subject(names, network, old=30):
    """What an LSTM does on probes with so many "old" before the subject: see the head of this file."""
    head, tail, answers = names["probes"](old, 1)
    with torch.no_grad():
        c = names["cell_states"](network[0], torch.cat([head, tail])).numpy()
    subject, answers = len(head), answers.numpy()
    return {
        "moves": np.abs(c[subject - 1] - c[subject + 1 - old]).mean(axis=0).max(),  # c[3] is before the first "old"
        "after the subject": separable(c[subject], answers),
        "before the verb": separable(c[-2], answers),
        "c replaced": names["right"](network, old, 1, c_after=1),
        "h replaced": names["right"](network, old, 1, h_after=1),
    }


# ---- the tables ------------------------------------------------------------------------------------------------


def parameters(cell, m, n):
    """With one bias for each unit and gate."""
    return {"LSTM": 4, "RNN": 1}[cell] * (n * (m + n) + n)


def rounded(numbers):
    return [float(f"{number:.4g}") for number in numbers]


def agreement_results(names, networks, task, test, old):
    right = names["right"]
    row = {
        "loss": rounded(loss_on(network, task, test) for network in networks),
        "right": rounded(right_at_verbs(network, test) for network in networks),
        "before the subject": [rounded(right(network, d, 1) for d in old) for network in networks],
        "after the subject": [rounded(right(network, 1, d) for d in old) for network in networks],
    }
    if isinstance(networks[0][0], torch.nn.LSTM):
        seen = [long_before_the_subject(names, network) for network in networks]
        row["30 before the subject"] = {key: rounded(one[key] for one in seen) for key in seen[0]}
    return row


class Tables:
    def __init__(self, quick, losses=None):
        """losses: a file that keeps each loss of a search, or None."""
        self.names, self.file, self.losses = chapter(), losses, {}
        if losses and losses.exists():
            lines = losses.read_text(encoding="utf-8").splitlines()
            self.losses = {tuple(key): loss for key, loss in map(json.loads, lines)}
        self.rates, self.old = (RATES[1:4], OLD[1:3]) if quick else (RATES, OLD)
        self.final = {table: seeds[:3] if quick else seeds for table, seeds in FINAL.items()}
        self.seeds = {table: list(seeds)[: 2 if quick else None] for table, seeds in SEEDS.items()}
        few = {"steps": 3} if quick else {}
        self.tasks = {
            "marked numbers": self.names["holding"]._replace(**few),
            "agreement": self.names["agreeing"]._replace(**few),
        }

    def learn(self, cell, n, task, seed, rate, initial, **more):
        return self.names["learn"](getattr(torch.nn, cell), n, task, seed, rate, INITIAL[cell][initial], **more)

    def loss(self, key, task, validation):
        """The loss of one training, from the file if it is there."""
        if key not in self.losses:
            _, cell, n, initial, rate, seed = key
            self.losses[key] = float(f"{loss_on(self.learn(cell, n, task, seed, rate, initial), task, validation):.4g}")
            if self.file:
                with self.file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([key, self.losses[key]], ensure_ascii=False) + "\n")
        return self.losses[key]

    def searched_row(self, table, cell, n):
        """One network with the best learning rate and initialisation of its search."""
        task = self.tasks[table]
        validation, test = (task.batch(np.random.default_rng(seed), B=100) for seed in (97, 98))
        search = {}

        def mean(pair):
            return np.mean(search[pair])

        def look(pairs, seeds):
            for initial, rate in pairs:
                search[initial, rate] = [
                    self.loss((table, cell, n, initial, rate, seed), task, validation) for seed in seeds
                ]

        look(itertools.product(INITIAL[cell], self.rates), SEARCHED)
        _, rate = min(search, key=mean)
        for edge, beyond in ((self.rates[0], self.rates[0] / 3), (self.rates[-1], self.rates[-1] * 3)):
            if rate == edge:
                look(itertools.product(INITIAL[cell], [float(f"{beyond:.1g}")]), SEARCHED)
        finalists = sorted(search, key=mean)[:FINALISTS]
        look(finalists, self.final[table])
        initial, rate = min(finalists, key=mean)
        networks = [self.learn(cell, n, task, seed, rate, initial) for seed in self.seeds[table]]
        row = {"table": table, "cell": cell, "n": n, "parameters": parameters(cell, task.m, n)}
        row |= {"initial": initial, "rate": rate}
        row["search"] = [[*pair, rounded(losses)] for pair, losses in search.items()]
        if table == "agreement":
            return row | agreement_results(self.names, networks, task, test, self.old)
        pairs = [errors(network, test) for network in networks]
        row |= {"error": rounded(error for error, _ in pairs), "by age": [rounded(ages) for _, ages in pairs]}
        if cell == "LSTM":
            row["i at marks, i elsewhere, f at marks, f elsewhere"] = [
                rounded(gates_at_marks(network, test[0])) for network in networks
            ]
        return row

    def drift_row(self, found, weight):
        """The LSTM ``found`` in the search of agreement, trained with its drift in the loss, and a rate of its own."""
        task, initial = self.tasks["agreement"], found["initial"]
        validation, test = (task.batch(np.random.default_rng(seed), B=100) for seed in (97, 98))

        def extra(net, x):
            return weight * self.names["drift"](net, x)

        def learn(seed, rate):
            return self.learn(found["cell"], found["n"], task, seed, rate, initial, extra=extra)

        search = {
            rate: [loss_on(learn(seed, rate), task, validation) for seed in SEARCHED] for rate in self.rates[1:-1]
        }
        rate = min(search, key=lambda rate: np.mean(search[rate]))
        networks = [learn(seed, rate) for seed in self.seeds["drift"]]
        row = {"table": "drift", "cell": found["cell"], "n": found["n"], "weight": weight}
        row |= {"initial": initial, "rate": rate}
        row["search"] = [[initial, rate, rounded(losses)] for rate, losses in search.items()]
        return row | agreement_results(self.names, networks, task, test, self.old)

    def longer_row(self, before):
        """The network of a row of the first table, trained for five times as many steps."""
        task = self.tasks["marked numbers"]
        test, task = task.batch(np.random.default_rng(98), B=100), task._replace(steps=5 * task.steps)
        setting = {key: before[key] for key in ("cell", "n", "parameters", "initial", "rate")}
        given = before["cell"], before["n"], task
        networks = [self.learn(*given, seed, before["rate"], before["initial"]) for seed in self.seeds["longer"]]
        pairs = [errors(network, test) for network in networks]
        row = {"table": "longer", "steps": task.steps} | setting
        return row | {"error": rounded(error for error, _ in pairs), "by age": [rounded(ages) for _, ages in pairs]}

    def rows(self, done):
        """All rows in order; the first of them, already ``done``, are not computed again."""
        made = []
        for table, sizes in SIZES.items():
            for cell, n in sizes:
                made.append(done[len(made)] if len(made) < len(done) else self.searched_row(table, cell, n))
                yield made[-1]
        found = next(row for row in made if row["table"] == "agreement" and row["cell"] == "LSTM")
        for weight in WEIGHTS:
            made.append(done[len(made)] if len(made) < len(done) else self.drift_row(found, weight))
            yield made[-1]
        for before in (made[0], made[2]):  # the LSTM, and the tanh network with ten times as many parameters
            made.append(done[len(made)] if len(made) < len(done) else self.longer_row(before))
            yield made[-1]


def describe(row):
    """A row as one line."""
    setting = ", ".join(str(row[key]) for key in ("table", "cell", "n", "weight", "initial", "rate") if key in row)
    if "error" in row:
        return f"{setting}: error {min(row['error'])} … {max(row['error'])}"
    shares = [np.mean([line[-1] for line in row[f"{where} the subject"]]) for where in ("before", "after")]
    return f"{setting}: right at most fillers before the subject {shares[0]:.3f}, after it {shares[1]:.3f}"


def main():
    parser = common.parser(__doc__, RESULTS, "few steps, two seeds")
    parser.add_argument("--rows", type=int)
    options = parser.parse_args()
    torch.set_num_threads(1)
    out = common.destination(options, RESULTS)
    kept, losses = out and out.with_suffix(".rows"), out and out.with_suffix(".search")
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()] if out and kept.exists() else []
    tables, rows = Tables(options.quick, losses), []
    for row in tables.rows(done):
        rows.append(row)
        if out and len(rows) > len(done):
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        print(describe(row), flush=True)
        if len(rows) == options.rows:
            return
    report = {
        "date": common.today(),
        "versions": common.versions(np, torch),
        "seeds": {table: len(seeds) for table, seeds in tables.seeds.items()},
        "rates": tables.rates,
        "old": tables.old,
        "ages": AGES,
        "rows": rows,
    }
    common.write(out, report)
    if out:
        kept.unlink()
        losses.unlink()


if __name__ == "__main__":
    main()
