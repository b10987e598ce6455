"""The loop keeps its promises: the budget, the seed, the records, one loop for whatever phases a method has."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import EAGER, SMALL, TOTAL, bands, formula, images
from helpers.trainers import comparable, finished, phase_named, same, trainer_of

from tinygsp.training import DivergedError, Method, MethodError, Phase, Trainer
from tinygsp.training.trainer import make_record
from tinygsp.training.wiring import freeze

KEYS = "epoch phase loss val_accuracy open_gates density price noise".split()


# --- what comes out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [SMALL, EAGER], ids=["slow", "eager"])
@pytest.mark.parametrize("density", [1.0, 0.5, 0.1, 0.03, 5 / TOTAL])
def test_keeps_at_most_the_budget(density, settings):
    trainer, _ = finished(settings=replace(settings, density=density))
    assert trainer.total == TOTAL and trainer.budget == round(density * TOTAL - 0.49)
    assert trainer.network.count() <= trainer.budget
    assert trainer.network.total == TOTAL and len(trainer.network.layers) == 3
    assert same(trainer.network, trainer.network.trim())


def test_uses_its_budget_and_learns():
    trainer, records = finished()
    network, dataset = trainer.network, trainer.dataset
    assert trainer.budget == 57 and network.count() > 0.8 * 57
    assert records[-1]["val_accuracy"] > 0.95
    assert records[-1]["val_accuracy"] == np.mean(network.predict(dataset.val_x) == dataset.val_y)
    assert network.meta.class_names == ("a", "b", "c") and network.meta.divisor == 255.0


def test_seed_decides():
    first, again, other = (finished(seed=seed) for seed in (0, 0, 1))
    assert first[0].network.to_bytes() == again[0].network.to_bytes()
    assert comparable(first[1]) == comparable(again[1])
    assert first[0].network.to_bytes() != other[0].network.to_bytes()


def test_regression():
    trainer, records = finished(settings=replace(SMALL, density=0.5, lr=0.02), dataset=formula())
    data, predicted = trainer.dataset, trainer.network.predict(trainer.dataset.val_x)
    r2 = 1 - np.mean((predicted - data.val_y) ** 2, axis=0) / data.val_y.var(axis=0)
    assert math.isclose(records[-1]["val_accuracy"], r2.mean(), abs_tol=1e-5) and r2.mean() > 0.8
    assert trainer.network.count() <= trainer.budget and trainer.network.meta.task == "regression"


# --- records ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_records(activation):
    trainer, records = finished(settings=replace(SMALL, activation=activation))
    assert [r["epoch"] for r in records] == list(range(1, 12)) and trainer.total_epochs == 11
    assert [r["phase"] for r in records] == ["dense"] * 2 + ["search"] * 6 + ["finetune"] * 3
    assert all(list(r) == KEYS + ["histogram"] * (r["phase"] == "search") for r in records)
    assert trainer.step == 11 * 19  # 600 images are 18 batches and a rest
    assert all(r["density"] == r["open_gates"] / TOTAL for r in records)
    assert [r["open_gates"] for r in records[:2]] == [TOTAL] * 2
    assert all(r["open_gates"] == trainer.network.count() for r in records[8:])
    assert all((r["price"] > 0) == (r["phase"] == "search") for r in records)
    noise = [r["noise"] for r in records]
    assert noise[:2] == [0, 0] and noise[7:] == [0] * 4
    assert all(1 > a > b for a, b in zip(noise[2:6], noise[3:7]))
    assert all(math.isfinite(r["loss"]) and 0 <= r["val_accuracy"] <= 1 for r in records)
    with pytest.raises(ValueError, match="11 epochs"):
        trainer.train_epoch()


def test_histograms_are_those_of_the_gates_after_the_epoch():
    trainer = trainer_of(settings=EAGER)
    for record in trainer.run():
        counts = trainer.net.gate_histogram()
        assert counts.shape == (20,) and counts.sum() == TOTAL
        assert "histogram" not in record or np.array_equal(record["histogram"], counts)


def test_loss_is_the_mean_over_images():
    """With a learning rate of 0 every epoch has the loss of the first weights, the smaller last batch included."""
    trainer = trainer_of(settings=replace(SMALL, lr=0.0))
    loss = trainer.train_epoch()["loss"]
    y = trainer.net.model.forward(trainer.feed.training(trainer.net, np.arange(600), 0, moved=False))
    assert math.isclose(loss, trainer.goal.loss(y, np.arange(600))[0], rel_tol=1e-5)


def test_phases_can_be_left_out():
    trainer, records = finished(settings=replace(SMALL, dense_epochs=0, finetune_epochs=1))
    assert [r["phase"] for r in records] == ["search"] * 6 + ["finetune"]
    assert [phase.epochs for phase in trainer.phases] == [6, 1]


def test_where_it_stands():
    trainer, seen = trainer_of(settings=replace(SMALL, epochs=2, finetune_epochs=1)), []
    while trainer.epoch < trainer.total_epochs:
        phase, done = trainer.position()
        seen.append((phase.name, done))
        assert trainer.between_phases == (done == 0)
        steps = trainer.steps()
        assert next(steps) is None and not trainer.between_phases and trainer.position() == (phase, done)
        *others, record = steps
        assert others == [None] * 17 and record["epoch"] == trainer.epoch
    assert seen == [("dense", 0), ("dense", 1), ("search", 0), ("search", 1), ("finetune", 0)]
    assert trainer.between_phases


# --- phases from outside ------------------------------------------------------------------------------------


class Told(Phase):
    """A phase that writes down what it is asked, with a rate, a noise and a price of its own."""

    name, watches_gates, price = "a name of its own", True, 0.25

    def __init__(self, plan, epochs, calls):
        super().__init__(plan, epochs)
        self.calls = calls

    def start(self, trainer):
        trainer.net.build(0.5, trainer.net.fresh_weights(7))
        self.calls.append(("start", trainer.epoch, trainer.batch))

    def rates(self, r):
        self.calls.append(("rates", r))
        return {"W": 0.01, "gate": 0.02}

    def noise(self, r):
        self.calls.append(("noise", r))
        return 0.75

    def charge(self, net, r):
        self.calls.append(("charge", net.model.open_gates, r))
        return 0.125

    def moves(self, r):
        self.calls.append(("moves", r))
        return False

    def close_gates(self, trainer, r, done):
        self.calls.append(("close gates", r, done))

    def change_wiring(self, trainer, done):
        self.calls.append(("change wiring", done))

    def offers(self, done):
        self.calls.append(("offers", done))
        return done == 2


class OutsideMethod(Method):
    """A method of one phase, Told."""

    name = "outside"

    def __init__(self):
        self.calls = []

    def phases(self, plan):
        return [Told(plan, 0, None), Told(plan, 2, self.calls)]


def test_a_phase_from_outside_trains_through_the_loop(monkeypatch):
    """What the loop asks, in which order, and what it does with the answers; the loop knows no phase by name."""
    method = OutsideMethod()
    trainer = Trainer(images(), replace(SMALL, density=1.0, batch_size=300), method)
    asked, calls = method.calls, []
    sample, penalty = type(trainer.net.model).sample, type(trainer.net.model).penalty
    monkeypatch.setattr(
        type(trainer.net.model), "sample", lambda self, step, noise: calls.append(noise) or sample(self, step, noise)
    )
    monkeypatch.setattr(
        type(trainer.net.model), "penalty", lambda self, price: calls.append(("price", price)) or penalty(self, price)
    )
    validate = trainer.validate
    monkeypatch.setattr(trainer, "validate", lambda: asked.append(("validate",)) or validate())
    records = list(trainer.run())
    step = ["moves", "noise", "charge", "rates"]
    names = [call[0] for call in asked]
    epoch = [*step * 2, "close gates", "validate", "noise", "change wiring", "offers"]
    assert names == ["start", *epoch, *epoch]
    assert [call[1] for call in asked if call[0] == "rates"] == [0.0, 0.25, 0.5, 0.75]
    assert [call[1:] for call in asked if call[0] == "close gates"] == [(0.25, 1), (0.75, 2)]
    assert [call[1] for call in asked if call[0] in ("change wiring", "offers")] == [1, 1, 2, 2]
    assert asked[0] == ("start", 0, 0) and asked[3] == ("charge", TOTAL, 0.0)
    one = [0.75, ("price", 0.125)]
    assert calls == [*one, *one, 0.0, *one, *one, 0.0]  # 0.0 is the noise of the validation
    assert trainer.net.optimizer.lr == {"W": 0.01, "gate": 0.02}
    for record in records:
        assert (record["phase"], record["price"], record["noise"]) == ("a name of its own", 0.25, 0.75)
        assert record["histogram"].sum() == TOTAL
    assert trainer.total_epochs == 2 and trainer.network is not None and trainer.phases[0].epochs == 2


def test_the_defaults_of_a_phase_train_and_close_nothing():
    class Plain(Method):
        name = "plain"

        def phases(self, plan):
            return [Phase(plan, 3)]

    trainer, records = Trainer(images(), SMALL, Plain()), []
    with pytest.raises(MethodError, match="plain: all phases are over, and none has offered a network"):
        records.extend(trainer.run())
    records += [make_record(trainer, trainer.phases[0], 1.0)]
    assert [r["open_gates"] for r in records] == [TOTAL] * 3 and records[-1]["val_accuracy"] > 0.9
    assert all(r["price"] == r["noise"] == 0 and "histogram" not in r for r in records) and trainer.network is None


def test_a_network_above_the_budget_is_refused():
    class Greedy(Method):
        name = "greedy"

        def phases(self, plan):
            return [Told(plan, 2, [])]

    trainer = Trainer(images(), replace(SMALL, batch_size=300), Greedy())
    with pytest.raises(MethodError, match=r"greedy: \d+ parameters are offered, 57 allowed"):
        list(trainer.run())


def test_two_parts_cannot_save_under_one_name():
    class Clash(Phase):
        def state(self):
            return {"step": 1}

    class Clashing(Method):
        def phases(self, plan):
            return [Clash(plan, 1)]

    with pytest.raises(ValueError, match="two parts of the training save a state of the name 'step'"):
        Trainer(images(), SMALL, Clashing()).state()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda scores: scores[:-1], "scores have the shapes"),
        (lambda scores: [scores[0] * np.nan, *scores[1:]], "a score is nan"),
        (lambda scores: [s.ravel() for s in scores], "scores have the shapes"),
    ],
)
def test_scores_that_are_none_are_refused(change, message):
    trainer = trainer_of()
    with pytest.raises(MethodError, match=message):
        freeze(trainer.net, change([layer.params["W"] for layer in trainer.net.layers]), 57)


def test_no_momentum_is_left_from_the_phase_before():
    trainer = trainer_of()
    for _ in range(2):
        trainer.train_epoch()
    assert trainer.net.optimizer.state
    trainer.begin(Phase(trainer.plan, 1))
    assert not trainer.net.optimizer.state


def test_a_method_has_fixed_settings_and_layers():
    class Fixed(Method):
        fixed = {"batch_size": 200, "steer": "drawn"}

        def phases(self, plan):
            assert (plan.settings.batch_size, plan.settings.steer) == (200, "drawn")
            return [Phase(plan, 1)]

    trainer = Trainer(images(), SMALL, Fixed())
    assert trainer.settings == replace(SMALL, batch_size=200, steer="drawn") and trainer.steps_per_epoch == 3
    with pytest.raises(NotImplementedError, match="'' does not say which phases"):
        Trainer(images(), SMALL, Method())


# --- what training looks at ---------------------------------------------------------------------------------


def test_the_validation_split_is_not_trained_on():
    other = images(val_x=bands(60, 9)[0][::-1].copy())
    assert finished()[0].network.to_bytes() == finished(dataset=other)[0].network.to_bytes()


def test_constant_pixels():
    train_x = images().train_x.copy()
    train_x[:, 10:20] = 0
    trainer, records = finished(settings=EAGER, dataset=images(train_x=train_x))
    assert 0 < trainer.network.count() <= trainer.budget and math.isfinite(records[-1]["loss"])


def test_a_class_missing_from_training():
    data = images()
    there = data.train_y != 2
    trainer, records = finished(dataset=images(train_x=data.train_x[there], train_y=data.train_y[there]))
    assert trainer.network.layers[-1].n_out == 3 and 0.6 < records[-1]["val_accuracy"] <= 2 / 3


def test_one_training_image():
    data = images()
    trainer, records = finished(dataset=images(train_x=data.train_x[:1], train_y=data.train_y[:1]))
    assert trainer.steps_per_epoch == 1 and trainer.step == 11
    assert trainer.network.count() <= trainer.budget and math.isfinite(records[-1]["loss"])


# --- divergence ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dense_epochs, phase", [(2, "dense"), (0, "search")])
def test_nan_stops_the_run(dense_epochs, phase):
    data = formula()
    data.train_x[::100, 1] = np.nan
    settings = replace(SMALL, density=0.5, dense_epochs=dense_epochs, batch_size=600)
    with pytest.raises(DivergedError, match=rf"nan at step 0 \({phase}\); look for nan or inf in the data"):
        trainer_of(settings=settings, dataset=data).train_epoch()


def test_the_step_of_divergence_is_named():
    trainer = trainer_of(settings=replace(SMALL, density=0.5, batch_size=600), dataset=formula())
    trainer.train_epoch()
    trainer.dataset.train_y[7] = np.nan
    with pytest.raises(DivergedError, match="step 1 "):
        trainer.train_epoch()


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_learning_rate_that_is_too_large_is_named():
    trainer = trainer_of(settings=replace(SMALL, density=0.5, lr=1e6, dense_epochs=9), dataset=formula())
    with pytest.raises(DivergedError, match=r"\(dense\); try a smaller --lr"):
        list(trainer.run())


def test_the_phase_of_the_record_is_the_one_that_was_trained():
    trainer = trainer_of(settings=replace(SMALL, dense_epochs=1, epochs=1, finetune_epochs=1))
    assert [r["phase"] for r in trainer.run()] == [phase.name for phase in trainer.phases]
    assert phase_named(trainer, "search").epochs == 1


@pytest.mark.parametrize("lr", [1e3, 1e9])
def test_a_divergence_is_one_error_and_no_warning(lr):
    """Numbers overflow on the way; what is said of it is the error."""
    trainer = trainer_of(settings=replace(SMALL, lr=lr, batch_size=1))
    with warnings.catch_warnings(), pytest.raises(DivergedError, match="smaller --lr"):
        warnings.simplefilter("error")
        list(trainer.run())
