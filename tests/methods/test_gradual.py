"""gradual: small cuts on a cubic schedule, each the largest fit, none ever taken back. lottery cuts in the same way."""

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import SMALL, TOTAL
from helpers.trainers import (
    above,
    at_epoch,
    begin,
    biases,
    cuts,
    is_fresh,
    kinds,
    lamp_by_hand,
    largest_fit,
    open_weights,
    phase_named,
    same,
    trained,
    trainer_of,
    weights,
)

from tinygsp.nn.layers import MaskedDense

f32 = np.float32
BOTH = ["gradual", "lottery"]


def test_the_target_of_gradual_pruning_is_cubic():
    search = phase_named(trainer_of("gradual", replace(SMALL, budget_at=0.6)), "search")
    assert search.target(0) == TOTAL and all(search.target(r) == 57 for r in (0.6, 0.61, 0.9, 1))
    assert math.isclose(search.target(0.3), 57 + (TOTAL - 57) / 8)
    assert math.isclose(search.target(0.15), 57 + (TOTAL - 57) * 27 / 64)
    values = np.array([search.target(r) for r in np.linspace(0, 0.6, 13)])
    assert np.allclose(np.diff(values, 3), np.diff(values, 3)[0], rtol=1e-6) and np.all(np.diff(values) < 0)


@pytest.mark.parametrize("settings", [SMALL, replace(SMALL, density=0.5, activation="relu"), replace(SMALL, shift=1)])
@pytest.mark.parametrize("method", BOTH)
def test_every_cut_is_the_largest_fit_and_final(method, settings):
    trainer = trainer_of(method, settings)
    search, seen, gone = phase_named(trainer, "search"), cuts(trainer), np.zeros(TOTAL, bool)
    assert len(seen) == (settings.epochs if method == "gradual" else search.rounds)
    for count, before, network, after in seen:
        matrices, alive = [W for W, _ in before], [live for _, live in before]
        ranking = [lamp_by_hand(W, live).astype(f32) for W, live in before]
        assert network.count() <= count
        assert same(network, largest_fit(matrices, ranking, count, trainer.net.meta))
        closed = np.concatenate([~live.ravel() for _, live in after])
        assert not np.any(gone & ~closed) and not np.any(np.concatenate([~a.ravel() for a in alive]) & ~closed)
        gone = closed
    assert network.count() <= trainer.budget < 1.1 * network.count()
    for layer in trainer.net.layers:
        assert np.isinf(layer.params["gate"]).all()  # open for good or closed for good
    while trainer.epoch < trainer.total_epochs:
        trainer.train_epoch()
        assert not np.any((open_weights(trainer) != 0) & gone & ~biases(trainer))


def test_gradual_pruning_follows_its_target():
    """After every epoch, at the progress of its last step; what the record says is what is there."""
    trainer = at_epoch(2, "gradual", replace(SMALL, epochs=8))
    search, before = phase_named(trainer, "search"), TOTAL
    for epoch in range(1, 9):
        record = trainer.train_epoch()
        count, target = above(trainer, 0).trim().count(), search.target((epoch - 1 + 18 / 19) / 8)
        assert 0.9 * target < count <= target and count <= before and record["open_gates"] >= count
        assert record["phase"] == "search" and record["noise"] == 0
        before = count


def test_its_rate_falls_to_a_tenth_over_the_search():
    search = phase_named(trainer_of("gradual", replace(SMALL, lr=0.3)), "search")
    assert np.allclose([search.rates(r)["W"] for r in (0.0, 0.5, 1.0)], [0.3, 0.165, 0.03])


@pytest.mark.parametrize("method", BOTH)
def test_the_search_goes_on_with_the_dense_network(method):
    trainer = trained(method)
    before = weights(trainer)
    begin(trainer, "search")
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(trainer), strict=True)) and not is_fresh(trainer)
    assert all(np.all(layer.params["gate"] == np.inf) for layer in trainer.net.layers)
    assert not trainer.net.optimizer.state and kinds(trainer) == [MaskedDense] * 3


def test_gradual_pruning_fine_tunes_what_it_found():
    trainer = at_epoch(8, "gradual")
    found = above(trainer, 0).trim()
    assert found.count() <= trainer.budget
    begin(trainer, "finetune")
    assert same(above(trainer, 0), found)


@pytest.mark.parametrize("method", BOTH)
def test_a_second_try_has_weights_of_its_own(method):
    trainer = at_epoch(7, method, replace(SMALL, epochs=2, tries=2))  # 2 dense, 2 + 3 of the first try
    assert trainer.position() == (phase_named(trainer, "search", 1), 0) and trainer.position()[0].attempt == 1
    begin(trainer, "search", 1)
    assert is_fresh(trainer, 1) and all(np.all(layer.params["gate"] == np.inf) for layer in trainer.net.layers)
    list(trainer.run())
    assert trainer.network.count() <= trainer.budget
