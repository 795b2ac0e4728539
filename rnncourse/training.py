"""A training loop to be read: clip, step, validate, keep the best, write a checkpoint; stop and resume at any time.

``fit`` is the loop. What it trains on is a function ``loss(step, carried) -> (value, carried)``: the step number is the
position in the data, ``carried`` is what one step hands to the next (the state of a recurrent network, or None).
Resuming is exact, to the bit on the same machine with the same versions and number of threads, if nothing else is
remembered anywhere and rate, steps and every are the same: whatever is random in ``loss`` must come from torch's own
random generator or from the step number.
"""

import math
import os
import time
from pathlib import Path

import torch
from tqdm import tqdm

from rnncourse.checks import check_sizes


def fit(model, optimiser, loss, validate, steps, *, rate=None, clip=1.0, every=100, patience=None, path=None):
    """Train, then put the weights of the best validation into ``model``. Returns the history, a list of rows

        (step, seconds of processor time spent training, mean training loss since the last row, validation loss).

    loss(step, carried) -> scalar tensor, carried; validate() -> number, lower is better, called every ``every`` steps
    without gradients; rate(step) -> learning rate, from 0 on; clip: longest gradient (Euclidean, all weights together),
    math.inf for any. patience: stop after so many validations in a row without a new best. path: where to write a
    checkpoint after each validation; if one is there, training goes on from it. Then ``carried`` must be made of None,
    tensors, numbers and strings, and tuples, lists and dicts of them.
    Ctrl-C stops and keeps the best validated weights; before the first validation those are the weights it began with.
    Raises RuntimeError (from torch) where the gradient is no longer finite, ValueError where a validation is not, and
    before the first step ValueError for an optimiser of other parameters and for a checkpoint that cannot be read or is
    of another model or optimiser, FileNotFoundError or PermissionError for a folder that is missing or read-only.
    """
    check_start(model, optimiser, steps, clip, every, patience, path)
    run = {"step": 0, "carried": None, "history": [], "best": math.inf, "stale": 0, "weights": copy(model)}
    path = None if path is None else Path(path).expanduser()
    if path is not None and path.exists():
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
            if path is not None:
                move(run["carried"])  # raises ValueError now for what could not be read back on resuming
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
                if not math.isfinite(score):
                    raise ValueError(f"training.fit: expected a finite number from validate(), got {score} after "
                                     f"{run['step']} steps")  # fmt: skip
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


def check_start(model, optimiser, steps, clip, every, patience, path):
    """What would go wrong later, or without a word: raise as ``fit`` describes."""
    check_sizes("training.fit", least=0, steps=steps)
    check_sizes("training.fit", every=every, **{} if patience is None else {"patience": patience})
    if not clip > 0:
        raise ValueError(f"training.fit: expected clip above 0, got {clip}")
    own = set(model.parameters())
    if not all(weight in own for group in optimiser.param_groups for weight in group["params"]):
        raise ValueError("training.fit: expected an optimiser of the model's parameters, got others among them")
    if path is not None:
        path = Path(path).expanduser()
        if path.is_dir():
            raise ValueError(f"training.fit: expected path to be the file of a checkpoint, got the folder {path}")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"training.fit: expected a folder for the checkpoint {path}, found none")
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(
                f"training.fit: expected a folder to write the checkpoint {path} to, got a read-only one"
            )


def copy(model):
    """The weights as they are now: the optimiser will write over the originals."""
    return {name: weights.clone() for name, weights in model.state_dict().items()}


def checkpoint(path, run, model, optimiser):
    """Write all that the next step depends on: weights, optimiser, position, carried state, random generators."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    parts = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "kind": type(optimiser).__name__}
    save(path, run | parts | {"random": torch.get_rng_state(), "random_cuda": cuda})


def resume(path, model, optimiser):
    """Put a checkpoint back where it came from. Returns the run: step, carried state, history, best."""
    run = read(path)
    ours, theirs = (
        {name: (tuple(w.shape), w.dtype) for name, w in state.items()} for state in (model.state_dict(), run["model"])
    )
    for name in [*ours, *theirs]:
        if ours.get(name) != theirs.get(name):
            raise ValueError(
                f"training.fit: expected a checkpoint of this model in {path}, got one with {name} {theirs.get(name)} "
                f"where the model has {ours.get(name)}"
            )
    kind = run.pop("kind")
    if kind != type(optimiser).__name__:
        raise ValueError(f"training.fit: expected a checkpoint of {type(optimiser).__name__} in {path}, got {kind}")
    try:
        optimiser.load_state_dict(run.pop("optimiser"))
    except ValueError as error:
        raise ValueError(f"training.fit: expected a checkpoint of this optimiser in {path}, got: {error}") from error
    model.load_state_dict(run.pop("model"))
    torch.set_rng_state(run.pop("random"))
    for device, state in enumerate(run.pop("random_cuda")):
        torch.cuda.set_rng_state(state, device)
    run["carried"] = move(run["carried"], next(model.parameters()).device)
    return run


def read(path):
    """The content of a checkpoint. Raises ValueError that names the file, if it is none or not all of it is there."""
    fresh = "delete it or name another path to start afresh"
    try:
        run = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's own, pickle's, the archive's, the system's: whatever a damaged file meets
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"training.fit: expected a checkpoint in {path}, could not read it ({reason}); {fresh}"
        ) from error
    parts = {
        "step",
        "carried",
        "history",
        "best",
        "stale",
        "weights",
        "model",
        "optimiser",
        "kind",
        "random",
        "random_cuda",
    }
    if not isinstance(run, dict) or not parts <= set(run):
        raise ValueError(f"training.fit: expected a checkpoint in {path}, got a file with other content; {fresh}")
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


def move(state, device=None):
    """What is carried, on ``device``: tensors, numbers, strings and None; tuples, lists and dicts of them, also nested.

    Raises ValueError for anything else: it could not be read back from a checkpoint.
    """
    if state is None or type(state) in (bool, int, float, str):
        return state
    if isinstance(state, torch.Tensor):
        return state if device is None else state.to(device)
    if type(state) in (tuple, list):
        return type(state)(move(part, device) for part in state)
    if type(state) is dict:
        return {move(key): move(part, device) for key, part in state.items()}
    raise ValueError(
        "training.fit: expected carried to be made of tensors, numbers, strings, None, and tuples, lists and dicts of "
        f"them, got {type(state).__name__}"
    )
