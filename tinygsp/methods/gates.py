"""gates: weights and wiring trained together by gradient descent (Zhang, Tao, Zhang 2023, arXiv 2311.12526).

This is the method the project is about. Training the dense network, searching with priced gates, rewiring and
fine-tuning are the phases of `tinygsp/training/`; the gates decide what stays.
"""

import math

from tinygsp.training import Dense, Finetune, Method, Phase, Plan, Rewire, Search


class Gates(Method):
    """Learned gates with a steered price and fading noise, then rewiring."""

    name = "gates"

    def phases(self, plan: Plan) -> list[Phase]:
        """Dense, then in every attempt a search, rewiring and fine-tuning."""
        s = plan.settings
        searching = math.ceil(s.search_share * s.epochs - 1e-9)
        phases = [Dense(plan, s.dense_epochs)]
        for attempt in range(s.tries):
            phases += [Search(plan, searching, attempt), Rewire(plan, s.epochs - searching)]
            phases.append(Finetune(plan, s.finetune_epochs))
        return phases


method = Gates()
