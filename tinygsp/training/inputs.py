"""Batches of inputs: only the columns that a network still reads, scaled, and for images moved at random if asked.

Lesson 04 builds `Inputs`, lesson 11 `MovedInputs`. `Feed` keeps the ones that fit the network at hand. Read `net.py`
next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinygsp.data import Dataset
from tinygsp.data.scaling import is_columnwise
from tinygsp.nn import kernels, lanes
from tinygsp.nn.gates import noise_keys
from tinygsp.nn.layers import MaskedEdges

if TYPE_CHECKING:
    from tinygsp.training.net import Net

MOVES = 1 << 32  # takes the place of a layer's number in the keys of the noise that moves images


class Inputs:
    """Some columns of a data set, stored as compactly as on disk and scaled batch by batch.

    Where each column has a scale of its own, as in a table, they are scaled at once.

    x             : (n, n_in)  uint8 or float32
    columns       : (k,) int   the inputs in use
    feature_major : bool       memory layout of a batch: lists of connections need it; BLAS works with both, and
                               without it there is no transposing

    Raises ValueError for a column that x does not have.
    """

    def __init__(self, x: np.ndarray, columns: np.ndarray, dataset: Dataset, feature_major: bool = True):
        if columns.size and not 0 <= columns.min() <= columns.max() < x.shape[1]:
            raise ValueError(f"columns are from {columns.min()} to {columns.max()}; x has {x.shape[1]} of them")
        self.values = np.take(x, columns, axis=1)  # C-order: the values of a sample lie side by side
        self.scale, self.offset = np.float32(1), np.float32(0)
        if is_columnwise(dataset):
            self.values = dataset.scaled(self.values, columns)
        else:
            self.scale = np.float32(1 / (dataset.divisor * dataset.std))
            self.offset = np.float32(-dataset.mean / dataset.std)
        self.columns, self.feature_major = columns, feature_major

    def fits(self, columns: np.ndarray, feature_major: bool) -> bool:
        """Whether these are the inputs with those columns in that layout."""
        same = columns is self.columns or np.array_equal(columns, self.columns)  # asked in every step: is is quick
        return same and feature_major == self.feature_major

    def batch(self, samples: np.ndarray, step: int = 0) -> np.ndarray:
        """x = (value / divisor - mean) / std of the given samples: (len(samples), k) float32."""
        x = self.take(samples, step)
        if not self.feature_major:
            return self.standardize(x)
        turned = np.empty(x.T.shape, x.dtype)
        lanes.transpose_all(x, turned)  # while it is still bytes
        return self.standardize(turned).T

    def take(self, samples: np.ndarray, step: int) -> np.ndarray:
        """The raw values of the given samples: (len(samples), k) in the dtype of x."""
        return self.values.take(samples, axis=0)

    def standardize(self, values: np.ndarray) -> np.ndarray:
        """The same array scaled, as float32."""
        x = np.empty(values.shape, np.float32)
        kernels.standardize(values, self.scale, self.offset, x)
        return x


class MovedInputs(Inputs):
    """The same columns of images, each image moved by up to `reach` pixels up or down and left or right.

    Every step moves every image anew, all (2 reach + 1)^2 ways being equally likely; what comes in from outside is 0.
    """

    def __init__(
        self, x: np.ndarray, columns: np.ndarray, dataset: Dataset, feature_major: bool, reach: int, seed: int
    ):
        super().__init__(x[:0], columns, dataset, feature_major)
        self.values, self.seed = x, seed
        height, width = dataset.input_shape
        if x.shape[1] != height * width:
            raise ValueError(f"x has {x.shape[1]} columns; images of {height} x {width} have {height * width}")
        ways = np.arange(-reach, reach + 1)
        row = columns // width + np.repeat(ways, len(ways))[:, None]  # (ways^2, columns)
        col = columns % width + np.tile(ways, len(ways))[:, None]
        inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
        self.tables = np.where(inside, row * width + col, -1).astype(np.int32)

    def take(self, samples: np.ndarray, step: int) -> np.ndarray:
        """The raw values of the given samples, moved as `step` has it: (len(samples), k) in the dtype of x."""
        out = np.empty((len(samples), len(self.columns)), self.values.dtype)
        kernels.gather_moved(self.values, samples, self.tables, *noise_keys(self.seed, step, MOVES), out)
        return out


class Feed:
    """Serves the batches that a network reads, and keeps their columns until the network reads others.

    reach : int   pixels by which `training` moves images, at most, each way
    seed  : int   of the moves
    """

    def __init__(self, dataset: Dataset, reach: int, seed: int):
        self.dataset, self.reach, self.seed = dataset, reach, seed
        self.kept: dict[tuple[str, bool], Inputs] = {}  # by (name, moved)

    def training(self, net: Net, samples: np.ndarray, step: int, moved: bool) -> np.ndarray:
        """A batch of the training split for `net`: (len(samples), live inputs) float32."""
        return self.fitting_net("training", self.dataset.train_x, net, moved).batch(samples, step)

    def validation(self, net: Net) -> np.ndarray:
        """The whole validation split for `net`: (n, live inputs) float32."""
        x = self.dataset.val_x
        return self.fitting_net("validation", x, net, False).batch(np.arange(len(x)))

    def all_columns(self, moved: bool) -> Inputs:
        """Inputs of the training split with every column, whether the network reads it or not, feature-major."""
        return self.fitting("all", self.dataset.train_x, np.arange(self.dataset.n_in), True, moved)

    def fitting_net(self, split: str, x: np.ndarray, net: Net, moved: bool) -> Inputs:
        """Inputs of a split with what `net` reads now."""
        return self.fitting(split, x, net.units[0], isinstance(net.layers[0], MaskedEdges), moved)

    def fitting(self, name: str, x: np.ndarray, columns: np.ndarray, feature_major: bool, moved: bool) -> Inputs:
        """Inputs with these columns: those kept under this name, or new ones if they have others."""
        found = self.kept.get((name, moved))
        if found is None or not found.fits(columns, feature_major):
            if moved:
                found = MovedInputs(x, columns, self.dataset, feature_major, self.reach, self.seed)
            else:
                found = Inputs(x, columns, self.dataset, feature_major)
            self.kept[name, moved] = found
        found.columns = columns  # the same numbers, perhaps another array: then the next question is quick
        return found
