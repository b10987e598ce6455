"""What training aims at: targets, the loss, weights of samples, and the units of a regression.

The targets of a regression may be brought to mean 0 and spread 1 for training; a network is brought back to their units
when it is handed over. `trainer.py` uses it, `problem.py` the scale alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinygsp.data import Dataset
from tinygsp.nn import losses
from tinygsp.nn.metrics import score
from tinygsp.sparse import SparseNetwork
from tinygsp.training.settings import Settings, loss_name

QUARTILES = 1.349  # distance of the quartiles of a normal distribution of standard deviation 1
LOSSES = {
    "cross-entropy": losses.softmax_cross_entropy, "absolute": losses.mean_absolute_error,
    "squared": losses.squared_error, "huber": losses.huber,
}  # fmt: skip


class Goal:
    """The loss of the outputs for training samples, the score of those for the validation split, and their units.

    dataset : Dataset;  settings : Settings, of which `loss` and `scale_target` count
    weights : (n,) float >= 0   how much each training sample counts; None: all count the same

    Raises SettingsError for a loss that does not fit the task.
    """

    def __init__(self, dataset: Dataset, settings: Settings, weights: np.ndarray | None = None):
        self.function = LOSSES[loss_name(dataset.task, settings.loss)]
        self.weights = None if weights is None else weights / weights.mean()
        self.train_y, self.val_y, self.task = dataset.train_y, dataset.val_y, dataset.task
        self.units = None
        if settings.scale_target and self.task == "regression":
            self.units = mean, std = target_scale(dataset.train_y, settings.loss)
            self.train_y = ((dataset.train_y - mean) / std).astype(np.float32)

    def loss(self, outputs: np.ndarray, samples: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean loss of the outputs (n, n_out) for these training samples, and its gradient (n, n_out)."""
        return self.function(outputs, self.train_y[samples], None if self.weights is None else self.weights[samples])

    def score(self, outputs: np.ndarray) -> float:
        """Accuracy of the outputs for the validation split; of a regression the mean R^2 of the outputs."""
        if self.units:
            outputs = outputs * self.units[1] + self.units[0]
        return score(outputs, self.val_y, self.task)

    def in_units(self, network: SparseNetwork) -> SparseNetwork:
        """A trained network with outputs in the units of the data."""
        return in_units(network, *self.units) if self.units else network


def target_scale(y: np.ndarray, loss: str = "squared") -> tuple[np.ndarray, np.ndarray]:
    """Middle and spread of each target, (n, k) -> (k,) each: mean and standard deviation; of one that never changes 1.

    For a loss other than the squared, which shall not mind outliers, they are the median and, where it is not 0, the
    distance of the quartiles, divided by what it is for normal numbers of spread 1.
    """
    y = y.astype(np.float64)
    mean, std = y.mean(axis=0), y.std(axis=0)
    if loss != "squared":
        low, mean, high = np.quantile(y, [0.25, 0.5, 0.75], axis=0)
        std = np.where(high > low, (high - low) / QUARTILES, std)
    return mean, np.where(std > 1e-12 * np.abs(mean), std, 1.0)


def in_units(network: SparseNetwork, mean: np.ndarray, std: np.ndarray) -> SparseNetwork:
    """The network whose outputs are std * (those of `network`) + mean; every output gets a bias."""
    last = network.layers[-1]
    weight = (last.weight * std[last.col]).astype(np.float32)
    bias = (last.bias * std + mean).astype(np.float32)
    return SparseNetwork((*network.layers[:-1], replace(last, weight=weight, bias=bias)), network.meta)
