"""How the answer depends on one input, against the plain way to compute it."""

import numpy as np
from helpers.reading import network_of, random_network, samples

from tinygsp import reading
from tinygsp.nn.gates import softmax


def test_partial_dependence_is_the_mean_over_the_samples():
    network = random_network((5, 3, 2))
    values = samples(network, 60)[0]
    values[:, 1] = np.arange(60) % 3
    inputs = [int(i) for i in network.used_inputs()[0][:2]] + [1]
    for i, (grid, mean) in zip(inputs, reading.partial_dependence(network, values, inputs, points=7)):
        expected_grid = [0, 1, 2] if i == 1 else np.linspace(*np.quantile(values[:, i], (0.01, 0.99)), 7)
        assert np.allclose(grid, expected_grid)
        for value, found in zip(grid, mean):
            changed = values.copy()
            changed[:, i] = value
            assert np.allclose(found, softmax(network.scores(changed)).mean(axis=0), atol=1e-6)


def test_a_line_stays_a_line():
    network = network_of([[[2.0], [0.0], [-1.0]]], [[0.5]], task="regression")
    values = np.random.default_rng(0).normal(size=(800, 3)).astype(np.float32)
    (grid, mean), (_, flat) = reading.partial_dependence(network, values, [2, 1])
    assert np.allclose(np.diff(mean[:, 0]) / np.diff(grid), -1, atol=1e-3) and np.ptp(flat) == 0
    few = values[:500]  # of many samples the first are taken
    assert np.isclose(mean[0, 0], (0.5 + 2 * few[:, 0] - grid[0]).mean(), atol=1e-5)
