"""Checkpoints: everything it takes to go on with a run, in one .npz file of plain numbers.

The newest one is checkpoint.npz, the one before checkpoint.previous.npz. Each carries a digest of its arrays, so
damage is noticed, and fingerprints of what it belongs to, so that no other settings or data are mixed in. Here they
are written; `restoring.py` reads them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygsp.data.files import sync_folder
from tinygsp.runs.files import CHECKPOINT, NEXT, PREVIOUS, write_arrays
from tinygsp.runs.metrics import COLUMNS

if TYPE_CHECKING:
    from tinygsp.data import Dataset
    from tinygsp.training import Trainer

FORMAT = 2  # of a checkpoint, as written


def write_checkpoint(
    folder: Path,
    state: Mapping[str, Any],
    records: Sequence[dict],
    histograms: Sequence[np.ndarray],
    frames: Mapping[str, np.ndarray],
    seconds: float,
    belongs_to: np.ndarray,
) -> None:
    """Write checkpoint.npz in `folder`; the one before becomes checkpoint.previous.npz.

    state      : {name: number or array}   of the Trainer
    records    : of every epoch so far;  histograms : of the gates, (20,) int each
    frames     : {name: array}             of the Recorder
    seconds    : that the run has taken so far;  belongs_to : the `fingerprints`

    At every moment at least one of the two files is there, and each is whole.
    """
    columns = {f"record_{name}": [record[name] for record in records] for name in COLUMNS}
    phases = list(dict.fromkeys(columns["record_phase"]))
    columns["record_phase"] = [phases.index(phase) for phase in columns["record_phase"]]
    arrays = {name: np.asarray(value) for name, value in {**state, **frames, **columns}.items()}
    arrays["phases"] = np.frombuffer(json.dumps(phases).encode(), np.uint8)
    arrays["histograms"] = np.array(histograms, np.int64)
    arrays |= {"seconds": np.array(seconds), "belongs_to": belongs_to, "format": np.array(FORMAT)}
    write_arrays(folder / NEXT, {**arrays, "digest": digest(arrays)})
    if (folder / CHECKPOINT).exists():
        os.replace(folder / CHECKPOINT, folder / PREVIOUS)
    os.replace(folder / NEXT, folder / CHECKPOINT)
    sync_folder(folder)


def fingerprints(trainer: Trainer) -> np.ndarray:
    """Return what a checkpoint belongs to, (2, 32) uint8: digests of method, seed and settings, and of the data set."""
    from tinygsp.training import known_fields

    settings = json.dumps([trainer.method.name, trainer.seed, known_fields(vars(trainer.settings))], sort_keys=True)
    return np.stack([digest({"settings": np.frombuffer(settings.encode(), np.uint8)}), data_digest(trainer.dataset)])


def data_digest(dataset: Dataset) -> np.ndarray:
    """Return the digest of the arrays of a data set: (32,) uint8. Its name does not count."""
    return digest({name: value for name, value in vars(dataset).items() if isinstance(value, np.ndarray)})


def digest(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the SHA-256 of arrays with their names, types and shapes: (32,) uint8."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        total.update(array.reshape(-1).view(np.uint8))
    return np.frombuffer(total.digest(), np.uint8)
