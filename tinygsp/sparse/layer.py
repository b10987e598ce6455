"""SparseLayer and Meta: the numbers of a pruned network, and what it knows besides them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from tinygsp.data.limits import plain
from tinygsp.data.scaling import scaled
from tinygsp.nn.gates import sigmoid

ACTIVATIONS = {"silu": lambda x: x * sigmoid(x), "relu": lambda x: np.maximum(x, 0)}


@dataclass(frozen=True, eq=False)
class SparseLayer:
    """A layer as a list of its connections.

        y_j = bias_j + sum of weight_e * x_row_e over the connections e with col_e = j

    shape  : (n_in, n_out)      size of the layer it came from
    row    : (k,) int32         input of each connection, in [0, n_in)
    col    : (k,) int32         output of each connection, in [0, n_out)
    weight : (k,) float32
    bias   : (n_out,) float32   zero where it was pruned

    Raises ValueError if the arrays do not fit together or an index is outside, because compiled loops do not look.
    """

    shape: tuple[int, int]
    row: np.ndarray
    col: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    def __post_init__(self) -> None:
        lengths = {"row": self.row.size, "col": self.row.size, "weight": self.row.size, "bias": self.n_out}
        for name, length in lengths.items():
            if getattr(self, name).shape != (length,):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected ({length},)")
        for name, size in (("row", self.n_in), ("col", self.n_out)):
            index = getattr(self, name)
            if index.dtype.kind not in "iu":
                raise ValueError(f"{name} is {index.dtype}, expected integers")
            if index.size and not 0 <= index.min() <= index.max() < size:
                raise ValueError(f"{name} has an index outside [0, {size})")

    @property
    def n_in(self) -> int:
        """Inputs of the layer it came from."""
        return self.shape[0]

    @property
    def n_out(self) -> int:
        """Outputs of the layer it came from."""
        return self.shape[1]

    @property
    def total(self) -> int:
        """Weights and biases of the layer it came from."""
        return self.n_in * self.n_out + self.n_out

    @property
    def kept_weights(self) -> int:
        """How many weights are not zero."""
        return int(np.count_nonzero(self.weight))

    @property
    def kept_biases(self) -> int:
        """How many biases are not zero."""
        return int(np.count_nonzero(self.bias))

    def dense(self) -> np.ndarray:
        """The weights as a (n_in, n_out) matrix; it takes memory for all of them, `part` only for some."""
        W = np.zeros(self.shape, self.weight.dtype)
        W[self.row, self.col] = self.weight
        return W

    def part(self, rows: np.ndarray, cols: np.ndarray, dtype: Any = np.float32) -> np.ndarray:
        """The rows and columns of `dense()` that are named, sorted and each once: (len(rows), len(cols))."""
        W = np.zeros((len(rows), len(cols)), dtype)
        chosen = np.isin(self.row, rows) & np.isin(self.col, cols)
        W[np.searchsorted(rows, self.row[chosen]), np.searchsorted(cols, self.col[chosen])] = self.weight[chosen]
        return W

    def select(self, keep: np.ndarray) -> SparseLayer:
        """The same layer with only the connections where keep (k,) bool is true."""
        return replace(self, row=self.row[keep], col=self.col[keep], weight=self.weight[keep])


def check_chain(layers: Sequence[SparseLayer]) -> None:
    """Raise ValueError unless there is a layer, and each has as many outputs as the next one has inputs."""
    if not layers:
        raise ValueError("no layers: a network has at least one")
    for k, (a, b) in enumerate(pairwise(layers)):
        if a.n_out != b.n_in:
            raise ValueError(f"layer{k} has {a.n_out} outputs but layer{k + 1} has {b.n_in} inputs")


@dataclass(frozen=True)
class Meta:
    """What a network must know besides its numbers. The input is x = (value / divisor - mean) / std; see `scaled`.

    Numbers and texts may be those of NumPy; they become those of Python.
    """

    activation: str = "silu"  # after every layer but the last, a key of ACTIVATIONS
    task: str = "classification"  # or "regression"
    divisor: float = 1.0
    mean: float | tuple[float, ...] = 0.0  # of all inputs, or one a column
    std: float | tuple[float, ...] = 1.0  # alike; 0 marks a constant column, which enters as 0
    class_names: tuple[str, ...] = ()  # one an output
    input_shape: tuple[int, ...] = ()  # its product is the number of inputs; () says nothing
    dataset: str = ""
    input_names: tuple[str, ...] = ()  # one an input, or none
    bent: tuple[int, ...] = ()  # columns with very long tails, scaled by asinh
    columns: tuple[tuple, ...] = ()  # `data.columns.Feature` of the columns that are not just one input

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            object.__setattr__(self, name, plain(value))  # the way to set a field of a frozen class

    def scaled(self, values: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        """Scale raw values (n, k) of these columns, or of all, to what the network reads: float64, same shape."""
        return scaled(values, self, columns)
