"""A language model: symbols go in one by one, and after each one the logits of the next come out.

    p(x_1 … x_T) = Π_t p(x_t | x_1 … x_{t−1}),    p(· | x_1 … x_t) = softmax(V h_t + b_y)

What a model is given is a text cut into columns, (time, readers): every reader walks down a stretch of its own.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy


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
