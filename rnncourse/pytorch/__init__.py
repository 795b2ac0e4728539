"""The reference's mathematics in PyTorch: the same file names, torch.nn's parameter names, any device."""

from rnncourse.pytorch.rnn import RNN

__all__ = ["RNN"]
