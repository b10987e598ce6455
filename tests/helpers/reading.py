"""Networks to read, and the slow and plain way to compute what `reading` finds in them."""

import math

import numpy as np
import pytest

from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

f32 = np.float32


def network_of(matrices, biases=None, **meta):
    """A SparseNetwork with these dense matrices; zeros are no connections."""
    layers = []
    for k, W in enumerate(np.asarray(W, f32) for W in matrices):
        row, col = np.nonzero(W)
        bias = np.zeros(W.shape[1], f32) if biases is None else np.asarray(biases[k], f32)
        layers.append(SparseLayer(W.shape, row.astype(np.int32), col.astype(np.int32), W[row, col], bias))
    names = tuple(f"y{j + 1}" for j in range(layers[-1].n_out))
    return SparseNetwork(layers, Meta(**{"class_names": names, "input_shape": (layers[0].n_in,), **meta}))


SIZES = [(5, 2), (6, 3, 3), (7, 4, 5, 3), (3, 6, 4, 5, 2)]
CASES = [(sizes, activation) for sizes in SIZES for activation in ("silu", "relu")]
cases = pytest.mark.parametrize("sizes, activation", CASES)


def random_network(sizes, activation="silu", **meta):
    """Some weights and biases, some weights exactly zero but listed; some inputs and units unread."""
    rng = np.random.default_rng(sum(sizes) + len(activation))
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        row, col = np.nonzero(rng.random((n_in, n_out)) < 0.6)
        weight = rng.normal(0, 1, row.size) * (rng.random(row.size) < 0.9)
        bias = rng.normal(0, 1, n_out) * (rng.random(n_out) < 0.8)
        layers.append(
            SparseLayer((n_in, n_out), row.astype(np.int32), col.astype(np.int32), weight.astype(f32), bias.astype(f32))
        )
    options = {
        "divisor": 4.0,
        "mean": 0.25,
        "std": 0.5,
        "class_names": tuple("abcdef"[: sizes[-1]]),
        "input_shape": (sizes[0],),
    }
    return SparseNetwork(layers, Meta(activation, **{**options, **meta}))


def samples(network, n=40, task="classification"):
    """(values, target): random inputs, and targets the network is often but not always right about."""
    rng = np.random.default_rng(n)
    values = rng.normal(1, 3, (n, network.layers[0].n_in))
    scores = network.scores(values) + rng.normal(0, 1, (n, network.layers[-1].n_out))
    return values, scores.argmax(axis=1) if task == "classification" else scores.astype(np.float64)


def all_paths(network, unit, k=0):
    """[(units after this one, weights), ...] by recursion."""
    if k == len(network.layers):
        return [((), ())]
    layer = network.layers[k]
    return [
        ((j, *units), (float(w), *weights))
        for i, j, w in zip(layer.row, layer.col, layer.weight)
        if i == unit and w != 0
        for units, weights in all_paths(network, j, k + 1)
    ]


def act(network, z):
    return z / (1 + math.exp(-z)) if network.meta.activation == "silu" else max(z, 0.0)


def plain_scores(network, x):
    """Scores of one scaled input, connection by connection, in Python floats; and z of every layer."""
    zs = []
    for layer in network.layers:
        z = [float(b) for b in layer.bias]
        for i, j, w in zip(layer.row, layer.col, layer.weight):
            z[j] += x[i] * float(w)
        zs.append(z)
        x = [act(network, v) for v in z]
    return np.array(zs[-1]), zs


def jacobian(network, x, h=1e-5):
    """(n_in, n_out) by central differences at one scaled input."""
    return np.array(
        [(plain_scores(network, x + h * e)[0] - plain_scores(network, x - h * e)[0]) / (2 * h) for e in np.eye(len(x))]
    )
