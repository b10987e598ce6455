"""Accuracy and R²: by hand, and of a target that never varies."""

import warnings

import numpy as np
import pytest

from tinygsp.nn.metrics import r_squared, score


def test_by_hand():
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5], [0.0, 1.0]])
    assert score(scores, np.array([1, 1, 0, 1]), "classification") == 0.75  # the first of equal ones is the answer
    y, target = np.array([[1.0, 5], [2, 5], [3, 8]]), np.array([[1.0, 4], [2, 5], [6, 9]])
    assert r_squared(y, target) == pytest.approx([1 - 9 / 14, 1 - 2 / 14])
    assert score(y, target, "regression") == pytest.approx(1 - 11 / 28)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_target_that_never_varies(kind):
    """No infinity, which JSON cannot hold, and no warning; 0.1 is a number whose mean is rounded."""
    target = np.array([[0.1, 3, 0], [0.1, 3, 1], [0.1, 3, 3]], kind)
    y = target + np.array([0, 1, 0], kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert r_squared(y, target).tolist() == [1, 0, 1] and r_squared(y, target).dtype == kind
        assert score(y, target, "regression") == pytest.approx(2 / 3)
