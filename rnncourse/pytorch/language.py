"""A language model: symbols go in one by one, and after each one the logits of the next come out.

    p(x_1 … x_T) = Π_t p(x_t | x_1 … x_{t−1}),    p(· | x_1 … x_t) = softmax(V h_t + b_y)

What a model is given is a text cut into columns, (time, readers): every reader walks down a stretch of its own.
``write`` lets a model continue a text; ``save`` and ``load`` keep it in a file together with its vocabulary; ``move``
takes it to another vocabulary.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from rnncourse import training
from rnncourse.data.text import Vocabulary


class LanguageModel(nn.Module):
    """Embedding (k → m numbers), one layer of a recurrent cell (n units), Linear (n → k logits).

    cell: "RNN", "GRU" or "LSTM", as in torch.nn.
    forward(x, state=None): x (T, B) integers in 0 … k−1, state as the cell returns it, zero if left out.
    Returns logits (T, B, k) and the state after the last step. Raises ValueError for another cell.
    """

    def __init__(self, cell, k, m, n):
        super().__init__()
        if cell not in ("RNN", "GRU", "LSTM"):
            raise ValueError(f"LanguageModel: expected cell 'RNN', 'GRU' or 'LSTM', got {cell!r}")
        self.embedding = nn.Embedding(k, m)
        self.cell = getattr(nn, cell)(m, n)
        self.readout = nn.Linear(n, k)

    def forward(self, x, state=None):
        hs, state = self.cell(self.embedding(x), state)
        return self.readout(hs), state


def side_by_side(text, readers, device="cpu"):
    """Cut a text, integers (N,), into one stretch for each reader: int64 (N // readers, readers).

    The rest of the division is left out. Raises ValueError for other than a row of at least 2 integers a reader.
    """
    text = torch.as_tensor(text)
    if text.ndim != 1 or text.is_floating_point() or readers < 1 or len(text) < 2 * readers:
        raise ValueError(
            f"language.side_by_side: expected integers (N,), at least 2 for each of {readers} readers, "
            f"got {text.dtype} of shape {tuple(text.shape)}"
        )
    return text[: len(text) // readers * readers].reshape(readers, -1).T.contiguous().to(device)


def walk(model, columns, T):
    """The loss of step 0, 1, 2, …: the next T symbols of every column, read with the state that the step before left.

    columns (time, B). Returns ``loss(step, state) -> value in nats a symbol, next state``, for ``training.fit``. The
    state is carried, its gradient is not (truncated backpropagation). At the end of the columns the walk starts anew.
    """
    pieces = (len(columns) - 1) // T
    if pieces < 1:
        raise ValueError(f"language.walk: expected columns longer than T = {T}, got {len(columns)} rows")

    def loss(step, state):
        first = step % pieces * T
        x, y = columns[first : first + T], columns[first + 1 : first + T + 1]
        logits, state = model(x, None if first == 0 else state)
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        return cross_entropy(logits.flatten(0, 1), y.flatten()), state

    return loss


@torch.no_grad()
def surprise(model, columns):
    """−log₂ p of every symbol but the first of each column, read from a zero state: (time, B) → (time − 1, B), bits."""
    logits, _ = model(columns[:-1])
    nats = cross_entropy(logits.flatten(0, 1), columns[1:].flatten(), reduction="none")
    return nats.reshape(columns[1:].shape) / torch.log(torch.tensor(2.0, dtype=nats.dtype))


@torch.no_grad()
def read(model, vocabulary, text, state=None):
    """Read a text: the logits (k,) of the character that comes next, and the state after the last one.

    state: as ``read`` or the model returned it; zero if left out.
    Raises ValueError for an empty text and for characters outside the vocabulary.
    """
    if not text:
        raise ValueError("language.read: expected a text of at least one character, got an empty one")
    x = torch.as_tensor(vocabulary.encode(text), device=next(model.parameters()).device)
    logits, state = model(x[:, None], state)
    return logits[-1, 0], state


def write(model, vocabulary, prompt, length, temperature=1.0, seed=0):
    """Continue ``prompt`` by ``length`` characters, each drawn from p = softmax(logits / temperature).

    Raises ValueError as ``read`` does, and for a temperature that is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"language.write: expected temperature above 0, got {temperature}")
    generator, written = torch.Generator().manual_seed(seed), ""
    logits, state = read(model, vocabulary, prompt)
    for _ in range(length):
        p = torch.softmax(logits.cpu() / temperature, -1)
        drawn = torch.multinomial(p, 1, generator=generator).item()
        written += vocabulary.symbols[drawn]
        logits, state = read(model, vocabulary, written[-1], state)
    return written


@torch.no_grad()
def move(model, old, new, like=None):
    """The same LanguageModel for another vocabulary, as a new model: the cell's weights are copied.

    A symbol of both vocabularies keeps its row of the embedding, its row of the readout and its bias. A new symbol gets
    those of the old symbol ``like[symbol]`` where it is given, else the mean of all old ones. old, new: Vocabulary.
    Raises ValueError for an ``old`` of another size than the model's, and for a ``like`` that names a new symbol.
    """
    k, m = model.embedding.weight.shape
    if len(old) != k:
        raise ValueError(f"language.move: expected the {k} symbols of the model, got a vocabulary of {len(old)}")
    like = {c: other for c, other in (like or {}).items() if c in new.index and c not in old.index}
    strange = sorted(set(like.values()) - set(old.index))
    if strange:
        raise ValueError(f"language.move: expected like to name old symbols, got {shown(strange)}")
    moved = LanguageModel(type(model.cell).__name__, len(new), m, model.cell.hidden_size).to(model.readout.weight)
    moved.cell.load_state_dict(model.cell.state_dict())
    pairs = [(model.embedding.weight, moved.embedding.weight), (model.readout.weight, moved.readout.weight)]
    for before, after in [*pairs, (model.readout.bias, moved.readout.bias)]:
        after[:] = before.mean(0)
        for row, c in enumerate(new.symbols):
            c = like.get(c, c)
            if c in old.index:
                after[row] = before[old.index[c]]
    return moved


def save(path, model, vocabulary):
    """Write a LanguageModel's weights, its sizes and its vocabulary into one file. ``load`` reads it.

    Raises ValueError for a vocabulary of another size than the model's, FileNotFoundError for a missing folder.
    """
    path, k = Path(path).expanduser(), model.embedding.num_embeddings
    if len(vocabulary) != k:
        raise ValueError(f"language.save: expected the {k} symbols of the model, got a vocabulary of {len(vocabulary)}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"language.save: expected a folder for the file {path}, found none")
    sizes = {"cell": type(model.cell).__name__, "m": model.embedding.embedding_dim, "n": model.cell.hidden_size}
    training.save(path, {"symbols": vocabulary.symbols, **sizes, "weights": model.state_dict()})


def load(path, vocabulary=None, device="cpu"):
    """The model and the vocabulary of a file that ``save`` wrote: LanguageModel, Vocabulary.

    vocabulary: if given, the file must hold the same symbols in the same order, for only then do the numbers of its
    text mean to the model what they meant in training.
    Raises FileNotFoundError for a missing file, and ValueError, which names the file, for one that cannot be read, that
    holds something else, or that has another vocabulary.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"language.load: expected a file that language.save wrote, found none at {path}")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's own, pickle's, the archive's, the system's: whatever a damaged file meets
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"language.load: expected a saved language model in {path}, got: {reason}") from error
    if not isinstance(saved, dict) or set(saved) != {"symbols", "cell", "m", "n", "weights"}:
        raise ValueError(f"language.load: expected a saved language model in {path}, got a file with other content")
    symbols = Vocabulary(saved["symbols"])
    if vocabulary is not None and vocabulary.symbols != symbols.symbols:
        strange, unused = set(vocabulary.symbols) - set(symbols.symbols), set(symbols.symbols) - set(vocabulary.symbols)
        reasons = [f"the model does not know {shown(strange)}"] if strange else []
        reasons += [f"your text has no {shown(unused)}"] if unused else []
        raise ValueError(
            f"language.load: expected the {len(vocabulary)} symbols of your vocabulary in {path}, got a model of "
            f"{len(symbols)} ({'; '.join(reasons) or 'the same in another order'}); train a new model for this text, "
            "or encode the text with the vocabulary of the file"
        )
    model = LanguageModel(saved["cell"], len(symbols), saved["m"], saved["n"])
    model.load_state_dict(saved["weights"])
    return model.to(device), symbols


def shown(symbols, most=8):
    """Some symbols, in order, for a message."""
    symbols = sorted(symbols)
    more = f" and {len(symbols) - most} more" if len(symbols) > most else ""
    return ", ".join(map(repr, symbols[:most])) + more
