"""Sweeps of a table: the budgets that suit it or are named, and the options that say how it is read."""

import json

import pytest
from helpers.cli import one_error
from helpers.own_data import prices, write_table
from helpers.sweeps import result_files, run, table

from tinygsp import data, methods, runs
from tinygsp.training import Settings, Trainer, table_budget

pytestmark = pytest.mark.usefixtures("light_sweep")
QUICK = ("--methods", "magnitude", "--epochs", 3, "--quiet")


@pytest.fixture
def prices_file(tmp_path):
    return write_table(tmp_path / "prices.csv", prices(60))


def test_a_table_at_the_budget_that_suits_it(prices_file, tmp_path, monkeypatch):
    """The same as a single run by hand; the folder is named after the table."""
    monkeypatch.chdir(tmp_path)
    assert run(prices_file, "--target", "price", "--seeds", "1", *QUICK) == 0
    (row,) = table(tmp_path / "sweeps" / "prices")
    dataset = data.load(prices_file, options=data.ReadOptions(target="price"))
    assert int(row["at_most"]) == table_budget(dataset) == 12 and row["data"] == "prices.csv"
    (path,) = result_files(tmp_path / "sweeps" / "prices")
    task = json.loads(path.read_text())["task"]
    trainer = Trainer(dataset, Settings(**task["settings"] | {"hidden": (8,)}), methods.find("magnitude"), 1)
    records = list(trainer.run())
    assert row["test_accuracy"] == f"{runs.summarise(trainer, trainer.network, records, 0)['test_accuracy']:.6f}"


def test_budgets_and_options(prices_file, tmp_path, monkeypatch):
    """Paths among the options hold wherever a worker is; a table that was moved is known by its content."""
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "test.csv", prices(20))
    options = [
        "--target",
        "price",
        "--drop",
        "colour",
        "--test",
        "test.csv",
        "--budgets",
        "8,16",
        "--seeds",
        "0",
        *QUICK,
    ]
    assert run("prices.csv", *options, "--out", tmp_path / "out") == 0
    assert [(row["at_most"], int(row["kept"]) <= int(row["at_most"])) for row in table(tmp_path / "out")] == [
        ("8", True), ("16", True),
    ]  # fmt: skip
    (tmp_path / "there").mkdir()
    for name in ("prices.csv", "test.csv"):
        (tmp_path / name).rename(tmp_path / "there" / name)
    monkeypatch.setattr("tinygsp.sweeping.tasks.Trainer", None)  # nothing is trained again
    monkeypatch.setattr("tinygsp.sweeping.executors.run_task", None)
    monkeypatch.setattr("tinygsp.sweeping.make_tasks", unchecked(monkeypatch))
    monkeypatch.chdir(tmp_path / "there")
    assert run("prices.csv", *options, "--out", tmp_path / "out") == 0


def unchecked(monkeypatch):
    """`make_tasks` that does not try each method on the data."""
    from tinygsp.sweeping import tasks

    monkeypatch.setattr(tasks, "Trainer", lambda *arguments: None)
    return tasks.make_tasks


@pytest.mark.parametrize(
    "arguments, code, what",
    [
        ([], 3, "--target is missing"),
        (["--target", "cost"], 3, "--target cost: no such column"),
        (["--target", "price", "--budgets", "1000000"], 2, "--budget 1000000: the network has"),
        (["--target", "price", "--transpose"], 3, "--transpose does not apply"),
    ],
)
def test_mistakes(prices_file, tmp_path, capsys, arguments, code, what):
    assert run(prices_file, *arguments, *QUICK, "--out", tmp_path / "out") == code
    one_error(capsys, what)
    assert not (tmp_path / "out").exists()


def test_budgets_or_densities(prices_file, capsys):
    with pytest.raises(SystemExit) as stop:
        run(prices_file, "--target", "price", "--budgets", "8", "--densities", "0.1")
    assert stop.value.code == 2
    one_error(capsys, "--budgets says the same as --densities")
