"""What the scripts of this folder share: an empty folder, and IDX files in it."""

import gzip
import struct
import sys
from pathlib import Path

from tinygsp.data import MAGIC
from tinygsp.data.files import write_atomic


def empty_folder(name):
    """The folder of this name, made if need be. Ends the program if something is in it: nothing is overwritten."""
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        inside = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        sys.exit(f"error: {folder}: {error.strerror or error}; give the name of a new folder")
    if inside:
        sys.exit(f"error: {folder}: holds {inside[0]} already; give the name of a new folder")
    return folder


def write_part(folder, names, images, labels):
    """Write images (n, rows, columns) and labels (n,), bytes both, as the two gzipped files of `names`."""
    for name, magic, values in zip(names, (MAGIC["images"], MAGIC["labels"]), (images, labels)):
        header = struct.pack(f">{1 + values.ndim}i", magic, *values.shape)
        write_atomic(folder / f"{name}.gz", gzip.compress(header + values.tobytes(), mtime=0))
