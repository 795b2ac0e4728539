"""Beam search: greedy for width 1, exhaustive search for a wide beam, and the probabilities that it returns."""

import itertools

import pytest
import torch

from rnncourse.models import Seq2Seq, beam, log_probability
from rnncourse.models.seq2seq import END, FIRST, PAD

SYMBOLS, LONGEST = 3, 4


@pytest.fixture
def model():
    torch.manual_seed(3)
    model = Seq2Seq(FIRST + SYMBOLS, FIRST + SYMBOLS, 4, 5, attention="dot").double()
    with torch.no_grad():
        model.output.weight *= 6  # untrained networks are nearly uniform: make it decide
    return model


@pytest.fixture
def x():
    return torch.tensor([[3, 5, 4], [4, 5, 3], [5, PAD, 3]])


def possible():
    """Every output of at most LONGEST symbols, END included, as columns."""
    symbols = range(FIRST, FIRST + SYMBOLS)
    bodies = [body for S in range(LONGEST) for body in itertools.product(symbols, repeat=S)]
    return torch.tensor([[*body, END, *[PAD] * (LONGEST - 1 - len(body))] for body in bodies]).T


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 2.0])
def test_wide_beam_is_exhaustive_search(model, x, alpha):
    every = possible()
    lengths = (every != PAD).sum(dim=0)
    found, logp = beam(model, x, width=SYMBOLS**LONGEST * 4, longest=LONGEST, alpha=alpha)
    for b in range(x.shape[1]):
        column = x[:, b : b + 1]
        column = column[column[:, 0] != PAD].expand(-1, every.shape[1])
        all_logp = log_probability(model, column, every)
        best = (all_logp / lengths**alpha).argmax()
        assert torch.equal(found[:, b], every[: len(found), best])
        assert abs(logp[b] - all_logp[best]) < 1e-10


def test_narrow_beam_can_miss_the_best():
    torch.manual_seed(0)
    missed = 0
    for _ in range(30):
        model = Seq2Seq(FIRST + SYMBOLS, FIRST + SYMBOLS, 4, 5).double()
        model.output.weight.data *= 6
        x = torch.randint(FIRST, FIRST + SYMBOLS, (3, 1))
        wide = beam(model, x, 400, LONGEST)[1]
        for width in (1, 2, 5):
            found, logp = beam(model, x, width, LONGEST)
            assert logp <= wide + 1e-10 or found[-1, 0] not in (PAD, END)  # not ended: another set of outputs
        missed += bool(beam(model, x, 1, LONGEST)[1] < wide - 1e-9)
    assert missed > 3


def test_width_1_is_greedy(model, x):
    with torch.no_grad():
        model.output.bias[:2] = -1e4  # ``write`` may choose PAD and START, beam search does not
    written, _ = model.write(x, 8)
    found, logp = beam(model, x, 1, 8)
    assert torch.equal(found, written)
    assert torch.allclose(logp, log_probability(model, x, written), atol=1e-10)


def test_each_column_alone_gives_the_same(model, x):
    found, logp = beam(model, x, 3, 6, alpha=1.0)
    for b in range(3):
        column = x[:, b : b + 1]
        alone, its = beam(model, column[column[:, 0] != PAD][:, None, 0], 3, 6, alpha=1.0)
        assert torch.equal(found[: len(alone), b], alone[:, 0]) and not found[len(alone) :, b].any()
        assert abs(its[0] - logp[b]) < 1e-10


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"width": 0}, "width"),
        ({"longest": 0}, "longest"),
        ({"alpha": -1.0}, "expected alpha of at least 0, got -1.0"),
        ({"alpha": float("nan")}, "got nan"),
    ],
)
def test_refuses(model, x, given, says):
    with pytest.raises(ValueError, match=says):
        beam(model, x, **({"width": 2, "longest": 3} | given))
