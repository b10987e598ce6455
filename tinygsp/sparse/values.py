"""Take in what a user calls predict with: arrays, lists, one sample or many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygsp.data.limits import shown

KINDS = {"b": "bools", "u": "whole numbers", "i": "whole numbers", "f": "floats"}  # kinds of NumPy's types


def as_values(values: Any, n_in: int, input_shape: Sequence[int] = ()) -> tuple[np.ndarray, bool]:
    """Turn inputs into an array (n, n_in) of numbers. Returns it, and whether `values` is one sample alone.

    values : (n, n_in), (n_in,), (n, *input_shape) or input_shape: an array, lists, or anything that NumPy makes an
             array of; bools, whole numbers or floats

    Where (n, n_in) and `input_shape` are the same, it is (n, n_in). Raises ValueError.
    """
    expected = f"(n, {n_in}) or ({n_in},)"
    if len(input_shape) > 1:
        sizes = ", ".join(map(str, input_shape))
        expected = f"(n, {n_in}), (n, {sizes}), or one sample of them"
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:  # lists of different lengths
        raise ValueError(f"values cannot be made an array ({error}); expected numbers of shape {expected}") from error
    if array.dtype.kind not in KINDS:
        what = f", such as {shown(array.reshape(-1)[:1].tolist()[0])}" if array.size else ""
        raise ValueError(f"values has type {array.dtype}{what}; expected bools, whole numbers or floats")
    if array.ndim == 2 and array.shape[1] == n_in:
        return array, False
    shape, inner = array.shape, tuple(input_shape)
    if shape in ((n_in,), inner):
        return array.reshape(1, n_in), True
    if inner and shape[1:] == inner:
        return array.reshape(-1, n_in) if len(array) else np.empty((0, n_in), array.dtype), False
    raise ValueError(f"values has shape {shape}; expected {expected}")


def check_finite(scores: np.ndarray, read: Callable[[int], np.ndarray]) -> np.ndarray:
    """The scores, (n, n_out) or of one sample (n_out,), unless one is not finite: then ValueError says whose and why.

    read : gives what the network reads of a sample, by its number, as float32
    """
    is_finite = np.isfinite(scores)
    if is_finite.all():
        return scores
    sample = int(is_finite.all(axis=-1).argmin()) if scores.ndim > 1 else 0
    if np.isfinite(read(sample)).all():
        raise ValueError(
            f"the scores of sample {sample} are too large for float32, although its inputs are finite: the weights of "
            "this network are too large for them"
        )
    raise ValueError(
        f"sample {sample} has a nan, an inf or a number too large for float32 among the inputs that the network "
        "reads; every one must be a finite number"
    )
