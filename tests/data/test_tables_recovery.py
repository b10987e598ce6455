"""The script that looks for the inputs that matter: the truth that it compares with, and its table in README."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.documents import read

datasets = pytest.importorskip("sklearn.datasets")


@pytest.fixture(scope="module")
def script():
    """`data/tables_recovery.py` as a module."""
    folder = str(Path(__file__).resolve().parents[2] / "data")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("tables_recovery")
    finally:
        sys.path.remove(folder)


@pytest.mark.parametrize(
    "name, matter", [("friedman1", {0, 1, 2, 3, 4}), ("friedman2", {1, 2}), ("friedman3", {0, 1, 2})]
)
def test_the_functions_are_those_of_friedman(script, name, matter):
    x, y = getattr(datasets, f"make_{name}")(300, noise=0.0, random_state=0)
    assert np.allclose(getattr(script, name)(x), y)
    assert script.problems()[name](300, 1)[2] == matter


def test_the_table_is_in_the_readme(script):
    rows = re.findall(
        r"^\| (\w+) \| ([\d,]+) \| (\d+) \| [^|]+ \| \d+ of 10 \| \d+ of 10 \| (\d+) of 10 \|$",
        read("data/README.md"),
        re.M,
    )
    found = {name: (int(samples.replace(",", "")), int(budget)) for name, samples, budget, _ in rows}
    assert found == {name: (script.SAMPLES[name], script.BUDGETS[name]) for name in script.SAMPLES}
    assert all(int(both) >= 9 for *_, both in rows)
