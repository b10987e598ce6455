"""A table as second-order training sees it: scaled inputs, targets of unit spread, weights, and an objective.

`problem_of` makes one of a Dataset, after `thinned` has left out what is too much for it; `to_small` and `to_network`
turn networks into what `newton.py` works on, and back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinygsp.data import Dataset
from tinygsp.nn.metrics import score
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork
from tinygsp.training.newton import Small, tidy
from tinygsp.training.objectives import OBJECTIVES
from tinygsp.training.settings import loss_name
from tinygsp.training.targets import target_scale

MAX_ROWS = 40_000  # samples that second derivatives are taken of; a network of 400 parameters takes 0.4 GB then
BY_TASK = {"classification": "cross-entropy", "regression": "squared"}  # the losses of tables


@dataclass(frozen=True, eq=False)
class Problem:
    """What a small network is fitted to.

    x       : (n, n_in) float64, scaled
    target  : (n,) int labels, or (n, n_out) float64, scaled by `mean` and `std`
    weights : (n,) float of the samples, or None
    loss    : a name of OBJECTIVES
    mean, std : (n_out,) float, of the targets of a regression; of classes 0 and 1
    """

    x: np.ndarray
    target: np.ndarray
    weights: np.ndarray | None
    loss: str
    n_out: int
    mean: np.ndarray
    std: np.ndarray

    def take(self, rows: np.ndarray) -> Problem:
        """The same problem with only these samples."""
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, x=self.x[rows], target=self.target[rows], weights=weights)

    @property
    def is_regression(self) -> bool:
        """Whether the targets are numbers."""
        return self.target.ndim == 2

    def small(self, W: list[np.ndarray], is_open: list[np.ndarray] | None, decay: float) -> Small:
        """A small network of these weights for this problem."""
        objective = OBJECTIVES[self.loss](self.target, self.weights)
        return Small(self.x, objective, W, is_open, decay, pinned=self.is_regression)

    def losses(self, z: np.ndarray) -> np.ndarray:
        """The loss of each sample of this problem for outputs z (n, n_out), of a network fitted to others: (n,)."""
        return OBJECTIVES[self.loss](self.target).each(z)

    def score(self, z: np.ndarray) -> float:
        """Accuracy, or the mean R^2, of outputs z (n, n_out)."""
        with np.errstate(divide="ignore", invalid="ignore"):  # a target that never changes has no R^2
            return score(z, self.target, "regression" if self.is_regression else "classification")


def joined(problems: Sequence[Problem]) -> Problem:
    """One problem of the samples of several, without their weights."""
    x, target = (np.concatenate([getattr(p, name) for p in problems]) for name in ("x", "target"))
    return replace(problems[0], x=x, target=target, weights=None)


def thinned(dataset: Dataset, weights: np.ndarray | None, seed: int) -> tuple[Dataset, np.ndarray | None]:
    """A data set with at most MAX_ROWS samples in its training and validation splits together, and their weights.

    weights : of the training samples, then of the validation samples; or None
    seed    : draws the samples, evenly of each class, and of small and large targets
    """
    n, m = len(dataset.train_x), len(dataset.val_x)
    if n + m <= MAX_ROWS:
        return dataset, weights
    counts = [max(1, MAX_ROWS * size // (n + m)) for size in (n, m)]
    train, val = (
        np.sort(by_target(y, seed)[np.arange(count) * len(y) // count])
        for y, count in zip((dataset.train_y, dataset.val_y), counts)
    )
    arrays = {"train_x": dataset.train_x[train], "train_y": dataset.train_y[train]}
    arrays |= {"val_x": dataset.val_x[val], "val_y": dataset.val_y[val]}
    return replace(dataset, **arrays), None if weights is None else weights[np.append(train, n + val)]


def by_target(y: np.ndarray, seed: int) -> np.ndarray:
    """The samples in the order of their targets, (n,) or (n, k); those of the same target as the seed draws them."""
    order = np.random.default_rng(seed).permutation(len(y))
    return order[np.argsort((y if y.ndim == 1 else y[:, 0])[order], kind="stable")]


def problem_of(dataset: Dataset, loss: str = "", weights: np.ndarray | None = None, whole: bool = False) -> Problem:
    """The training split of a data set as a Problem, or with `whole` training and validation split together.

    weights : (n,) float >= 0, of these samples, or None

    Raises SettingsError for a loss that does not fit the task.
    """
    x, y, loss = dataset.train_x, dataset.train_y, loss_name(dataset.task, loss or BY_TASK[dataset.task])
    if whole:
        x, y = np.concatenate([x, dataset.val_x]), np.concatenate([y, dataset.val_y])
    mean, std = np.zeros(dataset.n_out), np.ones(dataset.n_out)
    if dataset.task == "regression":
        mean, std = target_scale(y, loss)
        y = (y.astype(np.float64) - mean) / std
    x = np.asarray(dataset.scaled(x), np.float64)
    return Problem(x, y, weights, loss, dataset.n_out, mean, std)


# --- networks ---


def to_network(net: Small, problem: Problem, meta: Meta) -> SparseNetwork:
    """The SparseNetwork of a small network, in the units of the targets."""
    W = [w.copy() for w in net.W]
    W[-1] *= problem.std
    W[-1][-1] += problem.mean
    layers = []
    for w, is_open in zip(W, net.is_open):
        col, row = np.nonzero(is_open[:-1].T)
        arrays = row.astype(np.int32), col.astype(np.int32), w[row, col].astype(np.float32), w[-1].astype(np.float32)
        layers.append(SparseLayer((len(w) - 1, w.shape[1]), *arrays))
    return SparseNetwork(layers, meta)


def to_small(network: SparseNetwork, problem: Problem, decay: float) -> Small:
    """A trimmed SparseNetwork of SiLU units as a small network for this problem.

    Of two classes only the difference of the scores counts: the first is moved into the second.
    """
    W = [np.vstack([layer.dense(), layer.bias]).astype(np.float64) for layer in network.layers]
    W[-1][-1] -= problem.mean
    W[-1] /= problem.std
    if not problem.is_regression and problem.n_out == 2:
        W[-1][:, 1] -= W[-1][:, 0]
        W[-1][:, 0] = 0
    net = problem.small(W, [w != 0 for w in W], decay)
    tidy(net)
    return net
