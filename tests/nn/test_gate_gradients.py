"""The gradients of gates: soft ones by finite differences, hard ones by those of their soft sample."""

import numpy as np
import pytest
from helpers.layers import masked, noise_of

from tinygsp.nn import gates
from tinygsp.nn.gradcheck import numerical_gradient, relative_error
from tinygsp.nn.layers import MaskedDense, Sequential


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("tau", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("K", [2, 3, 5])
def test_gumbel_softmax_backward(rng, K, tau, hard):
    """The soft sample by finite differences; the hard one by those of its soft sample (straight through)."""
    logits, noise = rng.normal(size=(3, 5, K)), gates.gumbel_noise(rng.uniform(0.05, 0.95, (3, 5, K)))
    dy = rng.normal(size=(3, 5, K))
    y, soft = gates.gumbel_softmax(logits, noise, tau, hard)
    expected = numerical_gradient(lambda: np.sum(gates.gumbel_softmax(logits, noise, tau)[0] * dy), logits)
    assert relative_error(gates.gumbel_softmax_backward(dy, soft, tau), expected) < 1e-6
    if hard:
        assert np.array_equal(y, (soft == soft.max(axis=-1, keepdims=True)))
    else:
        assert np.array_equal(y, soft)


@pytest.mark.parametrize("tau", [0.3, 1.0, 2.5])
def test_binary_gate_backward(rng, tau):
    gate, noise = rng.normal(size=(5, 3)), gates.logistic_noise(rng.uniform(0.05, 0.95, (5, 3)))
    dy = rng.normal(size=(5, 3))
    soft = gates.binary_gate(gate, noise, tau)[1]
    expected = numerical_gradient(lambda: np.sum(gates.binary_gate(gate, noise, tau)[1] * dy), gate)
    assert relative_error(gates.binary_gate_backward(dy, soft, tau), expected) < 1e-6


def test_a_hard_gate_has_no_finite_differences(rng):
    layer, x, R = masked(rng, 7, 3, hard=True), rng.normal(size=(5, 7)), rng.normal(size=(5, 3))
    assert np.abs(layer.params["gate"] + noise_of(layer, 4)).min() > 1e-4  # no gate flips within eps

    def loss():
        layer.sample(4)
        return np.sum(layer.forward(x) * R)

    assert not numerical_gradient(loss, layer.params["gate"]).any()
    assert numerical_gradient(loss, layer.params["W"]).any()
    layer.backward(R)
    assert layer.grads["gate"].all()


@pytest.mark.parametrize("dtype, tol", [(np.float64, 1e-12), (np.float32, 2e-5)])
@pytest.mark.parametrize("tau", [0.5, 3.0])
def test_straight_through(rng, tau, dtype, tol):
    """A hard gate's gradient is that of its mask, times the soft gate's derivative at the same noise."""
    source = masked(rng, 7, 3)
    W, gate = (source.params[name].astype(dtype) for name in ("W", "gate"))
    layer = MaskedDense(W, gate, seed=3, layer=1, tau=tau)
    x, dy = rng.normal(size=(5, 7)).astype(dtype), rng.normal(size=(5, 3)).astype(dtype)
    layer.sample(4)
    layer.forward(x)
    layer.backward(dy)

    z = gate + noise_of(layer, 4)
    soft = 1 / (1 + np.exp(-z / tau))
    dWm = np.append(x.T @ dy, dy.sum(axis=0, keepdims=True), axis=0)  # the bias is the last row
    assert np.abs(z).min() > 1e-4
    assert np.array_equal(layer.mask, z > 0) and 0 < layer.mask.sum() < z.size
    assert relative_error(layer.grads["gate"], dWm * W * soft * (1 - soft) / tau) < tol
    assert relative_error(layer.grads["W"], dWm * (z > 0)) < tol


@pytest.mark.parametrize("dtype, hard", [(np.float64, False), (np.float64, True), (np.float32, True)])
@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_noise_is_scaled(rng, dtype, hard, noise):
    """`sample(step, noise)` of a whole network: the noise fades, down to mask = gate > 0."""
    source = masked(rng, 7, 3)
    W, gate = (source.params[name].astype(dtype) for name in ("W", "gate"))
    layer = MaskedDense(W, gate, seed=3, layer=1, tau=0.7, hard=hard)
    Sequential([layer]).sample(4, noise)
    z = gate + noise * noise_of(layer, 4)
    soft = 1 / (1 + np.exp(-z / 0.7))
    assert np.abs(z).min() > 1e-4
    assert np.allclose(layer.mask, z > 0 if hard else soft, rtol=0, atol=1e-12)
    assert np.allclose(layer.slope, soft * (1 - soft) / 0.7, rtol=0, atol=1e-6)
