"""Phase "finetune": fixes the wiring at the budget and trains the weights that are left."""

from __future__ import annotations

import numpy as np

from tinygsp.nn.optim import cosine
from tinygsp.training.phase import FIXED, Phase
from tinygsp.training.settings import Plan
from tinygsp.training.trainer import Trainer


class Finetune(Phase):
    """Trains the survivors and offers them as the result.

    fresh : bool   score and keep fresh weights, not the trained ones

    Where images move, the second half trains without moving them, each half with its own fall of the learning rate,
    and the network after each half is offered; elsewhere the network at the end.
    """

    name = "finetune"
    wiring = FIXED

    def __init__(self, plan: Plan, epochs: int, fresh: bool = False):
        super().__init__(plan, epochs)
        self.fresh = fresh

    def start(self, trainer: Trainer) -> None:
        """Keep the connections with the best scores; of a wiring that is fixed already, all that reach an output."""
        if self.fresh:
            trainer.net.build(np.inf, trainer.net.fresh_weights(0))
        trainer.freeze()

    def rates(self, r: float) -> dict[str, float]:
        """From finetune_lr times the learning rate to 0; where images move, twice."""
        s, r = self.settings, 2 * r % 1 if self.plan.moves else r
        return {"W": cosine(s.lr * s.finetune_lr, 0.0, r), "gate": cosine(s.gate_lr, 0.0, r)}

    def moves(self, r: float) -> bool:
        """Whether training images move: in the first half."""
        return self.plan.moves and r < 0.5

    def offers(self, done: int) -> bool:
        """Whether the network after this epoch is a candidate for the result."""
        return self.settings.keep_best or done == self.epochs or (self.plan.moves and done == self.epochs // 2)
