"""PrunedRegressor: numbers from a table, by a network of a few parameters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygsp.estimators import checks
from tinygsp.estimators.base import PrunedEstimator


class PrunedRegressor(PrunedEstimator):
    """Predict one or several numbers by a network with at most `budget` nonzero parameters.

    budget       : int     parameters to keep, biases included; None follows the number of samples
    density      : float   instead: the share to keep of all parameters of the dense network
    hidden       : "auto", or the units of each hidden layer; () allows a linear model only
    loss         : "squared", "absolute", or "huber": squared up to one usual spread of the target, then absolute
    method       : name of a method of `tinygsp.methods` that trains the network; None prunes by second derivatives, and
                   where the table is too large for that takes the method of this project, gradient descent on gates
    validation   : (X, y) to choose by; None deals the samples out by turns
    random_state : None, int or a generator; the same gives the same network. None is 0
    progress     : whether to show a progress bar

    A linear model is always tried as well, and kept unless the network is better on samples neither was fitted to.
    Fitting stops early: a network that falls behind the linear model by more than three standard errors is not tried on
    further samples, and a method ends when ten epochs of fine-tuning have brought nothing better; the best is kept.
    """

    task = "regression"

    def __init__(
        self,
        budget: int | None = None,
        density: float | None = None,
        hidden: str | Sequence[int] = "auto",
        loss: str = "squared",
        method: str | None = None,
        validation: tuple[Any, Any] | None = None,
        random_state: Any = None,
        progress: bool = False,
    ) -> None:
        self.budget = budget
        self.density = density
        self.hidden = hidden
        self.loss = loss
        self.method = method
        self.validation = validation
        self.random_state = random_state
        self.progress = progress

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> PrunedRegressor:
        """Fit to X (n, features) and y, (n,) or (n, outputs) numbers; returns the estimator.

        Raises ValueError where X or y cannot be used.
        """
        name = type(self).__name__
        x = checks.as_matrix(X, name, least=2)
        targets = numbers(checks.check_target(y, len(x), name))
        weights = checks.check_weights(sample_weight, len(x))
        self.keep_columns(X, x)
        self.has_one_output_ = targets.ndim == 1
        held = None
        if self.validation is not None:
            other = checks.as_matrix(self.validation[0], name)
            checks.check_columns(self, self.validation[0], other.shape[1])
            held = other, numbers(checks.check_target(self.validation[1], len(other), name)).reshape(len(other), -1)
        targets = targets.reshape(len(x), -1)
        if (targets[weights > 0] == targets[weights > 0][0]).all():
            raise ValueError(f"y is {targets[0].tolist()} in every sample; nothing to learn")
        k = targets.shape[1]
        self.fit_samples(x, targets, weights, held, tuple(f"y{j + 1}" for j in range(k)) if k > 1 else ("y",))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The predicted numbers: (n,) or (n, outputs) float64, as y was."""
        y = self.outputs(X).astype(np.float64)
        return y[:, 0] if self.has_one_output_ else y

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R²: 1 - (squared error) / (spread of y), the mean over the outputs; 0 where y never changes."""
        predicted = self.predict(X)
        y = numbers(checks.check_target(y, len(predicted), type(self).__name__))
        y, predicted = y.reshape(len(y), -1), predicted.reshape(len(y), -1)
        middle = np.average(y, axis=0, weights=sample_weight)
        error = np.average((y - predicted) ** 2, axis=0, weights=sample_weight)
        spread = np.average((y - middle) ** 2, axis=0, weights=sample_weight)
        return float(np.mean(np.where(spread > 0, 1 - error / np.where(spread > 0, spread, 1), error == 0)))

    @classmethod
    def load(cls, path: str | Path) -> PrunedRegressor:
        """Read an estimator from a model file; its other parameters are the defaults."""
        estimator = cls()
        estimator.has_one_output_ = len(estimator.load_network(path).meta.class_names) == 1
        return estimator


def numbers(y: np.ndarray) -> np.ndarray:
    """Targets as float64. Raises ValueError for what is no number."""
    try:
        return y.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"y is {y.dtype}: expected numbers, because this is a regression ({error})") from error
