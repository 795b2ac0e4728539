"""What do small LSTMs and tanh networks learn, over ten random seeds? For chapter 2.1.

    python benchmarks/agreement_training.py [--quick] [--out FILE]

Runs the cells of book/21-lstm-step-by-step.md that are tagged "definition": what is measured is what the chapter shows.
Three tasks:

    marked numbers   at every step, report the last marked number; the mean time between two marks is 20 steps
    agreement, 2     at every verb, say whether its subject is singular or plural; up to 2 "old" before a noun
    agreement, 10    the same with up to 10, in longer texts and with more units

Each network gets the same search: five learning rates, five seeds each, judged by the mean loss on texts that are
neither trained on nor tested on; and three initialisations each, every one with its own best rate: PyTorch's, for the
LSTM also forget biases of 1 and 2, for the tanh network also an orthogonal W and W = identity. The results are those
of ten other seeds. The optimum must not lie at the edge of the grid; where it does, the row says so.

A row has the error of each seed (marked numbers), or the share of right answers of each seed: on texts of the training
kind, and on probes with so many "old" before the subject or before the bystander. "swapped": probes with 30 "old"
before the subject, where c, h or neither comes from a text with 1 "old", put in place right before the subject is read.
It takes about half an hour on one core. Written as JSON to rnncourse/data/measured, where the chapter reads it.
--quick: few steps, two seeds, to see that it runs; written only where --out says.
"""

import os

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
os.environ |= dict.fromkeys(THREADS, "1") | {"TQDM_DISABLE": "1"}  # read once, at the first import

import argparse  # noqa: E402
import datetime  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
from pathlib import Path  # noqa: E402

import jupytext  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

from rnncourse.data import recorded  # noqa: E402
from rnncourse.pytorch.lstm import start_forget_bias  # noqa: E402

CHAPTER = Path(__file__).parent.parent / "book" / "21-lstm-step-by-step.md"
RESULTS = recorded.FOLDER / "agreement_training.json"
SEEDS, SEARCHED = range(10), range(100, 105)
RATES = [0.003, 0.01, 0.03, 0.1, 0.3]
OLD = [0, 1, 2, 5, 10, 20, 30]
SIZES = {  # task → (cell, units): as many parameters, one bias counted; the last tanh network has nine times as many
    "marked numbers": [("LSTM", 2), ("RNN", 5), ("RNN", 18)],
    "agreement, 2": [("LSTM", 2), ("RNN", 6)],
    "agreement, 10": [("LSTM", 8), ("RNN", 20)],
}
INITIAL = {
    "LSTM": {
        "PyTorch": None,
        "forget bias 1": lambda net: start_forget_bias(net, 1),
        "forget bias 2": lambda net: start_forget_bias(net, 2),
    },
    "RNN": {
        "PyTorch": None,
        "orthogonal": lambda net: torch.nn.init.orthogonal_(net.weight_hh_l0),
        "identity": lambda net: torch.nn.init.eye_(net.weight_hh_l0),
    },
}


def chapter():
    """The names that the chapter's definitions make."""
    names = {"np": np, "torch": torch}
    for cell in jupytext.read(CHAPTER).cells:
        if "definition" in cell.metadata.get("tags", []):
            exec(cell.source, names)
    return names


def tasks(names):
    """Name → the chapter's Task; what two of them need to know besides is in the names."""
    longer = names["agreeing"]._replace(
        batch=lambda generator, B=32: names["texts_and_answers"](generator, fillers=10, T=60, B=B), steps=600
    )
    return {"marked numbers": names["holding"], "agreement, 2": names["agreeing"], "agreement, 10": longer}


def loss_on(network, task, data):
    net, out = network
    with torch.no_grad():
        return task.loss(out(net(data[0])[0]), data[1]).item()


def right_at_verbs(network, data):
    (net, out), (x, y) = network, data
    with torch.no_grad():
        return (out(net(x)[0]).argmax(-1) == y)[y > 0].double().mean().item()


def measure(quick=False):
    names, rows = chapter(), []
    seeds, searched = (range(2), range(100, 102)) if quick else (SEEDS, SEARCHED)
    rates, old = (RATES[2:4], OLD[1:3]) if quick else (RATES, OLD)
    for title, task in tasks(names).items():
        task = task._replace(steps=3) if quick else task
        validation, test = (task.batch(np.random.default_rng(seed), B=100) for seed in (97, 98))
        for cell, n in SIZES[title]:
            for initial, prepare in INITIAL[cell].items():

                def learn(seed, rate, cell=cell, n=n, task=task, prepare=prepare):
                    return names["learn"](getattr(torch.nn, cell), n, task, seed, rate, prepare)

                search = {rate: [loss_on(learn(s, rate), task, validation) for s in searched] for rate in rates}
                rate = min(search, key=lambda rate: np.mean(search[rate]))
                networks = [learn(seed, rate) for seed in seeds]
                row = {
                    "task": title,
                    "cell": cell,
                    "n": n,
                    "parameters": parameters(cell, task.m, n),
                    "initial": initial,
                    "rate": rate,
                    "at the edge": rate in (rates[0], rates[-1]),
                    "search": {str(r): rounded(losses) for r, losses in search.items()},
                    "loss": rounded(loss_on(network, task, test) for network in networks),
                }
                if title == "marked numbers":
                    row["error"] = rounded(np.sqrt(loss_on(network, task, test)) for network in networks)
                else:
                    row |= answers(names, networks, test, old, swap=cell == "LSTM")
                rows.append(row)
                shown = row.get("error") or [shares[-1] for shares in row["before the subject"]]
                print(title, cell, n, initial, rate, shown, flush=True)
    return {
        "date": datetime.date.today().isoformat(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__},
        "seeds": len(seeds),
        "rates": rates,
        "old": old,
        "rows": rows,
    }


def parameters(cell, m, n):
    """With one bias for each unit and gate."""
    return {"LSTM": 4, "RNN": 1}[cell] * (n * (m + n) + n)


def answers(names, networks, test, old, swap):
    right = names["right"]
    row = {
        "right": rounded(right_at_verbs(network, test) for network in networks),
        "before the subject": [rounded(right(*network, d, 1) for d in old) for network in networks],
        "before the bystander": [rounded(right(*network, 1, d) for d in old) for network in networks],
    }
    if swap:
        row["swapped"] = {
            what: rounded(right(*network, 30, 1, **given) for network in networks)
            for what, given in (("nothing", {}), ("c", {"c_after": 1}), ("h", {"h_after": 1}))
        }
    return row


def rounded(numbers):
    return [float(f"{number:.4g}") for number in numbers]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    report = measure(options.quick)
    out = options.out or (None if options.quick else RESULTS)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
