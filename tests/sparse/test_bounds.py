"""A network made by hand is checked when it is made, and its compiled loop writes to its own arrays alone."""

import os
import subprocess
import sys

import numpy as np
import pytest
from helpers.nets import dense_scores, f32, layer, random_network, small

from tinygsp.nn import lanes
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

LANES = lanes.LANES


def by_hand(**changes):
    """A layer of 3 inputs and 2 outputs with some arrays replaced."""
    arrays = {"row": np.array([0, 2]), "col": np.array([1, 0]), "weight": np.ones(2, f32), "bias": np.zeros(2, f32)}
    return SparseLayer((3, 2), **{**arrays, **changes})


@pytest.mark.parametrize("changes, what", [
    ({"row": np.array([0, 3])}, r"row has an index outside \[0, 3\)"),
    ({"row": np.array([-1, 2])}, r"row has an index outside \[0, 3\)"),
    ({"col": np.array([2, 0])}, r"col has an index outside \[0, 2\)"),
    ({"col": np.array([1, -1])}, r"col has an index outside \[0, 2\)"),
    ({"row": np.array([0, 2**40])}, r"row has an index outside \[0, 3\)"),
    ({"row": np.array([0.0, 2.0])}, "row is float64, expected integers"),
    ({"col": np.array([True, False])}, "col is bool, expected integers"),
    ({"col": np.array([1])}, r"col has shape \(1,\), expected \(2,\)"),
    ({"weight": np.ones(3, f32)}, r"weight has shape \(3,\), expected \(2,\)"),
    ({"weight": np.ones((2, 1), f32)}, r"weight has shape \(2, 1\), expected \(2,\)"),
    ({"row": np.array([[0, 2]])}, r"row has shape \(1, 2\), expected \(2,\)"),
    ({"bias": np.zeros(3, f32)}, r"bias has shape \(3,\), expected \(2,\)"),
    ({"bias": np.zeros(1, f32)}, r"bias has shape \(1,\), expected \(2,\)"),
])  # fmt: skip
def test_a_layer_by_hand(changes, what):
    assert by_hand().kept_weights == 2
    with pytest.raises(ValueError, match=what):
        by_hand(**changes)


@pytest.mark.parametrize("shapes, what", [
    ([(3, 2), (3, 1)], "layer0 has 2 outputs but layer1 has 3 inputs"),
    ([(3, 2), (1, 1)], "layer0 has 2 outputs but layer1 has 1 inputs"),
    ([(1, 1), (1, 2), (3, 1)], "layer1 has 2 outputs but layer2 has 3 inputs"),
    ([], "no layers: a network has at least one"),
])  # fmt: skip
def test_a_network_by_hand(shapes, what):
    with pytest.raises(ValueError, match=what):
        SparseNetwork([layer(shape, [], np.zeros(shape[1])) for shape in shapes], Meta())


def test_an_activation_that_is_not_known():
    with pytest.raises(ValueError, match="activation is 'tanh', expected silu or relu"):
        SparseNetwork([by_hand()], Meta(activation="tanh"))


@pytest.mark.parametrize("dtype", [np.uint8, f32])
@pytest.mark.parametrize("n", [0, 1, LANES - 1, LANES, LANES + 1, 2 * LANES + 3])
def test_no_block_goes_beyond_its_samples(n, dtype):
    """Values and scores are parts of larger arrays: what is around them is neither read nor written."""
    network = random_network(4)
    values = np.random.default_rng(n).integers(256, size=(n + 2 * LANES, 6)).astype(dtype)
    around = np.full((n + 2 * LANES, 3), np.nan, f32)
    inside = slice(LANES, LANES + n)
    run = network.runner(dtype)
    assert run(values[inside], around[inside]).base is around
    assert np.allclose(around[inside], dense_scores(network, values[inside]), rtol=1e-4, atol=1e-4)
    assert np.isnan(around[:LANES]).all() and np.isnan(around[LANES + n :]).all()


PLAIN = """
import numpy as np
from helpers.nets import dense_scores, random_network
from tinygsp.nn import lanes
assert not hasattr(lanes.network_scores, "py_func") and not hasattr(lanes.transpose, "py_func")
for seed in range(4):
    network, rng = random_network(seed), np.random.default_rng(seed)
    for values in (rng.normal(size=(35, 6)), rng.integers(256, size=(35, 6)).astype(np.uint8)):
        expected = dense_scores(network, values.astype(np.float32))
        assert np.allclose(network.scores(values), expected, rtol=1e-4, atol=1e-4)
        assert (network.predict(values) == network.scores(values).argmax(axis=1)).all()
"""


def test_the_loop_stays_inside_without_the_compiler():
    """In plain Python a place outside is an IndexError."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", PLAIN], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == "", done.stderr


@pytest.mark.parametrize("out", [
    np.zeros((4, 2), f32), np.zeros((6, 2), f32), np.zeros((5, 1), f32), np.zeros(10, f32), np.zeros((5, 2)),
])  # fmt: skip
def test_room_for_the_scores(out):
    run = small().runner()
    with pytest.raises(ValueError, match=r"out is float.*: expected float32 \(5, 2\)"):
        run(np.zeros((5, 4), np.uint8), out)


def test_meta_of_numpy(tmp_path):
    """Its numbers are written like those of Python."""
    meta = Meta("relu", np.str_("regression"), np.float32(255), np.float16(0.5), np.int64(2), ["y"], np.array([1, 3]))
    plain = Meta("relu", "regression", 255.0, 0.5, 2, ("y",), (1, 3))
    assert meta == plain and repr(meta) == repr(plain)
    network = SparseNetwork([layer((3, 1), [(0, 0, 1)], [0])], meta)
    network.save(tmp_path / "model.npz")
    assert SparseNetwork.load(tmp_path / "model.npz").meta == plain
