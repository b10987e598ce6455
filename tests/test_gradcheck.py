"""Every backward pass against finite differences, and the checker itself against planted bugs.

All in float64, on odd shapes and values without symmetry, away from the kinks of ReLU and the absolute error.
"""

import numpy as np
import pytest

from tinygsp import gates
from tinygsp.baselines import HardConcreteDense, HardConcreteEdges, VariationalDense
from tinygsp.gradcheck import GradientError, check_layer, check_loss, compare, numerical_gradient, relative_error
from tinygsp.layers import Dense, MaskedDense, MaskedEdges, ReLU, Sequential, SiLU
from tinygsp.losses import mean_absolute_error, softmax_cross_entropy

f64 = np.float64


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def away_from_zero(rng, *shape):
    """Values with 0.1 < |x| < 2."""
    return rng.uniform(0.1, 2, shape) * rng.choice([-1, 1], shape)


def dense(rng, n_in, n_out, kind=Dense):
    new = kind(n_in, n_out, rng, f64)
    new.params["b"][:] = rng.normal(size=n_out)
    return new


def masked(rng, n_in, n_out, kind=MaskedDense, **options):
    """A masked float64 layer whose gates are open with probabilities in (0.05, 0.95)."""
    W = rng.normal(size=(n_in + 1, n_out))
    gate = gates.logistic_noise(rng.uniform(0.05, 0.95, W.shape))
    return kind(W, gate, **{"seed": 3, "layer": 1, "tau": 0.7, "hard": False, **options})


def edges(source, live, inputs=None, outputs=None, kind=MaskedEdges):
    """The connections of a MaskedDense where `live` is true, as MaskedEdges between the given inputs and outputs."""
    n_in, n_out = source.index.shape[0] - 1, source.index.shape[1]
    inputs = np.arange(n_in) if inputs is None else inputs
    outputs = np.arange(n_out) if outputs is None else outputs
    rows = np.append(inputs, n_in)  # with the bias
    places = (rows[:, None] * n_out + outputs).T.ravel()  # by output, then input
    places = places[live.ravel()[places]]
    W, gate, index = (a.ravel()[places] for a in (source.params["W"], source.params["gate"], source.index))
    options = {name: getattr(source, name) for name in ("seed", "layer", "tau", "hard", "needs_dx")}
    return kind(W, gate, index, source.index.shape, inputs, outputs, **options), places


def noise_of(layer, step):
    keys = gates.noise_keys(layer.seed, step, layer.layer)
    return gates.logistic_noise(gates.hash_uniform(layer.index, *keys).astype(f64))


# --- the tools ----------------------------------------------------------------------------------------------


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


# --- layers -------------------------------------------------------------------------------------------------


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


# --- losses -------------------------------------------------------------------------------------------------


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


# --- gates --------------------------------------------------------------------------------------------------


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


# --- a list of connections is the same layer ----------------------------------------------------------------


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


# --- hard concrete gates ------------------------------------------------------------------------------------


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


def check_penalty(layer, cost, tol=1e-6):
    """`penalty(0.375)` alone against finite differences of 0.375 * cost(layer), where nothing else has a gradient."""
    for gradient in layer.grads.values():
        gradient[:] = 0
    layer.penalty(0.375)
    for name, param in layer.params.items():
        compare(f"price d{name}", layer.grads[name], numerical_gradient(lambda: 0.375 * cost(layer), param), tol)


def check_loss_and_price(layer, cost, x, rng, tol=1e-6):
    """What a step of the search asks for: backward and then `penalty`, against the sum of loss and price."""

    def total():
        layer.sample(4)
        return np.sum(layer.forward(x) * R) + 0.375 * cost(layer)

    R = rng.normal(size=(len(x), layer.index.shape[1]))
    total()
    layer.backward(R.copy())
    layer.penalty(0.375)
    for name, param in layer.params.items():
        compare(f"total d{name}", layer.grads[name].copy(), numerical_gradient(total, param), tol)


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


# --- normal weights -----------------------------------------------------------------------------------------


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


# --- planted bugs: the checker must see each ----------------------------------------------------------------


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


@pytest.mark.parametrize("layer, name", [
    (MissingTranspose, "dx"), (SwappedOutputs, "dx"), (MeanBias, "db"), (Accumulates, "dW"), (ForgetsDx, "dx"),
    (OneEntryWrong, "dW"), (NotANumber, "db"),
])
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


@pytest.mark.parametrize("layer, name", [
    (LostBeta, "dgate"), (LostStretch, "dgate"), (LostClipping, "dgate"), (UnmaskedConcrete, "dW"),
])
def test_planted_in_a_hard_concrete_layer(rng, layer, name):
    planted, _ = in_all_regions(rng, 7, 3, layer)
    with pytest.raises(GradientError, match=f"^{name} of layer 0 .{layer.__name__}"):
        check_layer(planted, rng.normal(size=(5, 7)), rng, step=4)


@pytest.mark.parametrize("layer, name", [
    (LostTwoOfRoot, "dx"), (LostVarianceOfX, "dx"), (LostTwoOfSquare, "dx"), (LostExponential, "dgate"),
    (LostVarianceOfBias, "dgate"), (MaskedUnderNoise, "dW"),
])
def test_planted_in_a_variational_layer(rng, layer, name):
    planted = variational_layer(rng, 7, 3, layer)
    with pytest.raises(GradientError, match=f"^{name} of "):
        check_layer(planted, rng.normal(size=(5, 7)), rng, step=4)


@pytest.mark.parametrize("layer, cost, name", [
    (NegativePriceOfGates, gates_not_zero, "dgate"), (PriceOfOpenGates, gates_not_zero, "dgate"),
    (NegativePriceOfInformation, divergence, "dW"), (FreeMean, divergence, "dW"), (LostTwoOfMean, divergence, "dW"),
])
def test_planted_in_a_price(rng, layer, cost, name):
    planted = in_all_regions(rng, 7, 3, layer)[0] if cost is gates_not_zero else variational_layer(rng, 7, 3, layer)
    with pytest.raises(GradientError, match=f"^price {name}, entry"):
        check_penalty(planted, cost)
    with pytest.raises(GradientError, match=f"^total {name}, entry"):
        check_loss_and_price(planted, cost, rng.normal(size=(5, 7)), rng)


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
