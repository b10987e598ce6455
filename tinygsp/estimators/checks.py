"""Check what an estimator is given, and refuse it in the words that users of scikit-learn know.

Data frames are read by what they have in common, `columns` and the array protocol; neither pandas nor polars is
imported. Nothing here needs scikit-learn; where it is in use already, its classes of errors and warnings are taken.
"""

from __future__ import annotations

import numbers
import sys
import warnings
from typing import Any

import numpy as np

from tinygsp.estimators.samples import printable
from tinygsp.training import SettingsError

LARGEST = 1e29  # of a number, as in `data.from_arrays`


class NotFittedError(ValueError, AttributeError):
    """An estimator that was asked before it was fitted."""


def of_sklearn(name: str, own: type) -> type:
    """The class of this name of sklearn.exceptions, if scikit-learn is in use, else `own`."""
    exceptions = sys.modules.get("sklearn.exceptions")
    return getattr(exceptions, name, own) if exceptions else own


def column_names(X: Any) -> list[str] | None:
    """The names of the columns of a data frame; None if it has none, or not only texts.

    Raises TypeError where some names are texts and some are not.
    """
    columns = getattr(X, "columns", None)
    if columns is None or not hasattr(X, "__array__"):
        return None
    names = list(columns)
    are_texts = [isinstance(name, str) for name in names]
    if any(are_texts) and not all(are_texts):
        kinds = sorted({type(name).__name__ for name in names})
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your input has "
            f"{kinds} as feature name / column name types. If you want feature names to be stored and validated, you "
            "must convert them all to strings, by using X.columns = X.columns.astype(str) for example. Otherwise you "
            "can remove feature / column names from your input data, or convert them all to a non-string data type."
        )
    return names if names and all(are_texts) else None


def as_matrix(X: Any, estimator: str, least: int = 1) -> np.ndarray:
    """X as a (n, features) float64 array. Raises ValueError, or TypeError for a sparse matrix.

    least : int   samples that are needed
    """
    if hasattr(X, "toarray") and hasattr(X, "nnz"):
        raise TypeError(
            f"Sparse data was passed for X, but {estimator} needs dense data. Use '.toarray()' to convert to a dense "
            "numpy array."
        )
    array = np.asarray(X)
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{array.dtype} was passed for X")
    if array.ndim != 2:
        form = "scalar" if array.ndim == 0 else f"{array.ndim}D"
        raise ValueError(
            f"Expected 2D array, got {form} array instead:\narray={np.array2string(array, threshold=8)}.\nReshape your "
            "data either using array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it "
            "contains a single sample."
        )
    if array.dtype.kind not in "biuf":
        array = to_numbers(array, X)
    n, features = array.shape
    if n < least:
        raise ValueError(
            f"Found array with n_samples = {n} sample(s) (shape={array.shape}) while a minimum of {least} is required "
            f"by {estimator}."
        )
    if features < 1:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required by {estimator}."
        )
    array = array.astype(np.float64)
    refuse_nan(array, "X", estimator)
    if not (np.abs(array) < LARGEST).all():
        raise ValueError(f"Input X contains a value too large: expected numbers below {LARGEST:g}.")
    return array


def to_numbers(array: np.ndarray, X: Any) -> np.ndarray:
    """An array of objects or texts as floats. Raises ValueError that names the first column that has no numbers."""
    if any(isinstance(value, dict) for value in array[:1].ravel()):
        raise TypeError("argument must be a string or a number, not a dict")
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        names = column_names(X) or [f"{j}" for j in range(array.shape[1])]
        for j, name in enumerate(names):
            try:
                array[:, j].astype(np.float64)
            except (TypeError, ValueError):
                raise ValueError(
                    f"column {name!r} of X is not numeric ({error}); encode its categories as numbers"
                ) from error
        raise


def refuse_nan(array: np.ndarray, name: str, estimator: str) -> None:
    """Raise ValueError for NaN and for infinity."""
    if np.isfinite(array).all():
        return
    if np.isnan(array).any():
        where = np.flatnonzero(np.isnan(array).any(axis=0))[:5].tolist() if array.ndim == 2 else []
        columns = f", in column {', '.join(map(str, where))}" if where else ""
        raise ValueError(f"Input {name} contains NaN{columns}. {estimator} does not accept missing values.")
    raise ValueError(f"Input {name} contains infinity or a value too large for dtype('float64').")


def check_size(budget: Any, density: Any, hidden: Any) -> None:
    """Raise SettingsError unless these parameters of an estimator say how large a network may be."""
    if budget is not None and density is not None:
        raise SettingsError(f"budget is {budget} and density {density}: expected one of the two")
    if budget is not None and not (is_whole(budget) and budget >= 1):
        raise SettingsError(f"budget is {budget!r}: expected a whole number of parameters, at least 1")
    if density is not None and not (isinstance(density, numbers.Real) and 0 < density <= 1):
        raise SettingsError(f"density is {density!r}: expected a share of the parameters in (0, 1]")
    if isinstance(hidden, str) and hidden == "auto":
        return
    if isinstance(hidden, str) or not np.iterable(hidden) or not all(is_whole(n) and n >= 1 for n in hidden):
        raise SettingsError(f"hidden is {hidden!r}: expected 'auto' or the units of each hidden layer, such as (8,)")


def is_whole(value: Any) -> bool:
    """Whether this is a whole number, and not a bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and value % 1 == 0


def check_target(y: Any, n: int, estimator: str) -> np.ndarray:
    """y as an array of n targets, (n,) or (n, k). Raises ValueError."""
    if y is None:
        raise ValueError(f"{estimator} requires y to be passed, but the target y is None")
    if hasattr(y, "toarray") and hasattr(y, "nnz"):
        raise TypeError("Sparse data was passed for y, but dense data is required.")
    y = np.asarray(y)
    if y.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    if y.ndim not in (1, 2) or y.size == 0:
        raise ValueError(f"y should be a 1d array, got an array of shape {y.shape} instead.")
    if len(y) != n:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: [{n}, {len(y)}]")
    if y.dtype.kind == "f":
        refuse_nan(y, "y", estimator)
        if not (np.abs(y) < LARGEST).all():
            raise ValueError(f"Input y contains a value too large: expected numbers below {LARGEST:g}.")
    return y


def one_column(y: np.ndarray) -> np.ndarray:
    """A column vector as (n,), with a warning; (n,) as it is. Raises ValueError for several columns."""
    if y.ndim == 1:
        return y
    if y.shape[1] != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {y.shape} instead.")
    warnings.warn(
        "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples, ), for "
        "example using ravel().",
        of_sklearn("DataConversionWarning", UserWarning),
        stacklevel=4,
    )
    return y.ravel()


def check_weights(weights: Any, n: int) -> np.ndarray:
    """Sample weights as an (n,) float64 array of numbers >= 0, not all 0; None becomes 1, a number n times itself."""
    weights = np.asarray(1.0 if weights is None else weights, np.float64)
    if weights.ndim == 0:
        weights = np.full(n, float(weights))
    if weights.ndim != 1:
        raise ValueError("Sample weights must be 1D array or scalar")
    if weights.shape != (n,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(n,)}!")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight has a NaN, an infinity or a number below 0; expected finite weights >= 0")
    if not weights.any():
        raise ValueError("sample_weight is zero everywhere; at least one weight must be above 0")
    return weights


def check_columns(estimator: Any, X: Any, count: int) -> None:
    """Raise ValueError unless X has the columns that the estimator was fitted with, in name and in number."""
    known, given = getattr(estimator, "feature_names_in_", None), column_names(X)
    name = type(estimator).__name__
    if known is None and given is not None:
        warnings.warn(f"X has feature names, but {name} was fitted without feature names", UserWarning, stacklevel=4)
    elif known is not None and given is None:
        message = f"X does not have valid feature names, but {name} was fitted with feature names"
        warnings.warn(message, UserWarning, stacklevel=4)
    elif known is not None and list(known) != given and list(known) != list(printable(given)):  # as in a model file
        raise ValueError(different_names(list(known), given))
    if count != estimator.n_features_in_:
        raise ValueError(
            f"X has {count} features, but {name} is expecting {estimator.n_features_in_} features as input."
        )


def different_names(known: list[str], given: list[str]) -> str:
    """What to say of columns with other names than those that an estimator was fitted with."""
    lines = ["The feature names should match those that were passed during fit."]
    unexpected, missing = sorted(set(given) - set(known)), sorted(set(known) - set(given))
    for title, names in (
        ("Feature names unseen at fit time:", unexpected),
        ("Feature names seen at fit time, yet now missing:", missing),
    ):
        if names:
            lines += [title, *(f"- {name}" for name in names[:5]), *(["- ..."] if len(names) > 5 else [])]
    if not unexpected and not missing:
        lines.append("Feature names must be in the same order as they were in fit.")
    return "\n".join(lines) + "\n"
