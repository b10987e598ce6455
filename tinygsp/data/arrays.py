"""Make a Dataset of arrays that are already in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygsp.data.dataset import DataError, Dataset, pixel_mean_and_std
from tinygsp.data.limits import check_names, shown
from tinygsp.data.scaling import column_notes, column_scaling, fits_float32
from tinygsp.data.splits import validation_split

Pair = tuple[Any, Any]  # x and y, arrays or what NumPy makes arrays of
COARSE = 0.05  # of their spread: by how much float32 may round targets
LARGEST = 1e29  # of an input, well inside what float32 and a model file hold


def from_arrays(
    x: Any,
    y: Any,
    *,
    validation: Pair | None = None,
    test: Pair | None = None,
    names: Sequence[str] | None = None,
    input_names: Sequence[str] | None = None,
    split_seed: int = 0,
    name: str = "arrays",
) -> Dataset:
    """Check arrays and make a Dataset of them. The arrays may be lists or anything else that NumPy turns into arrays.

    x          : (n, features) numbers, or (n, rows, cols) uint8 images; uint8 stays as it is, all else becomes float32,
                 or float64 where float32 is too coarse
    y          : (n,) integers, texts or bools: classes; (n,) or (n, k) floats: a regression of one or k outputs
    validation : (x, y) alike; None sets a twelfth of the samples apart, chosen by split_seed
    test       : (x, y) alike; None leaves the test split out
    names      : one text a class, in sorted order of the classes, or one an output of a regression
    input_names: one text a feature, for formulas, figures and messages

    The distinct values of y, sorted, become the classes 0 to k - 1, and their texts the class names. Every column is
    scaled by itself, as `column_scaling` describes, but uint8 is taken for pixels, which are scaled alike. The notes of
    the Dataset name columns that are constant, which no network reads, or have very long tails.
    Raises DataError, one line that names the array.
    """
    inputs, input_shape = _inputs("x", x)
    targets = _targets("y", y, len(inputs))
    if len(inputs) < 2:
        raise DataError(f"x has {len(inputs)} sample; at least 2 are needed, to train and to validate")
    parts = {"train": (inputs, targets)}
    for part, pair in (("validation", validation), ("test", test)):
        if pair is not None:
            parts[part] = _pair(part, pair, input_shape, inputs.dtype, targets)
    parts, names = _encode(parts, names)
    inputs, targets = parts["train"]
    if validation is None:
        train, val = validation_split(len(inputs), split_seed)
        parts["train"], parts["validation"] = (inputs[train], targets[train]), (inputs[val], targets[val])

    if parts["train"][0].dtype == np.float64 and fits_float32(parts["train"][0]):
        parts = {part: (x.astype(np.float32), y) for part, (x, y) in parts.items()}
    names_of_inputs = () if input_names is None else tuple(map(str, input_names))
    scale = _scaling(parts["train"][0], names_of_inputs)
    return Dataset(
        name, *parts["train"], *parts["validation"], *parts.get("test", (None, None)),
        task="classification" if targets.ndim == 1 else "regression", n_out=len(names), class_names=names,
        input_shape=input_shape, input_names=names_of_inputs, **scale,
    )  # fmt: skip


def _scaling(x: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """How the inputs x (n, n_in) of the training split are scaled: fields of a Dataset."""
    if x.min() == x.max():
        raise DataError(f"x has the value {x.flat[0] + 0:g} everywhere; inputs that never vary say nothing of y")
    if x.dtype == np.uint8:
        mean, std = pixel_mean_and_std(x)
        return {"divisor": 255.0, "mean": mean, "std": std}
    mean, std, bent = column_scaling(x)
    if not any(std):
        raise DataError("x has no column that varies; inputs that never vary say nothing of y")
    notes = column_notes(mean, std, bent, names)
    return {"divisor": 1.0, "mean": mean, "std": std, "bent": bent, "notes": notes}


def _array(name: str, values: Any) -> np.ndarray:
    """`values` as an array; text in an array of objects, as pandas keeps it, becomes an array of text."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} is no array ({error}); every row must have the same length") from error
    if array.dtype == object and array.size and all(isinstance(value, str) for value in array.flat):
        array = array.astype(str)
    return array


def _inputs(name: str, values: Any) -> tuple[np.ndarray, tuple[int, ...]]:
    """(inputs, shape of one sample): inputs (n, n_in) uint8, float32 or float64, with n and n_in at least 1."""
    array = _array(name, values)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} is {array.dtype}; expected numbers: bool, integers or floats")
    if array.ndim == 3 and array.dtype != np.uint8:
        raise DataError(
            f"{name} has shape {array.shape} and is {array.dtype}; images are uint8, other inputs (n, features)"
        )
    if array.ndim not in (2, 3) or array.size == 0:
        raise DataError(f"{name} has shape {array.shape}; expected (n, features) or (n, rows, cols), none of them 0")
    shape = array.shape[1:]
    array = array.reshape(len(array), -1)
    if array.dtype != np.uint8:
        if not (np.abs(array.astype(np.float64)) < LARGEST).all():
            raise DataError(f"{name} has a nan, an inf or a number beyond {LARGEST:g}; every number must be finite")
        array = array.astype(np.float32 if array.dtype.itemsize <= 2 else np.promote_types(array.dtype, np.float32))
    return array, shape


def _targets(name: str, values: Any, n: int) -> np.ndarray:
    """Targets of n samples: (n, k) float32 for a regression, else (n,) labels as they came."""
    array = _array(name, values)
    if array.dtype.kind == "f":
        if array.ndim not in (1, 2) or len(array) != n or array.size == 0:
            raise DataError(f"{name} has shape {array.shape}; expected ({n},) or ({n}, outputs), one row a sample of x")
        with np.errstate(over="ignore"):  # what overflows becomes inf and is refused
            exact, array = array.reshape(n, -1), array.reshape(n, -1).astype(np.float32)
        if not np.isfinite(array).all():
            raise DataError(f"{name} has a nan or inf; every number must be finite")
        _check_resolution(name, exact.astype(np.float64), array)
        return array
    if array.dtype.kind not in "biuU":
        raise DataError(f"{name} is {array.dtype}; expected classes (integers, texts or bools) or floats")
    if array.shape != (n,):
        raise DataError(f"{name} has shape {array.shape}; expected ({n},), one class a sample of x")
    return array


def _check_resolution(name: str, exact: np.ndarray, array: np.ndarray) -> None:
    """Raise DataError where float32 blurs the differences between targets, float64 and float32, both (n, k)."""
    spread, error = exact.std(axis=0), np.abs(exact - array).max(axis=0)
    blurred = np.flatnonzero((exact != exact[0]).any(axis=0) & (error > COARSE * spread))
    if len(blurred):
        y = exact[:, blurred[0]]
        raise DataError(
            f"{name} has numbers near {y[0]:.4g} that differ by at most {np.ptp(y):.2g}, too little for float32, in "
            "which a network computes; subtract a constant or take another unit"
        )


def _pair(part: str, pair: Pair, shape: tuple[int, ...], dtype: np.dtype, targets: np.ndarray) -> Pair:
    """The checked (inputs, targets) of a split that was given, as those of the training split are."""
    try:
        x, y = pair
    except (TypeError, ValueError) as error:
        raise DataError(f"{part} is {type(pair).__name__}; expected a pair (x, y)") from error
    inputs, found = _inputs(f"{part} x", x)
    if found != shape:
        raise DataError(f"{part} x has samples of shape {found}; those of x have {shape}")
    if (inputs.dtype == np.uint8) != (dtype == np.uint8):
        raise DataError(f"{part} x would be {inputs.dtype} and x {dtype}; both must be uint8, or neither")
    own = _targets(f"{part} y", y, len(inputs))
    if own.ndim != targets.ndim or (own.ndim == 2 and own.shape[1] != targets.shape[1]):
        raise DataError(f"{part} y has other outputs than y: shape {own.shape}, of y {targets.shape}")
    return inputs, own


def _encode(parts: dict[str, Pair], names: Sequence[str] | None) -> tuple[dict[str, Pair], tuple[str, ...]]:
    """Labels become 0 to k - 1 in every split. Returns (splits, one name an output)."""
    targets = parts["train"][1]
    if targets.ndim == 2:
        k = targets.shape[1]
        own = tuple(f"y{j + 1}" for j in range(k)) if k > 1 else ("y",)
        return parts, _names(names, own)
    classes = np.unique(targets)
    if len(classes) < 2:
        raise DataError(f"y has one class, {shown(str(classes[0]))}; at least 2 classes are needed")
    encoded = {}
    for part, (x, y) in parts.items():
        if y.dtype.kind != classes.dtype.kind and "U" in (y.dtype.kind, classes.dtype.kind):
            raise DataError(f"{part} y is {y.dtype} and y {classes.dtype}; labels must be of one kind")
        known = np.isin(y, classes)
        if not known.all():
            raise DataError(f"{part} y has the label {shown(str(y[~known][0]))}, which is not in y")
        encoded[part] = x, np.searchsorted(classes, y).astype(np.int64)
    return encoded, _names(names, tuple(str(value) for value in classes.tolist()))


def _names(names: Sequence[str] | None, own: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the outputs: those that were given, else `own`; checked, as a model file holds them."""
    names = own if names is None else tuple(names)
    if len(names) != len(own) or not all(isinstance(text, str) for text in names):
        raise DataError(f"names are {shown(names)}; expected {len(own)} texts, for {shown(own)}")
    check_names(names, len(names), DataError)
    return names
