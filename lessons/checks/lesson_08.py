"""Checks of lesson 08, learn weights and wiring."""

import numpy as np
from exercise import checker, same

from tinygsp.nn.gates import sigmoid


def another_price(size_penalty, rng):
    shape = tuple(int(size) for size in rng.integers(2, 6, 2))
    W, gate, price = rng.normal(size=shape), rng.normal(size=shape), rng.uniform(0.1, 2)
    p = sigmoid(gate)
    dW, dgate = price * np.sign(W) * p, price * np.abs(W) * p * (1 - p)
    slips = {
        "the sign of W is missing in dW": (price * p, dgate),
        "the derivative of |W| is its sign, not W": (price * W * p, dgate),
        "dW wants p, the probability; p * (1 - p) belongs to dgate": (price * np.sign(W) * p * (1 - p), dgate),
        "|W| is missing in dgate": (dW, price * p * (1 - p)),
        "W is in dgate with its sign; the cost has |W|": (dW, price * W * p * (1 - p)),
        "the derivative of p is p * (1 - p), not p": (dW, price * np.abs(W) * p),
        "the price is missing": (dW / price, dgate / price),
    }
    same(size_penalty(W, gate, price), (dW, dgate), ("dW", "dgate"), f"shape {shape}", slips)


def counts(plant, price, goal, a, steps, update):
    """The counts of a run in which `update(price, a * error)` gives the next price."""
    found = []
    for _ in range(steps):
        found.append(plant(price))
        price = update(price, a * np.log(found[-1] / goal))
    return np.array([*found, plant(price)])


def an_integral_controller(settle, rng):
    total, worth, goal = rng.uniform(100, 1000), rng.uniform(300, 3000), rng.uniform(10, 80)
    price, a, steps = rng.uniform(1e-4, 1e-2), rng.uniform(0.05, 0.5), int(rng.integers(2, 40))

    def plant(price):
        return total / (1 + worth * price)

    right = counts(plant, price, goal, a, steps, lambda price, move: price * np.exp(move))
    added = counts(plant, price, goal, a, steps, lambda price, move: price + move)[:-1]
    not_its_logarithm = "a * error is added to the logarithm of the price, not to the price"
    slips = {
        "the first count is that of the price you are given": right[1:],
        "the price must rise while the count is too high": counts(
            plant, price, goal, a, steps, lambda price, move: price * np.exp(-move)
        )[:-1],
        not_its_logarithm: added,
        "the price never changes": np.full(steps, right[0]),
    }
    given = f"goal {goal:.1f}, a = {a:.2f}, {steps} steps"
    yours = settle(plant, price, goal, a, steps)
    if np.isnan(added).any() and np.shape(yours) == added.shape:  # a price below 0 has no logarithm
        assert not np.allclose(yours, added, equal_nan=True), f"the counts for {given}: {not_its_logarithm}"
    same(yours, right[:-1], "the counts", given, slips)


def how_much_friction(least_damping, rng):
    a, k = rng.uniform(0.001, 0.1), rng.uniform(0.005, 0.5)
    slips = {
        "the discriminant is (k d)^2 - 4 k a: the 4 is missing": np.sqrt(a / k),
        "this is k d: divide by k": 2 * np.sqrt(a * k),
        "this is the square of d: take its root": 4 * a / k,
        "a and k are exchanged": 2 * np.sqrt(k / a),
    }
    same(least_damping(a, k), 2 * np.sqrt(a / k), "d", f"a = {a:.3f}, k = {k:.3f}", slips)


check = checker(another_price, an_integral_controller, how_much_friction)
