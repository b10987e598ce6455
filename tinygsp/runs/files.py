"""The files of a run folder: their names, the temporary ones, and how they are written.

Every temporary file that the library makes in a run folder is known here, so that one left by a killed process is
recognised and removed instead of being taken for somebody's work.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinygsp.data.files import sync_folder, write_atomic
from tinygsp.runs.lock import Lock

FIGURES = "figures"
LOCK, CHECKPOINT, PREVIOUS, NEXT = "run.lock", "checkpoint.npz", "checkpoint.previous.npz", "checkpoint.next.npz"
NAMES = {  # all that a run folder may hold; the last two are written by explain
    "config.json", "env.json", "metrics.csv", "gates.npz", "wiring.npz", "model.npz", FIGURES, "summary.json",
    LOCK, CHECKPOINT, PREVIOUS, NEXT, "interpretation.json", "explorer.html",
}  # fmt: skip
PICTURES = (".png", ".svg")  # how the names of figures end
TEMPORARY = re.compile(r"\.(.+)\.\d+\.tmp")  # the file of write_atomic until it is whole; group 1 is its final name
STAGING = ".explain-"  # how the name of the temporary folder of write_together begins


def names(path: Path) -> set[str]:
    """Return the names in folder `path`, without the temporary ones of this library."""
    return {p.name for p in path.iterdir() if not is_temporary(p.name)}


def is_temporary(name: str) -> bool:
    """Return whether this library gives such a name to a temporary file or folder in a run folder."""
    match = TEMPORARY.fullmatch(name)
    return name.startswith(STAGING) or (bool(match) and (match[1] in NAMES or match[1].endswith(PICTURES)))


def remove_temporaries(path: Path) -> None:
    """Remove what killed processes have left in a run folder; whoever calls this has the folder locked."""
    folders = [path] if (path / FIGURES).is_symlink() else [path, path / FIGURES]
    for folder in folders:
        for leftover in [*folder.glob(".*.tmp"), *folder.glob(f"{STAGING}*")]:
            if leftover.name.startswith(STAGING) and leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover)
            elif is_temporary(leftover.name):
                leftover.unlink(missing_ok=True)


def find_strange(path: Path) -> str:
    """Return what no run writes in folder `path`: "" if there is nothing of that kind, else its name and what it is."""
    for name in sorted(names(path)):
        entry = path / name
        if name not in NAMES:
            return name
        if name != FIGURES:
            if entry.is_dir() and not entry.is_symlink():
                return f"{name}, a folder"
        elif entry.is_symlink() or not entry.is_dir():
            return f"{name}, a {'link' if entry.is_symlink() else 'file'}"
        elif others := sorted(n for n in names(entry) if not n.endswith(PICTURES) or (entry / n).is_dir()):
            return f"{name}/{others[0]}"
    return ""


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all."""
    write_atomic(path, json.dumps(content, indent=2) + "\n")


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a .npz file that NumPy reads without pickle, whole or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_atomic(path, buffer.getvalue())


def write_together(path: Path, files: Mapping[str, bytes | str]) -> None:
    """Write several files into the run folder `path`, all of them or none.

    files : {name: content}   a name may have a folder before it, as "figures/kept.png"

    They are written into a temporary folder first; when all are whole, each takes its name. The run folder is locked
    meanwhile. Raises RunError if another process works in it, and OSError.
    """
    lock = Lock(path / LOCK)
    try:
        remove_temporaries(path)
        with tempfile.TemporaryDirectory(prefix=STAGING, dir=path) as staging:
            for number, content in enumerate(files.values()):
                write_atomic(Path(staging) / str(number), content)
            folders = {(path / name).parent for name in files}
            for folder in folders:
                folder.mkdir(exist_ok=True)
            for number, name in enumerate(files):
                os.replace(Path(staging) / str(number), path / name)
            for folder in folders:
                sync_folder(folder)
    finally:
        lock.release()
