"""Crossings are counted exactly, and the order for a drawing has few of them."""

import itertools

import numpy as np
import pytest
from helpers.reading import SIZES, network_of, random_network

from tinygsp import reading
from tinygsp.reading.order import MAX_ORDERED, barycentre, count_crossings, crossing_matrix, improve, sift


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


def test_one_crossing_less_is_worth_a_move():
    """From the natural order alone, without other starts: three pairs that cross once each."""
    network = network_of([[[0, 1], [1, 0]]])
    assert reading.crossings(network, reading.levels(network)) == 1
    assert reading.crossings(network, reading.order_units(network, fixed=[-1], restarts=1)) == 0
    assert [order.tolist() for order in reading.order_units(network, fixed=[-1], restarts=1)] == [[1, 0], [0, 1]]


@pytest.mark.parametrize("move, both", [(barycentre, True), (sift, True), (sift, False)])
def test_a_move_is_kept_if_one_crossing_less_is_left(move, both):
    alive, natural = [np.array([[False, True], [True, False]])], [np.arange(2), np.arange(2)]
    assert [order.tolist() for order in improve(alive, natural, [0], move, both)] == [[1, 0], [0, 1]]
    best = improve(alive, [np.array([1, 0]), np.arange(2)], [0, 1], move, both)
    assert [order.tolist() for order in best] == [[1, 0], [0, 1]]  # nothing is better: as it was


@pytest.mark.parametrize("sizes", [(9, 7), (30, 12, 9, 4)])
def test_the_count_is_the_sum_of_the_matrix(sizes, rng):
    alive = [rng.random((a, b)) < 0.4 for a, b in zip(sizes, sizes[1:])]
    orders = [rng.permutation(n) for n in sizes]
    after = [matrix[np.ix_(rows, cols)] for matrix, rows, cols in zip(alive, orders, orders[1:])]
    expected = sum(np.triu(crossing_matrix(edges), 1).sum() for edges in after)
    assert count_crossings(alive, orders) == expected > 0


def test_an_order_of_other_units_is_refused():
    network = network_of([[[1, 0], [0, 0], [0, 2]]])
    assert reading.crossings(network, [[2, 0], [0, 1]]) == 1
    with pytest.raises(ValueError, match="the order of level 0 has a unit that is not in use"):
        reading.crossings(network, [[0, 1, 2], [0, 1]])


def test_levels_too_large_for_a_drawing_are_refused():
    network = network_of([np.ones((MAX_ORDERED + 1, 2))])
    for question in (reading.order_units, lambda n: reading.crossings(n, reading.levels(n))):
        with pytest.raises(ValueError, match="1,001 inputs or units are in one level; at most 1,000 are put into"):
            question(network)
    assert reading.crossings(network_of([np.eye(MAX_ORDERED)]), [range(MAX_ORDERED)] * 2) == 0
