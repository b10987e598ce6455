"""random: keep a random wiring of fresh weights. What every method must beat."""

import math

import numpy as np

from tinygsp.methods._one_shot import OneShot
from tinygsp.training import Trainer


class Random(OneShot):
    """One cut at random, each layer in proportion to (n_in + n_out) / (n_in n_out).

    These are the Erdos-Renyi densities of Mocanu et al. 2018: without them the small last layer would lose nearly all
    it has. Fresh biases are 0, so none is kept.
    """

    name = "random"
    fresh = True

    def scores(self, trainer: Trainer) -> list[np.ndarray]:
        """Random scores whose highest are a draw without replacement at the rates of the layers.

        The k highest of log(rate) + Gumbel noise are such a draw (Kool et al. 2019); exp(0.1 ...) keeps their order
        and makes them positive.
        """
        rng = np.random.default_rng((trainer.seed, 1))
        scores = []
        for layer in trainer.net.layers:
            n_in, n_out = layer.params["W"].shape
            logs = math.log((n_in + n_out) / (n_in * n_out)) + rng.gumbel(size=(n_in, n_out))
            scores.append(np.exp(0.1 * logs).astype(np.float32))
        return scores


method = Random()
