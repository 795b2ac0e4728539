"""A training loop to be read: clip, step, validate, keep the best, write a checkpoint; stop and resume at any time.

``fit`` is the loop. What it trains on is a function ``loss(step, carried) -> (value, carried)``: the step number is the
position in the data, ``carried`` is what one step hands to the next (the state of a recurrent network, or None).
Resuming is exact, to the bit on the same machine, if nothing else is remembered anywhere and rate, steps and every are
the same: whatever is random in ``loss`` must come from torch's own generator or from the step number.
"""

import math
import os
import time
from pathlib import Path

import torch
from tqdm import tqdm


def fit(model, optimiser, loss, validate, steps, *, rate=None, clip=1.0, every=100, patience=None, path=None):
    """Train, then put the weights of the best validation into ``model``. Returns the history, a list of rows

        (step, seconds of processor time spent training, mean training loss since the last row, validation loss).

    loss(step, carried) -> scalar tensor, carried; validate() -> number, lower is better, called every ``every`` steps
    without gradients; rate(step) -> learning rate, from 0 on; clip: longest gradient (Euclidean, all weights together).
    patience: stop after so many validations in a row without a new best. path: where to write a checkpoint after each
    validation; if one is there, training goes on from it.
    Ctrl-C stops and keeps the best validated weights; before the first validation those are the weights it began with.
    Raises RuntimeError (from torch) where the gradient is no longer finite.
    """
    run = {"step": 0, "carried": None, "history": [], "best": math.inf, "stale": 0, "weights": copy(model)}
    if path is not None and Path(path).exists():
        run = resume(path, model, optimiser)
    bar = tqdm(total=steps, initial=run["step"], leave=False)
    seconds, losses = run["history"][-1][1] if run["history"] else 0.0, []
    model.train()
    try:
        while run["step"] < steps and (patience is None or run["stale"] < patience):
            began = time.process_time()
            for group in optimiser.param_groups:
                group["lr"] = rate(run["step"]) if rate else group["lr"]
            value, run["carried"] = loss(run["step"], run["carried"])
            optimiser.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip, error_if_nonfinite=True)
            optimiser.step()
            losses.append(value.item())
            run["step"] += 1
            seconds += time.process_time() - began
            bar.update()

            if run["step"] % every == 0 or run["step"] == steps:
                model.eval()
                with torch.no_grad():
                    score = float(validate())
                model.train()
                run["history"].append((run["step"], seconds, sum(losses) / len(losses), score))
                run["stale"] += 1
                if score < run["best"]:
                    run.update(best=score, stale=0, weights=copy(model))
                if path is not None:
                    checkpoint(path, run, model, optimiser)
                losses = []
                bar.set_postfix_str(f"validation {score:.3f}, best {run['best']:.3f}")
    except KeyboardInterrupt:
        kept = f"the best validation, {run['best']:.3f}" if run["best"] < math.inf else "the weights it began with"
        print(f"stopped in step {run['step']}; keeping {kept}")
    finally:
        bar.close()
    model.load_state_dict(run["weights"])
    return run["history"]


def copy(model):
    """The weights as they are now: the optimiser will write over the originals."""
    return {name: weights.clone() for name, weights in model.state_dict().items()}


def checkpoint(path, run, model, optimiser):
    """Write all that the next step depends on: weights, optimiser, position, carried state, random generators."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    save(path, run | {"model": model.state_dict(), "optimiser": optimiser.state_dict(),
                      "random": torch.get_rng_state(), "random_cuda": cuda})  # fmt: skip


def resume(path, model, optimiser):
    """Put a checkpoint back where it came from. Returns the run: step, carried state, history, best."""
    run = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(run.pop("model"))
    optimiser.load_state_dict(run.pop("optimiser"))
    torch.set_rng_state(run.pop("random"))
    for device, state in enumerate(run.pop("random_cuda")):
        torch.cuda.set_rng_state(state, device)
    run["carried"] = move(run["carried"], next(model.parameters()).device)
    return run


def save(path, content):
    """Write a file that is whole whenever the process is killed: first a neighbour, then rename it, all or nothing.

    (Against a loss of power the folder, too, would have to be synchronised.)
    """
    part = f"{path}.part"
    with open(part, "wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def move(state, device):
    """A tensor, a tuple of them (the two states of an LSTM) or None, on ``device``."""
    if isinstance(state, tuple):
        return tuple(move(s, device) for s in state)
    return state if state is None else state.to(device)
