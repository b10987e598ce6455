"""Small float64 layers for gradient checks, and the check of what `penalty` adds."""

import numpy as np

from tinygsp.nn import gates
from tinygsp.nn.gradcheck import compare, numerical_gradient
from tinygsp.nn.layers import Dense, MaskedDense, MaskedEdges

f64 = np.float64


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
