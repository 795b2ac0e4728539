"""The training loop: resumed exactly, also after fifty kills; the best kept; clipped; stopped in time."""

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import threading

import pytest
import torch
from torch import nn
from tqdm import tqdm

from rnncourse import training
from rnncourse.pytorch import language

TEXT = torch.randint(5, (400,), generator=torch.Generator().manual_seed(0))


def parts(cell="LSTM", seed=0, optimiser=torch.optim.Adam, **kwargs):
    """A small model with dropout, its optimiser, its loss and its validation."""
    torch.manual_seed(seed)
    model = language.LanguageModel(cell, 5, 3, 4)
    model.readout = nn.Sequential(nn.Dropout(0.2), model.readout)  # draws from torch's generator at every step
    walk = language.walk(model, language.side_by_side(TEXT[:300], 3), 9)
    held_out = language.side_by_side(TEXT[300:], 2)
    return model, optimiser(model.parameters(), **kwargs), walk, lambda: language.surprise(model, held_out).mean()


def fit(path=None, steps=30, at=None, cell="LSTM", seed=0, optimiser=torch.optim.Adam, lr=0.05, press=None, **kwargs):
    """Train; ``press()`` is called in the loss of step ``at``. Returns the history without seconds, and the weights."""
    model, optimiser, loss, validate = parts(cell, seed, optimiser, lr=lr, **kwargs)

    def pressed(step, carried):
        if step == at:
            press()
        return loss(step, carried)

    history = training.fit(model, optimiser, pressed, validate, steps, every=4, rate=lambda s: lr / (1 + s), path=path)
    return [(step, loss, score) for step, _, loss, score in history], training.copy(model)


def assert_same(one, other):
    assert one[0] == other[0]
    assert one[1].keys() == other[1].keys()
    assert all(torch.equal(one[1][name], other[1][name]) for name in one[1])


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize(
    "optimiser", [{}, {"optimiser": torch.optim.SGD, "momentum": 0.9}, {"optimiser": torch.optim.RMSprop}]
)
@pytest.mark.parametrize("at", [4, 17, 29])
def test_stopped_and_resumed_is_as_if_never_stopped(tmp_path, cell, optimiser, at, capsys):
    whole = fit(cell=cell, **optimiser)
    path = tmp_path / "run"
    half = fit(path, at=at, cell=cell, press=lambda: signal.raise_signal(signal.SIGINT), **optimiser)
    assert f"stopped in step {at}" in capsys.readouterr().out
    assert [row[0] for row in half[0]] == list(range(4, at + 1, 4))
    again = fit(path, cell=cell, seed=99, **optimiser)  # another initialisation, other random numbers: overwritten
    assert_same(whole, again)
    assert whole[0][-1][0] == 30 and len(whole[0]) == 8


def test_a_checkpoint_holds_all_that_matters(tmp_path):
    """Without any one of the parts the resumed run differs: so the test above can fail."""
    whole, path = fit(), tmp_path / "run"
    for part in ("optimiser", "random", "carried", "model", "step"):
        path.unlink(missing_ok=True)
        fit(path, steps=12)
        fresh = tmp_path / "fresh"
        fresh.unlink(missing_ok=True)
        fit(fresh, steps=4, seed=1)
        saved, other = (torch.load(p, weights_only=True) for p in (path, fresh))
        torch.save(saved | {part: other[part]}, path)
        assert fit(path)[0][3:] != whole[0][3:], part


def test_stopped_before_the_first_checkpoint_starts_over(tmp_path):
    fit(tmp_path / "run", at=2, press=lambda: signal.raise_signal(signal.SIGINT))
    assert_same(fit(), fit(tmp_path / "run"))


def test_more_steps_go_on(tmp_path):
    fit(tmp_path / "run", steps=12)
    assert_same(fit(), fit(tmp_path / "run"))


def test_finished_is_finished(tmp_path):
    first = fit(tmp_path / "run")
    assert_same(first, fit(tmp_path / "run", at=30, press=lambda: pytest.fail("trained on"), seed=5))


class Given:
    """One weight, pushed down by 1 at every step, and a list of validation scores to be told."""

    def __init__(self, scores):
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.model.weight)
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=1.0)
        self.scores = iter(scores)

    def loss(self, step, carried):
        return self.model.weight.sum(), None

    def fit(self, steps=100, **kwargs):
        return training.fit(
            self.model, self.optimiser, self.loss, lambda: next(self.scores), steps, **{"every": 1} | kwargs
        )


def test_the_best_is_kept():
    run = Given([5, 3, 4, 3, 9])
    history = run.fit(steps=5)
    assert [row[3] for row in history] == [5, 3, 4, 3, 9]
    assert run.model.weight.item() == pytest.approx(-2)  # after the second step


def test_early_stopping_and_no_step_after_it(tmp_path):
    path = tmp_path / "run"
    run = Given([5, 3, 4, 3, 2, 7, 7, 7])
    assert len(run.fit(patience=3, path=path)) == 8 and run.model.weight.item() == pytest.approx(-5)
    again = Given([])
    assert len(again.fit(patience=3, path=path)) == 8 and again.model.weight.item() == pytest.approx(-5)


def test_ctrl_c_keeps_the_best(capsys):
    run = Given([5, 3, 4])
    plain = run.loss
    run.loss = lambda step, carried: signal.raise_signal(signal.SIGINT) if step == 3 else plain(step, carried)
    assert len(run.fit()) == 3 and run.model.weight.item() == pytest.approx(-2)
    assert "stopped in step 3; keeping the best validation, 3.000" in capsys.readouterr().out


def test_ctrl_c_before_the_first_validation_keeps_the_beginning(capsys):
    run = Given([])
    began = training.copy(run.model)["weight"]
    run.loss = lambda step, carried: signal.raise_signal(signal.SIGINT)
    assert run.fit() == [] and torch.equal(run.model.weight, began)
    assert "stopped in step 0; keeping the weights it began with" in capsys.readouterr().out


def test_clipped():
    run = Given([1])
    run.loss = lambda step, carried: (1000 * run.model.weight.sum(), None)
    run.fit(steps=1, clip=0.25)
    assert run.model.weight.item() == pytest.approx(-0.25)


def test_rate_and_seconds():
    rates = []
    run = Given([1] * 3)
    plain = run.loss
    run.loss = lambda step, carried: (rates.append(run.optimiser.param_groups[0]["lr"]), plain(step, carried))[1]
    history = run.fit(steps=3, rate=lambda step: 1 / (1 + step))
    assert rates == [1, 1 / 2, 1 / 3]
    assert run.model.weight.item() == pytest.approx(-1)  # no later score was better than the first
    seconds = [row[1] for row in history]
    assert 0 <= seconds[0] <= seconds[1] <= seconds[2]


def test_validation_sees_an_evaluating_model_without_gradients():
    run, seen = Given([]), []
    run.scores = iter(lambda: seen.append((run.model.training, torch.is_grad_enabled())) or 1.0, None)
    run.fit(steps=2)
    assert seen == [(False, False)] * 2 and run.model.training


def test_a_gradient_that_is_not_finite():
    run = Given([])
    run.loss = lambda step, carried: (run.model.weight.sum() * math.nan, None)
    with pytest.raises(RuntimeError, match="non-finite"):
        run.fit()


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path, write = tmp_path / "file", torch.save
    training.save(path, {"a": 1})

    def half(content, file):
        file.write(b"half of it")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(OSError, match="disk full"):
        training.save(path, {"a": 2})
    assert torch.load(path, weights_only=True) == {"a": 1}
    monkeypatch.setattr(torch, "save", write)
    training.save(path, {"a": 3})
    assert torch.load(path, weights_only=True) == {"a": 3} and list(tmp_path.iterdir()) == [path]


class Surprise:
    def __reduce__(self):
        return os.mkdir, ("surprise",)


def test_no_code_comes_out_of_a_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Surprise()}, "run")
    with pytest.raises(Exception, match="[Ww]eights.only"):
        fit("run")
    assert not os.path.exists("surprise")


def refused(message, path, kind=ValueError, **arguments):
    """``fit`` raises before its first step, with the path in the message."""
    with pytest.raises(kind, match=f"^training.fit: expected {message}") as error:
        fit(path, at=0, press=lambda: pytest.fail("trained"), **arguments)
    assert str(path) in str(error.value)


def test_a_checkpoint_of_another_model(tmp_path):
    fit(tmp_path / "run", cell="GRU", steps=4)
    before = parts()[0]
    refused(r"a checkpoint of this model in .* cell.weight_ih_l0 .*\(12, 3\).* has .*\(16, 3\)", tmp_path / "run")
    model, optimiser, loss, validate = parts()
    with pytest.raises(ValueError, match="a checkpoint of this model"):
        training.fit(model, optimiser, loss, validate, 4, path=tmp_path / "run")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before.parameters(), strict=True))  # not in part


def test_a_checkpoint_of_other_names_or_another_dtype(tmp_path):
    run = Given([1])
    run.fit(steps=1, path=tmp_path / "run")
    for model, message in [(nn.Linear(1, 1), "bias None where"), (nn.Linear(1, 1, bias=False).double(), "float64")]:
        with pytest.raises(ValueError, match=f"a checkpoint of this model in .*{message}"):
            optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
            training.fit(model, optimiser, run.loss, lambda: 0.0, 2, path=tmp_path / "run")


def test_a_checkpoint_of_another_optimiser(tmp_path):
    fit(tmp_path / "run", steps=4)
    refused("a checkpoint of AdamW in .*, got Adam", tmp_path / "run", optimiser=torch.optim.AdamW)
    model, _, loss, validate = parts()
    two = torch.optim.Adam([{"params": [w]} for w in model.parameters()])
    with pytest.raises(ValueError, match="a checkpoint of this optimiser in .*run, got: .*parameter groups"):
        training.fit(model, two, loss, validate, 4, path=tmp_path / "run")


@pytest.mark.parametrize("length", [0, 1, 10, 500, 0.5, -1])
def test_a_truncated_checkpoint(tmp_path, length):
    fit(tmp_path / "run", steps=4)
    whole = (tmp_path / "run").read_bytes()
    (tmp_path / "run").write_bytes(whole[: int(length * len(whole)) if length == 0.5 else length])
    refused(r"a checkpoint in .*, could not read it \(.+\); delete it or name", tmp_path / "run")


def test_a_file_that_is_no_checkpoint(tmp_path):
    (tmp_path / "run").write_text("date,temperature\n2020-01-01,3.5\n")
    refused("a checkpoint in .*, could not read it", tmp_path / "run")
    training.save(tmp_path / "run", parts()[0].state_dict())
    refused("a checkpoint in .*, got a file with other content; delete it or", tmp_path / "run")
    training.save(tmp_path / "run", [1, 2])
    refused("a checkpoint in .*, got a file with other content; delete it or", tmp_path / "run")


def test_a_folder_that_is_missing_or_read_only_is_noticed_at_once(tmp_path, monkeypatch):
    refused("a folder for the checkpoint .*, found none", tmp_path / "none" / "run", FileNotFoundError)
    refused("path to be the file of a checkpoint, got the folder", tmp_path)
    refused("a folder for the checkpoint .*, found none", str(tmp_path / "none" / "run"), FileNotFoundError)
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == tmp_path and mode == os.W_OK))
    refused("a folder to write the checkpoint .* got a read-only one", tmp_path / "run", PermissionError)


def test_a_path_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    fit("~/run", steps=4)
    assert (tmp_path / "run").exists()
    assert_same(fit(), fit("~/run"))


# ---- what is carried ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["list", "dict", "tuple", "number", "nested"])
def test_any_plain_thing_is_carried_and_resumed(tmp_path, shape):
    def wrap(state, step):
        both = {"list": list(state), "dict": dict(zip("hc", state, strict=True)), "tuple": state}
        both |= {"number": step, "nested": {"state": [state, {"step": step}], 3: ("name", None, 0.5, True)}}
        return both[shape]

    def bare(carried):
        if carried is None or shape == "number":
            return None
        if shape == "nested":
            assert carried[3] == ("name", None, 0.5, True)
            return carried["state"][0]
        return tuple(carried.values() if shape == "dict" else carried)

    def run(path, steps):
        model, optimiser, loss, validate = parts()
        seen = []

        def wrapped(step, carried):
            seen.append(carried)
            value, state = loss(step, bare(carried) if step % 10 else None)
            return value, wrap(state, step)

        if shape == "number":
            loss = lambda step, state, walk=loss: walk(0, None)  # noqa: E731
        history = training.fit(model, optimiser, wrapped, validate, steps, every=4, path=path)
        return [(step, *row) for step, _, *row in history], training.copy(model), seen

    whole = run(None, 12)
    run(tmp_path / "run", 8)
    again = run(tmp_path / "run", 12)
    assert_same(whole[:2], again[:2])
    assert type(again[2][0]) is type(whole[2][8]) and (shape != "number" or again[2][0] == 7)


STRANGE = {"an object": object(), "a set": {1, 2}, "in a tuple": (torch.ones(1), range(3)), "in a dict": {"h": [os]}}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_what_cannot_be_resumed_is_refused_at_once(tmp_path, strange):
    run, steps = Given([1] * 9), []
    run.loss = lambda step, carried: (steps.append(step), (run.model.weight.sum(), strange))[1]
    with pytest.raises(ValueError, match="training.fit: expected carried to be made of .*, got [a-z]"):
        run.fit(steps=9, path=tmp_path / "run")
    assert steps == [0]
    assert len(run.fit(steps=9)) == 9  # without a checkpoint nothing need be read back


def test_carried_is_moved_with_all_its_parts():
    state = {"a": [torch.ones(2), (torch.ones(1), None)], 2: 0.5}
    moved = training.move(state, "meta")
    assert moved["a"][0].is_meta and moved["a"][1][0].is_meta and moved["a"][1][1] is None and moved[2] == 0.5


# ---- what would go wrong without a word -----------------------------------------------------------------------------


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_validation_that_is_no_number(score):
    run = Given([3, score, 2])
    message = f"training.fit: expected a finite number from validate\\(\\), got {score} after 2 steps"
    with pytest.raises(ValueError, match=message):
        run.fit()
    with pytest.raises(ValueError, match="got nan after 1 steps"):  # an empty validation set
        Given([float(torch.ones(0).mean())]).fit(steps=1)


def test_an_optimiser_of_another_model():
    run = Given([1])
    run.optimiser = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    with pytest.raises(ValueError, match="training.fit: expected an optimiser of the model's parameters, got others"):
        run.fit()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"clip": 0}, "clip above 0, got 0"),
        ({"clip": -1.0}, "clip above 0, got -1.0"),  # it would turn the gradient around
        ({"clip": math.nan}, "clip above 0, got nan"),
        ({"every": 0}, "every to be an integer of at least 1, got 0"),
        ({"patience": 0}, "patience to be an integer of at least 1, got 0"),
        ({"steps": -1}, "steps to be an integer of at least 0, got -1"),
        ({"steps": 2.5}, "steps to be an integer of at least 0, got 2.5"),
    ],
)
def test_settings_that_train_nothing(wrong, message):
    with pytest.raises(ValueError, match=f"training.fit: expected {message}"):
        Given([1]).fit(**wrong)


# ---- fifty kills ----------------------------------------------------------------------------------------------------


def end_of(path, steps):
    """Train to the end and return all that can be compared, as text."""
    history, weights = fit(path, steps, seed=os.getpid() if path and os.path.exists(path) else 0)
    digest = hashlib.sha256(b"".join(w.numpy().tobytes() for w in weights.values())).hexdigest()
    return json.dumps([history, digest])


def killed_while_writing(kind, write_number):
    """From now on, write number so and so dies: in the middle of the bytes, before the renaming, or after it."""
    import io

    save, replace, writes = torch.save, os.replace, [0]

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def dying_save(content, file):
        writes[0] += 1
        if kind == "middle" and writes[0] == write_number:
            whole = io.BytesIO()
            save(content, whole)
            file.write(whole.getvalue()[: len(whole.getvalue()) // 2])
            file.flush()
            die()
        save(content, file)

    def dying_replace(part, path):
        if kind == "before" and writes[0] == write_number:
            die()
        replace(part, path)
        if kind == "after" and writes[0] == write_number:
            die()

    torch.save, os.replace = dying_save, dying_replace


def child(work):
    """Run ``work`` in a process of its own. Returns its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    # tqdm's lock is shared with the other children: one that is killed while it holds the lock would stop all after it.
    # A training that somebody starts by hand has a lock of its own, and so has each child.
    tqdm.set_lock(threading.RLock())
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def kill_and_resume(folder, kills, steps):
    """Trainings, each killed again and again and resumed, until there were so many kills; prints what came out."""
    import random
    import time
    from collections import Counter
    from pathlib import Path

    draw, folder, dead = random.Random(1), Path(folder), Counter()
    reference = end_of(None, steps)  # also imports what torch imports late, so that no child has to
    began = time.perf_counter()
    assert end_of(None, steps) == reference
    whole = time.perf_counter() - began
    same = 0
    while sum(dead.values()) < kills:
        path, end = folder / f"run{same}", folder / f"end{same}"
        while not end.exists():
            kind = draw.choice(["clock", "middle", "before", "after"]) if sum(dead.values()) < kills else "none"

            number = draw.randint(1, 3)

            def work(kind=kind, path=path, end=end, number=number):
                if kind not in ("clock", "none"):
                    killed_while_writing(kind, number)
                training.save(end, end_of(path, steps))

            pid = child(work)
            if kind == "clock":
                time.sleep(draw.uniform(0, whole / 2))
                os.kill(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
            if os.WIFSIGNALED(status):
                assert os.WTERMSIG(status) == signal.SIGKILL
                dead[kind] += 1
            else:
                assert status == 0, "the training failed"
        assert torch.load(end, weights_only=True) == reference
        same += 1
    print(json.dumps({"kills": dict(dead), "trainings": same, "seconds": whole}))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes to be killed are forked")
def test_fifty_kills(tmp_path, root):
    """SIGKILL at random moments, half of them around the renaming: each resumed training ends as the one unharmed."""
    code = "import sys; sys.path[:0] = sys.argv[1:3]; import torch; torch.set_num_threads(1); "
    code += "import test_training; test_training.kill_and_resume(sys.argv[3], kills=50, steps=40)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        [*command, root, root / "tests", tmp_path],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"TQDM_DISABLE": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert sum(told["kills"].values()) == 50 and told["trainings"] >= 1
    assert min(told["kills"].get(kind, 0) for kind in ("clock", "middle", "before", "after")) >= 5
