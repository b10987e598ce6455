"""vd: what its layers and its search hand over, what it keeps, and that smaller layers change nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import PRICED
from helpers.trainers import (
    above,
    at_epoch,
    begin,
    kinds,
    largest_fit,
    live,
    open_weights,
    same,
    scores,
    spread,
    trainer_of,
    weights,
    whole_matrices,
)

from tinygsp.methods.vd import VariationalDense
from tinygsp.nn.layers import MaskedDense, MaskedEdges
from tinygsp.training import wiring

f32 = np.float32
WHOLE = [(37, 12), (13, 8), (9, 3)]


def shapes(trainer):
    """The shapes of the layers as they are computed with."""
    return [W.shape for W in weights(trainer)]


def keep_whole(monkeypatch, trainer):
    """Let the layers of one trainer never get smaller."""
    compact = wiring.compact
    monkeypatch.setattr(wiring, "compact", lambda net, units: net is trainer.net or compact(net, units))


def close_below(trainer, logit):
    """Close for good what has a lower logit."""
    wiring.close(trainer.net, [layer.logits() >= logit for layer in trainer.net.layers])


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_weights_without_variance_are_a_plain_layer(noise):
    rng = np.random.default_rng(4)
    W, gate = rng.normal(size=(8, 3)).astype(f32), np.where(rng.random((8, 3)) < 0.3, -np.inf, np.inf).astype(f32)
    x, dy = rng.normal(size=(5, 7)).astype(f32), rng.normal(size=(5, 3)).astype(f32)
    plain, normal = MaskedDense(W, gate), VariationalDense(W, gate)
    for layer in (plain, normal):
        layer.sample(3, noise)
        layer.y, layer.dx = layer.forward(x), layer.backward(dy)
    assert np.allclose(normal.y, plain.y, rtol=0, atol=1e-5 if noise else 0) and normal.open_gates == plain.open_gates
    assert np.array_equal(normal.grads["W"], plain.grads["W"])
    if not noise:
        assert np.array_equal(normal.dx, plain.dx) and not normal.grads["gate"].any()
    else:
        normal.penalty(0.3)
        assert not normal.grads["gate"].any() and np.array_equal(normal.grads["W"], plain.grads["W"])


def test_vd_hands_over_the_model_without_noise():
    """The weights of log alpha up to 3, as they are."""
    trainer = at_epoch(8, "vd", PRICED)
    W, gate = (spread(trainer, lambda layer, name=name: layer.params[name]) for name in ("W", "gate"))
    log_alpha = -gate - np.log(W**2 + 1e-30)
    keep = (log_alpha < 3) & live(trainer)
    assert 57 < keep.sum() < live(trainer).sum() < 400 and np.abs(log_alpha - 3).min() > 1e-4
    network = above(trainer, 0)
    matrices = np.concatenate([np.append(part.dense(), part.bias[None], axis=0).ravel() for part in network.layers])
    assert np.array_equal(matrices, np.where(keep, W, 0)) and trainer.net.count_open() == keep.sum()
    before = scores(trainer)
    assert np.allclose(network.scores(trainer.dataset.val_x), before, rtol=1e-4, atol=1e-4)
    trainer.net.from_network(network.trim())
    assert kinds(trainer) == [MaskedEdges] * 3 and np.allclose(scores(trainer), before, rtol=1e-4, atol=1e-4)


def whole_gates(trainer):
    """The gates of each layer, as large as in the dense network; -inf where a connection is gone."""
    for layer in trainer.net.layers:
        gate = np.full(layer.shape, -np.inf)
        gate.flat[layer.index.ravel()] = layer.params["gate"].ravel()
        yield gate


def test_vd_keeps_the_lowest_log_alpha():
    trainer = at_epoch(8, "vd", PRICED)
    matrices = [W for W, _ in whole_matrices(trainer)]
    pairs = zip(matrices, whole_gates(trainer), strict=True)
    ranking = [3 + gate + np.log(W.astype(np.float64) ** 2 + 1e-20) for W, gate in pairs]
    expected = largest_fit(matrices, ranking, trainer.budget, trainer.net.meta)
    begin(trainer, "finetune")
    assert same(above(trainer, 0), expected) and 0.8 * 57 < expected.count() <= 57


def test_vd_has_no_lists_of_connections():
    """...until it is done with noise; the settings it is given do not matter."""
    trainer = trainer_of("vd", replace(PRICED, edges_below=1.0))
    for record in trainer.run():
        assert kinds(trainer) == ([MaskedEdges] if record["phase"] == "finetune" else [VariationalDense]) * 3


def test_smaller_layers_change_no_score_of_vd(monkeypatch):
    trainer = at_epoch(10, "vd", PRICED)
    before_closing = shapes(trainer)
    with monkeypatch.context() as patch:
        keep_whole(patch, trainer)
        close_below(trainer, 1.0)
    before = scores(trainer)
    assert shapes(trainer) == before_closing
    close_below(trainer, 1.0)
    assert np.allclose(scores(trainer), before, rtol=1e-5, atol=1e-5)
    assert all(a != b for a, b in zip(before_closing, shapes(trainer), strict=True))


def same_but_for_rounding(first, second, a, b):
    assert (a["epoch"], a["open_gates"], a["val_accuracy"]) == (b["epoch"], b["open_gates"], b["val_accuracy"])
    assert math.isclose(a["price"], b["price"], rel_tol=1e-9) and np.array_equal(live(first), live(second))
    assert np.allclose(open_weights(first), open_weights(second), rtol=0, atol=1e-4)


def test_dropped_inputs_change_nothing_of_vd(monkeypatch):
    """Three rounds of it, while every unit is still there."""
    first, second = (at_epoch(3, "vd", replace(PRICED, density=0.5)) for _ in range(2))
    keep_whole(monkeypatch, second)
    for row in (5, 17, 33):
        for trainer in (first, second):
            layer = trainer.net.layers[0]
            layer.params["gate"][layer.index // 12 == row] = -np.inf
            close_below(trainer, -2.0)
        same_but_for_rounding(first, second, first.train_epoch(), second.train_epoch())
    assert shapes(first) == [(34, 12), (13, 8), (9, 3)]
    assert shapes(second) == WHOLE


def test_smaller_layers_change_nothing_of_vd(monkeypatch):
    first, second = trainer_of("vd", PRICED), trainer_of("vd", PRICED)
    keep_whole(monkeypatch, second)
    for a, b in zip(first.run(), second.run(), strict=True):
        same_but_for_rounding(first, second, a, b)
        if a["epoch"] == 10:
            assert shapes(second) == WHOLE
            assert all(V.size < 0.9 * W.size for V, W in zip(weights(first), weights(second), strict=True))
