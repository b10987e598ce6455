"""The sweep command in trouble: tasks that fail, Ctrl-C, a full disk, workers that are killed, and a lost cluster."""

import _thread
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.cli import one_error
from helpers.sweeps import FIGURE, FILES, FOUR, SMALL, began, result_files, run, table

from tinygsp.sweeping import executors, pool
from tinygsp.training import DivergedError, Trainer

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("light_sweep")


# --- tasks that fail, and what stops a sweep ----------------------------------------------------------------


def test_a_task_that_fails_does_not_stop_the_others(folder, tmp_path, monkeypatch, capsys, tasks_run):
    whole_run = Trainer.run

    def failing_run(trainer):
        if trainer.method.name == "magnitude" and trainer.seed == 1:
            raise DivergedError("the loss became nan at step 3")
        yield from whole_run(trainer)
        if trainer.method.name == "magnitude":
            raise ArithmeticError("odd\nand more")

    monkeypatch.setattr(Trainer, "run", failing_run)
    arguments = [folder, *SMALL, "--methods", "magnitude,gates", "--seeds", "0-1", "--out", tmp_path / "out"]
    assert run(*arguments, "--quiet") == 1
    captured = capsys.readouterr()
    assert "failed: magnitude, density 0.1, seed 1: the loss became nan at step 3\n" in captured.out
    assert "failed: magnitude, density 0.1, seed 0: ArithmeticError: odd\n" in captured.out
    assert [r["method"] for r in table(tmp_path / "out")] == ["gates", "gates"] and len(tasks_run) == 4
    assert run(*arguments, "--json") == 1 and len(tasks_run) == 6  # they are tried again, the others are done
    content = json.loads(capsys.readouterr().out)
    assert [f["seed"] for f in content["failed"]] == [0, 1] and content["summary"][0]["n"] == 2
    assert run(folder, *SMALL, "--methods", "magnitude", "--seeds", 0, "--out", tmp_path / "none", "--quiet") == 1
    assert {p.name for p in (tmp_path / "none").iterdir()} == FILES - FIGURE


def test_interrupted_and_repeated(made_sweep, folder, tmp_path, monkeypatch, capsys):
    """Ctrl-C after the first result: it is kept, the second task is not waited for, and the rest is done later."""
    out, run_task, calls, over = tmp_path / "out", executors.run_task, [], threading.Event()

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

    monkeypatch.setattr(executors, "pool", lambda workers: Pool(1))
    monkeypatch.setattr(executors, "run_task", interrupting)
    assert run(folder, *FOUR, "--out", out, "--quiet") == 130
    one_error(capsys, "interrupted", "1 of 4 are done, the same command does the rest")
    assert len(calls) == 2 and len(result_files(out)) == 1 and not (out / "sweep.lock").exists()
    assert run(folder, *FOUR, "--out", out) == 0 and len(calls) == 5 and table(out) == table(made_sweep)
    assert "1 of 4 were already done" in capsys.readouterr().err


def test_a_disk_that_fills_up(made_sweep, folder, tmp_path, monkeypatch, capsys):
    two = [*SMALL, "--methods", "magnitude", "--seeds", "0-1"]
    for count in range(9):
        out, calls = tmp_path / f"full{count}", iter(range(2 * count))

        def full(handle, calls=calls):
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
        assert run(folder, *two, "--out", out, "--quiet") == 0 and table(out) == table(made_sweep)[2:]
        capsys.readouterr()
    assert count > 2  # env.json, two results, the table, the figure: of each a file and, on POSIX, its folder


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_summary_that_cannot_be_printed(whole_sweep, folder):
    """The error line does not say that anything is lost or left to do."""
    command = [sys.executable, "-m", "tinygsp.sweep", folder, *FOUR, "--out", whole_sweep, "--quiet"]
    with open("/dev/full", "w") as stdout:
        done = subprocess.run([str(part) for part in command], cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE,
                              text=True, timeout=60)  # fmt: skip
    expected = "error: stdout: No space left on device; 4 of 4 are done, their table and figure are in"
    assert done.returncode == 1 and done.stderr.startswith(expected) and done.stderr.count("\n") == 1


# --- processes that die -------------------------------------------------------------------------------------


def test_a_worker_of_the_pool_that_is_killed(made_sweep, folder, tmp_path, trouble, monkeypatch, capsys):
    monkeypatch.setattr(executors, "pool", pool)
    (trouble / "kill-1").touch()
    assert run(folder, *FOUR, "--out", tmp_path / "out", "--quiet") == 0
    assert table(tmp_path / "out") == table(made_sweep) and len(began(trouble)[1]) > 1
    assert "a worker was killed" in capsys.readouterr().err


def test_a_task_that_kills_every_worker(folder, tmp_path, monkeypatch, capsys):
    """Its pools are given up after some; the other tasks had their turn."""
    run_task, pools = executors.run_task, []

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

    monkeypatch.setattr(executors, "pool", lambda workers: pools.append(workers) or Pool(workers))
    arguments = [folder, *SMALL, "--methods", "magnitude", "--seeds", "0-2", "--out", tmp_path / "out"]
    assert run(*arguments) == 1
    captured = capsys.readouterr()
    assert len(pools) == 4 and captured.err.count("warning: a worker was killed") == 3
    assert "failed: magnitude, density 0.1, seed 0: its worker was killed 4 times" in captured.out
    assert [r["seed"] for r in table(tmp_path / "out")] == ["1", "2"]


@pytest.mark.skipif(os.name != "posix", reason="needs process groups")
@pytest.mark.parametrize("how, workers, tasks, done", [
    ("Ctrl-C", 2, 3, 2),  # a worker is busy, the other idle
    ("Ctrl-C", 1, 8, 1),  # the worker is busy, and many tasks wait
    ("kill -9", 2, 3, 2),
])  # fmt: skip
def test_no_worker_outlives_the_sweep(how, workers, tasks, done, folder, tmp_path, capsys):
    """In a terminal: Ctrl-C reaches the workers too. They all share stderr, so its end is the end of them all."""
    out, arguments = tmp_path / "out", [*SMALL, "--methods", "magnitude", "--seeds", f"0-{tasks - 1}"]
    arguments += ["--workers", str(workers)]
    (tmp_path / "hold-1").touch()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from helpers import sweeps; sweeps.troubled_main(*sys.argv[2:])"
    )
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


def test_dask_with_a_worker_that_is_killed(made_sweep, folder, tmp_path, trouble, capsys):
    distributed = pytest.importorskip("dask.distributed", reason="dask[distributed] is not installed")
    (trouble / "kill-1").touch()
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options, silence_logs=50, local_directory=str(tmp_path)) as cluster:
        address = cluster.scheduler_address
        assert run(folder, *FOUR, "--out", tmp_path / "out", "--scheduler", address) == 0
        assert table(tmp_path / "out") == table(made_sweep)
        processes = began(trouble)
        assert len(processes[1]) > 1 and str(os.getpid()) not in processes[0] | processes[1]
        (trouble / "hold-2").touch()
        threading.Thread(target=interrupt_when_begun, args=(trouble, 2), daemon=True).start()
        assert run(folder, *FOUR, "--out", tmp_path / "out", "--scheduler", address, "--seeds", "0-2") == 130
        assert "4 of 6 are done" in capsys.readouterr().err
        (trouble / "hold-2").unlink()


def interrupt_when_begun(place, seed):
    while seed not in began(place):
        time.sleep(0.01)
    _thread.interrupt_main()


def test_a_scheduler_that_is_lost(folder, tmp_path, monkeypatch, capsys):
    def lost(task):
        raise CancelledError

    monkeypatch.setattr(executors, "cluster", lambda address, warn: ThreadPoolExecutor(1))
    monkeypatch.setattr(executors, "run_task", lost)
    assert run(folder, *FOUR, "--out", tmp_path / "out", "--scheduler", "tcp://host:1", "--quiet") == 1
    one_error(capsys, "tcp://host:1", "the connection was lost", "0 of 4 are done")
