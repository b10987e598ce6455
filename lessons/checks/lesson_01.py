"""Checks of lesson 01, fit a line."""

import numpy as np
from exercise import checker, same

from tinygsp.nn.gradcheck import numerical_gradient


def loss(p, x, target):
    """Mean squared error of a line or a parabola."""
    return np.mean((np.polyval(p, x) - target) ** 2)


def slope(p, x, target):
    """Its gradient for a line."""
    dy = 2 * (np.polyval(p, x) - target) / len(x)
    return np.array([dy @ x, dy.sum()])


def parabola(p, x, target):
    """The gradient for a parabola."""
    dy = 2 * (np.polyval(p, x) - target) / len(x)
    return np.array([dy @ x**2, dy @ x, dy.sum()])


def a_part_of_the_points(batch_gradient, rng):
    n = int(rng.integers(5, 30))
    m = int(rng.integers(2, n))
    p, x, target = rng.normal(size=2), rng.normal(size=n), rng.normal(size=n)
    places = rng.choice(n, m, replace=False)
    right = numerical_gradient(lambda: loss(p, x[places], target[places]), p)
    slips = {
        "this is the gradient over all points, not over the minibatch": slope(p, x, target),
        "divided by all n points: take the mean over the m of the minibatch": right * m / n,
        "the mean is missing: divide by m": right * m,
    }
    same(batch_gradient(p, x, target, places), right, "dp", f"n = {n}, m = {m}", slips, tol=1e-5)


def a_parabola(parabola_gradient, rng):
    n = int(rng.integers(2, 30))
    p, x, target = rng.normal(size=3), rng.normal(size=n), rng.normal(size=n)
    right = numerical_gradient(lambda: loss(p, x, target), p)
    slips = {
        "the order is turned around: return da, dw, db": right[::-1],
        "the mean is missing: divide by n": right * n,
        "a is missing in dy": parabola(np.append(0, p[1:]), x, target),
    }
    same(parabola_gradient(p, x, target), right, "dp", f"n = {n}", slips, tol=1e-5)


def the_lowest_point(best_line, rng):
    n = int(rng.integers(3, 30))
    x, target = rng.normal(1, 1, n), rng.normal(2, 1, n)
    right = np.linalg.lstsq(np.stack([x, np.ones(n)], axis=1), target, rcond=None)[0]
    w = x @ target / (x @ x)
    slips = {
        "the order is turned around: return w, b": right[::-1],
        "a line through the origin: b has an equation of its own, db = 0": [w, 0],
        "w is that of a line through the origin: put b into dw = 0": [w, target.mean() - w * x.mean()],
    }
    same(best_line(x, target), right, "(w, b)", f"n = {n}", slips)


check = checker(a_part_of_the_points, a_parabola, the_lowest_point)
