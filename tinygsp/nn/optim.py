"""Optimisers and learning-rate schedules: how a gradient becomes a step.

An optimiser keeps its state arrays by (layer, parameter name), so that the layer that replaces another one, when
connections are retired, can take over their state. Lessons 01, 04 and 08 use it; read `training/trainer.py` next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tinygsp.nn import kernels
from tinygsp.nn.layers import Layer, Sequential


def cosine(start: float, end: float, r: float) -> float:
    """Cosine schedule from `start` at r = 0 to `end` at r = 1 (Loshchilov and Hutter 2017)."""
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(max(r, 0.0), 1.0)))


class Optimizer:
    """Base: walks over the parameters of a model and keeps `slots` state arrays for each.

    lr : float or {parameter name: float}   the learning rate, or one for each kind of parameter
    """

    slots = 0

    def __init__(self, lr: float | Mapping[str, float]) -> None:
        self.lr = lr
        self.state: dict[tuple[Layer, str], list[np.ndarray]] = {}  # arrays shaped like the parameter

    def rate(self, name: str) -> float:
        """The learning rate of the parameters of this name."""
        return self.lr[name] if isinstance(self.lr, dict) else self.lr

    def step(self, model: Sequential) -> None:
        """Move every parameter of `model` (a Sequential) against its gradient, in place."""
        for layer in model.layers:
            for name, param in layer.params.items():
                if (layer, name) not in self.state:
                    self.state[layer, name] = [np.zeros(param.shape, param.dtype) for _ in range(self.slots)]
                self.update(param, layer.grads[name], self.rate(name), *self.state[layer, name])

    def hand_over(self, old: Layer, new: Layer, places: np.ndarray) -> None:
        """Give the layer `new`, which has the connections of `old` at `places` (flat indices), their state."""
        for name in old.params:
            if (arrays := self.state.pop((old, name), None)) is not None:
                self.state[new, name] = [np.ascontiguousarray(a.ravel()[places]) for a in arrays]


class SGD(Optimizer):
    """Stochastic gradient descent with (heavy-ball) momentum (Polyak 1964).

    velocity = momentum * velocity + grad;   param -= lr * velocity
    """

    slots = 1

    def __init__(self, lr: float | Mapping[str, float], momentum: float = 0.9) -> None:
        super().__init__(lr)
        self.momentum = momentum

    def update(self, param: np.ndarray, grad: np.ndarray, lr: float, velocity: np.ndarray) -> None:
        """Move one parameter, and its velocity, in place."""
        if not param.shape == velocity.shape == grad.shape:
            raise ValueError(f"velocity {velocity.shape} and grad {grad.shape}: expected {param.shape}, like W")
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

    def __init__(
        self, lr: float | Mapping[str, float], beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(lr)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.t = 0

    def step(self, model: Sequential) -> None:
        """Move every parameter of `model` against its gradient, in place."""
        self.t += 1
        super().step(model)

    def update(self, param: np.ndarray, grad: np.ndarray, lr: float, m: np.ndarray, v: np.ndarray) -> None:
        """Move one parameter, and the means of its gradient and of its square, in place."""
        m += (1 - self.beta1) * (grad - m)
        v += (1 - self.beta2) * (grad * grad - v)
        m_hat = m / (1 - self.beta1**self.t)
        v_hat = v / (1 - self.beta2**self.t)
        param -= lr * m_hat / (np.sqrt(v_hat) + self.eps)
