"""Limits: how large a data set and a network for it may be, and which numbers and names they may have.

The limits are far above what is trained here, and low enough that no file of a few kilobytes makes a program take
gigabytes. A Dataset is checked when it is made and a model file when it is read, by the same functions, so that what
was trained can also be saved.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

MAX_UNITS = 2**18  # inputs, hidden units and outputs together
MAX_LAYERS = 64
MAX_OUTPUTS = 2**12
MAX_PAIRS = 2**24  # inputs times outputs: what looks at every input for every output has so many numbers
MAX_NAME = 200  # letters of the name of one class
MAX_NAMES = 2**16  # letters of the names of all classes together
MAX_DATASET = 2**12  # letters of the name of a data set, which may be a path
MAX_META_BYTES = 2**22  # of what a model file says of its data, as JSON: names and scales of fifty thousand inputs
LARGEST, SMALLEST = 1e30, 1e-30  # of the numbers that scale an input
TASKS = ("classification", "regression")


def shown(value: Any) -> str:
    """Write a value in an error line: as `repr` does, but of anything long or nested only the beginning."""
    text = reprlib.repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def plain(value: Any) -> Any:
    """Turn scalars of NumPy into numbers or texts of Python, and a list, tuple or array of them into a tuple.

    np.float32(0.5) becomes 0.5, np.array(["a", "b"]) becomes ("a", "b"); anything else stays as it is.
    """
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        return tuple(map(plain, value))
    return value.item() if isinstance(value, (np.generic, np.ndarray)) else value


def is_number(value: Any) -> bool:
    """Whether a value is an int or a float of Python, finite and not larger than LARGEST."""
    return type(value) in (int, float) and abs(value) < LARGEST  # false for NaN


def is_scale(value: Any) -> bool:
    """Whether a value is a number that an input can be divided by."""
    return is_number(value) and value > SMALLEST


def check_sizes(sizes: Sequence[int], error: type[Exception]) -> None:
    """Raise `error` if the levels of a network, from the inputs to the outputs, are too many or too large."""
    if len(sizes) > MAX_LAYERS + 1:
        raise error(f"{len(sizes) - 1} layers; at most {MAX_LAYERS} are allowed")
    if sum(sizes) > MAX_UNITS:
        raise error(f"{sum(sizes):,} inputs, units and outputs together; at most {MAX_UNITS:,} are allowed")
    if sizes[-1] > MAX_OUTPUTS:
        raise error(f"{sizes[-1]:,} outputs; at most {MAX_OUTPUTS:,} are allowed")
    if sizes[0] * sizes[-1] > MAX_PAIRS:
        raise error(f"{sizes[0]:,} inputs times {sizes[-1]:,} outputs; at most {MAX_PAIRS:,} pairs are allowed")


def check_names(names: Sequence[str], n_out: int, error: type[Exception]) -> None:
    """Raise `error` unless there is one printable text of moderate length for each of n_out outputs."""
    if len(names) != n_out:
        raise error(f"{len(names)} class names for {n_out} outputs; each output needs one")
    for name in names:
        if not isinstance(name, str):
            raise error(f"the class name {shown(name)} is {type(name).__name__}; expected a text")
        if not name.isprintable():
            raise error(f"the class name {shown(name)} cannot be printed; give it another name")
        if len(name) > MAX_NAME:
            raise error(f"the class name {shown(name)} has {len(name)} letters; at most {MAX_NAME} are allowed")
    if sum(map(len, names)) > MAX_NAMES:
        raise error(f"the class names have {sum(map(len, names))} letters; at most {MAX_NAMES} are allowed in all")


def check_description(fields: Mapping[str, Any], n_in: int, error: type[Exception]) -> None:
    """Raise `error` if what a model file has to say of a data set, as JSON, is too long for it."""
    size = len(json.dumps(fields)) + 2**10  # the rest of what the file says
    if size > MAX_META_BYTES:
        raise error(
            f"names and scales of {n_in:,} inputs take {size:,} bytes in a model file; at most {MAX_META_BYTES:,} are "
            "allowed: leave columns out, or shorten their names"
        )


def check_input_shape(shape: Sequence[int], n_in: int, error: type[Exception]) -> None:
    """Raise `error` unless `shape` has one to three sizes, each at least 1, whose product is n_in."""
    if not 1 <= len(shape) <= 3 or min(shape) < 1 or math.prod(shape) != n_in:
        raise error(f"input_shape is {shown(shape)} for {n_in} inputs; expected sizes whose product is {n_in}")
