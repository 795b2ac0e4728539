"""The language model: its probabilities are those of the whole string, however it is cut; and its errors."""

import math
import subprocess
import sys

import pytest
import torch
from torch.nn.functional import log_softmax

from rnncourse.data.text import Vocabulary
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


# ---- writing, saving, loading --------------------------------------------------------------------------------

LETTERS = Vocabulary("hélo ")  # one of them not ASCII


@pytest.mark.parametrize("cell", CELLS)
def test_read_in_pieces_is_read_at_once(cell):
    net = model(cell)
    logits, state = language.read(net, LETTERS, "hél")
    again, state_again = language.read(net, LETTERS, "l", language.read(net, LETTERS, "hé")[1])
    assert logits.shape == (5,) and not logits.requires_grad
    torch.testing.assert_close(again, logits)
    right = net(torch.tensor(LETTERS.encode("hél"))[:, None])[0][-1, 0]
    torch.testing.assert_close(logits, right)


def test_what_is_written_was_drawn_from_the_model():
    """Shares of 4,000 first characters against softmax(logits / temperature), within 5 standard errors."""
    net = model()
    for temperature in (0.5, 1.0, 3.0):
        p = torch.softmax(language.read(net, LETTERS, "hé")[0] / temperature, -1)
        drawn = [language.write(net, LETTERS, "hé", 1, temperature, seed) for seed in range(4000)]
        for symbol, q in zip(LETTERS.symbols, p.tolist(), strict=True):
            assert abs(drawn.count(symbol) / 4000 - q) < 5 * math.sqrt(q * (1 - q) / 4000)


def test_writing_repeats_reads_its_own_characters_and_leaves_the_random_generator_alone():
    net = model()
    before = torch.get_rng_state()
    written = language.write(net, LETTERS, "h", 30, seed=4)
    assert written == language.write(net, LETTERS, "h", 30, seed=4) and len(written) == 30
    assert written != language.write(net, LETTERS, "h", 30, seed=5)
    assert torch.equal(before, torch.get_rng_state())
    cold = language.write(net, LETTERS, "h", 30, temperature=1e-6)  # the likeliest, again and again
    text = "h"
    for _ in range(30):
        text += LETTERS.symbols[language.read(net, LETTERS, text)[0].argmax()]
    assert cold == text[1:]


@pytest.mark.parametrize("cell", CELLS)
def test_saved_and_loaded_in_a_fresh_process(tmp_path, cell):
    net, path = model(cell).float(), tmp_path / "mine.pt"
    language.save(path, net, LETTERS)
    back, symbols = language.load(path, LETTERS)
    assert symbols.symbols == LETTERS.symbols and type(back.cell).__name__ == cell
    assert all(torch.equal(back.state_dict()[name], w) for name, w in net.state_dict().items())
    code = (
        "import sys; from rnncourse.pytorch import language\n"
        "print(ascii(language.write(*language.load(sys.argv[1]), 'hé', 40, seed=3)))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, encoding="utf-8")
    assert done.stdout.strip() == ascii(language.write(net, LETTERS, "hé", 40, seed=3)), done.stderr


def test_another_vocabulary_is_refused(tmp_path):
    path = tmp_path / "mine.pt"
    language.save(path, model(), LETTERS)
    with pytest.raises(ValueError) as error:
        language.load(path, Vocabulary("hélo!?"))
    assert str(error.value) == (
        f"language.load: expected the 6 symbols of your vocabulary in {path}, got a model of 5 (the model does not "
        "know '!', '?'; your text has no ' '); train a new model for this text, or encode the text with the "
        "vocabulary of the file"
    )
    with pytest.raises(ValueError, match="got a model of 5 .the same in another order.;"):
        language.load(path, Vocabulary(LETTERS.symbols[::-1]))
    with pytest.raises(ValueError, match="does not know '0', '1', '2', '3', '4', '5', '6', '7' and 2 more.;"):
        language.load(path, Vocabulary(LETTERS.symbols + "0123456789"))


def test_files_that_are_no_model(tmp_path):
    path = tmp_path / "mine.pt"
    with pytest.raises(FileNotFoundError, match=r"expected a file that language.save wrote, found none at .*mine.pt"):
        language.load(path)
    with pytest.raises(FileNotFoundError, match=r"expected a folder for the file .*mine.pt, found none"):
        language.save(tmp_path / "none" / "mine.pt", model(), LETTERS)
    path.write_bytes(b"text")
    with pytest.raises(ValueError, match=r"expected a saved language model in .*mine.pt, got: "):
        language.load(path)
    torch.save(model().state_dict(), path)
    with pytest.raises(ValueError, match=r"in .*mine.pt, got a file with other content"):
        language.load(path)
    language.save(path, model(), LETTERS)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"expected a saved language model in .*mine.pt, got: "):
        language.load(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: language.read(model(), LETTERS, ""), "language.read: expected a text of at least one character"),
        (lambda: language.write(model(), LETTERS, "x", 3), r"got 'x' \(U\+0078\)"),
        (lambda: language.write(model(), LETTERS, "h", 3, 0), "language.write: expected temperature above 0, got 0"),
        (lambda: language.save("x.pt", model(), Vocabulary("abc")), "expected the 5 symbols of the model, .* of 3"),
    ],
)
def test_errors_of_writing(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("cell", CELLS)
def test_move_keeps_what_both_vocabularies_have(cell):
    net, old, new = model(cell), Vocabulary("abcde"), Vocabulary("ża?ecz")
    moved = language.move(net, old, new, like={"ż": "b"})
    assert moved.readout.weight.dtype == torch.float64 and len(moved.readout.bias) == 6
    pairs = [(net.embedding.weight, moved.embedding.weight), (net.readout.weight, moved.readout.weight)]
    for before, after in [*pairs, (net.readout.bias, moved.readout.bias)]:
        assert torch.equal(after[[0, 1, 3, 4]], before[[1, 0, 4, 2]])  # ż like b, a, e, c
        assert torch.allclose(after[[2, 5]], before.mean(0).expand_as(after[[2, 5]]), rtol=1e-12)  # ?, z: the mean
    states = [m.cell(m.embedding(torch.as_tensor(v.encode("ace"))[:, None]))[0] for m, v in ((net, old), (moved, new))]
    assert torch.equal(*states)


def test_move_to_the_same_vocabulary_and_back():
    net, old = model(), Vocabulary("abcde")
    other = language.move(language.move(net, old, Vocabulary("xedcba")), Vocabulary("xedcba"), old)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True))
    assert all(weights.requires_grad for weights in other.parameters())


@pytest.mark.parametrize(
    ("old", "like", "message"),
    [
        ("abc", None, "expected the 5 symbols of the model, got a vocabulary of 3"),
        ("abcde", {"ż": "z"}, "expected like to name old symbols, got 'z'"),
    ],
)
def test_move_refuses(old, like, message):
    with pytest.raises(ValueError, match=f"language.move: {message}"):
        language.move(model(), Vocabulary(old), Vocabulary("abż"), like)
