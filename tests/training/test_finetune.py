"""Fine-tuning fixes the wiring at the budget, trains what is left, and offers it as the result."""

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import SMALL
from helpers.trainers import above, at_epoch, begin, is_fresh, live, phase_named, same, trainer_of

from tinygsp.training import Finetune


@pytest.mark.parametrize("shift, epochs, judged", [(0, 4, [12]), (1, 4, [10, 12]), (1, 1, [9]), (1, 5, [10, 13])])
def test_fine_tuning_of_moved_images_has_two_halves(shift, epochs, judged):
    """One cosine while images move and one when they no longer do; a result may come from the end of either."""
    settings = replace(SMALL, shift=shift, finetune_epochs=epochs, lr=0.3, finetune_lr=0.5)
    trainer, epochs_judged = trainer_of(settings=settings), []
    offer = trainer.result.offer
    trainer.result.offer = lambda network, score: epochs_judged.append(trainer.epoch) or offer(network, score)
    for _ in trainer.run():
        pass
    assert epochs_judged == judged
    finetune = phase_named(trainer, "finetune")
    rates = [finetune.rates(r)["W"] for r in (0.0, 0.25, 0.4999, 0.5, 0.75, 0.9999)]
    cosine = [0.075 * (1 + math.cos(math.pi * r)) for r in (0, 0.5, 0.9998, 0, 0.5, 0.9998)]
    once = [0.075 * (1 + math.cos(math.pi * r)) for r in (0, 0.25, 0.4999, 0.5, 0.75, 0.9999)]
    assert np.allclose(rates, cosine if shift else once, rtol=1e-6, atol=1e-12)
    assert [finetune.moves(r) for r in (0.0, 0.49, 0.5, 0.9)] == [shift > 0, shift > 0, False, False]


def test_what_is_offered_is_the_open_network_with_its_accuracy():
    trainer, offered = at_epoch(10), []  # of 2 + 6 + 3: one is left
    offer = trainer.result.offer
    trainer.result.offer = lambda network, score: offered.append((network, score)) or offer(network, score)
    record = trainer.train_epoch()
    [(network, score)] = offered
    assert same(network, above(trainer, 0).trim()) and score == record["val_accuracy"]


def test_the_wiring_no_longer_changes():
    trainer = trainer_of()
    wirings = [live(trainer) for record in trainer.run() if record["phase"] == "finetune"]
    assert len(wirings) == 3 and wirings[0].sum() <= trainer.budget
    assert all(np.array_equal(wirings[0], each) for each in wirings[1:])


@pytest.mark.parametrize("fresh", [False, True])
def test_fresh_weights_can_take_the_place_of_the_trained_ones(fresh):
    trainer = at_epoch(2, "magnitude")
    trainer.begin(Finetune(trainer.plan, 3, fresh))
    assert is_fresh(trainer) == fresh and 0.8 * trainer.budget < trainer.net.count_open() <= trainer.budget


def test_after_other_phases_nothing_changes_but_momentum():
    """A wiring that is fixed already stays as it is, if all of it reaches an output."""
    trainer = at_epoch(8)
    begin(trainer, "finetune")
    found = above(trainer, 0)
    begin(trainer, "finetune")
    assert same(above(trainer, 0), found) and found.count() == trainer.net.count_open()
