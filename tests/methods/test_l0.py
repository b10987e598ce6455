"""l0: what its layers and its search hand over, and that smaller layers change nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import PRICED, TOTAL
from helpers.trainers import (
    above,
    at_epoch,
    begin,
    biases,
    kinds,
    live,
    open_weights,
    phase_named,
    scores,
    spread,
    trainer_of,
)

from tinygsp.methods.l0 import HardConcreteDense, HardConcreteEdges
from tinygsp.nn.gates import sigmoid
from tinygsp.nn.layers import MaskedDense, MaskedEdges
from tinygsp.training import wiring

f32 = np.float32


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_open_hard_concrete_gates_are_a_plain_layer(noise):
    """Matrices and lists, whatever the noise: a gate of inf is 1, one of -inf is 0, and no gradient moves them."""
    rng = np.random.default_rng(4)
    W, gate = rng.normal(size=(8, 3)).astype(f32), np.where(rng.random((8, 3)) < 0.3, -np.inf, np.inf).astype(f32)
    x, dy = rng.normal(size=(5, 7)).astype(f32), rng.normal(size=(5, 3)).astype(f32)
    places = np.arange(24).reshape(8, 3).T.ravel()
    as_list = W.ravel()[places], gate.ravel()[places], places.astype(np.uint32), (8, 3), np.arange(7), np.arange(3)
    pairs = [(MaskedDense(W, gate, seed=1), HardConcreteDense(W, gate, seed=1)),
             (MaskedEdges(*as_list, seed=1), HardConcreteEdges(*as_list, seed=1))]  # fmt: skip
    for pair in pairs:
        for layer in pair:
            layer.sample(3, noise)
            layer.y, layer.dx = layer.forward(x), layer.backward(dy)
        plain, concrete = pair
        assert np.array_equal(concrete.y, plain.y) and np.array_equal(concrete.dx, plain.dx)
        assert np.array_equal(concrete.grads["W"], plain.grads["W"]) and concrete.open_gates == plain.open_gates
        concrete.penalty(0.3)
        assert np.all(np.abs(concrete.grads["gate"]) < 1e-30)


@pytest.mark.parametrize("edges_below", [0.0, 1.0])
@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_l0_hands_over_the_model_without_noise(activation, edges_below):
    """Its gates are between 0 and 1: they become part of the weights."""
    settings = replace(PRICED, density=0.5, activation=activation, edges_below=edges_below)
    trainer = at_epoch(10, "l0", settings)
    between = spread(trainer, lambda layer: np.clip(1.2 * sigmoid(layer.params["gate"] - np.log(11)) - 0.1, 0, 1))
    assert np.count_nonzero((between > 0) & (between < 1)) > 20
    folded = spread(trainer, lambda layer: layer.params["W"]) * between
    network = above(trainer, 0)
    assert np.array_equal(between > 0, spread(trainer, lambda layer: layer.params["gate"] > 0) > 0)
    matrices = np.concatenate([np.append(part.dense(), part.bias[None], axis=0).ravel() for part in network.layers])
    assert np.allclose(matrices, folded, rtol=1e-5, atol=1e-7)
    before, val_x = scores(trainer), trainer.dataset.val_x
    assert np.allclose(network.scores(val_x), before, rtol=1e-4, atol=1e-4)
    fits = network.trim().count() <= trainer.budget
    begin(trainer, "finetune")
    assert kinds(trainer) == [HardConcreteEdges] * 3 and trainer.net.count_open() <= trainer.budget
    there = (open_weights(trainer) != 0) & ~biases(trainer)
    assert np.allclose(open_weights(trainer)[there], folded[there], rtol=1e-5, atol=1e-7) and there.sum() > 100
    assert np.allclose(scores(trainer), above(trainer, 0).scores(val_x), rtol=1e-4, atol=1e-4)
    if fits:
        assert np.allclose(scores(trainer), before, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("changes", [None, {"edges_below": 0.0}, {"edges_below": 1.0}])
def test_smaller_layers_change_nothing_of_l0(changes, monkeypatch):
    """Sums are taken in another order, so weights agree to rounding; the wiring agrees exactly.

    The second trainer has other settings or, without `changes`, keeps the layers whole.
    """
    first, second = trainer_of("l0", PRICED), trainer_of("l0", replace(PRICED, **(changes or {})))
    if changes is None:
        compact = wiring.compact
        monkeypatch.setattr(wiring, "compact", lambda net, units: net is second.net or compact(net, units))
    for trainer in (first, second):
        phase_named(trainer, "search").retired = -0.3  # eager
    for a, b in zip(first.run(), second.run(), strict=True):
        assert (a["epoch"], a["open_gates"], a["val_accuracy"]) == (b["epoch"], b["open_gates"], b["val_accuracy"])
        assert math.isclose(a["price"], b["price"], rel_tol=1e-9)
        values = [spread(trainer, lambda layer: layer.weights()) for trainer in (first, second)]
        assert np.array_equal(live(first), live(second)) and np.allclose(*values, rtol=0, atol=1e-4)
        if a["epoch"] == 10:
            assert live(first).sum() < 0.3 * TOTAL and kinds(first) == [HardConcreteEdges] * 3
            assert kinds(second) == [HardConcreteEdges if changes == {"edges_below": 1.0} else HardConcreteDense] * 3
