"""Sequence to sequence: padding is inert, forced and free running agree where they must, it learns, it stops."""

import re

import numpy as np
import pytest
import torch

from rnncourse import counting
from rnncourse.models import Seq2Seq, seq2seq
from rnncourse.models.seq2seq import END, PAD, START, padded, shifted

KINDS = pytest.mark.parametrize(
    ("attention", "hand_over"), [(None, True), ("dot", True), ("additive", True), ("dot", False)], ids=str
)


def model_of(attention, hand_over=True, read=7, written=9, m=4, n=5):
    torch.manual_seed(0)
    return Seq2Seq(read, written, m, n, attention, hand_over).double()


def symbols(generator, top, lengths, end=True):
    return padded([generator.integers(3, top, size=length).tolist() for length in lengths], end)


X = symbols(np.random.default_rng(1), 7, [4, 1, 6], end=False)
Y = symbols(np.random.default_rng(2), 9, [2, 5, 1])


def test_padded_and_shifted():
    assert padded([[3, 4, 5], [6]]).T.tolist() == [[3, 4, 5, END], [6, END, PAD, PAD]]
    assert padded([[3, 4, 5], [6]], end=False).T.tolist() == [[3, 4, 5], [6, PAD, PAD]]
    assert padded([[], [6]]).T.tolist() == [[END, PAD], [6, END]]
    assert shifted(padded([[3, 4, 5], [6]])).T.tolist() == [[START, 3, 4, 5], [START, 6, END, PAD]]


@KINDS
def test_shapes_and_weights(attention, hand_over):
    logits, weights = model_of(attention, hand_over)(X, shifted(Y))
    assert logits.shape == (6, 3, 9)
    if attention:
        assert weights.shape == (6, 6, 3) and not weights[:, X == PAD].any()
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(6, 3, dtype=torch.float64))
    else:
        assert weights is None


@KINDS
def test_padding_is_inert(attention, hand_over):
    """A sequence alone, without padding, gives what it gives in a batch."""
    model = model_of(attention, hand_over)
    together, _ = model(X, shifted(Y))
    for column in range(3):
        x, y = X[:, column : column + 1], Y[:, column : column + 1]
        x, y = x[x[:, 0] != PAD], y[y[:, 0] != PAD]
        alone, _ = model(x, shifted(y))
        torch.testing.assert_close(alone[:, 0], together[: len(y), column], rtol=1e-12, atol=1e-12)
        written, _ = model.write(x, 8)
        all_written, _ = model.write(X, 8)
        assert torch.equal(written[:, 0], all_written[: len(written), column])
        assert not all_written[len(written) :, column].any()


@KINDS
def test_the_decoder_in_pieces_is_the_decoder(attention, hand_over):
    model = model_of(attention, hand_over)
    whole, _ = model(X, shifted(Y))
    hs, mask, s = model.encode(X)
    pieces = []
    for before in shifted(Y).split(2):
        logits, _, s = model.decode(before, s, hs, mask)
        pieces.append(logits)
    torch.testing.assert_close(torch.cat(pieces), whole, rtol=1e-12, atol=1e-12)


@KINDS
def test_free_running_is_forcing_with_its_own_symbols(attention, hand_over):
    model = model_of(attention, hand_over)
    written, weights = model.write(X, 7)
    logits, forced_weights = model(X, shifted(written))
    stands = written != PAD
    assert torch.equal(logits.argmax(dim=-1)[stands], written[stands])
    if attention:
        torch.testing.assert_close(weights[:, :, 0], forced_weights[: len(written), :, 0])


def test_what_is_handed_over():
    """Without attention the answer depends on the last state alone; with neither nothing would reach the decoder."""
    model = model_of(None)
    hs, mask, s = model.encode(X)
    before = shifted(Y)
    assert torch.equal(model.decode(before, s, hs, mask)[0], model.decode(before, s, hs * 0, mask)[0])
    model = model_of("dot", hand_over=False)
    hs, mask, s = model.encode(X)
    assert not s.any()
    assert not torch.equal(model.decode(before, s, hs, mask)[0], model.decode(before, s, hs * 0, mask)[0])


def test_writing_stops():
    model = model_of(None)
    with torch.no_grad():
        model.output.bias[END] = 1e3
    assert model.write(X, 5)[0].tolist() == [[END] * 3]
    with torch.no_grad():
        model.output.bias[END] = -1e3
    assert model.write(X, 5)[0].shape == (5, 3)


def test_loss_leaves_out_the_padding():
    logits = torch.zeros(6, 3, 9, dtype=torch.float64)
    assert seq2seq.loss(logits, Y).item() == pytest.approx(np.log(9))
    logits[Y == PAD] = 100 * torch.rand(9, dtype=torch.float64)
    assert seq2seq.loss(logits, Y).item() == pytest.approx(np.log(9))


@pytest.mark.parametrize(("attention", "extra"), [(None, 0), ("dot", 55), ("additive", 55 + 5 * 11)], ids=str)
def test_parameters(attention, extra):
    m, n, gru = 4, 5, 3 * (4 * 5 + 5 * 5 + 2 * 5)
    assert counting.parameters(model_of(attention)) == 7 * m + 9 * m + 2 * gru + 9 * n + 9 + extra


@pytest.mark.parametrize("attention", [None, "dot", "additive"])
def test_it_learns_two_sequences(attention):
    torch.manual_seed(0)
    model = Seq2Seq(7, 9, 8, 16, attention)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        loss = seq2seq.loss(model(X, shifted(Y))[0], Y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert torch.equal(model.write(X, 9)[0], Y)


def test_errors():
    model = model_of("dot")
    say = lambda message: pytest.raises(ValueError, match=re.escape(message))  # noqa: E731
    with say("Seq2Seq: expected attention None, 'dot' or 'additive', got 'luong'"):
        Seq2Seq(5, 5, 2, 2, "luong")
    with say("Seq2Seq: expected attention or hand_over, got neither"):
        Seq2Seq(5, 5, 2, 2, hand_over=False)
    with say("Seq2Seq: expected read to be an integer of at least 3, got 2"):
        Seq2Seq(2, 5, 2, 2)
    with say("Seq2Seq.encode: expected x from 0 to 6, got 0 to 7"):
        model.encode(X + (X == 6).long())
    with say("Seq2Seq.encode: expected x to be integers of shape (time, B), got torch.float32 (6, 3)"):
        model.encode(X.float())
    with say("Seq2Seq.encode: expected x to be integers of shape (time, B), got list"):
        model.encode([[3]])
    for wrong in (X.flip(0), X[:0], X * 0):
        with say("Seq2Seq.encode: expected at least one symbol in each column of x, and PAD only behind it"):
            model.encode(wrong)
    with say("Seq2Seq.decode: expected before from 0 to 8, got 9 to 9"):
        model(X, torch.full((1, 3), 9))
    with say("Seq2Seq.write: expected longest to be an integer of at least 1, got 0"):
        model.write(X, 0)
    with say("seq2seq.padded: expected at least one sequence, and a symbol in each"):
        padded([])
    with say("seq2seq.padded: expected at least one sequence, and a symbol in each"):
        padded([[], [3]], end=False)
    with say("seq2seq.padded: expected integers from 3 on"):
        padded([[3, END]])
