"""Scale the inputs of a network: all alike, as pixels are, or each column by itself, as those of a table are.

`column_scaling` looks at the training samples, `scaled` does the work wherever a network meets raw values. A Dataset
and the Meta of a model file both carry what it takes: divisor, mean, std and bent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from tinygsp.data.limits import MAX_NAME, is_number, is_scale, shown

MAX_INPUT_NAMES = 2**20  # letters of the names of all inputs together
LONG_TAIL = 20.0  # spreads from the median to the farthest value; normal numbers reach 5, exponential ones some 15
WITHIN = 3.29  # standard deviations between the 5 % and 95 % quantiles of normal numbers


class Scaling(Protocol):
    """What says how inputs are scaled: a Dataset, or the Meta of a network."""

    divisor: float
    mean: float | tuple[float, ...]  # of all inputs, or one a column
    std: float | tuple[float, ...]  # alike; 0 marks a column that is constant
    bent: tuple[int, ...]  # the columns with very long tails


def scaled(values: np.ndarray, scaling: Scaling, columns: np.ndarray | None = None) -> np.ndarray:
    """Scale raw values, (n, k) or (k,): float64 of the same shape.

        x = (value / divisor - mean) / std,  0 where std is 0,  and asinh of that in the columns of `bent`

    columns : (k,) int   which inputs the values are; None stands for all
    """
    x = np.asarray(values, np.float64) / scaling.divisor
    if not is_columnwise(scaling):
        return (x - scaling.mean) / scaling.std
    columns = np.arange(x.shape[-1]) if columns is None else columns
    mean, std = (np.array(numbers, np.float64)[columns] for numbers in (scaling.mean, scaling.std))
    x = (x - mean) * np.divide(1, std, out=np.zeros_like(std), where=std > 0)
    is_bent = np.isin(columns, scaling.bent)
    x[..., is_bent] = np.arcsinh(x[..., is_bent])
    return x


def is_columnwise(scaling: Scaling) -> bool:
    """Whether each column has a scale of its own."""
    return isinstance(scaling.std, tuple)


def column_scaling(x: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...], tuple[int, ...]]:
    """Find mean and standard deviation of every column of x (n, n_in), and the columns with very long tails.

    A column whose values are all equal has the standard deviation 0. A column is bent, which means scaled by
    asinh((value - median) / spread), if a value lies more than LONG_TAIL spreads from the median, where the spread is
    (95 % quantile - 5 % quantile) / WITHIN: near the median that is a line, far from it a logarithm, so that a few
    huge values neither flatten the others nor make the training diverge. Its mean and std are median and spread.

    Returns (means, standard deviations, bent columns).
    """
    means, stds, bent = [], [], []
    for j in range(x.shape[1]):
        column = x[:, j].astype(np.float64)
        low, high = column.min(), column.max()
        mean, std = column.mean(), column.std()
        std = std if high > low and is_scale(float(std)) else 0.0
        q05, median, q95 = np.quantile(column, (0.05, 0.5, 0.95))
        spread = (q95 - q05) / WITHIN
        if spread > 0 and max(high - median, median - low) > LONG_TAIL * spread:
            mean, std = median, spread
            bent.append(j)
        means.append(float(low if std == 0 else mean))
        stds.append(float(std))
    return tuple(means), tuple(stds), tuple(bent)


def fits_float32(x: np.ndarray) -> bool:
    """Whether float32 keeps the differences within every column of x (n, n_in) float64 to a ten-thousandth.

    It does not where numbers are large and close together, such as the seconds of a clock since 1970.
    """
    error = np.abs(x - x.astype(np.float32)).max(axis=0)
    return bool((error <= 1e-4 * x.std(axis=0)).all())


def column_notes(
    mean: Sequence[float], std: Sequence[float], bent: Sequence[int], names: Sequence[str]
) -> tuple[str, ...]:
    """What a user should know of the columns: which are constant, and which have very long tails; a line each.

    names : of the columns; where there are none they are x1, x2, ...
    """
    names = names or [f"x{j + 1}" for j in range(len(std))]
    constant = [names[j] for j, s in enumerate(std) if s == 0]
    notes = []
    if constant:
        notes.append(f"{listed(constant)}: constant, left out")
    if bent:
        notes.append(f"{listed([names[j] for j in bent])}: very long tails, scaled by asinh instead of along a line")
    return tuple(notes)


def listed(names: Sequence[str], most: int = 5) -> str:
    """Write names for a message: "column 'a'", "columns 'a', 'b' and 3 more"."""
    shown_names = ", ".join(map(repr, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")
    return f"column{'s' * (len(names) > 1)} {shown_names}"


# --- checks -------------------------------------------------------------------------------------------------


def check_scaling(scaling: Scaling, n_in: int, error: type[Exception]) -> None:
    """Raise `error` unless mean, std and bent are numbers of the right kind, for all inputs or for each of n_in."""
    mean, std, bent = scaling.mean, scaling.std, scaling.bent
    if not (is_columnwise(scaling) or isinstance(mean, tuple)):
        for name, value, is_right, expected in (
            ("mean", mean, is_number, "a finite number"),
            ("std", std, is_scale, "a number above 0"),
        ):
            if not is_right(value):
                raise error(f"{name} is {shown(value)}; expected {expected}, or one for each of {n_in} inputs")
    else:
        for name, values, is_right, expected in (
            ("mean", mean, is_number, "finite numbers"),
            ("std", std, lambda v: is_scale(v) or (is_number(v) and v == 0), "numbers above 0, or 0 if constant"),
        ):
            if not isinstance(values, tuple) or len(values) != n_in or not all(map(is_right, values)):
                raise error(f"{name} is {shown(values)}; expected {n_in} {expected}, one an input")
    if not isinstance(bent, tuple) or not all(type(j) is int and 0 <= j < n_in for j in bent):
        raise error(f"bent is {shown(bent)}; expected columns, whole numbers below {n_in}")
    if bent and not is_columnwise(scaling):
        raise error(f"bent is {shown(bent)}, but all inputs are scaled alike; expected none")


def check_input_names(names: Any, n_in: int, error: type[Exception]) -> None:
    """Raise `error` unless `names` is empty, or has a different printable text for each of n_in inputs."""
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        raise error(f"input_names is {shown(names)}; expected a tuple of texts")
    if not names:
        return
    if len(names) != n_in:
        raise error(f"{len(names)} names for {n_in} inputs; each input needs one")
    if twice := repeated(names):
        raise error(f"the name {shown(twice)} stands for two inputs; give each its own")
    for name in names:
        if not name.isprintable() or not name.strip():
            raise error(f"the name {shown(name)} of an input cannot be printed; give it another name")
        if len(name) > MAX_NAME:
            raise error(f"the name {shown(name)} of an input has {len(name)} letters; at most {MAX_NAME} are allowed")
    if sum(map(len, names)) > MAX_INPUT_NAMES:
        raise error(f"the names of the inputs have {sum(map(len, names))} letters; at most {MAX_INPUT_NAMES}")


def repeated(names: Sequence[str]) -> str | None:
    """Find the first name that occurs twice, None if there is none."""
    seen = set()
    return next((name for name in names if name in seen or seen.add(name)), None)
