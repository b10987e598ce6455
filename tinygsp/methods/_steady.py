"""What methods have in common whose noise never fades: a search from fresh weights with a steered price."""

from __future__ import annotations

from tinygsp.methods._attempts import in_attempts
from tinygsp.training import Finetune, Method, Phase, Plan, Search, Trainer

GATE_LR = 3.0  # the rate of their gates at every budget


class SteadySearch(Search):
    """A search from fresh weights whose noise stays, and which retires below a fixed logit.

    gate    : float   every gate's first value
    retired : float   the logit below which a connection is closed for good
    """

    def __init__(self, plan: Plan, epochs: int, attempt: int, gate: float, retired: float):
        super().__init__(plan, epochs, attempt)
        self.gate, self.retired = gate, retired

    def start(self, trainer: Trainer) -> None:
        """Give every fresh weight a gate."""
        self.new_controller()
        trainer.net.build(self.gate, trainer.net.fresh_weights(self.attempt))

    def noise(self, r: float) -> float:
        """Full noise to the end."""
        return 1.0

    def retire_below(self, r: float) -> float:
        """The same logit all the time."""
        return self.retired


class Steady(Method):
    """Base of such methods; a subclass has its layers, and says where its gates start and are retired."""

    first_gate = retired_logit = 0.0

    def phases(self, plan: Plan) -> list[Phase]:
        """Dense, then in every attempt a search and fine-tuning."""
        s = plan.settings
        return in_attempts(
            plan,
            lambda attempt: [
                SteadySearch(plan, s.epochs, attempt, self.first_gate, self.retired_logit),
                Finetune(plan, s.finetune_epochs),
            ],
        )
