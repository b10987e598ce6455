"""Executors: any one gives the same, workers are born and end in good order, and killed ones are replaced."""

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, ThreadPoolExecutor

import pytest

from tinygsp import runs, sweeping
from tinygsp.sweeping import executors

TASKS = [sweeping.Task("toy", "", "gates", seed, {}) for seed in range(5)]


def test_the_interface_for_programs(monkeypatch):
    """Any executor, results and failures as they come, and nothing begins once nobody asks for more."""
    began, go = [], threading.Event()

    def fake(task):
        began.append(task.seed)
        go.wait(20)
        if task.seed == 1:
            raise sweeping.TaskError("no")
        return {"seed": task.seed}

    monkeypatch.setattr(executors, "run_task", fake)
    with ThreadPoolExecutor(1) as executor:
        outcomes = sweeping.sweep(TASKS, executor)
        threading.Timer(0.3, go.set).start()  # later than the first wait
        seen = {task.seed: outcome for task, outcome in outcomes}
        assert seen[0] == {"seed": 0} and str(seen[1]) == "no" and began == [0, 1, 2, 3, 4]
        began.clear()
        go.clear()
        stopped = iter([False, True])
        with pytest.raises(KeyboardInterrupt):
            list(sweeping.sweep(TASKS, executor, lambda: next(stopped)))
        go.set()
    assert began == [0]


class Mortal(ThreadPoolExecutor):
    """An executor that is broken by the task of seed 0, and by nothing else."""

    is_broken = False

    def submit(self, function, task):
        if self.is_broken:
            raise BrokenExecutor
        return super().submit(self.work, task)

    def work(self, task):
        self.is_broken = self.is_broken or task.seed == 0
        if self.is_broken:
            raise BrokenExecutor
        return {"seed": task.seed}


def test_a_task_that_kills_every_worker_is_given_up_and_the_others_have_their_turn():
    pools, kept, warnings = [], [], []

    def open_executor(workers):
        pools.append(workers)
        return Mortal(workers)

    failed = sweeping.sweep_to_the_end(
        TASKS, open_executor, 1, lambda task, result: kept.append(result["seed"]), warn=warnings.append
    )
    assert sorted(kept) == [1, 2, 3, 4] and [task.seed for task, _ in failed] == [0]
    assert pools == [1, 1, 1, 1] and executors.MOST_POOLS == 4
    assert failed[0][1].startswith("its worker was killed 4 times")
    assert len(warnings) == 3 and all("a worker was killed" in line for line in warnings)


def test_failures_do_not_stop_the_others_and_a_lost_cluster_does(monkeypatch):
    def fake(task):
        if task.seed == 0:
            raise sweeping.TaskError("no\nand more")
        if task.seed == 1:
            raise ArithmeticError("odd\nand more")
        if task.seed == 9:
            raise CancelledError
        return {"seed": task.seed}

    monkeypatch.setattr(executors, "run_task", fake)
    kept, lost = [], sweeping.Task("toy", "", "gates", 9, {})
    failed = sweeping.sweep_to_the_end(TASKS, ThreadPoolExecutor, 1, lambda task, result: kept.append(task.seed))
    assert sorted(kept) == [2, 3, 4]
    assert {task.seed: why for task, why in failed} == {0: "no", 1: "ArithmeticError: odd"}
    with pytest.raises(CancelledError):
        sweeping.sweep_to_the_end([lost], ThreadPoolExecutor, 1, lambda task, result: None)
    assert sweeping.sweep_to_the_end([], None, 1, None) == []


def test_a_pool_that_is_left_early_ends_without_a_word(monkeypatch):
    """A task runs and others wait, which are cancelled. Before Python 3.12 the pool's thread, if it was late, printed
    a traceback; that was rare, so it is tried often."""
    printed, before, children = [], threading.enumerate(), multiprocessing.active_children()
    monkeypatch.setattr(threading, "excepthook", printed.append)
    monkeypatch.setattr(executors, "run_task", time.sleep)
    for _ in range(12):
        with pytest.raises(KeyboardInterrupt), sweeping.pool(1) as executor:
            for _ in sweeping.sweep([0, *[600] * 7], executor):
                raise KeyboardInterrupt
        del executor
        for thread in set(threading.enumerate()) - set(before):  # the pool's, which waits for its worker's end
            thread.join(60)
            assert printed == [] and not thread.is_alive()
        assert set(multiprocessing.active_children()) <= set(children)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no signal masks")
def test_workers_are_born_without_ctrl_c():
    def is_blocked():
        return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])

    class Asks(ThreadPoolExecutor):
        def submit(self, function, task):
            return super().submit(int, is_blocked())  # asked here, where a pool would start a process

    with Asks(1) as executor:
        assert [outcome for _, outcome in sweeping.sweep(TASKS[:1], executor)] == [1] and not is_blocked()


def test_workers_ignore_ctrl_c():
    """Also one that is born without the mask above, in a parent that handles Ctrl-C, as on a terminal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with sweeping.pool(1) as executor:
            assert executor.submit(signal.getsignal, signal.SIGINT).result(60) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_processes_are_new_and_find_the_function_by_its_name():
    assert executors.run_task.__module__ == "tinygsp.sweeping.tasks"
    with sweeping.pool(1) as executor:
        assert executor.submit(os.getpid).result(60) != os.getpid()
        with pytest.raises(sweeping.TaskError, match="no-such-set"):
            executor.submit(executors.run_task, sweeping.Task("no-such-set", "", "gates", 0, {})).result(60)


def test_dask_without_workers_waits_for_some(tmp_path):
    distributed = pytest.importorskip("dask.distributed", reason="dask[distributed] is not installed")
    options = {"n_workers": 0, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    warnings = []
    with (
        distributed.LocalCluster(**options, silence_logs=50, local_directory=str(tmp_path)) as cluster,
        sweeping.cluster(cluster.scheduler_address, warnings.append) as executor,
    ):
        assert len(warnings) == 1 and "has no workers yet" in warnings[0]
        future = executor.submit(pow, 2, 5)
        cluster.scale(1)
        assert future.result(60) == 32


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:99999", "tcp://[::1", "nonsense"])
def test_an_address_that_cannot_be(address):
    pytest.importorskip("dask.distributed", reason="dask[distributed] is not installed")
    with pytest.raises(runs.RunError, match="a Dask scheduler must run there"), sweeping.cluster(address):
        pass
