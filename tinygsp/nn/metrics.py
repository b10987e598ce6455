"""Scores of a network's outputs: accuracy and R². Lesson 08 builds R²; `training/` and `runs/` judge by them."""

from __future__ import annotations

import numpy as np


def score(outputs: np.ndarray, target: np.ndarray, task: str) -> float:
    """Accuracy of class scores (n, k) against labels (n,); of a regression (n, k) R², averaged over the outputs."""
    if task == "classification":
        return float(np.mean(outputs.argmax(axis=1) == target))
    return float(np.mean(r_squared(outputs, target)))


def r_squared(y: np.ndarray, target: np.ndarray) -> np.ndarray:
    """1 - (squared error) / (variance of the target), for each output: (n, k), (n, k) -> (k,).

    Of a target that never varies it is 1 where y is equal to it, else 0, as in scikit-learn.
    """
    error, varies = ((y - target) ** 2).mean(axis=0), target.max(axis=0) > target.min(axis=0)
    share = np.divide(error, target.var(axis=0), out=np.sign(error), where=varies)
    return 1 - share
