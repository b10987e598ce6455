"""List, count and weigh the paths from the inputs to the outputs, and split a score among them.

A few hundred connections make a few thousand paths: few enough to list each of them. Many questions about the network
are sums over that list, and a product of matrices gives such a sum without the list. Built in lesson 11; read
`importance.py` next.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tinygsp.reading.matrices import SLOPES, scale
from tinygsp.sparse import SparseNetwork

MAX_PATHS = 10**6  # that are listed


def chain(matrices: Iterable[np.ndarray]) -> np.ndarray:
    """Multiply the matrices of the layers, first to last: each entry is a sum over all paths between two ends."""
    return functools.reduce(np.matmul, matrices)


def path_counts(network: SparseNetwork) -> np.ndarray:
    """Count the paths from each input to each output: (n_in, n_out) float64, whole numbers, exact below 2**53."""
    return chain([(layer.dense() != 0).astype(np.float64) for layer in network.layers])


def path_weights(network: SparseNetwork, signed: bool = False) -> np.ndarray:
    """Sum, for each input and output, the products of the weights along the paths between them: (n_in, n_out).

    signed : sum the products themselves (connection weights: Olden and Jackson 2002); otherwise their absolute values
             (Garson 1991; as a norm, Neyshabur et al. 2015; for pruning, SynFlow, Tanaka et al. 2020)
    """
    matrices = [layer.dense().astype(np.float64) for layer in network.layers]
    return chain(matrices if signed else map(np.abs, matrices))


def paths(network: SparseNetwork, limit: int = MAX_PATHS) -> np.ndarray:
    """List every path of nonzero weights: (p, 1 + layers) int, the input, a unit of each hidden layer, the output.

    Raises ValueError if there are more than `limit` paths.
    """
    count = path_counts(network).sum()
    if count > limit:
        raise ValueError(f"the network has {count:,.0f} paths, at most {limit:,} are listed; prune it further")
    found = np.arange(network.layers[0].n_in)[:, None]
    for layer in network.layers:
        path, unit = np.nonzero(layer.dense()[found[:, -1]])
        found = np.column_stack([found[path], unit])
    return found


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
    route = paths(network, limit)
    x = scale(network, values)
    value, bias = x[route[:, 0]], np.zeros(len(x))
    for k, layer in enumerate(network.layers):
        W, last = layer.dense().astype(np.float64), k == len(network.layers) - 1
        z = x @ W + layer.bias
        slope = np.ones(layer.n_out) if last else SLOPES[network.meta.activation](z)
        value = value * W[route[:, k], route[:, k + 1]] * slope[route[:, k + 1]]
        bias = (bias @ W + layer.bias) * slope
        x = z * slope
    return Contributions(route, value, bias, scores=x)
