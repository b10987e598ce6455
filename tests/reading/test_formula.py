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


COLUMNS = {"mean": (1.0, -20.0, 3e5, 0.0, 0.5), "std": (0.5, 3.0, 1e4, 2.0, 0.0)}
NAMES = ("mean radius", "2nd", "lambda", "größe", "colour = red")


@pytest.mark.parametrize("activation", ["silu", "relu"])
@pytest.mark.parametrize("changes", [{}, {"bent": (0, 2)}, {"divisor": 4.0}, {"divisor": 4.0, "bent": (1,)}], ids=str)
def test_a_formula_in_raw_units(activation, changes):
    network = random_network((5, 3, 2), activation, divisor=changes.pop("divisor", 1.0), **COLUMNS, **changes)
    functions = {"silu": lambda z: z / (1 + math.exp(-z)), "relu": lambda z: max(z, 0.0), "asinh": math.asinh}
    values = np.random.default_rng(0).normal(COLUMNS["mean"], np.add(COLUMNS["std"], 1), (6, 5)) * network.meta.divisor
    texts = reading.formulas(network)
    for row, scores in zip(values, network.scores(values)):
        names = {f"x{i + 1}": v for i, v in enumerate(row.tolist())}
        assert np.allclose([eval(text, {**functions, **names}) for text in texts], scores, rtol=1e-4, atol=1e-4)


def test_a_formula_with_names_by_hand():
    weights = [[[2.0], [-3.0], [1.0], [4.0], [5.0]]]
    network = network_of(weights, [[1.0]], input_names=NAMES, bent=(1,), **COLUMNS)
    assert reading.formulas(network, digits=4) == [
        "4*mean_radius - 3*asinh((x_2nd + 20)/3) + 0.0001*x_lambda + 2*größe - 33"
    ]
    (latex,) = reading.formulas(network, digits=4, latex=True)
    assert latex.startswith(
        "4 \\, \\mathrm{mean\\ radius} - 3 \\, \\operatorname{asinh}\\left(\\frac{\\mathrm{2nd} + 20}{3}"
    )


def test_identifiers_are_different_variables():
    names = ["a b", "a-b", "a_b", "silu", "", "if", "7", "é", "a_b_2"]
    made = reading.identifiers(names)
    assert made == ["a_b", "a_b_2", "a_b_3", "silu_2", "x", "x_if", "x_7", "é", "a_b_2_2"]
    assert len(set(made)) == len(made) and all(name.isidentifier() for name in made)


def test_named_images_keep_their_names():
    network = network_of([[[2.0]]], divisor=255.0, mean=0.5, std=0.25, input_names=("ink",))
    assert reading.formulas(network) == ["2*((ink/255 - 0.5)/0.25)"]


def test_constant_units_do_not_make_a_formula_explode():
    """Eight full layers of six units that no input reaches: 6**8 numbers, and not a single path."""
    full, first = np.ones((6, 6)), np.zeros((1, 6))
    network = network_of([first, *[full] * 8], [np.ones(6)] * 9)
    assert reading.count_paths(network) == 0
    with pytest.raises(ValueError, match="the formula of the network would have .* numbers; trim the network first"):
        reading.formulas(network)
    assert len(reading.formulas(network.trim())) == 6


def test_units_that_reach_no_output_are_not_written():
    full = np.ones((6, 6))
    network = network_of([full] * 9 + [np.zeros((6, 1))], [np.ones(6)] * 9 + [[2.5]])
    assert reading.formulas(network) == ["2.5"]
