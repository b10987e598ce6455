"""Files: written whole or not at all, and read without trust in what they say.

A reader of what `write_atomic` wrote finds the old content or the new, never half of either. `read_arrays` reads a
.npz file that may come from anybody: it returns plain numbers and takes no more memory than it was allowed. Model
files, run folders and IDX files are read and written through here.
"""

from __future__ import annotations

import contextlib
import glob
import math
import os
import re
import time
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tinygsp.data.limits import shown

CHUNK = 2**20  # bytes handled at a time
ABANDONED = 3600  # seconds after which nobody is writing a temporary file any more
MAX_DIRECTORY = 2**16  # bytes in the list of members of a zip file: about a thousand members
NPY = re.compile(  # as NumPy writes it for numbers in C order with at most three dimensions
    rb"\{'descr': '(\|[biu]1|<[iu][248]|<f[248])', 'fortran_order': False, "
    rb"'shape': \((|\d{1,12},|\d{1,12}(?:, \d{1,12}){1,2})\),? ?\} *\n"
)


# --- writing ------------------------------------------------------------------------------------------------


def write_atomic(path: str | os.PathLike, content: bytes | str) -> None:
    """Write bytes or text to `path` through a temporary file in the same folder.

    The temporary file is flushed to the disk before it takes the name, so a crash or a full disk leaves the old
    file as it was. Raises OSError as open, write and replace do; the temporary file is then removed.
    """
    path = Path(path)
    if isinstance(content, str):
        content = content.encode("utf-8", "backslashreplace")  # the name of a file may hold what no text can
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error  # of the same kind, with the right name
        raise
    remove_leftovers(path)
    sync_folder(path.parent)


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files that killed processes have left of `path`: those that are older than ABANDONED."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):  # another process has just removed it, or it is not ours to remove
            is_ours = leftover.name[len(path.name) + 2 : -4].isdecimal()
            if is_ours and time.time() - leftover.stat().st_mtime > ABANDONED:
                leftover.unlink()


def sync_folder(folder: str | os.PathLike) -> None:
    """Flush the list of names of `folder` to the disk; does nothing on Windows, which has no such call."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --- reading ------------------------------------------------------------------------------------------------


def read_arrays(path: str | os.PathLike, error: type[Exception], max_bytes: int = 2**28) -> dict[str, np.ndarray]:
    """Read every member of a .npz file: {name: array} of bool, int or float, C order, at most three dimensions.

    path      : a file of `np.savez` or `np.savez_compressed`, perhaps from somebody unknown
    error     : exception class, raised for whatever is wrong, with one line: path, member, what is expected
    max_bytes : of all members together; sizes are compared with it before memory is taken

    The caller checks names, values and how many members there are. Text and objects are never read: no pickle.
    """
    arrays = {}
    where = "list of members"
    try:
        with open(path, "rb") as file:
            check_end(file)
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                check_members(members, max_bytes)
                for member in members:
                    where = f"member {member.filename!r}"
                    with archive.open(member) as content:
                        arrays[member.filename.removesuffix(".npy")] = read_npy(content, member.file_size)
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror or problem}); expected a .npz file") from problem
    except Exception as problem:  # zip and zlib fail in a dozen ways on a damaged file
        what = str(problem)[:160]  # zipfile may quote kilobytes of the file
        raise error(f"{path}: {where}: {what}; expected a .npz file of plain numbers, undamaged") from problem
    return arrays


def check_end(file: BinaryIO) -> None:
    """Raise ValueError unless the file ends like a plain zip file whose list of members is short.

    The last 22 bytes of a zip file have the size of that list, and `zipfile` would read all of it.
    """
    file.seek(max(0, file.seek(0, os.SEEK_END) - 42))
    tail = file.read()
    if tail[-22:-18] != b"PK\5\6" or tail[-2:] != b"\0\0" or tail[-42:-38] == b"PK\6\7":
        raise ValueError("not at the end of the file, where a plain zip file has it")
    size = int.from_bytes(tail[-10:-6], "little")
    if size > MAX_DIRECTORY:
        raise ValueError(f"{size} bytes long, at most {MAX_DIRECTORY} are read")
    file.seek(0)


def check_members(members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    """Raise ValueError unless names are plain and unique, members do not overlap, and their sizes are allowed."""
    names = set()
    for member in members:
        name = member.filename
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,50}\.npy", name):
            expected = "names are at most 50 letters, digits, _ . - and end in .npy"
            raise ValueError(f"unexpected member {shown(name)}, {expected}")
        if name in names:
            raise ValueError(f"repeated member {name!r}")
        names.add(name)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"member {name!r} has compression {member.compress_type}, stored and deflated are read")
    for first, second in pairwise(sorted(members, key=lambda member: member.header_offset)):
        if first.header_offset + 30 + first.compress_size > second.header_offset:
            raise ValueError(f"members {first.filename!r} and {second.filename!r} overlap")
    total = sum(member.file_size for member in members)  # zipfile gives no more of a member than its file_size
    if total > max_bytes:
        raise ValueError(f"{total} bytes in all members, at most {max_bytes} are read")


def read_npy(file: BinaryIO, length: int) -> np.ndarray:
    """Read a .npy file of `length` bytes: magic, version 1.0, header, numbers. Raises ValueError."""
    start = file.read(10)
    header_size = int.from_bytes(start[8:], "little")
    header = NPY.fullmatch(file.read(header_size))
    if start[:8] != b"\x93NUMPY\1\0" or not header:
        raise ValueError("its header is not .npy version (1, 0) of bool, int or float, at most 3-D in C order")
    dtype = np.dtype(header[1].decode())
    shape = tuple(int(size) for size in header[2].split(b",") if size)
    size = math.prod(shape) * dtype.itemsize  # Python integers: they cannot overflow
    found = length - 10 - header_size
    if found == size:
        content = read_up_to(file, size)
        found = len(content)
    if found != size:
        raise ValueError(f"it has {found} bytes, its header promises {size}")
    if dtype.kind == "b" and content.strip(b"\0\1"):
        raise ValueError("a bool is neither 0 nor 1")
    return np.frombuffer(content, dtype).reshape(shape)


def read_up_to(file: BinaryIO, size: int) -> bytearray:
    """Read `size` bytes of `file`, or all if it has fewer. Memory grows with what was read, not with `size`."""
    content = bytearray()
    while chunk := file.read(min(CHUNK, size - len(content))):
        content += chunk
    return content
