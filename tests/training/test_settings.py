"""Settings: their defaults, and what follows from them for a data set."""

import math
import re
from dataclasses import replace

import pytest
from helpers.problems import SMALL, TOTAL, formula, images
from helpers.trainers import trainer_of

from tinygsp.training import MIDDLE, ROOMY, TOY, Plan, Settings, SettingsError, defaults, make_plan


def test_defaults():
    assert defaults("mnist") == defaults("mnist", 0.0015) == Settings() and defaults("toy") == TOY
    assert defaults("toy", 0.3) == replace(TOY, density=0.3)
    few, some, many = (defaults("some/folder", density) for density in (0.003, 0.0031, 0.0061))
    assert few == replace(Settings(), density=0.003)
    assert (few.epochs, few.steer, few.search_share, few.rewire_moved) == (300, "drawn", 0.5, False)
    assert (some.density, some.epochs, some.steer, some.search_share, some.rewire_moved) == (
        0.0031, 150, "open", 2 / 3, True)  # fmt: skip
    assert defaults("some/folder", 0.006) == replace(some, density=0.006)
    assert many == replace(some, density=0.0061, search_share=1.0, rewire_moved=False)
    assert (few.gate_lr, some.gate_lr) == (3.0, 10.0)
    assert some == replace(MIDDLE, density=0.0031) and many == replace(ROOMY, density=0.0061)


@pytest.mark.parametrize("density", [4 / TOTAL, 0.001, 0.0])
def test_budget_too_small(density):
    """Said when a plan is made, and when a Trainer is."""
    settings, message = replace(SMALL, density=density), f"density .* takes 5, a density of {5 / TOTAL:.6f}"
    for make in (make_plan, lambda dataset, settings: trainer_of(settings=settings, dataset=dataset)):
        with pytest.raises(SettingsError, match=message) as raised:
            make(images(), settings)
        assert "\n" not in str(raised.value)


def test_layer_too_large():
    with pytest.raises(SettingsError, match="hidden"):
        make_plan(images(), replace(SMALL, hidden=(50_000, 50_000)))


@pytest.mark.parametrize("hidden, what", [
    ((2**18,), "262,183 inputs, units and outputs together; at most 262,144"), ((2,) * 64, "65 layers; at most 64"),
])  # fmt: skip
def test_a_network_that_no_model_file_may_hold(hidden, what):
    """Said before the training, not when its result is saved."""
    with pytest.raises(SettingsError, match=what):
        make_plan(images(), replace(SMALL, hidden=hidden, density=0.5))


def test_plan():
    plan = make_plan(images(), replace(SMALL, shift=1))
    assert isinstance(plan, Plan) and plan.settings == replace(SMALL, shift=1) and plan.sizes == (36, 12, 8, 3)
    assert (plan.total, plan.budget, plan.moves) == (TOTAL, 57, True)
    assert not make_plan(images(), SMALL).moves and not make_plan(images(input_shape=(36,)), plan.settings).moves
    assert make_plan(formula(), replace(SMALL, density=0.5)).sizes == (4, 12, 8, 2)
    exact = make_plan(images(), replace(SMALL, density=51 / TOTAL))  # 51 / 575 * 575 is a little less than 51
    assert 51 / TOTAL * TOTAL < 51 == exact.budget


@pytest.mark.parametrize("field, value", [
    ("density", 5), ("density", math.nan), ("epochs", 2.5), ("epochs", -1), ("finetune_epochs", 0), ("tries", 0),
    ("batch_size", 0), ("batch_size", True), ("lr", -1), ("lr", "0.1"), ("momentum", 1.5), ("tau", 0),
    ("activation", "tanh"), ("steer", "both"), ("hidden", 8), ("hidden", (8, 0)), ("hidden", "300,100"),
])  # fmt: skip
def test_a_value_that_cannot_work_is_named(field, value):
    with pytest.raises(SettingsError, match=f"^{field} is {re.escape(repr(value))}: expected "):
        make_plan(images(), replace(SMALL, **{field: value}))
