"""Random arguments of each cell's ``forward``, and random cotangents on every output: one class for each cell."""

import numpy as np
import torch

from rnncourse.pytorch import gru as pytorch_gru
from rnncourse.reference import gru, lstm, ops, rnn


class RNN:
    def __init__(self, T=6, B=3, m=4, n=5, f=ops.tanh, seed=0):
        rng = np.random.default_rng(seed)
        self.x, self.h0 = rng.normal(size=(T, B, m)), rng.normal(size=(B, n))
        self.weights = rnn.Weights(*(rng.normal(size=shape) / n**0.5 for shape in [(n, m), (n, n), (n,)]))
        self.dhs, self.dh_T = rng.normal(size=(T, B, n)), rng.normal(size=(B, n))
        self.f = f

    @property
    def arguments(self):
        return self.x, self.h0, *self.weights

    @property
    def cotangents(self):
        return self.dhs, self.dh_T

    def forward(self):
        return rnn.forward(*self.arguments, self.f)

    def backward(self, **how):
        return rnn.backward(*self.cotangents, self.forward()[-1], **how)

    def loss(self, *arguments):
        """A number whose gradient by ``arguments`` is what ``backward`` returns."""
        hs, h_T, _ = rnn.forward(*arguments, self.f)
        return np.sum(self.dhs * hs) + np.sum(self.dh_T * h_T)

    def autograd(self, cut=None):
        """(hs, h_T) and Grads from torch.nn.RNN; with ``cut``, the state is detached every ``cut`` steps."""
        module = rnn.to_torch(*self.weights, self.f)
        x, h0 = tensors(self)[:2]
        h, hs = h0[None], []
        for chunk in x.split(cut or len(x)):
            out, h = module(chunk, h.detach() if hs else h)
            hs.append(out)
        outputs = torch.cat(hs), h[0]
        wanted = [x, h0, module.weight_ih_l0, module.weight_hh_l0, module.bias_ih_l0]
        return outputs, rnn.Grads(*torch.autograd.grad(weighted(self, outputs), wanted))


class LSTM:
    def __init__(self, T=6, B=3, m=4, n=5, seed=0, dtype=np.float64):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.normal(size=shape).astype(dtype)  # noqa: E731
        self.x, self.h0, self.c0 = draw(T, B, m), draw(B, n), draw(B, n)
        self.weights = lstm.Weights(*(draw(*shape) / dtype(n**0.5) for shape in [(4 * n, m), (4 * n, n), (4 * n,)]))
        self.dhs, self.dh_T, self.dc_T = draw(T, B, n), draw(B, n), draw(B, n)

    @property
    def arguments(self):
        return self.x, self.h0, self.c0, *self.weights

    @property
    def cotangents(self):
        return self.dhs, self.dh_T, self.dc_T

    def forward(self):
        return lstm.forward(*self.arguments)

    def backward(self):
        return lstm.backward(*self.cotangents, self.forward()[-1])

    def loss(self, *arguments):
        """A number whose gradient by ``arguments`` is what ``backward`` returns."""
        return sum(np.sum(d * out) for d, out in zip(self.cotangents, lstm.forward(*arguments), strict=False))

    def autograd(self):
        """(hs, h_T, c_T) and Grads from torch.nn.LSTM."""
        module = lstm.to_torch(*self.weights)
        x, h0, c0 = tensors(self)[:3]
        hs, (h_T, c_T) = module(x, (h0[None], c0[None]))
        outputs = hs, h_T[0], c_T[0]
        wanted = [x, h0, c0, module.weight_ih_l0, module.weight_hh_l0, module.bias_ih_l0]
        return outputs, lstm.Grads(*torch.autograd.grad(weighted(self, outputs), wanted))


class GRU:
    def __init__(self, T=6, B=3, m=4, n=5, reset="after", seed=0, dtype=np.float64):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: rng.normal(size=shape).astype(dtype)  # noqa: E731
        self.x, self.h0, self.reset = draw(T, B, m), draw(B, n), reset
        shapes = [(3 * n, m), (3 * n, n), (3 * n,), (n,)]
        self.weights = gru.Weights(*(draw(*shape) / dtype(n**0.5) for shape in shapes))
        self.dhs, self.dh_T = draw(T, B, n), draw(B, n)

    @property
    def arguments(self):
        return self.x, self.h0, *self.weights

    @property
    def cotangents(self):
        return self.dhs, self.dh_T

    def forward(self):
        return gru.forward(*self.arguments, self.reset)

    def backward(self):
        return gru.backward(*self.cotangents, self.forward()[-1])

    def loss(self, *arguments):
        """A number whose gradient by ``arguments`` is what ``backward`` returns."""
        hs, h_T, _ = gru.forward(*arguments, self.reset)
        return np.sum(self.dhs * hs) + np.sum(self.dh_T * h_T)

    def autograd(self):
        """(hs, h_T) and Grads: from torch.nn.GRU, and where that has nothing, from autograd through ``step_before``."""
        if self.reset == "before":
            arguments = tensors(self)
            x, h, *weights = arguments
            hs = []
            for x_t in x:
                h = pytorch_gru.step_before(x_t, h, *weights)
                hs.append(h)
            outputs = torch.stack(hs), h
            return outputs, gru.Grads(*torch.autograd.grad(weighted(self, outputs), arguments))
        module, n = gru.to_torch(*self.weights), self.h0.shape[1]
        x, h0 = tensors(self)[:2]
        hs, h_T = module(x, h0[None])
        outputs = hs, h_T[0]
        wanted = [x, h0, module.weight_ih_l0, module.weight_hh_l0, module.bias_ih_l0, module.bias_hh_l0]
        *grads, by_b_hh = torch.autograd.grad(weighted(self, outputs), wanted)
        return outputs, gru.Grads(*grads, by_b_hh[2 * n :])


def tensors(case):
    """The arguments as tensors that ask for a gradient."""
    return [torch.from_numpy(a).requires_grad_() for a in case.arguments]


def weighted(case, outputs):
    """The loss that has the cotangents as its gradient by the outputs."""
    return sum((out * torch.from_numpy(d)).sum() for out, d in zip(outputs, case.cotangents, strict=True))
