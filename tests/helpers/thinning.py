"""thinning: a method from outside the package, as somebody would write one. Tests copy this file into it.

It has a phase of its own, which remembers something between two steps, and scores of its own.
"""

from __future__ import annotations

import numpy as np

from tinygsp.training import Dense, Finetune, Method, Phase, Plan, Trainer, wiring


class Thin(Phase):
    """Trains the open weights, and closes some after every epoch: more of them when the loss has fallen."""

    name = "thin"
    watches_gates = True

    def __init__(self, plan: Plan, epochs: int):
        super().__init__(plan, epochs)
        self.count, self.lowest_loss = float(plan.total), np.inf

    def start(self, trainer: Trainer) -> None:
        """Open every gate."""
        trainer.net.build(np.inf, trainer.net.first_weights(0))

    def close_gates(self, trainer: Trainer, r: float, done: int) -> None:
        """Close the connections with the lowest scores."""
        self.count *= 0.6 if trainer.total_loss < self.lowest_loss else 0.8
        self.lowest_loss = min(self.lowest_loss, trainer.total_loss)
        scores = trainer.method.scores(trainer)
        lowest = wiring.threshold(trainer.net, scores, max(self.plan.budget, self.count))
        wiring.close(trainer.net, wiring.above(trainer.net, scores, lowest))

    def state(self) -> dict:
        """How many connections stay, and the lowest loss so far."""
        return {"thin_count": self.count, "thin_loss": self.lowest_loss}

    def restore(self, state: dict) -> None:
        """Take back what `state` returned."""
        self.count, self.lowest_loss = float(state["thin_count"]), float(state["thin_loss"])


class Thinning(Method):
    """Keeps the weights that are large for their layer."""

    name = "thinning"

    def phases(self, plan: Plan) -> list[Phase]:
        """Dense, thinning, fine-tuning."""
        s = plan.settings
        return [Dense(plan, s.dense_epochs), Thin(plan, s.epochs), Finetune(plan, s.finetune_epochs)]

    def scores(self, trainer: Trainer) -> list[np.ndarray]:
        """|W| by the mean of the layer's open weights."""
        scores = []
        for layer in trainer.net.layers:
            W, alive = np.abs(layer.params["W"]), layer.params["gate"] > -np.inf
            scores.append(W / max(float(W[alive].mean()), 1e-9) if alive.any() else W)
        return scores


method = Thinning()
