"""A method from outside: one more file is all it takes to train with it, to resume it and to compare it."""

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import thinning
from helpers.problems import SMALL, TOTAL, formula, images
from helpers.runs import equal_states
from helpers.trainers import comparable, finished, live, trainer_of

import tinygsp
from tinygsp import methods, runs

PACKAGE = Path(tinygsp.__file__).parent
THINNING = thinning.method


# --- in this process ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("density", [1.0, 0.5, 0.1, 0.03])
def test_it_ends_within_the_budget(density):
    trainer, records = finished(THINNING, replace(SMALL, density=density))
    assert 0 < trainer.network.count() <= trainer.budget
    assert [r["phase"] for r in records] == ["dense"] * 2 + ["thin"] * 6 + ["finetune"] * 3
    assert all(("histogram" in r) == (r["phase"] == "thin") for r in records)
    counts = [r["open_gates"] for r in records]
    assert counts[:2] == [TOTAL] * 2 and all(a >= b for a, b in zip(counts, counts[1:]))


def test_it_learns_and_uses_its_budget():
    trainer, records = finished(THINNING)
    assert records[-1]["val_accuracy"] > 0.9 and trainer.network.count() > 0.8 * trainer.budget


def test_what_it_closes_stays_closed():
    trainer, before = trainer_of(THINNING), np.ones(TOTAL, bool)
    for record in trainer.run():
        now = live(trainer)
        assert not np.any(now & ~before) or record["phase"] == "finetune"  # trimming may open a bias
        before = now
    assert before.sum() <= trainer.budget


@pytest.mark.parametrize("dataset, density", [(images(), 0.1), (formula(), 0.5)], ids=["images", "regression"])
def test_it_resumes_bit_for_bit(dataset, density):
    """A new Trainer for every step, and what the phase remembers is part of the state."""
    settings = replace(SMALL, density=density, batch_size=150)
    whole, expected = finished(THINNING, settings, 4, dataset)
    trainer, records = trainer_of(THINNING, settings, 4, dataset), []
    while trainer.epoch < trainer.total_epochs:
        record = next(trainer.steps())
        records += [record] * bool(record)
        state, trainer = trainer.state(), trainer_of(thinning.Thinning(), settings, 4, dataset)
        trainer.restore(state)
        equal_states(state, trainer.state())
        assert ("thin_count" in state) == (2 <= trainer.epoch < 8)
    assert comparable(records) == comparable(expected)
    assert trainer.network.to_bytes() == whole.network.to_bytes()


@pytest.mark.parametrize("step", [30, 60])
def test_it_goes_on_from_the_disk(step, tmp_path):
    """The file holds what its phase remembers, and the name of the phase."""
    trainer, other = trainer_of(THINNING), trainer_of(THINNING)
    with runs.Run(tmp_path, 0.0) as run:
        run.start_metrics()
        while trainer.step < step:
            if record := next(trainer.steps()):
                run.add(record)
        run.save(trainer, trainer.state())
    with runs.Run(tmp_path, 0.0) as run:
        assert run.restore(other) == "" and other.step == step
        equal_states(other.state(), trainer.state())
        assert [record["phase"] for record in run.records] == (["dense"] * 2 + ["thin"])[: step // 19]
    assert ("thin_count" in trainer.state()) == (step > 38)


# --- as one more file of the package ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a copy of the package that has one more file in methods/."""
    place = tmp_path_factory.mktemp("outside")
    shutil.copytree(PACKAGE, place / "tinygsp")
    shutil.copy(thinning.__file__, place / "tinygsp" / "methods" / "thinning.py")
    return place


def run(place, *arguments):
    """Run Python in that folder, where the copy is found first; returns its stdout, or fails with its output."""
    environment = {**os.environ, "PYTHONPATH": str(place), "COLUMNS": "400"}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=place, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_it_is_found_by_its_file(place):
    """In the list of names, which imports no method and nothing heavy; and by its name."""
    code = "import sys; from tinygsp import methods; print(methods.__file__); print(*methods.names())\n"
    code += "print({'numpy', 'numba', 'tinygsp.methods.gates'} & sys.modules.keys()); print(methods.find('thinning'))"
    file, names, heavy, found = run(place, "-c", code).splitlines()
    assert Path(file).parents[2].samefile(place)
    assert names.split() == sorted([*methods.names(), "thinning"])
    assert heavy == "set()" and found.startswith("<tinygsp.methods.thinning.Thinning object")


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_the_commands_say_it_in_their_help(place, command):
    assert ", thinning, vd" in " ".join(run(place, "-m", f"tinygsp.{command}", "--help").split())


def test_a_run_with_it(place):
    few = ("--epochs", 2, "--tries", 1, "--batch-size", 5000, "--quiet")
    run(place, "-m", "tinygsp.train", "toy", "--method", "thinning", "--out", "toy", *few)
    with open(place / "toy" / "metrics.csv", newline="", encoding="utf-8") as file:
        phases = {row["phase"] for row in csv.DictReader(file)}
    assert phases == {"dense", "thin", "finetune"}
    assert (place / "toy" / "model.npz").is_file()


def test_a_sweep_with_it(place, folder):
    """Its row stands beside that of the project's own method."""
    small = ("--hidden", "12,8", "--epochs", 2, "--batch-size", 64, "--densities", 0.1, "--seeds", 0, "--quiet")
    run(place, "-m", "tinygsp.sweep", folder, "--methods", "thinning,gates", *small, "--out", "swept")
    with open(place / "swept" / "table.csv", newline="", encoding="utf-8") as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {"thinning", "gates"}
    assert 0 < int(rows["thinning"]["kept"]) <= int(rows["thinning"]["at_most"])
    assert (place / "swept" / "frontier.png").is_file()
