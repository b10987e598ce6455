"""Every backward pass against finite differences, and the checker itself against planted bugs.

All in float64, on odd shapes and values without symmetry, away from the kinks of ReLU and the absolute error. The
layers of other methods are checked in tests/methods, hard gates in tests/nn.
"""

import numpy as np
import pytest
from helpers.layers import away_from_zero, dense, edges, masked

from tinygsp.nn.gradcheck import GradientError, check_layer, check_loss, numerical_gradient, relative_error
from tinygsp.nn.layers import Dense, MaskedDense, ReLU, Sequential, SiLU
from tinygsp.nn.losses import mean_absolute_error, softmax_cross_entropy

# --- the tools ------------------------------------------------------------------------------------------------


def test_numerical_gradient_of_a_formula(rng):
    x = rng.normal(size=(3, 5)).T  # not contiguous on purpose
    before = x.copy()
    gradient = numerical_gradient(lambda: np.sum(x**3), x)
    assert relative_error(gradient, 3 * x**2) < 1e-8
    assert np.array_equal(x, before)


def test_numerical_gradient_of_a_single_number():
    x = np.array(1.7)
    assert abs(numerical_gradient(lambda: float(x) ** 2, x) - 3.4) < 1e-8


def test_numerical_gradient_restores_x_when_f_raises():
    x = np.array([1.0, 2.0])
    with pytest.raises(ZeroDivisionError):
        numerical_gradient(lambda: 1 / 0, x)
    assert x.tolist() == [1, 2]


@pytest.mark.parametrize("x", [np.ones(2, np.float32), np.ones(2, int), [1.0, 2.0]])
def test_numerical_gradient_wants_float64(x):
    with pytest.raises(TypeError, match="float64"):
        numerical_gradient(lambda: 0.0, x)


def test_relative_error_sees_one_small_wrong_entry():
    a = np.full((9, 9), 1000.0)
    a[4, 4] = 0.1
    b = a.copy()
    b[4, 4] = 0.2
    assert relative_error(a, b) > 1e-3
    assert relative_error(a, a) == 0


def test_relative_error_lets_rounding_near_zero_pass():
    a = np.array([1.0, 0.0])
    assert relative_error(a, a + 1e-10) < 1e-6
    assert relative_error(a * 0, a * 0 + 1e-10) < 1e-6


def test_relative_error_is_symmetric():
    assert relative_error(np.array([1.0]), np.array([2.0])) == relative_error(np.array([2.0]), np.array([1.0])) == 0.5


def test_relative_error_refuses_other_shapes_and_shows_nan():
    with pytest.raises(GradientError, match="shape"):
        relative_error(np.ones((3, 1)), np.ones(3))
    assert np.isnan(relative_error(np.array([1, np.nan]), np.ones(2)))
    assert relative_error(np.ones((0, 3)), np.ones((0, 3))) == 0


# --- layers ---------------------------------------------------------------------------------------------------


def test_dense(rng):
    check_layer(dense(rng, 7, 3), rng.normal(size=(5, 7)), rng)


def test_relu(rng):
    check_layer(ReLU(), away_from_zero(rng, 5, 7), rng)


def test_silu(rng):
    check_layer(SiLU(), np.append(rng.normal(size=(4, 7)), rng.normal(0, 10, (1, 7)), axis=0), rng)


@pytest.mark.parametrize("tau", [0.5, 1.0, 2.3])
def test_masked_dense(rng, tau):
    check_layer(masked(rng, 7, 3, tau=tau), rng.normal(size=(5, 7)), rng, step=4)


def test_masked_edges(rng):
    layer, _ = edges(masked(rng, 7, 3), rng.random((8, 3)) < 0.6)
    check_layer(layer, rng.normal(size=(5, 7)), rng, step=4)


def test_dense_network(rng):
    net = Sequential([dense(rng, 7, 5), SiLU(), dense(rng, 5, 4), ReLU(), dense(rng, 4, 3)])
    check_layer(net, rng.normal(size=(5, 7)), rng)


def soft_network(rng):
    last, _ = edges(masked(rng, 4, 3, layer=2), rng.random((5, 3)) < 0.8)
    return Sequential([masked(rng, 7, 5, layer=0), SiLU(), masked(rng, 5, 4, layer=1), SiLU(), last])


def test_soft_masked_network(rng):
    check_layer(soft_network(rng), rng.normal(size=(5, 7)), rng, step=2)


def test_soft_masked_network_under_cross_entropy(rng):
    net, x, labels = soft_network(rng), rng.normal(size=(5, 7)), np.array([2, 0, 1, 1, 0])

    def loss():
        net.sample(6)
        return softmax_cross_entropy(net.forward(x), labels)

    dx = net.backward(loss()[1])
    assert relative_error(dx, numerical_gradient(lambda: loss()[0], x)) < 1e-6
    for layer in net.masked:
        for name, param in layer.params.items():
            assert relative_error(layer.grads[name], numerical_gradient(lambda: loss()[0], param)) < 1e-6


def test_gates_behind_a_sample_of_another_step_fail(rng):
    """Without `step` the gates do not follow their parameters: the checker must not pass silently."""
    layer = masked(rng, 7, 3)
    layer.sample(4)
    with pytest.raises(GradientError):
        check_layer(layer, rng.normal(size=(5, 7)), rng)


@pytest.mark.parametrize("make", [dense, masked])
def test_backward_overwrites(rng, make):
    layer = make(rng, 7, 3)
    layer.sample(1)
    dy = rng.normal(size=(5, 3))
    layer.forward(rng.normal(size=(5, 7)))
    dx = layer.backward(dy).copy()
    first = {name: g.copy() for name, g in layer.grads.items()}
    assert np.array_equal(layer.backward(dy), dx)
    assert all(np.array_equal(layer.grads[name], first[name]) for name in first)


def test_without_dx_the_gradients_are_the_same(rng):
    dy, x = rng.normal(size=(5, 3)), rng.normal(size=(5, 7))
    source = masked(rng, 7, 3)
    for layer in (dense(rng, 7, 3), source, edges(source, np.ones((8, 3), bool))[0]):
        layer.sample(1)
        layer.forward(x)
        assert layer.backward(dy).shape == x.shape
        first = {name: g.copy() for name, g in layer.grads.items()}
        layer.needs_dx = False
        assert layer.backward(dy) is None
        assert all(np.array_equal(layer.grads[name], first[name]) for name in first)
        check_layer(layer, x, rng, step=1)


@pytest.mark.parametrize("dtype, tol", [(np.float64, 1e-6), (np.float32, 1e-3)])
def test_penalty(rng, dtype, tol):
    """It adds the gradient of price * sum(sigmoid(gate)) to dgate, and leaves dW alone."""
    exact = masked(rng, 7, 3).params
    layer = MaskedDense(exact["W"].astype(dtype), exact["gate"].astype(dtype))
    layer.sample(1)
    layer.forward(rng.normal(size=(5, 7)).astype(dtype))
    layer.backward(rng.normal(size=(5, 3)).astype(dtype))
    dW, dgate, gate = layer.grads["W"].copy(), layer.grads["gate"].copy(), exact["gate"]
    Sequential([layer, SiLU()]).penalty(0.37)
    expected = numerical_gradient(lambda: 0.37 * np.sum(1 / (1 + np.exp(-gate))), gate)
    assert relative_error(layer.grads["gate"] - dgate, expected) < tol
    assert np.array_equal(layer.grads["W"], dW)


# --- losses ---------------------------------------------------------------------------------------------------


def test_softmax_cross_entropy(rng):
    check_loss(softmax_cross_entropy, rng.normal(0, 3, (5, 7)), np.array([6, 0, 3, 3, 1]))


def test_softmax_cross_entropy_value_and_large_scores():
    logits = np.array([[1.0, 2.0, 4.0], [0.0, 0.5, -1.0]])
    by_hand = -np.log(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    assert abs(softmax_cross_entropy(logits, np.array([2, 0]))[0] - (by_hand[0, 2] + by_hand[1, 0]) / 2) < 1e-12
    loss, dy = softmax_cross_entropy(logits * 1e4, np.array([0, 0]))
    assert np.isfinite(loss) and np.isfinite(dy).all()


def test_mean_absolute_error(rng):
    target = rng.normal(size=(5, 2))
    y = target + away_from_zero(rng, 5, 2)
    check_loss(mean_absolute_error, y, target)
    assert abs(mean_absolute_error(y, target)[0] - np.abs(y - target).sum() / 5) < 1e-12


# --- planted bugs: the checker must see each ------------------------------------------------------------------


class MissingTranspose(Dense):
    def backward(self, dy):
        super().backward(dy)
        return dy @ self.params["W"]


class SwappedOutputs(Dense):
    def backward(self, dy):
        return super().backward(dy[:, ::-1])


class MeanBias(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["b"][:] = dy.mean(axis=0)
        return dx


class Accumulates(Dense):
    def backward(self, dy):
        before = self.grads["W"].copy()
        dx = super().backward(dy)
        self.grads["W"] += before
        return dx


class ForgetsDx(Dense):
    def backward(self, dy):
        super().backward(dy)


class OneEntryWrong(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["W"][-1, -1] += 1e-5
        return dx


class NotANumber(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["b"][0] = np.nan
        return dx


class AlwaysTrueReLU(ReLU):
    def forward(self, x):
        y = super().forward(x)
        self.mask = y >= 0  # tests the output, which is never negative
        return y


class LostTau(MaskedDense):
    def gate_grads(self, dWm):
        super().gate_grads(dWm)
        self.grads["gate"] *= self.tau


class LostMask(MaskedDense):
    def gate_grads(self, dWm):
        np.multiply(dWm * self.params["W"], self.slope, out=self.grads["gate"])


class LostW(MaskedDense):
    def gate_grads(self, dWm):
        np.multiply(dWm, self.slope, out=self.grads["gate"])
        dWm *= self.mask


class LostBiasRow(MaskedDense):
    def gate_grads(self, dWm):
        dWm[-1] = 0
        super().gate_grads(dWm)


@pytest.mark.parametrize(
    "layer, name",
    [
        (MissingTranspose, "dx"),
        (SwappedOutputs, "dx"),
        (MeanBias, "db"),
        (Accumulates, "dW"),
        (ForgetsDx, "dx"),
        (OneEntryWrong, "dW"),
        (NotANumber, "db"),
    ],
)
def test_planted_in_dense(rng, layer, name):
    planted = dense(rng, 5, 5, layer)
    with pytest.raises(GradientError, match=f"^{name} "):
        check_layer(planted, rng.normal(size=(3, 5)), rng)


def test_planted_in_relu(rng):
    with pytest.raises(GradientError, match="^dx of AlwaysTrueReLU, entry"):
        check_layer(AlwaysTrueReLU(), away_from_zero(rng, 5, 7), rng)


@pytest.mark.parametrize("layer, name", [(LostTau, "dgate"), (LostMask, "dW"), (LostW, "dgate"), (LostBiasRow, "dW")])
def test_planted_in_a_masked_layer(rng, layer, name):
    planted = masked(rng, 7, 3, layer, tau=2.0)
    with pytest.raises(GradientError, match=f"^{name} of layer 0 .{layer.__name__}"):
        check_layer(planted, rng.normal(size=(5, 7)), rng, step=4)


def test_planted_in_a_network_is_named(rng):
    net = Sequential([masked(rng, 7, 5), SiLU(), masked(rng, 5, 3, LostTau, tau=1.1)])
    with pytest.raises(GradientError, match="^dgate of layer 2 .LostTau.*tolerance 1e-06"):
        check_layer(net, rng.normal(size=(5, 7)), rng, step=4)


def test_planted_in_a_loss(rng):
    def summed(logits, labels):
        loss, dlogits = softmax_cross_entropy(logits, labels)
        return loss, dlogits * len(labels)

    with pytest.raises(GradientError, match="^dy of summed, entry"):
        check_loss(summed, rng.normal(size=(5, 3)), np.array([2, 0, 1, 1, 0]))


def test_the_message_says_what_and_where(rng):
    planted = dense(rng, 5, 5, OneEntryWrong)
    with pytest.raises(GradientError) as caught:
        check_layer(planted, rng.normal(size=(3, 5)), rng)
    assert "dW of layer 0 (OneEntryWrong), entry (4, 4): backward says" in str(caught.value)
    assert "tolerance 1e-06" in str(caught.value)
