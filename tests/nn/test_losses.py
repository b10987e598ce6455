"""The losses: their gradients against finite differences, and what weights of samples do."""

import numpy as np
import pytest

from tinygsp.nn import losses

LOSSES = {
    "cross-entropy": losses.softmax_cross_entropy,
    "absolute": losses.mean_absolute_error,
    "squared": losses.squared_error,
    "huber": losses.huber,
}


def problem(name, rng, n=7, k=3):
    """Outputs and targets, no error near a kink."""
    z = rng.normal(0, 2, (n, k))
    if name == "cross-entropy":
        return z, rng.integers(0, k, n)
    target = z + np.where(rng.random((n, k)) < 0.5, 0.4, 1.7) * np.where(rng.random((n, k)) < 0.5, -1, 1)
    return z, target


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_by_finite_differences(name, weighted, rng):
    z, target = problem(name, rng)
    weights = rng.uniform(0, 3, len(z)) if weighted else None
    _, dz = LOSSES[name](z, target, weights)
    direction = rng.normal(size=z.shape)
    ends = [LOSSES[name](z + step * direction, target, weights)[0] for step in (1e-6, -1e-6)]
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx((dz * direction).sum(), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", LOSSES)
def test_a_weight_is_how_often_a_sample_counts(name, rng):
    z, target = problem(name, rng)
    weights = np.array([0, 1, 2, 1, 3, 0, 0.0])
    times = weights.astype(int)
    loss, dz = LOSSES[name](z, target, weights)
    repeated, _ = LOSSES[name](z.repeat(times, 0), target.repeat(times, 0))
    assert loss == pytest.approx(repeated)
    assert (dz[[0, 5, 6]] == 0).all() and (dz[4] != 0).any()
    ones = LOSSES[name](z, target, np.ones(7))
    plain = LOSSES[name](z, target)
    assert ones[0] == pytest.approx(plain[0]) and np.allclose(ones[1], plain[1])


def test_huber_is_a_parabola_and_then_a_line():
    z, target = np.array([[0.5], [-3.0]]), np.zeros((2, 1))
    loss, dy = losses.huber(z, target)
    assert loss == pytest.approx((0.125 + 2.5) / 2)
    assert dy.ravel().tolist() == [0.25, -0.5]
    assert losses.squared_error(z, target)[0] == pytest.approx((0.125 + 4.5) / 2)


@pytest.mark.parametrize("name", ["absolute", "squared", "huber"])
def test_shapes_that_differ_are_refused(name):
    with pytest.raises(ValueError, match=r"y \(3, 1\) and target \(3, 2\)"):
        LOSSES[name](np.zeros((3, 1)), np.zeros((3, 2)))
