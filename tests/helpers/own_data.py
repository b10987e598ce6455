"""Data sets as people have them: tables and folders of IDX files, each odd in its own way."""

import struct

import numpy as np

from tinygsp.data import TEST, TRAIN

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
NAMES = (*TRAIN, *TEST)


def idx_of(values, kind="u1"):
    """IDX bytes of any array, its numbers of this type."""
    header = struct.pack(f">2xBB{values.ndim}I", CODES[kind], values.ndim, *values.shape)
    return header + values.astype(f">{kind}").tobytes()


def squares(n=120, size=4):
    """(n, size, size) images of three classes, each of another brightness, and their labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    images = rng.integers(0, 60, (n, size, size)) + 60 * labels[:, None, None]
    return images.astype(np.uint8), labels.astype(np.uint8)


def write_images(folder, images, labels, names=NAMES, kinds=("u1", "u1")):
    """Write the same images and labels twice, to train and to test with. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values, kind in zip(names, (images, labels) * 2, kinds * 2):
        (folder / name).write_bytes(idx_of(values, kind))
    return folder


def prices(n=200):
    """{column: cells as text}: a price that depends on width and depth; a constant, and a colour that says nothing."""
    rng = np.random.default_rng(1)
    width, depth, noise = rng.normal(size=(3, n))
    price = 3 * width - 2 * depth + 0.1 * rng.normal(size=n)
    colour = np.array(["red", "green", "blue"])[rng.integers(0, 3, n)]
    return {
        "width, mm": [f"{v:.8g}" for v in 1e-4 * width],
        "depth": [f"{v:.8g}" for v in 1e6 + 1e5 * depth],
        "noise": [f"{v:.8g}" for v in noise],
        "constant": ["5"] * n,
        "colour": list(colour),
        "price": [f"{v:.6g}" for v in price],
    }


def write_table(path, columns, delimiter=",", encoding="utf-8"):
    """Write a table of {column: cells}; every name stands in quotes. Returns the path."""
    lines = [delimiter.join(f'"{name}"' for name in columns)]
    lines += [delimiter.join(row) for row in zip(*columns.values())]
    path.write_text("\n".join(lines) + "\n", encoding=encoding, newline="")
    return path
