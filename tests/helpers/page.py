"""Image classifiers for the page, and images for them."""

import numpy as np

from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

f32 = np.float32
DIGITS = tuple("0123456789")
HOSTILE = ("</script><script>document.title = 'broken'</script>", "<!--<script>", "\u2028@DATA@ & \"b\" 'c'")  # names


def random_network(sizes=(784, 300, 100, 10), used=(208, 36, 28, 10), kept=(271, 69, 58), seed=0, **meta):
    """Of each level of `sizes` only `used` units are connected, by `kept` weights a layer."""
    rng = np.random.default_rng(seed)
    levels = [np.sort(rng.choice(size, n, replace=False)) for size, n in zip(sizes, used)]
    layers = []
    for before, after, n_in, n_out, k in zip(levels, levels[1:], sizes, sizes[1:], kept):
        place = np.sort(rng.choice(before.size * after.size, k, replace=False))
        bias = np.zeros(n_out, f32)
        bias[after] = rng.normal(0, 1, after.size)
        layers.append(
            SparseLayer(
                (n_in, n_out),
                before[place // after.size].astype(np.int32),
                after[place % after.size].astype(np.int32),
                rng.normal(0, 1, k).astype(f32),
                bias,
            )
        )
    options = {"divisor": 255.0, "mean": 0.1307, "std": 0.3081, "class_names": DIGITS, "input_shape": (28, 28)}
    return SparseNetwork(layers, Meta(**{**options, **meta}))


def odd_network(**meta):
    """7 x 5 pixels, three hidden layers, three classes."""
    return random_network(
        (35, 9, 8, 7, 3),
        (12, 5, 4, 4, 3),
        (14, 9, 8, 7),
        seed=23,
        **{"input_shape": (7, 5), "class_names": ("a", "b", "c"), "dataset": "odd", **meta},
    )


def bars_network():
    """Reads four pixels, none hidden: "wide" those left and right of the middle, "tall" those above and below."""
    row = np.array([14 * 28 + 7, 14 * 28 + 21, 7 * 28 + 14, 21 * 28 + 14], np.int32)
    layer = SparseLayer((784, 2), row, np.array([0, 0, 1, 1], np.int32), np.ones(4, f32), np.zeros(2, f32))
    return SparseNetwork([layer], Meta(divisor=255.0, class_names=("wide", "tall"), input_shape=(28, 28)))


def noise(network, n, seed=0):
    """n images and labels for a network, about half of the labels right."""
    rng = np.random.default_rng(seed)
    x = rng.integers(256, size=(n, network.layers[0].n_in)).astype(np.uint8)
    guess = rng.integers(network.layers[-1].n_out, size=n)
    return x, np.where(rng.random(n) < 0.5, network.predict(x), guess)


def paths(network, pixels):
    """Every path of a network for one image: the list of its nodes (level, index) and what it brings.

    A path starts at a pixel with x, or at a unit with its bias; each unit on its way scales by act(z) / z.
    """
    slope = {"silu": lambda z: 1 / (1 + np.exp(-z)), "relu": lambda z: (z > 0) * 1.0}[network.meta.activation]
    x = (pixels.astype(np.float64) / network.meta.divisor - network.meta.mean) / network.meta.std
    found = [([(0, i)], value) for i, value in enumerate(x)]
    finished = []
    for k, layer in enumerate(network.layers):
        z = x @ layer.dense().astype(np.float64) + layer.bias
        s = slope(z) if k < len(network.layers) - 1 else np.ones(layer.n_out)
        x = z * s
        found = [
            (nodes + [(k + 1, col)], value * weight * s[col])
            for nodes, value in found
            for row, col, weight in zip(layer.row, layer.col, layer.weight)
            if nodes[-1] == (k, row)
        ] + [([(k + 1, j)], b * s[j]) for j, b in enumerate(layer.bias)]
    finished = found
    return finished
