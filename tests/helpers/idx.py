"""Write IDX files, right and wrong, and folders of four of them."""

import numpy as np

from tinygsp import data

IMAGES = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
LABELS = np.array([0, 1, 2, 1, 0], np.uint8)


def idx_bytes(array, sizes=None, magic=None):
    """IDX bytes of an array; `sizes` and `magic`, if given, replace the true ones in the header."""
    magic = data.MAGIC["images" if array.ndim == 3 else "labels"] if magic is None else magic
    return np.array([magic, *(array.shape if sizes is None else sizes)], ">u4").tobytes() + array.tobytes()


def write(path, content):
    """Write bytes to a file; returns its path."""
    path.write_bytes(content)
    return path


def write_folder(folder, train=(IMAGES, LABELS), test=(IMAGES[:2], LABELS[:2])):
    """Write the four files of a data set; train and test are (images, labels). Returns the folder."""
    for name, array in zip(data.TRAIN + data.TEST, train + test, strict=True):
        write(folder / name, idx_bytes(array))
    return folder
