"""snip: its scores are the derivatives of the loss by a mask, of fresh weights and images that do not move."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import SMALL
from helpers.trainers import trained, weights

from tinygsp.methods import snip
from tinygsp.nn.gates import sigmoid


def exact_loss(matrices, x, labels):
    """Cross-entropy in float64 of the network of matrices (n_in + 1, n_out), the last row being the biases."""
    for k, W in enumerate(matrices):
        x = x @ W[:-1] + W[-1]
        x = x * sigmoid(x) if k < 2 else x
    return np.mean(np.log(np.exp(x).sum(axis=1)) - x[np.arange(len(x)), labels])


@pytest.mark.parametrize("samples", [37, 5_000])
def test_snip_scores_are_derivatives_by_a_mask(samples, monkeypatch):
    """|dL/dc| of y = x @ (c * W) at c = 1, by finite differences; biases, 0 in a fresh network, get a value here."""
    assert snip.SAMPLES == 5_000
    monkeypatch.setattr(snip, "SAMPLES", samples)
    trainer, rng = trained("snip"), np.random.default_rng(8)
    fresh = trainer.net.fresh_weights(0)
    for W in fresh:
        W[-1] = rng.normal(0, 0.5, W.shape[1])
    trainer.net.build(np.inf, [W.copy() for W in fresh])
    got = trainer.method.scores(trainer)
    assert all(np.array_equal(a, b) for a, b in zip(weights(trainer), fresh, strict=True))
    data, first = trainer.dataset, slice(min(samples, 600))
    x = (data.train_x[first] / 255.0 - 0.3) / 0.2
    matrices = [W.astype(np.float64) for W in fresh]
    largest = max(values.max() for values in got)
    for k, W in enumerate(matrices):
        cells = [(len(W) - 1, 0), (len(W) - 1, W.shape[1] - 1)]
        cells += [tuple(rng.integers(W.shape)) for _ in range(12)]
        for cell in cells:
            value, losses = W[cell], []
            for c in (1 + 1e-4, 1 - 1e-4):
                W[cell] = c * value
                losses.append(exact_loss(matrices, x, data.train_y[first]))
            W[cell] = value
            assert abs(got[k][cell] - abs(losses[0] - losses[1]) / 2e-4) < 1e-3 * got[k][cell] + 1e-6 * largest
    assert all(np.all(values >= 0) for values in got)


def test_snip_looks_at_images_that_do_not_move():
    scores = []
    for shift in (0, 1):
        trainer = trained("snip", replace(SMALL, shift=shift))
        trainer.net.build(np.inf, trainer.net.fresh_weights(0))
        scores.append(trainer.method.scores(trainer))
    assert all(np.array_equal(a, b) for a, b in zip(*scores, strict=True))
