"""Hard concrete gates: their gradients, what they cost, and planted bugs that the checker must see."""

import numpy as np
import pytest
from helpers.layers import check_loss_and_price, check_penalty, edges, f64, noise_of

from tinygsp.methods.l0 import HardConcreteDense, HardConcreteEdges
from tinygsp.nn.gradcheck import GradientError, check_layer
from tinygsp.nn.layers import MaskedDense, Sequential, SiLU


def in_all_regions(rng, n_in, n_out, kind=HardConcreteDense):
    """A layer whose gates at step 4 are clipped at 0, between 0 and 1, and clipped at 1, none near a kink.

    Returns (layer, values before clipping): sigmoid of (gate - log 11 + noise) / tau, stretched to [-0.1, 1.1].
    """
    W = rng.normal(size=(n_in + 1, n_out))
    layer = kind(W, np.zeros_like(W), seed=3, layer=1)
    thirds = rng.permutation(np.arange(W.size) % 3).reshape(W.shape)
    stretched = rng.uniform(np.array([-0.08, 0.05, 1.02])[thirds], np.array([-0.02, 0.95, 1.08])[thirds])
    soft = (stretched + 0.1) / 1.2
    layer.params["gate"][:] = 2 / 3 * np.log(soft / (1 - soft)) + np.log(11) - noise_of(layer, 4)
    return layer, stretched


def test_hard_concrete_dense(rng):
    layer, stretched = in_all_regions(rng, 7, 3)
    layer.sample(4)
    assert np.allclose(layer.mask, np.clip(stretched, 0, 1), rtol=0, atol=1e-12)
    assert np.count_nonzero(layer.mask == 0) == np.count_nonzero(layer.mask == 1) == 8
    check_layer(layer, rng.normal(size=(5, 7)), rng, step=4)
    assert np.array_equal(layer.grads["gate"] == 0, (stretched < 0) | (stretched > 1))


def test_hard_concrete_edges(rng):
    source, _ = in_all_regions(rng, 7, 3)
    few, places = edges(source, rng.random((8, 3)) < 0.6, kind=HardConcreteEdges)
    few.sample(4)
    assert {0.0, 1.0} < set(few.mask)
    check_layer(few, rng.normal(size=(5, 7)), rng, step=4)
    source.sample(4)
    assert np.array_equal(few.mask, source.mask.ravel()[places])


def test_hard_concrete_network(rng):
    last, _ = edges(in_all_regions(rng, 4, 3)[0], rng.random((5, 3)) < 0.8, kind=HardConcreteEdges)
    net = Sequential([in_all_regions(rng, 7, 5)[0], SiLU(), in_all_regions(rng, 5, 4)[0], SiLU(), last])
    check_layer(net, rng.normal(size=(5, 7)), rng, step=4)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_gate_of_exactly_0_is_closed(kind, rng):
    layer = HardConcreteDense(rng.normal(size=(2, 3)).astype(kind), np.array([[0, 1e-7, -1e-7], [0, 0, 3]], kind))
    layer.sample(0)
    assert layer.open_gates == 2


def test_hard_concrete_without_noise(rng):
    """tau is 1 then, and the gate leaves 0 where it is above 0."""
    layer = HardConcreteDense(rng.normal(size=(8, 3)), rng.uniform(-3, 3, (8, 3)))
    gate = layer.params["gate"]
    gate[0], gate[-1] = [-1e-6, 1e-6, -0.7], [np.inf, -np.inf, 0.8]
    layer.sample(2, 0.0)
    log_alpha = gate - np.log(11)
    assert np.allclose(layer.mask, np.clip(1.2 / (1 + np.exp(-log_alpha)) - 0.1, 0, 1), rtol=0, atol=1e-12)
    assert np.array_equal(layer.mask > 0, gate > 0) and layer.open_gates == np.count_nonzero(gate > 0)
    assert layer.mask[-1, :2].tolist() == [1, 0] and layer.slope[-1, :2].tolist() == [0, 0]


@pytest.mark.parametrize("noise", [0.0, 0.4, 1.0])
def test_hard_concrete_in_float32(rng, noise):
    """The compiled sample is that of float64, gates of both infinities included."""
    exact, _ = in_all_regions(rng, 7, 3)
    exact.params["gate"][2] = [np.inf, -np.inf, np.inf]
    layer = HardConcreteDense(*(exact.params[name].astype(np.float32) for name in ("W", "gate")), seed=3, layer=1)
    x, dy = rng.normal(size=(5, 7)), rng.normal(size=(5, 3))
    for each, dtype in ((exact, f64), (layer, np.float32)):
        each.sample(4, noise)
        each.y = each.forward(x.astype(dtype))
        each.dx = each.backward(dy.astype(dtype))
        each.penalty(0.375)
    assert layer.mask.dtype == np.float32 and layer.open_gates == exact.open_gates
    for name in ("mask", "slope", "y", "dx"):
        assert np.allclose(getattr(layer, name), getattr(exact, name), rtol=1e-5, atol=1e-5), name
    for name in ("W", "gate"):
        assert np.allclose(layer.grads[name], exact.grads[name], rtol=1e-5, atol=1e-5), name


def gates_not_zero(layer):
    """The expected number of gates that are not 0: sum of sigmoid(log alpha - beta log(0.1 / 1.1))."""
    log_alpha = layer.params["gate"] - np.log(11)
    return np.sum(1 / (1 + np.exp(-log_alpha - 2 / 3 * np.log(11))))


def test_hard_concrete_penalty(rng):
    layer, _ = in_all_regions(rng, 7, 3)
    check_penalty(layer, gates_not_zero)
    check_loss_and_price(layer, gates_not_zero, rng.normal(size=(5, 7)), rng)


def test_the_price_is_for_gates_that_are_not_zero(rng):
    """The probability behind it, by drawing: eq. 12 of the paper agrees with its eq. 10 and 11."""
    gate = np.array([-2.0, 0.3, 1.0, 2.5]).repeat(20_000).reshape(1, -1)  # without inputs, a bias for each
    layer = HardConcreteDense(np.ones_like(gate), gate, seed=9)
    layer.sample(1)
    share = (layer.mask > 0).reshape(4, -1).mean(axis=1)
    expected = 1 / (1 + np.exp(-(np.array([-2.0, 0.3, 1.0, 2.5]) - np.log(11) / 3)))
    assert np.abs(share - expected).max() < 5 * 0.5 / np.sqrt(20_000)


# --- planted bugs ---------------------------------------------------------------------------------------------


class LostBeta(HardConcreteDense):
    def sample(self, step, noise=1.0):
        super().sample(step, noise)
        self.slope *= 2 / 3


class LostStretch(HardConcreteDense):
    def sample(self, step, noise=1.0):
        super().sample(step, noise)
        self.slope /= 1.2


class LostClipping(HardConcreteDense):
    def sample(self, step, noise=1.0):
        super().sample(step, noise)
        self.slope[self.slope == 0] = 0.05


class UnmaskedConcrete(HardConcreteDense):
    def gate_grads(self, dWm):
        np.multiply(dWm * self.params["W"], self.slope, out=self.grads["gate"])


class NegativePriceOfGates(HardConcreteDense):
    def penalty(self, price):
        super().penalty(-price)


class PriceOfOpenGates(HardConcreteDense):
    def penalty(self, price):
        MaskedDense.penalty(self, price)


@pytest.mark.parametrize(
    "layer, name",
    [
        (LostBeta, "dgate"),
        (LostStretch, "dgate"),
        (LostClipping, "dgate"),
        (UnmaskedConcrete, "dW"),
    ],
)
def test_planted_in_a_hard_concrete_layer(rng, layer, name):
    planted, _ = in_all_regions(rng, 7, 3, layer)
    with pytest.raises(GradientError, match=f"^{name} of layer 0 .{layer.__name__}"):
        check_layer(planted, rng.normal(size=(5, 7)), rng, step=4)


@pytest.mark.parametrize("layer", [NegativePriceOfGates, PriceOfOpenGates])
def test_planted_in_the_price(rng, layer):
    planted, _ = in_all_regions(rng, 7, 3, layer)
    with pytest.raises(GradientError, match="^price dgate, entry"):
        check_penalty(planted, gates_not_zero)
    with pytest.raises(GradientError, match="^total dgate, entry"):
        check_loss_and_price(planted, gates_not_zero, rng.normal(size=(5, 7)), rng)
