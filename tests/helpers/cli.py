"""What tests of commands share: a small data set on disk, and the check of an error line."""

import gzip

import numpy as np

from helpers.idx import idx_bytes, write
from tinygsp.data import TEST, TRAIN


def write_bands(path):
    """Write four IDX files: 6 x 6 images of three classes, a faint bright band at a different height each, in noise."""
    rng = np.random.default_rng(3)
    for names, n in ((TRAIN, 720), (TEST, 90)):
        labels = np.arange(n, dtype=np.uint8) % 3
        images = rng.integers(0, 120, (n, 6, 6), dtype=np.uint8)
        for k in range(3):
            images[labels == k, 2 * k] += 40  # so faint that a network is sometimes wrong
        for name, array in zip(names, (images, labels), strict=True):
            write(path / f"{name}.gz", gzip.compress(idx_bytes(array)))
    return path


def one_error(capsys, *words):
    """Check that a command printed one error line, with all of `words`, and no result."""
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == "" and lines[-1].startswith("error: ") and "Traceback" not in captured.err
    assert len([line for line in lines if not line.startswith("compiling")]) == 1
    assert len(lines[-1]) <= 300
    for word in words:
        assert str(word) in lines[-1]
