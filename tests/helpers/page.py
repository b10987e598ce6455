"""Image classifiers for the page, recordings of how they came to be, and images for them."""

import base64
import json
import re
import zlib

import numpy as np

from tinygsp.runs import Wiring
from tinygsp.runs.wiring import first_cells
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


def recording(network, frames=8, more=300, crowded=2, seed=0):
    """A recording that ends in a network like `network`: before that there are more and more connections.

    The first `crowded` frames are not stored; the wiring of the last three changes by two connections a frame.
    """
    rng = np.random.default_rng(seed)
    small, sizes = network.trim(), (network.layers[0].n_in, *(layer.n_out for layer in network.layers))
    firsts = first_cells(sizes)
    total = network.total
    own, weights = [], []
    for layer, first in zip(small.layers, firsts):
        biases = np.flatnonzero(layer.bias)
        own += [layer.row.astype(np.int64) * layer.n_out + layer.col + first, layer.n_in * layer.n_out + biases + first]
        weights += [layer.weight, layer.bias[biases]]
    own, weights = np.concatenate(own), np.concatenate(weights)
    scale = np.full(len(firsts), np.abs(weights).max() / 127, np.float32)
    extra = np.setdiff1d(rng.choice(total, min(more, total // 2), replace=False), own)
    cell = np.sort(np.concatenate([own, extra]))
    level = np.zeros((len(cell), frames), np.int8)
    is_own = np.isin(cell, own)
    order = np.argsort(own)
    levels = np.rint(weights[order] / scale[0]).astype(np.int8)
    level[is_own] = np.where(levels == 0, 1, levels)[:, None]
    lives = rng.permutation(np.flatnonzero(~is_own))
    for f in range(crowded, frames):
        level[lives[: len(lives) * (frames - 1 - f) // frames], f] = 3
        if f >= frames - 3:  # the same number, other places
            level[~is_own, f] = 0
            level[lives[2 * (f % 2) : 2 * (f % 2) + 2], f] = 3
    level[:, :crowded] = 0
    cell, level = cell[level.any(axis=1)], level[level.any(axis=1)]
    stored = np.arange(frames) >= crowded
    count = np.where(stored, np.count_nonzero(level, axis=0), total)
    phase = np.minimum(np.arange(frames) // 3, 2)
    accuracy = np.linspace(0.8, 0.97, frames)
    epochs = 2 + 3 * np.arange(frames)
    phases = ("one", "two", "three")
    return Wiring(sizes, phases, phase, epochs, count, accuracy, stored, cell, level, scale)


def unpack(html):
    """What a page holds: its JSON, and {name: array}."""
    content = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', html, re.S)[1])
    packed = re.search(r'<script id="arrays" type="text/plain">(.*?)</script>', html, re.S)[1]
    block = zlib.decompress(base64.b64decode(packed))
    types = {"u1": "u1", "i1": "i1", "i4": "<i4", "f4": "<f4"}
    arrays = {
        name: np.frombuffer(block, types[where["type"]], where["length"], where["at"])
        for name, where in content["arrays"].items()
    }
    return content, arrays
