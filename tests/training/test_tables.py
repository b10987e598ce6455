"""Fitting a table: linear models, carved networks, the choice between them, and what a Trainer does with tables."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from helpers.small import small_problem, table

from tinygsp import methods
from tinygsp.data import from_arrays
from tinygsp.nn.metrics import score
from tinygsp.training import (
    Settings,
    SettingsError,
    Trainer,
    fit_linear,
    fit_table,
    known_fields,
    make_plan,
    table_budget,
    table_settings,
)
from tinygsp.training.linear import linear
from tinygsp.training.problem import thinned
from tinygsp.training.surgeon import carve, leave_inputs, polish
from tinygsp.training.tables import Candidate, choose, compete, lowest, make_folds, shrink, trained

GATES = methods.find(methods.DEFAULT)


def val_score(network, dataset):
    return score(network.scores(dataset.val_x), dataset.val_y, dataset.task)


# --- the linear model ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
@pytest.mark.parametrize("seed", range(4))
def test_linear_finds_the_best_support(loss, seed):
    """As good as the best of all supports, each fitted by itself."""
    problem = small_problem(loss, n=60, features=6, k=1 if loss == "squared" else 2, seed=seed)
    found = linear(problem, 4)
    assert found.count() <= 4
    best = np.inf
    for chosen in combinations(range(6), 3):
        is_open = np.zeros_like(found.is_open[0])
        is_open[[*chosen, 6]] = True
        net = problem.small([np.zeros(found.W[0].shape)], [is_open], 1e-3)
        from tinygsp.training.newton import train

        train(net, 30, 1e-10)
        best = min(best, net.value)
    assert found.value <= best * 1.001


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("budget", [1, 2, 3, 6])
def test_fit_linear_keeps_the_budget_in_raw_units(task, budget):
    dataset = table(task=task)
    network = fit_linear(dataset, budget)
    assert network.count() <= budget and len(network.layers) == 1
    if budget == 3:
        assert val_score(network, dataset) > (0.99 if task == "regression" else 0.93)
        assert {0, 1} <= set(network.used_inputs()[0])
    if task == "classification":
        assert not network.layers[0].dense()[:, 0].any() and network.layers[0].bias[0] == 0


def test_many_columns_are_searched_from_the_most_promising(monkeypatch):
    problem = small_problem(n=100, features=50, k=1)
    monkeypatch.setattr("tinygsp.training.linear.MAX_WORK", 0)
    net = linear(problem, 3)
    assert net.count() == 3 and net.is_open[0][0, 0]


# --- carved and polished networks ---------------------------------------------------------------------------


def test_carve_and_leave_inputs():
    problem = small_problem(n=300, features=8, k=1)
    problem.target[:, 0] = np.abs(problem.x[:, 0]) + problem.x[:, 1]
    net = carve(problem, 16, (6,), 0)
    assert net.count() <= 16 and net.value < 0.02
    used = np.flatnonzero(net.is_open[0][:-1].any(axis=1)).tolist()
    assert used == [0, 1]
    assert not net.allowed[0][2:-1].any()  # and none of the others comes back
    assert not leave_inputs(net)


def test_polish_puts_spare_parameters_to_use():
    dataset = table()
    trainer = Trainer(dataset, replace(table_settings(dataset, 20), epochs=5), GATES)
    for _ in trainer.run():
        pass
    from tinygsp.training.problem import problem_of

    problem = problem_of(dataset)
    net = polish(problem, trainer.network, 20)
    assert trainer.network.count() <= 20 and net.count() <= 20
    z = net.outputs(np.asarray(dataset.scaled(dataset.val_x), float)) * problem.std + problem.mean
    assert score(z, dataset.val_y, "regression") >= val_score(trainer.network, dataset)


# --- the choice ---------------------------------------------------------------------------------------------


def candidate(kind, share, losses, decay=0.0):
    return Candidate(kind, share, decay, np.array(losses, float), 0.5, None)


def test_the_first_is_kept_unless_another_is_clearly_better():
    linear_one = candidate("linear", 1.0, [1, 1, 1, 1])
    assert lowest([linear_one, candidate("carved", 1.0, [0, 0, 1.9, 1.9])]) is linear_one  # better, not clearly
    better = candidate("carved", 1.0, [0.5, 0.5, 0.9, 0.9])
    assert lowest([linear_one, better]) is better


def test_fewer_parameters_are_taken_where_they_are_clearly_better():
    whole, half = candidate("linear", 1.0, [1, 1, 1, 1]), candidate("linear", 0.5, [0.5, 0.6, 0.5, 0.6])
    other = candidate("carved", 0.5, [0, 0, 0, 0])  # its kind lost at the whole budget
    assert choose([whole, half, candidate("carved", 1.0, [2, 2, 2, 2]), other]) is half
    better = candidate("linear", 1.0, [0.9, 0.9, 0.9, 0.9], decay=0.1)
    assert choose([whole, better]) is better  # of all decays the best


@pytest.mark.parametrize("loss, is_first", [(0.9, True), (1.0, True), (1.001, False)])
def test_fewer_inputs_are_taken_where_they_are_not_worse(loss, is_first):
    linear_one, spare = candidate("linear", 1.0, [1, 1, 1, 1]), candidate("spare", 1.0, [loss] * 4)
    carved = candidate("carved", 1.0, [0, 0, 1.9, 1.9])  # better than both, not clearly
    assert choose([linear_one, spare, carved]) is (spare if is_first else linear_one)


@pytest.mark.parametrize("name, parts_seen", [("same", 3), ("noise", 1)])
def test_a_kind_that_falls_behind_is_stopped(name, parts_seen):
    """It is fitted to no further part, and not chosen by the few losses that it has."""
    problem, seen = small_problem(n=90, features=6, k=1), []
    parts = [(problem.take(fitted), problem.take(held)) for fitted, held in make_folds(problem, 0)[:3]]

    def other(part):
        seen.append(part)
        return linear(part if name == "same" else replace(part, target=part.target[::-1]), 3)

    candidates = compete({"linear": lambda part: linear(part, 3), name: other}, parts, 3)
    counts = {c.kind: len(c.losses) for c in candidates}
    judged = np.cumsum([len(held.x) for _, held in parts])
    assert len(seen) == parts_seen and counts == {"linear": judged[-1], name: judged[parts_seen - 1]}
    few = [candidate(name, 1.0, np.zeros(counts[name]))] if name == "noise" else []
    assert choose(candidates + few).kind == "linear"


@pytest.mark.parametrize("patience, epochs", [(2, 3), (8, 9), (100, 12)])
def test_fine_tuning_that_brings_nothing_better_ends(monkeypatch, patience, epochs):
    """Here the weights no longer change: the first epoch is the best, and it is kept."""
    dataset, made = table(n=80), []
    settings = replace(table_settings(dataset, 12), dense_epochs=2, epochs=6, finetune_epochs=12, finetune_lr=0.0)
    whole = Trainer(dataset, settings, GATES)
    for _ in whole.run():
        pass
    monkeypatch.setattr("tinygsp.training.tables.PATIENCE", patience)
    monkeypatch.setattr("tinygsp.training.tables.Trainer", lambda *args: made.append(Trainer(*args)) or made[0])
    network = trained(dataset, settings, GATES, 0, None)
    assert made[0].epoch == 8 + epochs and network.to_bytes() == whole.network.to_bytes()


@pytest.mark.parametrize("n", [2, 4, 50, 500, 1500])
@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
def test_folds(n, loss):
    problem = small_problem(loss, n=n, k=2)
    folds = make_folds(problem, 0)
    held = np.concatenate([held for _, held in folds])
    assert len(np.unique(held)) == len(held) and (len(held) == n or (n > 1000 and len(held) == n / 4))
    for fitted, held in folds:
        assert len(fitted) and len(held) and not set(fitted) & set(held) and len(fitted) + len(held) == n
        if n >= 50 and loss == "cross-entropy":
            assert abs(problem.target[held].mean() - problem.target.mean()) < 0.061


def test_shrink_to_a_share():
    net = linear(small_problem(n=100, features=9, k=1), 10)
    shrink(net, 0.5, 10)
    assert net.count() == 5


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_network_is_never_worse_than_the_linear_model(task):
    """A straight line is found to be one; a curve is carved; both are at least as good as the linear model."""
    dataset = table(task=task)
    fit = fit_table(dataset, 8)
    assert (fit.kind in ("linear", "spare") or task == "classification") and val_score(fit.network, dataset) > 0.93
    x = dataset.train_x
    curved = replace(
        dataset,
        train_y=(np.abs(x[:, :1]) * 10).astype(np.float32),
        val_y=(np.abs(dataset.val_x[:, :1]) * 10).astype(np.float32),
        task="regression", n_out=1, class_names=("y",),
    )  # fmt: skip
    fit = fit_table(curved, 12, whole=False)
    best = {}
    for record in fit.records:
        best.setdefault(record["kind"], record["loss"])
    assert fit.kind == "carved" and best["carved"] < 0.1 * best["linear"]
    assert val_score(fit.network, curved) > 0.97 > val_score(fit_linear(curved, 12), curved)


def test_a_network_that_was_trained_competes():
    dataset = table()
    trainer = Trainer(dataset, replace(table_settings(dataset, 20), epochs=4), GATES)
    for _ in trainer.run():
        pass
    fit = fit_table(dataset, 20, network=trainer.network, settings=trainer.settings)
    assert {record["kind"] for record in fit.records} - {"spare"} == {"linear", "carved", "polished"}
    assert fit.network.count() <= 20


def test_large_tables_are_left_to_the_method(monkeypatch):
    monkeypatch.setattr("tinygsp.training.tables.MAX_DENSE", 0)
    dataset = table()
    settings = replace(table_settings(dataset, 20), epochs=4)
    fit = fit_table(dataset, 20, settings=settings, fallback=GATES)
    assert {record["kind"] for record in fit.records} - {"spare"} == {"linear", "polished"}
    assert {record["kind"] for record in fit_table(dataset, 20, settings=settings).records} == {"linear", "spare"}


@pytest.mark.parametrize("limit", ["tables.MAX_POLISHED", "problem.MAX_ROWS"])
def test_a_network_too_large_to_be_polished_competes_as_it_is(monkeypatch, limit):
    """It is better than a line here, so it is the result, bit for bit."""
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    dataset = from_arrays(x[:1500], np.abs(x[:1500, 0]), validation=(x[1500:], np.abs(x[1500:, 0])))
    trainer = Trainer(dataset, replace(table_settings(dataset, 20), epochs=10), GATES)
    for _ in trainer.run():
        pass
    assert val_score(trainer.network, dataset) > 0.9
    monkeypatch.setattr("tinygsp.training.tables.MAX_DENSE", 0)
    monkeypatch.setattr(f"tinygsp.training.{limit}", 0 if "POLISHED" in limit else 200)
    fit = fit_table(dataset, 20, network=trainer.network, settings=trainer.settings)
    records = {record["kind"]: record for record in fit.records}
    assert records.keys() - {"polished", "spare"} == {"linear", "trained"} and ("polished" in records) == (
        "ROWS" in limit
    )
    if limit == "tables.MAX_POLISHED":
        assert fit.network is trainer.network
        assert fit.score == records["trained"]["score"] == pytest.approx(val_score(trainer.network, dataset), abs=1e-5)


def test_second_derivatives_are_taken_of_some_rows_only(monkeypatch):
    """Evenly of every class in both splits, each with its own weight."""
    monkeypatch.setattr("tinygsp.training.problem.MAX_ROWS", 60)
    dataset = table(n=300, task="classification")
    weights = np.arange(300.0)
    small, kept = thinned(dataset, weights, 0)
    for part, count in (("train", 45), ("val", 15)):
        x, y, all_x, all_y = (getattr(d, f"{part}_{a}") for d in (small, dataset) for a in "xy")
        assert len(x) == count and abs(y.mean() - all_y.mean()) < 0.08
        rows = np.array([np.flatnonzero((all_x == row).all(axis=1))[0] for row in x])
        assert (np.diff(rows) > 0).all() and (all_y[rows] == y).all()
        assert (kept[:45] == rows).all() if part == "train" else (kept[45:] == 225 + rows).all()
    assert not np.array_equal(thinned(dataset, None, 1)[0].train_x, small.train_x)
    assert thinned(table(n=60), None, 0)[1] is None and len(thinned(table(n=60), None, 0)[0].train_x) == 45
    for fit in (fit_table(dataset, 4), fit_table(dataset, 4, weights=weights)):
        assert val_score(fit.network, dataset) > 0.9
    assert val_score(fit_linear(dataset, 4, weights=weights[:225], whole=True), dataset) > 0.9


def test_a_linear_model_does_without_noise():
    """Nine inputs of noise, and room for all of them; and no input is missing that is worth its place."""
    x = np.random.default_rng(3).normal(size=(400, 12))
    y = 3 * x[:, 2] - x[:, 5] + 0.5 * x[:, 9] + np.random.default_rng(4).normal(size=400)
    fit = fit_table(from_arrays(x[:300], y[:300], validation=(x[300:], y[300:])), 13)
    assert fit.kind == "spare" and fit.network.used_inputs()[0].tolist() == [2, 5, 9] and fit.network.count() == 4


def test_the_score_is_of_samples_that_were_not_fitted_to(monkeypatch):
    """Where there is nothing to learn, it is that of guessing, though the network is fitted to these samples later."""
    monkeypatch.setattr("tinygsp.training.tables.CHEAP", 0)  # no model without the inputs that are worth nothing
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(120, 20)), np.arange(120) % 2
    dataset = from_arrays(x[:90], y[:90], validation=(x[90:], y[90:]))
    fit = fit_table(dataset, 21, settings=replace(table_settings(dataset, 21), hidden=()))
    everything = np.mean(fit.network.predict(x) == y)
    assert fit.score < 0.6 and everything > fit.score + 0.05


def test_a_linear_model_is_fitted_to_both_splits_if_asked():
    dataset = table(n=80)
    only = replace(dataset, val_y=dataset.val_y + 1000)
    middle = [fit_linear(only, 3, decay=1e-3, whole=whole).scores(dataset.val_x).mean() for whole in (False, True)]
    assert middle[1] - middle[0] > 150  # a quarter of the rows is higher by 1000


# --- settings and the Trainer -------------------------------------------------------------------------------


def test_settings_follow_the_size():
    small, large = table(n=60), table(n=40_000)
    assert table_budget(small) == 12 and table_budget(large) == 400
    assert table_settings(small, 12).hidden == (8,) and table_settings(large, 400).hidden == (24,)
    assert table_settings(small).epochs > table_settings(large).epochs
    for dataset in (small, large):
        settings = table_settings(dataset, 30)
        plan = make_plan(dataset, settings)
        assert plan.budget + plan.reserve == 30 and plan.reserve == 1
    assert table_settings(small, density=0.5).density == pytest.approx(0.5)


def test_fields_that_came_later_are_left_out_at_their_default():
    known = known_fields(vars(Settings()))
    assert {"density", "edges_below"} <= known.keys() and not {"loss", "decay", "scale_target"} & known.keys()
    assert known_fields(vars(Settings(loss="squared")))["loss"] == "squared"


def test_a_loss_that_does_not_fit():
    with pytest.raises(SettingsError, match="loss is 'huber': for a classification expected cross-entropy"):
        make_plan(table(task="classification"), Settings(loss="huber", hidden=(4,), density=0.5))


@pytest.mark.parametrize("hidden", [(), (6,)])
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_trainer_learns_a_table(hidden, task):
    """Raw units, targets far from 0, hidden units or none; every method keeps the budget."""
    dataset = table(task=task)
    settings = replace(table_settings(dataset, 10), hidden=hidden)
    sizes = (5, *hidden, dataset.n_out)
    total = sum((a + 1) * b for a, b in zip(sizes, sizes[1:]))
    settings = replace(settings, density=min(1.0, 10 / total + 1e-9))
    trainer = Trainer(dataset, settings, GATES)
    records = list(trainer.run())
    assert trainer.network.count() <= min(10, total) == trainer.budget
    assert val_score(trainer.network, dataset) > 0.9
    assert max(r["val_accuracy"] for r in records[-5:]) > 0.9


@pytest.mark.parametrize("name", methods.names())
def test_every_method_works_with_scaled_targets_and_no_hidden_layer(name):
    dataset = table()
    settings = replace(table_settings(dataset), hidden=(), density=0.7, epochs=4, dense_epochs=2, finetune_epochs=3)
    trainer = Trainer(dataset, settings, methods.find(name))
    for _ in trainer.run():
        pass
    assert 1 <= trainer.network.count() <= trainer.budget == 4


def test_one_score_for_two_classes():
    dataset = table(task="classification")
    for one_score in (False, True):
        settings = replace(table_settings(dataset, 14), one_score=one_score, epochs=20)
        trainer = Trainer(dataset, settings, GATES)
        for _ in trainer.run():
            pass
        last = trainer.network.layers[-1]
        assert (0 not in last.col and last.bias[0] == 0) == one_score


def test_weights_of_samples_and_decay(rng):
    dataset = table()
    settings = replace(table_settings(dataset, 10), hidden=(), density=1.0, epochs=10)
    weights = np.where(dataset.train_y[:, 0] > 100, 5.0, 0.0)
    results = {}
    for name, given, decay in (("plain", None, 0.0), ("weighted", weights, 0.0), ("decayed", None, 1.0)):
        trainer = Trainer(dataset, replace(settings, decay=decay), GATES, weights=given)
        for _ in trainer.run():
            pass
        results[name] = trainer.network
    plain, decayed = (results[name].layers[0].weight for name in ("plain", "decayed"))
    assert np.abs(decayed).max() < 0.8 * np.abs(plain).max()
    high = dataset.val_y[:, 0] > 100
    error = {name: np.abs(n.scores(dataset.val_x) - dataset.val_y)[high].mean() for name, n in results.items()}
    assert error["weighted"] < error["decayed"] and not np.array_equal(plain, results["weighted"].layers[0].weight)


def test_a_run_with_scaled_targets_goes_on_bit_for_bit():
    dataset = table()
    settings = replace(table_settings(dataset, 12), epochs=6, dense_epochs=2, finetune_epochs=3, decay=1e-3)
    whole, first = Trainer(dataset, settings, GATES), Trainer(dataset, settings, GATES)
    for _ in whole.run():
        pass
    for _ in range(7):
        first.train_epoch()
    second = Trainer(dataset, settings, GATES)
    second.restore(first.state())
    for _ in second.run():
        pass
    assert second.network.to_bytes() == whole.network.to_bytes()
