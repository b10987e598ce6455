"""Losses: each returns the mean over the batch and its gradient, which `backward` of the network takes.

Lesson 03 derives them; read `optim.py` next. Samples may have weights, w (n,): then the mean of w_n times the loss of
sample n is taken, so that weights of mean 1 leave its size as it is.
"""

from __future__ import annotations

import numpy as np

from tinygsp.nn import kernels
from tinygsp.nn.kernels import LABEL_OUTSIDE

HUBER = 1.0  # the error beyond which Huber's loss grows along a line; targets have unit spread


def softmax_cross_entropy(
    logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Mean negative log-likelihood of the right class.

        loss = mean_n( logsumexp(logits_n) - logits_n[label_n] ),   dlogits = (softmax(logits) - onehot) / n

    logits : (n, k) float  class scores
    labels : (n,)   int    right classes, in [0, k)
    weights: (n,)   float  of the samples; None: all are 1

    Returns (loss, dlogits): float, (n, k). Scores are shifted by their row maximum, so none overflows. Raises
    ValueError for an empty batch, for labels of another shape and for a label outside.
    """
    n, k = logits.shape
    if labels.shape != (n,) or n == 0 or k == 0:
        raise ValueError(f"logits {logits.shape} and labels {labels.shape}: expected (n, k) and (n,), neither 0")
    if weights is None and logits.dtype == np.float32 and logits.T.flags.c_contiguous:
        dlogits = np.empty_like(logits)
        return kernels.softmax_cross_entropy(logits.T, labels, dlogits.T), dlogits
    if labels.min() < 0 or labels.max() >= k:
        raise ValueError(LABEL_OUTSIDE)
    rows = np.arange(len(labels))
    z = logits - logits.max(axis=1, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    loss = np.log(total[:, 0]) - z[rows, labels]
    e /= total
    e[rows, labels] -= 1
    e /= len(labels)
    return (float(np.mean(loss)), e) if weights is None else weighted(loss, e, weights)


def mean_absolute_error(
    y: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Mean over the batch of the summed absolute errors of the outputs.

        loss = mean_n( sum_k |y_nk - target_nk| ),   dy = sign(y - target) / n

    y, target : (n, k) float;  weights : (n,) float or None

    Returns (loss, dy): float, (n, k). At y = target the gradient is 0. Raises ValueError for an empty batch and for
    another shape.
    """
    error = difference(y, target)
    dy = np.sign(error) / error.dtype.type(len(y))
    if weights is None:
        return float(np.abs(error).sum() / len(y)), dy
    return weighted(np.abs(error).sum(axis=1), dy, weights)


def huber(
    y: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None, width: float = HUBER
) -> tuple[float, np.ndarray]:
    """Mean over the batch of Huber's loss, summed over the outputs (Huber 1964).

        loss = mean_n( sum_k h(y_nk - target_nk) ),   h(e) = e^2 / 2 where |e| <= width, else width (|e| - width / 2)

    y, target : (n, k) float;  weights : (n,) float or None;  width : float > 0; inf gives half the squared error

    Returns (loss, dy): float, (n, k). Raises ValueError for an empty batch and for another shape.
    """
    error = difference(y, target)
    inside = np.minimum(np.abs(error), error.dtype.type(width))
    loss = (inside * (np.abs(error) - inside / 2)).sum(axis=1)
    dy = np.sign(error) * inside / error.dtype.type(len(y))
    return (float(np.mean(loss)), dy) if weights is None else weighted(loss, dy, weights)


def squared_error(y: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, np.ndarray]:
    """Mean over the batch of half the squared errors, summed over the outputs: loss = mean_n |y_n - target_n|^2 / 2.

    y, target : (n, k) float;  weights : (n,) float or None. Returns (loss, dy): float, (n, k).
    """
    return huber(y, target, weights, np.inf)


def difference(y: np.ndarray, target: np.ndarray) -> np.ndarray:
    """y - target, both (n, k). Raises ValueError for an empty batch and for another shape."""
    if y.shape != target.shape or len(y) == 0:
        raise ValueError(f"y {y.shape} and target {target.shape}: expected the same shape, (n, k) with n at least 1")
    return y - target


def weighted(loss: np.ndarray, dy: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
    """Weigh the losses of samples (n,), of which dy (n, k) is the gradient of the mean: returns (mean, gradient)."""
    weights = weights.astype(dy.dtype, copy=False)
    return float(np.mean(weights * loss)), dy * weights[:, None]
