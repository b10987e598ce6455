"""Tasks: their names, which files on disk are called by, and the function that carries one out."""

import csv
import io
import json
import pickle
import textwrap
from dataclasses import fields, replace
from pathlib import Path
from typing import ClassVar

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tinygsp import methods, sweeping, training
from tinygsp.sweeping import tasks
from tinygsp.training import DivergedError, Settings, Trainer

SWEEPS = Path(__file__).resolve().parents[2] / "data" / "sweeps"
TINY = replace(training.TOY, dense_epochs=1, epochs=2, finetune_epochs=1, tries=1)


# --- names --------------------------------------------------------------------------------------------------


def test_the_name_of_a_task_is_all_that_its_result_depends_on(monkeypatch):
    task = sweeping.Task("mnist", "ab", "gates", 0, dict(vars(Settings())))
    changed = [replace(task, fingerprint="ac"), replace(task, method="l0"), replace(task, seed=1)]
    for name, value in task.settings.items():
        other = value + "x" if isinstance(value, str) else (7,) if isinstance(value, tuple) else value + 1
        changed.append(replace(task, settings=task.settings | {name: other}))
    names = {t.name for t in [task, *changed]}
    assert len(names) == len(changed) + 1 == 4 + len(fields(Settings))
    assert replace(task, data="/elsewhere").name == task.name
    assert replace(task, settings=dict(reversed(task.settings.items()))).name == task.name
    monkeypatch.setattr(tasks, "FORMAT", tasks.FORMAT + 1)
    assert task.name not in names


def test_a_name_does_not_change_from_version_to_version():
    settings = dict(vars(Settings()))
    assert sweeping.Task("x", "ab", "gates", 3, settings).name == "c844a3b06d88cabf"


@pytest.mark.parametrize("folder_name", sorted(path.name for path in SWEEPS.iterdir() if path.is_dir()))
def test_results_that_were_measured_are_still_found(folder_name):
    """Each result in data/sweeps belongs to the task that its settings make today, with a field for each setting."""
    files = sorted((SWEEPS / folder_name / "tasks").iterdir())
    with open(SWEEPS / folder_name / "table.csv", newline="", encoding="utf-8") as file:
        assert len(files) == len(list(csv.DictReader(file))) > 0
    for path in files:
        identity = json.loads(path.read_text(encoding="utf-8"))["task"]
        assert identity.pop("format") == tasks.FORMAT
        settings = vars(Settings(**identity.pop("settings")))
        task = sweeping.Task("any place", settings=settings, **identity)
        assert f"{task.name}.json" == path.name and task.method in methods.names()
        assert settings == vars(training.defaults("any", task.settings["density"])) | {"hidden": [300, 100]}


# --- lists of tasks -----------------------------------------------------------------------------------------


def test_all_combinations_seed_by_seed(folder):
    settings = replace(Settings(), hidden=(12, 8))
    made = sweeping.make_tasks(str(folder), ["snip", "gates"], [0.2, 0.1], [1, 0], settings)
    expected = [(s, d, m) for s in (1, 0) for d in (0.2, 0.1) for m in ("snip", "gates")]
    assert [(t.seed, t.settings["density"], t.method) for t in made] == expected
    assert {t.fingerprint for t in made} == {made[0].fingerprint} and made[0].data == str(folder.resolve())
    everything = sweeping.make_tasks(str(folder), None, [0.1], [0], lambda density: replace(settings, density=density))
    assert [t.method for t in everything] == list(methods.names())
    with pytest.raises(training.SettingsError, match="nothing"):
        sweeping.make_tasks(str(folder), ["gates", "nothing"], [0.1], [0], settings)
    with pytest.raises(training.SettingsError, match="keeps 0"):
        sweeping.make_tasks(str(folder), ["gates"], [0.1, 0.001], [0], settings)


def test_the_toy_has_other_points_for_each_seed():
    made = sweeping.make_tasks("toy", ["gates"], [0.2], [0, 1], training.TOY)
    assert made[0].fingerprint != made[1].fingerprint and {t.data for t in made} == {"toy"}


def test_the_example_of_the_docstring_runs(monkeypatch, capsys):
    monkeypatch.setattr(training, "defaults", lambda name: TINY)
    example = sweeping.__doc__.split("as they end:\n\n")[1].split("\n\n`outcome`")[0]
    exec(textwrap.dedent(example), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10 and lines[1].startswith("magnitude 0 {'dataset': 'toy'")


# --- one task -----------------------------------------------------------------------------------------------


def pickled_and_back(error):
    """Send an exception as a worker of a pool does, which has not imported Dask: that changes how exceptions pickle."""

    class Plain(pickle.Pickler):
        dispatch_table: ClassVar = {}

    file = io.BytesIO()
    Plain(file).dump(error)
    return pickle.loads(file.getvalue())


def test_every_failure_can_be_sent_from_process_to_process(folder):
    class Odd(Exception):
        def __init__(self, a, b):
            super().__init__(a)

    def failing(error):
        def run(self):
            raise error

        return run

    task = sweeping.make_tasks(str(folder), ["gates"], [0.1], [0], replace(Settings(), hidden=(12, 8)))[0]
    for error, text in ((Odd("odd", 1), "Odd: odd"), (DivergedError("the loss became nan"), "the loss became nan")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Trainer, "run", failing(error))
            with pytest.raises(sweeping.TaskError) as caught:
                sweeping.run_task(task)
        assert str(caught.value) == str(pickled_and_back(caught.value)) == text
    with pytest.raises(sweeping.TaskError, match="not the data of the sweep"):
        sweeping.run_task(replace(task, fingerprint="00"))
    with pytest.raises(sweeping.TaskError, match="missing"):
        sweeping.run_task(replace(task, data=str(SWEEPS)))
    with pytest.raises(sweeping.TaskError, match="nothing"):
        sweeping.run_task(replace(task, method="nothing"))


def test_blas_has_one_thread_while_a_task_runs(folder, monkeypatch):
    def threads():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    seen, task = [], sweeping.make_tasks(str(folder), ["gates"], [0.1], [0], replace(Settings(), hidden=(12, 8)))[0]
    monkeypatch.setattr(Trainer, "run", lambda self: seen.append(threads()) or iter(()))
    with threadpool_limits(2, "blas"):
        with pytest.raises(sweeping.TaskError):
            sweeping.run_task(task)  # without a network there is no result
        assert seen == [{1}] and threads() == {2}
