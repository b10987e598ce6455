"""What is closed for good stays closed, the network gets smaller by it, and freezing keeps the largest fit."""

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import EAGER, SMALL, TOTAL
from helpers.trainers import above, at_epoch, begin, kinds, live, open_weights, same, scores, spread, trainer_of

from tinygsp.nn.layers import MaskedDense, MaskedEdges
from tinygsp.training import wiring

f32 = np.float32


def searching(settings=SMALL, epochs=0, seed=0):
    """A Trainer at the start of its search, or some epochs into it."""
    trainer = at_epoch(epochs, settings=replace(settings, dense_epochs=0), seed=seed)
    if not epochs:
        begin(trainer, "search")
    return trainer


# --- closing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edges_below", [0.0, 0.35, 1.0])
def test_retired_gates_never_reopen(edges_below):
    trainer = trainer_of(settings=replace(EAGER, dense_epochs=0, edges_below=edges_below))
    before, counts = np.ones(TOTAL, bool), []
    for record in trainer.run():
        now = live(trainer)
        assert not np.any(now & ~before), record
        before = now
        counts.append(now.sum())
    assert counts[0] < TOTAL and len(set(counts)) > 3  # it did retire, in several steps


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_edge_lists_change_no_result(activation, seed):
    """Sums are taken in another order, so weights agree to rounding; the wiring agrees exactly."""
    settings = replace(EAGER, activation=activation)
    dense, edges = (trainer_of(settings=replace(settings, edges_below=share), seed=seed) for share in (0.0, 1.0))
    for a, b in zip(dense.run(), edges.run(), strict=True):
        assert (a["epoch"], a["open_gates"], a["val_accuracy"]) == (b["epoch"], b["open_gates"], b["val_accuracy"])
        assert np.array_equal(open_weights(dense) != 0, open_weights(edges) != 0)
        assert np.allclose(open_weights(dense), open_weights(edges), rtol=0, atol=1e-4)
        assert math.isclose(a["price"], b["price"], rel_tol=1e-9)
        if a["phase"] == "search":
            assert kinds(dense) == [MaskedDense] * 3 and kinds(edges) == [MaskedEdges] * 3
            assert a["epoch"] == 3 or dense.net.layers[0].params["W"].shape < (37, 12)  # and it did shrink


def test_becoming_edge_lists_changes_no_score():
    trainer = searching(replace(EAGER, edges_below=0.0), epochs=3)
    before, net = scores(trainer), trainer.net
    assert kinds(trainer) == [MaskedDense] * 3
    net.settings = replace(EAGER, edges_below=1.0)
    wiring.close(net, [layer.logits() >= -1.0 for layer in net.layers])
    assert kinds(trainer) == [MaskedEdges] * 3
    assert sum(layer.params["W"].size for layer in net.layers) < 0.2 * TOTAL
    assert np.allclose(scores(trainer), before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("edges_below", [0.0, 1.1])
def test_what_hangs_on_a_dead_unit_is_closed_too(edges_below):
    """Unit 2 loses all inputs (and its bias), unit 5 all outputs; pixel 7 is no longer read."""
    trainer = searching(replace(SMALL, edges_below=edges_below))
    net, keep = trainer.net, [np.ones(layer.params["W"].shape, bool) for layer in trainer.net.layers]
    keep[0][:, 2] = keep[1][5] = keep[0][7] = False
    wiring.close(net, keep)
    expected = [np.ones(shape, bool) for shape in ((37, 12), (13, 8), (9, 3))]
    expected[0][:, [2, 5]] = expected[1][[2, 5]] = expected[0][7] = False
    assert np.array_equal(live(trainer), np.concatenate([each.ravel() for each in expected]))
    assert [len(units) for units in net.units] == [35, 10, 8, 3]
    assert 7 not in net.units[0] and not {2, 5} & set(net.units[1].tolist())
    assert kinds(trainer) == [MaskedEdges if edges_below else MaskedDense] * 3


@pytest.mark.parametrize("edges_below", [0.0, 1.0])
def test_momentum_follows_its_connections(edges_below):
    """Whether a layer becomes a list or a smaller matrix."""

    def momentum(name):
        return spread(trainer, lambda layer: net.optimizer.state[layer, name][0])

    trainer = searching(replace(SMALL, edges_below=edges_below), epochs=1)
    net = trainer.net
    before = {name: momentum(name) for name in ("W", "gate")}
    wiring.close(net, [(layer.index % 3 != 1) & (layer.index % 7 < 6) for layer in net.layers])
    stays = live(trainer)
    assert 0.5 * TOTAL < stays.sum() < 0.6 * TOTAL
    for name in ("W", "gate"):
        assert np.array_equal(momentum(name)[stays], before[name][stays])
        assert np.count_nonzero(before[name][stays]) > 0.9 * stays.sum()


# --- freezing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings, density", [(SMALL, 0.1), (SMALL, 0.3), (EAGER, 0.1), (EAGER, 0.05), (EAGER, 1.0)])
def test_freeze_is_the_largest_fit(settings, density):
    trainer = searching(replace(settings, density=density), epochs=settings.epochs)
    gates = np.concatenate([layer.params["gate"].ravel() for layer in trainer.net.layers])
    thresholds = [-np.inf, *np.unique(gates[gates > -np.inf])]
    networks = {t: above(trainer, t).trim() for t in thresholds}
    lowest = min(t for t in thresholds if networks[t].count() <= trainer.budget)
    begin(trainer, "finetune")
    assert same(above(trainer, 0), networks[lowest])
    assert trainer.net.count_open() == networks[lowest].count() <= trainer.budget
    assert kinds(trainer) == [MaskedEdges] * 3 and not trainer.net.optimizer.state


@pytest.mark.parametrize("budget", [57, 200])
def test_what_is_closed_has_no_score(budget):
    """The highest scores of all do not bring it back."""
    trainer = searching()
    rng, net = np.random.default_rng(6), trainer.net
    closed = [rng.random(layer.params["W"].shape) < 0.4 for layer in net.layers]
    for layer, gone in zip(net.layers, closed):
        layer.params["gate"][gone] = -np.inf
    ranking = [np.where(gone, 9.0, rng.random(gone.shape)) for gone in closed]
    lowest = wiring.threshold(net, ranking, budget)
    kept = wiring.above(net, ranking, lowest)
    assert not any(np.any(keep & gone) for keep, gone in zip(kept, closed))
    assert sum(np.count_nonzero(keep) for keep in kept) >= budget
    wiring.freeze(net, ranking, budget)
    assert not np.any(live(trainer) & np.concatenate([gone.ravel() for gone in closed]))
    assert budget * 0.6 < net.count_open() <= budget


def test_a_budget_above_all_that_is_open_keeps_all_of_it():
    trainer = searching()
    scores_of_all = [np.full(layer.params["W"].shape, -5.0) for layer in trainer.net.layers]
    assert wiring.threshold(trainer.net, scores_of_all, TOTAL) == -np.inf
    wiring.freeze(trainer.net, scores_of_all, TOTAL)
    assert trainer.net.count_open() == TOTAL - 23  # its biases, which are 0
