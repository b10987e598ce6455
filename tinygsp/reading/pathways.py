"""List, count and weigh the paths from the inputs to the outputs, and split a score among them.

A few hundred connections make a few thousand paths: few enough to list each of them. Many questions about the network
are sums over that list, and a product of matrices gives such a sum without the list. Built in lesson 13; read
`importance.py` next.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tinygsp.reading.matrices import SLOPES, compact, levels, over_inputs, scale
from tinygsp.sparse import SparseLayer, SparseNetwork

MAX_PATHS = 10**6  # that are listed


def chain(matrices: Iterable[np.ndarray]) -> np.ndarray:
    """Multiply the matrices of the layers: each entry is a sum over all paths between two ends.

    The last two are multiplied first, because there are few outputs.
    """
    return functools.reduce(lambda product, matrix: matrix @ product, reversed(list(matrices)))


def path_counts(network: SparseNetwork) -> np.ndarray:
    """Count the paths from each input to each output: (n_in, n_out) float64, whole numbers, exact below 2**53."""
    return over_inputs(network, chain((W != 0).astype(np.float64) for W, _ in compact(network)))


def count_paths(network: SparseNetwork) -> float:
    """Count all paths, whole numbers exact below 2**53, in memory that follows the number of connections alone."""
    after = np.ones(network.layers[-1].n_out)  # paths from each unit to all outputs
    for layer in reversed(network.layers):
        after = np.bincount(layer.row, (layer.weight != 0) * after[layer.col], layer.n_in)
    return float(after.sum())


def path_weights(network: SparseNetwork, signed: bool = False) -> np.ndarray:
    """Sum, for each input and output, the products of the weights along the paths between them: (n_in, n_out).

    signed : sum the products themselves (connection weights: Olden and Jackson 2002); otherwise their absolute values
             (Garson 1991; as a norm, Neyshabur et al. 2015; for pruning, SynFlow, Tanaka et al. 2020)
    """
    matrices = [W if signed else np.abs(W) for W, _ in compact(network)]
    return over_inputs(network, chain(matrices))


def paths(network: SparseNetwork, limit: int = MAX_PATHS) -> np.ndarray:
    """List every path of nonzero weights: (p, 1 + layers) int, the input, a unit of each hidden layer, the output.

    Raises ValueError if there are more than `limit` paths.
    """
    if (count := count_paths(network)) > limit:
        raise ValueError(f"the network has {count:,.0f} paths, at most {limit:,} are listed; prune it further")
    layers = leading_on(network)
    found = np.unique(layers[0].row)[:, None].astype(np.int64)
    for layer in layers:
        order = np.lexsort((layer.col, layer.row))
        row, col = layer.row[order], layer.col[order]
        first, last = (np.searchsorted(row, found[:, -1], side) for side in ("left", "right"))
        path = np.repeat(np.arange(len(found)), last - first)  # as often as the path goes on
        which = np.arange(len(path)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
        found = np.column_stack([found[path], col[first[path] + which]])
    return found


def leading_on(network: SparseNetwork) -> list[SparseLayer]:
    """The layers with only those nonzero weights from which a path leads to an output."""
    layers, reaches = [], np.ones(network.layers[-1].n_out, bool)
    for layer in reversed(network.layers):
        layers.insert(0, layer.select((layer.weight != 0) & reaches[layer.col]))
        reaches = np.isin(np.arange(layer.n_in), layers[0].row)
    return layers


@dataclass(frozen=True, eq=False)
class Contributions:
    """What each path adds to the scores of one input: score_c = bias_c + the sum of `value` over the paths to c.

    paths  : (p, 1 + layers) int   as `paths` lists them
    value  : (p,)                  what each path adds to the score of its output
    bias   : (n_out,)              what all biases together add to each score
    scores : (n_out,)
    """

    paths: np.ndarray
    value: np.ndarray
    bias: np.ndarray
    scores: np.ndarray

    def strongest(self, output: int, k: int) -> np.ndarray:
        """Find the k paths to an output with the largest |value|: their indices, the largest first."""
        ending = np.flatnonzero(self.paths[:, -1] == output)
        return ending[np.argsort(-np.abs(self.value[ending]), kind="stable")[:k]]


def contributions(network: SparseNetwork, values: np.ndarray, limit: int = MAX_PATHS) -> Contributions:
    """Split the scores of one input, values (n_in,) raw, among the paths.

    For one given input every unit multiplies by a number: activation(z) = s z with s = activation(z) / z, which is
    sigmoid(z) for SiLU and 0 or 1 for ReLU, both defined at z = 0. With these slopes s the network is linear, and a
    path adds x_i times its weights times its slopes. A bias is an input of 1 whose paths begin at its unit. The parts
    add up to the score, without remainder.

    x_i is the scaled input: zero for a pixel of mean brightness and negative for a black pixel, so a pixel without ink
    adds something too. This is layer-wise relevance propagation (Bach et al. 2015) in the form of Ancona et al. 2018:
    gradient x input, with activation(z) / z as the gradient of the activation.

    Raises ValueError if there are more than `limit` paths.
    """
    route, used = paths(network, limit), levels(network)
    x = scale(network, values)[used[0]]
    place = np.searchsorted(used[0], route[:, 0])  # of each path in the level
    value, bias = x[place], np.zeros(len(x))
    for k, (W, b) in enumerate(compact(network)):
        z = x @ W + b
        slope = np.ones(len(b)) if k == len(network.layers) - 1 else SLOPES[network.meta.activation](z)
        before, place = place, np.searchsorted(used[k + 1], route[:, k + 1])
        value = value * W[before, place] * slope[place]
        bias = (bias @ W + b) * slope
        x = z * slope
    return Contributions(route, value, bias, scores=x)
