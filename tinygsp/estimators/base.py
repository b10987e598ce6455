"""What both estimators share: parameters, fitting, prediction, formula, files."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from tinygsp import methods
from tinygsp.data import Dataset, from_arrays
from tinygsp.estimators import checks, reports
from tinygsp.estimators.samples import merged, printable, set_apart
from tinygsp.sparse import SparseNetwork
from tinygsp.training import Settings, SettingsError, fit_table, table_budget, table_settings


class PrunedEstimator:
    """Base of the estimators. A subclass says its task, encodes targets and decodes outputs.

    After `fit` there are network_ (a SparseNetwork), history_ (a dict for each candidate, the best first),
    n_features_in_, feature_names_in_ if X had names, and feature_importances_ (shares of 1, by Fisher's definition).
    """

    task = ""

    # --- parameters, as scikit-learn wants them ---

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Every parameter with its default."""
        return {p.name: p.default for p in inspect.signature(cls.__init__).parameters.values() if p.name != "self"}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every parameter with its value. None of them is an estimator, so `deep` makes no difference."""
        return {name: getattr(self, name) for name in self.defaults()}

    def set_params(self, **params: Any) -> PrunedEstimator:
        """Set parameters; returns the estimator. Raises ValueError for a name that there is not."""
        for name, value in params.items():
            if name not in self.defaults():
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self!r}. Valid parameters are: {[*self.defaults()]!r}."
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        changed = [f"{k}={getattr(self, k)!r}" for k, v in self.defaults().items() if getattr(self, k) is not v]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks of an estimator; nobody else calls this."""
        return sklearn_tags(self.task)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` is done."""
        return hasattr(self, "network_")

    # --- fit and use ---

    def keep_columns(self, X: Any, x: np.ndarray) -> None:
        """Remember how many columns X has, and their names, if it has any."""
        names = checks.column_names(X)
        self.n_features_in_ = x.shape[1]
        if names is not None:
            self.feature_names_in_ = np.array(names, object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def fit_samples(
        self, x: np.ndarray, y: np.ndarray, weights: np.ndarray, held: tuple | None, names: tuple[str, ...]
    ) -> None:
        """Fit to checked arrays: x (n, features), y (n,) labels from 0 or (n, k) floats, weights (n,).

        held : (x, y) alike, to judge by, or None;  names : of the classes or outputs
        """
        samples, seed = merged(x, y, weights), self.seed()
        apart = (*held, np.ones(len(held[0]))) if held else None
        if apart is None:
            samples, apart = set_apart(samples, seed)
        columns = getattr(self, "feature_names_in_", None)
        dataset = from_arrays(
            *samples[:2], validation=apart[:2], names=printable(names), name="table",
            input_names=None if columns is None else printable(columns),
        )  # fmt: skip
        for note in dataset.notes:
            warnings.warn(note, UserWarning, stacklevel=4)
        budget, settings = self.plan(dataset)
        with threadpool_limits(1, "blas"), progress_bar(self.progress) as tick:
            fit = fit_table(
                dataset, budget, None if self.method is None else methods.find(self.method),
                fallback=methods.find(methods.DEFAULT), settings=settings,
                weights=np.append(samples[2], apart[2]), seed=seed, whole=held is None, tick=tick,
            )  # fmt: skip
        self.network_, self.history_ = fit.network, fit.records
        self.feature_importances_ = reports.shares(fit.network, dataset)

    def plan(self, dataset: Dataset) -> tuple[int, Settings]:
        """(budget, Settings) that follow from the parameters and the size of the data set."""
        budget, density = self.budget, self.density
        checks.check_size(budget, density, self.hidden)
        settings = table_settings(dataset, budget, density)
        hidden = settings.hidden if self.hidden == "auto" else tuple(int(n) for n in self.hidden)
        sizes = (dataset.n_in, *hidden, dataset.n_out)
        total = sum((a + 1) * b for a, b in zip(sizes, sizes[1:]))
        budget = max(1, int(density * total + 1e-9)) if density is not None else int(budget or table_budget(dataset))
        loss = getattr(self, "loss", "") or settings.loss
        return budget, replace(settings, hidden=hidden, loss=loss, density=min(1.0, (budget + 1e-6) / total))

    def seed(self) -> int:
        """The seed that `random_state` stands for: None is 0, an int itself, a generator is asked for one."""
        state = self.random_state
        draw = getattr(state, "randint", None) or getattr(state, "integers", None)
        if not (draw or state is None or (checks.is_whole(state) and state >= 0)):
            raise SettingsError(f"random_state is {state!r}: expected None, a whole number from 0, or a generator")
        return int(draw(2**31 - 1)) if draw else int(state or 0)

    def outputs(self, X: Any) -> np.ndarray:
        """The outputs of the network for X: (n, k) float32."""
        network = self.fitted()
        x = checks.as_matrix(X, type(self).__name__)
        checks.check_columns(self, X, x.shape[1])
        return network.scores(x)

    def fitted(self) -> SparseNetwork:
        """The network. Raises NotFittedError before `fit`, that of scikit-learn if it is in use."""
        if not hasattr(self, "network_"):
            raise checks.of_sklearn("NotFittedError", checks.NotFittedError)(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
                "using this estimator."
            )
        return self.network_

    def formula(self, form: str = "text", digits: int = 4) -> str | dict[str, str]:
        """Write the network as a formula, in the units and names of X.

        form   : "text", which Python can evaluate where silu(z) = z / (1 + exp(-z)) is defined; "latex"; or "sympy",
                 for sympy.sympify, with silu written out
        digits : significant digits of the numbers

        Returns one formula, or {name: formula} of several classes or outputs. Of two classes it is the log-odds of the
        second. Raises ValueError for a network of more than 200 paths.
        """
        return reports.formula(self.fitted(), form, digits)

    def save(self, path: str | Path) -> None:
        """Write the network to a model file, which `load` and `tinygsp.load` read; the history is not in it."""
        self.fitted().save(path)

    def load_network(self, path: str | Path) -> SparseNetwork:
        """Take the network of a model file. Raises ModelFileError, and ValueError for one of another task."""
        network = SparseNetwork.load(path)
        if network.meta.task != self.task:
            raise ValueError(f"{path}: the network is for a {network.meta.task}; expected one for a {self.task}")
        self.network_, self.history_ = network, []
        self.n_features_in_ = network.layers[0].n_in
        if network.meta.input_names:
            self.feature_names_in_ = np.array(network.meta.input_names, object)
        return network


def sklearn_tags(task: str) -> Any:
    """The tags of scikit-learn for an estimator of this task."""
    from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

    is_classifier = task == "classification"
    return Tags(
        estimator_type="classifier" if is_classifier else "regressor",
        target_tags=TargetTags(required=True, multi_output=not is_classifier),
        classifier_tags=ClassifierTags() if is_classifier else None,
        regressor_tags=None if is_classifier else RegressorTags(),
        input_tags=InputTags(),
    )


@contextmanager
def progress_bar(is_shown: bool) -> Iterator[Callable[[], object]]:
    """A function that moves a progress bar on by one, or does nothing."""
    if not is_shown:
        yield lambda: None
        return
    from tqdm import tqdm

    with tqdm(unit="fit") as bar:
        yield bar.update
