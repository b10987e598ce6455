"""Program: a pruned network as the short lists that an export writes out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinygsp.data.scaling import is_columnwise

if TYPE_CHECKING:
    from tinygsp.sparse.network import SparseNetwork


MAX_MATRIX = 2**22  # numbers of a layer that is written as a full matrix


class ExportError(ValueError):
    """A network that cannot be written in a format. One line: what is in the way, what would be right."""


@dataclass(frozen=True)
class Columns:
    """How inputs are scaled that have each its own scale, (k,) for the k columns that are read.

    x = (value - mean) * factor,  and asinh of that where `bent`
    """

    column: np.ndarray  # int64
    mean: np.ndarray  # float64
    factor: np.ndarray  # float64
    bent: np.ndarray  # bool


@dataclass(frozen=True)
class Program:
    """A network as a list of units, the hidden ones layer by layer and then the outputs.

        unit u = bias[u] + the sum of weight[e] * source e over the next fan_in[u] connections

    Connections stand in the order of their units. The first `n_first` read inputs: source e is input pixel[e]. Each
    other reads the activation of a hidden unit: source e is unit[e - n_first]. A scaling that all inputs share is in
    the weights and biases. Where each column has its own, `columns` has it, and `pixel` counts those columns.

    n_in    : int             length of an input
    n_out   : int             outputs
    sizes   : tuple of int    units of each layer
    pixel   : (n_first,) int  which input each connection of the first layer reads
    unit    : (k,) int        which hidden unit each other connection reads, counted from the first
    fan_in  : (units,) int    connections of each unit
    weight  : (n_first + k,) float32
    bias    : (units,) float32
    """

    n_in: int
    n_out: int
    sizes: tuple[int, ...]
    pixel: np.ndarray
    unit: np.ndarray
    fan_in: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    activation: str
    task: str
    class_names: tuple[str, ...]
    reads_bytes: bool  # whether an input is made of bytes, as an image is; otherwise of floats
    columns: Columns | None

    @property
    def hidden(self) -> int:
        """How many units are not outputs."""
        return sum(self.sizes[:-1])

    def matrices(self) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
        """The same network as full matrices: the inputs that are read, and (W, b) of each layer, float32.

        Raises ExportError if a matrix would be too large.
        """
        inputs, row = np.unique(self.pixel, return_inverse=True)
        inputs = inputs if self.columns is None else self.columns.column
        row = np.concatenate([row, self.unit])
        col = np.repeat(np.arange(len(self.bias)), self.fan_in)
        layers, first, first_read, n_in = [], 0, 0, len(inputs)
        for k, n_out in enumerate(self.sizes):
            if n_in * n_out > MAX_MATRIX:
                raise ExportError(
                    f"layer {k} would be a full matrix of {n_in:,} x {n_out:,} numbers in this format, at most "
                    f"{MAX_MATRIX:,} are written; c, js and json have its connections only"
                )
            own = (col >= first) & (col < first + n_out)
            W = np.zeros((n_in, n_out), np.float32)
            W[row[own] - (first_read if k else 0), col[own] - first] = self.weight[own]
            layers.append((W, self.bias[first : first + n_out]))
            first, first_read, n_in = first + n_out, first, n_out
        return inputs, layers


def make_program(network: SparseNetwork) -> Program:
    """The Program of a network. Raises ExportError if no input reaches an output, or a number is beyond float32."""
    network = network.trim()  # a layer without connections would be a table without entries
    if not network.layers[0].row.size:
        raise ExportError("no input of this network reaches an output, so there is nothing to export")
    with np.errstate(over="ignore"):
        nodes, meta = network.nodes, network.meta
    if not (np.isfinite(nodes["weights"]).all() and np.isfinite(nodes["bias"]).all()):
        raise ExportError("a weight or bias of this network is too large for float32 when the scaling is part of it")
    n_read = len(nodes["inputs"])
    fan_in = np.diff(nodes["starts"])
    n_first = int(nodes["starts"][nodes["sizes"][0]])
    sources, inputs = nodes["sources"].astype(np.int64), nodes["inputs"].astype(np.int64)
    columns = make_columns(network, inputs) if is_columnwise(meta) else None
    return Program(
        n_in=network.layers[0].n_in,
        n_out=network.layers[-1].n_out,
        sizes=nodes["sizes"],
        pixel=inputs[sources[:n_first]] if columns is None else sources[:n_first],
        unit=sources[n_first:] - n_read,
        fan_in=fan_in,
        weight=nodes["weights"],
        bias=nodes["bias"],
        activation=meta.activation,
        task=meta.task,
        class_names=meta.class_names,
        reads_bytes=meta.divisor == 255 and columns is None,
        columns=columns,
    )


def make_columns(network: SparseNetwork, inputs: np.ndarray) -> Columns:
    """The Columns of these inputs of a network."""
    meta = network.meta
    mean, std = (np.array(numbers, np.float64)[inputs] for numbers in (meta.mean, meta.std))
    factor = np.divide(1 / meta.divisor, std, out=np.zeros_like(std), where=std > 0)
    return Columns(inputs, mean * meta.divisor, factor, np.isin(inputs, meta.bent))


def identifier(text: str) -> str:
    """A text as the beginning of a name in C: letters, digits and _ only, not a digit first."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    return name if name[:1].isalpha() else f"network_{name}".rstrip("_")
