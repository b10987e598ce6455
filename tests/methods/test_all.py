"""What holds for every method: the epochs, the budget, the dense phase, the seed, the state, and how it is found."""

import ast
import math
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from helpers.problems import EAGER, PRICED, SMALL, TOTAL, formula, images
from helpers.runs import equal_states
from helpers.trainers import above, comparable, finished, same, trained, trainer_of, weights

from tinygsp import methods
from tinygsp.sparse import SparseNetwork
from tinygsp.training import Method, SettingsError, make_plan

METHODS = methods.names()
PRICED_METHODS = {"gates", "l0", "vd"}  # those that steer a price
UNPRICED_METHODS = {"gradual", "lottery", "magnitude", "random", "snip"}


# --- how a method is found ----------------------------------------------------------------------------------


def test_the_methods():
    known = {"gates", "gradual", "l0", "lottery", "magnitude", "random", "snip", "vd"}
    assert known <= set(METHODS) and list(METHODS) == sorted(METHODS)
    assert methods.DEFAULT == "gates"


@pytest.mark.parametrize("name", METHODS)
def test_the_name_of_a_method_is_that_of_its_file(name):
    module = import_module(f"tinygsp.methods.{name}")
    assert isinstance(module.method, Method) and methods.find(name) is module.method
    assert module.method.name == name
    assert module.__doc__.startswith(f"{name}: ")
    assert set(module.method.fixed) <= set(vars(SMALL))


def test_files_with_an_underscore_are_no_methods():
    folder = Path(methods.__file__).parent
    helpers = {file.stem for file in folder.glob("_*.py")}
    assert helpers >= {"__init__", "_scores"} and not helpers & set(METHODS)
    for name in helpers:
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        assert not any(isinstance(node, ast.Assign) and node.targets[0].id == "method" for node in tree.body)


@pytest.mark.parametrize("name", ["", "Gates", "gates ", "gates.py", "_scores", "__init__", "../gates", "no" * 200,
                                  "two\nlines", None, 3])  # fmt: skip
def test_unknown_methods(name):
    with pytest.raises(SettingsError, match="is unknown; known are .*gates, .*gradual, .*l0, ") as raised:
        methods.find(name)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 250
    assert repr(str(name)[:100]) in str(raised.value)


# --- what all have in common --------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["images", "relu", "priced", "all of it", "least", "regression"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_ends_within_the_budget(method, case, tmp_path):
    settings = {
        "images": replace(SMALL, shift=1), "relu": replace(EAGER, activation="relu", density=0.3),
        "priced": replace(PRICED, shift=1, steer="drawn"), "all of it": replace(SMALL, density=1.0),
        "least": replace(SMALL, density=5 / TOTAL), "regression": replace(SMALL, density=0.5, lr=0.02),
    }[case]  # fmt: skip
    dataset = formula() if case == "regression" else images()
    trainer, gates = trainer_of(method, settings, 3, dataset), trainer_of("gates", settings, 3, dataset)
    records = list(trainer.run())
    assert trainer.total_epochs == gates.total_epochs == len(records) == trainer.epoch
    assert trainer.step == len(records) * math.ceil(600 / 32)
    assert [r["phase"] for r in records[:2]] == ["dense"] * 2 and records[-1]["phase"] == "finetune"
    assert (trainer.budget, trainer.total) == (gates.budget, gates.total)
    assert 0 < trainer.network.count() <= trainer.budget
    assert records[-1]["open_gates"] == above(trainer, 0).trim().count() <= trainer.budget
    assert all(math.isfinite(r[name]) for r in records for name in ("loss", "val_accuracy", "price", "noise"))
    assert all(r["density"] == r["open_gates"] / trainer.total for r in records)
    if method in PRICED_METHODS | UNPRICED_METHODS:
        assert all((r["price"] > 0) == (r["phase"] == "search" and method in PRICED_METHODS) for r in records)
    histograms = [r["histogram"] for r in records if r["phase"] == "search"]
    assert all(counts.sum() == trainer.total and counts.min() >= 0 for counts in histograms)
    assert all(("histogram" in r) == (r["phase"] == "search") for r in records)
    counts = trainer.net.gate_histogram()
    assert counts.sum() == trainer.total and counts.min() >= 0
    trainer.network.save(tmp_path / "model.npz")
    again = SparseNetwork.load(tmp_path / "model.npz")
    assert same(again, trainer.network) and again.total == trainer.total and again.meta == trainer.network.meta
    assert np.array_equal(again.predict(dataset.val_x), trainer.network.predict(dataset.val_x))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(method):
    _, records = finished(method, replace(PRICED, density=0.3))
    assert records[-1]["val_accuracy"] > 0.9


@pytest.mark.parametrize("method", METHODS)
def test_the_dense_phase_is_the_same(method):
    """The accuracy to beat: gates of every kind are open, the layers are plain ones."""
    expected, trainer = (trained(name, replace(SMALL, shift=1), seed=2) for name in ("gates", method))
    assert trainer.total_loss == expected.total_loss and trainer.validate() == expected.validate()
    assert all(np.array_equal(a, b) for a, b in zip(weights(trainer), weights(expected), strict=True))
    assert trainer.net.count_open() == TOTAL and same(above(trainer, 0), above(expected, 0))


@pytest.mark.parametrize("case", ["images", "priced", "regression"])
@pytest.mark.parametrize("method", METHODS)
def test_a_new_trainer_for_every_step(method, case):
    """The state is all there is, in every phase, within an epoch and between two: it goes on bit for bit."""
    settings = {
        "images": replace(SMALL, epochs=4, search_share=0.5, shift=1),
        "priced": replace(PRICED, epochs=5, search_share=0.5, rewire_moved=True, shift=1, tries=2, steer="drawn"),
        "regression": replace(SMALL, epochs=4, search_share=0.5, density=0.5, lr=0.02),
    }[case]  # fmt: skip
    dataset = formula() if case == "regression" else images()
    whole, expected = finished(method, settings, 4, dataset)
    trainer, records, seen = trainer_of(method, settings, 4, dataset), [], set()
    while trainer.epoch < trainer.total_epochs:
        record = next(trainer.steps())
        records += [record] * bool(record)
        state, trainer = trainer.state(), trainer_of(method, settings, 4, dataset)
        trainer.restore(state)
        equal_states(state, trainer.state())
        for name in state:  # what was handed over is not what is used
            state[name] = None if isinstance(state[name], (int, float)) else state[name].fill(0)
        if trainer.epoch < trainer.total_epochs:
            seen.add((trainer.position()[0].name, trainer.batch > 0))
    assert comparable(records) == comparable(expected) and trainer.network.to_bytes() == whole.network.to_bytes()
    equal_states(trainer.state(), whole.state())
    assert seen == {(phase.name, within) for phase in trainer.phases for within in (True, False)}


def epochs_of(method, settings):
    """[(phase, epochs)] of a run."""
    return [(phase.name, phase.epochs) for phase in trainer_of(method, settings).phases]


@pytest.mark.parametrize("method", [method for method in METHODS if method != "gates"])
def test_no_baseline_is_rewired(method):
    """Its search has those epochs as well: the same steps, and its own choice of connections."""
    settings = replace(SMALL, epochs=5, finetune_epochs=2)
    phases, ours = (epochs_of(name, replace(settings, search_share=0.4)) for name in (method, "gates"))
    assert phases == epochs_of(method, settings) and "rewire" not in dict(phases)
    assert sum(epochs for _, epochs in phases) == sum(epochs for _, epochs in ours) == 9 and dict(ours)["rewire"] == 3


@pytest.mark.parametrize("method", METHODS)
def test_seed_decides(method):
    settings = replace(SMALL, dense_epochs=1, epochs=2, finetune_epochs=1, shift=1)
    first, again, other = (comparable(finished(method, settings, seed)[1]) for seed in (0, 0, 1))
    assert first == again and first != other


@pytest.mark.parametrize("method", METHODS)
def test_without_a_dense_phase(method):
    trainer, records = finished(method, replace(PRICED, dense_epochs=0))
    assert len(records) == 11 and 0 < trainer.network.count() <= trainer.budget


@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_no_memory(method):
    """Two runs at once of one Method do not know of each other: what a run remembers is in its phases."""
    settings = replace(PRICED, dense_epochs=1, epochs=3, finetune_epochs=1)
    alone = comparable(finished(method, settings, 1)[1])
    one, two = trainer_of(method, settings, 1), trainer_of(method, replace(settings, density=0.4), 5)
    assert one.method is two.method
    assert comparable([record for record, _ in zip(one.run(), two.run(), strict=True)]) == alone
    plan = make_plan(images(), settings)
    assert all(a is not b for a, b in zip(one.method.phases(plan), one.method.phases(plan), strict=True))
