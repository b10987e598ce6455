"""The page computes the scores of the network, and splits them among its connections."""

import base64

import numpy as np
import pytest
from helpers.page import bars_network, noise, odd_network, paths, random_network


def page_scores(browser, x):
    """Scores (n, n_classes) that the page computes for images (n, n_in) uint8."""
    script = """const bytes = Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0)), size = arguments[1];
        return Array.from({length: bytes.length / size},
                          (_, i) => explorer.scores(Array.from(bytes.subarray(i * size, (i + 1) * size))))"""
    return np.array(browser.run(script, base64.b64encode(x.tobytes()).decode(), x.shape[1]))


@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_arithmetic(browser, digits, activation):
    network, x = random_network(activation=activation), digits[0][:1000]
    scores = page_scores(browser.open(network, *digits), x)
    assert np.abs(scores - network.scores(x)).max() <= 1e-4
    assert np.array_equal(scores.argmax(axis=1), network.predict(x)) and len(set(network.predict(x))) > 5


@pytest.mark.parametrize(
    "network", [odd_network(), odd_network(activation="relu", divisor=1.0, std=90.0), bars_network()]
)
def test_arithmetic_of_other_networks(browser, network):
    x, y = noise(network, 100)
    assert np.abs(page_scores(browser.open(network, x, y), x) - network.scores(x)).max() <= 1e-4


@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_contributions_are_sums_over_paths(browser, activation):
    network = odd_network(activation=activation).trim()
    x, y = noise(network, 3)
    browser.open(network, x, y)
    every = paths(network, x[0])
    for target in range(3):
        ending = [(nodes, value) for nodes, value in every if nodes[-1] == (4, target)]
        assert np.isclose(sum(value for _, value in ending), network.scores(x[:1])[0, target], atol=1e-4)
        middle = [None, *({"level": k, "index": int(layer.row[0])} for k, layer in enumerate(network.layers))]
        for node in middle:
            found = browser.run("return explorer.contributions(...arguments)", x[0].tolist(), target, node)
            through = [
                (nodes, value) for nodes, value in ending if node is None or (node["level"], node["index"]) in nodes
            ]
            for k, layer in enumerate(network.layers):
                for row, col, value in zip(layer.row, layer.col, found[k], strict=True):
                    expected = sum(v for nodes, v in through if (k, row) in nodes and (k + 1, col) in nodes)
                    assert np.isclose(value, expected, rtol=1e-9, atol=1e-12)
        for k, layer in enumerate(network.layers):  # paths through one wire
            wire = (k, layer.row[0]), (k + 1, layer.col[0])
            found = browser.run(
                "return explorer.contributions(...arguments)", x[0].tolist(), target, {"layer": k, "edge": 0}
            )
            expected = sum(value for nodes, value in ending if wire[0] in nodes and wire[1] in nodes)
            assert np.isclose(found[k][0], expected, rtol=1e-9, atol=1e-12) and not any(found[k][1:])
