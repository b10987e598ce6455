"""Find out what is typical of the training images, so that the page can say when a drawing is unlike all of them.

An image is described by the directions of its edges. Some hundred typical descriptions are found among the training
images, and the limit is the distance to the nearest of them that SHARE of the validation images keep. The page
computes the same description, in parts/unlike.js.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FIELDS, DIRECTIONS = 7, 4  # fields each way, at most, and directions of an edge
TYPICAL = 100
ROUNDS = 10  # of k-means
IMAGES = 5_000  # of the training split that are looked at, at most
SHARE = 0.96
STEPS = 63  # of a number of a description: few, because a page holds them


class Likeness(NamedTuple):
    """What is typical.

    typical : (k, DIRECTIONS * fields) uint8   descriptions, in steps of `unit`
    limit   : float   the distance to the nearest of them that is still like them
    """

    typical: np.ndarray
    unit: float
    limit: float


def learn(train_x: np.ndarray, val_x: np.ndarray, shape: tuple[int, int]) -> Likeness:
    """Learn the Likeness of images (n, rows * cols) uint8 of this shape; the same images give the same numbers."""
    rng = np.random.default_rng(0)
    x = describe(train_x[np.sort(rng.permutation(len(train_x))[:IMAGES])], shape)
    centres = x[rng.permutation(len(x))[:TYPICAL]]
    for _ in range(ROUNDS):
        nearest = distances(x, centres).argmin(axis=1)
        counts = np.bincount(nearest, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, x)
        centres = np.where(counts[:, None] > 0, sums / counts.clip(1)[:, None], centres)
    unit = float(centres.max()) / STEPS or 1.0
    typical = np.rint(centres / unit).astype(np.uint8)
    away = np.sqrt(distances(describe(val_x, shape), typical * unit).min(axis=1))
    return Likeness(typical, unit, float(np.quantile(away, SHARE)) or 1.0)


def unlikeness(likeness: Likeness, images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """How far images (n, rows * cols) uint8 are from all that is typical, (n,), in units of the limit."""
    away = distances(describe(images, shape), likeness.typical * likeness.unit).min(axis=1)
    return np.sqrt(away) / likeness.limit


def describe(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Describe images by the strength of their edges in DIRECTIONS directions in each field of the image.

    images : (n, rows * cols) uint8

    Returns (n, DIRECTIONS * fields): the square root of the sum of |gradient| over a field, shared between the two
    nearest directions, and then among neighbouring fields with weights 1 2 1.
    """
    rows, cols = shape
    down, across = min(FIELDS, rows), min(FIELDS, cols)
    field = ((np.arange(rows) * down // rows)[:, None] * across + np.arange(cols) * across // cols).ravel()
    soft = np.kron(neighbours(down), neighbours(across))
    described = np.empty((len(images), DIRECTIONS * down * across))
    for block in np.array_split(np.arange(len(images)), max(1, len(images) // 500)):
        image, pixel, strength, turn = gradients(images[block].reshape(-1, rows, cols))
        low, parts = np.floor(turn), np.zeros((len(block), DIRECTIONS, down * across))
        for direction, share in ((low, 1 - turn + low), (low + 1, turn - low)):
            at = (image * DIRECTIONS + direction.astype(np.int64) % DIRECTIONS) * (down * across) + field[pixel]
            parts += np.bincount(at, strength * share, parts.size).reshape(parts.shape)
        described[block] = np.sqrt(parts @ soft).reshape(len(block), -1)
    return described


def gradients(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Find the pixels of images (n, rows, cols) that have a gradient; outside of an image is 0.

    Returns (image, pixel, strength, turn), each (k,): a direction `turn` is in [0, DIRECTIONS), and opposite ones are
    the same.
    """
    padded = np.pad(images / 255, ((0, 0), (1, 1), (1, 1)))
    dx, dy = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2], padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    image, row, col = np.nonzero((dx != 0) | (dy != 0))
    dx, dy = dx[image, row, col], dy[image, row, col]
    turn = (np.arctan2(dy, dx) / np.pi + 1) % 1 * DIRECTIONS
    return image, row * images.shape[2] + col, np.hypot(dx, dy), turn


def neighbours(n: int) -> np.ndarray:
    """The matrix (n, n) that shares each of n numbers with its neighbours: a quarter to each, half stays."""
    return 0.5 * np.eye(n) + 0.25 * np.eye(n, k=1) + 0.25 * np.eye(n, k=-1)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances (n, m) between the rows of a (n, k) and b (m, k)."""
    return ((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T).clip(0)
