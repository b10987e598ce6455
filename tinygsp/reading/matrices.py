"""Compute a network with plain matrices: every number on the way from the inputs to the scores, and its gradient.

The other files of `reading/` build on these few functions. All of them use float64 and leave out inputs and units
that nothing reads. `nn/layers.py` does the same work for training; lesson 11 builds what is here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinygsp.nn.gates import sigmoid
from tinygsp.sparse import ACTIVATIONS, SparseNetwork

Function = Callable[[np.ndarray], np.ndarray]

SLOPES: dict[str, Function] = {  # activation(z) / z, also defined at z = 0
    "silu": sigmoid,
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
}
DERIVATIVES: dict[str, Function] = {"silu": lambda z: sigmoid(z) * (1 + z * sigmoid(-z)), "relu": SLOPES["relu"]}


def levels(network: SparseNetwork) -> list[np.ndarray]:
    """List what is in use, level by level: the inputs that are read, the units that are read, and all outputs."""
    return [*network.used_inputs(), np.arange(network.layers[-1].n_out)]


def input_names(network: SparseNetwork) -> list[str]:
    """Name every input: "(row, column)" of a pixel, counted from 0; otherwise "x1", "x2", ..."""
    n_in, shape = network.layers[0].n_in, network.meta.input_shape
    return [f"({i // shape[1]}, {i % shape[1]})" if len(shape) == 2 else f"x{i + 1}" for i in range(n_in)]


def compact(network: SparseNetwork) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give [(W, b), ...], one pair a layer, float64, without the rows and columns of what nothing reads.

    W : (n_read, n_next)  rows and columns as in `levels`
    b : (n_next,)
    """
    used = levels(network)
    return [
        (layer.dense()[np.ix_(rows, cols)].astype(np.float64), layer.bias[cols].astype(np.float64))
        for layer, rows, cols in zip(network.layers, used, used[1:])
    ]


def scale(network: SparseNetwork, values: np.ndarray) -> np.ndarray:
    """Scale raw inputs to what the first layer reads: x = (value / divisor - mean) / std, float64, same shape."""
    m = network.meta
    return (np.asarray(values, np.float64) / m.divisor - m.mean) / m.std


def forward(network: SparseNetwork, values: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Compute every layer for raw inputs: [(x, z), ...], one pair a layer, with the columns of `levels`.

    values : (n, n_in)       raw inputs
    x      : (n, n_read)     what the layer reads
    z      : (n, n_next)     x @ W + b, before the activation; the last z are the scores
    """
    x, states = scale(network, values[:, network.used_inputs()[0]]), []
    for W, b in compact(network):
        z = x @ W + b
        states.append((x, z))
        x = ACTIVATIONS[network.meta.activation](z)
    return states


def gradients(network: SparseNetwork, states: list[tuple[np.ndarray, np.ndarray]], output: int) -> np.ndarray:
    """Differentiate the score of one output by the inputs in use, sample by sample: (n, used inputs).

    states : as `forward` gives them
    output : index of the score

    The chain rule, from the last layer to the first: g <- (g * activation'(z)) @ W.T.
    """
    (last, _), *rest = reversed(compact(network))
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
    states, n_out = forward(network, values), network.layers[-1].n_out
    each = (gradients(network, states, c) for c in range(n_out))
    means = [(np.abs(gradient) if absolute else gradient).mean(axis=0) for gradient in each]
    return over_inputs(network, np.stack(means, axis=1))


def over_inputs(network: SparseNetwork, used_values: np.ndarray | Sequence[float]) -> np.ndarray:
    """Spread values of the inputs in use, (k, ...), over all inputs, (n_in, ...), with zeros elsewhere."""
    whole = np.zeros((network.layers[0].n_in, *np.shape(used_values)[1:]))
    whole[network.used_inputs()[0]] = used_values
    return whole
