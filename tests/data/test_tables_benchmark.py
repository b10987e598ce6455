"""The script that compares tiny networks with other models on the tables of scikit-learn, and its table in README."""

import importlib
import re
import sys
from pathlib import Path

import pytest
from helpers.documents import read

pytest.importorskip("sklearn")
ROW = r"^\| (\w+) \| (\d+) \|(.*)\| ([+-]\d+\.\d) ± (\d+\.\d) \| (\d+\.\d) \|$"  # the last cell: seconds
ROWS = re.findall(ROW, read("data/README.md"), re.M)


@pytest.fixture(scope="module")
def script():
    """`data/tables_benchmark.py` as a module."""
    folder = str(Path(__file__).resolve().parents[2] / "data")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("tables_benchmark")
    finally:
        sys.path.remove(folder)


def test_it_prints_a_row_for_each_budget(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tables_benchmark.py", "--tables", "iris,diabetes", "--seeds", "7"])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:]] == [
        ["| iris", "6"], ["| iris", "10"], ["| diabetes", "8"], ["| diabetes", "20"],
    ]  # fmt: skip
    assert len({line.count("|") for line in lines}) == 1


def test_the_readme_has_every_table_and_budget(script):
    assert [(name, int(budget)) for name, budget, *_ in ROWS] == [
        (name, budget) for name, budgets in script.TABLES.items() for budget in budgets
    ]


def test_tiny_networks_are_ahead_or_level():
    """Nowhere are they behind the best other model by more than twice the standard error of the difference."""
    for name, budget, cells, gain, error, _ in ROWS:
        ours, *others = [float(cell) for cell in cells.split("|") if cell.strip()]
        assert abs(ours - max(others) - float(gain)) < 0.11, (name, budget)
        assert float(gain) >= -2 * float(error), (name, budget)
