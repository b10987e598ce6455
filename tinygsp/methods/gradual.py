"""gradual: magnitude pruning a little every epoch, on a cubic schedule (Zhu and Gupta 2017), then fine-tuning."""

from __future__ import annotations

import numpy as np

from tinygsp.methods._attempts import in_attempts
from tinygsp.methods._cuts import Cuts
from tinygsp.methods._scores import lamp
from tinygsp.training import Finetune, Method, Phase, Plan, Trainer


class CutGradually(Cuts):
    """Cuts the smallest weights after every epoch."""

    def __init__(self, plan: Plan, epochs: int, attempt: int = 0):
        super().__init__(plan, epochs, attempt)
        self.lr_end = plan.settings.lr_end

    def target(self, r: float) -> float:
        """How many parameters are left (eq. 1): total at r = 0, the budget from r = budget_at on."""
        q = min(1.0, r / self.settings.budget_at)
        return self.plan.budget + (self.plan.total - self.plan.budget) * (1 - q) ** 3

    def close_gates(self, trainer: Trainer, r: float, done: int) -> None:
        """Close all but as many as the schedule has."""
        self.cut(trainer, self.target(r))


class Gradual(Method):
    """Many small cuts by magnitude, which LAMP makes comparable between layers."""

    name = "gradual"
    fixed = {"search_share": 1.0}  # nothing is rewired, and config.json says so

    def phases(self, plan: Plan) -> list[Phase]:
        """Dense, then in every attempt gradual cuts and fine-tuning."""
        s = plan.settings
        return in_attempts(
            plan, lambda attempt: [CutGradually(plan, s.epochs, attempt), Finetune(plan, s.finetune_epochs)]
        )

    def scores(self, trainer: Trainer) -> list[np.ndarray]:
        """LAMP scores of the trained weights."""
        return lamp(trainer.net)


method = Gradual()
