"""The scale of inputs: one for all, or one a column; constant columns, long tails, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import formula, images

from tinygsp.data import DataError
from tinygsp.data.scaling import LONG_TAIL, WITHIN, column_scaling, fits_float32, scaled
from tinygsp.sparse import Meta


def test_one_scale_for_all_is_the_plain_line():
    meta, values = Meta(divisor=255.0, mean=0.3, std=0.2), np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(scaled(values, meta), (values / 255.0 - 0.3) / 0.2)
    assert np.array_equal(meta.scaled(values[:, 1:3], np.array([1, 2])), scaled(values, meta)[:, 1:3])


def test_a_scale_for_each_column():
    meta = Meta(divisor=2.0, mean=(1.0, 7.0, -2.0, 0.0), std=(0.5, 0.0, 4.0, 3.0), bent=(3,))
    values = np.random.default_rng(0).normal(size=(5, 4))
    expected = np.column_stack([
        (values[:, 0] / 2 - 1) / 0.5, np.zeros(5), (values[:, 2] / 2 + 2) / 4, np.arcsinh(values[:, 3] / 2 / 3)
    ])  # fmt: skip
    assert np.allclose(scaled(values, meta), expected, rtol=1e-14)
    assert np.allclose(scaled(values[0], meta), expected[0], rtol=1e-14)
    columns = np.array([3, 0])
    assert np.allclose(meta.scaled(values[:, columns], columns), expected[:, columns], rtol=1e-14)


def test_columns_are_measured_one_by_one():
    x = np.random.default_rng(0).normal([1, 1e6, 0], [1, 1e5, 1e-4], (500, 3))
    mean, std, bent = column_scaling(x)
    assert np.allclose(mean, x.mean(axis=0), rtol=1e-12) and np.allclose(std, x.std(axis=0), rtol=1e-12) and bent == ()


def test_a_constant_column_has_the_spread_0():
    x = np.column_stack([np.full(50, 0.1), np.arange(50), *(np.arange(50) * tiny for tiny in (1e-300, 1e-100))])
    mean, std, bent = column_scaling(x)
    assert (mean[0], std[0]) == (0.1, 0.0) and std[1] > 0 and std[2:] == (0, 0) and bent == ()


def test_ordinary_columns_are_not_bent():
    """Normal, uniform, exponential and counted numbers, and indicators that are rarely set."""
    rng = np.random.default_rng(0)
    columns = [rng.normal(size=5000), rng.uniform(size=5000), rng.exponential(size=5000), rng.poisson(2, 5000)]
    columns += [(np.arange(5000) % 100 == 0).astype(float), rng.standard_t(5, 5000)]
    assert column_scaling(np.column_stack(columns))[2] == ()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_column_with_a_long_tail_is_bent(sign):
    column = sign * np.exp(2.5 * np.random.default_rng(0).normal(size=2000))
    (mean,), (std,), bent = column_scaling(column[:, None])
    low, high = np.quantile(column, (0.05, 0.95))
    assert bent == (0,) and np.isclose(mean, np.median(column)) and np.isclose(std, (high - low) / WITHIN)
    x = scaled(column[:, None], Meta(mean=(mean,), std=(std,), bent=bent))
    assert np.abs(x).max() < 10 and np.abs(column - column.mean()).max() / column.std() > 20


def test_the_threshold_of_a_long_tail():
    x = np.linspace(-1, 1, 1001)
    spread = 1.8 / WITHIN
    for distance, bent in ((0.99 * LONG_TAIL, ()), (1.01 * LONG_TAIL, (0,))):
        x[-1] = distance * spread
        assert column_scaling(x[:, None])[2] == bent


def test_what_float32_can_tell_apart():
    assert fits_float32(np.random.default_rng(0).normal(100, 1, (50, 2)))
    assert not fits_float32(np.column_stack([np.arange(50.0), 1.7e9 + np.arange(50.0)]))


FOUR = (0.0,) * 4, (1.0,) * 4


@pytest.mark.parametrize(
    "changes, what",
    [
        ({"mean": FOUR[0]}, "std is 1.0; expected 4 numbers above 0"),
        ({"std": FOUR[1]}, "mean is 0.0; expected 4 finite numbers, one an input"),
        ({"mean": FOUR[0], "std": (1.0,) * 3}, r"std is \(1.0, 1.0, 1.0\); expected 4"),
        ({"mean": FOUR[0], "std": (1.0, 1.0, 1.0, -1.0)}, "std is .*expected 4 numbers above 0, or 0 if constant"),
        ({"mean": (0.0, 0.0, 0.0, np.nan), "std": FOUR[1]}, "mean is .*expected 4 finite numbers"),
        ({"mean": FOUR[0], "std": FOUR[1], "bent": (4,)}, r"bent is \(4,\); expected columns, whole numbers below 4"),
        ({"mean": FOUR[0], "std": FOUR[1], "bent": 1}, "bent is 1; expected columns"),
        ({"bent": (1,)}, "bent is .* but all inputs are scaled alike"),
        ({"std": 0.0}, "std is 0.0; expected a number above 0"),
        ({"input_names": "abcd"}, "input_names is 'abcd'; expected a tuple of texts"),
        ({"input_names": ("a", "b", "c", 4)}, "input_names is .*expected a tuple of texts"),
    ],
)
def test_what_a_data_set_refuses(changes, what):
    with pytest.raises(DataError, match=what):
        replace(formula(), **changes)


def test_arrays_become_tuples():
    made = replace(formula(), mean=np.zeros(4), std=np.ones(4, np.float32), input_names=["a", "b", "c", "d"])
    assert (made.mean, made.std, made.input_names) == (*FOUR, ("a", "b", "c", "d"))
    assert replace(images(), mean=0.5).mean == 0.5
