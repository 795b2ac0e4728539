"""RNN, LSTM and GRU with the backward pass written by hand: one entry in autograd's graph for all steps together.

The mathematics is that of ``rnncourse.reference``, where the formulas stand; the modules take the place of those of
``rnncourse.pytorch`` and of ``torch.nn``. What makes them fast is the same in all three:

* The input's part of every step is one matrix product before the loop.
* The loop writes into arrays that are there, in as few calls as can be, none of which autograd records.
* Whatever factor of the backward pass does not wait for a later step is computed for many steps at once.
* The gradient of each weight is one matrix product after the loop, over all steps and the whole batch.

The price: one derivative. create_graph=True raises RuntimeError, and so do the transforms of torch.func; the modules
of ``rnncourse.pytorch`` have both. torch.compile and torch.export get the loop of ``rnncourse.pytorch``, which they
fuse themselves. Under autocast the fused cells compute in the dtype of their weights all the same.
m = input size, n = hidden size, T = steps, B = batch.
"""

from rnncourse.pytorch.fused.common import blocks, last, once, product, recorded, rows, sum_of_products
from rnncourse.pytorch.fused.gru import GRU, GRUFunction, gru_forward, gru_steps
from rnncourse.pytorch.fused.lstm import LSTM, LSTMFunction, lstm_forward, lstm_steps
from rnncourse.pytorch.fused.rnn import RNN, RNNFunction, rnn_forward, rnn_steps

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "GRUFunction",
    "LSTMFunction",
    "RNNFunction",
    "blocks",
    "gru_forward",
    "gru_steps",
    "last",
    "lstm_forward",
    "lstm_steps",
    "once",
    "product",
    "recorded",
    "rnn_forward",
    "rnn_steps",
    "rows",
    "sum_of_products",
]
