"""The search: its schedules, what it starts from, and the count that its price is steered by."""

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import SMALL, TOTAL
from helpers.trainers import at_epoch, begin, finished, live, phase_named, trainer_of, weights

f32 = np.float32
SEARCH_FIRST = replace(SMALL, dense_epochs=0)


def test_target_falls_from_total_to_budget():
    search = phase_named(trainer_of(), "search")
    values = [search.target(r) for r in np.linspace(0, 1, 101)]
    assert math.isclose(values[0], TOTAL) and all(math.isclose(v, 57) for v in values[60:])
    assert all(a > b for a, b in zip(values[:60], values[1:61]))


def test_the_log_of_the_target_falls_as_a_power():
    search = phase_named(trainer_of(settings=replace(SMALL, count_power=0.5, budget_at=0.8)), "search")
    assert math.isclose(search.target(0.2), TOTAL * (57 / TOTAL) ** 0.5)  # (0.2 / 0.8) ** 0.5 = 0.5


def test_noise_falls_from_one_to_zero():
    search = phase_named(trainer_of(), "search")
    assert search.noise(0) == 1 and math.isclose(search.noise(0.375), 0.5)
    assert search.noise(0.75) == search.noise(0.9) == search.noise(1) == 0
    values = [search.noise(r) for r in np.linspace(0, 1, 101)]
    assert all(a >= b for a, b in zip(values, values[1:]))


def test_rates_fall_along_one_cosine_to_a_tenth():
    rates = [phase_named(trainer_of(settings=replace(SMALL, lr=0.3)), "search").rates(r) for r in (0.0, 0.5, 1.0)]
    assert np.allclose([each["W"] for each in rates], [0.3, 0.3 * 0.55, 0.03])
    assert np.allclose([each["gate"] for each in rates], [3.0, 3.0 * 0.55, 0.3])


# --- what it starts from ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dense_epochs, attempt", [(2, 0), (2, 1), (0, 0)])
def test_first_search_goes_on_with_the_dense_network(dense_epochs, attempt):
    """Other searches, and the first if nothing was trained, start from weights drawn for them."""
    trainer = at_epoch(dense_epochs, settings=replace(SMALL, dense_epochs=dense_epochs, tries=2))
    expected = trainer.net.fresh_weights(attempt)
    if dense_epochs > 0 and attempt == 0:
        first, expected = expected, weights(trainer)
        assert not any(np.array_equal(a, b) for a, b in zip(first, expected))
    begin(trainer, "search", attempt)
    assert all(np.array_equal(a, b) for a, b in zip(expected, weights(trainer), strict=True))
    assert all(np.all(layer.params["gate"] == 1) for layer in trainer.net.layers) and not trainer.net.optimizer.state


def test_gates_start_where_the_settings_say():
    trainer = trainer_of(settings=replace(SEARCH_FIRST, gate_start=0.3))
    begin(trainer, "search")
    assert all(np.all(layer.params["gate"] == f32(0.3)) for layer in trainer.net.layers)


def test_the_price_starts_again_with_every_try():
    records = finished(settings=replace(SMALL, epochs=1, finetune_epochs=1, tries=2))[1]
    first, second = (r["price"] for r in records if r["phase"] == "search")
    assert 0.5 < first / second < 2


def test_a_search_that_begins_again_has_its_first_price():
    trainer = trainer_of(settings=SEARCH_FIRST)
    search = begin(trainer, "search")
    trainer.train_epoch()
    assert search.price > SMALL.price_start
    trainer.begin(search)
    assert search.price == SMALL.price_start


# --- the price ----------------------------------------------------------------------------------------------


def test_price_steers_towards_the_target():
    trainer = trainer_of(settings=SEARCH_FIRST)
    search, net = begin(trainer, "search"), trainer.net
    net.model.sample(0)
    start = search.price
    charged = search.charge(net, 1.0)  # all 575 gates are open, the target is 57
    error = math.log(TOTAL / 57)
    assert math.isclose(search.price, start * math.exp(0.004 * error))
    assert math.isclose(charged, search.price * math.exp(3 * error))
    held = search.price
    search.charge(net, 0.0)  # just as many as there should be
    assert math.isclose(search.price, held)
    for layer in net.layers:
        layer.params["gate"][:] = -1
    net.model.sample(1)
    charged = search.charge(net, 1.0)  # none is open
    assert charged < search.price < held


@pytest.mark.parametrize("steer", ["drawn", "open"])
def test_the_count_that_is_steered(steer):
    trainer = trainer_of(settings=replace(SMALL, steer=steer))
    search, net = begin(trainer, "search"), trainer.net
    net.model.sample(5, 1.0)
    drawn = sum(int(layer.mask.sum()) for layer in net.layers)
    count = {"drawn": drawn, "open": TOTAL}[steer]  # without noise all are open at first
    assert 0.6 * TOTAL < drawn < 0.85 * TOTAL  # P(open) = sigmoid(1) = 0.73
    error, before = math.log(count / search.target(0.5)), search.price
    charged = search.charge(net, 0.5)
    assert math.isclose(search.price, before * math.exp(SMALL.price_rate * error), rel_tol=1e-9)
    assert math.isclose(charged, search.price * math.exp(SMALL.price_damping * error), rel_tol=1e-9)


def test_the_price_is_what_it_remembers():
    trainer = trainer_of(settings=SEARCH_FIRST)
    search = begin(trainer, "search")
    trainer.train_epoch()
    state = search.state()
    assert state == {"price": search.price}
    search.controller.price = 9.0
    search.restore({**state, "epoch": 5})
    assert search.price == state["price"] != 9.0


# --- what it retires ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise, density, lowest", [
    (1.0, 0.1, -3.0), (0.5, 0.1, -1.5), (0.2, 0.1, -1.0), (0.0, 0.1, -1.0), (0.2, 0.2, -2.0), (0.2, 0.9, -3.0),
])  # fmt: skip
def test_the_less_noise_the_sooner_a_gate_is_retired(noise, density, lowest):
    """What counts is how often the noise would still open it; a larger budget gives gates near 0 more time."""
    trainer = trainer_of(settings=replace(SEARCH_FIRST, density=density, retire_below=-3.0, retire_density=0.3))
    search = begin(trainer, "search")
    values = np.linspace(-4, 0, 36 * 12).astype(f32).reshape(36, 12)
    trainer.net.layers[0].params["gate"][:-1] = values
    r = 0.75 * (1 - noise)
    assert math.isclose(search.noise(r), noise, abs_tol=1e-12)
    search.close_gates(trainer, r, 1)
    assert np.array_equal(live(trainer)[: 36 * 12], (values >= f32(lowest)).ravel())


@pytest.mark.parametrize("noise", [1.0, 0.2])
def test_a_gate_at_the_threshold_stays(noise):
    """What lies below it is retired, to the next float."""
    trainer = trainer_of(settings=replace(SEARCH_FIRST, retire_below=-3.0, retire_density=0.2))
    search, r = begin(trainer, "search"), 0.75 * (1 - noise)
    lowest = search.retire_below(r)
    gate = trainer.net.layers[0].params["gate"]
    gate[:] = lowest
    assert gate[0, 0] == lowest  # both -3 and -1.5 are exact in float32
    gate[3:9] = np.nextafter(f32(lowest), f32(-9))
    gate[9:12] = np.nextafter(f32(lowest), f32(9))
    search.close_gates(trainer, r, 1)
    alive = np.ones(gate.shape, bool)
    alive[3:9] = False
    assert np.array_equal(live(trainer)[: gate.size], alive.ravel())
