"""What can be forecast about tomorrow's share price? The long tables of chapter 6.1, over companies, origins and seeds.

    python benchmarks/stock_forecasts.py [--quick] [--out FILE] [--parts picture leak …]

    picture     the usual two-layer LSTM on Microsoft's price: its error, and its announced moves against the true ones
    leak        the same on IBM's and Apple's price in dollars, in half as many epochs, with scalers fitted on all days,
                on the days of training, and on the latter with the range made twice and three times as wide; for IBM
                also with only the range of the inputs, or only that of the target, made twice as wide
    longer      leak for IBM, five times as long, with half as many seeds
    contest     tomorrow's return: LSTMs of one layer and of two, ridge regression, a line (least squares on today's
                return alone) and the mean against persistence
    volatility  the size of tomorrow's return, |r|: yesterday's size, each company's own mean of its last 250 days, a
                moving average (EWMA), a linear model of six averages (HAR), ridge regression, an LSTM of one layer;
                and how often an interval built from each holds the return
    control     the contest again after a signal was planted; an oracle and a coin beside the models
    steps       LSTMs trained for a fixed number of steps: size of the forecasts and skill

The functions usual, known, Net and learn are the chapter's own: its cells tagged "definition" are run.
Five origins (``series.walk_forward``): each time, the first 80 % of the days of training are for fitting, the last 20 %
for validation. Ridge regression chooses among 24 penalties on the validation days, each network among 24 settings
(learning rate, number of parameters) with early stopping; then ten other seeds are trained with the
setting that was best. Skill is 1 − squared error / squared error of the baseline, errors averaged over the companies
of a day, then over days. Intervals (95 %) draw blocks of 20 days and, for networks, seeds with replacement.

It takes about ten minutes on one core. Everything is written as JSON, with machine, versions and date, to
rnncourse/data/measured, where chapter 6.1 reads it, each part when it is done. Parts that are there are not measured
again. --keep FOLDER: keep the forecasts of each trained set of networks there, and take from there what was kept, so a
run that was stopped goes on; --seconds: stop after so much processor time. --again: measure the parts anew. --quick:
few seeds, steps and settings, to see that it runs; written only where --out says.
"""

import common  # first: it allows one thread

# isort: split
import itertools
import platform
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import sklearn
import torch
from sklearn.linear_model import LinearRegression, Ridge

import rnncourse
from rnncourse.data import recorded, series

RESULTS = recorded.FOLDER / "stock_forecasts.json"
STEPS = 20  # days in a window
SEARCH = 10  # the seed of the search; the seeds that count are 0 … 9
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
LIMITS = (100, 300, 1000, 3000)  # parameters of a network, at most; 100: one unit a layer
PENALTIES = 10.0 ** np.arange(0, 12, 0.5)  # the largest leave nothing but the mean
LONG = 250  # days of a company's own mean
DECAYS = (0.8, 0.85, 0.9, 0.92, 0.94, 0.96, 0.98, 0.99, 0.995)
NETS = (1, 2)  # layers


def chapter():
    """The names that the chapter's definitions make."""
    return common.definitions("61-stock-prices", np=np, torch=torch, device="cpu")


OWN = chapter()
usual, known, Net, learn = (OWN[name] for name in ("usual", "known", "Net", "learn"))


class Size(NamedTuple):
    """How much of everything; --quick takes little."""

    folds: int = 5
    seeds: int = 10
    steps: int = 600
    marks: tuple = (0, 10, 30, 100)
    epochs: int = 5
    rates: tuple = RATES
    limits: tuple = LIMITS
    strengths: tuple = (0.2,)


FULL = Size()
QUICK = Size(2, 2, 20, (0, 10), 1, (0.01,), (100, 300), (0.2,))


# ---- data --------------------------------------------------------------------------------------------------------


class Data(NamedTuple):
    """x (T, B, m): windows of the features and |return|; returns (B,) of the day after; days, who (B,)."""

    x: np.ndarray
    returns: np.ndarray
    days: np.ndarray
    who: np.ndarray
    columns: list
    averages: dict  # decay → (B,): moving average of |return| up to the last day of the window
    own: np.ndarray  # (B,): mean of the company's last 250 |returns|, fewer at its beginning


def load():
    parts, own, averages = [], [], {decay: [] for decay in DECAYS}
    for company in series.COMPANIES:
        table = series.load(company)
        inputs = known(table)
        parts.append(series.windows(inputs, series.returns(table)[inputs.index], STEPS))
        own.append(inputs["size"].rolling(LONG, min_periods=1).mean().to_numpy()[STEPS - 1 : -1])
        for decay in DECAYS:
            averages[decay].append(inputs["size"].ewm(alpha=1 - decay).mean().to_numpy()[STEPS - 1 : -1])
    x = np.concatenate([part.x for part in parts], axis=1)
    returns, days = (np.concatenate([part[i] for part in parts]) for i in (1, 2))
    who = np.repeat(series.COMPANIES, [len(part.y) for part in parts])
    averages = {decay: np.concatenate(a) for decay, a in averages.items()}
    return Data(x, returns, days, who, list(inputs), averages, np.concatenate(own))


def halves(days, train):
    """The days of training: the first 80 % for fitting, the rest for validation."""
    distinct = np.unique(days[train])
    cut = distinct[int(0.8 * len(distinct))]
    return train & (days < cut), train & (days >= cut)


class Kept:
    """Arrays that were computed before, a file each, if there is a folder; stops when the time is over."""

    folder, seconds = None, np.inf

    def __call__(self, make, *names):
        """make() → a dict of arrays; names: what tells it from all others."""
        file = self.folder and self.folder / ("_".join(map(str, names)).replace(" ", "_") + ".npz")
        if file and file.exists():
            return dict(np.load(file))
        if time.process_time() > self.seconds:
            raise SystemExit("time is over; the same command goes on")
        arrays = make()
        if file:
            np.savez(file.with_suffix(".tmp.npz"), **arrays)
            file.with_suffix(".tmp.npz").replace(file)
        return arrays


kept = Kept()


# ---- one network -------------------------------------------------------------------------------------------------


def width(m, layers, limit):
    """The most units that keep the network at ``limit`` parameters, at least 1."""
    n = 1
    while sum(w.numel() for w in Net(m, n + 1, layers).parameters()) <= limit:
        n += 1
    return n


def networks(nets, x, y, fit, val, size, *names):
    """Yields name, forecasts (seeds, B) of all windows, what the search chose; nets: numbers of layers."""
    z, mean, spread = series.scale(x, fit), y[fit].mean(), y[fit].std()
    z, target = (torch.tensor(a, dtype=torch.float32) for a in (z, (y - mean) / spread))
    given = z[:, fit], target[fit], z[:, val], target[val]
    for layers in nets:

        def search(layers=layers):
            tried = []
            for rate, limit in itertools.product(size.rates, size.limits):
                n = width(x.shape[2], layers, limit)
                torch.manual_seed(SEARCH)
                error, step = learn(Net(x.shape[2], n, layers), *given, rate, size.steps)
                tried.append((error, limit, n, rate, step))
            _, limit, n, rate, _ = min(tried)
            runs, stops = np.empty((size.seeds, len(y))), []
            for seed in range(size.seeds):
                torch.manual_seed(seed)
                net = Net(x.shape[2], n, layers)
                stops.append(learn(net, *given, rate, size.steps)[1])
                with torch.no_grad():
                    runs[seed] = mean + spread * net(z).numpy().astype(float)
            return {"runs": runs, "limit": limit, "units": n, "rate": rate, "stops": stops, "tried": len(tried)}

        found = kept(search, *names, fit.sum(), layers)
        yield f"LSTM {layers}", found.pop("runs"), {name: np.asarray(value).tolist() for name, value in found.items()}


def ridge(x, y, fit, val):
    """Forecasts of all windows (1, B), and the penalty that was best on the validation days."""
    flat = series.scale(x, fit).transpose(1, 0, 2).reshape(len(y), -1)
    models = [Ridge(alpha=penalty).fit(flat[fit], y[fit]) for penalty in PENALTIES]
    best = int(np.argmin([((model.predict(flat[val]) - y[val]) ** 2).mean() for model in models]))
    return models[best].predict(flat)[None], {"penalty": float(PENALTIES[best]), "tried": len(PENALTIES)}


def line(data, y, fit):
    """Forecasts of all windows (1, B): least squares on the return of the window's last day."""
    today = data.x[-1, :, [data.columns.index("return")]].T
    return LinearRegression().fit(today[fit], y[fit]).predict(today)[None]


# ---- scores ------------------------------------------------------------------------------------------------------


def daily(values, days):
    """values (seeds, B) → (seeds, days): averaged over the companies of a day."""
    return pd.DataFrame(np.atleast_2d(values).T).groupby(np.asarray(days)).mean().to_numpy().T


def ratio(above, below, days, block=20, draws=2000, rng_seed=0):
    """100 · mean of ``above`` (seeds, B) / mean of ``below`` (B,), with an interval over blocks of days and seeds."""
    above, below = daily(above, days), daily(below, days)
    edges = np.linspace(0, above.shape[1], max(above.shape[1] // block, 2) + 1).astype(int)[:-1]
    above, below = (np.add.reduceat(a, edges, axis=1) for a in (above, below))
    rng, (seeds, blocks) = np.random.default_rng(rng_seed), above.shape
    of_seeds = rng.multinomial(seeds, [1 / seeds] * seeds, size=draws) / seeds
    of_blocks = rng.multinomial(blocks, [1 / blocks] * blocks, size=draws)
    drawn = ((of_seeds @ above) * of_blocks).sum(1) / (below * of_blocks).sum(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return [float(f"{100 * v:.4g}") for v in (above.mean(0).sum() / below.sum(), low, high)]


def rounded(values, digits=4):
    return [float(f"{value:.{digits}g}") for value in values]


def score(forecasts, truth, base, data, tested, origin):
    """A row's numbers for ``forecasts`` (seeds, B): skill over all, by seed, origin and company; size; what is found.

    base (B,): the baseline's squared errors.
    """
    loss, days, who = (forecasts - truth) ** 2, data.days, data.who
    part = {"all": tested} | {c: tested & (who == c) for c in series.COMPANIES}
    skill = {c: ratio((base - loss)[:, p], base[p], days[p]) for c, p in part.items()}
    by_origin = [[ratio((base - run)[o], base[o], days[o])[0] for run in loss] for o in origin]
    return {
        "skill": skill.pop("all"),
        "by company": skill,
        "by seed": [ratio((base - run)[tested], base[tested], days[tested])[0] for run in loss],
        "by origin": by_origin,
    }


# ---- the parts ---------------------------------------------------------------------------------------------------


def picture(data, size):
    p = series.load("MSFT")["adjusted"].to_numpy()
    cut = int(0.8 * len(p))
    today, move = p[cut - 1 : -1], np.diff(p)[cut - 1 :]
    runs = [usual(p, seed, 2 * size.epochs, p) - today for seed in range(size.seeds)]
    yield {
        "company": "MSFT",
        "rmse": rounded([((run - move) ** 2).mean() ** 0.5 for run in runs]),
        "persistence": float(f"{(move**2).mean() ** 0.5:.4g}"),
        "correlation of moves": rounded([np.corrcoef(run, move)[0, 1] for run in runs]),
    }


def leak(data, size):
    yield from scaled("leak", ("IBM", "AAPL"), size.epochs, size.seeds)


def longer(data, size):
    """The same for IBM, five times as long, with half as many seeds."""
    yield from scaled("longer", ("IBM",), 5 * size.epochs, (size.seeds + 1) // 2)


def scaled(part, companies, epochs, seeds):
    """A row for each scaler of inputs and target."""
    for company in companies:
        p = series.load(company)["adjusted"].to_numpy()
        cut = int(0.8 * len(p))
        past = p[:cut]
        low, high = past.min(), past.max()
        wide = {f"past only, range × {k}": np.array([low, low + k * (high - low)]) for k in (2, 3)}
        still = ((p[cut:] - p[cut - 1 : -1]) ** 2).mean() ** 0.5
        scalers = {name: (seen, seen) for name, seen in ({"future too": p, "past only": past} | wide).items()}
        if company == "IBM":
            double = wide["past only, range × 2"]
            scalers |= {"inputs × 2": (double, past), "target × 2": (past, double)}
        for scaler, (seen, goal) in scalers.items():

            def train(p=p, seen=seen, goal=goal):
                runs = [usual(p, seed, epochs, seen, goal=goal) for seed in range(seeds)]
                return {"runs": np.array(runs)}

            runs = kept(train, part, company, scaler)["runs"]
            yield {
                "company": company,
                "scaler": scaler,
                "range": float(f"{np.ptp(seen) / (high - low):.4g}"),
                "range of target": float(f"{np.ptp(goal) / (high - low):.4g}"),
                "rmse": rounded([((run - p[cut:]) ** 2).mean() ** 0.5 for run in runs]),
                "persistence": float(f"{still:.4g}"),
            }


def origins(data, size):
    """(fit, val, test) for each origin, and all tested windows."""
    folds = [(*halves(data.days, train), test) for train, test in series.walk_forward(data.days, size.folds)]
    return folds, np.any([test for *_, test in folds], axis=0)


def gather(runs, name, forecasts, test):
    runs.setdefault(name, np.full((len(forecasts), len(test)), np.nan))[:, test] = forecasts[:, test]


def difference(runs, first, second, truth, base, data, tested):
    """How much less of the baseline's squared error the second leaves than the first."""
    loss = {name: (runs[name] - truth) ** 2 for name in (first, second)}
    gap = loss[first] - loss[second]
    by_seed = [ratio(g[tested], base[tested], data.days[tested])[0] for g in gap]
    return {
        "first": first,
        "second": second,
        "gain": ratio(gap[:, tested], base[tested], data.days[tested]),
        "by seed": by_seed,
    }


def contest(data, size):
    folds, tested = origins(data, size)
    y, runs, chosen = data.returns, {}, {}
    for fit, val, test in folds:
        gather(runs, "mean", np.full((1, len(y)), y[fit].mean()), test)
        gather(runs, "line", line(data, y, fit), test)
        linear, what = ridge(data.x, y, fit, val)
        gather(runs, "ridge", linear, test)
        chosen.setdefault("ridge", []).append(what)
        for name, forecasts, what in networks(NETS, data.x, y, fit, val, size, "contest"):
            gather(runs, name, forecasts, test)
            chosen.setdefault(name, []).append(what)
    tests, base = [test for *_, test in folds], y**2
    for name, forecasts in runs.items():
        numbers = score(forecasts, y, base, data, tested, tests)
        numbers["size"] = ratio((forecasts**2)[:, tested], base[tested], data.days[tested])[0]
        numbers["together"] = ratio((2 * y * forecasts)[:, tested], base[tested], data.days[tested])
        numbers["right direction"] = rounded([series.hits(y[tested], run[tested])[0] for run in forecasts])
        yield {"model": name, **numbers, "chosen": chosen.get(name, [])}
    for first, second in (("ridge", "LSTM 1"), ("LSTM 1", "LSTM 2")):
        yield difference(runs, first, second, y, base, data, tested)


def volatility(data, size):
    folds, tested = origins(data, size)
    y, runs, chosen = np.abs(data.returns), {}, {}
    last = {name: data.columns.index(name) for name in ("size", "range")}
    averages = [data.x[-k:, :, i].mean(0) for i in last.values() for k in (1, 5, STEPS)]
    averages = np.stack(averages, axis=1)
    held, calm = {}, {}
    for k, (fit, val, test) in enumerate(folds):
        found = {"constant": (np.full((1, len(y)), y[fit].mean()), None), "yesterday's": (averages[None, :, 0], None)}
        found["own mean"] = data.own[None], None
        errors = [((data.averages[decay] - y)[val] ** 2).mean() for decay in DECAYS]
        decay = DECAYS[int(np.argmin(errors))]
        found["EWMA"] = data.averages[decay][None], {"decay": decay}
        found["HAR"] = LinearRegression().fit(averages[fit], y[fit]).predict(averages)[None], None
        found["ridge"] = ridge(data.x, y, fit, val)
        found |= {name: (f, what) for name, f, what in networks((1,), data.x, y, fit, val, size, "volatility")}
        calm[k] = np.full(len(y), -1)
        for company in np.unique(data.who[test]):  # thirds of each company's own days
            its, level = test & (data.who == company), data.averages[decay]
            calm[k][its] = np.digitize(level[its], np.quantile(level[its], [1 / 3, 2 / 3]))
        for name, (forecasts, what) in found.items():
            gather(runs, name, forecasts, test)
            chosen.setdefault(name, []).append(what)
            if name == "yesterday's":
                continue
            # An interval for the return: 0 ± q · forecast of its size, q from the validation days.
            safe = np.maximum(forecasts, 1e-4)
            q = np.quantile((y / safe)[:, val], 0.9, axis=1, keepdims=True)
            gather(held, name, (y <= q * safe).astype(float), test)
            gather(held, f"{name} width", q * safe, test)
    tests, thirds = [test for *_, test in folds], np.full(len(y), -1)
    for k, test in enumerate(tests):
        thirds[test] = calm[k][test]
    base, own = (runs["constant"][0] - y) ** 2, (runs["own mean"][0] - y) ** 2
    for name, forecasts in runs.items():
        row = {"model": name, **score(forecasts, y, base, data, tested, tests)}
        row["over own mean"] = ratio((own - (forecasts - y) ** 2)[:, tested], own[tested], data.days[tested])
        if name in held:
            row["held"] = ratio(held[name][:, tested], np.ones(tested.sum()), data.days[tested])
            row["held, calm to wild"] = [float(f"{100 * held[name][:, thirds == t].mean():.4g}") for t in range(3)]
            row["mean width"] = float(f"{100 * held[f'{name} width'][:, tested].mean():.4g}")
        yield row | {"chosen": [what for what in chosen[name] if what]}
    for first, second in (("EWMA", "LSTM 1"), ("HAR", "LSTM 1"), ("ridge", "LSTM 1")):
        yield difference(runs, first, second, y, base, data, tested)


def control(data, size):
    folds, tested = origins(data, size)
    today, tests = data.x[-1, :, data.columns.index("return")], [test for *_, test in folds]
    usual_size = data.x[:, :, data.columns.index("size")].mean(0)  # of the 20 days of the window
    for strength in size.strengths:
        signal = strength * np.sqrt(np.pi / 2) * usual_size * np.sign(today)
        y = data.returns + signal
        coin = signal * np.random.default_rng(0).choice([-1, 1], size=(size.seeds, len(y)))
        runs = {"oracle": signal[None], "coin": coin}
        for fit, val, test in folds:
            gather(runs, "ridge", ridge(data.x, y, fit, val)[0], test)
            gather(runs, "line", line(data, y, fit), test)
            for name, forecasts, _ in networks((1,), data.x, y, fit, val, size, "control", strength):
                gather(runs, name, forecasts, test)
        fitted = [100 * (signal[fit] ** 2).mean() / (y[fit] ** 2).mean() for fit, *_ in folds]
        on_test = [100 * (signal[test] ** 2).mean() / (y[test] ** 2).mean() for test in tests]
        for name, forecasts in runs.items():
            yield {
                "model": name,
                "strength": strength,
                "share in fitting": rounded(fitted),
                "share in test": rounded(on_test),
                "together": ratio((2 * y * forecasts)[:, tested], (y**2)[tested], data.days[tested]),
                **score(forecasts, y, y**2, data, tested, tests),
            }


def guesses_on_the_way(z, target, fit, layers, size):
    """(marks, seeds, B): what networks say about all windows when they were trained for ``size.marks`` steps."""
    x, t, m = z[:, fit], target[fit], z.shape[2]
    guesses = np.empty((len(size.marks), size.seeds, len(target)))
    for seed in range(size.seeds):
        torch.manual_seed(seed)
        net = Net(m, width(m, layers, 1000), layers)
        adam = torch.optim.Adam(net.parameters(), 0.01)
        for step in range(max(size.marks) + 1):
            if step in size.marks:
                with torch.no_grad():
                    guesses[size.marks.index(step), seed] = net(z).numpy()
            batch = torch.randint(x.shape[1], (256,))
            loss = ((net(x[:, batch]) - t[batch]) ** 2).mean()
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            adam.step()
    return guesses


def steps(data, size):
    """LSTMs of at most 1,000 parameters, one layer and two, rate 0.01, stopped after so many steps and no sooner."""
    folds, tested = origins(data, size)
    y, runs = data.returns, {}
    for fit, _, test in folds:
        z, mean, spread = series.scale(data.x, fit), y[fit].mean(), y[fit].std()
        z, target = (torch.tensor(a, dtype=torch.float32) for a in (z, (y - mean) / spread))
        for layers in (1, 2):

            def train(layers=layers, z=z, target=target, fit=fit):
                return {"runs": guesses_on_the_way(z, target, fit, layers, size)}

            guesses = mean + spread * kept(train, "steps", fit.sum(), layers)["runs"]
            for mark, guess in zip(size.marks, guesses, strict=True):
                gather(runs, (layers, mark), guess, test)
    for (layers, mark), forecasts in runs.items():
        forecasts, days = forecasts[:, tested], data.days[tested]
        base = y[tested] ** 2
        yield {
            "layers": layers,
            "steps": mark,
            "skill": ratio(base - (y[tested] - forecasts) ** 2, base, days),
            "size": ratio(forecasts**2, base, days),
            "together": ratio(2 * y[tested] * forecasts, base, days),
        }


PARTS = {"picture": picture, "leak": leak, "longer": longer, "contest": contest, "volatility": volatility}
PARTS |= {"control": control, "steps": steps}


# ---- the report --------------------------------------------------------------------------------------------------


def header(size):
    return {
        "date": common.today(),
        "machine": {
            "processor": common.processor(),
            "system": f"{platform.system()} {platform.machine()}",
            "torch's code path": torch.backends.cpu.get_cpu_capability(),
        },
        "versions": common.versions(rnncourse, np, pd, sklearn, torch),
        **size._asdict(),
        "each triple": "per cent: value, lower and upper end of a 95 % interval",
    }


def main():
    parser = common.parser(__doc__, RESULTS, "few seeds, steps and settings")
    parser.add_argument("--again", action="store_true", help="measure parts anew that are there already")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="only these")
    parser.add_argument("--keep", type=Path, help="a folder for what was trained")
    parser.add_argument("--seconds", type=float, default=np.inf, help="processor time after which to stop")
    options = parser.parse_args()
    kept.folder, kept.seconds = options.keep, options.seconds
    if kept.folder:
        kept.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    size = QUICK if options.quick else FULL
    out = common.destination(options, RESULTS)
    rows = common.rows(out)
    if options.again:
        rows = [row for row in rows if row["part"] not in options.parts]
    data, there = load(), {row["part"] for row in rows}
    for part in [part for part in options.parts if part not in there]:
        began = time.process_time()
        for row in PARTS[part](data, size):
            rows.append({"part": part, **row})
            print({key: value for key, value in rows[-1].items() if key not in ("chosen", "by company")}, flush=True)
        print(f"{part}: {time.process_time() - began:.0f} s of processor time", flush=True)
        rows.sort(key=lambda row: list(PARTS).index(row["part"]))  # stable: within a part as they came
        common.write(out, header(size) | {"rows": rows})


if __name__ == "__main__":
    main()
