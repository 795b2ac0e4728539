"""Networks made of cells that two chapters or more train."""

from rnncourse.models.beam import beam, log_probability
from rnncourse.models.seq2seq import Seq2Seq

__all__ = ["Seq2Seq", "beam", "log_probability"]
