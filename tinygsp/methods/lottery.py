"""lottery: iterative magnitude pruning with rewinding, the lottery ticket (Frankle and Carbin 2019).

Rounds of equal length: the first goes on with the dense network, the others start from the weights that it began
with. After each round the smallest fifth goes. The last round is the fine-tuning.
"""

from __future__ import annotations

import math

import numpy as np

from tinygsp.methods._attempts import in_attempts
from tinygsp.methods._cuts import Cuts
from tinygsp.methods._scores import lamp
from tinygsp.training import Finetune, Method, Net, Phase, Plan, Trainer

SHARE = 0.8  # of the connections that a round keeps


class Rounds(Cuts):
    """Rounds of training, each followed by a cut and by rewinding."""

    def __init__(self, plan: Plan, epochs: int, attempt: int = 0):
        super().__init__(plan, epochs, attempt)
        rounds = math.ceil(math.log(plan.budget / plan.total) / math.log(SHARE))
        self.rounds = max(1, min(rounds, epochs))

    def rounds_over(self, done: int) -> int:
        """Rounds that are over after so many epochs."""
        return done * self.rounds // self.epochs

    def rates(self, r: float) -> dict[str, float]:
        """In every round from the full learning rate to 0."""
        over = self.rounds_over(math.floor(r * self.epochs + 1e-9))
        first, after = (-(-k * self.epochs // self.rounds) for k in (over, over + 1))  # epochs of this round
        return super().rates((r * self.epochs - first) / (after - first))

    def close_gates(self, trainer: Trainer, r: float, done: int) -> None:
        """After a round, cut and rewind; after the last one only cut: its weights choose what stays."""
        over = self.rounds_over(done)
        if over == self.rounds:
            self.cut(trainer, self.plan.budget)
        elif over > self.rounds_over(done - 1):
            self.cut(trainer, self.plan.total * (self.plan.budget / self.plan.total) ** (over / self.rounds))
            rewind(trainer.net, self.attempt)


class FinetuneRewound(Finetune):
    """Fine-tunes from the weights that the attempt began with."""

    def __init__(self, plan: Plan, epochs: int, attempt: int):
        super().__init__(plan, epochs)
        self.attempt = attempt

    def start(self, trainer: Trainer) -> None:
        """Keep the largest of the trained weights, then rewind them."""
        super().start(trainer)
        rewind(trainer.net, self.attempt)


def rewind(net: Net, attempt: int) -> None:
    """Give every weight the value it began with; the momentum starts at nothing."""
    for layer, W in zip(net.layers, net.fresh_weights(attempt)):
        layer.params["W"][:] = W.ravel()[layer.index]
    net.new_optimizer()


class Lottery(Method):
    """Rounds of magnitude pruning with rewinding."""

    name = "lottery"
    fixed = {"search_share": 1.0}  # nothing is rewired, and config.json says so

    def phases(self, plan: Plan) -> list[Phase]:
        """Dense, then in every attempt rounds and a last round from rewound weights."""
        s = plan.settings
        return in_attempts(
            plan, lambda attempt: [Rounds(plan, s.epochs, attempt), FinetuneRewound(plan, s.finetune_epochs, attempt)]
        )

    def scores(self, trainer: Trainer) -> list[np.ndarray]:
        """LAMP scores of the trained weights."""
        return lamp(trainer.net)


method = Lottery()
