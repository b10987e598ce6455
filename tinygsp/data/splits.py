"""Random orders: which samples validate, and which samples form a batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.2  # of a table; the second of what the first leaves


def split(n: int, n_val: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Deal the indices 0 .. n-1 out at random: n - n_val to train on, n_val to validate with."""
    order = rng.permutation(n)
    return order[n_val:], order[:n_val]


def validation_split(n: int, split_seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Set a twelfth of n samples apart for validation, at least one: of the 60,000 of MNIST, 5,000.

    Returns the indices to train on and those to validate with.
    """
    return split(n, max(1, n // 12), np.random.default_rng(split_seed))


def shares(n: int, share: float, split_seed: int, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Set a share of n samples apart at random: (the others, those set apart), sorted indices.

    labels : (n,) of a classification: the same share of each class, rounded down, is set apart, but at least one of a
             class that has two, so that every class is trained and, if it can be, judged
    """
    rng = np.random.default_rng((split_seed, n))
    if labels is None:
        order = rng.permutation(n)
        apart = order[: max(round(share * n), 1 if share and n > 1 else 0)]
    else:
        parts = []
        for label in np.unique(labels):
            members = rng.permutation(np.flatnonzero(labels == label))
            parts.append(members[: max(int(share * len(members)), 1 if share and len(members) > 1 else 0)])
        apart = np.concatenate(parts)
    return np.setdiff1d(np.arange(n), apart), np.sort(apart)


def minibatches(n: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """One epoch: index arrays of at most batch_size that visit each of n samples once, in a new order.

    The samples are shuffled, not the batches: two samples of one batch are rarely together again in the next epoch.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    order = rng.permutation(n).astype(np.int64, copy=False)
    return (order[i : i + batch_size] for i in range(0, n, batch_size))
