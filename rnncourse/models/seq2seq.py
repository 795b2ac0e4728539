"""From a sequence to a sequence of another length: an encoder reads, a decoder writes until it writes END.

    h_t = GRU(x_t, h_{t−1}),    t = 1 … T               encoder, from h_0 = 0
    s_0 = h_T                                           what is handed over
    s_i = GRU(y_{i−1}, s_{i−1}),    i = 1 … S           decoder, with y_0 = START
    c_i, a_i = attention(s_i, keys h_t, values h_t)     only with attention
    s̃_i = tanh(C [c_i, s_i] + b_C)                      only with attention; without it s̃_i = s_i
    p(y_i | y_1 … y_{i−1}, x) = softmax(V s̃_i + b_V)

Source: Luong, Pham and Manning (2015), arXiv:1508.04025, sections 3 and 3.1. Symbols are integers; PAD, START and END
are the first three of both vocabularies. Time comes first: x (T, B) and y (S, B), each column a sequence, with PAD
behind the shorter ones.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from rnncourse.checks import check_sizes
from rnncourse.pytorch.attention import Additive, Dot

PAD, START, END = 0, 1, 2
FIRST = 3  # the first number that is free for a symbol


class Seq2Seq(nn.Module):
    """A GRU that reads, and a GRU that writes, with or without attention.

    read, written: how many symbols the two vocabularies have, PAD, START and END included; m: size of an embedding;
    n: size of the state; attention: None, "dot" or "additive"; hand_over: does the decoder begin with the encoder's
    last state (True) or with zeros (False)?
    Raises ValueError for other values, and for neither attention nor hand_over: then nothing reaches the decoder.
    """

    def __init__(self, read, written, m, n, attention=None, hand_over=True):
        super().__init__()
        check_sizes("Seq2Seq", FIRST, read=read, written=written)
        check_sizes("Seq2Seq", m=m, n=n)
        if attention not in (None, "dot", "additive"):
            raise ValueError(f"Seq2Seq: expected attention None, 'dot' or 'additive', got {attention!r}")
        if attention is None and not hand_over:
            raise ValueError("Seq2Seq: expected attention or hand_over, got neither")
        self.hand_over = hand_over
        self.embedding_read = nn.Embedding(read, m, padding_idx=PAD)
        self.encoder = nn.GRU(m, n)
        self.embedding_written = nn.Embedding(written, m, padding_idx=PAD)
        self.decoder = nn.GRU(m, n)
        self.attention = {None: None, "dot": Dot(), "additive": Additive(n, n, n)}[attention]
        self.combine = nn.Linear(2 * n, n) if attention else None
        self.output = nn.Linear(n, written)

    def encode(self, x):
        """x (T, B) → states hs (T, B, n), where a symbol stands (T, B), and the decoder's first state (B, n)."""
        check_symbols(x, self.embedding_read.num_embeddings, "Seq2Seq.encode", "x")
        mask = x != PAD
        if not (mask[:1].all() and (mask[:-1] >= mask[1:]).all()) or not len(x):
            raise ValueError("Seq2Seq.encode: expected at least one symbol in each column of x, and PAD only behind it")
        hs, _ = self.encoder(self.embedding_read(x))
        last = hs[mask.sum(dim=0) - 1, torch.arange(x.shape[1], device=x.device)]  # not that of the padding
        return hs, mask, last if self.hand_over else torch.zeros_like(last)

    def decode(self, before, s, hs, mask):
        """Some steps of the decoder: ``before`` (S, B) are the symbols before those that are asked.

        s (B, n): the state; hs, mask: from ``encode``. Returns logits (S, B, written), the weights of the attention
        (S, T, B), None without it, and the state after the last step (B, n).
        """
        check_symbols(before, self.embedding_written.num_embeddings, "Seq2Seq.decode", "before")
        states, s = self.decoder(self.embedding_written(before), s[None])
        weights = None
        if self.attention is not None:
            context, weights = self.attention(states, hs, hs, mask)
            states = torch.tanh(self.combine(torch.cat([context, states], dim=-1)))
        return self.output(states), weights, s[0]

    def forward(self, x, before):
        """Logits (S, B, written) and weights (S, T, B) or None: x (T, B) is read, ``before`` (S, B) is what the
        decoder gets. ``shifted(y)`` is teacher forcing."""
        hs, mask, s = self.encode(x)
        logits, weights, _ = self.decode(before, s, hs, mask)
        return logits, weights

    @torch.no_grad()
    def write(self, x, longest):
        """Free running: each step gets the symbol that the step before wrote, the most probable one.

        A column ends with END, and PAD follows; writing stops when each has ended, or after ``longest`` steps.
        Returns what was written (S, B), S at most ``longest``, and the weights (S, T, B) or None.
        """
        check_sizes("Seq2Seq.write", longest=longest)
        hs, mask, s = self.encode(x)
        symbols, written, read = torch.full_like(x[:1], START), [], []
        ended = torch.zeros_like(symbols, dtype=torch.bool)
        while len(written) < longest and not ended.all():
            logits, weights, s = self.decode(symbols, s, hs, mask)
            symbols = logits.argmax(dim=-1).masked_fill(ended, PAD)
            ended = ended | (symbols == END)
            written.append(symbols)
            read.append(weights)
        return torch.cat(written), None if self.attention is None else torch.cat(read)


def shifted(y):
    """What the decoder gets under teacher forcing: START, then y without its last row. y (S, B) → (S, B)."""
    return torch.cat([torch.full_like(y[:1], START), y[:-1]])


def loss(logits, y):
    """The mean of −log p(y_i | …) in nats over the symbols of y (S, B), END included and PAD left out."""
    return cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=PAD)


def padded(sequences, end=True, device=None):
    """Sequences of integers from FIRST on, of any lengths, as the columns of one tensor (time, B), PAD behind them.

    end: does END stand behind each sequence, before the PAD? Raises ValueError for no sequence, for one without a
    symbol, unless END follows, and for a PAD, START or END inside one.
    """
    columns = [torch.tensor([*sequence, *[END] * end], dtype=torch.long, device=device) for sequence in sequences]
    if not columns or not all(len(column) for column in columns):
        raise ValueError("seq2seq.padded: expected at least one sequence, and a symbol in each")
    if any((column[: len(column) - end] < FIRST).any() for column in columns):
        raise ValueError(f"seq2seq.padded: expected integers from {FIRST} on")
    return nn.utils.rnn.pad_sequence(columns, padding_value=PAD)


def check_symbols(symbols, size, where, name):
    """Integers (time, B) from 0 to size − 1; else ValueError."""
    if not isinstance(symbols, torch.Tensor) or symbols.ndim != 2 or symbols.dtype != torch.long:
        got = f"{symbols.dtype} {tuple(symbols.shape)}" if isinstance(symbols, torch.Tensor) else type(symbols).__name__
        raise ValueError(f"{where}: expected {name} to be integers of shape (time, B), got {got}")
    if symbols.numel() and not 0 <= symbols.min() <= symbols.max() < size:
        raise ValueError(
            f"{where}: expected {name} from 0 to {size - 1}, got {int(symbols.min())} to {int(symbols.max())}"
        )
