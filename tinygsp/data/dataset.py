"""Dataset: the arrays of one problem, and the error that every reader of data raises.

A Dataset holds training, validation and test arrays and the scaling of the input. It checks its arrays when it is
made, because compiled loops read every label and every shape without checking. `sources.py`, `toy_problem.py` and
`arrays.py` make Datasets. Read `training/inputs.py` next: it scales the batches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinygsp.data.columns import check_columns
from tinygsp.data.files import CHUNK
from tinygsp.data.limits import (
    MAX_DATASET,
    TASKS,
    check_description,
    check_input_shape,
    check_names,
    check_sizes,
    is_scale,
    plain,
    shown,
)
from tinygsp.data.scaling import check_input_names, check_scaling, scaled

PLAIN = (
    "name", "task", "n_out", "divisor", "mean", "std", "class_names", "input_shape", "input_names", "bent", "columns",
    "notes",
)  # fmt: skip


class DataError(ValueError):
    """A data set that is missing, damaged or inconsistent. The message is one line: what is wrong, what is right."""


@dataclass(frozen=True, eq=False)  # eq=False: comparing two arrays gives an array, not a yes or no
class Dataset:
    """Three splits of one problem. The input of a network is x = (value / divisor - mean) / std; see `scaled`.

    x of images : (n, rows * cols) uint8      y of a classification : (n,) int64
    x otherwise : (n, n_in) float32, or float64 where that is too coarse
                                              y of a regression     : (n, n_out) float32

    test_x and test_y may be None: nothing can be tested then. Numbers and texts may be those of NumPy. Raises
    DataError, one line, if something is not as it should be or does not fit the rest.
    """

    name: str  # as given to `load`
    train_x: np.ndarray
    train_y: np.ndarray
    val_x: np.ndarray
    val_y: np.ndarray
    test_x: np.ndarray | None
    test_y: np.ndarray | None
    task: str  # "classification" or "regression"
    n_out: int
    class_names: tuple[str, ...]  # one per output
    input_shape: tuple[int, ...]  # (28, 28) for MNIST
    divisor: float
    mean: float | tuple[float, ...]  # of all inputs, or one a column
    std: float | tuple[float, ...]  # alike; 0 marks a constant column, which a network leaves out
    input_names: tuple[str, ...] = ()  # one an input, or none
    bent: tuple[int, ...] = ()  # columns with very long tails, scaled as in `column_scaling`
    columns: tuple[tuple, ...] = ()  # `columns.Feature` of the columns that are not just one input
    notes: tuple[str, ...] = ()  # what the user should know of how the data was read, a line each

    def __post_init__(self) -> None:
        for name in PLAIN:
            object.__setattr__(self, name, plain(getattr(self, name)))  # the way to set a field of a frozen class
        check_fields(self)
        for part in ("train", "val", "test"):
            x, y = getattr(self, part + "_x"), getattr(self, part + "_y")
            if part != "test" or x is not None or y is not None:
                check_split(part, x, y, self)
        check_sizes((self.n_in, self.n_out), DataError)
        check_input_shape(self.input_shape, self.n_in, DataError)
        check_names(self.class_names, self.n_out, DataError)
        check_scaling(self, self.n_in, DataError)
        check_input_names(self.input_names, self.n_in, DataError)
        check_columns(self.columns, self.input_names, DataError)
        check_description({name: getattr(self, name) for name in PLAIN if name != "notes"}, self.n_in, DataError)

    @property
    def n_in(self) -> int:
        """Inputs of a sample."""
        return self.train_x.shape[1]

    def scaled(self, values: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        """Scale raw values (n, k) of these columns, or of all, to what a network reads: float32, same shape."""
        return scaled(values, self, columns).astype(np.float32)


def check_fields(dataset: Dataset) -> None:
    """Raise a DataError unless every field that is no array is of the right kind."""
    for name, expected, is_right in (
        ("name", f"a text of at most {MAX_DATASET} letters", lambda v: isinstance(v, str) and len(v) <= MAX_DATASET),
        ("task", " or ".join(TASKS), lambda v: v in TASKS),
        ("n_out", "a whole number above 0", lambda v: type(v) is int and v > 0),
        ("divisor", "a number above 0", is_scale),
        ("class_names", "a tuple of texts", lambda v: isinstance(v, tuple)),
        ("input_shape", "a tuple of whole numbers", lambda v: isinstance(v, tuple) and all(type(s) is int for s in v)),
    ):
        value = getattr(dataset, name)
        if not is_right(value):
            raise DataError(f"{name} is {shown(value)}; expected {expected}")


def check_split(part: str, x: np.ndarray, y: np.ndarray, dataset: Dataset) -> None:
    """Raise a DataError unless x and y are what Dataset promises of the split `part`: "train", "val" or "test"."""
    for name, array in ((f"{part}_x", x), (f"{part}_y", y)):
        if not isinstance(array, np.ndarray):
            raise DataError(f"{name} is {type(array).__name__}; expected an array")
    if dataset.train_x.ndim != 2:
        raise DataError(f"train_x has shape {dataset.train_x.shape}; expected (n, inputs)")
    classes = dataset.task == "classification"
    if x.ndim != 2 or x.shape[1] != dataset.n_in or len(x) == 0:
        raise DataError(f"{part}_x has shape {x.shape}; expected (n, {dataset.n_in}), n at least 1")
    if y.shape != ((len(x),) if classes else (len(x), dataset.n_out)):
        expected = f"({len(x)},)" if classes else f"({len(x)}, {dataset.n_out})"
        raise DataError(f"{part}_y has shape {y.shape}; expected {expected}")
    for name, array in ((f"{part}_x", x), (f"{part}_y", y)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"{name} has a nan or inf; every number must be finite")
    if classes and (y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= dataset.n_out):
        raise DataError(
            f"{part}_y is {y.dtype} from {y.min()} to {y.max()}; "
            f"labels of {dataset.n_out} classes are integers from 0 to {dataset.n_out - 1}"
        )


def pixel_mean_and_std(pixels: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of pixels / 255, from a count of each of the 256 values.

    Three integer sums, S_k = sum of value**k, are exact in any order, so every machine gets the same bits:

        mean = S1 / S0        std = sqrt(S0 * S2 - S1**2) / S0        (a std of 0, one value only, becomes 1)

    pixels : uint8, any shape
    """
    flat = pixels.reshape(-1)
    # Piece by piece, because bincount widens every byte to eight.
    counts = sum(np.bincount(flat[i : i + CHUNK], minlength=256) for i in range(0, flat.size, CHUNK))
    values = np.arange(256, dtype=np.int64)
    s0, s1, s2 = (int(counts @ values**power) for power in range(3))
    return s1 / s0 / 255, math.sqrt(s0 * s2 - s1**2) / s0 / 255 or 1.0
