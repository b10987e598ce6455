"""Drawings of a network show what is there."""

import itertools

import numpy as np
import pytest
from helpers.reading import random_network, samples

from tinygsp import plots, reading
from tinygsp.plots.inputs import spanning_tree
from tinygsp.plots.network import TALLEST, heights, plan_diagram


def drawn_weights(axes, network):
    """[(layer, adds, lines)] of the connections that are drawn as lines, and the collections of signs on maps."""
    lines = [c for c in axes.collections if type(c).__name__ == "LineCollection"]
    first = len(network.layers) - len(lines) // 2
    return [(network.layers[first + k // 2], k % 2 == 0, drawn) for k, drawn in enumerate(lines)]


@pytest.mark.parametrize("shape", [(12,), (3, 4)])
def test_every_connection_has_the_colour_and_the_dashes_of_its_sign(axes, shape):
    network = random_network((12, 6, 5, 3), input_shape=shape)
    orders = [order.tolist() for order in reading.order_units(network, restarts=1)]
    plots.network_diagram(network, orders, axes)
    drawn = drawn_weights(axes, network)
    assert len(drawn) == 2 * (len(network.layers) - (len(shape) == 2))
    for layer, adds, lines in drawn:
        assert len(lines.get_segments()) == np.count_nonzero((layer.weight > 0) == adds)
        assert (lines.get_linestyle()[0][1] is None) == adds  # solid, else dashes
        assert np.isclose(lines.get_colors()[:, 2], 0xB2 / 255).all() == adds


def test_every_unit_has_a_map_of_the_pixels_that_it_reads(axes):
    network = random_network((12, 6, 5, 3), input_shape=(3, 4))
    orders = [order.tolist() for order in reading.order_units(network, restarts=1)]
    plots.network_diagram(network, orders, axes)
    plan, layer = plan_diagram(network, orders), network.layers[0]
    assert len(axes.patches) == len(orders[1]) and plan.maps.keys() == set(orders[1])
    signs = {True: [], False: []}
    for drawn in axes.collections[-2:]:
        blue = np.isclose(drawn.get_edgecolors()[0][2], 0xB2 / 255)
        signs[bool(blue)] = np.asarray(drawn.get_offsets())
    for adds, places in signs.items():
        chosen = (layer.weight > 0) == adds
        assert len(places) == np.count_nonzero(chosen)
        for (x, y), row, col in zip(places, layer.row[chosen], layer.col[chosen]):
            left, low = plan.maps[col]
            assert left < x < left + plan.side and low < y < low + plan.side
            (others,) = np.nonzero(layer.row[chosen] == row)  # the same pixel has the same place in every map
            assert np.allclose(places[others] - [plan.maps[c] for c in layer.col[chosen][others]], (x - left, y - low))


@pytest.mark.parametrize("units", [1, 12, 13, 40])
def test_maps_do_not_overlap_and_their_stems_pass_between_them(units):
    network = random_network((12, units, 3), input_shape=(3, 4))
    plan = plan_diagram(network, [list(range(12)), list(range(units)), [0, 1, 2]])
    columns = {}
    for unit, (left, low) in plan.maps.items():
        assert np.isclose(low + plan.side / 2, plan.y[1][unit]) and left + plan.side < plan.x[1]
        columns.setdefault(left, []).append(low)
    assert len(columns) == (1 if units <= 12 else 2)
    for lows in columns.values():
        assert (np.abs(np.diff(lows)) > plan.side).all()
    if len(columns) == 2:
        for unit, (left, _) in plan.maps.items():
            if left == 0:
                y = plan.y[1][unit]
                assert not any(low < y < low + plan.side for place, lows in columns.items() if place for low in lows)


@pytest.mark.parametrize("shape", [(12,), (3, 4)])
def test_the_strongest_paths_are_drawn(axes, shape):
    network = random_network((12, 6, 5, 3), input_shape=shape)
    values, orders = samples(network, 5)[0][0], reading.order_units(network, restarts=1)
    parts = reading.contributions(network, values)
    plots.path_diagram(network, parts, [2, 0], orders, values, axes, most=4)
    (drawn,) = [c.get_segments() for c in axes.collections]
    assert {len(line) for line in drawn} == {4} and len(drawn) == sum(
        len(parts.strongest(output, 4)) for output in (2, 0)
    )
    assert len(axes.images) == len(shape) - 1
    assert {text.get_text().split("\n")[0] for text in axes.texts} >= {"c", "a"}


@pytest.mark.parametrize("shape", [(12,), (3, 4)])
@pytest.mark.parametrize("units", [1, 40, 2000])
def test_a_drawing_has_a_size_that_can_be_drawn(units, shape):
    network = random_network((12, units, 3), input_shape=shape)
    plan = plan_diagram(network, [list(range(12)), list(range(units)), [0, 1, 2]])
    assert plan.height * plan.unit <= TALLEST and plan.width * plan.unit <= 20


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
