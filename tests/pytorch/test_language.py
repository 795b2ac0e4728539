"""The language model: its probabilities are those of the whole string, however it is cut; and its errors."""

import pytest
import torch
from torch.nn.functional import log_softmax

from rnncourse.pytorch import language

CELLS = ["RNN", "GRU", "LSTM"]


def model(cell="LSTM"):
    torch.manual_seed(0)
    return language.LanguageModel(cell, 5, 3, 4).double()


def random(*shape):
    return torch.randint(5, shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("cell", CELLS)
def test_surprise_is_minus_log_p(cell):
    net, x = model(cell), random(7, 2)
    bits = language.surprise(net, x)
    assert bits.shape == (6, 2) and not bits.requires_grad
    for b in range(2):
        state = None
        for t in range(6):  # one symbol at a time
            logits, state = net(x[t : t + 1, b : b + 1], state)
            p = torch.softmax(logits[0, 0], 0)
            assert p.sum().item() == pytest.approx(1)
            assert bits[t, b].item() == pytest.approx(-torch.log2(p[x[t + 1, b]]).item(), rel=1e-10)


@pytest.mark.parametrize("cell", CELLS)
def test_a_walk_in_pieces_is_a_walk_at_once(cell):
    net, columns = model(cell), random(13, 3)
    loss, state, values = language.walk(net, columns, 4), None, []
    for step in range(3):
        value, state = loss(step, state)
        values.append(value.item())
    logits, _ = net(columns[:12])
    right = -log_softmax(logits, -1).gather(-1, columns[1:13, :, None])
    assert sum(values) / 3 == pytest.approx(right.mean().item(), rel=1e-10)
    assert not any(s.requires_grad for s in (state if isinstance(state, tuple) else [state]))
    again, _ = loss(3, state)  # the fourth piece is the first, and does not know the end
    assert again.item() == values[0]


def test_side_by_side():
    assert language.side_by_side(torch.arange(11), 3).tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: language.LanguageModel("Transformer", 5, 3, 4), "expected cell 'RNN', 'GRU' or 'LSTM'"),
        (lambda: language.side_by_side(torch.arange(5), 3), r"at least 2 for each of 3 readers, got .* \(5,\)"),
        (lambda: language.side_by_side(torch.rand(50), 3), "expected integers .* got torch.float32"),
        (lambda: language.side_by_side(random(5, 5), 1), r"shape \(5, 5\)"),
        (lambda: language.walk(model(), random(4, 1), 4), "expected columns longer than T = 4, got 4 rows"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
