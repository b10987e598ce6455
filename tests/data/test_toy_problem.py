"""The toy problem is its two formulas."""

import numpy as np

from tinygsp.data import load, toy


def test_toy_formulas():
    dataset = load("toy", seed=3)
    for x, y, n in [
        (dataset.train_x, dataset.train_y, 8000),
        (dataset.val_x, dataset.val_y, 1000),
        (dataset.test_x, dataset.test_y, 2000),
    ]:
        assert x.shape == (n, 4) and y.shape == (n, 2) and x.dtype == y.dtype == np.float32
        assert x.min() >= -1 and x.max() <= 1 and np.all(x.min(axis=0) < -0.9) and np.all(x.max(axis=0) > 0.9)
        a, b, c, d = x.T.astype(np.float64)
        np.testing.assert_allclose(y[:, 0], 3 * np.sin((a - b) * (a - b)), rtol=1e-6)
        np.testing.assert_allclose(y[:, 1], (c + d) * (c + d) * (c + d), rtol=1e-6)
    assert (dataset.name, dataset.task, dataset.n_in, dataset.n_out) == ("toy", "regression", 4, 2)
    assert (dataset.class_names, dataset.input_shape) == (("y1", "y2"), (4,))
    assert (dataset.divisor, dataset.mean, dataset.std) == (1, 0, 1)


def test_toy_seeds():
    np.testing.assert_array_equal(toy(1).train_x, load("toy", seed=1).train_x)
    assert not np.array_equal(toy(0).train_x, toy(1).train_x)
    small = toy(0, n_train=5, n_val=4, n_test=3)
    assert (len(small.train_x), len(small.val_x), len(small.test_x)) == (5, 4, 3)
    assert len(np.unique(np.concatenate([small.train_x, small.val_x, small.test_x]), axis=0)) == 12
