"""Small problems to train on, and settings that finish in a second."""

from dataclasses import replace

import numpy as np

from tinygsp.data import Dataset
from tinygsp.training import Settings

SMALL = Settings(
    density=0.1, hidden=(12, 8), epochs=6, dense_epochs=2, finetune_epochs=3, batch_size=32, shift=0,
    steer="open", search_share=1.0,
)  # fmt: skip
EAGER = replace(SMALL, price_start=1e-3, price_rate=0.02, retire_below=-1.0, epochs=8)  # closes nearly all it can
REWIRED = replace(EAGER, epochs=14, search_share=0.5)  # 7 epochs of search, 7 of rewiring
PRICED = replace(SMALL, epochs=8, price_start=1e-4, price_rate=0.02)  # a steered price comes down to the budget
TOTAL = 37 * 12 + 13 * 8 + 9 * 3  # parameters of SMALL on `images`


def bands(n, seed):
    """6 x 6 images of three classes, a bright band at a different height each, in noise; and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = rng.integers(0, 120, (n, 6, 6), dtype=np.uint8)
    for k in range(3):
        images[labels == k, 2 * k] += 100
    return images.reshape(n, 36), labels


def images(**changes):
    """A classification of 600 images. The test split is None: whoever reads it fails."""
    train, validation = bands(600, 1), bands(60, 2)
    dataset = Dataset(
        "bands", *train, *validation, None, None, task="classification", n_out=3, class_names=("a", "b", "c"),
        input_shape=(6, 6), divisor=255.0, mean=0.3, std=0.2,
    )  # fmt: skip
    return replace(dataset, **changes)


def formula():
    """A regression: y1 = x1 + x2, y2 = -2 x3, of four inputs."""
    x = np.random.default_rng(1).uniform(-1, 1, (660, 4)).astype(np.float32)
    y = np.column_stack([x[:, 0] + x[:, 1], -2 * x[:, 2]]).astype(np.float32)
    return Dataset(
        "formula", x[:600], y[:600], x[600:], y[600:], None, None, task="regression", n_out=2,
        class_names=("y1", "y2"), input_shape=(4,), divisor=1.0, mean=0.0, std=1.0,
    )  # fmt: skip


def oblong(height=5, width=7, n=90):
    """Images of no symmetry at all and without a 0, which is what comes in from outside when an image moves."""
    x = np.random.default_rng(3).integers(1, 256, (n, height * width)).astype(np.uint8)
    y = np.arange(n) % 3
    return Dataset(
        "oblong", x, y, x[:20], y[:20], None, None, task="classification", n_out=3, class_names=("a", "b", "c"),
        input_shape=(height, width), divisor=255.0, mean=0.3, std=0.2,
    )  # fmt: skip
