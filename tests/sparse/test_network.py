"""A SparseNetwork says what its dense matrices say, and counts what is in it."""

import numpy as np
import pytest
from helpers.nets import dense_scores, f32, inputs, layer, random_network, small

from tinygsp.sparse import Meta, SparseNetwork

# --- use ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["silu", "relu"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_scores_are_the_dense_ones(activation, dtype):
    network, values = small(activation=activation), inputs(20, 4, dtype)
    scores = network.scores(values)
    assert scores.dtype == f32 and scores.shape == (20, 2)
    assert np.allclose(scores, dense_scores(network, values), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_random_networks(seed):
    network = random_network(seed)
    values = np.random.default_rng(seed).normal(size=(10, 6))
    assert np.allclose(network.scores(values), dense_scores(network, values), rtol=1e-5, atol=1e-5)


def test_scores_by_hand():
    """x = (value - 1) / 2: values 3 and 5 become 1 and 2, hidden relu(2 + 1) = 3 and relu(-2) = 0."""
    first, second = layer((2, 2), [(0, 0, 2), (1, 1, -1)], [1, 0]), layer((2, 1), [(0, 0, 10), (1, 0, 7)], [-4])
    network = SparseNetwork([first, second], Meta("relu", mean=1.0, std=2.0, class_names=("y",)))
    assert network.scores(np.array([[3, 5]], np.uint8)).tolist() == [[26]]


def test_scores_without_connections_are_the_biases():
    network = SparseNetwork([layer((3, 2), [], [1, -1])], Meta(class_names=("a", "b")))
    assert network.scores(np.ones((2, 3), np.uint8)).tolist() == [[1, -1]] * 2
    assert network.scores(np.ones((0, 3), np.uint8)).shape == (0, 2)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 5), (1, 2, 3), (2, 1, 2, 2)])
def test_scores_want_rows_of_inputs(shape):
    with pytest.raises(ValueError, match=r"expected \(n, 4\)"):
        small().scores(np.zeros(shape, np.uint8))


def test_predict_classes():
    network, values = small(), inputs(50, 4, np.uint8)
    scores, proba = network.scores(values), network.predict_proba(values)
    assert network.predict(values).tolist() == [int(b > a) for a, b in scores]
    assert 0 < network.predict(values).sum() < 50
    assert np.allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-6) and np.all(proba >= 0)
    assert np.allclose(np.log(proba[:, 1] / proba[:, 0]), scores[:, 1] - scores[:, 0], rtol=1e-3, atol=1e-3)


def test_regression():
    network, values = small(task="regression"), inputs(9, 4, np.float32)
    assert np.array_equal(network.predict(values), network.scores(values))
    with pytest.raises(ValueError, match="regression"):
        network.predict_proba(values)


# --- what is in it --------------------------------------------------------------------------------------------


def test_count_and_report():
    network = small()
    assert network.total == 4 * 3 + 3 + 3 * 2 + 2 == 23
    assert network.count() == (4 + 2) + (3 + 1)  # the explicit zero is no parameter
    assert network.density == 10 / 23
    assert network.report() == [
        {"n_in": 4, "n_out": 3, "total": 15, "kept_weights": 4, "kept_biases": 2, "inputs": 3},
        {"n_in": 3, "n_out": 2, "total": 8, "kept_weights": 3, "kept_biases": 1, "inputs": 2},
    ]


def test_used_inputs():
    assert [u.tolist() for u in small().used_inputs()] == [[0, 1, 3], [0, 2]]


def test_reaches_by_hand():
    assert small().reaches().tolist() == [[True, False], [True, True], [False, False], [True, False]]


def paths(network, unit, k=0):
    """All outputs that some path of nonzero weights leads to from an input of layer k."""
    if k == len(network.layers):
        return {unit}
    part = network.layers[k]
    found = [paths(network, c, k + 1) for r, c, w in zip(part.row, part.col, part.weight) if r == unit and w != 0]
    return set().union(*found)


@pytest.mark.parametrize("seed", range(8))
def test_reaches_is_every_path(seed):
    network = random_network(seed)
    reaches = network.reaches()
    assert reaches.shape == (6, 3) and reaches.dtype == bool
    assert [set(np.flatnonzero(row)) for row in reaches] == [paths(network, i) for i in range(6)]


WIDE = {
    "a picture": range(20, 75),
    "its last inputs": range(80, 100),
    "every third input": range(0, 100, 3),
    "few, far apart": (0, 50, 99),
    "one": (99,),
}


def reader(inputs, n_in=100, outputs=4):
    """A network that reads these inputs."""
    rng = np.random.default_rng(len(inputs))
    connections = [(i, j, rng.normal()) for i in inputs for j in range(5) if j == 0 or rng.random() < 0.5]
    first = layer((n_in, 5), connections, rng.normal(size=5))
    second = layer((5, outputs), [(i, j, rng.normal()) for i in range(5) for j in range(outputs)], [0] * outputs)
    return SparseNetwork([first, second], Meta(divisor=255.0, class_names=tuple("abcd"[:outputs])))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("name", WIDE)
def test_a_sample_has_the_same_scores_wherever_it_stands(name, dtype):
    """Alone, or among 32 that are transposed together, if its inputs are close enough for that."""
    network, values = reader(WIDE[name]), inputs(75, 100, np.uint8).astype(dtype)
    scores = network.scores(values)
    assert np.allclose(scores, dense_scores(network, values), rtol=1e-4, atol=1e-4)
    for i in range(75):
        assert np.array_equal(network.scores(values[i]), scores[i])
    assert np.array_equal(network.predict(values), scores.argmax(axis=1))
    assert (network.graph[2].size > 0) == (name not in ("few, far apart", "one"))


def test_windows_cover_what_is_read():
    for n_in in (16, 17, 100):
        for seed in range(50):
            rng = np.random.default_rng(seed)
            read = np.sort(rng.choice(n_in, rng.integers(1, n_in + 1), replace=False))
            network = reader(read.tolist(), n_in)
            inputs, rows, windows = network.graph[:3]
            assert np.array_equal(inputs, read) and (windows + 16 <= n_in).all()
            if windows.size:
                assert np.array_equal(windows[rows // 16] + rows % 16, read) and 2 * windows.size <= read.size
            else:
                assert np.array_equal(rows, np.arange(read.size))


@pytest.mark.parametrize("n", [1, 40])
def test_the_first_of_equal_scores_is_the_class(n):
    bias = np.array([[1, 3, 3], [3, 1, 3], [2, 2, 2], [-1, -2, -1], [0, -0.0, 0]])
    for row in bias:
        network = SparseNetwork([layer((4, 3), [], row)], Meta(class_names=("a", "b", "c")))
        assert (network.predict(np.zeros((n, 4), np.uint8)) == row.argmax()).all()


def test_scores_whose_sum_is_too_large_are_compared_all_the_same():
    network = SparseNetwork([layer((4, 3), [], [2e38, 3e38, 1e38])], Meta(class_names=("a", "b", "c")))
    assert (network.predict(np.zeros((40, 4), np.uint8)) == 1).all()
    network = SparseNetwork([layer((4, 3), [(1, 2, 1)], [0, 0, 0])], Meta(class_names=("a", "b", "c")))
    values = np.zeros((40, 4), np.float32)
    values[39, 1] = np.nan
    with pytest.raises(ValueError, match="sample 39 has a nan"):
        network.predict(values)
