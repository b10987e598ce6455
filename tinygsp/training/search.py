"""Phase "search": trains weights and gates together until only as many gates are open as the budget allows.

Every weight and bias gets a gate and a price. The price is steered so that the number of open gates falls along a
schedule down to the budget, while the noise of the gates fades. A gate that the noise would hardly open again is
closed for good. Lesson 08 builds the schedules and the price, lesson 10 the closing. Read `price.py` and `wiring.py`.
"""

from __future__ import annotations

import math

from tinygsp.training.net import Net
from tinygsp.training.phase import Phase
from tinygsp.training.price import PriceController
from tinygsp.training.settings import Plan
from tinygsp.training.state import StateError, take_number
from tinygsp.training.trainer import Trainer
from tinygsp.training.wiring import close


class Search(Phase):
    """Learns which connections to keep (Zhang, Tao, Zhang 2023, arXiv 2311.12526).

    attempt : int   which search of the run this is: the first one, 0, goes on with the dense network
    """

    name = "search"
    watches_gates = True

    def __init__(self, plan: Plan, epochs: int, attempt: int = 0):
        super().__init__(plan, epochs)
        self.attempt, self.lr_end = attempt, plan.settings.lr_end
        self.new_controller()

    def new_controller(self) -> None:
        """Let the price begin at its first value."""
        s = self.settings
        self.controller = PriceController(s.price_start, s.price_rate, s.price_damping)

    @property
    def price(self) -> float:
        """The price of an open gate after the last step."""
        return self.controller.price

    def start(self, trainer: Trainer) -> None:
        """Give every weight a gate."""
        self.new_controller()
        trainer.net.build(self.settings.gate_start, trainer.net.first_weights(self.attempt))

    def noise(self, r: float) -> float:
        """Scale of the gates' noise: from 1 to 0 along a line, then 0."""
        return max(0.0, 1 - r / self.settings.noise_end)

    def target(self, r: float) -> float:
        """How many gates should be open: log(target) falls from log(total) to log(budget) as a power of r."""
        q = min(1.0, r / self.settings.budget_at) ** self.settings.count_power
        return math.exp((1 - q) * math.log(self.plan.total) + q * math.log(self.plan.budget))

    def charge(self, net: Net, r: float) -> float:
        """What an open gate is charged in this step; the count of gates that steers it is drawn, or without noise."""
        if self.settings.steer == "drawn":
            masks = [layer.flat_sample[1] for layer in net.layers]  # 1 if drawn open, else 0; a product counts fastest
            count = sum(int(mask @ mask) for mask in masks)
        else:
            count = net.model.open_gates
        return self.controller.charge(count, self.target(r))

    def close_gates(self, trainer: Trainer, r: float, done: int) -> None:
        """Retire the gates that the noise would hardly open again."""
        lowest = self.retire_below(r)
        close(trainer.net, [layer.logits() >= lowest for layer in trainer.net.layers])

    def retire_below(self, r: float) -> float:
        """The logit below which a gate is closed for good: so many times the noise, which counts as at least a share.

        That share, density / retire_density, keeps larger budgets from closing gates in the last epochs of the noise.
        """
        s = self.settings
        return s.retire_below * min(1.0, max(self.noise(r), s.density / s.retire_density))

    def state(self) -> dict:
        """The price."""
        return {"price": self.controller.price}

    def restore(self, state: dict) -> None:
        """Take back the price. Raises StateError unless it is above 0."""
        price = take_number(state, "price")
        if price <= 0:
            raise StateError(f"price is {price}, expected a number above 0")
        self.controller.price = price
