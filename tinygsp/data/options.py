"""What can be said of how a data set is to be read, beside its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file or folder. The defaults leave everything to what is found there."""

    target: str | None = None  # of a table: the column to predict; of x.npy: the file of y
    task: str | None = None  # "classification" or "regression", if what is found should not decide
    test: str | None = None  # a file like the first, to test with; without one, a part of the first is set apart
    missing: str | None = None  # "median": fill in missing numbers; otherwise they are an error
    categories: tuple[str, ...] = ()  # columns of a table to take as categories, though they look like numbers
    drop: tuple[str, ...] = ()  # columns of a table to leave out
    encoding: str | None = None  # of a text file that is not UTF-8
    transpose: bool = False  # exchange rows and columns of images
    class_names: str | None = None  # a text file with a name for each class of images

    def given(self) -> dict[str, Any]:
        """Those that differ from the default: {name: value}."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}

    def paths(self, data: str | os.PathLike) -> dict[str, str]:
        """Those that are paths, if `data` is read: {name: path}."""
        names = ["test", "class_names"] + ["target"] * (os.path.splitext(data)[1].lower() == ".npy")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def with_paths(self, data: str | os.PathLike, change: Callable[[str], str]) -> ReadOptions:
        """The same with other paths, for `data`."""
        return replace(self, **{name: change(path) for name, path in self.paths(data).items()})

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> ReadOptions:
        """Take those that a dict, such as a config.json, has under their names. Raises TypeError for other values."""
        found = {f.name: config[f.name] for f in fields(cls) if config.get(f.name) is not None}
        for name, value in found.items():
            if isinstance(value, list):
                found[name] = value = tuple(value)
            kind = type(getattr(cls, name)) if getattr(cls, name) is not None else str
            if type(value) is not kind or (kind is tuple and not all(isinstance(part, str) for part in value)):
                raise TypeError(f"{name} is {value!r}; expected a value of type {kind.__name__}")
        return cls(**found)
