"""Crossings are counted exactly, and the order for a drawing has few of them."""

import itertools

import numpy as np
import pytest
from helpers.reading import SIZES, network_of, random_network

from tinygsp import reading


def plain_crossings(network, orders):
    """Every pair of edges of every layer."""
    count = 0
    for layer, rows, cols in zip(network.layers, orders, orders[1:]):
        above, below = ({u: p for p, u in enumerate(level)} for level in (rows, cols))
        edges = [(above[i], below[j]) for i, j, w in zip(layer.row, layer.col, layer.weight) if w != 0 and j in below]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(edges, 2))
    return count


@pytest.mark.parametrize("sizes", [*SIZES, (30, 12, 9, 4)])
def test_crossings_are_counted_exactly(sizes):
    network, rng = random_network(sizes), np.random.default_rng(1)
    counts = set()
    for _ in range(5):
        orders = [rng.permutation(level) for level in reading.levels(network)]
        counts.add(reading.crossings(network, orders))
        assert reading.crossings(network, orders) == plain_crossings(network, orders)
    assert len(counts) > 1


def test_crossings_by_hand():
    network = network_of([[[1, 1], [1, 1]]])
    assert reading.crossings(network, [np.array([0, 1])] * 2) == 1
    network = network_of([np.eye(3)])
    assert reading.crossings(network, [np.array([0, 1, 2]), np.array([2, 1, 0])]) == 3


def test_the_least_crossings_of_all_orders_are_found():
    network = random_network((4, 4, 3))
    natural = reading.levels(network)
    fewest = min(
        reading.crossings(network, [np.array(level) for level in orders])
        for orders in itertools.product(*(itertools.permutations(level) for level in natural))
    )
    assert reading.crossings(network, reading.order_units(network)) == fewest
    assert reading.crossings(network, natural) > fewest


def test_an_order_is_a_permutation_and_the_same_every_time():
    network = random_network((30, 12, 9, 4))
    natural, orders = reading.levels(network), reading.order_units(network, fixed=(0, -1), restarts=4)
    assert [sorted(order.tolist()) for order in orders] == [level.tolist() for level in natural]
    assert np.array_equal(orders[0], natural[0]) and np.array_equal(orders[3], natural[3])
    assert reading.crossings(network, orders) < reading.crossings(network, natural)
    again = reading.order_units(network, fixed=(0, -1), restarts=4)
    assert all(np.array_equal(a, b) for a, b in zip(orders, again))
    free = reading.order_units(network, restarts=4)
    assert reading.crossings(network, free) < reading.crossings(network, orders)


def test_a_path_is_drawn_without_crossings():
    rng = np.random.default_rng(0)
    hidden = [rng.permutation(8) for _ in range(3)]
    network = network_of([np.eye(8)[hidden[0]], np.eye(8)[hidden[1]], np.eye(8)[hidden[2]]])
    assert reading.crossings(network, reading.levels(network)) > 20
    assert reading.crossings(network, reading.order_units(network, fixed=(-1,))) == 0
