"""A phase of the methods that close the smallest weights in several cuts."""

from __future__ import annotations

import numpy as np

from tinygsp.training import Phase, Plan, Trainer
from tinygsp.training.wiring import close, threshold


class Cuts(Phase):
    """Trains open weights, from which a subclass cuts the worst after some epochs.

    attempt : int   the first one, 0, goes on with the dense network; others start from fresh weights
    """

    name = "search"
    watches_gates = True

    def __init__(self, plan: Plan, epochs: int, attempt: int = 0):
        super().__init__(plan, epochs)
        self.attempt = attempt

    def start(self, trainer: Trainer) -> None:
        """Open every gate."""
        trainer.net.build(np.inf, trainer.net.first_weights(self.attempt))

    def cut(self, trainer: Trainer, count: float) -> None:
        """Close for good all but the `count` connections with the highest scores, counted after trimming."""
        scores = trainer.method.scores(trainer)
        lowest = threshold(trainer.net, scores, count)
        close(trainer.net, [s > lowest for s in scores])
