"""Normal weights: their gradients, what their information costs, and planted bugs that the checker must see."""

import numpy as np
import pytest
from helpers.layers import away_from_zero, check_loss_and_price, check_penalty, f64

from tinygsp.methods.vd import VariationalDense
from tinygsp.nn.gradcheck import GradientError, check_layer, relative_error
from tinygsp.nn.layers import Dense, Sequential, SiLU


class WithVariance(VariationalDense):
    """`penalty` ends the backward pass: without a price it only turns dL/dvariance into dgate."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.penalty(0.0)
        return dx


def variational_layer(rng, n_in, n_out, kind=WithVariance):
    """log alpha from below -3 to above 5, weights of both signs and none near 0."""
    return kind(away_from_zero(rng, n_in + 1, n_out), rng.uniform(-3, 3, (n_in + 1, n_out)), seed=3, layer=1)


def test_variational_dense(rng):
    layer, x = variational_layer(rng, 7, 3), rng.normal(size=(5, 7))
    check_layer(layer, x, rng, step=4)
    mean = x @ layer.params["W"][:-1] + layer.params["W"][-1]
    variance = np.exp(-layer.params["gate"])
    eps = (layer.forward(x) - mean) / np.sqrt(x**2 @ variance[:-1] + variance[-1])
    assert np.abs(eps).max() < 4 and np.abs(eps).min() > 1e-3 and len(np.unique(eps)) == 15


def test_variational_network(rng):
    net = Sequential([variational_layer(rng, 7, 5), SiLU(), variational_layer(rng, 5, 4), SiLU(),
                      variational_layer(rng, 4, 3)])  # fmt: skip
    check_layer(net, rng.normal(size=(5, 7)), rng, step=4)


def test_the_noise_of_variational_dense_is_normal(rng):
    """Mean 0, variance 1, no two alike: by step, by layer and by seed."""
    x, drawn = np.ones((400, 1)), []
    for seed, layer, step in ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)):
        part = VariationalDense(np.zeros((2, 9)), np.full((2, 9), np.log(2)), seed=seed, layer=layer)  # variance 1
        part.sample(step)
        drawn.append(part.forward(x).ravel())
        assert np.array_equal(part.forward(x).ravel(), drawn[-1])  # forward draws nothing anew
    assert np.abs(np.mean(drawn, axis=1)).max() < 5 / 60
    assert np.abs(np.var(drawn, axis=1) - 1).max() < 5 * np.sqrt(2) / 60
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 5 / 60


@pytest.mark.parametrize("dtype, tol", [(np.float64, 1e-6), (np.float32, 1e-5)])
def test_variational_dense_without_noise(rng, dtype, tol):
    """Weights of log alpha above 3 are left out, and the variance has no gradient."""
    exact = variational_layer(rng, 7, 3, VariationalDense)
    W, gate = exact.params["W"], exact.params["gate"]
    gate[2], gate[-1] = [np.inf, -np.inf, -9], [-np.inf, np.inf, 9]
    log_alpha = -gate - np.log(W**2)
    keep = np.where(np.isinf(gate), gate > 0, log_alpha < 3)
    assert 3 < keep.sum() < 21 and np.abs(log_alpha - 3).min() > 1e-2
    x, dy = rng.normal(size=(5, 7)), rng.normal(size=(5, 3))
    layer = VariationalDense(W.astype(dtype), gate.astype(dtype))
    layer.sample(4, 0.0)
    assert layer.open_gates == keep.sum() and np.array_equal(layer.mask, keep)
    plain = Dense(7, 3, rng, f64)
    plain.params["W"][:], plain.params["b"][:] = (W * keep)[:-1], (W * keep)[-1]
    assert relative_error(layer.forward(x.astype(dtype)), plain.forward(x)) < tol
    assert relative_error(layer.backward(dy.astype(dtype)), plain.backward(dy)) < tol
    dW = np.append(plain.grads["W"], plain.grads["b"][None], axis=0)
    assert relative_error(layer.grads["W"], dW * keep) < tol and not layer.grads["gate"].any()


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_variational_dense_in_float32(rng, noise):
    """The compiled parts of both gradients, and of the price, against those of float64 at the same noise."""
    exact = variational_layer(rng, 7, 3, VariationalDense)
    exact.params["gate"][2] = [np.inf, -np.inf, np.inf]
    layer = VariationalDense(*(exact.params[name].astype(np.float32) for name in ("W", "gate")), seed=3, layer=1)
    x, dy = rng.normal(size=(5, 7)), rng.normal(size=(5, 3))
    for each, dtype in ((exact, f64), (layer, np.float32)):
        each.sample(4, noise)
        y = each.forward(x.astype(dtype))
        if noise:
            W = exact.params["W"] * (exact.params["gate"] > -np.inf)
            variance = x**2 @ exact.slope[:-1] + exact.slope[-1]
            assert np.allclose(y, x @ W[:-1] + W[-1] + 2 * variance * each.half, rtol=1e-5, atol=1e-5)
            eps = np.linspace(-1.3, 2.1, 15).reshape(5, 3)  # the generator draws other numbers in float32
            each.half = (eps / (2 * np.sqrt(variance))).astype(dtype)
        each.dx = each.backward(dy.astype(dtype))
        each.penalty(0.375)
    assert layer.open_gates == exact.open_gates and layer.dx.dtype == np.float32
    assert np.allclose(layer.dx, exact.dx, rtol=1e-5, atol=1e-5)
    for name in ("W", "gate"):
        assert np.allclose(layer.grads[name], exact.grads[name], rtol=1e-5, atol=1e-5), name
        assert not exact.grads["gate"][2].any() and not layer.grads["gate"][2].any()


def divergence(layer):
    """KL of every normal weight from the log-uniform prior, summed (Molchanov et al. 2017, eq. 14)."""
    W, gate = layer.params["W"], layer.params["gate"]
    alpha = np.exp(-gate) / W**2
    k1, k2, k3 = 0.63576, 1.87320, 1.48695
    minus_kl = k1 / (1 + np.exp(-(k2 + k3 * np.log(alpha)))) - 0.5 * np.log(1 + 1 / alpha) - k1
    return -np.sum(minus_kl)


def test_variational_penalty(rng):
    layer = variational_layer(rng, 7, 3, VariationalDense)
    check_penalty(layer, divergence)
    check_loss_and_price(layer, divergence, rng.normal(size=(5, 7)), rng)


def test_variational_penalty_of_what_is_gone_or_certain(rng):
    layer = variational_layer(rng, 7, 3, VariationalDense)
    infinite = rng.random((8, 3)) < 0.3
    layer.params["gate"][infinite] = rng.choice([-np.inf, np.inf], infinite.sum())
    layer.params["W"][infinite] = rng.choice([0.0, 1.7], infinite.sum())
    layer.grads["W"][:], layer.grads["gate"][:] = 0.7, 0.6
    layer.penalty(0.375)
    assert np.all(layer.grads["W"][infinite] == 0.7) and np.all(layer.grads["gate"][infinite] == 0)
    assert np.all(layer.grads["W"][~infinite] != 0.7) and np.isfinite(layer.grads["W"]).all()


# --- planted bugs ---------------------------------------------------------------------------------------------


class LostTwoOfRoot(WithVariance):
    def forward(self, x):
        y = super().forward(x)
        self.half = 2 * self.half
        return y


class LostVarianceOfX(WithVariance):
    def backward(self, dy):
        super().backward(dy)
        return dy @ self.Wm[:-1].T


class LostTwoOfSquare(WithVariance):
    def backward(self, dy):
        dx = super().backward(dy)
        return (dx + dy @ self.Wm[:-1].T) / 2


class LostExponential(WithVariance):
    def penalty(self, price):
        np.negative(self.grads["gate"], out=self.grads["gate"])


class LostVarianceOfBias(WithVariance):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["gate"][-1] = 0
        return dx


class MaskedUnderNoise(WithVariance):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["W"] *= self.mask
        return dx


class NegativePriceOfInformation(VariationalDense):
    def penalty(self, price):
        super().penalty(-price)


class FreeMean(VariationalDense):
    def penalty(self, price):
        dW = self.grads["W"].copy()
        super().penalty(price)
        self.grads["W"][:] = dW


class LostTwoOfMean(VariationalDense):
    def penalty(self, price):
        dW = self.grads["W"].copy()
        super().penalty(price)
        self.grads["W"][:] = (self.grads["W"] + dW) / 2


@pytest.mark.parametrize(
    "layer, name",
    [
        (LostTwoOfRoot, "dx"),
        (LostVarianceOfX, "dx"),
        (LostTwoOfSquare, "dx"),
        (LostExponential, "dgate"),
        (LostVarianceOfBias, "dgate"),
        (MaskedUnderNoise, "dW"),
    ],
)
def test_planted_in_a_variational_layer(rng, layer, name):
    planted = variational_layer(rng, 7, 3, layer)
    with pytest.raises(GradientError, match=f"^{name} of "):
        check_layer(planted, rng.normal(size=(5, 7)), rng, step=4)


@pytest.mark.parametrize("layer", [NegativePriceOfInformation, FreeMean, LostTwoOfMean])
def test_planted_in_the_price(rng, layer):
    planted = variational_layer(rng, 7, 3, layer)
    with pytest.raises(GradientError, match="^price dW, entry"):
        check_penalty(planted, divergence)
    with pytest.raises(GradientError, match="^total dW, entry"):
        check_loss_and_price(planted, divergence, rng.normal(size=(5, 7)), rng)
