"""The paper's toy problem: two functions of two inputs each. A network pruned well keeps the two apart."""

from __future__ import annotations

import numpy as np

from tinygsp.data.dataset import Dataset


def toy(seed: int, n_train: int = 8000, n_val: int = 1000, n_test: int = 2000) -> Dataset:
    """Draw the samples of the toy problem; the same seed gives the same samples.

    y1 = 3 sin((x1 - x2)**2)        y2 = (x3 + x4)**3        x uniform in [-1, 1]
    """
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n_train + n_val + n_test, 4)).astype(np.float32)
    x1, x2, x3, x4 = x.T.astype(np.float64)
    y = np.column_stack([3 * np.sin((x1 - x2) ** 2), (x3 + x4) ** 3]).astype(np.float32)  # (n, 2)
    train, val, test = slice(n_train), slice(n_train, n_train + n_val), slice(n_train + n_val, None)
    return Dataset(
        "toy", x[train], y[train], x[val], y[val], x[test], y[test],
        task="regression", n_out=2, class_names=("y1", "y2"), input_shape=(4,), divisor=1.0, mean=0.0, std=1.0,
    )  # fmt: skip
