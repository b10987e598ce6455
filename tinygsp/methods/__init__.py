"""Methods of pruning: one file each. The name of the file is the name of the method.

To add a method, add a file here whose `method` is an instance of a subclass of `training.Method`; the command line, the
sweep and the figures find it. A file whose name begins with an underscore holds what several methods use.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinygsp.training import Method

DEFAULT = "gates"  # the project's own; the others are compared with it


def names() -> tuple[str, ...]:
    """The names of all methods, in alphabetical order; imports none of them."""
    return tuple(sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_")))


def find(name: str) -> Method:
    """The method of this name. Raises SettingsError where there is none."""
    if name not in names():
        from tinygsp.training import SettingsError

        raise SettingsError(f"method {str(name)[:100]!r} is unknown; known are {', '.join(names())}")
    return import_module(f"tinygsp.methods.{name}").method
