"""Noise inside an LSTM: without noise it is torch's LSTM; the masks are where, and as often new, as they should be."""

import re

import pytest
import torch
from cells import all_close, close
from torch import nn

from rnncourse.pytorch import dropout
from rnncourse.pytorch.dropout import PLACES, Locked, NoisyLSTM, mask
from rnncourse.pytorch.lstm import gates

T, B, m, n = 7, 3, 4, 5


def given(module, T=T, B=B):
    """x, h0 and c0, which want gradients, and torch's own LSTM with the weights of ``module``."""
    torch.manual_seed(1)
    shapes = (T, B, m), (1, B, n), (1, B, n)
    theirs = nn.LSTM(m, n).double()
    theirs.load_state_dict(module.state_dict())
    return *(torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes), theirs


def results(module, x, h, c):
    """hs, h_T, c_T, and the gradients of all arguments and weights."""
    hs, (h_T, c_T) = module(x, (h, c))
    outs = hs, h_T, c_T
    generator = torch.Generator().manual_seed(2)
    loss = sum((out * torch.randn(out.shape, generator=generator, dtype=out.dtype)).sum() for out in outs)
    return [*outs, *torch.autograd.grad(loss, [x, h, c, *module.parameters()])]


@pytest.mark.parametrize("shape", [(T, B), (1, 1), (30, 2)])
@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("place", PLACES)
def test_without_noise_it_is_torchs(place, same, shape):
    ours = NoisyLSTM(m, n, place, 0.0, same).double()
    x, h, c, theirs = given(ours, *shape)
    wish = results(theirs, x, h, c)
    assert ours.training
    all_close(results(ours, x, h, c), wish, 1e-12)
    all_close(results(ours.eval(), x, h, c), wish, 1e-12)


@pytest.mark.parametrize("place", ["hidden", "cell", "candidate", "weights"])
def test_evaluation_is_torchs(place):
    ours = NoisyLSTM(m, n, place, 0.4).double().eval()
    x, h, c, theirs = given(ours)
    all_close(results(ours, x, h, c), results(theirs, x, h, c), 1e-12)
    zeros = ours(x)[0]
    close(zeros, theirs(x)[0], 1e-12)


def by_hand(module, x, h, c, masks):
    """The equations at the top of dropout.py, one step after another, with these masks (T, …)."""
    U, W, b = module.weight_ih_l0, module.weight_hh_l0, module.bias_ih_l0 + module.bias_hh_l0
    h, c, hs, p, place = h[0], c[0], [], module.p, module.place
    for x_t, mask_t in zip(x, masks, strict=True):
        seen = mask_t * h if place == "hidden" else h
        matrix = mask_t * W if place == "weights" else W
        i, f, g, o = gates(x_t @ U.T + seen @ matrix.T + b)
        g = mask_t * g if place == "candidate" else g
        new = f * (mask_t * c if place == "cell" else c) + i * g
        if place == "zoneout":
            (z_c, z_h), out = mask_t, o * torch.tanh(new)
            h, c = torch.where(z_h == 1, h, out), torch.where(z_c == 1, c, new)
            if not module.training:
                raise AssertionError(p)
        else:
            h, c = o * torch.tanh(new), new
        hs.append(h)
    return torch.stack(hs), h[None], c[None]


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("place", PLACES)
def test_the_noise_is_where_the_equations_have_it(place, same):
    ours = NoisyLSTM(m, n, place, 0.4, same).double()
    x, h, c, _ = given(ours)
    torch.manual_seed(5)
    hs, (h_T, c_T) = ours(x, (h, c))
    torch.manual_seed(5)
    if place == "zoneout":
        masks = torch.empty(T, 2, B, n, dtype=torch.float64).bernoulli_(0.4)
    elif place == "weights":
        masks = mask(0.4, (1, 4 * n, n), x).expand(T, -1, -1)
    else:
        masks = mask(0.4, (1 if same else T, B, n), x).expand(T, -1, -1)
    wish = by_hand(ours, x, h, c, masks)
    all_close([hs, h_T, c_T], wish, 1e-12)
    arguments = [x, h, c, *ours.parameters()]
    grads = (torch.autograd.grad(out[0].sum() + out[2].square().sum(), arguments) for out in ([hs, h_T, c_T], wish))
    all_close(*grads, 1e-10)


def test_zoneout_evaluates_with_the_mean():
    ours = NoisyLSTM(m, n, "zoneout", 0.3).double().eval()
    x, h, c, theirs = given(ours, T=1)
    new, (_, new_c) = theirs(x, (h, c))
    hs, (_, c_T) = ours(x, (h, c))
    close(c_T, 0.3 * c + 0.7 * new_c, 1e-12)
    close(hs, 0.3 * h + 0.7 * new, 1e-12)


def test_mask_has_mean_one():
    for p in (0, 0.25, 0.8):
        drawn = mask(p, (200_000,), torch.zeros((), dtype=torch.float64))
        assert drawn.dtype == torch.float64 and set(drawn.unique().tolist()) <= {0.0, 1 / (1 - p)}
        assert abs(drawn.mean() - 1) < 0.02 and abs((drawn == 0).double().mean() - p) < 0.01


def test_locked():
    x, module = torch.rand(T, B, 40) + 1, Locked(0.5)
    seen = module(x) / x
    assert torch.allclose(seen, seen[:1].expand_as(seen)) and not torch.equal(seen[0, 0], seen[0, 1])
    assert set(seen.round(decimals=4).unique().tolist()) == {0.0, 2.0} and not torch.equal(module(x) / x, seen)
    assert torch.equal(module.eval()(x), x) and repr(module) == "Locked(p=0.5)"
    with pytest.raises(ValueError, match=re.escape("Locked: expected x of shape (T, B, n), got (3, 40)")):
        module(x[0])


@pytest.mark.parametrize("p", [-0.1, 1, 1.0, "0.5", True, None])
def test_p_is_a_share(p):
    for make in (Locked, lambda p: NoisyLSTM(m, n, "hidden", p), lambda p: mask(p, (2,), torch.zeros(()))):
        with pytest.raises(ValueError, match=r"expected p to be a number in \[0, 1\), got " + re.escape(repr(p))):
            make(p)


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="expected place to be one of hidden, cell, candidate, weights, zoneout, got"):
        NoisyLSTM(m, n, "state", 0.1)
    module = NoisyLSTM(m, n, "hidden", 0.1)
    assert repr(module) == "NoisyLSTM(4, 5, 'hidden', p=0.1, same=True)"
    with pytest.raises(ValueError, match=re.escape("expected x of shape (T, B, m=4), got (2, 3, 5)")):
        module(torch.zeros(2, 3, 5))
    with pytest.raises(ValueError, match=re.escape("expected h0 of shape (1, B=3, n=5), got (1, 2, 5)")):
        module(torch.zeros(2, 3, 4), (torch.zeros(1, 2, 5), torch.zeros(1, 3, 5)))
    with pytest.raises(ValueError, match="NaN or infinite"):
        module(torch.full((2, 3, 4), torch.nan))
    assert dropout.PLACES[0] == "hidden"
