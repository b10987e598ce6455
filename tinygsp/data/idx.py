"""Read IDX files, the format of MNIST: a short header of sizes, then the numbers, gzipped or plain.

The header is read and compared with the size of the file before memory is taken, because a file may lie or be broken.
Read `folders.py` next: it puts four such files together.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tinygsp.data.dataset import DataError
from tinygsp.data.files import read_up_to

MAGIC = {"images": 2051, "labels": 2049}  # 0x08 = unsigned bytes, then the number of dimensions: 3 or 1
TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}  # the third byte of a file
DIMENSIONS = {"images": (2, 3, 4), "labels": (1, 2)}  # flat, grey or colour; a label, or several numbers with it first
MAX_BYTES = 600 * 2**20  # of pixels or labels in one file, thirteen times MNIST
MAX_PIXELS = 2**16  # of one image: 256 x 256
MAX_RATIO = 100  # of the content to the file, for a content above SMALL bytes; images are below 10, bombs near 1,000
SMALL = 2**26


def read_idx(path: str | os.PathLike, kind: str = "images") -> np.ndarray:
    """Read an IDX file, gzipped or plain.

    kind : "images" -> (n, rows, cols), (n, pixels) or (n, rows, cols, channels): uint8 if every value is a whole number
           from 0 to 255, as pixels are, whatever type the file has; otherwise float32
           "labels" -> (n,) uint8, or int32 of a file of int32 numbers; of several numbers a sample the first

    Raises DataError, one line that names the file.
    """
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"  # by its content, because the name may be wrong
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            source = gzip.GzipFile(fileobj=file) if zipped else file
            values = _parse(source, Path(path), kind, size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip file ({error}); fetch or compress it again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); expected a file") from error
    return _as_pixels(values, Path(path)) if kind == "images" else _as_labels(values)


def _parse(file: BinaryIO, path: Path, kind: str, file_size: int) -> np.ndarray:
    """Read and check the header, then the numbers, in the byte order of this machine.

    The header is big-endian uint32: magic, then a size for each dimension. file_size : bytes of the file on disk
    """
    dtype, shape = _read_header(file, path, kind)
    expected = math.prod(shape) * dtype.itemsize  # Python integers: they cannot overflow
    if expected == 0:
        raise DataError(f"{path}: size {shape} in the header; every size must be at least 1")
    if expected > MAX_BYTES or math.prod(shape[1:]) > MAX_PIXELS:
        raise DataError(
            f"{path}: size {shape} in the header is too large; "
            f"at most {MAX_PIXELS} pixels an image and {MAX_BYTES} bytes a file are read"
        )
    if expected > max(SMALL, MAX_RATIO * file_size):
        raise DataError(
            f"{path}: size {shape} in the header is {expected} bytes, in a file of {file_size}; "
            f"above {SMALL} bytes a file may inflate {MAX_RATIO} times"
        )
    body = read_up_to(file, expected + 1)  # one byte more shows that a file is too long, however long it is
    if len(body) < expected:
        raise DataError(f"{path}: truncated, {len(body)} bytes after the header; size {shape} is {expected}")
    if len(body) > expected:
        raise DataError(f"{path}: too long, bytes go on after the {expected} of size {shape}")
    return np.frombuffer(body, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _read_header(file: BinaryIO, path: Path, kind: str) -> tuple[np.dtype, tuple[int, ...]]:
    """The type of the numbers and the sizes, after the magic number and the length of the header were checked."""
    start = file.read(4)
    if not start:
        raise DataError(f"{path}: empty, 0 bytes; expected an IDX file of {kind}")
    magic = int.from_bytes(start, "big")
    code, dimensions = magic >> 8, magic & 255
    is_idx = len(start) == 4 and code in TYPES
    if not is_idx or dimensions not in DIMENSIONS[kind] or (kind == "labels" and (dimensions, code) not in LABELS):
        names = {number: f"an IDX file of {name}" for name, number in MAGIC.items()}
        found = names.get(magic, f"an IDX file of {dimensions} dimensions" if is_idx else "not an IDX file")
        raise DataError(f"{path}: magic number {magic}, {found}; {kind} start with {MAGIC[kind]}")
    header = start + file.read(4 * dimensions)
    header_size = 4 + 4 * dimensions
    if len(header) < header_size:
        raise DataError(f"{path}: truncated, {len(header)} bytes; the header alone has {header_size}")
    sizes = tuple(int.from_bytes(header[i : i + 4], "big") for i in range(4, header_size, 4))
    return np.dtype(TYPES[code]), sizes


LABELS = {(1, 8), (1, 9), (1, 11), (1, 12), (2, 12)}  # (dimensions, type) of files of labels: whole numbers


def _as_pixels(values: np.ndarray, path: Path) -> np.ndarray:
    """The values as uint8 if that changes none of them, else as float32."""
    if values.dtype == np.uint8:
        return values
    if not np.isfinite(values).all():
        raise DataError(f"{path}: has a nan or inf; every pixel must be finite")
    is_byte = values.min() >= 0 and values.max() <= 255 and (values == np.floor(values)).all()
    return values.astype(np.uint8 if is_byte else np.float32)


def _as_labels(values: np.ndarray) -> np.ndarray:
    """The first number of every sample.

    Some programs write the numbers in the byte order of their machine. Labels are small, so if they would only be small
    the other way round, they are read that way.
    """
    labels = values.reshape(len(values), -1)[:, 0]
    turned = labels.byteswap()
    is_turned = labels.dtype.itemsize > 1 and np.abs(turned).max() < 2**12 <= np.abs(labels).max()
    return turned if is_turned else labels
