"""Run folders: what a run writes, where, and how it goes on after an interruption.

A folder holds config.json (every resolved argument), env.json (versions, CPU, BLAS, threads), metrics.csv (a row an
epoch), gates.npz (the gate histogram of each epoch), model.npz, figures/*.png and, written last, summary.json. Until
then it also holds run.lock, checkpoint.npz (all it takes to go on) and checkpoint.previous.npz. Every file is written
whole or not at all; metrics.csv grows by a row an epoch, and a resumed run writes it anew.
"""

import contextlib
import csv
import hashlib
import io
import json
import os
import platform
import re
import shutil
import time
from pathlib import Path

import numpy as np

from tinygsp.files import read_arrays, sync_folder, write_atomic
from tinygsp.prune import r_squared, score

COLUMNS = ("epoch", "phase", "loss", "val_accuracy", "open_gates", "density", "price", "noise", "seconds")
PHASES = ("dense", "search", "rewire", "finetune")  # a checkpoint holds numbers only
LOCK, CHECKPOINT, PREVIOUS, NEXT = "run.lock", "checkpoint.npz", "checkpoint.previous.npz", "checkpoint.next.npz"
OURS = {
    "config.json", "env.json", "metrics.csv", "gates.npz", "model.npz", "figures", "summary.json",
    LOCK, CHECKPOINT, PREVIOUS, NEXT, "interpretation.json", "explorer.html",  # the last two by tinygsp.explain
}  # fmt: skip
TEMPORARY = re.compile(r"\.(.+)\.\d+\.tmp")  # left by write_atomic when its process is killed
SECONDS_BETWEEN = 10.0  # two checkpoints, at least: the work that a power cut can cost
FORMAT = 1  # of a checkpoint
MATTERS = ("python", "numpy", "numba", "llvmlite", "blas", "cpu", "threads")  # in env.json, to the last bits


class RunError(Exception):
    """A run folder that cannot be used; one line says what and what would be right."""


class DamagedError(RunError):
    """A checkpoint that is not what was written."""


# --- one process, one run -----------------------------------------------------------------------------------


def create(path, config, env, started, force=False):
    """Make the run folder `path`. One that exists must be empty, or a run and `force`: then its files go.

    config, env : dict   what config.json and env.json shall hold
    started     : float  time.perf_counter() at the beginning of the run

    Returns a Run. Raises RunError. A folder that holds anything but a run's own files is never emptied.
    """
    path = Path(path)
    taken = f"--out {path}: exists and is not empty; choose another, or --force to replace the run"
    try:
        if path.exists() and not path.is_dir():
            raise RunError(f"--out {path}: is a file; name a folder")
        path.mkdir(parents=True, exist_ok=True)
        if strange := sorted(names(path) - OURS):
            never = f"--out {path}: holds {strange[0]}, which no run writes; --force will not delete it"
            raise RunError(never if force else taken)
        run = Run(path, started)
        try:
            if names(path) - {LOCK, NEXT} and not force:
                raise RunError(taken if run.finished else f"{taken}, or --resume {path} to go on with it")
            write_json(path / NEXT, config)  # can anything be written at all? asked before anything is deleted
            for name in sorted(names(path) - {LOCK}, key=lambda name: name != "config.json"):  # that one first
                shutil.rmtree(path / name) if (path / name).is_dir() else (path / name).unlink()
            write_json(path / "config.json", config)  # from now on `reopen` can go on
            write_json(path / "env.json", env)
            run.start_metrics()
        except BaseException:
            run.close()
            raise
    except OSError as error:
        raise RunError(f"--out {path}: cannot be written ({error.strerror or error}); choose another folder") from error
    return run


def reopen(path, started):
    """The Run in folder `path`, to go on with. Raises RunError."""
    try:
        return Run(path, started)
    except OSError as error:
        raise RunError(f"--resume {path}: cannot be written ({error.strerror or error})") from error


class Run:
    """A run folder and the one process that works in it; `close`, or the end of a `with`, leaves it to others.

    path       : Path
    started    : float              time.perf_counter() at the beginning of the run, less what it had done before
    records    : list of dict       of every epoch so far, with its `seconds`
    histograms : list of (20,) int  of the gates after every epoch of the search so far

    Whatever writes raises OSError.
    """

    def __init__(self, path, started):
        self.path, self.started = Path(path), started
        self.records, self.histograms = [], []
        self.metrics = self.belongs_to = None
        self.lock = Lock(self.path / LOCK)
        remove_temporaries(self.path)
        self.saved, self.pause = time.monotonic(), SECONDS_BETWEEN

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        try:
            if self.metrics:
                self.metrics.close()
        finally:
            self.lock.release()

    def seconds(self):
        """How long the run has taken, all its processes together."""
        return time.perf_counter() - self.started

    # --- what is written ---

    def start_metrics(self):
        """metrics.csv: a header and a row for each record so far; `add` appends to it."""
        text = io.StringIO()
        rows(text).writeheader()
        rows(text).writerows(formatted(record) for record in self.records)
        write_atomic(self.path / "metrics.csv", text.getvalue())
        self.metrics = open(self.path / "metrics.csv", "a", newline="", encoding="utf-8")

    def add(self, record, histogram=None):
        """Take in the record of an epoch, and of an epoch of the search the histogram of the gates."""
        self.records.append({**record, "seconds": self.seconds()})
        if histogram is not None:
            self.histograms.append(histogram)
        rows(self.metrics).writerow(formatted(self.records[-1]))
        self.metrics.flush()

    def save(self, pruner, state):
        """Write checkpoint.npz: `state` of `pruner`, the records so far, and what they belong to.

        The one before becomes checkpoint.previous.npz. At every moment one of them is there and both are whole.
        Raises RunError if the folder no longer has its name.
        """
        began = time.monotonic()
        if not self.lock.is_there():
            raise RunError(f"{self.path}: the folder is gone; if it was only renamed, go on with --resume NEW-NAME")
        if self.belongs_to is None:
            self.belongs_to = fingerprints(pruner)
        columns = {f"record_{name}": [record[name] for record in self.records] for name in COLUMNS}
        columns["record_phase"] = [PHASES.index(phase) for phase in columns["record_phase"]]
        arrays = {name: np.asarray(value) for name, value in (state | columns).items()}
        arrays["histograms"] = np.array(self.histograms, np.int64)
        arrays |= {"seconds": np.array(self.seconds()), "belongs_to": self.belongs_to, "format": np.array(FORMAT)}
        write_arrays(self.path / NEXT, arrays | {"digest": digest(arrays)})
        if (self.path / CHECKPOINT).exists():
            os.replace(self.path / CHECKPOINT, self.path / PREVIOUS)
        os.replace(self.path / NEXT, self.path / CHECKPOINT)
        sync_folder(self.path)
        self.saved = time.monotonic()
        self.pause = max(SECONDS_BETWEEN, 50 * (self.saved - began))  # a slow disk may cost a fiftieth of the time

    def due(self):
        """Whether it is time for a checkpoint."""
        return time.monotonic() - self.saved > self.pause

    def finish(self, summary):
        """Write summary.json, which says that all is there, and remove what was only there to go on from."""
        write_json(self.path / "summary.json", summary)
        self.tidy()

    def tidy(self):
        for name in (CHECKPOINT, PREVIOUS, NEXT):
            (self.path / name).unlink(missing_ok=True)

    # --- going on ---

    @property
    def finished(self):
        return (self.path / "summary.json").exists()

    def restore(self, pruner):
        """Put `pruner` where the newest whole checkpoint was taken, and metrics.csv with it.

        Without a checkpoint the run begins anew. Returns what is to be warned of, one line or "". Raises RunError if
        there are only damaged checkpoints, or if what they belong to has changed.
        """
        found, problems = None, []
        for name in (CHECKPOINT, PREVIOUS):
            if found is None and (self.path / name).exists():
                try:
                    found = read_checkpoint(self.path / name, pruner)
                    os.replace(self.path / name, self.path / CHECKPOINT)  # over a damaged one, never the reverse
                except DamagedError as error:
                    problems.append(str(error))
        if found is None and problems:
            raise RunError(f"{'; '.join(problems)}; nothing is left to go on from: start again with --force, the same "
                           "arguments (they are in config.json) give the same result")  # fmt: skip
        if found:
            self.take(found, pruner)
        self.start_metrics()
        return "".join(f"{problem}; the previous one takes over" for problem in problems)

    def take(self, arrays, pruner):
        for name, changed in zip(("settings in config.json", "data set"), arrays["belongs_to"] != fingerprints(pruner)):
            if changed.any():
                raise RunError(f"--resume {self.path}: the {name} is no longer what the run began with; put it back")
        pruner.restore(arrays)
        columns = {name: arrays[f"record_{name}"].tolist() for name in COLUMNS}
        columns["phase"] = [PHASES[k] for k in columns["phase"]]
        self.records = [dict(zip(columns, row)) for row in zip(*columns.values())]
        self.histograms = list(arrays["histograms"])
        self.started -= float(arrays["seconds"])
        self.belongs_to = arrays["belongs_to"]

    def compare_environment(self, env, epoch):
        """One line on what differs from where the run began, in what may change the last bits; "" if nothing does.

        Such a change is noted in env.json, under "resumed".
        """
        try:
            began = json.loads((self.path / "env.json").read_text(encoding="utf-8"))
            differs = {name: env[name] for name in MATTERS if began[name] != env[name]}
        except (OSError, ValueError, KeyError, TypeError):
            write_json(self.path / "env.json", env)
            return ""
        if not differs:
            return ""
        began["resumed"] = [*began.get("resumed", []), {"epoch": epoch, **differs}]
        write_json(self.path / "env.json", began)
        changes = ", ".join(f"{name} {began[name]} -> {value}" for name, value in differs.items())
        return f"the run began elsewhere ({changes}): the result may differ in its last bits"


class Lock:
    """One process at a time in a run folder: an exclusive lock of the system's on a file that holds the process id.

    The system ends the lock with the process, however that ends: a file left behind locks nothing.
    Raises RunError if another process has it.
    """

    def __init__(self, path):
        self.path = path
        while True:
            self.handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                lock_file(self.handle)
            except (BlockingIOError, PermissionError):
                pid = os.read(self.handle, 20).decode(errors="replace").strip() or "of another user"
                os.close(self.handle)
                raise RunError(f"{path.parent}: process {pid} is working in it; wait for it or stop it") from None
            except OSError:
                pass  # a file system without locks: there is nothing to ask
            if self.is_there():
                break
            os.close(self.handle)  # whoever had it was just removing it
        with contextlib.suppress(OSError):  # a full disk shows where it matters
            os.ftruncate(self.handle, 0)
            os.write(self.handle, str(os.getpid()).encode())

    def is_there(self):
        """Whether the file that is locked still has its name, in a folder that still has its own."""
        try:
            return os.name != "posix" or os.path.samestat(os.fstat(self.handle), os.stat(self.path))
        except OSError:  # Windows, on the other hand, does not let go of an open file
            return False

    def release(self):
        """Remove the file, if it is there, and unlock it; in this order where the system allows it."""
        if os.name == "posix" and self.is_there():
            self.path.unlink(missing_ok=True)
        os.close(self.handle)
        if os.name != "posix":
            with contextlib.suppress(OSError):  # somebody has just opened it
                self.path.unlink(missing_ok=True)


def lock_file(handle):
    """Lock an open file or raise OSError, at once: BlockingIOError or PermissionError if another has it locked."""
    if os.name == "posix":
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        os.lseek(handle, 2**20, os.SEEK_SET)  # a byte far behind the process id, which others may then read
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)


def names(path):
    """The names in folder `path`, but for temporary files of ours."""
    return {p.name for p in path.iterdir() if not is_temporary(p.name)}


def is_temporary(name):
    match = TEMPORARY.fullmatch(name)
    return bool(match) and (match[1] in OURS or match[1].endswith(".png"))


def remove_temporaries(path):
    for folder in (path, path / "figures"):
        for leftover in folder.glob(".*.tmp"):
            if is_temporary(leftover.name):
                leftover.unlink(missing_ok=True)


# --- files --------------------------------------------------------------------------------------------------


def read_checkpoint(path, pruner):
    """{name: array} as `Run.save` wrote it, whole. Raises DamagedError."""
    largest = 64 * pruner.total + 1024 * pruner.total_epochs + 2**20  # twice what `pruner` would write
    arrays = read_arrays(path, DamagedError, largest)
    if not np.array_equal(arrays.pop("digest", None), digest(arrays)):
        raise DamagedError(f"{path}: damaged, its digest is not that of its arrays")
    if arrays["format"] != FORMAT:
        raise RunError(f"{path}: format version {arrays['format']}, this library reads version {FORMAT}")
    return arrays


def digest(arrays):
    """SHA-256 of a dict of arrays, with their names, types and shapes: (32,) uint8."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        total.update(array.reshape(-1).view(np.uint8))
    return np.frombuffer(total.digest(), np.uint8)


def fingerprints(pruner):
    """What a checkpoint belongs to, (2, 32) uint8: digests of method, seed and settings, and of the data set."""
    settings = json.dumps([pruner.method, pruner.seed, vars(pruner.settings)], sort_keys=True)
    arrays = {name: value for name, value in vars(pruner.dataset).items() if isinstance(value, np.ndarray)}
    return np.stack([digest({"settings": np.frombuffer(settings.encode(), np.uint8)}), digest(arrays)])


def rows(file):
    return csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")


def formatted(record):
    return {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in record.items()}


def summarise(pruner, network, records, model_bytes):
    """What there is to say of a finished run, as a dict. The test set is read here, and nowhere else."""
    d = pruner.dataset
    used = [len(u) for u in network.used_inputs()]
    test_scores = network.scores(d.test_x)
    summary = {
        "dataset": d.name,
        "task": d.task,
        "method": pruner.method,
        "seed": pruner.seed,
        "total": network.total,
        "budget": pruner.budget,
        "kept": network.count(),
        "kept_weights": sum(layer.kept_weights for layer in network.layers),
        "kept_biases": sum(layer.kept_biases for layer in network.layers),
        "density": network.density,
        "pixels": used[0],
        "units": used[1:],
        "dense_val_accuracy": [r["val_accuracy"] for r in records if r["phase"] == "dense"][-1],
        "val_accuracy": score(network.scores(d.val_x), d.val_y, d.task),
        "test_accuracy": score(test_scores, d.test_y, d.task),
        "epochs": pruner.total_epochs,
        "steps": pruner.step,
        "batch_size": pruner.settings.batch_size,
        "seconds": 0.0,
        "model_bytes": model_bytes,
    }
    if d.task == "regression":
        summary["test_r2"] = [float(v) for v in r_squared(test_scores, d.test_y)]
        summary["paths"] = network.reaches().astype(int).tolist()  # paths[i][j]: input i reaches output j
    return summary


def write_json(path, content):
    write_atomic(path, json.dumps(content, indent=2) + "\n")


def write_arrays(path, arrays):
    """A .npz file that NumPy reads without pickle."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_atomic(path, buffer.getvalue())


def environment(threads):
    """What the figures of a run depend on besides its arguments."""
    import llvmlite
    import numba

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "blas": f"{blas.get('name')} {blas.get('version')}",
        "system": platform.platform(),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "threads": threads,
    }


def cpu_name():
    try:
        match = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        return match[1] if match else platform.processor()
    except OSError:
        return platform.processor()
