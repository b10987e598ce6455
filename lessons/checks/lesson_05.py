"""Checks of lesson 05, prune by magnitude."""

import numpy as np
from exercise import checker, same

from tinygsp.sparse import Meta, SparseLayer, SparseNetwork


def keep(weights, scores, k):
    """The weights with the k highest scores of all layers together, the others 0."""
    lowest = np.sort(np.concatenate([score.ravel() for score in scores]))[-k]
    return tuple(np.where(score >= lowest, W, 0) for W, score in zip(weights, scores))


def by(weights, k, size):
    """What stays if each weight is ranked relative to `size` of its layer."""
    return keep(weights, [np.abs(W) / size(W) for W in weights], k)


def a_ranking_between(keep_relative, rng):
    shapes = [(int(rng.integers(5, 12)), int(rng.integers(3, 9))) for _ in range(3)]
    weights = [scale * (rng.standard_t(3, shape) + 0.4) for scale, shape in zip((1, 10, 0.1), shapes)]
    k = int(rng.integers(10, 30))
    right = by(weights, k, lambda W: np.sqrt(np.mean(W**2)))
    slips = {
        "ranked by |w| itself: divide by the root mean square of each layer": by(weights, k, lambda W: 1),
        "divided by the largest |w| of the layer, not by its root mean square": by(weights, k, lambda W: abs(W).max()),
        "divided by the mean of |w|, not by the root mean square": by(weights, k, lambda W: np.mean(np.abs(W))),
        "divided by the standard deviation, not by the root mean square: do not subtract the mean": by(
            weights, k, np.std
        ),
        "these are the scaled weights: rank by them, and keep the weights themselves": tuple(
            W / np.sqrt(np.mean(V**2)) for V, W in zip(weights, right)
        ),
    }
    names = tuple(f"layer {j}" for j in range(3))
    same(keep_relative([W.copy() for W in weights], k), right, names, f"k = {k}", slips)


def network_of(weights):
    """The SparseNetwork of the nonzero numbers of weights (n_in + 1, n_out), the last row the biases."""
    layers = []
    for W in weights:
        row, col = np.nonzero(W[:-1])
        layers.append(SparseLayer(W[:-1].shape, row, col, W[row, col].astype(np.float32), W[-1].astype(np.float32)))
    return SparseNetwork(layers, Meta())


def what_was_left_out(hidden_numbers, rng):
    right, slips = 0, {}
    while len({0, right, *slips.values()}) < 6:  # until every mistake gives another number
        sizes = rng.integers(4, 10, 4)
        weights = [rng.normal(size=(n + 1, m)) * (rng.random((n + 1, m)) < 0.3) for n, m in zip(sizes, sizes[1:])]
        whole = network_of(weights)
        trimmed = whole.trim()
        reported = sum(np.count_nonzero(W[:-1]) for W in weights)
        right = trimmed.count() - reported
        slips = {
            "trim first: connections that do nothing do not count": whole.count() - reported,
            "the biases count, too": sum(layer.kept_weights for layer in trimmed.layers) - reported,
            "the difference is taken the other way round": -right,
            "this is the honest count: subtract the colleague's number": trimmed.count(),
        }
    given = f"{whole.count()} nonzero numbers, {trimmed.count()} after trimming"
    same(hidden_numbers([W.copy() for W in weights]), right, "the difference", given, slips)


def no_layer_emptied(lamp, rng):
    W = rng.normal(size=rng.integers(2, 8, 2))
    squares = W**2
    not_smaller = np.where(squares.ravel() >= squares[..., None], squares.ravel(), 0).sum(axis=-1)
    not_larger = np.where(squares.ravel() <= squares[..., None], squares.ravel(), 0).sum(axis=-1)
    slips = {
        "divided by the sum of all squares: leave out those that are smaller": squares / squares.sum(),
        "divided by the sum of those that are not larger; it is those that are not smaller": squares / not_larger,
        "w^2 itself is missing in the sum": squares / np.maximum(not_smaller - squares, 1e-300),
        "the squares are missing: this is |w| over a sum of |u|": np.abs(W)
        / np.where(squares.ravel() >= squares[..., None], np.abs(W).ravel(), 0).sum(axis=-1),
    }
    same(lamp(W.copy()), squares / not_smaller, "the score", "shape {} x {}".format(*W.shape), slips)


check = checker(a_ranking_between, what_was_left_out, no_layer_emptied)
