"""Each definition of importance is what its formula says, computed sample by sample."""

import math

import numpy as np
import pytest
from helpers.reading import all_paths, cases, jacobian, plain_scores, random_network, samples

from tinygsp import reading


def plain_importances(network, values, target, fill):
    """Each definition of the docstring, sample by sample, from numerical slopes."""
    m, n_in = network.meta, network.layers[0].n_in
    x, fill = (values / m.divisor - m.mean) / m.std, (fill / m.divisor - m.mean) / m.std
    each = {name: [] for name in ("gradient", "gradient x input", "Taylor", "Fisher", "Taylor + curvature")}
    for row, t in zip(x, target):
        scores, g = plain_scores(network, row)[0], jacobian(network, row)
        d = g * (fill - row)[:, None]
        if m.task == "classification":
            p = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
            slope, hessian = p - np.eye(len(p))[t], np.diag(p) - np.outer(p, p)
        else:
            slope, hessian = 2 * (scores - t), 2 * np.eye(len(scores))
        first, second = d @ slope, np.array([d[i] @ hessian @ d[i] for i in range(n_in)]) / 2
        each["gradient"].append(np.abs(g).sum(axis=1))
        each["gradient x input"].append(np.abs(d).sum(axis=1))
        each["Taylor"].append(np.abs(first))
        each["Fisher"].append(second)
        each["Taylor + curvature"].append(first + second)
    found = {name: np.mean(rows, axis=0) for name, rows in each.items()}
    weight = [sum(abs(math.prod(w)) for _, w in all_paths(network, i)) for i in range(n_in)]
    found["paths"] = np.array([len(all_paths(network, i)) for i in range(n_in)])
    found["path weight"] = np.array(weight)
    found["path weight x spread"] = np.array(weight) * x.std(axis=0)
    return found


@cases
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_importances_are_what_their_definitions_say(sizes, activation, task):
    network = random_network(sizes, activation, task=task)
    values, target = samples(network, 15, task)
    fill = np.linspace(-1, 2, sizes[0])
    found = reading.importances(network, values, target, fill)
    expected = plain_importances(network, values, target, fill)
    assert found.keys() == expected.keys()
    for name in expected:
        assert found[name].shape == (sizes[0],)
        assert np.allclose(found[name], expected[name], rtol=1e-5, atol=1e-7), name


def test_taylor_with_curvature_foretells_the_loss():
    """Exactly for a linear network and the squared error; to third order in the move for the cross-entropy."""
    linear = random_network((5, 3), task="regression")
    values, target = samples(linear, task="regression")
    fill = values.mean(axis=0)
    predicted = reading.importances(linear, values, target, fill)["Taylor + curvature"]
    assert np.allclose(predicted, reading.ablation(linear, values, target, fill)[1], rtol=1e-9, atol=1e-12)
    classifier = random_network((5, 3))
    errors = []
    for spread in (1e-1, 1e-2):
        values, target = samples(classifier, 30)
        values = fill + spread * (values - fill)
        predicted = reading.importances(classifier, values, target, fill)["Taylor + curvature"]
        errors.append(np.abs(predicted - reading.ablation(classifier, values, target, fill)[1]).max())
    assert errors[1] < errors[0] / 500 and errors[0] > 1e-8


def test_fill_is_the_mean_unless_given():
    network = random_network((6, 3, 3))
    values, target = samples(network)
    mean = values.mean(axis=0)
    expected = reading.importances(network, values, target, mean)
    for name, importance in reading.importances(network, values, target).items():
        assert np.array_equal(importance, expected[name]), name
    assert not np.array_equal(expected["Taylor"], reading.importances(network, values, target, mean + 1)["Taylor"])


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("absolute", [False, True])
def test_class_maps_are_gradients_times_spread(task, absolute):
    network = random_network((6, 3, 3), task=task)
    values, _ = samples(network)
    slopes = np.array([jacobian(network, x) for x in reading.scale(network, values)])
    mean = (np.abs(slopes) if absolute else slopes).mean(axis=0)  # (n_in, n_out)
    expected = mean * reading.scale(network, values).std(axis=0)[:, None]
    if task == "classification":
        expected = expected - expected.mean(axis=1)[:, None]
    assert np.allclose(reading.class_maps(network, values, absolute), expected, rtol=1e-6, atol=1e-7)
