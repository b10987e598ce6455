"""The run folder: made by `create`, opened again by `reopen`, and used by one process at a time as a `Run`."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygsp.runs.checkpoint import fingerprints, write_checkpoint
from tinygsp.runs.errors import RunError
from tinygsp.runs.files import CHECKPOINT, LOCK, NEXT, PREVIOUS, find_strange, names, remove_temporaries, write_json
from tinygsp.runs.lock import Lock
from tinygsp.runs.metrics import MetricsFile
from tinygsp.runs.recording import Recorder
from tinygsp.runs.restoring import restore_newest

if TYPE_CHECKING:
    from tinygsp.training import Trainer

SECONDS_BETWEEN = 10.0  # between two checkpoints, at least: the work that a power cut can cost


def create(path: Path | str, config: dict, env: dict, started: float, force: bool = False) -> Run:
    """Make the run folder `path`, and return its Run.

    config, env : dict   what config.json and env.json shall hold
    started     : float  time.perf_counter() at the beginning of the run
    force       : bool   whether to replace the run that is in the folder

    Raises RunError if the folder is not empty, unless it holds a run and `force` is given. A folder that holds
    anything but the files of a run is never emptied.
    """
    path = Path(path)
    taken = f"--out {path}: exists and is not empty; choose another, or --force to replace the run"
    try:
        if path.exists() and not path.is_dir():
            raise RunError(f"--out {path}: is a file; name a folder")
        path.mkdir(parents=True, exist_ok=True)
        if strange := find_strange(path):
            never = f"--out {path}: holds {strange}, which no run writes; --force will not delete it"
            raise RunError(never if force else taken)
        run = Run(path, started)
        try:
            if names(path) - {LOCK, NEXT} and not force:
                raise RunError(taken if run.finished else f"{taken}, or --resume {path} to go on with it")
            write_json(path / NEXT, config)  # fails on a full disk, before anything is deleted
            remove_run(path)
            write_json(path / "config.json", config)  # from now on `reopen` can go on
            write_json(path / "env.json", env)
            run.start_metrics()
        except BaseException:
            run.close()
            raise
    except OSError as error:
        raise RunError(f"--out {path}: cannot be written ({error.strerror or error}); choose another folder") from error
    return run


def remove_run(path: Path) -> None:
    """Remove the files of a run, but for its lock.

    config.json is the first: if this is interrupted, the rest is no run that --resume would go on with.
    """
    for name in sorted(names(path) - {LOCK}, key=lambda name: name != "config.json"):
        if (path / name).is_dir():
            shutil.rmtree(path / name)
        else:
            (path / name).unlink()


def reopen(path: Path | str, started: float) -> Run:
    """Return the Run in folder `path`, to go on with. Raises RunError."""
    try:
        return Run(path, started)
    except OSError as error:
        raise RunError(f"--resume {path}: cannot be written ({error.strerror or error})") from error


class Run:
    """A run folder that this process has locked; `close`, or the end of a `with` block, unlocks it.

    path       : Path
    started    : float              time.perf_counter() when this process began the run or went on with it
    records    : list of dict       of every epoch so far, each with its `seconds`
    histograms : list of (20,) int  of the gates, one for each record that came with one
    recorder   : Recorder           of the wiring, for wiring.npz

    Whatever writes raises OSError.
    """

    def __init__(self, path: Path | str, started: float) -> None:
        self.path, self.started = Path(path), started
        self.seconds_before = 0.0  # that the processes before this one took
        self.records: list[dict] = []
        self.histograms: list[np.ndarray] = []
        self.recorder = Recorder()
        self.metrics: MetricsFile | None = None
        self.belongs_to: np.ndarray | None = None  # fingerprints, computed once: they read the whole data set
        self.lock = Lock(self.path / LOCK)
        remove_temporaries(self.path)
        self.saved, self.pause = time.monotonic(), SECONDS_BETWEEN

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close metrics.csv and unlock the folder."""
        try:
            if self.metrics:
                self.metrics.close()
        finally:
            self.lock.release()

    def seconds(self) -> float:
        """Return how long the run has taken, all its processes together."""
        return self.seconds_before + time.perf_counter() - self.started

    @property
    def finished(self) -> bool:
        """Whether the run has written everything."""
        return (self.path / "summary.json").exists()

    # --- writing ---

    def start_metrics(self) -> None:
        """Write metrics.csv with a row for each record so far; `add` appends to it."""
        self.metrics = MetricsFile(self.path / "metrics.csv", self.records)

    def add(self, record: dict) -> None:
        """Take in the record of an epoch, with its histogram of the gates if it has one."""
        record = {**record, "seconds": self.seconds()}
        histogram = record.pop("histogram", None)
        if histogram is not None:
            self.histograms.append(histogram)
        self.records.append(record)
        self.metrics.append(record)

    def save(self, trainer: Trainer, state: dict[str, Any]) -> None:
        """Write a checkpoint of `state`, which `trainer` had between two steps, and of the records so far.

        Raises RunError if the folder no longer has its name.
        """
        began = time.monotonic()
        if not self.lock.is_there():
            raise RunError(f"{self.path}: the folder is gone; if it was only renamed, go on with --resume NEW-NAME")
        if self.belongs_to is None:
            self.belongs_to = fingerprints(trainer)
        frames = self.recorder.state()
        write_checkpoint(self.path, state, self.records, self.histograms, frames, self.seconds(), self.belongs_to)
        self.saved = time.monotonic()
        self.pause = max(SECONDS_BETWEEN, 50 * (self.saved - began))  # at most a fiftieth of the time on a slow disk

    def due(self) -> bool:
        """Return whether it is time for a checkpoint."""
        return time.monotonic() - self.saved > self.pause

    def finish(self, summary: dict) -> None:
        """Write summary.json, which marks the run as finished, and remove the checkpoints."""
        write_json(self.path / "summary.json", summary)
        self.remove_checkpoints()

    def remove_checkpoints(self) -> None:
        """Remove what a finished run no longer needs."""
        for name in (CHECKPOINT, PREVIOUS, NEXT):
            (self.path / name).unlink(missing_ok=True)

    # --- going on ---

    def restore(self, trainer: Trainer) -> str:
        """Put `trainer` and metrics.csv where they were when the newest whole checkpoint was written.

        Without a checkpoint the run begins anew. Returns a warning of one line, or "". Raises RunError if there are
        only damaged checkpoints, or if the settings or the data set have changed.
        """
        saved, warning = restore_newest(self.path, trainer)
        if saved:
            self.records, self.histograms, self.recorder, self.seconds_before, self.belongs_to = saved
        self.start_metrics()
        return warning
