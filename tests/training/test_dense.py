"""The dense phase trains the plain network that a run begins with."""

from dataclasses import replace

import numpy as np
from helpers.problems import SMALL, TOTAL
from helpers.trainers import at_epoch, begin, is_fresh, kinds, live, open_weights, phase_named, trainer_of

from tinygsp.nn.layers import MaskedDense


def test_every_gate_is_open_for_good():
    trainer = trainer_of()
    assert is_fresh(trainer) and kinds(trainer) == [MaskedDense] * 3
    begin(trainer, "dense")
    assert is_fresh(trainer)
    for _ in range(2):
        trainer.train_epoch()
        assert live(trainer).all() and trainer.net.count_open() == TOTAL
        assert all(np.all(layer.params["gate"] == np.inf) for layer in trainer.net.layers)
    assert not is_fresh(trainer) and np.count_nonzero(open_weights(trainer)) == TOTAL


def test_its_rate_falls_to_nothing():
    dense = phase_named(trainer_of(settings=replace(SMALL, lr=0.3)), "dense")
    assert np.allclose([dense.rates(r)["W"] for r in (0.0, 0.5, 1.0)], [0.3, 0.15, 0.0])
    assert dense.noise(0.3) == dense.price == 0 and not dense.watches_gates and not dense.offers(2)


def test_it_offers_no_result():
    trainer = at_epoch(2)
    assert trainer.network is None
