"""Checks of lesson 07, go straight through."""

import numpy as np
from exercise import checker, same

from tinygsp.nn.gates import price_grad, sigmoid


def what_the_layer_below_gets(masked_dx, rng):
    n, n_in, n_out = (int(size) for size in rng.permutation(range(2, 9))[:3])  # all different
    W, dy = rng.normal(size=(n_in + 1, n_out)), rng.normal(size=(n, n_out))
    mask = (rng.random(W.shape) < 0.6).astype(float)
    slips = {
        "the mask is missing: closed connections send nothing back": dy @ W[:-1].T,
        "the first row was left out; the biases are the last": dy @ (mask * W)[1:].T,
    }
    given = f"n = {n}, n_in = {n_in}, n_out = {n_out}"
    same(masked_dx(dy, W, mask), dy @ (mask * W)[:-1].T, "dx", given, slips)


def off_the_budget(budget_grad, rng):
    gate = rng.normal(0, 1.5, rng.integers(2, 7, 2))
    price, budget = rng.uniform(0.1, 2), rng.uniform(0, gate.size)
    p = sigmoid(gate)
    missing = p.sum() - budget
    slips = {
        "this is the price of each open gate: the distance to the budget is missing": price_grad(gate, price),
        "p * (1 - p) is missing: the count moves with p, and p with the gate": 2 * price * missing + 0 * p,
        "the budget is missing: 2 * (count - budget)": 2 * price * p.sum() * p * (1 - p),
        "the count is that of all gates together: sum p before subtracting": 2 * price * (p - budget) * p * (1 - p),
        "count the expected gates, not those above 0": 2 * price * (np.sum(gate > 0) - budget) * p * (1 - p),
    }
    given = "shape {} x {}, budget {:.1f}".format(*gate.shape, budget)
    same(budget_grad(gate, price, budget), 2 * price * missing * p * (1 - p), "the gradient", given, slips)


def without_bias(score_function, rng):
    n, k = (int(size) for size in rng.integers(2, 9, 2))
    gate, loss = rng.normal(size=k), rng.normal(1, 1, n)
    p = sigmoid(gate)
    mask = (rng.random((n, k)) < p).astype(float)
    slips = {
        "p is missing: mask - p has the mean 0, mask has not": loss[:, None] * mask,
        "p is the probability: the sigmoid of the gate": loss[:, None] * (mask - gate),
        "every sample has its own loss, not the mean loss": loss.mean() * (mask - p),
        "one estimate per sample: do not divide by n": loss[:, None] * (mask - p) / n,
        "p * (1 - p) belongs to the straight-through estimate": loss[:, None] * (mask - p) * p * (1 - p),
    }
    same(score_function(loss, mask, gate), loss[:, None] * (mask - p), "the estimate", f"n = {n}, k = {k}", slips)


check = checker(what_the_layer_below_gets, off_the_budget, without_bias)
