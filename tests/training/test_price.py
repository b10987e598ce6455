"""The price controller alone: its answer to a step, each of its parts, and how it steers a simulated count."""

import math

import numpy as np
import pytest

from tinygsp.training import PriceController, Settings


@pytest.mark.parametrize("count, target", [(300, 100), (100, 300), (57, 57), (1, 200)])
@pytest.mark.parametrize("rate, damping", [(0.004, 3.0), (0.1, 0.5)])
def test_step_response(rate, damping, count, target):
    """Where count / target stays the same, the price grows as exp(rate * e * k); the charge is ahead of it at once."""
    controller, error = PriceController(2e-3, rate, damping), math.log(count / target)
    for k in range(1, 51):
        charge = controller.charge(count, target)
        assert math.isclose(controller.price, 2e-3 * math.exp(rate * error * k), rel_tol=1e-12)
        assert math.isclose(charge, controller.price * (count / target) ** damping, rel_tol=1e-12)


def test_the_integral_part_remembers():
    """Without damping the charge is the price; back at the target the price stays where the errors have brought it."""
    controller = PriceController(1.0, rate=0.1, damping=0.0)
    assert [controller.charge(200, 100) for _ in range(3)] == pytest.approx([2**0.1, 2**0.2, 2**0.3])
    assert controller.charge(100, 100) == controller.price == pytest.approx(2**0.3)
    assert [controller.charge(50, 100) for _ in range(3)] == pytest.approx([2**0.2, 2**0.1, 1.0])


def test_the_proportional_part_forgets():
    """Without a rate the price never moves, and the charge depends on the count of this step alone."""
    controller = PriceController(0.5, rate=0.0, damping=2.0)
    assert [controller.charge(count, 100) for count in (300, 100, 50, 300)] == pytest.approx([4.5, 0.5, 0.125, 4.5])
    assert controller.price == 0.5


def test_a_count_of_nothing_is_taken_as_one():
    none, one = (PriceController(1.0, 0.1, 1.0) for _ in range(2))
    assert none.charge(0, 50) == one.charge(1, 50) < none.price == one.price == pytest.approx(0.02**0.1)


# --- a simulated plant --------------------------------------------------------------------------------------

LAG = 0.02  # share of the way to its equilibrium that the plant goes in a step
GAIN = 1.0  # by how much log(count) falls, in the end, when log(charge) rises by 1
STEP = math.log(4)  # log(count) has to fall by this much


def simulate(rate, damping, delay, steps):
    """log(count / target) after each step, of a plant that rests at 4,000,000 when the target falls to 1,000,000.

        log count += LAG * (GAIN * (rest - log charge of `delay` steps ago) - (log count - log 4,000,000))

    At a charge of 1, whose log is 0, it rests.
    """
    controller, target = PriceController(1.0, rate, damping), 1_000_000
    count, charges, errors = math.log(4 * target), [0.0] * (delay + 1), []
    for _ in range(steps):
        charges.append(math.log(controller.charge(round(math.exp(count)), target)))
        count += LAG * (-GAIN * charges[-1 - delay] - (count - math.log(4 * target)))
        errors.append(count - math.log(target))
    return errors


def swing(errors):
    """How far the count goes below the target, as a share of the step."""
    return max(0.0, -min(errors)) / STEP


def first_swing(damping, delay):
    """How far the proportional part alone sends the count below the target, as a share of the step.

    With K = GAIN damping and e = 1 for the step, solved one delay after the other from where the first charge arrives:

        e' = -LAG (e - 1 + K)             e(s) = 1 - K (1 - exp(-LAG s))                        for s up to the delay
        e' = -LAG (e - 1 + K e(s - d))    e(d + u) = c + (e(d) - c - K^2 LAG u) exp(-LAG u),    c = 1 - K + K^2

    The lowest point is within the second. Later swings are smaller.
    """
    K, u = GAIN * damping, np.linspace(0, delay, 1001)
    c, fade = 1 - K + K * K, np.exp(-LAG * u)
    start = 1 - K * (1 - fade[-1])
    return max(0.0, -np.min(c + (start - c - K * K * LAG * u) * fade))


@pytest.mark.parametrize("delay", [0, 5, 10, 15, 20, 30])
def test_a_plant_with_delay_settles_at_the_target(delay):
    """With the rate and the damping of the settings: it swings as far as damping says, and then settles.

    A step is discrete, so that the delay is up to one longer. Meanwhile the integral adds at most rate to log(charge)
    in a step, for two delays: LAG GAIN rate (2 delay)^2 / 2. Then the error falls as exp(-slow t) with
    slow = GAIN rate / (1 + GAIN damping), the smaller root of e'' + LAG (1 + GAIN damping) e' + LAG GAIN rate e = 0.
    """
    rate, damping = Settings().price_rate, Settings().price_damping
    slow = GAIN * rate / (1 + GAIN * damping)
    errors = simulate(rate, damping, delay, steps=round(2 * math.log(100) / slow))
    most = first_swing(damping, delay + 1) + LAG * GAIN * rate * (2 * (delay + 1)) ** 2 / 2
    assert first_swing(damping, delay) <= swing(errors) <= most < 0.7
    assert (swing(errors) > 0.05) == (delay >= 15)
    assert all(abs(error) < 0.01 * STEP for error in errors[len(errors) // 2 :])
    assert abs(errors[-1]) < 1e-3 * STEP


def test_the_integral_part_alone_swings():
    """By exp(-pi z / sqrt(1 - z^2)) of the step, with z = sqrt(LAG / (GAIN rate)) / 2: what damping is there for."""
    rate = Settings().price_rate * 5
    z = math.sqrt(LAG / (GAIN * rate)) / 2
    expected = math.exp(-math.pi * z / math.sqrt(1 - z * z))
    assert swing(simulate(rate, 0.0, delay=0, steps=2000)) == pytest.approx(expected, rel=0.05) and expected > 0.1
    assert swing(simulate(rate, Settings().price_damping, delay=0, steps=2000)) == pytest.approx(0, abs=1e-5)


def test_the_proportional_part_alone_stops_short_of_the_target():
    """At the share 1 / (1 + GAIN damping) of the step: what the integral is there for."""
    errors = simulate(0.0, Settings().price_damping, delay=3, steps=2000)
    assert errors[-1] == pytest.approx(STEP / (1 + GAIN * Settings().price_damping), rel=1e-3)
