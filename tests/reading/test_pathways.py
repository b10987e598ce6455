"""Paths are counted, weighed and listed as a recursion finds them, and their contributions add up to the scores."""

import math

import numpy as np
import pytest
from helpers.memory import peak_bytes
from helpers.reading import SIZES, act, all_paths, cases, network_of, plain_scores, random_network, samples

from tinygsp import reading
from tinygsp.sparse import SparseNetwork


@pytest.mark.parametrize("sizes", SIZES)
def test_paths_and_their_weights(sizes):
    network = random_network(sizes)
    counts, absolute, signed = (np.zeros((sizes[0], sizes[-1])) for _ in range(3))
    expected = []
    for i in range(sizes[0]):
        for units, weights in all_paths(network, i):
            expected.append((i, *units))
            counts[i, units[-1]] += 1
            absolute[i, units[-1]] += abs(math.prod(weights))
            signed[i, units[-1]] += math.prod(weights)
    assert counts.sum() > 0 and np.array_equal(reading.path_counts(network), counts)
    assert np.allclose(reading.path_weights(network), absolute, rtol=1e-12, atol=1e-12)
    assert np.allclose(reading.path_weights(network, signed=True), signed, rtol=1e-12, atol=1e-12)
    found = reading.paths(network)
    assert found.shape == (len(expected), len(sizes)) and sorted(map(tuple, found.tolist())) == sorted(expected)


def test_too_many_paths_are_refused():
    network = network_of([np.ones((3, 4)), np.ones((4, 2))])
    assert len(reading.paths(network, limit=24)) == 24
    with pytest.raises(ValueError, match="24 paths, at most 23"):
        reading.paths(network, limit=23)
    with pytest.raises(ValueError, match="24 paths, at most 5"):
        reading.contributions(network, np.ones(3), limit=5)


@cases
def test_contributions_add_up_to_the_scores(sizes, activation):
    network = random_network(sizes, activation)
    for values in [*samples(network, 5)[0], np.zeros(sizes[0]), np.full(sizes[0], 1.0)]:  # 1.0 / 4 is the mean: x = 0
        parts = reading.contributions(network, values)
        total = parts.bias + np.bincount(parts.paths[:, -1], parts.value, sizes[-1])
        expected, zs = plain_scores(network, reading.scale(network, values))
        assert np.allclose(parts.scores, expected, rtol=1e-10, atol=1e-10)
        assert np.allclose(total, expected, rtol=1e-10, atol=1e-10)
        x = reading.scale(network, values)
        for route, value in zip(parts.paths, parts.value):  # each by its definition
            part = x[route[0]]
            for k, (i, j) in enumerate(zip(route, route[1:])):
                part *= network.layers[k].dense()[i, j]
                if k < len(sizes) - 2:
                    part *= act(network, zs[k][j]) / zs[k][j] if zs[k][j] else 1
            assert math.isclose(value, part, rel_tol=1e-6, abs_tol=1e-12)
    assert not parts.value.any() and parts.bias.any()  # no input is left but the biases


@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_a_unit_at_zero_passes_nothing(activation):
    network = network_of([[[1], [-1]], [[5]]], activation=activation)
    parts = reading.contributions(network, np.array([2.0, 2.0]))
    assert np.isfinite(parts.value).all() and parts.scores.tolist() == [0] and parts.value.sum() == 0


def test_strongest_paths():
    network = network_of([[[1, 0], [-5, 2], [3, 0]]])
    parts = reading.contributions(network, np.ones(3))
    assert parts.paths[parts.strongest(0, 2)].tolist() == [[1, 0], [2, 0]]
    assert parts.value[parts.strongest(0, 9)].tolist() == [-5, 3, 1] and len(parts.strongest(1, 9)) == 1


@pytest.mark.parametrize("sizes", SIZES)
def test_all_paths_are_counted_without_a_matrix(sizes):
    network = random_network(sizes)
    assert reading.count_paths(network) == reading.path_counts(network).sum() == len(reading.paths(network))


def test_paths_are_listed_in_order():
    """By input, then by the units behind it."""
    network = network_of([[[1, 1], [0, 0], [1, 0]], [[1, 1], [0, 1]]])
    assert reading.paths(network).tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 1], [2, 0, 0], [2, 0, 1]]
    unsorted = SparseNetwork([part.select(np.arange(part.row.size)[::-1]) for part in network.layers], network.meta)
    assert reading.paths(unsorted).tolist() == reading.paths(network).tolist()


def test_paths_that_end_nowhere_are_not_followed():
    """Five full layers of ten units and no connection to the output: 10**6 paths up to there, if they were followed."""
    full = [np.ones((10, 10))] * 5
    network = network_of([*full, np.zeros((10, 1))])
    assert reading.count_paths(network) == 0 and reading.paths(network).shape == (0, 7)
    assert peak_bytes(lambda: reading.paths(network)) < 2**20
    with pytest.raises(ValueError, match="1,000,000 paths, at most 999,999"):
        reading.paths(network_of([*full, np.ones((10, 1))]), limit=999_999)


def test_contributions_where_no_path_leads():
    network = network_of([[[1, 0]], [[0], [2]]], [[0, 0.5], [0.25]], activation="relu")
    parts = reading.contributions(network, np.array([3.0]))
    assert parts.paths.shape == (0, 3) and parts.scores.tolist() == parts.bias.tolist() == [1.25]
