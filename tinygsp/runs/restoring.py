"""Restore a run from its checkpoints, and believe nothing in them.

A right digest shows that a checkpoint is whole, not that it was written by this library. So every part of the trainer
checks its part of the state before it uses it, and the records of the epochs are checked here. `checkpoint.py` writes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tinygsp.data.files import read_arrays
from tinygsp.runs.checkpoint import FORMAT, digest, fingerprints
from tinygsp.runs.errors import DamagedError, RunError
from tinygsp.runs.files import CHECKPOINT, PREVIOUS
from tinygsp.runs.metrics import COLUMNS
from tinygsp.runs.recording import Recorder, most_bytes
from tinygsp.training.state import StateError, take, take_array, take_number

if TYPE_CHECKING:
    from tinygsp.training import Trainer

PHASES_OF_FORMAT_1 = ("dense", "search", "rewire", "finetune")  # format 1 numbered these; format 2 has its own list
BINS = 20  # of a histogram of the gates


class Saved(NamedTuple):
    """What a checkpoint holds besides the state of the trainer."""

    records: list[dict]  # of every epoch so far
    histograms: list[np.ndarray]  # of the gates, (20,) int64, of those epochs that had one
    recorder: Recorder  # of the wiring
    seconds: float  # that the run had taken
    belongs_to: np.ndarray  # its `fingerprints`


def restore_newest(folder: Path, trainer: Trainer) -> tuple[Saved | None, str]:
    """Put `trainer` where it was when the newest good checkpoint of a run folder was written.

    Returns what else is in it, None if there is no checkpoint, and a warning of one line, or "". A damaged
    checkpoint.npz is replaced by the one before. Raises RunError if all are damaged, if one has a format that is not
    known, or if the settings or the data set have changed.
    """
    damaged, belongs_to = {}, None
    for name in (CHECKPOINT, PREVIOUS):
        if not (folder / name).exists():
            continue
        belongs_to = fingerprints(trainer) if belongs_to is None else belongs_to  # reads the whole data set: once
        try:
            saved = restore_checkpoint(folder / name, trainer, belongs_to)
            os.replace(folder / name, folder / CHECKPOINT)
            return saved, "".join(f"{reason}; the previous one takes over" for reason in damaged.values())
        except DamagedError as error:
            damaged[name] = str(error)
    if damaged:
        raise RunError(
            f"{folder}: nothing is left to go on from, damaged: {', '.join(damaged)}; start again with --force, "
            "the same arguments (they are in config.json) give the same result"
        )
    return None, ""


def restore_checkpoint(path: Path, trainer: Trainer, belongs_to: np.ndarray) -> Saved:
    """Put `trainer` where it was when a checkpoint was written, and return what else is in it.

    belongs_to : the `fingerprints` that it must have

    Raises DamagedError if it cannot be one of such a run, and RunError as `restore_newest` does.
    """
    arrays = read_checkpoint(path, trainer)
    try:
        parts, found = ("settings in config.json", "data set"), take_array(arrays, "belongs_to", np.uint8, (2, 32))
        for part, changed in zip(parts, found != belongs_to, strict=True):
            if changed.any():
                raise RunError(f"{path}: the {part} is no longer what the run began with; put it back")
        trainer.restore(arrays)
        records, histograms = records_of(arrays, trainer), histograms_of(arrays, trainer)
        recorder = Recorder.from_state(arrays, trainer)
        return Saved(records, histograms, recorder, take_number(arrays, "seconds", 0.0), belongs_to)
    except StateError as error:
        raise DamagedError(f"{path}: no checkpoint of this run, {error}") from error


def read_checkpoint(path: Path, trainer: Trainer) -> dict[str, np.ndarray]:
    """Read {name: array} as `write_checkpoint` wrote it for a run of `trainer`; only digest and format are checked.

    Raises DamagedError, and RunError for a format that is not known.
    """
    largest = 64 * trainer.total + 1024 * trainer.total_epochs + 2**20  # twice the bytes that such a run would write
    largest += most_bytes(trainer)
    arrays = read_arrays(path, DamagedError, largest)
    if not np.array_equal(arrays.pop("digest", None), digest(arrays)):
        raise DamagedError(f"{path}: damaged, its digest is not that of its arrays")
    try:
        version = take_number(arrays, "format", 1, whole=True)
    except StateError as error:
        raise DamagedError(f"{path}: {error}") from error
    if version > FORMAT:
        raise RunError(f"{path}: format version {version}, this library reads 1 and {FORMAT}; update the library")
    return arrays


# --- the records of the epochs ------------------------------------------------------------------------------


def records_of(arrays: Mapping[str, np.ndarray], trainer: Trainer) -> list[dict]:
    """Return the records of the epochs in a checkpoint, as they were when it was written.

    Raises StateError unless they are those of the epochs that `trainer`, which is restored, has done.
    """
    done, infinity = trainer.epoch, np.inf
    phases = PHASES_OF_FORMAT_1 if arrays["format"] == 1 else read_phases(arrays)
    ranges = {  # of each column: lowest, highest, whether whole numbers, whether finite ones
        "epoch": (1, done, True, True),
        "phase": (0, len(phases) - 1, True, True),
        "loss": (-infinity, infinity, False, True),
        "val_accuracy": (-infinity, 1, False, False),  # R^2 of constant targets is nan or -inf
        "open_gates": (0, trainer.total, True, True),
        "density": (0, 1, False, True),
        "price": (0, infinity, False, True),
        "noise": (0, infinity, False, True),
        "seconds": (0, infinity, False, True),
    }
    columns = {name: read_column(arrays, f"record_{name}", done, *ranges[name]) for name in COLUMNS}
    expected = [phase.name for phase in trainer.phases for _ in range(phase.epochs)][:done]
    columns["phase"] = [phases[number] for number in columns["phase"]]
    if columns["epoch"] != list(range(1, done + 1)) or columns["phase"] != expected:
        raise StateError(f"its records are not those of the first {done} epochs of such a run")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def read_phases(arrays: Mapping[str, np.ndarray]) -> Sequence[str]:
    """Return the names that the records number. Raises StateError unless they are a list of texts, as JSON."""
    text = take_array(arrays, "phases", np.uint8).tobytes()
    try:
        phases = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StateError("phases is not JSON") from error
    if not isinstance(phases, list) or not all(isinstance(name, str) for name in phases):
        raise StateError("phases is not a list of texts")
    return phases


def read_column(
    arrays: Mapping[str, np.ndarray], name: str, length: int, low: float, high: float, whole: bool, finite: bool
) -> list:
    """Return one number for each of `length` epochs. Raises StateError for another kind or number of them."""
    column = take(arrays, name)
    kinds = "iu" if whole and length else "iuf"  # a list of none has no kind
    if column.shape != (length,) or column.dtype.kind not in kinds:
        raise StateError(f"{name} is {column.dtype} {column.shape}, expected a number for each of {length} epochs")
    if (column < low).any() or (column > high).any() or (finite and not np.isfinite(column).all()):
        raise StateError(f"{name} has a number outside of {low:g} to {high:g}")
    return column.tolist()


def histograms_of(arrays: Mapping[str, np.ndarray], trainer: Trainer) -> list[np.ndarray]:
    """Return the histograms of the gates in a checkpoint.

    Raises StateError unless there is one for each epoch done that has one, each counting all gates of the network.
    """
    phases = [phase for phase in trainer.phases for _ in range(phase.epochs)][: trainer.epoch]
    count = sum(phase.watches_gates for phase in phases)
    histograms = take_array(arrays, "histograms", np.int64, (count, BINS) if count else (0,))
    if count and (histograms.min() < 0 or (histograms.sum(axis=1) != trainer.total).any()):
        raise StateError(f"histograms do not each count the {trainer.total} gates of the network")
    return list(histograms)
