"""What predict takes, arrays, lists, one sample or many, and what it refuses, in clear words."""

import re
import warnings

import numpy as np
import pytest
from helpers.exports import picture_reader, table_reader, table_values

from tinygsp.sparse.values import as_values

NETWORK = picture_reader()  # pictures of 4 x 5 bytes
IMAGES = np.random.default_rng(3).integers(0, 256, (9, 4, 5)).astype(np.uint8)
ROWS = IMAGES.reshape(9, 20)
EXPECTED = NETWORK.scores(ROWS)


@pytest.mark.parametrize(
    "values",
    [
        ROWS.tolist(),
        [list(row) for row in ROWS],
        tuple(map(tuple, ROWS.tolist())),
        IMAGES,
        IMAGES.tolist(),
        np.asfortranarray(ROWS),
        np.repeat(ROWS, 2, axis=0)[::2],
        *(ROWS.astype(kind) for kind in ("i2", "u4", "i8", "f2", "f4", "f8", ">i4", ">f8", "longdouble")),
    ],
    ids=lambda values: getattr(values, "dtype", type(values)),
)
def test_many_samples(values):
    assert np.allclose(NETWORK.scores(values), EXPECTED, atol=1e-5)
    assert np.array_equal(NETWORK.predict(values), EXPECTED.argmax(axis=1))
    assert NETWORK.predict_proba(values).shape == (9, 3)


@pytest.mark.parametrize("values", [ROWS[0], ROWS[0].tolist(), IMAGES[0], IMAGES[0].tolist(), ROWS[0].astype(float)])
def test_one_sample(values):
    assert np.allclose(NETWORK.scores(values), EXPECTED[0], atol=1e-5) and NETWORK.scores(values).shape == (3,)
    assert np.ndim(NETWORK.predict(values)) == 0 and NETWORK.predict(values) == EXPECTED[0].argmax()
    probabilities = NETWORK.predict_proba(values)
    assert probabilities.shape == (3,) and abs(probabilities.sum() - 1) < 1e-5


def test_no_sample_at_all():
    for values in (ROWS[:0], IMAGES[:0]):
        assert NETWORK.scores(values).shape == (0, 3) and NETWORK.predict(values).shape == (0,)


def test_bools_and_a_regression():
    network = picture_reader(task="regression", divisor=1.0)
    bools = ROWS > 100
    assert np.allclose(network.predict(bools), network.predict(bools.astype(float)))
    assert network.predict(bools[0]).shape == (3,) and network.predict(bools).shape == (9, 3)


def test_rows_go_before_pictures_where_both_fit():
    values, is_single = as_values(np.zeros((1, 4)), 4, (1, 4))
    assert values.shape == (1, 4) and not is_single
    values, is_single = as_values([1.0, 2], 2)
    assert values.shape == (1, 2) and is_single


@pytest.mark.parametrize(
    "values, words",
    [
        (np.zeros((3, 19)), "values has shape (3, 19); expected (n, 20), (n, 4, 5), or one sample of them"),
        (np.zeros(19), "values has shape (19,)"),
        (np.zeros((2, 5, 4)), "values has shape (2, 5, 4)"),
        (np.zeros((2, 2, 4, 5)), "values has shape (2, 2, 4, 5)"),
        (3, "values has shape ()"),
        ([], "values has shape (0,)"),
        ([[1, 2], [3]], "values cannot be made an array"),
        (["a"] * 20, "values has type <U1, such as 'a'"),
        ([None] * 20, "values has type object, such as None; expected bools, whole numbers or floats"),
        (np.zeros(20, complex), "values has type complex128"),
        (np.zeros(20, "M8[s]"), "values has type datetime64[s]"),
        ([10**30] * 20, "values has type object"),
    ],
)
def test_refused(values, words):
    for use in (NETWORK.predict, NETWORK.scores, NETWORK.predict_proba):
        with pytest.raises(ValueError, match=re.escape(words)):
            use(values)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_a_number_that_is_not_finite_is_refused_where_it_is_read(value):
    network, values = table_reader(), table_values(5).astype(float)
    expected = network.predict(values)
    values[:, 3] = value  # a constant column, which enters as 0
    values = np.insert(values, 5, values[0], axis=0)
    values[:, 3] = 7
    values[5, 1] = value
    for use in (network.predict, network.predict_proba):
        with pytest.raises(ValueError, match="sample 5 has a nan, an inf or a number too large for float32"):
            use(values)
        with pytest.raises(ValueError, match="sample 0 has"):
            use(values[5])
    assert not np.isfinite(network.scores(values)[5]).all()
    assert np.array_equal(network.predict(values[:5]), expected)


def test_weights_that_are_too_large_are_not_blamed_on_the_inputs():
    """And without a warning of NumPy."""
    network = picture_reader(sizes=(20, 3), mean=0.0)
    network.layers[0].weight[network.layers[0].col == 1] = 3e38
    values = np.vstack([np.zeros((2, 20), np.uint8), ROWS[:1]])
    for use in (network.predict, network.predict_proba):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for kind in (np.uint8, float):
                with pytest.raises(ValueError, match="the scores of sample 2 are too large for float32, although its"):
                    use(values.astype(kind))
        with pytest.raises(ValueError, match="the scores of sample 0 are too large for float32"):
            use(ROWS[0])
    scaled = picture_reader(sizes=(20, 3), mean=0.9)  # the scaling alone makes a bias too large
    scaled.layers[0].weight[:] = 3e38
    with warnings.catch_warnings(), pytest.raises(ValueError, match="the scores of sample 0 are too large"):
        warnings.simplefilter("error")
        scaled.predict(ROWS)
    for use in (network.predict, network.predict_proba):
        with pytest.raises(ValueError, match="sample 0 has a nan"):
            use(ROWS[:3] * np.nan)


def test_a_number_that_is_not_read_does_no_harm():
    unread = np.setdiff1d(np.arange(20), picture_reader(sizes=(20, 3), share=0.1).used_inputs()[0])
    network, values = picture_reader(sizes=(20, 3), share=0.1), ROWS.astype(float)
    values[:, unread] = np.nan
    assert unread.size and np.array_equal(network.predict(values), network.predict(ROWS))
