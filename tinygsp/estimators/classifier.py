"""PrunedClassifier: classes from a table, by a network of a few parameters."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygsp.estimators import checks
from tinygsp.estimators.base import PrunedEstimator


class PrunedClassifier(PrunedEstimator):
    """Classify samples by a network with at most `budget` nonzero parameters.

    budget       : int     parameters to keep, biases included; None follows the number of samples
    density      : float   instead: the share to keep of all parameters of the dense network
    hidden       : "auto", or the units of each hidden layer; () allows a linear model only
    class_weight : None, "balanced", or {class: weight}
    method       : name of a method of `tinygsp.methods` that trains the network; None prunes by second derivatives, and
                   where the table is too large for that takes the method of this project, gradient descent on gates
    validation   : (X, y) to choose by; None deals the samples out by turns
    random_state : None, int or a generator; the same gives the same network. None is 0
    progress     : whether to show a progress bar

    A linear model is always tried as well, and kept unless the network is better on samples neither was fitted to.
    Fitting stops early: a network that falls behind the linear model by more than three standard errors is not tried on
    further samples, and a method ends when ten epochs of fine-tuning have brought nothing better; the best is kept.
    """

    task = "classification"

    def __init__(
        self,
        budget: int | None = None,
        density: float | None = None,
        hidden: str | Sequence[int] = "auto",
        class_weight: str | Mapping | None = None,
        method: str | None = None,
        validation: tuple[Any, Any] | None = None,
        random_state: Any = None,
        progress: bool = False,
    ) -> None:
        self.budget = budget
        self.density = density
        self.hidden = hidden
        self.class_weight = class_weight
        self.method = method
        self.validation = validation
        self.random_state = random_state
        self.progress = progress

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> PrunedClassifier:
        """Fit to X (n, features) and y (n,), of integers, texts or bools; returns the estimator.

        Raises ValueError where X or y cannot be used.
        """
        name = type(self).__name__
        x = checks.as_matrix(X, name, least=2)
        y = checks.one_column(checks.check_target(y, len(x), name))
        weights = checks.check_weights(sample_weight, len(x))
        used = weights > 0
        self.classes_ = distinct(y[used], name)
        self.keep_columns(X, x)
        labels = np.searchsorted(self.classes_, y[used])
        weights = weights[used] * self.factors(labels, weights[used])[labels]
        held = None
        if self.validation is not None:
            other = checks.as_matrix(self.validation[0], name)
            checks.check_columns(self, self.validation[0], other.shape[1])
            held = other, self.encoded(checks.check_target(self.validation[1], len(other), name))
        self.fit_samples(x[used], labels, weights, held, tuple(str(value) for value in self.classes_.tolist()))
        return self

    def encoded(self, y: np.ndarray) -> np.ndarray:
        """Labels as numbers of classes. Raises ValueError for a class that `fit` did not see."""
        known = np.isin(y, self.classes_)
        if not known.all():
            raise ValueError(f"y contains a class that is not among those fitted to: {str(y[~known][0])!r}")
        return np.searchsorted(self.classes_, y)

    def factors(self, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The factor of each class's weights that `class_weight` asks for: (k,)."""
        k = len(self.classes_)
        if self.class_weight is None:
            return np.ones(k)
        if isinstance(self.class_weight, str):
            if self.class_weight != "balanced":
                raise ValueError(f"class_weight is {self.class_weight!r}: expected 'balanced', a dict or None")
            return weights.sum() / (k * np.bincount(labels, weights, k))
        classes = self.classes_.tolist()
        for name, weight in self.class_weight.items():
            if not (isinstance(weight, numbers.Real) and 0 < weight < np.inf):
                raise ValueError(f"class_weight of {name!r} is {weight!r}: expected a number above 0")
        if self.class_weight and not any(value in self.class_weight for value in classes):
            raise ValueError(f"class_weight names {list(self.class_weight)}: none is a class of y")
        return np.array([float(self.class_weight.get(value, 1.0)) for value in classes])

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each sample: (n,)."""
        best = self.outputs(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`: (n, k) float64."""
        z = self.outputs(X).astype(np.float64)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy: the share of samples whose class is right."""
        predicted = self.predict(X)
        right = predicted == checks.check_target(y, len(predicted), type(self).__name__).ravel()
        return float(np.average(right, weights=sample_weight))

    @classmethod
    def load(cls, path: str | Path) -> PrunedClassifier:
        """Read an estimator from a model file; its other parameters are the defaults.

        A model file has the classes as texts. They become integers, floats or bools again where all of them are
        written like that.
        """
        estimator = cls()
        estimator.classes_ = as_values(estimator.load_network(path).meta.class_names)
        return estimator


def distinct(y: np.ndarray, estimator: str) -> np.ndarray:
    """The classes in y, sorted. Raises ValueError for what is no class, and for fewer than two."""
    if y.dtype.kind == "f" and (y != np.floor(y)).any():
        raise ValueError(
            f"Unknown label type: continuous. Maybe you are trying to fit {estimator}, a classifier, which expects "
            "discrete classes, on a regression target with continuous values."
        )
    try:
        classes = np.unique(y)
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in y})
        raise ValueError(f"Unknown label type: y mixes {' and '.join(kinds)}; expected labels of one kind") from error
    if len(classes) < 2:
        raise ValueError(f"{estimator} needs samples of at least 2 classes, but y has only one class: {classes[0]!r}")
    if len(classes) == len(y) > 2:
        raise ValueError(f"y has {len(y)} classes in {len(y)} samples: {estimator} needs several samples of each class")
    return classes


def as_values(names: Sequence[str]) -> np.ndarray:
    """Classes from their names: bools, integers or floats where all names are written like that, else texts."""
    for kind in (int, float):
        try:
            values = [kind(name) for name in names]
        except ValueError:
            continue
        if [str(value) for value in values] == list(names):
            return np.array(values)
    return np.array([name == "True" for name in names] if set(names) == {"True", "False"} else list(names))
