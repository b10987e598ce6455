"""Checkpoints: everything it takes to go on with a run, in one .npz file of plain numbers.

The newest one is checkpoint.npz, the one before checkpoint.previous.npz. Each carries a digest of its arrays, so
damage is noticed, and fingerprints of what it belongs to, so that no other settings or data are mixed in.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygsp.data.files import read_arrays, sync_folder
from tinygsp.runs.errors import DamagedError, RunError
from tinygsp.runs.files import CHECKPOINT, NEXT, PREVIOUS, write_arrays
from tinygsp.runs.metrics import COLUMNS

if TYPE_CHECKING:
    from tinygsp.training import Trainer

FORMAT = 2  # of a checkpoint, as written
PHASES_OF_FORMAT_1 = ("dense", "search", "rewire", "finetune")  # format 1 numbered these; format 2 has its own list


def write_checkpoint(
    folder: Path,
    state: Mapping[str, Any],
    records: Sequence[dict],
    histograms: Sequence[np.ndarray],
    seconds: float,
    belongs_to: np.ndarray,
) -> None:
    """Write checkpoint.npz in `folder`; the one before becomes checkpoint.previous.npz.

    state      : {name: number or array}   of the Trainer
    records    : of every epoch so far;  histograms : of the gates, (20,) int each
    seconds    : that the run has taken so far;  belongs_to : the `fingerprints`

    At every moment at least one of the two files is there, and each is whole.
    """
    columns = {f"record_{name}": [record[name] for record in records] for name in COLUMNS}
    phases = list(dict.fromkeys(columns["record_phase"]))
    columns["record_phase"] = [phases.index(phase) for phase in columns["record_phase"]]
    arrays = {name: np.asarray(value) for name, value in {**state, **columns}.items()}
    arrays["phases"] = np.frombuffer(json.dumps(phases).encode(), np.uint8)
    arrays["histograms"] = np.array(histograms, np.int64)
    arrays |= {"seconds": np.array(seconds), "belongs_to": belongs_to, "format": np.array(FORMAT)}
    write_arrays(folder / NEXT, {**arrays, "digest": digest(arrays)})
    if (folder / CHECKPOINT).exists():
        os.replace(folder / CHECKPOINT, folder / PREVIOUS)
    os.replace(folder / NEXT, folder / CHECKPOINT)
    sync_folder(folder)


def newest_checkpoint(folder: Path, trainer: Trainer) -> tuple[dict[str, np.ndarray] | None, str]:
    """Read the newest checkpoint of a run folder that is whole.

    Returns its arrays, None if there is no checkpoint, and a warning of one line, or "". A damaged checkpoint.npz is
    replaced by the one before. Raises RunError if all are damaged, or if one has a format that is not known.
    """
    damaged = {}
    for name in (CHECKPOINT, PREVIOUS):
        if not (folder / name).exists():
            continue
        try:
            found = read_checkpoint(folder / name, trainer)
            os.replace(folder / name, folder / CHECKPOINT)
            return found, "".join(f"{reason}; the previous one takes over" for reason in damaged.values())
        except DamagedError as error:
            damaged[name] = str(error)
    if damaged:
        raise RunError(
            f"{folder}: nothing is left to go on from, damaged: {', '.join(damaged)}; start again with --force, "
            "the same arguments (they are in config.json) give the same result"
        )
    return None, ""


def read_checkpoint(path: Path, trainer: Trainer) -> dict[str, np.ndarray]:
    """Read {name: array} as `write_checkpoint` wrote it for a run of `trainer`. Raises DamagedError, or RunError."""
    largest = 64 * trainer.total + 1024 * trainer.total_epochs + 2**20  # twice the bytes that such a run would write
    arrays = read_arrays(path, DamagedError, largest)
    if not np.array_equal(arrays.pop("digest", None), digest(arrays)):
        raise DamagedError(f"{path}: damaged, its digest is not that of its arrays")
    if arrays["format"] not in (1, FORMAT):
        version = arrays["format"]
        raise RunError(f"{path}: format version {version}, this library reads 1 and {FORMAT}; update the library")
    return arrays


def records_of(arrays: Mapping[str, np.ndarray]) -> list[dict]:
    """Return the records of the epochs in a checkpoint, as they were when it was written."""
    columns = {name: arrays[f"record_{name}"].tolist() for name in COLUMNS}
    phases = PHASES_OF_FORMAT_1 if arrays["format"] == 1 else json.loads(arrays["phases"].tobytes())
    columns["phase"] = [phases[k] for k in columns["phase"]]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def fingerprints(trainer: Trainer) -> np.ndarray:
    """Return what a checkpoint belongs to, (2, 32) uint8: digests of method, seed and settings, and of the data set."""
    settings = json.dumps([trainer.method.name, trainer.seed, vars(trainer.settings)], sort_keys=True)
    arrays = {name: value for name, value in vars(trainer.dataset).items() if isinstance(value, np.ndarray)}
    return np.stack([digest({"settings": np.frombuffer(settings.encode(), np.uint8)}), digest(arrays)])


def digest(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the SHA-256 of arrays with their names, types and shapes: (32,) uint8."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        total.update(array.reshape(-1).view(np.uint8))
    return np.frombuffer(total.digest(), np.uint8)
