"""Inputs that act as one are found with their ratios, and mirror images with their cosines."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.reading import SIZES, all_paths, network_of, random_network

from tinygsp import reading
from tinygsp.reading.symmetry import MAX_GROUPED


def toy_like(extra=0.0, heard=1.0):
    """x1 - x2 to y1 and x3 + x4 to y2; x4 alone enters one more unit, which y2 hears as loud as `heard`."""
    first = [[2, -1.5, 0, 0, 0], [-2, 1.5, 0, 0, 0], [0, 0, 0.8, -0.9, 0], [0, 0, 0.8, -0.9, extra]]
    second = [[1, 0], [-1, 0], [0, 2], [0, 1], [0, heard]]
    return network_of([first, second], task="regression")


def test_groups_of_a_difference_and_a_sum():
    groups = reading.symmetric_groups(toy_like())
    found = {tuple(sorted(g.inputs.tolist())): g for g in groups}
    assert found.keys() == {(0, 1), (2, 3)}
    assert np.allclose(found[0, 1].ratios, [1, -1]) and np.allclose(found[2, 3].ratios, [1, 1])
    assert all(math.isclose(g.score, 1) for g in groups)


def test_a_difference_counts_as_much_as_it_is_heard():
    pairs = {
        heard: sorted(sorted(g.inputs.tolist()) for g in reading.symmetric_groups(toy_like(0.8, heard)))
        for heard in (0.01, 2.0)
    }
    assert pairs == {0.01: [[0, 1], [2, 3]], 2.0: [[0, 1]]}


def test_ratios_are_measured_from_the_strongest():
    W = [[1, 2, 0], [0, 0, 0], [-3, -6, 0], [0.5, 1, 0], [0, 0, 4], [0, 0, -1], [1, -2, 0]]
    groups = reading.symmetric_groups(network_of([W]))
    assert [g.inputs.tolist() for g in groups] == [[2, 0, 3], [4, 5]]
    assert np.allclose(groups[0].ratios, [1, -1 / 3, -1 / 6]) and np.allclose(groups[1].ratios, [1, -0.25])


def test_the_tolerance_is_that_of_the_cosine():
    angle = math.acos(0.95)
    network = network_of([[[2, 0], [-math.cos(angle), math.sin(angle)]]])
    assert np.allclose(reading.cosines(network), [[1, -0.95], [-0.95, 1]], atol=1e-6)
    assert reading.symmetric_groups(network, tolerance=0.049) == []
    (group,) = reading.symmetric_groups(network, tolerance=0.051)
    assert math.isclose(group.score, 0.95, abs_tol=1e-6) and math.isclose(group.ratios[1], -0.475, abs_tol=1e-6)
    for tolerance in (-0.1, 1, math.nan):
        with pytest.raises(ValueError, match="tolerance"):
            reading.symmetric_groups(network, tolerance)


@pytest.mark.parametrize("sizes", SIZES)
def test_rows_are_weighed_by_the_paths_behind_them(sizes):
    network = random_network(sizes)
    first, used = network.layers[0].dense(), network.used_inputs()
    rows = first.astype(np.float64)
    if len(sizes) > 2:
        weighs = [sum(abs(math.prod(w)) for _, w in all_paths(network, u, 1)) for u in range(sizes[1])]
        rows = (rows * weighs)[:, used[1]]
    rows = rows[used[0]]
    assert np.allclose(reading.weighted_rows(network), rows, rtol=1e-12, atol=1e-12)
    found = reading.cosines(network)
    for a, b in itertools.product(range(len(rows)), repeat=2):
        length = np.linalg.norm(rows[a]) * np.linalg.norm(rows[b])
        assert math.isclose(found[a, b], rows[a] @ rows[b] / length if length else 0, abs_tol=1e-9)


def test_mirror_scores_by_hand():
    left_right = np.array([[1, 2, 2, 1], [0, 3, 3, 0], [5, 0, 0, 5.0]])
    odd = np.array([[1, 2, -2, -1], [0, 0, 0, 0], [1, 2, -2, -1.0]])
    lone = np.zeros((3, 4))
    lone[0, 1] = 7
    maps = np.stack([left_right.ravel(), odd.ravel(), lone.ravel(), np.zeros(12)], axis=1)
    squares = (left_right**2).sum()
    up_down = (2 * (left_right[0] @ left_right[2]) + left_right[1] @ left_right[1]) / squares
    assert np.allclose(reading.mirror_scores(maps, (3, 4)), [[1, up_down], [-1, 1], [0, 0], [0, 0]])


def test_blur_is_a_sum_over_neighbours():
    shape, width = (4, 5), 0.8
    values = np.random.default_rng(0).normal(size=(20, 2))
    found = reading.blur(values, shape, width).reshape(4, 5, 2)
    kernel = np.zeros((4, 5, 4, 5))
    for r, c, i, j in itertools.product(range(4), range(5), range(4), range(5)):
        kernel[r, c, i, j] = math.exp(-((r - i) ** 2 + (c - j) ** 2) / (2 * width**2))
    plain = np.einsum("rcij,ijm->rcm", kernel, values.reshape(4, 5, 2))
    assert np.allclose(found / found[0, 0, 0], plain / plain[0, 0, 0])
    assert np.abs(found).max() < np.abs(values).max()


@pytest.mark.parametrize(
    "inputs, ratios, text",
    [
        ([0, 1], [1, 1], "a + b"),
        ([1, 0], [1, -1], "a - b"),  # in the order of the inputs, the first one positive
        ([2, 0, 1], [1, -0.5, 0.996], "0.50 a - b - c"),
        ([0, 2], [1, -0.25], "a - 0.25 c"),
        ([0, 1, 2], [-999.5, 1000, 0.0999], "999.50 a - 1e+03 b - 0.0999 c"),
    ],
)
def test_a_group_as_text(inputs, ratios, text):
    assert reading.Group(np.array(inputs), np.array(ratios), 1.0).text(["a", "b", "c"]) == text


def test_too_many_inputs_are_not_compared():
    network = network_of([np.ones((MAX_GROUPED + 1, 1))])
    for question in (reading.cosines, reading.symmetric_groups):
        with pytest.raises(ValueError, match="2,001 inputs are used; at most 2,000 are compared"):
            question(network)


def test_groups_of_columns_are_written_in_their_own_units():
    """2 (a - 1) / 0.5 - 3 (b + 20) / 4 is, but for a constant, 4 a - 0.75 b."""
    columns = {"mean": (1.0, -20.0, 0.0), "std": (0.5, 4.0, 1.0), "input_names": ("a", "b", "c")}
    network = network_of([[[2.0, 4.0], [-3.0, -6.0], [0.0, 1.0]], [[1.0], [1.0]]], **columns)
    (group,) = reading.symmetric_groups(network)
    assert group.inputs.tolist() == [1, 0] and np.allclose(group.ratios, [1, -4 / 0.75])
    assert group.text(reading.input_names(network)) == "5.33 a - b"
    small = replace(group, ratios=np.array([1.0, -0.0123]))
    assert small.text(["a", "b"]) == "0.0123 a - b"
