"""The state is all there is: a new Trainer that takes it after any step goes on bit for bit."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import EAGER, formula, images
from helpers.runs import equal_states
from helpers.trainers import at_epoch, comparable, kinds, trainer_of

from tinygsp import methods
from tinygsp.nn.layers import MaskedDense, MaskedEdges
from tinygsp.training import Finetune, Search, Trainer

GATES = methods.find(methods.DEFAULT)

TWICE = replace(EAGER, tries=2, epochs=6, search_share=0.6)  # 2 dense epochs and twice 4 + 2 + 3, of 19 steps each


@pytest.mark.parametrize(
    "dataset, settings",
    [
        (images(), TWICE),
        (images(), replace(TWICE, edges_below=0.0, activation="relu")),
        (formula(), replace(TWICE, density=0.5, lr=0.02)),
    ],
    ids=["images", "matrices", "regression"],
)
def test_a_new_trainer_for_every_step(dataset, settings):
    whole = Trainer(dataset, settings, GATES, seed=4)
    expected = list(whole.run())
    trainer, records, seen = Trainer(dataset, settings, GATES, seed=4), [], set()
    while trainer.epoch < trainer.total_epochs:
        record = next(trainer.steps())
        records += [record] * bool(record)
        assert trainer.step <= whole.step
        state, trainer = trainer.state(), Trainer(dataset, settings, GATES, seed=4)
        trainer.restore(state)
        equal_states(state, trainer.state())
        for name in state:  # what was handed over is not what is used
            state[name] = None if isinstance(state[name], (int, float)) else state[name].fill(0)
        seen |= {(trainer.network is None, kind, trainer.batch > 0) for kind in kinds(trainer)}
    assert comparable(records) == comparable(expected) and trainer.network.to_bytes() == whole.network.to_bytes()
    equal_states(trainer.state(), whole.state())
    assert len(seen) == 8  # before and after the first result, matrices and lists, within an epoch and between two


def test_kinds_of_layers_survive():
    """A list as long as a matrix has places is still a list."""
    settings = replace(EAGER, density=1.0, dense_epochs=0, epochs=1, retire_below=-np.inf)
    trainer = Trainer(images(), settings, GATES)
    trainer.train_epoch()
    trainer.begin(Finetune(trainer.plan, 3))
    other = Trainer(images(), settings, GATES)
    other.restore(trainer.state())
    assert kinds(other) == kinds(trainer) == [MaskedEdges] * 3 and MaskedDense not in kinds(other)


# --- what the parts say of themselves -----------------------------------------------------------------------


@pytest.mark.parametrize("epoch", [0, 1, 2, 4, 8, 9, 11, 13, 20])  # of 2, 4 + 2 + 3 and once more
def test_the_state_is_that_of_its_parts(epoch):
    """Their names are disjoint; together with four numbers of the loop they are all of it."""
    trainer = at_epoch(epoch, settings=TWICE)
    if epoch < trainer.total_epochs:
        next(trainer.steps())
    parts = [part.state() for part in trainer.parts]
    names = [name for part in parts for name in part]
    assert len(names) == len(set(names)) and not {"epoch", "batch", "step", "total_loss"} & set(names)
    loop = {name: getattr(trainer, name) for name in ("epoch", "batch", "step", "total_loss")}
    expected = dict(loop)
    for part in parts:
        expected |= part
    equal_states(trainer.state(), expected)
    assert ("price" in names) == (epoch in (2, 4, 11, 13)) and ("network_score" in names) == (epoch >= 11)


@pytest.mark.parametrize("epoch", [1, 4, 7, 9, 12, 20])
def test_each_part_takes_its_own_state_back(epoch):
    """From the state of all; and it leaves the other parts as they are."""
    trainer = at_epoch(epoch, settings=TWICE)
    if epoch < trainer.total_epochs:
        next(trainer.steps())
    state = trainer.state()
    for number in range(len(trainer.parts)):
        other = trainer_of(settings=TWICE)
        other.epoch = trainer.epoch  # decides which phase is under way
        before = [part.state() for part in other.parts]
        other.parts[number].restore(state)
        for k, part in enumerate(other.parts):
            equal_states(part.state(), trainer.parts[k].state() if k == number else before[k])


def test_every_attempt_has_a_price_of_its_own():
    """The price of the first search is not that of the second, and a state of other phases has none."""
    trainer = at_epoch(11 + 1, settings=TWICE)
    first, second = (phase for phase in trainer.phases if isinstance(phase, Search))
    assert trainer.position()[0] is second and trainer.state()["price"] == second.price != first.price
    other = trainer_of(settings=TWICE)
    other.restore(trainer.state())
    assert [phase.price for phase in other.phases if isinstance(phase, Search)] == [TWICE.price_start, second.price]
