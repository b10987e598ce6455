"""No public way leads outside an array: what a compiled loop trusts is checked when a layer, loss or batch is made."""

import numpy as np
import pytest
from helpers.layers import edges, masked

from tinygsp.nn import kernels
from tinygsp.nn.layers import MaskedDense, MaskedEdges, ReLU
from tinygsp.nn.losses import mean_absolute_error, softmax_cross_entropy
from tinygsp.nn.optim import SGD

f32, u32 = np.float32, np.uint32

# --- layers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index, what", [
    (np.zeros((2, 2), u32), r"index is uint32 \(2, 2\), expected C-contiguous uint32 \(3, 2\)"),
    (np.zeros(6, u32), r"index is uint32 \(6,\)"),
    (np.arange(6).reshape(3, 2), r"index is int64 \(3, 2\)"),
    (np.zeros((2, 3), u32).T, r"expected C-contiguous uint32 \(3, 2\)"),
    (np.array([[0, 1], [2, 3], [4, 6]], u32), r"a number beyond the original matrix of shape \(3, 2\)"),
])  # fmt: skip
def test_the_index_of_a_layer(index, what):
    with pytest.raises(ValueError, match=what):
        MaskedDense(np.zeros((3, 2), f32), np.zeros((3, 2), f32), index)


def test_the_largest_index_of_a_layer():
    W = np.zeros((3, 2), f32)
    assert MaskedDense(W, W.copy(), np.array([[0, 1], [2, 3], [4, 5]], u32)).shape == (3, 2)
    assert MaskedDense(W, W.copy(), np.array([[0, 1], [2, 3], [4, 19]], u32), (4, 5)).shape == (4, 5)
    with pytest.raises(ValueError, match=r"beyond the original matrix of shape \(20,\)"):
        MaskedDense(W, W.copy(), np.zeros((3, 2), u32), (20,))


def test_gates_are_of_the_type_of_the_weights():
    with pytest.raises(ValueError, match=r"W float32 \(3, 2\) and gate float64 \(3, 2\)"):
        MaskedDense(np.zeros((3, 2), f32), np.zeros((3, 2)))


def listed(index=(0, 6, 1, 7), inputs=(0, 2), outputs=(0, 1), shape=(4, 2), k=4):
    """A list of connections between inputs 0 and 2 of 3, and bias 3, and two outputs: index is 2 * row + col."""
    zeros = np.zeros(k, f32)
    return MaskedEdges(zeros, zeros.copy(), np.array(index, u32), shape, np.array(inputs), np.array(outputs))


def test_a_list_in_order():
    layer = listed()
    assert layer.rows.tolist() == [0, 2, 0, 2] and layer.starts.tolist() == [0, 2, 4] and layer.n_in == 2
    assert listed((0, 4, 6, 1)).rows.tolist() == [0, 1, 2, 0]
    assert listed((), k=0).starts.tolist() == [0, 0, 0]


@pytest.mark.parametrize("changes, what", [
    ({"index": (0, 1, 6, 7)}, "index is out of order, expected each connection once, by output, then by input"),
    ({"index": (6, 0, 1, 7)}, "out of order"),
    ({"index": (1, 7, 0, 6)}, "out of order"),
    ({"index": (0, 0, 1, 7)}, "out of order"),
    ({"index": (0, 6, 1, 8)}, "beyond the original matrix"),
    ({"index": (2, 6, 1, 7)}, "whose input or output is not among inputs and outputs"),
    ({"outputs": (0,)}, "whose input or output is not among"),
    ({"outputs": (1,)}, "whose input or output is not among"),
    ({"inputs": (2, 0)}, r"inputs are int64 \(2,\), expected sorted integers, each once"),
    ({"inputs": (0, 0, 2)}, "inputs are int64 .*each once"),
    ({"inputs": (0.0, 2.0)}, "inputs are float64"),
    ({"inputs": ((0, 2),)}, r"inputs are int64 \(1, 2\)"),
    ({"inputs": (0, 2, 3)}, r"inputs are from 0 to 3, expected numbers in \[0, 3\)"),
    ({"inputs": (-1, 0, 2)}, r"inputs are from -1 to 2"),
    ({"outputs": (0, 1, 2)}, r"outputs are from 0 to 2, expected numbers in \[0, 2\)"),
    ({"k": 3}, r"index is uint32 \(4,\), expected C-contiguous uint32 \(3,\)"),
])  # fmt: skip
def test_a_list_that_is_refused(changes, what):
    with pytest.raises(ValueError, match=what):
        listed(**changes)


@pytest.mark.parametrize("dtype", [f32, np.float64])
def test_what_a_list_is_given(rng, dtype):
    """Inputs and gradients of another shape."""
    layer, _ = edges(masked(rng, 7, 3), rng.random((8, 3)) < 0.6)
    for x in (np.zeros((5, 6), dtype), np.zeros((5, 8), dtype), np.zeros(7, dtype), np.zeros((5, 7, 1), dtype)):
        with pytest.raises(ValueError, match=r"x has shape \(.*\), expected \(n, 7\)"):
            layer.forward(x)
    layer.sample(0)
    layer.forward(np.zeros((5, 7), dtype))
    for dy in (np.zeros((4, 3), dtype), np.zeros((6, 3), dtype), np.zeros((5, 4), dtype), np.zeros(5, dtype)):
        with pytest.raises(ValueError, match=r"dy has shape \(.*\), expected \(5, 3\)"):
            layer.backward(dy)


@pytest.mark.parametrize("make", [masked, lambda rng, *n: edges(masked(rng, *n), np.ones((8, 3), bool))[0]])
def test_the_gradient_of_another_layer(rng, make):
    layer = make(rng, 7, 3)
    with pytest.raises(ValueError, match=r"dWm has shape \(2, 2\), expected"):
        layer.gate_grads(np.zeros((2, 2)))


def test_relu_at_0():
    layer = ReLU()
    assert layer.forward(np.array([[-1.0, 0.0, -0.0, 2.0]])).tolist() == [[0, 0, 0, 2]]
    assert layer.backward(np.full((1, 4), 3.0)).tolist() == [[0, 0, 0, 3]]


@pytest.mark.parametrize("grad, velocity", [(4, 1), (4, 5), (3, 4), (5, 4)])
@pytest.mark.parametrize("dtype", [f32, np.float64])
def test_an_optimizer_wants_one_shape(dtype, grad, velocity):
    with pytest.raises(ValueError, match=rf"velocity \({velocity},\) and grad \({grad},\): expected \(4,\), like W"):
        SGD(0.1).update(np.zeros(4, dtype), np.zeros(grad, dtype), 0.1, np.zeros(velocity, dtype))


# --- losses -----------------------------------------------------------------------------------------------------


def logits(n, k, layout):
    """Scores of n samples, in the layout of the compiled loop or in those of NumPy."""
    return {"feature-major": np.zeros((k, n), f32).T, "plain": np.zeros((n, k), f32), "float64": np.zeros((n, k))}[
        layout
    ]


layouts = pytest.mark.parametrize("layout", ["feature-major", "plain", "float64"])


@layouts
@pytest.mark.parametrize("label", [-1, 3, -3, 10**12])
@pytest.mark.parametrize("place", [0, 4])
def test_labels_outside(layout, label, place):
    labels = np.array([0, 1, 2, 1, 0])
    assert softmax_cross_entropy(logits(5, 3, layout), labels)[0] == pytest.approx(np.log(3))
    labels[place] = label
    with pytest.raises(ValueError, match="a label is outside: labels of k classes are integers from 0 to k - 1"):
        softmax_cross_entropy(logits(5, 3, layout), labels)


@layouts
@pytest.mark.parametrize("n, k, labels", [(5, 3, 4), (5, 3, 6), (0, 3, 0), (5, 0, 5), (0, 3, 1)])
def test_labels_of_another_batch_and_of_none(layout, n, k, labels):
    """An empty batch has no mean: it is refused, not nan."""
    with pytest.raises(
        ValueError, match=rf"logits \({n}, {k}\) and labels \({labels},\): expected \(n, k\) and \(n,\)"
    ):
        softmax_cross_entropy(logits(n, k, layout), np.zeros(labels, int))


@pytest.mark.parametrize("y, target", [((0, 2), (0, 2)), ((3, 2), (3, 1)), ((3, 2), (2,)), ((3, 1), (3,))])
def test_targets_of_another_batch_and_of_none(y, target):
    with pytest.raises(ValueError, match="expected the same shape, .* n at least 1"):
        mean_absolute_error(np.zeros(y), np.zeros(target))


# --- kernels that are given places ------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [-1, 3, 10**9])
@pytest.mark.parametrize("place", [0, 1])
def test_samples_outside(sample, place):
    values, samples, out = np.ones((3, 4), np.uint8), np.array([0, 2]), np.zeros((2, 4), np.uint8)
    tables = np.arange(4, dtype=np.int32)[None]
    kernels.gather_moved(values, samples, tables, u32(1), u32(2), out)
    assert out.all()
    samples[place] = sample
    with pytest.raises(ValueError, match="a sample is outside: samples of n images are integers from 0 to n - 1"):
        kernels.gather_moved(values, samples, tables, u32(1), u32(2), out)


def test_the_loop_over_a_list_stays_inside_without_the_compiler(rng):
    """In plain Python a place outside is an IndexError: connections at both ends of every array."""
    layer = listed((0, 4, 6, 7))
    layer.params["gate"][:] = np.inf
    layer.params["W"][:] = 1
    layer.sample(0)
    x, dy = rng.normal(size=(2, 5)).astype(f32), rng.normal(size=(2, 5)).astype(f32)
    y, dx, dWm = np.zeros((2, 5), f32), np.zeros((2, 5), f32), np.zeros(4, f32)
    for name, arguments in (
        ("edges_forward", (x, layer.Wm, layer.rows, layer.starts, y)),
        ("edges_backward", (dy, layer.Wm, layer.rows, layer.starts, dx)),
        ("edges_grads", (x, dy, layer.rows, layer.starts, dWm)),
    ):
        kernel = getattr(kernels, name)
        getattr(kernel, "py_func", kernel)(*arguments)
    assert np.allclose(y, [x[0] + x[1] + 1, np.ones(5)]) and np.allclose(dx, [dy[0], dy[0]])
    assert np.allclose(dWm, [x[0] @ dy[0], x[1] @ dy[0], dy[0].sum(), dy[1].sum()], rtol=1e-5, atol=1e-5)
