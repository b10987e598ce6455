"""lottery: rounds that each lose a fifth, and begin with the weights that the attempt began with."""

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import SMALL, TOTAL
from helpers.trainers import at_epoch, begin, biases, cuts, is_fresh, live, phase_named, trainer_of


@pytest.mark.parametrize("density, epochs, rounds", [
    (1.0, 40, 1), (0.82, 40, 1), (0.79, 40, 2), (0.1, 40, 11), (0.1, 6, 6), (0.1, 1, 1), (0.5, 40, 4),
    (5 / TOTAL, 150, 22),
])  # fmt: skip
def test_the_smallest_fifth_goes_in_a_round(density, epochs, rounds):
    """As many rounds as it takes, and no more: none takes more than a fifth, unless there are too few epochs."""
    trainer = trainer_of("lottery", replace(SMALL, density=density, epochs=epochs))
    assert phase_named(trainer, "search").rounds == rounds
    share = (trainer.budget / TOTAL) ** (1 / rounds)
    assert share >= 0.8 or rounds == epochs
    assert rounds == 1 or (trainer.budget / TOTAL) ** (1 / (rounds - 1)) < 0.8


@pytest.mark.parametrize("density, epochs, rounds", [(0.55, 6, 3), (0.1, 6, 6), (0.55, 10, 3), (0.9, 3, 1)])
def test_every_round_begins_with_the_first_weights(density, epochs, rounds):
    """...and no momentum, with fewer of them each time; the last one is the fine-tuning."""
    trainer = at_epoch(2, "lottery", replace(SMALL, density=density, epochs=epochs))
    assert phase_named(trainer, "search").rounds == rounds
    survivors = [live(trainer)]
    for epoch in range(1, epochs + 1):
        trainer.train_epoch()
        now, ended = live(trainer), epoch * rounds // epochs > (epoch - 1) * rounds // epochs
        if ended:
            assert now.sum() < survivors[-1].sum() and not np.any(now & ~survivors[-1])
            survivors.append(now)
        assert np.array_equal(now, survivors[-1])
        if epoch < epochs:  # the weights of the last round are also ranked once more, to freeze the wiring
            assert is_fresh(trainer) == ended and bool(trainer.net.optimizer.state) != ended
    assert not is_fresh(trainer)
    counts = [s.sum() for s in survivors]
    share = (trainer.budget / TOTAL) ** (1 / rounds)
    assert len(counts) == rounds + 1
    assert all(0.93 * share < b / a < 1.03 * share for a, b in zip(counts, counts[1:]))
    begin(trainer, "finetune")
    assert is_fresh(trainer) and not trainer.net.optimizer.state
    assert not np.any(live(trainer) & ~survivors[-1]) and trainer.net.count_open() <= trainer.budget


@pytest.mark.parametrize("tries", [1, 2])
def test_tickets_are_rewound_to_the_weights_of_their_try(tries):
    settings = replace(SMALL, density=0.55, epochs=3, tries=tries)
    trainer = at_epoch(2 + 3 * tries + 3 * (tries - 1), "lottery", settings)
    assert trainer.position() == (phase_named(trainer, "finetune", tries - 1), 0)
    begin(trainer, "finetune", tries - 1)
    assert is_fresh(trainer, tries - 1) and not is_fresh(trainer, 2 - tries)


@pytest.mark.parametrize("tries", [1, 2])
def test_rounds_are_rewound_to_the_weights_of_their_try(tries):
    settings = replace(SMALL, density=0.55, epochs=3, tries=tries)
    trainer = at_epoch(2 + 6 * (tries - 1) + 1, "lottery", settings)  # 3 rounds of an epoch: one is over
    assert trainer.position() == (phase_named(trainer, "search", tries - 1), 1)
    assert is_fresh(trainer, tries - 1) and not is_fresh(trainer, 2 - tries)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_ticket_keeps_its_biases(seed):
    """They began with 0, and are 0 again after rewinding, but have won their place like the rest."""
    trainer = trainer_of("lottery", replace(SMALL, density=0.6, epochs=3), seed)
    *_, (_, _, network, after) = cuts(trainer)
    kept = sum(layer.kept_biases for layer in network.layers)
    assert kept > 2 and sum(alive[-1].sum() for _, alive in after) >= kept
    begin(trainer, "finetune")
    assert np.count_nonzero(live(trainer) & biases(trainer)) == kept


@pytest.mark.parametrize("epochs, rounds", [(6, 3), (10, 3), (7, 7), (5, 1)])
def test_the_rate_starts_anew_with_every_round(epochs, rounds):
    """From lr down to nearly 0 as the epochs of a round pass, with the next round right after the cut."""
    trainer, steps, ends = at_epoch(2, "lottery", replace(SMALL, epochs=epochs, density=0.1)), [], []
    search = phase_named(trainer, "search")
    search.rounds = rounds
    train_step, cut = trainer.train_step, search.cut
    trainer.train_step = lambda *a: (train_step(*a), steps.append(trainer.net.optimizer.lr["W"]))[0]
    search.cut = lambda *a: (cut(*a), ends.append(len(steps)))
    for _ in range(epochs):
        trainer.train_epoch()
    assert len(ends) == rounds and ends[-1] == len(steps) == 19 * epochs
    for first, last in zip([0, *ends], ends):
        rates = steps[first:last]
        assert math.isclose(rates[0], 0.1, rel_tol=1e-9) and rates[-1] < 0.001
        assert all(a > b for a, b in zip(rates, rates[1:]))


@pytest.mark.parametrize("kept", [51, 54, 77, 100, 173, 308])
def test_the_last_round_leaves_the_whole_budget(kept):
    """Not one less, by a rounding."""
    trainer = trainer_of("lottery", replace(SMALL, density=kept / TOTAL, epochs=1, dense_epochs=1))
    [(count, *_)] = cuts(trainer)
    assert trainer.budget == kept == int(count)
