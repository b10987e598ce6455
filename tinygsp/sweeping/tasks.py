"""One run of a sweep as plain data, and the function that carries it out in whatever process it is called.

A `Task` holds everything that the result of a run depends on. The SHA-256 of that names the file of the result, so a
sweep that was interrupted does only what is missing. `make_tasks` lists methods x densities x seeds, `run_task` trains
one of them. Read executors.py next: it gives tasks to processes.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from tinygsp import methods, runs
from tinygsp.data import DataError, Dataset, ReadOptions, load
from tinygsp.training import DivergedError, Settings, SettingsError, Trainer, known_fields

FORMAT = 2  # of a result; raise it when a method changes, so that old results are not taken for new ones


class TaskError(RuntimeError):
    """A task that cannot be finished; one line says why."""


@dataclass(frozen=True)
class Task:
    """One run, described by numbers and texts alone, so that it can be sent to any process and compared as JSON."""

    data: str  # mnist, toy, or the absolute path of a folder or table
    fingerprint: str  # SHA-256 of the arrays: the same data in another place give the same result
    method: str
    seed: int
    settings: dict  # every field of Settings, the density among them
    reading: dict = field(default_factory=dict)  # how the data is read: fields of ReadOptions

    def identity(self) -> dict:
        """Return all that the result depends on, as JSON gives it back: the tuples have become lists.

        Where the data is, and how it is read, does not matter: the fingerprint says what comes of it.
        """
        fields = {name: value for name, value in vars(self).items() if name not in ("data", "reading")}
        fields["settings"] = known_fields(self.settings)
        return json.loads(json.dumps({"format": FORMAT, **fields}))

    @property
    def name(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the identity."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def data_name(self) -> str:
        """The name of the data set, of a folder without the path to it."""
        return Path(self.data).name


def make_tasks(
    data: str,
    method_names: Iterable[str] | None,
    densities: Sequence[float],
    seeds: Sequence[int],
    settings: Settings | Callable[[float], Settings],
    options: ReadOptions | None = None,
) -> list[Task]:
    """List every combination of method, density and seed as Tasks, seed by seed.

    data         : mnist, toy, or the path of a folder or table, as for data.load
    method_names : of tinygsp.methods; None for all of them
    settings     : Settings, whose density is replaced by each of `densities`, or a function density -> Settings
    options      : how the data is read, such as the column to predict

    Raises SettingsError of a method that is unknown or cannot work with the data, and DataError.
    """
    settings_at = settings if callable(settings) else lambda density: replace(settings, density=density)
    chosen = {name: methods.find(name) for name in (methods.names() if method_names is None else method_names)}
    dataset = load(data, seeds[0], options=options)
    for density in densities:
        for method in chosen.values():
            Trainer(dataset, settings_at(density), method, seeds[0])  # raises SettingsError now, not in a worker
    fingerprints = dict.fromkeys(seeds, fingerprint(dataset))
    if data == "toy":  # its points are drawn anew for each seed
        fingerprints = {seed: fingerprint(load(data, seed)) for seed in seeds}
    location = data if data in ("mnist", "toy") else str(Path(data).resolve())
    reading = options.with_paths(data, lambda path: str(Path(path).resolve())).given() if options else {}
    return [
        Task(location, fingerprints[seed], name, seed, asdict(settings_at(density)), reading)
        for seed in seeds
        for density in densities
        for name in chosen
    ]


def fingerprint(dataset: Dataset) -> str:
    """Return the SHA-256 of the arrays of a data set, 64 hexadecimal digits."""
    arrays = {name: value for name, value in vars(dataset).items() if isinstance(value, np.ndarray)}
    return runs.digest(arrays).tobytes().hex()


def run_task(task: Task) -> dict:
    """Train the network of a task to the end in this process, and return the result, a dict that JSON can hold.

    The result is what runs.summarise says of the run, with cpu_seconds of this process, seconds by the clock, and the
    environment. The test set is read once, for that. BLAS has one thread meanwhile. Both this limit and cpu_seconds are
    of the whole process, so a process should run one task at a time. Raises TaskError.
    """
    try:
        with threadpool_limits(1, "blas"):
            return _run(task)
    except (TaskError, DataError, DivergedError, SettingsError) as error:
        raise TaskError(str(error)) from error
    except Exception as error:  # a TaskError can be sent from process to process; other exceptions perhaps not
        raise TaskError(f"{type(error).__name__}: {error}") from error


def _run(task: Task) -> dict:
    dataset = load(task.data, task.seed, options=ReadOptions(**task.reading))
    if fingerprint(dataset) != task.fingerprint:
        raise TaskError(f"{task.data}: not the data of the sweep; every machine needs the same files")
    began, cpu_began = time.perf_counter(), time.process_time()
    trainer = Trainer(dataset, Settings(**task.settings), methods.find(task.method), task.seed)
    records = list(trainer.run())
    result = runs.summarise(trainer, trainer.network, records, len(trainer.network.to_bytes()))
    result["cpu_seconds"] = round(time.process_time() - cpu_began, 2)
    result["seconds"] = round(time.perf_counter() - began, 2)
    return {**result, "dataset": task.data_name, "environment": runs.environment(1)}
