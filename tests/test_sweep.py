"""Many runs: the same table on any executor, nothing done twice, nothing lost when workers or the sweep itself die."""

import _thread
import csv
import dataclasses
import errno
import functools
import io
import json
import multiprocessing
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_train import folder, one_error  # noqa: F401 (a fixture)

from tinygsp import baselines, data, plots, prune, runs, sweep

ROOT = Path(__file__).resolve().parent.parent
SMALL = ["--hidden", "12,8", "--epochs", "2", "--batch-size", "64", "--densities", "0.1"]
FOUR = [*SMALL, "--methods", "gates,magnitude", "--seeds", "0-1"]
FILES = {"tasks", "env.json", "table.csv", "frontier.png"}
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # the second, sent by os.kill, ends a process at once on Windows
real_pool, real_png = sweep.pool, plots.png


@pytest.fixture(autouse=True)
def light(monkeypatch):
    """A thread in place of processes, no waiting for the disk, no pictures; Ctrl-C as in a terminal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.setattr(plots, "png", lambda figure: plots.plt.close(figure) or b"png")
    monkeypatch.setattr(sweep, "pool", lambda workers: ThreadPoolExecutor(workers))
    yield
    signal.signal(signal.SIGINT, before)


def run(*arguments):
    return sweep.main([str(a) for a in arguments])


def table(out):
    """The rows of table.csv, without the column that a clock has written."""
    text = (out / "table.csv").read_text()
    return [{name: v for name, v in r.items() if name != "cpu_seconds"} for r in csv.DictReader(io.StringIO(text))]


def result_files(out):
    return sorted((out / "tasks").iterdir())


@pytest.fixture(scope="module")
def made(folder, tmp_path_factory):  # noqa: F811
    """A finished sweep of four tasks, made once; `whole` is a copy."""
    out = tmp_path_factory.mktemp("sweeps") / "made"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "pool", lambda workers: ThreadPoolExecutor(1))
        assert run(folder, *FOUR, "--out", out, "--quiet") == 0
    return out


@pytest.fixture
def whole(made, tmp_path):
    return shutil.copytree(made, tmp_path / "whole")


@pytest.fixture
def counted(monkeypatch):
    """The tasks that are run, as they are."""
    ran, run_task = [], sweep.run_task
    monkeypatch.setattr(sweep, "run_task", lambda task: ran.append(task) or run_task(task))
    return ran


# --- one table, whatever computes it ------------------------------------------------------------------------


def test_the_folder_is_complete(made):
    assert {p.name for p in made.iterdir()} == FILES and len(result_files(made)) == 4
    assert (made / "frontier.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((made / "env.json").read_text())["threads"] == 1
    rows = table(made)
    assert [(r["method"], r["seed"]) for r in rows] == [
        ("gates", "0"), ("gates", "1"), ("magnitude", "0"), ("magnitude", "1")]  # fmt: skip
    for r, path in zip(rows, result_files(made)):
        assert r["data"].startswith("bands") and r["at_most"] == "57" and 40 < int(r["kept"]) <= 57
        assert int(r["kept"]) == int(r["kept_weights"]) + int(r["kept_biases"])
        assert int(r["steps"]) == int(r["epochs"]) * 11 and 0.3 < float(r["test_accuracy"]) <= 1  # 660 images
        result = json.loads(path.read_text())["result"]
        assert {"cpu_seconds", "seconds", "dense_val_accuracy", "model_bytes", "environment"} <= result.keys()


def test_the_same_table_with_processes_and_with_threads(made, folder, tmp_path, monkeypatch):  # noqa: F811
    assert run(folder, *FOUR, "--out", tmp_path / "threads", "--workers", 2, "--quiet") == 0
    monkeypatch.setattr(sweep, "pool", real_pool)
    assert run(folder, *FOUR, "--out", tmp_path / "processes", "--workers", 2, "--quiet") == 0
    assert table(tmp_path / "threads") == table(tmp_path / "processes") == table(made)
    assert [p.name for p in result_files(tmp_path / "processes")] == [p.name for p in result_files(made)]


def test_it_is_what_a_single_run_gives(made, folder):  # noqa: F811
    settings = replace(prune.Settings(), hidden=(12, 8), epochs=2, batch_size=64, density=0.1)
    pruner = baselines.METHODS["magnitude"](data.load(str(folder), 1), settings, 1)
    records = list(pruner.run())
    summary = runs.summarise(pruner, pruner.network, records, 0)
    row = table(made)[3]
    assert row["test_accuracy"] == f"{summary['test_accuracy']:.6f}" and row["kept"] == str(summary["kept"])


def test_the_interface_for_programs():
    """Any executor, results and failures as they come, and nothing begins once nobody asks for more."""
    tasks = [sweep.Task("toy", "", "gates", seed, {}) for seed in range(5)]
    began, go = [], threading.Event()

    def fake(task):
        began.append(task.seed)
        go.wait(20)
        if task.seed == 1:
            raise sweep.TaskError("no")
        return {"seed": task.seed}

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as executor:
        patch.setattr(sweep, "run_task", fake)
        outcomes = sweep.sweep(tasks, executor)
        threading.Timer(0.3, go.set).start()  # later than the first wait
        seen = dict((task.seed, outcome) for task, outcome in outcomes)
        assert seen[0] == {"seed": 0} and str(seen[1]) == "no" and began == [0, 1, 2, 3, 4]
        began.clear()
        go.clear()
        stopped = iter([False, True])
        with pytest.raises(KeyboardInterrupt):
            list(sweep.sweep(tasks, executor, lambda: next(stopped)))
        go.set()
    assert began == [0]


# --- nothing is done twice ----------------------------------------------------------------------------------


def test_repeated_it_runs_nothing(whole, folder, counted, capsys):  # noqa: F811
    before = (whole / "table.csv").read_bytes()
    assert run(folder, *FOUR, "--out", whole) == 0 and counted == []
    assert (whole / "table.csv").read_bytes() == before
    assert "4 of 4 were already done" in capsys.readouterr().err


def test_more_seeds_run_only_what_is_new(whole, folder, counted, capsys):  # noqa: F811
    assert run(folder, *FOUR, "--out", whole, "--seeds", "0-2") == 0
    assert [task.seed for task in counted] == [2, 2] and len(table(whole)) == 6
    assert "4 of 6 were already done" in capsys.readouterr().err
    assert run(folder, *FOUR, "--out", whole, "--epochs", 3, "--quiet") == 0  # other settings: other tasks
    assert len(counted) == 6 and len(result_files(whole)) == 10 and len(table(whole)) == 4


def test_a_missing_result_is_the_only_one_run(whole, made, folder, counted):  # noqa: F811
    result_files(whole)[2].unlink()
    assert run(folder, *FOUR, "--out", whole, "--quiet") == 0
    assert [f"{task.name}.json" for task in counted] == [result_files(made)[2].name]
    changed = [a != b for a, b in zip(*((out / "table.csv").read_text().splitlines() for out in (whole, made)))]
    assert sum(changed) <= 1 and table(whole) == table(made)  # cpu_seconds apart, all bytes are as before


def test_tables_of_what_is_done(whole, made, folder, counted, capsys):  # noqa: F811
    next((whole / "tasks").iterdir()).unlink()
    assert run(folder, *FOUR, "--out", whole, "--tables") == 0 and counted == []
    kept = table(whole)
    assert len(kept) == len(table(made)) - 1 and all(row in table(made) for row in kept)
    assert "3 runs" in capsys.readouterr().out


@pytest.mark.parametrize("harm", ["empty", "half", "binary", "other", "list", "text", "missing", "deep"])
def test_a_damaged_result_is_run_anew(harm, whole, made, folder, counted, capsys):  # noqa: F811
    path, other = result_files(whole)[:2]
    content = json.loads(path.read_text())
    if harm == "text":
        content["result"]["kept"] = "57"
    if harm == "missing":
        del content["result"]["steps"]
    path.write_bytes({
        "empty": b"", "half": path.read_bytes()[:300], "binary": b"\xff\x00" * 50, "other": other.read_bytes(),
        "list": b"[1]", "text": json.dumps(content).encode(), "missing": json.dumps(content).encode(),
        "deep": b"[" * 100_000,
    }[harm])  # fmt: skip
    assert run(folder, *FOUR, "--out", whole) == 0
    error = capsys.readouterr().err
    assert [f"{task.name}.json" for task in counted] == [path.name] and "3 of 4 were already done" in error
    assert f"warning: {path}: damaged" in error and error.count("warning") == 1
    assert table(whole) == table(made)


def test_what_a_killed_sweep_leaves_half_written_goes(whole, folder):  # noqa: F811
    (whole / ".table.csv.123.tmp").write_text("half")
    (whole / "tasks" / f".{result_files(whole)[0].name}.123.tmp").write_text("half")
    (whole / "sweep.lock").write_text("1\n")
    assert run(folder, *FOUR, "--out", whole, "--quiet") == 0
    assert {p.name for p in whole.iterdir()} == FILES and len(result_files(whole)) == 4


def test_the_name_of_a_task_is_all_that_its_result_depends_on(monkeypatch):
    task = sweep.Task("mnist", "ab", "gates", 0, dict(vars(prune.Settings())))
    changed = [replace(task, fingerprint="ac"), replace(task, method="l0"), replace(task, seed=1)]
    for name, value in task.settings.items():
        other = value + "x" if isinstance(value, str) else (7,) if isinstance(value, tuple) else value + 1
        changed.append(replace(task, settings=task.settings | {name: other}))
    names = {t.name for t in [task, *changed]}
    assert len(names) == len(changed) + 1 == 4 + len(dataclasses.fields(prune.Settings))
    assert replace(task, data="/elsewhere").name == task.name
    assert replace(task, settings=dict(reversed(task.settings.items()))).name == task.name
    monkeypatch.setattr(sweep, "FORMAT", sweep.FORMAT + 1)
    assert task.name not in names


def test_the_same_data_in_another_place_are_the_same(whole, made, folder, tmp_path, counted, monkeypatch):  # noqa: F811
    moved = shutil.copytree(folder, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    assert run("moved", *FOUR, "--out", whole, "--quiet") == 0 and counted == []
    assert {r.pop("data") for r in table(whole)} == {"moved"}
    shutil.copy(moved / "t10k-images-idx3-ubyte.gz", moved / "train-images-idx3-ubyte.gz")
    shutil.copy(moved / "t10k-labels-idx1-ubyte.gz", moved / "train-labels-idx1-ubyte.gz")
    assert run("moved", *FOUR, "--out", whole, "--quiet") == 0 and len(counted) == 4
    assert counted[0].data == str(moved.resolve())


# --- what fails, and what stops it --------------------------------------------------------------------------


class Failing(prune.Pruner):
    def run(self):
        if self.seed == 1:
            raise prune.DivergedError("the loss became nan at step 3")
        yield from super().run()
        raise ArithmeticError("odd\nand more")


def test_a_task_that_fails_does_not_stop_the_others(folder, tmp_path, monkeypatch, capsys, counted):  # noqa: F811
    monkeypatch.setitem(baselines.METHODS, "failing", Failing)
    arguments = [folder, *SMALL, "--methods", "failing,gates", "--seeds", "0-1", "--out", tmp_path / "out"]
    assert run(*arguments, "--quiet") == 1
    captured = capsys.readouterr()
    assert "failed: failing, density 0.1, seed 1: the loss became nan at step 3\n" in captured.out
    assert "failed: failing, density 0.1, seed 0: ArithmeticError: odd\n" in captured.out
    assert [r["method"] for r in table(tmp_path / "out")] == ["gates", "gates"] and len(counted) == 4
    assert run(*arguments, "--json") == 1 and len(counted) == 6  # they are tried again, the others are done
    content = json.loads(capsys.readouterr().out)
    assert [f["seed"] for f in content["failed"]] == [0, 1] and content["summary"][0]["n"] == 2
    assert run(folder, *SMALL, "--methods", "failing", "--seeds", 0, "--out", tmp_path / "none", "--quiet") == 1
    assert {p.name for p in (tmp_path / "none").iterdir()} == FILES - {"frontier.png"}


def test_every_failure_can_be_sent_from_process_to_process(folder):  # noqa: F811
    class Odd(Exception):
        def __init__(self, a, b):
            super().__init__(a)

    task = sweep.make_tasks(str(folder), ["gates"], [0.1], [0], replace(prune.Settings(), hidden=(12, 8)))[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prune.Pruner, "run", lambda self: (_ for _ in ()).throw(Odd("odd", 1)))
        with pytest.raises(sweep.TaskError, match="Odd: odd") as caught:
            sweep.run_task(task)
    assert str(pickle.loads(pickle.dumps(caught.value))) == "Odd: odd"
    with pytest.raises(sweep.TaskError, match="not the data of the sweep"):
        sweep.run_task(replace(task, fingerprint="00"))
    with pytest.raises(sweep.TaskError, match="missing"):
        sweep.run_task(replace(task, data=str(ROOT)))
    with pytest.raises(sweep.TaskError, match="nothing"):
        sweep.run_task(replace(task, method="nothing"))


def test_interrupted_and_repeated(made, folder, tmp_path, monkeypatch, capsys):  # noqa: F811
    """Ctrl-C after the first result: it is kept, the second task is not waited for, and the rest is done later."""
    out, run_task, calls, over = tmp_path / "out", sweep.run_task, [], threading.Event()

    def interrupting(task):
        calls.append(task)
        if len(calls) == 2:
            while not [p for p in result_files(out) if p.suffix == ".json"]:
                time.sleep(0.01)
            _thread.interrupt_main()
            over.wait(20)
        return run_task(task)

    class Pool(ThreadPoolExecutor):
        def shutdown(self, *arguments, **options):
            over.set()
            super().shutdown(*arguments, **options)

    monkeypatch.setattr(sweep, "pool", lambda workers: Pool(1))
    monkeypatch.setattr(sweep, "run_task", interrupting)
    assert run(folder, *FOUR, "--out", out, "--quiet") == 130
    one_error(capsys, "interrupted", "1 of 4 are done, the same command does the rest")
    assert len(calls) == 2 and len(result_files(out)) == 1 and not (out / "sweep.lock").exists()
    assert run(folder, *FOUR, "--out", out) == 0 and len(calls) == 5 and table(out) == table(made)
    assert "1 of 4 were already done" in capsys.readouterr().err


def test_a_disk_that_fills_up(made, folder, tmp_path, monkeypatch, capsys):  # noqa: F811
    two = [*SMALL, "--methods", "magnitude", "--seeds", "0-1"]
    for count in range(9):
        out, calls = tmp_path / f"full{count}", iter(range(2 * count))

        def full(handle):
            if next(calls, None) is None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        code = run(folder, *two, "--out", out, "--quiet")
        monkeypatch.setattr(os, "fsync", lambda handle: None)
        if code == 0:
            break
        assert code == 1
        one_error(capsys, out, "No space left on device", "of 2 are done")
        assert not [*out.rglob("*.tmp"), *out.rglob("*.lock")]
        assert run(folder, *two, "--out", out, "--quiet") == 0 and table(out) == table(made)[2:]
        capsys.readouterr()
    assert count > 2  # env.json, two results, the table, the figure: of each a file and, on POSIX, its folder


# --- processes that die -------------------------------------------------------------------------------------


def troubled(place, task):
    """run_task as a worker has it, but: seeds with a file `kill-SEED` kill their worker once, with `poison-SEED` every
    time, with `hold-SEED` wait for its end. Which process began which seed stands in `began`."""
    place = Path(place)
    with open(place / "began", "a") as file:
        file.write(f"{task.seed} {os.getpid()}\n")
    if (place / f"kill-{task.seed}").exists():
        (place / f"kill-{task.seed}").unlink()
        os.kill(os.getpid(), KILL)
    if (place / f"poison-{task.seed}").exists():
        os.kill(os.getpid(), KILL)
    while (place / f"hold-{task.seed}").exists():
        time.sleep(0.01)
    return sweep.run_task(task)


def troubled_main(place, *arguments):
    """The command, in a process of its own."""
    sweep.run_task = functools.partial(troubled, place)
    sys.exit(sweep.main(list(arguments)))


def began(place):
    """{seed: the processes that began with it}."""
    found = {}
    for line in (place / "began").read_text().splitlines():
        found.setdefault(int(line.split()[0]), set()).add(line.split()[1])
    return found


@pytest.fixture
def trouble(monkeypatch, tmp_path):
    """A folder to put files in for `troubled`, which workers in other processes run."""
    place = tmp_path / "trouble"
    place.mkdir()
    monkeypatch.setattr(sweep, "run_task", functools.partial(troubled, str(place)))
    return place


def test_a_worker_of_the_pool_that_is_killed(made, folder, tmp_path, trouble, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setattr(sweep, "pool", real_pool)
    (trouble / "kill-1").touch()
    assert run(folder, *FOUR, "--out", tmp_path / "out", "--quiet") == 0
    assert table(tmp_path / "out") == table(made) and len(began(trouble)[1]) > 1
    assert "a worker was killed" in capsys.readouterr().err


def test_a_task_that_kills_every_worker(folder, tmp_path, monkeypatch, capsys):  # noqa: F811
    """Its pools are given up after some; the other tasks had their turn."""
    run_task, pools = sweep.run_task, []

    class Pool(ThreadPoolExecutor):
        broken = False

        def submit(self, function, task):
            if self.broken:
                raise BrokenExecutor
            return super().submit(self.work, task)

        def work(self, task):
            self.broken = self.broken or task.seed == 0
            if self.broken:
                raise BrokenExecutor
            return run_task(task)

    monkeypatch.setattr(sweep, "pool", lambda workers: pools.append(workers) or Pool(workers))
    arguments = [folder, *SMALL, "--methods", "magnitude", "--seeds", "0-2", "--out", tmp_path / "out"]
    assert run(*arguments) == 1
    captured = capsys.readouterr()
    assert len(pools) == 4 and captured.err.count("a worker was killed") == 3
    assert "failed: magnitude, density 0.1, seed 0: its worker was killed 4 times" in captured.out
    assert [r["seed"] for r in table(tmp_path / "out")] == ["1", "2"]


@pytest.mark.skipif(os.name != "posix", reason="needs process groups")
@pytest.mark.parametrize("how, workers, tasks, done", [
    ("Ctrl-C", 2, 3, 2),  # a worker is busy, the other idle
    ("Ctrl-C", 1, 8, 1),  # the worker is busy, and many tasks wait
    ("kill -9", 2, 3, 2),
])  # fmt: skip
def test_no_worker_outlives_the_sweep(how, workers, tasks, done, folder, tmp_path, capsys):  # noqa: F811
    """In a terminal: Ctrl-C reaches the workers too. They all share stderr, so its end is the end of them all."""
    out, arguments = tmp_path / "out", [*SMALL, "--methods", "magnitude", "--seeds", f"0-{tasks - 1}"]
    arguments += ["--workers", str(workers)]
    (tmp_path / "hold-1").touch()
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_sweep; test_sweep.troubled_main(*sys.argv[2:])"
    command = [sys.executable, "-c", code, ROOT / "tests", tmp_path, folder, *arguments, "--out", out]
    process = subprocess.Popen([str(part) for part in command], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)  # fmt: skip
    while not ((tmp_path / "began").exists() and 1 in began(tmp_path) and len(list(out.glob("tasks/[!.]*"))) == done):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT) if how == "Ctrl-C" else process.kill()
    _, error = process.communicate(timeout=60)
    assert process.returncode == (130 if how == "Ctrl-C" else -9) and "Traceback" not in error
    if how == "Ctrl-C":
        expected = f"error: interrupted; {done} of {tasks} are done, the same command does the rest"
        assert error.splitlines()[-1] == expected
    assert run(folder, *arguments, "--out", out) == 0 and len(table(out)) == tasks
    assert f"{done} of {tasks} were already done" in capsys.readouterr().err


def test_a_pool_that_is_left_early_ends_without_a_word(monkeypatch):
    """While a task runs and others wait, which are cancelled. The pool's thread, if late, printed a traceback before
    Python 3.12; so it is done often."""
    said, before, children = [], threading.enumerate(), multiprocessing.active_children()
    monkeypatch.setattr(threading, "excepthook", said.append)
    monkeypatch.setattr(sweep, "run_task", time.sleep)
    for _ in range(12):
        with pytest.raises(KeyboardInterrupt), real_pool(1) as executor:
            for _ in sweep.sweep([0, *[600] * 7], executor):
                raise KeyboardInterrupt
        del executor
        for thread in set(threading.enumerate()) - set(before):  # the pool's, which waits for its worker's end
            thread.join(60)
            assert said == [] and not thread.is_alive()
        assert set(multiprocessing.active_children()) <= set(children)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no signal masks")
def test_workers_are_born_without_ctrl_c():
    def blocked():
        return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])

    class Asks(ThreadPoolExecutor):
        def submit(self, function, task):
            return super().submit(int, blocked())  # asked here, where a pool would start a process

    with Asks(1) as executor:
        outcomes = sweep.sweep([sweep.Task("toy", "", "gates", 0, {})], executor)
        assert [outcome for _, outcome in outcomes] == [1] and not blocked()


def test_dask_with_a_worker_that_is_killed(made, folder, tmp_path, trouble, capsys):  # noqa: F811
    distributed = pytest.importorskip("dask.distributed", reason="dask[distributed] is not installed")
    (trouble / "kill-1").touch()
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options, silence_logs=50, local_directory=str(tmp_path)) as cluster:
        address = cluster.scheduler_address
        assert run(folder, *FOUR, "--out", tmp_path / "out", "--scheduler", address) == 0
        assert table(tmp_path / "out") == table(made)
        processes = began(trouble)
        assert len(processes[1]) > 1 and str(os.getpid()) not in processes[0] | processes[1]
        (trouble / "hold-2").touch()
        threading.Thread(target=interrupt_when_begun, args=(trouble, 2), daemon=True).start()
        assert run(folder, *FOUR, "--out", tmp_path / "out", "--scheduler", address, "--seeds", "0-2") == 130
        assert "4 of 6 are done" in capsys.readouterr().err
        (trouble / "hold-2").unlink()


def test_dask_without_workers_waits_for_some(tmp_path, capsys):
    distributed = pytest.importorskip("dask.distributed", reason="dask[distributed] is not installed")
    options = {"n_workers": 0, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options, silence_logs=50, local_directory=str(tmp_path)) as cluster:
        with sweep.cluster(cluster.scheduler_address) as executor:
            assert "has no workers yet" in capsys.readouterr().err
            future = executor.submit(pow, 2, 5)
            cluster.scale(1)
            assert future.result(60) == 32


def interrupt_when_begun(place, seed):
    while seed not in began(place):
        time.sleep(0.01)
    _thread.interrupt_main()


# --- what is said -------------------------------------------------------------------------------------------


def rows(method, scores, density=0.01, at_most=2666, kept=2600):
    return [{"density": density, "at_most": at_most, "method": method, "kept": kept + k, "seed": k, "cpu_seconds": 60.0,
             "test_accuracy": score, "val_accuracy": score - 0.01, "task": "classification"}
            for k, score in enumerate(scores)]  # fmt: skip


def test_the_summary_by_hand():
    gates, other, once = sweep.summarise(
        rows("gates", [0.94, 0.95, 0.96]) + rows("other", [0.90, 0.94]) + rows("once", [0.9])
    )
    assert gates["n"] == 3 and gates["at_most"] == 2666 and gates["kept"] == 2601 and gates["cpu_seconds"] == 60
    assert gates["test_accuracy"] == pytest.approx(0.95) and gates["test_sd"] == pytest.approx(0.01)
    assert gates["val_accuracy"] == pytest.approx(0.94) and gates["ahead"] is gates["ahead_error"] is None
    assert other["test_accuracy"] == pytest.approx(0.92) and other["test_sd"] == pytest.approx(0.0008**0.5)
    assert other["ahead"] == pytest.approx(0.03)
    assert other["ahead_error"] == pytest.approx((0.0001 / 3 + 0.0008 / 2) ** 0.5)
    assert once["n"] == 1 and once["test_sd"] is once["ahead"] is once["ahead_error"] is None
    apart = sweep.summarise(rows("gates", [0.9, 0.9], 0.01) + rows("other", [0.8, 0.8], 0.02))
    assert [s["ahead"] for s in apart] == [None, None]  # another budget is no comparison


def test_the_table_for_people(whole, folder, capsys):  # noqa: F811
    summary = sweep.summarise(rows("gates", [0.94, 0.95, 0.96]) + rows("other", [0.90, 0.94]))
    args = type("Args", (), {"json": False, "out": "sweeps/x"})
    sweep.report(args, rows("gates", [0.9] * 90), summary, [])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == "2,666 gates 3 95.00 ± 1.00 94.00 60.0".split()
    assert lines[2].split() == "2,666 other 2 92.00 ± 2.83 91.00 60.0 3.00 ± 2.08".split()
    assert lines[4].startswith("90 runs, 1.50 core-hours") and "sweeps/x" in lines[5]
    assert run(folder, *FOUR, "--out", whole, "--json") == 0
    captured = capsys.readouterr()
    content = json.loads(captured.out)
    cpu = [json.loads(path.read_text())["result"]["cpu_seconds"] for path in result_files(whole)]
    assert captured.err == "" and content["core_hours"] == pytest.approx(sum(cpu) / 3600) and content["failed"] == []
    assert [s["method"] for s in content["summary"]] == ["gates", "magnitude"]


def test_progress(folder, tmp_path, capsys):  # noqa: F811
    arguments = [folder, *SMALL, "--methods", "magnitude", "--seeds", "3,1"]
    assert run(*arguments, "--out", tmp_path / "a") == 0
    error = capsys.readouterr().err.splitlines()
    assert error[0] == "2 tasks" and "1 of 2  magnitude" in error[1] and "2 of 2" in error[2] and len(error) == 3
    assert run(*arguments, "--out", tmp_path / "b", "--quiet") == 0 and capsys.readouterr().err == ""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.setattr(sys, "stderr", Terminal())
        assert run(*arguments, "--out", tmp_path / "c") == 0
        assert "\r" in sys.stderr.getvalue() and "2/2" in sys.stderr.getvalue()


def test_a_regression(tmp_path, monkeypatch, capsys):
    toy = data.toy
    monkeypatch.setattr(data, "toy", lambda seed: toy(seed, 360, 50, 50))
    monkeypatch.setattr(prune, "TOY", replace(prune.TOY, dense_epochs=2, epochs=4, finetune_epochs=2, tries=1))
    monkeypatch.setattr(plots, "png", real_png)
    assert run("toy", "--seeds", "0-1", "--methods", "gates,random", "--out", tmp_path / "toy", "--quiet") == 0
    assert "test R²" in capsys.readouterr().out
    assert [(r["density"], r["at_most"]) for r in table(tmp_path / "toy")] == [("0.2", "36")] * 4
    assert (tmp_path / "toy/frontier.png").read_bytes().startswith(b"\x89PNG")
    tasks = sweep.make_tasks("toy", ["gates"], [0.2], [0, 1], prune.TOY)
    assert tasks[0].fingerprint != tasks[1].fingerprint  # points drawn for each seed


def test_the_picture():
    found = []
    for density, kept, best in ((0.0015, 399, 0.95), (0.01, 2666, 0.98)):
        found += rows("gates", [best, best + 0.004], density, kept, kept)
        found += rows("vd", [best - 0.02], density, kept, kept)
    found += rows("random", [0.1, 1.0], 0.01, 2666, 2666)
    figure, axes = plots.canvas((9, 5.5))
    drawn = plots.frontier(sweep.summarise(found), sweep.PUBLISHED, axes[0, 0])
    labels = drawn.get_legend_handles_labels()[1]
    assert set(labels) == {"gates", "random", "vd", "published"}
    texts = [text.get_text() for text in drawn.texts]
    assert texts == [name for name, *_ in sweep.PUBLISHED]
    assert drawn.get_xscale() == drawn.get_yscale() == "log" and drawn.yaxis_inverted()
    bars = {container.get_label(): container for container in drawn.containers}
    thick = bars.pop("gates").lines[0]
    assert thick.get_ydata() == pytest.approx([0.048, 0.018])
    assert all(thick.get_zorder() > c.lines[0].get_zorder() for c in bars.values())
    assert all(thick.get_linewidth() > 2 * c.lines[0].get_linewidth() for c in bars.values())
    assert real_png(figure).startswith(b"\x89PNG")


def test_published_figures_belong_to_mnist(whole, folder, monkeypatch):  # noqa: F811
    shown = []
    monkeypatch.setattr(plots, "frontier", lambda rows, published, axes, name: shown.append(published))
    assert run(folder, *FOUR, "--out", whole, "--quiet") == 0 and shown == [()]
    sweep.write_tables(whole, [], [], True)
    rows = [json.loads(path.read_text())["result"] for path in result_files(whole)[:1]]
    row = sweep.row(sweep.Task("mnist", "", "gates", 0, {"density": 0.1}), rows[0])
    sweep.write_tables(whole, [row], sweep.summarise([row]), True)
    assert shown == [(), sweep.PUBLISHED]


# --- mistakes: one line, and nothing is touched -------------------------------------------------------------


def test_help_needs_no_heavy_import():
    code = "import sys; from tinygsp import sweep\n"
    code += "try: sweep.main([sys.argv[1]])\nexcept SystemExit as stop: assert stop.code == int(sys.argv[2])\n"
    code += "heavy = {'numpy', 'numba', 'matplotlib', 'dask'} & sys.modules.keys()\nassert not heavy, heavy"
    for argument, code_of_exit in (("--help", "0"), ("--seeds=x", "2")):
        done = subprocess.run([sys.executable, "-c", code, argument, code_of_exit], cwd=ROOT, capture_output=True,
                              text=True, timeout=60)  # fmt: skip
        assert done.returncode == 0, done.stderr
    done = subprocess.run([sys.executable, "-m", "tinygsp.sweep", "--help"], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)  # fmt: skip
    assert done.returncode == 0 and "exit codes" in done.stdout and "--scheduler" in done.stdout


def test_seeds():
    assert sweep.seeds("0-4") == (0, 1, 2, 3, 4) and sweep.seeds("0,3,7") == (0, 3, 7)
    assert sweep.seeds("2,0-2,5-5") == (2, 0, 1, 5) and sweep.seeds("4294967295") == (2**32 - 1,)


@pytest.mark.parametrize("arguments, words", [
    (["--seeds", "4-0"], "0-4 or 0,3,7"), (["--seeds", "-1"], "0-4 or 0,3,7"), (["--seeds", "1,,2"], "0-4 or 0,3,7"),
    (["--seeds", "4294967296"], "4294967295"), (["--seeds", "0-99999999"], "10,000"), (["--seeds", ""], "0-4"),
    (["--seeds", "0-"], "0-4"), (["--densities", "0.1,0"], "(0, 1]"), (["--densities", ""], "(0, 1]"),
    (["--densities", "0.1,nan"], "(0, 1]"), (["--epochs", "0"], "at least 1"), (["--hidden", "x"], "sizes"),
    (["--workers", "0"], "from 1 to"), (["--workers", "many"], "from 1 to"), (["--scheduler", "here"], "tcp://"),
    (["--scheduler", "tcp://host"], "tcp://host:port"), (["--nonsense"], "--nonsense"),
    (["--workers", "2", "--scheduler", "tcp://host:1"], "--workers"),
])  # fmt: skip
def test_bad_arguments(arguments, words, folder, tmp_path, capsys):  # noqa: F811
    with pytest.raises(SystemExit) as stop:
        run(folder, *arguments, "--out", tmp_path / "out")
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and error.startswith("error: ")
    assert words in error and arguments[0] in error and not (tmp_path / "out").exists()


def test_methods_densities_and_data_that_cannot_be(folder, tmp_path, capsys):  # noqa: F811
    out = tmp_path / "out"
    assert run(folder, *FOUR, "--methods", "gates,nothing", "--out", out) == 2
    one_error(capsys, "--methods", "'nothing'", "gates, random")
    assert run(folder, *FOUR, "--densities", "0.1,0.001", "--out", out) == 2
    one_error(capsys, "density 0.001", "keeps 0")
    assert run("no-such-set", "--out", out) == 3
    one_error(capsys, "no-such-set", "mnist", "toy")
    assert not out.exists()


@pytest.mark.parametrize("name", ["thesis.txt", "config.json", "tasks/thesis.txt", "tasks/abc.json"])
def test_a_folder_with_something_else_in_it(name, folder, tmp_path, capsys):  # noqa: F811
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("years of work")
    before = sorted(tmp_path.rglob("*"))
    assert run(folder, *FOUR, "--out", tmp_path) == 1
    one_error(capsys, tmp_path, path.name, "choose another folder")
    assert sorted(tmp_path.rglob("*")) == before and path.read_text() == "years of work"


def test_a_folder_that_cannot_be(folder, tmp_path, monkeypatch, capsys):  # noqa: F811
    (tmp_path / "file").write_text("mine")
    assert run(folder, *FOUR, "--out", tmp_path / "file") == 1
    one_error(capsys, "is a file")
    assert run(folder, *FOUR, "--out", tmp_path / "file" / "sweep") == 1
    one_error(capsys, "cannot be written")
    os_open = os.open

    def refuse(path, *arguments, **options):
        if str(path).startswith(str(tmp_path)):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return os_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert run(folder, *FOUR, "--out", tmp_path / "new") == 1
    one_error(capsys, "new", "cannot be written", "Permission denied")
    assert (tmp_path / "file").read_text() == "mine"


def test_one_sweep_at_a_time(whole, folder, capsys):  # noqa: F811
    with sweep.claimed(whole):
        assert run(folder, *FOUR, "--out", whole) == 1
        one_error(capsys, whole, f"process {os.getpid()} is working in it")
    assert run(folder, *FOUR, "--out", whole, "--quiet") == 0


def test_a_scheduler_that_is_not_there(folder, tmp_path, monkeypatch, capsys):  # noqa: F811
    with socket.socket() as taken:  # bound, and never listening
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        arguments = [folder, *FOUR, "--out", tmp_path / "out", "--scheduler", address]
        if find_spec("distributed"):
            assert run(*arguments, "--quiet") == 1
            one_error(capsys, "--scheduler tcp://127.0.0.1", "a Dask scheduler must run there", "0 of 4 are done")
        monkeypatch.setitem(sys.modules, "dask.distributed", None)
        assert run(*arguments, "--quiet") == 1
        one_error(capsys, "needs Dask", 'pip install "dask[distributed]"', "tinygsp[dask]")


def test_a_scheduler_that_is_lost(folder, tmp_path, monkeypatch, capsys):  # noqa: F811
    def lost(task):
        raise CancelledError

    monkeypatch.setattr(sweep, "cluster", lambda address: ThreadPoolExecutor(1))
    monkeypatch.setattr(sweep, "run_task", lost)
    assert run(folder, *FOUR, "--out", tmp_path / "out", "--scheduler", "tcp://host:1", "--quiet") == 1
    one_error(capsys, "tcp://host:1", "the connection was lost", "0 of 4 are done")
