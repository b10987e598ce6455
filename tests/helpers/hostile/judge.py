"""Make input number i, let a reader read it, and judge whether it kept its promise.

The promise: a reader returns what the format allows or raises its own error, in one line of at most 300 characters
after the name of the file; what it returns can be used; all of it takes less than a gigabyte and five seconds.

To add a reader: READERS says how it reads and which error is its own, CHECKS how its result is used, `spoilers.py` and
`well_formed.py` what it is given.
"""

import contextlib
import gzip
import sys
import tempfile
import time
import warnings
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from helpers.hostile.bombs import BOMBS, MIB
from helpers.hostile.checkpoints import check_restored, restored
from helpers.hostile.files import EVERY, GOOD
from helpers.hostile.spoilers import SPOILERS, flip_bits, splice, truncate
from helpers.hostile.use import use_network
from helpers.hostile.well_formed import WELL_FORMED
from tinygsp.data import DataError, read_idx
from tinygsp.data.files import read_arrays
from tinygsp.runs import RunError
from tinygsp.sparse import ModelFileError, SparseNetwork

MAX_SECONDS, MAX_MIB, MAX_LINE = 5.0, 1024, 300


class StateError(ValueError):
    """What a reader of checkpoints would raise."""


READERS = {
    "images": (lambda path: read_idx(path, "images"), DataError),
    "labels": (lambda path: read_idx(path, "labels"), DataError),
    "model": (SparseNetwork.load, ModelFileError),
    "state": (lambda path: read_arrays(path, StateError, 64 * MIB), StateError),
    "checkpoint": (restored, RunError),
}


def check_network(network, file_size):
    """What is read can be written, and everything can be asked of it."""
    if file_size < MIB:
        content = network.to_bytes()
        assert content == network.to_bytes() and len(content) < 100 * MIB
        use_network(network)


def check_arrays(arrays, file_size):
    """They are plain numbers of at most three dimensions."""
    assert all(type(a) is np.ndarray and a.dtype.kind in "biuf" and a.ndim <= 3 for a in arrays.values())


def check_bytes(array, file_size):
    """They are pixels or labels, at least one."""
    assert array.dtype == np.uint8 and array.ndim in (1, 3) and array.size > 0


CHECKS = {
    "images": check_bytes,
    "labels": check_bytes,
    "model": check_network,
    "state": check_arrays,
    "checkpoint": check_restored,
}


def make(seed, number):
    """Input `number`: (reader, what was done to it, bytes). One in five is well-formed, one in a thousand a bomb."""
    rng = np.random.default_rng((seed, number))
    if number % 1000 == 998:
        kind = list(BOMBS)[number // 1000 % len(BOMBS)]
        reader, bomb = BOMBS[kind]
        return reader, kind, bomb()
    if number % 5 == 4:
        reader = str(rng.choice(sorted(WELL_FORMED)))
        maker = WELL_FORMED[reader][rng.integers(len(WELL_FORMED[reader]))]
        return reader, maker.__name__, maker(rng)
    reader = str(rng.choice(["images", "labels", "state", "state", "model", "model", "model", "model"]))
    spoiler = SPOILERS[reader][rng.integers(len(SPOILERS[reader]))]
    content = GOOD[reader][rng.integers(len(GOOD[reader]))]
    if spoiler in (flip_bits, splice) and rng.random() < 0.2:
        content = EVERY[rng.integers(len(EVERY))]  # a file of another kind
    try:
        return reader, spoiler.__name__, spoiler(rng, content)
    except (zipfile.BadZipFile, gzip.BadGzipFile, OverflowError, ValueError):  # it cannot be done to this file
        return reader, truncate.__name__, truncate(rng, content)


def judge(path, reader):
    """Read the file and use what it gives: ("accepted" or "refused", seconds). Raises whatever broke the promise."""
    read, own_error = READERS[reader]
    refusal = None
    started = time.process_time()  # of this process alone, however busy the machine
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            result = read(path)
        except own_error as error:
            refusal = str(error)
        else:
            CHECKS[reader](result, path.stat().st_size)
    seconds = time.process_time() - started
    if refusal is None:
        return "accepted", seconds
    start = f"{path}: "
    assert refusal.startswith(start) and refusal.isprintable() and len(refusal) <= len(start) + MAX_LINE, refusal
    return "refused", seconds


def peak_mib():
    """The most memory this process ever had, in MiB; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (MIB if sys.platform == "darwin" else 1024)


def run(inputs, seed, first=0, limits=True, progress=False):
    """Make and judge so many inputs, until Ctrl-C. Returns ({(reader, kind): counts}, [broken promises])."""
    table = defaultdict(lambda: {"accepted": 0, "refused": 0, "broken": 0, "slowest": 0.0})
    broken = []
    with (
        contextlib.suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory() as folder,
        threadpool_limits(1, "blas"),  # time is counted once
    ):
        path = Path(folder) / "stranger"
        for number in range(first, first + inputs):
            reader, kind, content = make(seed, number)
            path.write_bytes(content)
            row = table[reader, kind]
            try:
                outcome, seconds = judge(path, reader)
                row["slowest"] = max(row["slowest"], seconds)
                assert not limits or seconds < MAX_SECONDS, f"{seconds:.2f} s"
                row[outcome] += 1
            except Exception as error:
                row["broken"] += 1
                broken.append(f"input {number} ({reader}, {kind}): {error!r}"[:500])
            if progress and (number + 1 - first) % 10_000 == 0:
                print(f"{number + 1 - first:,} ...", file=sys.stderr, flush=True)
    if limits and (peak_mib() or 0) > MAX_MIB:
        broken.append(f"peak memory {peak_mib():.0f} MiB")
    return dict(table), broken
