"""Small sparse networks, and the slow way to compute what they say."""

import numpy as np

from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

f32 = np.float32
ACTIVATIONS = {"silu": lambda x: x / (1 + np.exp(-x)), "relu": lambda x: x * (x > 0)}


def layer(shape, connections, bias):
    """A SparseLayer; connections : [(row, col, weight), ...]"""
    row, col, weight = zip(*connections, strict=True) if connections else ((), (), ())
    return SparseLayer(
        shape, np.array(row, np.int32), np.array(col, np.int32), np.array(weight, f32), np.array(bias, f32)
    )


def small(**meta):
    """4 inputs, 3 units, 2 outputs. Input 2 and unit 1 are not read; one weight is an explicit zero."""
    first = layer((4, 3), [(0, 0, 1.5), (3, 0, -2), (1, 1, 0.5), (1, 2, 1), (3, 2, 0)], [0.25, 0, -1])
    second = layer((3, 2), [(0, 0, 2), (2, 0, -1), (2, 1, 3)], [0, 0.5])
    options = {"divisor": 255.0, "mean": 0.25, "std": 0.5, "class_names": ("a", "b"), "input_shape": (2, 2)}
    return SparseNetwork([first, second], Meta(**{**options, **meta}))


def random_network(seed, activation="silu"):
    """Sparse enough for dead units, constant units and chains of them; one weight in ten is zero."""
    rng = np.random.default_rng(seed)
    sizes = [6, 5, 5, 4, 3]
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        row, col = np.nonzero(rng.random((n_in, n_out)) < 0.3)
        weight = rng.normal(0, 1, row.size) * (rng.random(row.size) < 0.9)
        bias = rng.normal(0, 1, n_out) * (rng.random(n_out) < 0.5)
        layers.append(
            SparseLayer((n_in, n_out), row.astype(np.int32), col.astype(np.int32), weight.astype(f32), bias.astype(f32))
        )
    return SparseNetwork(layers, Meta(activation, class_names=("a", "b", "c"), input_shape=(6,)))


def dense_scores(network, values):
    """The scores of `network` in float64, added up connection by connection."""
    m = network.meta
    x = (values.astype(np.float64) / m.divisor - m.mean) / m.std
    for k, part in enumerate(network.layers):
        y = np.tile(part.bias.astype(np.float64), (len(x), 1))
        for row, col, weight in zip(part.row, part.col, part.weight, strict=True):
            y[:, col] += x[:, row] * float(weight)
        x = y if k == len(network.layers) - 1 else ACTIVATIONS[m.activation](y)
    return x


def inputs(n, n_in, dtype):
    """Random inputs (n, n_in): bytes, or floats around 100."""
    rng = np.random.default_rng(n)
    if dtype == np.uint8:
        return rng.integers(256, size=(n, n_in)).astype(np.uint8)
    return rng.normal(100, 100, (n, n_in)).astype(dtype)


def arrays(network):
    """All arrays of a network, layer by layer."""
    return [getattr(part, name) for part in network.layers for name in ("row", "col", "weight", "bias")]


def same_network(a, b):
    """Whether two networks have equal meta and equal arrays of equal types."""
    return a.meta == b.meta and all(
        x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(arrays(a), arrays(b), strict=True)
    )
