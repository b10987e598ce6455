"""Losses: each returns the mean over the batch and its gradient, which `backward` of the network takes.

Lesson 03 derives them; read `optim.py` next.
"""

from __future__ import annotations

import numpy as np

from tinygsp.nn import kernels


def softmax_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean negative log-likelihood of the right class.

        loss = mean_n( logsumexp(logits_n) - logits_n[label_n] ),   dlogits = (softmax(logits) - onehot) / n

    logits : (n, k) float  class scores
    labels : (n,)   int    right classes, in [0, k)

    Returns (loss, dlogits): float, (n, k). Scores are shifted by their row maximum, so none overflows.
    """
    if logits.dtype == np.float32 and logits.T.flags.c_contiguous and logits.size:
        dlogits = np.empty_like(logits)
        return kernels.softmax_cross_entropy(logits.T, labels, dlogits.T), dlogits
    rows = np.arange(len(labels))
    z = logits - logits.max(axis=1, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - z[rows, labels])
    e /= total
    e[rows, labels] -= 1
    e /= len(labels)
    return float(loss), e


def mean_absolute_error(y: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean over the batch of the summed absolute errors of the outputs.

        loss = mean_n( sum_k |y_nk - target_nk| ),   dy = sign(y - target) / n

    y, target : (n, k) float. Returns (loss, dy): float, (n, k). At y = target the gradient is 0.
    """
    error = y - target
    return float(np.abs(error).sum() / len(y)), np.sign(error) / error.dtype.type(len(y))
