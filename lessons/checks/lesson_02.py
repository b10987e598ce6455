"""Checks of lesson 02, build layers."""

import numpy as np
from exercise import checker, same

from tinygsp.nn.gradcheck import check_layer, numerical_gradient
from tinygsp.nn.layers import Dense


def inputs(rng):
    """x without entries near the kink at 0, and the weights R of the loss sum(y * R): (n, k) each."""
    shape = rng.integers(2, 8, 2)
    return rng.choice([-1, 1], shape) * rng.uniform(0.1, 2, shape), rng.normal(size=shape)


def size(x):
    return f"n = {x.shape[0]}, k = {x.shape[1]}"


def a_leaky_relu(LeakyReLU, rng):
    x, R = inputs(rng)
    layer = LeakyReLU()
    right = numerical_gradient(lambda: np.sum(layer.forward(x) * R), x)
    layer.forward(x)
    slips = {
        "0 where x is negative: that is the backward pass of a plain ReLU": R * (x > 0),
        "dy is missing: this is the slope alone": right / R,
        "dy passed on unchanged: the slope is missing": R,
        "the slopes of both sides are exchanged": R * np.where(x > 0, 0.1, 1),
    }
    same(layer.backward(R.copy()), right, "dx", size(x), slips, tol=1e-5)


def a_gain(Gain, rng):
    x, R = inputs(rng)
    g = rng.uniform(1, 3, x.shape[1])
    layer = Gain(g)
    dx, dg = (numerical_gradient(lambda: np.sum(layer.forward(x) * R), array) for array in (x, g))
    for _ in range(2):  # twice: gradients that accumulate would double
        layer.forward(x)
        got = layer.backward(R.copy())
    same(got, dx, "dx", size(x), {"g is missing: the slope of y in x is g": R}, tol=1e-5)
    slips = {
        "backward adds to grads; it should overwrite them": 2 * dg,
        "x is missing: the slope of y in g is x": R.sum(axis=0),
        "the mean over the samples, where a sum is needed": dg / len(x),
        'nothing is written to grads["g"]': 0 * dg,
    }
    same(layer.grads["g"], dg, "dg", size(x), slips, tol=1e-5)


def a_shortcut(Shortcut, rng):
    x, R = inputs(rng)
    inner = Dense(x.shape[1], x.shape[1], rng, np.float64)
    layer = Shortcut(inner)
    right = numerical_gradient(lambda: np.sum(layer.forward(x) * R), x)
    layer.forward(x)
    slips = {
        "what comes back through f is missing": R,
        "what comes back along the shortcut is missing": right - R,
        "two ways to the loss: their gradients add up, they are not multiplied": R * (right - R),
    }
    same(layer.backward(R.copy()), right, "dx", size(x), slips, tol=1e-5)
    check_layer(layer, x, rng)


check = checker(a_leaky_relu, a_gain, a_shortcut)
