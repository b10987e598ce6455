"""Run folders: what a run writes, where, and how it is read back.

A folder holds config.json (every resolved argument), env.json (versions, CPU, BLAS, threads), metrics.csv (a row an
epoch), gates.npz (the gate histogram of each epoch), checkpoint.npz (the state to go on from), model.npz,
figures/*.png and summary.json. Every file is written whole or not at all.
"""

import csv
import io
import json
import os
import platform
import re
import shutil
from pathlib import Path

import numpy as np

from tinygsp.files import write_atomic

COLUMNS = ("epoch", "phase", "loss", "val_accuracy", "open_gates", "density", "price", "noise", "seconds")
OURS = ("config.json", "env.json", "metrics.csv", "gates.npz", "checkpoint.npz", "model.npz", "summary.json", "figures")


class RunError(Exception):
    """A run folder that cannot be used; one line says what and what would be right."""


def create(path, force=False):
    """Make the run folder `path`. One that exists must be empty, or a run and `force`: then its files go.

    Raises RunError. A folder that holds anything but a run's own files is never emptied.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_dir():
            raise RunError(f"--out {path}: is a file; name a folder")
        path.mkdir(parents=True, exist_ok=True)
        found = sorted(p.name for p in path.iterdir())
        if found and not force:
            raise RunError(f"--out {path}: exists and is not empty; choose another, or --force to replace the run")
        if strange := [name for name in found if name not in OURS]:
            raise RunError(f"--out {path}: holds {strange[0]}, which no run writes; --force will not delete it")
        write_atomic(path / "config.json", "{}\n")  # can it be written at all? asked before anything is deleted
        for name in found:
            if (path / name).is_dir():
                shutil.rmtree(path / name)
            elif name != "config.json":
                (path / name).unlink()
    except OSError as error:
        raise RunError(f"--out {path}: cannot be written ({error.strerror or error}); choose another folder") from error
    return path


def write_json(path, content):
    write_atomic(path, json.dumps(content, indent=2) + "\n")


class Metrics:
    """metrics.csv: a header, then a row an epoch, flushed as it comes."""

    def __init__(self, path):
        self.file = open(path, "w", newline="", encoding="utf-8")
        self.writer = csv.DictWriter(self.file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        self.writer.writeheader()

    def add(self, record):
        self.writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in record.items()})
        self.file.flush()

    def close(self):
        self.file.close()


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
