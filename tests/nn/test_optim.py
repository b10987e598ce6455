"""How a gradient becomes a step: against the formulas, by hand."""

import numpy as np
import pytest

from tinygsp.nn.layers import Layer, Sequential
from tinygsp.nn.optim import SGD, Adam, cosine


def model_of(**params):
    """A Sequential whose second of three layers has these parameters, and zero gradients."""
    layer = Layer()
    layer.params = params
    layer.grads = {name: np.zeros_like(p) for name, p in params.items()}
    return Sequential([Layer(), layer, Layer()]), layer


def test_momentum_by_hand():
    model, layer = model_of(W=np.array([1.0, -2.0]))
    W, optimizer = layer.params["W"], SGD(0.1, momentum=0.5)
    expected = [
        [0.9, -1.8],  # v = (1, -2)
        [0.65, -1.5],  # v = 0.5 (1, -2) + (2, -2) = (2.5, -3)
        [0.525, -1.35],  # v = 0.5 (2.5, -3) + 0 = (1.25, -1.5)
    ]
    for grad, after in zip([[1, -2], [2, -2], [0, 0]], expected):
        layer.grads["W"][:] = grad
        optimizer.step(model)
        assert np.allclose(W, after, rtol=0, atol=1e-15)
        assert layer.grads["W"].tolist() == grad
    assert W is layer.params["W"]  # in place


def test_adam_by_hand():
    model, layer = model_of(W=np.array([1.0]))
    optimizer = Adam(0.1, beta1=0.5, beta2=0.75, eps=1e-8)
    m, v = [1, -0.5, 0.75], [1, 1.75, 2.3125]  # m = 0.5 m + 0.5 g, v = 0.75 v + 0.25 g^2 for g = 2, -2, 2
    m_hat, v_hat = [2, -2 / 3, 6 / 7], [4, 4, 4]  # m / (1 - 0.5^t), v / (1 - 0.75^t)
    after = [0.9, 0.9 + 0.1 / 3, 0.9 + 0.1 / 3 - 0.3 / 7]  # W -= 0.1 * m_hat / 2
    for t in range(3):
        layer.grads["W"][:] = (2, -2, 2)[t]
        optimizer.step(model)
        state_m, state_v = optimizer.state[layer, "W"]
        assert np.allclose([state_m[0], state_v[0]], [m[t], v[t]], rtol=0, atol=1e-12)
        assert np.allclose([m[t] / (1 - 0.5 ** (t + 1)), v[t] / (1 - 0.75 ** (t + 1))], [m_hat[t], v_hat[t]])
        assert np.allclose(layer.params["W"], after[t], rtol=0, atol=1e-8)


def test_adam_starts_with_a_step_of_the_learning_rate():
    for size in (1e-4, 1.0, 1e4):
        model, layer = model_of(W=np.array([0.0, 0.0]))
        layer.grads["W"][:] = size, -size
        Adam(0.01).step(model)
        assert np.allclose(layer.params["W"], [-0.01, 0.01], rtol=1e-3)


def test_adam_eps_keeps_a_zero_gradient_still():
    model, layer = model_of(W=np.array([3.0]))
    Adam(0.01).step(model)
    assert layer.params["W"].tolist() == [3.0]


@pytest.mark.parametrize("order", ["C", "F"])
def test_float32_kernel_follows_the_float64_formula(rng, order):
    W = np.array(rng.normal(size=(5, 7)), order=order)
    single, layer32 = model_of(W=W.astype(np.float32))
    double, layer64 = model_of(W=W.copy(order="K"))
    optimizer32, optimizer64 = SGD(0.3, 0.8), SGD(0.3, 0.8)
    for _ in range(5):
        grad = rng.normal(size=(5, 7))
        layer32.grads["W"][:], layer64.grads["W"][:] = grad, grad
        optimizer32.step(single)
        optimizer64.step(double)
    assert layer32.params["W"].dtype == np.float32
    assert np.allclose(layer32.params["W"], layer64.params["W"], rtol=0, atol=1e-5)
    assert np.allclose(optimizer32.state[layer32, "W"][0], optimizer64.state[layer64, "W"][0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("make", [SGD, Adam])
def test_state_keeps_the_dtype(make):
    model, layer = model_of(W=np.ones(3, np.float32))
    optimizer = make(0.1)
    optimizer.step(model)
    assert layer.params["W"].dtype == np.float32
    assert len(optimizer.state[layer, "W"]) == make.slots
    assert all(a.dtype == np.float32 for a in optimizer.state[layer, "W"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [SGD, Adam])
def test_a_rate_for_each_name(make, dtype):
    model, layer = model_of(W=np.zeros(2, dtype), gate=np.zeros(2, dtype))
    for g in layer.grads.values():
        g[:] = 1
    make({"W": 0.1, "gate": 0.7}).step(model)
    assert np.allclose(layer.params["W"], -0.1) and np.allclose(layer.params["gate"], -0.7)


def test_a_rate_can_change_between_steps():
    model, layer = model_of(W=np.zeros(1))
    layer.grads["W"][:] = 1
    optimizer = SGD(1.0, momentum=0)
    optimizer.step(model)
    optimizer.lr = 0.25
    optimizer.step(model)
    assert layer.params["W"].tolist() == [-1.25]


def test_layers_keep_their_own_state():
    model, first = model_of(W=np.zeros(1))
    _, second = model_of(W=np.zeros(1))
    model.layers.append(second)
    optimizer = SGD(1.0, momentum=1)
    for g1, g2 in [(1, 10), (0, 0)]:
        first.grads["W"][:], second.grads["W"][:] = g1, g2
        optimizer.step(model)
    assert first.params["W"].tolist() == [-2] and second.params["W"].tolist() == [-20]
    assert set(optimizer.state) == {(first, "W"), (second, "W")}


@pytest.mark.parametrize("make", [SGD, Adam])
def test_a_smaller_layer_takes_over_the_state(rng, make):
    """Retire all but some places (flat, in this order), and go on: as if the others had never been there."""
    places = np.array([14, 3, 9])
    model, layer = model_of(W=rng.normal(size=(3, 5)), other=rng.normal(size=(3, 5)))
    other = model.layers[0] = model_of(W=np.ones((3, 5)))[1]
    optimizer, grads = make(0.1), rng.normal(size=(2, 2, 3, 5))
    for name, g in zip(("W", "other"), grads[0]):
        layer.grads[name][:] = g
    optimizer.step(model)
    untouched = optimizer.state[other, "W"]
    few = Layer()
    few.params = {name: p.ravel()[places] for name, p in layer.params.items()}
    few.grads = {name: g.ravel()[places] for name, g in zip(("W", "other"), grads[1])}
    for name, g in zip(("W", "other"), grads[1]):
        layer.grads[name][:] = g

    before = {key: [a.copy() for a in arrays] for key, arrays in optimizer.state.items()}
    optimizer.hand_over(layer, few, places)
    taken = optimizer.state[few, "W"] + optimizer.state[few, "other"]
    assert len(taken) == 2 * make.slots and all(a.shape == (3,) and a.flags.c_contiguous for a in taken)
    assert set(optimizer.state) == {(other, "W"), (few, "W"), (few, "other")}  # nothing is left of the old layer
    assert optimizer.state[other, "W"] is untouched
    optimizer.step(Sequential([other, few]))
    optimizer.state = before
    if make is Adam:
        optimizer.t -= 1
    optimizer.step(model)
    for name in ("W", "other"):
        assert np.allclose(few.params[name], layer.params[name].ravel()[places], rtol=0, atol=1e-12)


def test_cosine():
    assert cosine(3.0, 1.0, 0) == 3 and abs(cosine(3.0, 1.0, 1) - 1) < 1e-12
    assert abs(cosine(3.0, 1.0, 0.5) - 2) < 1e-12
    assert abs(cosine(3.0, 1.0, 1 / 3) - 2.5) < 1e-12
    assert cosine(3.0, 1.0, -0.2) == cosine(3.0, 1.0, 0) and cosine(3.0, 1.0, 1.5) == cosine(3.0, 1.0, 1)
    rising = [cosine(0.0, 1.0, r) for r in np.linspace(0, 1, 11)]
    assert np.all(np.diff(rising) > 0)


@pytest.mark.parametrize("make", [SGD, Adam])
def test_a_layer_without_state_hands_over_none(make):
    """Before the first step there is no state, and the first step makes it."""
    _, layer = model_of(W=np.zeros((3, 5)))
    optimizer, few = make(0.1), Layer()
    few.params, few.grads = {"W": np.zeros(2)}, {"W": np.ones(2)}
    optimizer.hand_over(layer, few, np.array([1, 4]))
    assert not optimizer.state
    optimizer.step(Sequential([few]))
    assert set(optimizer.state) == {(few, "W")} and few.params["W"].any()
