"""LAMP scores are those of their formula, and leave out what is gone."""

import numpy as np
import pytest
from helpers.trainers import lamp_by_hand, trained, weights

from tinygsp.methods._scores import lamp
from tinygsp.training import wiring


@pytest.mark.parametrize("seed", [0, 1])
def test_magnitudes_are_lamp_scores(seed):
    trainer = trained("magnitude", seed=seed)
    for got, W in zip(lamp(trainer.net), weights(trainer), strict=True):
        assert got.shape == W.shape and got.dtype == np.float32
        assert np.allclose(got, lamp_by_hand(W, np.ones(W.shape, bool)), rtol=2e-7, atol=0)
        by_magnitude = got.ravel()[np.argsort(np.abs(W).ravel())]
        assert got.max() == 1 and np.all(np.diff(by_magnitude) >= 0)


def test_magnitudes_leave_out_what_is_gone():
    """Its square is in no sum, and whatever its score, it stays closed."""
    trainer = trained("magnitude")
    rng = np.random.default_rng(5)
    gone = [rng.random(W.shape) < 0.4 for W in weights(trainer)]
    for layer, closed in zip(trainer.net.layers, gone):
        layer.params["gate"][closed] = -np.inf
        layer.params["W"][closed] *= 9
    got = lamp(trainer.net)
    for layer, score, closed in zip(trainer.net.layers, got, gone, strict=True):
        expected = lamp_by_hand(layer.params["W"], ~closed)
        assert np.allclose(score[~closed], expected[~closed], rtol=2e-7, atol=0)
    kept = wiring.above(trainer.net, got, -1.0)
    assert all(np.array_equal(keep, ~closed) for keep, closed in zip(kept, gone, strict=True))


def test_weights_that_are_all_zero_have_a_score():
    trainer = trained("magnitude")
    trainer.net.layers[1].params["W"][:] = 0
    assert not lamp(trainer.net)[1].any()
