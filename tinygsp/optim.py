"""Optimisers and learning-rate schedules: how a gradient becomes a step.

An optimiser keeps one state array per parameter, by (layer, name), so that a layer whose connections are retired
can take its state along. Lessons 01, 04 and 08 use it; read `prune.py` next.
"""

import math

import numpy as np

from tinygsp import kernels


def cosine(start, end, r):
    """Cosine schedule from `start` at r = 0 to `end` at r = 1 (Loshchilov and Hutter 2017)."""
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(max(r, 0.0), 1.0)))


class Optimizer:
    """Base: walks over the parameters of a model and keeps `slots` state arrays for each.

    lr : float or {parameter name: float}   the learning rate, or one for each kind of parameter
    """

    slots = 0

    def __init__(self, lr):
        self.lr = lr
        self.state = {}  # (layer number, parameter name) -> list of arrays shaped like the parameter

    def rate(self, name):
        return self.lr[name] if isinstance(self.lr, dict) else self.lr

    def step(self, model):
        """Move every parameter of `model` (a Sequential) against its gradient, in place."""
        for k, layer in enumerate(model.layers):
            for name, param in layer.params.items():
                if (k, name) not in self.state:
                    self.state[k, name] = [np.zeros(param.shape, param.dtype) for _ in range(self.slots)]
                self.update(param, layer.grads[name], self.rate(name), *self.state[k, name])

    def select(self, k, places):
        """Layer k kept only the connections at `places` (flat indices): keep their state and drop the rest."""
        for (layer, name), arrays in self.state.items():
            if layer == k:
                self.state[k, name] = [np.ascontiguousarray(a.ravel()[places]) for a in arrays]


class SGD(Optimizer):
    """Stochastic gradient descent with (heavy-ball) momentum (Polyak 1964).

    velocity = momentum * velocity + grad;   param -= lr * velocity
    """

    slots = 1

    def __init__(self, lr, momentum=0.9):
        super().__init__(lr)
        self.momentum = momentum

    def update(self, param, grad, lr, velocity):
        if param.dtype == np.float32 and param.flags.c_contiguous and grad.flags.c_contiguous:
            arrays = param.reshape(-1), velocity.reshape(-1), grad.reshape(-1)  # views: all three are C-contiguous
            kernels.sgd_update(*arrays, np.float32(lr), np.float32(self.momentum))
        else:
            velocity *= self.momentum
            velocity += grad
            param -= lr * velocity


class Adam(Optimizer):
    """Adam with bias correction (Kingma and Ba 2015, algorithm 1)."""

    slots = 2

    def __init__(self, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        super().__init__(lr)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.t = 0

    def step(self, model):
        self.t += 1
        super().step(model)

    def update(self, param, grad, lr, m, v):
        m += (1 - self.beta1) * (grad - m)
        v += (1 - self.beta2) * (grad * grad - v)
        m_hat = m / (1 - self.beta1**self.t)
        v_hat = v / (1 - self.beta2**self.t)
        param -= lr * m_hat / (np.sqrt(v_hat) + self.eps)
