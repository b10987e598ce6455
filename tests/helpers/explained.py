"""Finished runs for explain, small and made by hand, and their data sets on disk."""

import gzip
import json

import numpy as np

from helpers.idx import idx_bytes
from tinygsp.data import TEST, TRAIN
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

f32 = np.float32
FIGURES = {"importance", "importance_classes", "validation", "symmetry", "network", "paths"}


def figure_files(names):
    """The files of some figures: each is there as PNG and as SVG."""
    return {f"{name}.{kind}" for name in names for kind in ("png", "svg")}


def write_bands(path, classes=3, cols=5, bright=40):
    """Four IDX files: images of 2 * classes x cols pixels in noise, a bright band at the height of the class."""
    rng = np.random.default_rng(3)
    path.mkdir()
    for names, n in ((TRAIN, 120), (TEST, 60)):
        labels = np.arange(n, dtype=np.uint8) % classes
        images = rng.integers(0, 120, (n, 2 * classes, cols), dtype=np.uint8)
        for k in range(classes):
            images[labels == k, 2 * k] += bright
        for name, array in zip(names, (images, labels)):
            (path / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array)))
    return path


def layer(W, bias):
    W = np.asarray(W, f32)
    row, col = np.nonzero(W)
    return SparseLayer(W.shape, row.astype(np.int32), col.astype(np.int32), W[row, col], np.asarray(bias, f32))


def reader_of_bands(pixels=4, classes=3, cols=5, **meta):
    """A classifier that adds up some pixels of each band, with two hidden layers that pass the sums on."""
    first = np.zeros((2 * classes * cols, classes))
    for k in range(classes):
        first[2 * k * cols + np.arange(pixels), k] = 1 + 0.25 * np.arange(pixels)
    meta = {
        "divisor": 255.0,
        "mean": 0.3,
        "std": 0.2,
        "class_names": tuple(map(str, range(classes))),
        "input_shape": (2 * classes, cols),
        **meta,
    }
    layers = [
        layer(first, np.zeros(classes)),
        layer(2 * np.eye(classes)[::-1], 0.5 * np.ones(classes)),
        layer(np.eye(classes)[::-1] - 0.25, np.zeros(classes)),
    ]
    return SparseNetwork(layers, Meta(**meta))


def toy_reader():
    """x1 - x2 to y1 and x3 + x4 to y2, roughly as large as the functions of the toy problem."""
    first = [[1, -1, 0, 0], [-1, 1, 0, 0], [0, 0, 1, -1], [0, 0, 1, -1]]
    layers = [layer(first, np.zeros(4)), layer([[2, 0], [2, 0], [0, 2], [0, -2]], [-1, 0.5])]
    meta = Meta(task="regression", class_names=("y1", "y2"), input_shape=(4,), dataset="toy")
    return SparseNetwork(layers, meta)


def write_run(path, network, data):
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"data": str(data), "seed": 0, "hidden": [3, 3]}))
    network.save(path / "model.npz")
    return path
