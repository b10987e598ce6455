"""Objectives of second-order training: the loss of all samples, its gradient and its curvature, in float64.

Each takes the outputs z (n, k) of a network and remembers what its gradient and curvature need. `newton.py` uses them;
the losses of single batches are in `nn/losses.py`.
"""

from __future__ import annotations

import numpy as np

from tinygsp.nn.losses import HUBER

SMOOTH = 0.02  # |e| is replaced by its Huber loss of this width, so that it has a curvature: targets have unit spread


class Objective:
    """Base: the weighted mean of the losses of n samples.

    target  : (n,) int labels, or (n, k) float
    weights : (n,) float >= 0, the importance of each sample; they are divided by their sum. None: all are equal

    couples : bool   whether the curvature of a sample couples the outputs, as that of the softmax does
    """

    couples = False

    def __init__(self, target: np.ndarray, weights: np.ndarray | None = None) -> None:
        n = len(target)
        self.target = target
        self.weights = np.full(n, 1 / n) if weights is None else weights / weights.sum()
        self.rows = np.arange(n)

    def each(self, z: np.ndarray) -> np.ndarray:
        """The loss of each sample: (n,)."""
        raise NotImplementedError

    def value(self, z: np.ndarray) -> float:
        """The weighted mean loss."""
        return float(self.weights @ self.each(z))

    def gradient(self) -> np.ndarray:
        """dL/dz (n, k) at the outputs that `each` was asked for last."""
        raise NotImplementedError

    def curvature(self) -> np.ndarray:
        """q (n, k): the Hessian in z is diag(q), and if it `couples`, diag(q) - q q' / weight."""
        raise NotImplementedError

    def evidence(self, cost: float) -> float:
        """By how much the log-likelihood of a sample falls where the mean loss rises by `cost`."""
        return cost


class CrossEntropy(Objective):
    """Minus the logarithm of the softmax probability of the right class."""

    couples = True

    def each(self, z: np.ndarray) -> np.ndarray:
        z = z - z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1)
        self.probabilities = e / total[:, None]
        return np.log(total) - z[self.rows, self.target]

    def gradient(self) -> np.ndarray:
        d = self.probabilities.copy()
        d[self.rows, self.target] -= 1
        return d * self.weights[:, None]

    def curvature(self) -> np.ndarray:
        return self.probabilities * self.weights[:, None]


class Huber(Objective):
    """e^2 / 2 up to |e| = width, and width (|e| - width / 2) beyond (Huber 1964), summed over the outputs.

    The curvature beyond is taken as width / |e|, that of the parabola which touches the loss there, so that a Newton
    step is one of iteratively reweighted least squares.
    """

    width = HUBER

    def each(self, z: np.ndarray) -> np.ndarray:
        self.error = z - self.target
        size = np.abs(self.error)
        inside = np.minimum(size, self.width)
        return (inside * (size - inside / 2)).sum(axis=1)

    def gradient(self) -> np.ndarray:
        return np.clip(self.error, -self.width, self.width) * self.weights[:, None]

    def curvature(self) -> np.ndarray:
        return self.weights[:, None] / np.maximum(np.abs(self.error) / self.width, 1)


class Squared(Huber):
    """e^2 / 2, summed over the outputs."""

    width = np.inf

    def evidence(self, cost: float) -> float:
        """As of normal errors, whose spread is that of the errors so far."""
        k = self.error.shape[1]
        return k * cost / max(float(self.weights @ (self.error**2).sum(axis=1)), 1e-12)

    def curvature(self) -> np.ndarray:
        return np.repeat(self.weights[:, None], self.error.shape[1], axis=1)


class Absolute(Huber):
    """|e|, nearly: Huber's loss of a small width, divided by the width."""

    width = SMOOTH

    def each(self, z: np.ndarray) -> np.ndarray:
        return super().each(z) / self.width

    def gradient(self) -> np.ndarray:
        return super().gradient() / self.width

    def curvature(self) -> np.ndarray:
        return super().curvature() / self.width


OBJECTIVES = {"cross-entropy": CrossEntropy, "squared": Squared, "absolute": Absolute, "huber": Huber}
