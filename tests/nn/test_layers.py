"""A list of connections is the same layer as the matrix it came from; a layer refuses arrays it cannot work on."""

import numpy as np
import pytest
from helpers.layers import edges, masked

from tinygsp.nn.layers import Layer, MaskedDense

f32 = np.float32


@pytest.mark.parametrize("hard", [False, True])
def test_masked_edges_equal_masked_dense(rng, hard):
    """Retired connections: a gate of -inf in the matrix, absent from the list. Output 1 keeps none at all."""
    source = masked(rng, 7, 4, hard=hard)
    live = rng.random((8, 4)) < 0.6
    live[:, 1] = False
    few, places = edges(source, live)
    source.params["gate"][~live] = -np.inf
    x, dy = rng.normal(size=(5, 7)), rng.normal(size=(5, 4))
    for layer in (source, few):
        layer.sample(5)
    assert np.allclose(few.forward(x), source.forward(x), rtol=0, atol=1e-12)
    assert np.allclose(few.backward(dy), source.backward(dy), rtol=0, atol=1e-12)
    assert np.array_equal(few.mask, source.mask.ravel()[places]) and few.mask.any()
    for name in ("W", "gate"):
        assert np.allclose(few.grads[name], source.grads[name].ravel()[places], rtol=0, atol=1e-12)
        assert not source.grads[name][~live].any()


@pytest.mark.parametrize("dtype, atol", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_masked_edges_after_dropping_inputs_and_outputs(rng, dtype, atol):
    """A connection keeps its own noise, whatever was dropped around it: noise follows the original index."""
    soft = masked(rng, 7, 5)
    source = MaskedDense(*(soft.params[name].astype(dtype) for name in ("W", "gate")), seed=3, layer=1, tau=0.7)
    inputs, outputs = np.array([0, 2, 3, 6]), np.array([1, 4])
    few, places = edges(source, np.ones((8, 5), bool), inputs, outputs)
    dropped = np.setdiff1d(np.arange(7), inputs)
    source.params["W"][dropped] = 0
    x, dy = rng.normal(size=(5, 7)).astype(dtype), np.zeros((5, 5), dtype)
    dy[:, outputs] = rng.normal(size=(5, 2))
    for layer in (source, few):
        layer.sample(5)
    assert np.array_equal(few.mask, source.mask.ravel()[places]) and few.mask.any()
    assert np.allclose(few.forward(x[:, inputs]), source.forward(x)[:, outputs], rtol=0, atol=atol)
    assert np.allclose(few.backward(dy[:, outputs]), source.backward(dy)[:, inputs], rtol=0, atol=atol)
    for name in ("W", "gate"):
        assert np.allclose(few.grads[name], source.grads[name].ravel()[places], rtol=0, atol=atol)


# --- what a layer accepts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "W, gate",
    [
        (np.zeros((3, 2), f32), np.zeros((2, 3), f32)),
        (np.zeros((3, 2), f32).T, np.zeros((2, 3), f32)),
        (np.zeros((2, 3), f32), np.zeros((2, 6), f32)[:, ::2]),
    ],
    ids=["shapes", "order of W", "order of gate"],
)
def test_a_layer_wants_contiguous_arrays_of_one_shape(W, gate):
    with pytest.raises(ValueError, match="expected two C-contiguous arrays of one shape"):
        MaskedDense(W, gate)


def test_a_plain_layer_changes_nothing():
    layer, x = Layer(), np.ones((2, 3))
    layer.sample(0)
    assert layer.forward(x) is x and layer.backward(x) is x and layer.params == layer.grads == {}
