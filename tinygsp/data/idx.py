"""Read IDX files: the format of MNIST and of the data sets made after it.

A file may come from anybody, so its magic number, its sizes and its length are checked before memory is taken.
Read `sources.py` next: it puts four such files together.
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
MAX_BYTES = 600 * 2**20  # of pixels or labels in one file, thirteen times MNIST
MAX_PIXELS = 2**16  # of one image: 256 x 256
MAX_RATIO = 100  # of the content to the file, for a content above SMALL bytes; images are below 10, bombs near 1,000
SMALL = 2**26


def read_idx(path: str | os.PathLike, kind: str = "images") -> np.ndarray:
    """Read an IDX file, gzipped or plain.

    kind : "images" -> (n, rows, cols) uint8, "labels" -> (n,) uint8

    Raises DataError, one line that names the file.
    """
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"  # by its content, because the name may be wrong
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            return _parse(gzip.open(file) if zipped else file, Path(path), kind, size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip file ({error}); fetch or compress it again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); expected a file") from error


def _parse(file: BinaryIO, path: Path, kind: str, file_size: int) -> np.ndarray:
    """Read and check the header, then one byte a value.

    The header is big-endian uint32: magic, n and, for images, rows and cols. file_size : bytes of the file on disk
    """
    shape = _read_header(file, path, kind)
    expected = math.prod(shape)  # Python integers: they cannot overflow
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
    return np.frombuffer(body, np.uint8).reshape(shape)


def _read_header(file: BinaryIO, path: Path, kind: str) -> tuple[int, ...]:
    """The sizes in the header, after its magic number and its length were checked."""
    header_size = 16 if kind == "images" else 8
    header = file.read(header_size)
    if not header:
        raise DataError(f"{path}: empty, 0 bytes; expected an IDX file of {kind}")
    magic = int.from_bytes(header[:4], "big")
    if magic != MAGIC[kind]:
        names = {number: f"an IDX file of {name}" for name, number in MAGIC.items()}
        found = names.get(magic, "not an IDX file of bytes")
        raise DataError(f"{path}: magic number {magic}, {found}; {kind} start with {MAGIC[kind]}")
    if len(header) < header_size:
        raise DataError(f"{path}: truncated, {len(header)} bytes; the header alone has {header_size}")
    return tuple(int.from_bytes(header[i : i + 4], "big") for i in range(4, header_size, 4))
