"""gates: weights and wiring trained together by gradient descent (Zhang, Tao, Zhang 2023, arXiv 2311.12526).

This is the method the project is about. Training the dense network, searching with priced gates, rewiring and
fine-tuning are the phases of `tinygsp/training/`; the gates decide what stays.
"""

import math

from tinygsp.methods._attempts import in_attempts
from tinygsp.training import Finetune, Method, Phase, Plan, Rewire, Search


class Gates(Method):
    """Learned gates with a steered price and fading noise, then rewiring."""

    name = "gates"

    def phases(self, plan: Plan) -> list[Phase]:
        """Dense, then in every attempt a search, rewiring and fine-tuning."""
        s = plan.settings
        searching = math.ceil(s.search_share * s.epochs - 1e-9)  # a share of 1/3 of 300 epochs is 100 of them
        rewiring = s.epochs - searching
        return in_attempts(
            plan,
            lambda attempt: [
                Search(plan, searching, attempt), Rewire(plan, rewiring), Finetune(plan, s.finetune_epochs)
            ],
        )  # fmt: skip


method = Gates()
