"""The formula computes what the network computes."""

import math

import numpy as np
import pytest
from helpers.reading import cases, network_of, random_network, samples

from tinygsp import reading


@cases
@pytest.mark.parametrize("scaling", [{"divisor": 1.0, "mean": 0.0, "std": 1.0}, {}, {"mean": -3.0}])
def test_the_formula_is_the_network(sizes, activation, scaling):
    network = random_network(sizes, activation, **scaling)
    texts = reading.formulas(network)
    names = {"silu": lambda z: z / (1 + math.exp(-z)), "relu": lambda z: max(z, 0.0)}
    values, _ = samples(network, 6)
    for row, scores in zip(values, network.scores(values)):
        found = [eval(text, {**names, **{f"x{i + 1}": float(v) for i, v in enumerate(row)}}) for text in texts]
        assert np.allclose(found, scores, rtol=1e-4, atol=1e-4)


def test_the_formula_by_hand():
    network = network_of([[[2, -1], [-0.5, 0], [0, 0]], [[3, 0], [-1, 0]]], [[1, 0], [0, -0.25]])
    assert reading.formulas(network) == ["3*silu(2*x1 - 0.5*x2 + 1) - 1*silu(-1*x1)", "-0.25"]
    assert reading.formulas(network_of([[[0], [1]], [[0]]])) == ["0"]
    assert reading.formulas(network_of([[[1 / 3]]], activation="relu"), digits=3) == ["0.333*x1"]
    scaled = network_of([[[2]]], divisor=255.0, mean=0.5, std=0.25)
    assert reading.formulas(scaled) == ["2*((x1/255 - 0.5)/0.25)"]


def test_the_formula_in_latex():
    network = network_of([[[2, 1e-6], [-0.5, 0]], [[3], [1]]], [[1, 0], [0]], mean=-1.0)
    (text,) = reading.formulas(network, digits=3, latex=True)
    x1, x2 = (f"\\frac{{x_{{{i}}}/1 + 1}}{{1}}" for i in (1, 2))
    assert text == (
        f"3 \\, \\operatorname{{silu}}\\left(2 \\, {x1} - 0.5 \\, {x2} + 1\\right) + 1 \\, "
        f"\\operatorname{{silu}}\\left(1 \\cdot 10^{{-6}} \\, {x1}\\right)"
    )


def test_a_large_formula_is_refused():
    network = network_of([np.ones((20, 4)), np.ones((4, 3))])
    with pytest.raises(ValueError, match="240 paths; a formula is written for at most 200"):
        reading.formulas(network)
    assert len(reading.formulas(network, limit=240)) == 3
