"""The code that CONTRIBUTING.md shows: a method, its test and a phase work as written, from outside the package."""

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest
from helpers.documents import ROOT, fenced, read

from tinygsp import data
from tinygsp.training import Dense, Settings, Trainer

METHOD, ITS_TEST, PHASE = fenced(read("CONTRIBUTING.md"), "python")
SMALL = Settings(density=0.2, hidden=(10, 10), dense_epochs=2, epochs=2, finetune_epochs=2)


@pytest.fixture
def load(tmp_path):
    """Writes code into a file outside the package and imports it."""

    def load(name, code):
        file = tmp_path / f"{name}.py"
        file.write_text(code, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_the_method_trains(load):
    trainer = Trainer(data.load("toy"), SMALL, load("largest", METHOD).method)
    records = list(trainer.run())
    assert [record["phase"] for record in records] == ["dense"] * 2 + ["finetune"] * 4
    assert 0 < trainer.network.count() <= trainer.budget


def test_the_phase_trains_as_part_of_a_method(load):
    largest, warmup = load("largest", METHOD), load("warmup", PHASE)

    class Warm(largest.Largest):
        def phases(self, plan):
            return [warmup.Warmup(plan, 2), *super().phases(plan)]

    trainer = Trainer(data.load("toy"), SMALL, Warm())
    assert isinstance(trainer.phases[1], Dense)
    rates, losses = [], []
    while trainer.position()[0].name == "warmup":
        records = []
        for record in trainer.steps():
            rates.append(trainer.net.optimizer.lr["W"])
            records.append(record)
        losses.append(records[-1]["loss"])
    assert rates == sorted(rates) and rates[0] == 0 and 0.9 * SMALL.lr < rates[-1] < SMALL.lr
    assert losses[1] < losses[0]


def test_the_files_are_found_where_they_are_put(tmp_path):
    """In a copy of the package with these files, the command line knows the method, and its test passes."""
    shutil.copytree(ROOT / "tinygsp", tmp_path / "tinygsp")
    (tmp_path / "tinygsp" / "methods" / "largest.py").write_text(METHOD, encoding="utf-8")
    (tmp_path / "test_largest.py").write_text(ITS_TEST, encoding="utf-8")
    command = "toy --method largest --epochs 2 --tries 1 --out run --quiet"
    code = f"""
import pytest, sys
from tinygsp import train
assert train.main({command.split()}) == 0
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "test_largest.py"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "validation R^2" in done.stdout and "1 passed" in done.stdout
