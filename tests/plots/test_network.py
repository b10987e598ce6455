"""Drawings of a network show what is there."""

import itertools

import numpy as np
import pytest
from helpers.reading import random_network, samples

from tinygsp import plots, reading
from tinygsp.plots.inputs import spanning_tree
from tinygsp.plots.network import heights


@pytest.mark.parametrize("shape", [(12,), (3, 4)])
def test_every_connection_is_drawn_in_the_colour_of_its_sign(axes, shape):
    network = random_network((12, 6, 5, 3), input_shape=shape)
    orders = reading.order_units(network, restarts=1)
    plots.network_diagram(network, [order.tolist() for order in orders], axes)
    assert len(axes.collections) >= len(network.layers)
    for layer, lines in zip(network.layers, axes.collections):
        assert len(lines.get_segments()) == len(layer.weight)
        blue = np.isclose(lines.get_colors()[:, 2], 0xB2 / 255)
        assert np.array_equal(blue, layer.weight > 0)
    assert len(axes.child_axes) == len(shape) - 1  # an inset, if the inputs are pixels


@pytest.mark.parametrize("shape", [(12,), (3, 4)])
def test_the_strongest_paths_are_drawn(axes, shape):
    network = random_network((12, 6, 5, 3), input_shape=shape)
    values, orders = samples(network, 5)[0][0], reading.order_units(network, restarts=1)
    parts = reading.contributions(network, values)
    plots.path_diagram(network, parts, [2, 0], orders, values, axes, most=4)
    drawn = [line for line in axes.get_lines() if len(line.get_xdata()) == 4]
    assert len(drawn) == sum(len(parts.strongest(output, 4)) for output in (2, 0))
    assert len(axes.images) == len(shape) - 1
    assert {text.get_text().split("\n")[0] for text in axes.texts} >= {"c", "a"}


def test_a_contribution_chart_adds_up(axes):
    network = random_network((12, 6, 5, 3))
    parts = reading.contributions(network, samples(network, 5)[0][0])
    plots.contribution_bars(network, parts, [1, 2], axes)
    widths = np.array([bar.get_width() for bar in axes.patches]).reshape(2, 3)
    assert np.allclose(widths.sum(axis=1), parts.scores[[1, 2]])


def test_heights_begin_on_top():
    assert heights([[3, 1], [0]]) == [{3: 0.75, 1: 0.25}, {0: 0.5}]


def test_the_shortest_tree_joins_all_points():
    """Compared with all trees of five points, of which there are 5**3 (Cayley)."""
    x, y = np.random.default_rng(1).random((2, 5))
    length = lambda edges: sum(np.hypot(x[a] - x[b], y[a] - y[b]) for a, b in edges)  # noqa: E731
    found = spanning_tree(x, y)
    pairs = list(itertools.combinations(range(5), 2))
    trees = [edges for edges in itertools.combinations(pairs, 4) if is_connected(edges)]
    assert len(trees) == 125 and is_connected(found)
    assert np.isclose(length(found), min(map(length, trees)))


def is_connected(edges):
    reached = {0}
    for _ in range(5):
        reached |= {b for edge in edges for a, b in (edge, edge[::-1]) if a in reached}
    return len(reached) == 5
