"""Runs of unusual shape for explain: data sets of noise on disk, and random networks for them."""

import gzip

import numpy as np

from helpers.idx import idx_bytes
from tinygsp.data import TEST, TRAIN
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

f32 = np.float32


def write_noise(path, shape, classes=3, counts=(90, 30), quiet=None):
    """Four IDX files of noise, images of `shape` in so many classes; quiet : a slice of columns that are all 3."""
    rng = np.random.default_rng(0)
    path.mkdir()
    for names, n in zip((TRAIN, TEST), counts):
        images = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
        if quiet is not None:
            images[:, :, quiet] = 3
        for name, array in zip(names, (images, np.arange(n, dtype=np.uint8) % classes)):
            (path / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array), 1))
    return path


def random_reader(shape, n_out=3, kept=20, hidden=(6,), without=(), **meta):
    """A network of images of `shape` with so many random connections a layer.

    without : layers that have no connections, or ("output", j): nothing leads to output j
    """
    rng, layers, sizes = np.random.default_rng(0), [], [int(np.prod(shape)), *hidden, n_out]
    for k, (a, b) in enumerate(zip(sizes, sizes[1:])):
        chosen = np.sort(rng.choice(a * b, min(kept, a * b), replace=False))
        row, col = np.divmod(chosen, b)
        keep = np.full(len(row), k not in without)
        if k == len(sizes) - 2:
            keep &= ~np.isin(col, [j for kind, j in (w for w in without if isinstance(w, tuple)) if kind == "output"])
        row, col = row[keep].astype(np.int32), col[keep].astype(np.int32)
        weight, bias = rng.normal(size=row.size).astype(f32), rng.normal(size=b).astype(f32)
        layers.append(SparseLayer((a, b), row, col, weight, bias))
    fields = {"divisor": 255.0, "mean": 0.5, "std": 0.3, "class_names": tuple(map(str, range(n_out)))}
    return SparseNetwork(layers, Meta(**{**fields, "input_shape": shape, **meta}))
