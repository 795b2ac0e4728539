"""The reference's mathematics in PyTorch: the same file names, torch.nn's parameter names, any device."""

from rnncourse.pytorch.gru import GRU
from rnncourse.pytorch.lstm import LSTM
from rnncourse.pytorch.rnn import RNN

__all__ = ["GRU", "LSTM", "RNN"]
