"""Where the data set of a run is: what config.json keeps about it, and how it is found when the run has moved.

A data set with a name, such as mnist, needs nothing. Of a path, config.json has `data` as it was typed, `data_path`,
relative to the run folder unless it was typed as an absolute path, and `data_digest`, the SHA-256 of its arrays. So
run and data may be moved together; if only one was, `--data PATH` says where the data set is now. The other files that
a data set is read from, such as the one of `--test`, have a path of this kind as well: `test_path` and so on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygsp import data
from tinygsp.data.limits import shown
from tinygsp.data.sources import NAMES
from tinygsp.runs.checkpoint import data_digest
from tinygsp.runs.errors import RunError

if TYPE_CHECKING:
    from tinygsp.data import Dataset


def read_config(run: Path) -> dict:
    """Read config.json of a finished run: a dict with at least "data", a name, and "seed", a number.

    Raises RunError if the folder is not one of a finished run, or the file is damaged.
    """
    path = run / "config.json"
    if not run.is_dir():
        raise RunError(f"{run}: {'is no folder' if run.exists() else 'does not exist'}; name a run folder")
    if not path.is_file():
        raise RunError(f"{run}: holds no config.json, so it is no run folder; python -m tinygsp.train makes one")
    if not (run / "model.npz").is_file():
        raise RunError(f"{run}: holds no model.npz; the run did not finish")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        is_good = isinstance(config["data"], str) and type(config["seed"]) is int and config["seed"] >= 0
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path}: damaged ({error!r}); expected JSON with data and seed") from error
    if not is_good:
        raise RunError(
            f"{path}: data {shown(config['data'])}, seed {shown(config['seed'])}; expected a name and a number"
        )
    return config


def source_entries(
    name: str, path: str | Path, run: Path, dataset: Dataset, options: data.ReadOptions | None = None
) -> dict[str, str]:
    """What config.json keeps of a data set besides its name: data_path and data_digest; of a named one nothing.

    name    : as it was typed when the run began;  path : where it is now;  run : the run folder
    options : how it is read; of the paths among them, there are test_path and so on
    """
    if name in NAMES:
        return {}
    others = options.paths(name) if options else {}
    entries = {f"{option}_path": path_from(run, other) for option, other in others.items()}
    return {"data_path": path_from(run, path), **entries, "data_digest": data_digest(dataset).tobytes().hex()}


def path_from(run: Path, path: str | Path) -> str:
    """A path as config.json keeps it: relative to the run folder, unless it is an absolute one."""
    if os.path.isabs(path):
        return os.fspath(path)
    try:
        return Path(os.path.relpath(Path(path).resolve(), run.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return str(Path(path).resolve())


def load_source(config: Mapping[str, Any], run: Path, moved_to: Path | None = None) -> Dataset:
    """Load the data set of the run in folder `run`, and check that it is the one that the run began with.

    config   : dict   its config.json, with at least `data`, a text, and `seed`
    moved_to : Path   where the data set is now; None looks where config.json says

    Runs of 0.1 kept no digest, so theirs is not checked. Raises DataError if the data set cannot be read, RunError if
    it is another one.
    """
    name, where = config["data"], run / "config.json"
    if name in NAMES and moved_to is not None:
        raise RunError(
            f"--data {moved_to}: the data set of {run} is {name}, which comes with tinygsp; leave --data out"
        )
    path = name if name in NAMES else source_path(config, run) if moved_to is None else os.fspath(moved_to)
    if name not in NAMES and not os.path.exists(path):
        what = f"--data {path}: is not there" if moved_to else f"{path}: the data set of the run is not there"
        raise data.DataError(f"{what}; name its place with --data PATH")
    try:
        dataset = data.load(path, config["seed"], options=source_options(config, run, moved_to))
    except data.DataError as error:
        raise data.DataError(f"{where}: the data set of the run: {error}") from error
    if name not in NAMES and "data_digest" in config and config["data_digest"] != data_digest(dataset).tobytes().hex():
        raise RunError(
            f"{path}: not the data set of the run, its digest is another; put that back, or name it with --data PATH"
        )
    return replace(dataset, name=name)


def source_options(config: Mapping[str, Any], run: Path, moved_to: Path | None = None) -> data.ReadOptions:
    """How the data set of a run is read, with its other files where they are now.

    If the data set was moved, and one of these is no longer at its place, it is looked for beside the data set, as it
    was before. Raises RunError if config.json is damaged.
    """
    try:
        options = data.ReadOptions.of(config)
    except TypeError as error:
        raise RunError(f"{run / 'config.json'}: damaged, {error}") from error
    found = {}
    for option, path in options.paths(config["data"]).items():
        kept = config.get(f"{option}_path")
        if kept is not None:  # else a run that began before there were such entries
            if not isinstance(kept, str):
                raise RunError(f"{run / 'config.json'}: damaged, {option}_path is {shown(kept)}; expected a path")
            path = os.path.normpath(run.resolve() / kept)
        if moved_to is not None and not os.path.exists(path):
            beside = os.path.relpath(path, Path(source_path(config, run)).parent)
            path = os.path.normpath(moved_to.parent / beside)
        found[option] = path if moved_to is None or moved_to.is_absolute() else os.path.relpath(path)
    return replace(options, **found)


def source_path(config: Mapping[str, Any], run: Path) -> str:
    """The path of the data set of a run, where config.json has it. Raises RunError if config.json is damaged."""
    kept = config.get("data_path")
    if kept is None:  # a run of 0.1: as it was typed, seen from the working directory
        return config["data"]
    if not isinstance(kept, str):
        raise RunError(f"{run / 'config.json'}: damaged, data_path is {shown(kept)}; expected a path")
    return os.path.normpath(run.resolve() / kept)
