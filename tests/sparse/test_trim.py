"""Trimming removes numbers and keeps the function."""

import numpy as np
import pytest
from helpers.nets import arrays, dense_scores, layer, random_network, same_network, small

from tinygsp.sparse import Meta, SparseNetwork


@pytest.mark.parametrize("activation", ["silu", "relu"])
@pytest.mark.parametrize("seed", range(12))
def test_trim_keeps_the_function(seed, activation):
    network = random_network(seed, activation)
    before = [a.copy() for a in arrays(network)]
    trimmed = network.trim()
    values = np.random.default_rng(seed).normal(size=(30, 6))
    assert np.allclose(trimmed.scores(values), dense_scores(network, values), rtol=1e-4, atol=1e-5)
    assert trimmed.count() < network.count()
    assert all(np.array_equal(a, b) for a, b in zip(before, arrays(network)))  # the original is untouched
    assert [part.shape for part in trimmed.layers] == [part.shape for part in network.layers]
    assert same_network(trimmed, trimmed.trim())
    for part, following in zip(trimmed.layers, trimmed.layers[1:]):
        assert set(following.row) == set(part.col)  # every unit is fed and read
        assert set(np.flatnonzero(part.bias)) <= set(following.row)
    assert all(np.all(part.weight != 0) for part in trimmed.layers)


def test_random_networks_have_something_to_trim():
    """Chains need two layers of constant units: some seed above must have a unit only constants feed."""

    def constant(network):
        dead = [set(range(p.n_out)) - set(p.col[p.weight != 0]) for p in network.layers]
        return [u for p, d in zip(network.layers[1:], dead) for u in set(p.col) if set(p.row[p.col == u]) <= d]

    assert any(constant(random_network(seed)) for seed in range(12))


def test_trim_drops_unread_units():
    trimmed = small().trim()
    assert [u.tolist() for u in trimmed.used_inputs()] == [[0, 1, 3], [0, 2]]
    assert trimmed.layers[0].col.tolist() == [0, 0, 2] and trimmed.layers[0].weight.tolist() == [1.5, -2, 1]
    assert trimmed.count() == small().count() - 1


def test_trim_drops_a_chain_of_unread_units():
    first = layer((2, 2), [(0, 0, 1), (1, 1, 1)], [1, 1])
    second = layer((2, 2), [(0, 0, 1), (1, 1, 1)], [1, 1])
    third = layer((2, 1), [(0, 0, 1)], [0])
    trimmed = SparseNetwork([first, second, third], Meta(class_names=("y",))).trim()
    assert [part.row.tolist() for part in trimmed.layers] == [[0], [0], [0]]
    assert [part.bias.tolist() for part in trimmed.layers] == [[1, 0], [1, 0], [0]]


def test_trim_folds_a_chain_of_constant_units():
    """Unit 1 is always relu(2) = 2, so unit 1 of the next layer relu(3 * 2 - 1) = 5, and the output gains 20."""
    first = layer((1, 2), [(0, 0, 1)], [0, 2])
    second = layer((2, 2), [(0, 0, 1), (1, 1, 3)], [0, -1])
    third = layer((2, 1), [(0, 0, 1), (1, 0, 4)], [0.5])
    trimmed = SparseNetwork([first, second, third], Meta("relu", class_names=("y",))).trim()
    assert [part.weight.tolist() for part in trimmed.layers] == [[1], [1], [1]]
    assert [part.bias.tolist() for part in trimmed.layers] == [[0, 0], [0, 0], [20.5]]
    assert trimmed.count() == 4


def test_trim_folds_what_a_zero_weight_fed():
    network = SparseNetwork(
        [layer((1, 1), [(0, 0, 0)], [3]), layer((1, 1), [(0, 0, 2)], [1])], Meta("relu", class_names=("y",))
    )
    trimmed = network.trim()
    assert [part.row.size for part in trimmed.layers] == [0, 0]
    assert trimmed.layers[0].bias.tolist() == [0] and trimmed.layers[1].bias.tolist() == [7]
