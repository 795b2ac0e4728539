"""The linear-chain conditional random field of ``reference.crf`` for padded batches, on any device.

    log p(y) = score(y) − log Z,     score(y) = Σ_t e_t[y_t] + Σ_{t>1} A[y_{t−1}, y_t]

e emissions (T, B, k), A transitions (k, k), lengths (B,) from 1 to T: what follows the end of a sequence is padding
and changes nothing. T = steps, B = batch, k = labels. A forbidden transition has A[i, j] = −∞; every label must keep at
least one transition that leads to it. The gradients are autograd's.
Source: Lafferty, McCallum and Pereira (2001); Lample et al. (2016), arXiv 1603.01360, section 2.2.
"""

import torch


def score(emissions, transitions, paths, lengths):
    """The scores (B,) of one path for each sequence: paths (T, B), integers in 0 … k−1, in padding, too."""
    real = check("crf.score", emissions, transitions, lengths)
    if paths.shape != emissions.shape[:2]:
        raise ValueError(f"crf.score: expected paths of shape {(*emissions.shape[:2],)}, got {(*paths.shape,)}")
    steps = emissions.gather(2, paths[..., None])[..., 0]
    steps = torch.cat([steps[:1], steps[1:] + transitions[paths[:-1], paths[1:]]])
    return torch.where(real, steps, 0).sum(dim=0)


def log_partition(emissions, transitions, lengths):
    """log Z (B,): the logarithm of the sum over all k^T_b paths of exp(score), by the forward algorithm."""
    real = check("crf.log_partition", emissions, transitions, lengths)
    alpha = emissions[0]
    for e, go_on in zip(emissions[1:], real[1:], strict=True):
        following = e + torch.logsumexp(alpha[:, :, None] + transitions, dim=1)
        alpha = torch.where(go_on[:, None], following, alpha)
    return torch.logsumexp(alpha, dim=-1)


def loss(emissions, transitions, paths, lengths):
    """−log p(path) (B,), in nats."""
    return log_partition(emissions, transitions, lengths) - score(emissions, transitions, paths, lengths)


@torch.no_grad()
def viterbi(emissions, transitions, lengths):
    """The best paths (T, B), int64, 0 in padding. Of several, the one that ``reference.crf`` takes."""
    real = check("crf.viterbi", emissions, transitions, lengths)
    best, came_from = emissions[0], []
    stay = torch.arange(emissions.shape[2], device=emissions.device)
    for e, go_on in zip(emissions[1:], real[1:], strict=True):
        top, before = (best[:, :, None] + transitions).max(dim=1)
        came_from.append(torch.where(go_on[:, None], before, stay))
        best = torch.where(go_on[:, None], e + top, best)
    path = [best.argmax(dim=-1)]
    for before in reversed(came_from):
        path.append(before.gather(1, path[-1][:, None])[:, 0])
    return torch.where(real, torch.stack(path[::-1]), 0)


def check(where, emissions, transitions, lengths):
    """Shapes. Returns which steps are real, (T, B)."""
    if emissions.ndim != 3 or not emissions.numel():
        raise ValueError(f"{where}: expected emissions of shape (T, B, k), got {(*emissions.shape,)}")
    T, B, k = emissions.shape
    if transitions.shape != (k, k):
        raise ValueError(f"{where}: expected transitions of shape {(k, k)}, got {(*transitions.shape,)}")
    if lengths.shape != (B,) or lengths.is_floating_point() or lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"{where}: expected {B} whole lengths from 1 to {T}, got {lengths.tolist()}")
    return torch.arange(T, device=emissions.device)[:, None] < lengths.to(emissions.device)
