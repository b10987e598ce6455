"""The price controller: steers the price of an open gate so that the count of open gates follows a target.

Lesson 08 builds it. `search.py` uses it.
"""

from __future__ import annotations

import math


class PriceController:
    """A proportional-integral controller on the error e = log(count / target).

        price *= exp(rate * e)                  (integral part: the price remembers)
        charge = price * exp(damping * e)       (proportional part: damps the swings of an integral alone)

    price   : float > 0   the first price
    rate    : float       d log(price) per step and unit of e
    damping : float       exponent with which the charge reacts to count / target at once
    """

    def __init__(self, price: float, rate: float, damping: float):
        self.price, self.rate, self.damping = price, rate, damping

    def charge(self, count: int, target: float) -> float:
        """Take one step of control; returns the price to charge for an open gate in this training step."""
        error = math.log(max(count, 1) / target)
        self.price *= math.exp(self.rate * error)
        return self.price * math.exp(self.damping * error)
