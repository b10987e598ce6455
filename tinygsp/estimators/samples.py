"""Samples of an estimator before training: merged where they are the same, and some set apart to validate with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

VALIDATION = 5  # one of so many samples validates, where candidates are judged on one split
Samples = tuple[np.ndarray, np.ndarray, np.ndarray]  # x, y and the weights


def merged(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Samples:
    """Make one sample, with the sum of their weights, of all that are the same; sorted, those of weight 0 left out.

    So a weight of 2 means the same as the sample twice, the order of the samples makes no difference, and no sample is
    judged by its own copy.

    x : (n, features);  y : (n,) or (n, k);  weights : (n,) >= 0
    """
    rows = np.column_stack([x, y])[weights > 0]
    _, first, which = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    total = np.bincount(which.ravel(), weights[weights > 0])
    return x[weights > 0][first], y[weights > 0][first], total


def set_apart(samples: Samples, seed: int) -> tuple[Samples, Samples]:
    """Set a fifth of the samples apart, evenly of each class and of small and large targets; never all of a class.

    Returns (samples to train on, samples to validate with).
    """
    y = samples[1]
    key = y if y.ndim == 1 else y[:, 0]
    order = np.random.default_rng(seed).permutation(len(y))
    order = order[np.argsort(key[order], kind="stable")]
    is_first = np.ones(len(y), bool)
    if y.ndim == 1:
        is_first[1:] = key[order[1:]] != key[order[:-1]]
    else:
        is_first[1:] = False
    candidates = order[~is_first]
    held = np.sort(candidates[VALIDATION // 2 :: VALIDATION] if len(candidates) > VALIDATION else candidates[:1])
    if not len(held):  # each class has one sample: they validate themselves
        return samples, samples
    kept = np.setdiff1d(np.arange(len(y)), held)
    return tuple(a[kept] for a in samples), tuple(a[held] for a in samples)


def printable(names: Sequence[str]) -> tuple[str, ...]:
    """Names as a model file can hold them: what cannot be printed becomes a space, and 200 letters are kept."""
    return tuple("".join(c if c.isprintable() else " " for c in str(name))[:200] for name in names)
