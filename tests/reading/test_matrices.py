"""The network as matrices computes what the network computes, and gradients are slopes."""

import numpy as np
import pytest
from helpers.reading import cases, jacobian, network_of, plain_scores, random_network, samples

from tinygsp import reading
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork


@cases
def test_forward_gives_the_scores(sizes, activation):
    network = random_network(sizes, activation)
    values, _ = samples(network)
    states = reading.forward(network, values)
    assert np.allclose(states[-1][1], network.scores(values), rtol=1e-4, atol=1e-4)
    _, zs = plain_scores(network, reading.scale(network, values[3]))
    for (_, z), all_z, read in zip(states, zs, reading.levels(network)[1:]):
        assert np.allclose(z[3], np.array(all_z)[read], rtol=1e-10, atol=1e-10)
    assert [x.shape[1] for x, _ in states] == [len(used) for used in network.used_inputs()]


@cases
def test_gradients_are_the_slopes(sizes, activation):
    network = random_network(sizes, activation)
    values, _ = samples(network, 6)
    states = reading.forward(network, values)
    slopes = np.array([jacobian(network, x) for x in reading.scale(network, values)])  # (n, n_in, n_out)
    for c in range(sizes[-1]):
        found = reading.gradients(network, states, c)
        assert np.allclose(found, slopes[:, network.used_inputs()[0], c], rtol=1e-6, atol=1e-7)
    assert np.allclose(reading.mean_gradients(network, values), slopes.mean(axis=0), rtol=1e-6, atol=1e-7)
    absolute = reading.mean_gradients(network, values, absolute=True)
    assert np.allclose(absolute, np.abs(slopes).mean(axis=0), rtol=1e-6, atol=1e-7)


def test_input_names():
    assert reading.input_names(network_of([np.ones((3, 1))])) == ["x1", "x2", "x3"]
    names = reading.input_names(network_of([np.ones((6, 1))], input_shape=(2, 3)))
    assert names[0] == "(0, 0)" and names[5] == "(1, 2)"


@cases
def test_the_matrices_are_the_parts_in_use(sizes, activation):
    network = random_network(sizes, activation)
    used = reading.levels(network)
    for (W, b), layer, rows, cols in zip(reading.compact(network), network.layers, used, used[1:]):
        assert W.dtype == b.dtype == np.float64
        assert np.array_equal(W, layer.dense()[np.ix_(rows, cols)]) and np.array_equal(b, layer.bias[cols])


@pytest.mark.parametrize("sizes, numbers", [
    ((6000, 6000, 1), "36,006,000"),  # 6,000 inputs, each to a unit of its own, and these to one output
    ((10_000, 1, 4000), "40,000,000"),  # between inputs and outputs, all of them through one unit
])  # fmt: skip
def test_matrices_too_large_for_memory_are_refused(sizes, numbers):
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        place = np.arange(max(n_in, n_out))
        row, col = (place % n for n in (n_in, n_out))
        weight = np.ones(place.size, np.float32)
        layers.append(SparseLayer((n_in, n_out), row, col, weight, np.zeros(n_out, np.float32)))
    network = SparseNetwork(layers, Meta())
    for question in (reading.compact, reading.path_counts, reading.path_weights, reading.weighted_rows):
        with pytest.raises(ValueError, match=f"make matrices of {numbers} numbers; at most 33,554,432 are read"):
            question(network)
