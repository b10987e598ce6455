"""Compute a network with plain matrices: every number on the way from the inputs to the scores, and its gradient.

The other files of `reading/` build on these few functions. All of them use float64 and leave out inputs and units
that nothing reads, so that memory follows what is kept. `nn/layers.py` does the same work for training; lesson 13
builds what is here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from tinygsp.nn.gates import sigmoid
from tinygsp.sparse import ACTIVATIONS, SparseNetwork

MAX_CELLS = 2**25  # numbers in the matrices of a network: 256 MB

Function = Callable[[np.ndarray], np.ndarray]
Matrices = list[tuple[np.ndarray, np.ndarray]]  # (W, b) a layer, as `compact` gives them

SLOPES: dict[str, Function] = {  # activation(z) / z, also defined at z = 0
    "silu": sigmoid,
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
}
DERIVATIVES: dict[str, Function] = {"silu": lambda z: sigmoid(z) * (1 + z * sigmoid(-z)), "relu": SLOPES["relu"]}


def levels(network: SparseNetwork) -> list[np.ndarray]:
    """List what is in use, level by level: the inputs that are read, the units that are read, and all outputs."""
    return [*network.used_inputs(), np.arange(network.layers[-1].n_out)]


def input_names(network: SparseNetwork) -> list[str]:
    """Name every input: as it was named; else "(row, column)" of a pixel, counted from 0; else "x1", "x2", ...

    A pixel of an image with several channels is "(row, column, channel)".
    """
    n_in, shape = network.layers[0].n_in, network.meta.input_shape
    if network.meta.input_names:
        return list(network.meta.input_names)
    if len(shape) == 3:
        return [f"({i // shape[2] // shape[1]}, {i // shape[2] % shape[1]}, {i % shape[2]})" for i in range(n_in)]
    return [f"({i // shape[1]}, {i % shape[1]})" if len(shape) == 2 else f"x{i + 1}" for i in range(n_in)]


def compact(network: SparseNetwork) -> Matrices:
    """Give [(W, b), ...], one pair a layer, float64, without the rows and columns of what nothing reads.

    W : (n_read, n_next)  rows and columns as in `levels`
    b : (n_next,)

    Raises ValueError if they would have more than MAX_CELLS numbers.
    """
    used = levels(network)
    check_cells(used)
    return [
        (layer.part(rows, cols, np.float64), layer.bias[cols].astype(np.float64))
        for layer, rows, cols in zip(network.layers, used, used[1:])
    ]


def check_cells(used: Sequence[np.ndarray]) -> None:
    """Raise ValueError if matrices between these levels, or from one of them to the outputs, are too large."""
    cells = max(sum(len(a) * len(b) for a, b in pairwise(used)), max(map(len, used)) * len(used[-1]))
    if cells > MAX_CELLS:
        raise ValueError(
            f"the inputs and units in use make matrices of {cells:,} numbers; at most {MAX_CELLS:,} are read: "
            "prune the network further"
        )


def scale(network: SparseNetwork, values: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
    """Scale raw inputs (..., k), of these columns or of all, to what the first layer reads: float64, same shape."""
    return network.meta.scaled(values, columns)


def forward(network: SparseNetwork, values: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Compute every layer for raw inputs: [(x, z), ...], one pair a layer, with the columns of `levels`.

    values : (n, n_in)       raw inputs
    x      : (n, n_read)     what the layer reads
    z      : (n, n_next)     x @ W + b, before the activation; the last z are the scores
    """
    used = network.used_inputs()[0]
    x, states = scale(network, values[:, used], used), []
    for W, b in compact(network):
        z = x @ W + b
        states.append((x, z))
        x = ACTIVATIONS[network.meta.activation](z)
    return states


def gradients(
    network: SparseNetwork,
    states: list[tuple[np.ndarray, np.ndarray]],
    output: int,
    matrices: Matrices | None = None,
) -> np.ndarray:
    """Differentiate the score of one output by the inputs in use, sample by sample: (n, used inputs).

    states   : as `forward` gives them
    output   : index of the score
    matrices : `compact(network)`, if it is at hand

    The chain rule, from the last layer to the first: g <- (g * activation'(z)) @ W.T.
    """
    (last, _), *rest = reversed(matrices or compact(network))
    gradient = np.tile(last[:, output], (len(states[0][0]), 1))
    for (W, _), (_, z) in zip(rest, states[-2::-1]):
        gradient = (gradient * DERIVATIVES[network.meta.activation](z)) @ W.T
    return gradient


def mean_gradients(network: SparseNetwork, values: np.ndarray, absolute: bool = False) -> np.ndarray:
    """Average d score / d x, or its absolute value, over the samples: (n_in, n_out), per unit of scaled input.

    values   : (n, n_in)  raw inputs
    absolute : average |d score / d x|

    This equals the signed path weights with each unit's weights multiplied by its derivative, but the derivatives of
    one sample are multiplied before the average is taken: units that are active for the same samples stay together.
    """
    states, matrices = forward(network, values), compact(network)
    each = (gradients(network, states, c, matrices) for c in range(network.layers[-1].n_out))
    means = [(np.abs(gradient) if absolute else gradient).mean(axis=0) for gradient in each]
    return over_inputs(network, np.stack(means, axis=1))


def over_inputs(network: SparseNetwork, used_values: np.ndarray | Sequence[float]) -> np.ndarray:
    """Spread values of the inputs in use, (k, ...), over all inputs, (n_in, ...), with zeros elsewhere."""
    whole = np.zeros((network.layers[0].n_in, *np.shape(used_values)[1:]))
    whole[network.used_inputs()[0]] = used_values
    return whole
