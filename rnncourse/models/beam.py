"""Beam search: keep the W best beginnings at every step, instead of the single most probable symbol.

    log p(y | x) = Σ_i log p(y_i | y_1 … y_{i−1}, x)
    score(y) = log p(y | x) / S^α        S: the number of symbols of y, END included

α = 0 compares probabilities, which favours short outputs; α = 1 compares the mean over the symbols.
Source: Wu et al. (2016), arXiv:1609.08144, section 7, with S^α in the place of their length penalty.
"""

import torch

from rnncourse.checks import check_sizes
from rnncourse.models.seq2seq import END, PAD, START


@torch.no_grad()
def beam(model, x, width, longest, alpha=0.0):
    """Search the output of the best score for each column of x (T, B), of at most ``longest`` symbols with END.

    width: how many beginnings W each column keeps; 1 is greedy search, which ``Seq2Seq.write`` does, too.
    Returns outputs (S, B), with PAD behind END, and log p(y | x) of each (B,), in nats. An output that has not ended
    after ``longest`` steps is returned only where none of the column's W has ended.
    Raises ValueError for a width or ``longest`` below 1 and an alpha that is negative.
    """
    check_sizes("beam", width=width, longest=longest)
    if not alpha >= 0:
        raise ValueError(f"beam: expected alpha of at least 0, got {alpha}")
    hs, mask, s = model.encode(x)
    B, K = x.shape[1], model.output.out_features
    column = torch.arange(B, device=x.device)
    logp = hs.new_zeros(B, 1)  # (B, W): of each beginning
    written = x.new_full((1, B, 1), START)  # (steps + 1, B, W)
    lengths, ended = torch.zeros_like(logp), torch.zeros_like(logp, dtype=torch.bool)
    for _ in range(longest):
        W = logp.shape[1]
        rows = column.repeat_interleave(W)  # the column of each of the B·W beginnings
        logits, _, s = model.decode(written[-1].reshape(1, -1), s, hs[:, rows], mask[:, rows])
        step = logits[0].log_softmax(dim=-1).view(B, W, K).clone()
        step[..., [PAD, START]] = -torch.inf  # no output contains them …
        step[ended] = -torch.inf
        step[..., PAD][ended] = 0.0  # … but PAD follows END, at no cost
        total = logp[..., None] + step  # (B, W, K)
        steps = lengths + ~ended
        score = total / steps[..., None] ** alpha
        kept = score.flatten(1).topk(min(width, W * K), dim=1).indices  # (B, W'), the best first
        parent, symbol = kept // K, kept % K
        logp = total.flatten(1).gather(1, kept)
        written = torch.cat([written.gather(2, parent.expand(len(written), -1, -1)), symbol[None]])
        lengths, ended = steps.gather(1, parent), ended.gather(1, parent) | (symbol == END)
        s = s.view(B, W, -1)[column[:, None], parent].flatten(0, 1)
        if ended[~logp.isinf()].all():
            break
    score = (logp / lengths**alpha).masked_fill(~ended & ended.any(dim=1, keepdim=True), -torch.inf)
    best = score.argmax(dim=1)
    return written[1:, column, best], logp[column, best]


@torch.no_grad()
def log_probability(model, x, y):
    """log p(y | x) of given outputs, in nats: x (T, B), y (S, B) with END and PAD behind it → (B,)."""
    before = torch.cat([torch.full_like(y[:1], START), y[:-1]])
    logp = model(x, before)[0].log_softmax(dim=-1).gather(2, y[..., None])[..., 0]
    return (logp * (y != PAD)).sum(dim=0)
