"""What explain finds, as plain numbers: the limits of each finding, typical answers, and how numbers are written."""

import numpy as np
import pytest
from helpers.reading import network_of, random_network

from tinygsp import reading
from tinygsp.commands import findings
from tinygsp.data import Dataset

QUIET = [].append  # a step that says nothing


def dataset_of(network, test_x, test_y):
    """A data set for a network that classifies; its test split is given, the others are one sample twice."""
    x, y = np.repeat(test_x[:1], 2, axis=0), np.repeat(test_y[:1], 2)
    names, n_in = network.meta.class_names, network.layers[0].n_in
    return Dataset(
        "hand", x, y, x, y, test_x, test_y, "classification", len(names), names, (n_in,), 4.0, 0.25, 0.5
    )  # fmt: skip


@pytest.mark.parametrize("value, expected", [
    (2 / 3, 0.666667), (np.float32(0.1), 0.1), (np.nan, None), (-np.inf, None), (123456789.0, 123457000.0),
    (np.array([[1.5, np.nan], [np.inf, -0.0]]), [[1.5, None], [None, 0.0]]),
])  # fmt: skip
def test_numbers_for_json(value, expected):
    assert findings.tidy(value) == expected


def test_as_many_paths_as_are_listed_are_drawn(monkeypatch):
    network = random_network((6, 3, 3))
    x = np.random.default_rng(0).normal(1, 3, (20, 6)).astype(np.float32)
    dataset = dataset_of(network, x, network.predict(x))
    count = int(reading.count_paths(network))
    monkeypatch.setattr(reading, "MAX_PATHS", count)
    found, skipped = findings.drawing(network, dataset, QUIET)
    assert found["orders"][-1] == [0, 1, 2] and "network.png and paths.png" not in skipped  # classes keep their order
    assert found["crossings"]["natural"] == reading.crossings(network, reading.levels(network))
    monkeypatch.setattr(reading, "MAX_PATHS", count - 1)
    found, skipped = findings.drawing(network, dataset, QUIET)
    assert not found and f"{count} paths are left" in skipped["network.png and paths.png"]


def test_classes_beyond_what_is_drawn(monkeypatch):
    network = random_network((6, 3, 3))
    dataset = dataset_of(network, np.ones((2, 6), np.float32), np.array([0, 1]))
    for most, is_said in ((2, True), (3, False)):
        monkeypatch.setattr(findings, "CLASSES", most)
        assert ("maps of some classes" in findings.drawing(network, dataset, QUIET)[1]) == is_said


def test_typical_answers_have_the_median_margin():
    """Scores are the inputs themselves, so that margins can be read off."""
    network = network_of([np.eye(3)], divisor=1.0)
    x = np.array([[9, 0, 1], [5, 0, 3], [7, 3, 0], [0, 8, 7], [1, 0, 4], [0, 3, 9], [2, 9, 8]], np.float32)
    y = np.array([0, 0, 0, 1, 0, 1, 0])  # margins of right answers: 8, 2, 4, 1; of wrong ones: 3, 6, 1
    chosen, skipped = findings.typical_answers(network, dataset_of(network, x, y))
    assert chosen == [("right", 2, [0, 1]), ("wrong", 4, [2, 0])] and not skipped
    chosen, skipped = findings.typical_answers(network, dataset_of(network, x, x.argmax(axis=1)))
    assert [kind for kind, *_ in chosen] == ["right"] and skipped == {"a wrong answer": "the test set has none"}


def test_few_inputs_have_no_ranks(monkeypatch):
    network = network_of([np.ones((4, 2)) * [1, -1]], class_names=("a", "b"), divisor=1.0)
    x = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    dataset = dataset_of(network, x, network.predict(x))
    for fewest, most, keys in (
        (4, 4, {"rank_correlation", "test_samples"}),
        (5, 4, {"test_samples"}),
        (4, 3, set()),
    ):
        monkeypatch.setattr(findings, "FEWEST", fewest)
        monkeypatch.setattr(findings, "MOST_MEASURED", most)
        found, skipped = findings.importance(network, dataset, 0, QUIET)
        assert found.keys() - {"best", "importance"} == keys and bool(skipped) == (len(keys) < 2)
        assert ("ablation loss" in found["importance"]) == bool(keys)
