"""The summary says how well each class is recognised, and where a run has learnt nothing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.nets import layer
from helpers.problems import formula, images

from tinygsp.runs.summary import doubts, listed, recall_by_class
from tinygsp.sparse import Meta, SparseNetwork


def always(answer, n_in=36, n_out=3):
    """A network whose answer is always the same."""
    bias = np.zeros(n_out)
    bias[answer] = 1
    return SparseNetwork([layer((n_in, n_out), [], bias)], Meta(class_names=tuple("abcdefghijklmnop"[:n_out])))


def with_test(labels, **changes):
    """The bands with a test split of these labels."""
    labels = np.array(labels)
    return replace(images(), test_x=np.zeros((len(labels), 36), np.uint8), test_y=labels, **changes)


def test_recall_by_class():
    """None of a class that the test split does not have."""
    assert recall_by_class(always(0), with_test([0, 0, 2, 2, 2])) == [1.0, None, 0.0]
    half = SparseNetwork([layer((2, 2), [(0, 0, 1.0), (1, 1, 1.0)], [0, 0])], Meta(class_names=("a", "b")))
    values = np.array([[9, 0], [0, 9], [0, 9], [0, 9], [9, 0]], np.uint8)
    dataset = SimpleNamespace(test_x=values, test_y=np.array([0, 0, 1, 1, 1]), n_out=2)
    assert recall_by_class(half, dataset) == [0.5, 2 / 3]


@pytest.mark.parametrize("right, doubted", [(40, True), (49, True), (51, False), (90, False)])
def test_an_accuracy_of_chance(right, doubted):
    """Of 100 samples, 40 of the usual class: two standard errors are 9.8 samples."""
    dataset = with_test([0] * 40 + [1] * 30 + [2] * 30)
    lines = doubts({"test_accuracy": right / 100, "recall": [0.5, 0.5, 0.5]}, dataset)
    assert len(lines) == doubted
    if doubted:
        assert f"{right}.00%" in lines[0] and "40.00% of always answering 'a'" in lines[0] and "100 test" in lines[0]


def test_the_usual_class_is_that_of_the_training_split():
    dataset = with_test([0] * 90 + [1] * 10)
    rare = replace(dataset, train_y=np.array([1] * 400 + [2] * 200))
    assert doubts({"test_accuracy": 0.5, "recall": [0.5, 0.5, None]}, dataset)
    assert doubts({"test_accuracy": 0.5, "recall": [0.5, 0.5, None]}, rare) == []


def test_classes_that_are_never_recognised():
    """A class without test samples is not among them."""
    dataset = with_test([0] * 50 + [1] * 50)
    assert doubts({"test_accuracy": 0.9, "recall": [0.9, 0.0, None]}, dataset) == [
        "never recognised in the test split: 'b'"
    ]
    names = [f"n{k}" for k in range(14)]
    assert listed(names) == "n0, n1, n2, n3, n4, n5, n6, n7, n8, n9 and 4 more" and listed(names[:2]) == "n0, n1"


@pytest.mark.parametrize("values, expected", [([0.5, 0.1], None), ([0.5, 0.0], "'y2'"), ([np.nan, -3], "'y1', 'y2'")])
def test_outputs_that_are_no_better_than_a_constant(values, expected):
    lines = doubts({"test_r2": values}, formula())
    assert lines == ([f"{expected}: no better than a constant, the test R^2 is not above 0"] if expected else [])


def test_hostile_names_stay_short():
    dataset = with_test([0] * 90 + [1] * 10, class_names=("a" * 200, "b" * 200, "c" * 200))
    lines = doubts({"test_accuracy": 0.1, "recall": [0.0, 0.0, 0.0]}, dataset)
    assert len(lines) == 2 and all(len(line) < 300 for line in lines)
