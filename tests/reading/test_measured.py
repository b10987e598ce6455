"""Measured importance is the network run again; rank correlation is what a calculation by hand gives."""

import math

import numpy as np
import pytest
from helpers.reading import cases, network_of, random_network, samples

from tinygsp import reading
from tinygsp.nn.losses import softmax_cross_entropy
from tinygsp.nn.metrics import score


def test_evaluate_is_the_library_s_own():
    network = random_network((7, 4, 5, 3))
    values, labels = samples(network)
    scores = network.scores(values).astype(np.float64)
    accuracy, loss = reading.evaluate(network, scores, labels)
    assert accuracy == score(scores, labels, "classification") and 0 < accuracy < 1
    assert loss == softmax_cross_entropy(scores, labels)[0]
    network = random_network((7, 4, 5, 3), task="regression")
    values, target = samples(network, task="regression")
    r2, loss = reading.evaluate(network, scores, target)
    assert math.isclose(r2, score(scores, target, "regression"), rel_tol=1e-12)
    assert math.isclose(loss, sum((s - t) @ (s - t) for s, t in zip(scores, target)) / len(scores), rel_tol=1e-12)


def brute_force(network, values, target, replacement):
    """(drop, increase): the whole network again for every input."""

    def quality(v):
        return np.array(reading.evaluate(network, network.scores(v).astype(np.float64), target))

    drop, increase = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for i in network.used_inputs()[0]:
        changed = values.copy()
        changed[:, i] = replacement(i)
        drop[i], increase[i] = (quality(values) - quality(changed)) * (1, -1)
    return drop, increase


@cases
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_ablation_is_the_network_run_again(sizes, activation, task):
    network = random_network(sizes, activation, task=task)
    values, target = samples(network, task=task)
    fill = values.mean(axis=0)
    found = reading.ablation(network, values, target, fill)
    expected = brute_force(network, values, target, lambda i: fill[i])
    assert np.abs(expected[1]).max() > 0.01
    for a, b in zip(found, expected):
        assert a.shape == (sizes[0],) and np.allclose(a, b, rtol=1e-4, atol=1e-5)


@cases
def test_permutation_is_the_network_run_again(sizes, activation):
    network = random_network(sizes, activation)
    values, target = samples(network)
    found = reading.permutation(network, values, target, np.random.default_rng(5), repeats=2)
    rng = np.random.default_rng(5)
    deals = [brute_force(network, values, target, lambda i: values[rng.permutation(len(values)), i]) for _ in range(2)]
    for a, b in zip(found, np.mean(deals, axis=0)):
        assert a.shape == (sizes[0],) and np.allclose(a, b, rtol=1e-4, atol=1e-5)
    assert np.abs(found[1]).max() > 0.01


def test_an_input_that_is_not_read_is_worth_nothing():
    network = network_of([[[1, 0], [0, 0], [0, 2]]])
    values, target = samples(network)
    fill = values.mean(axis=0)
    measured = [
        *reading.ablation(network, values, target, fill),
        *reading.permutation(network, values, target, np.random.default_rng(0)),
    ]
    assert all(a[1] == 0 for a in [*reading.importances(network, values, target, fill).values(), *measured])
    assert measured[1][0] != 0 and measured[3][2] != 0


def test_ablation_sets_to_the_mean_unless_told_otherwise():
    network = random_network((6, 3, 3))
    values, target = samples(network)
    expected = reading.ablation(network, values, target, values.mean(axis=0))
    assert np.array_equal(reading.ablation(network, values, target), expected)


def test_spearman_by_hand():
    """Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: covariance 4.5, squares 4.5 and 5."""
    assert reading.ranks(np.array([10, 20, 20, 70])).tolist() == [1, 2.5, 2.5, 4]
    assert reading.ranks(np.array([3, -1, 3, 3, 0])).tolist() == [4, 1, 4, 4, 2]
    assert math.isclose(reading.spearman(np.array([10, 20, 20, 70]), np.array([0, 5, 2, 9])), 4.5 / math.sqrt(22.5))


def test_spearman_sees_only_the_order():
    a, b = np.random.default_rng(0).normal(size=(2, 30))
    assert math.isclose(reading.spearman(a, np.exp(a)), 1) and math.isclose(reading.spearman(a, -(a**3)), -1)
    differences = reading.ranks(a) - reading.ranks(b)  # without ties 1 - 6 sum(d^2) / (n^3 - n)
    assert math.isclose(reading.spearman(a, b), 1 - 6 * (differences @ differences) / (30**3 - 30))
    assert math.isnan(reading.spearman(np.ones(4), np.arange(4)))
