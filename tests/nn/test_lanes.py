"""What is written for LLVM does what its NumPy twin does, and touches nothing else."""

import numpy as np
import pytest
from numba import njit

from tinygsp.nn import lanes
from tinygsp.nn.lanes import LANES, WINDOW

f32 = np.float32


@njit
def transpose(values, first, column, raw, row, place):
    lanes.transpose(values, first, column, raw, row, place)


@njit
def weighted_sum(x, sources, weights, first, last, bias, z, row):
    lanes.weighted_sum(x, sources, weights, first, last, bias, z, row)


@njit
def silu(z, row):
    lanes.silu(z, row)


def twin(step):
    """The NumPy twin of a step."""
    return getattr(step, "py_func", step)


@pytest.mark.parametrize("dtype", [np.uint8, f32])
@pytest.mark.parametrize("first, column, row, place", [(0, 0, 0, 0), (3, 5, 7, 2), (18, 24, 24, 9)])
def test_transpose(rng, dtype, first, column, row, place):
    """At every corner of the arrays."""
    values = rng.integers(256, size=(18 + LANES, 24 + WINDOW)).astype(dtype)
    got, expected = (np.full((24 + WINDOW, 9 + LANES), 99, dtype) for _ in range(2))
    transpose(values, first, column, got, row, place)
    twin(lanes.transpose)(values, first, column, expected, row, place)
    assert np.array_equal(got, expected)
    assert got[row + 1, place + 2] == values[first + 2, column + 1]


@pytest.mark.parametrize("dtype", [np.uint8, f32])
@pytest.mark.parametrize("n, k", [(32, 16), (33, 17), (75, 40), (256, 186), (31, 20), (40, 15), (0, 20), (40, 0)])
def test_transpose_all(rng, dtype, n, k):
    values, raw = rng.integers(256, size=(n, k)).astype(dtype), np.zeros((k, n), dtype)
    lanes.transpose_all(values, raw)
    assert np.array_equal(raw, values.T)


@pytest.mark.parametrize("dtype", [np.uint8, f32])
@pytest.mark.parametrize("first, last", [(0, 0), (2, 3), (0, 9)])
def test_weighted_sum(rng, dtype, first, last):
    x = rng.integers(256, size=(6, LANES)).astype(dtype)
    sources, weights = rng.integers(6, size=9).astype(np.uint32), rng.normal(size=9).astype(f32)
    got, expected = np.full((4, LANES), 7, f32), np.full((4, LANES), 7, f32)
    weighted_sum(x, sources, weights, first, last, f32(0.5), got, 2)
    twin(lanes.weighted_sum)(x, sources, weights, first, last, f32(0.5), expected, 2)
    assert np.allclose(got, expected, rtol=1e-6, atol=1e-4)
    assert (got[[0, 1, 3]] == 7).all()


def test_weighted_sum_of_units(rng):
    """Sources and result may be rows of one array."""
    z = rng.normal(size=(3, LANES)).astype(f32)
    expected = f32(1) + f32(2) * z[0] - z[1]
    weighted_sum(z, np.array([0, 1], np.uint32), np.array([2, -1], f32), 0, 2, f32(1), z, 2)
    assert np.allclose(z[2], expected, rtol=1e-6, atol=1e-6)


def test_silu(rng):
    x = np.concatenate([[0, -0.0, 1e-30, 79, -79], rng.uniform(-80, 80, 3000), rng.normal(0, 2, 3011)]).astype(f32)
    z = np.vstack([x.reshape(-1, LANES), np.full(LANES, 5, f32)])
    expected = z.copy()
    for row in range(len(z) - 1):
        silu(z, row)
        twin(lanes.silu)(expected, row)
    exact = x.astype(np.float64) / (1 + np.exp(-x.astype(np.float64)))
    assert (np.abs(z[:-1].ravel() - exact) <= 5e-6 * np.abs(exact)).all() and (z[-1] == 5).all()
    assert np.allclose(z, expected, rtol=5e-6, atol=0)


def test_silu_at_the_ends():
    z = np.full((1, LANES), 1e30, f32)
    z[0, :4] = np.inf, -np.inf, np.nan, -1e30
    silu(z, 0)
    assert z[0, 0] == np.inf and np.isnan(z[0, 2]) and (z[0, 4:] == f32(1e30)).all()
    assert z[0, 1] == -np.inf and abs(z[0, 3]) < 1
