"""magnitude: the largest of the trained weights are kept as they are."""

import numpy as np
from helpers.trainers import (
    above,
    begin,
    biases,
    is_fresh,
    lamp_by_hand,
    largest_fit,
    open_weights,
    same,
    trained,
    weights,
)  # fmt: skip

f32 = np.float32


def test_magnitude_ranks_the_trained_weights():
    trainer = trained("magnitude")
    trained_weights = weights(trainer)
    ranking = [lamp_by_hand(W, np.ones(W.shape, bool)).astype(f32) for W in trained_weights]
    begin(trainer, "finetune")
    assert same(above(trainer, 0), largest_fit(trained_weights, ranking, trainer.budget, trainer.net.meta))
    old, kept = np.concatenate([W.ravel() for W in trained_weights]), open_weights(trainer)
    there = (kept != 0) & ~biases(trainer)
    assert np.array_equal(kept[there], old[there].astype(f32)) and not is_fresh(trainer)
