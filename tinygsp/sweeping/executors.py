"""Give tasks to a concurrent.futures.Executor: a pool of processes on this machine, or a Dask cluster.

`sweep` works with any executor and yields what becomes of each task. `pool` starts processes that end with their
parent, however it ends. `cluster` connects to a Dask scheduler. `sweep_to_the_end` replaces a pool one of whose
workers was killed, for instance by the system when memory ran out. Read tables.py next.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

from tinygsp.runs import RunError
from tinygsp.sweeping.tasks import Task, TaskError, run_task

CONNECT_SECONDS = 10  # to wait for a scheduler's answer
MOST_POOLS = 4  # started one after another, when workers are killed


def sweep(
    tasks: Iterable[Task], executor: Executor, is_stopped: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Task, dict | BaseException]]:
    """Run tasks on an executor; yield each task with its result, or with the exception that ended it, as they end.

    is_stopped : once it returns True, KeyboardInterrupt is raised, at most 0.2 seconds later

    However this ends, tasks that have not begun by then are cancelled.
    """
    with ctrl_c_blocked():
        futures = {submit(executor, task): task for task in tasks}
    try:
        waiting = set(futures)
        while waiting:
            if is_stopped():
                raise KeyboardInterrupt
            ended, waiting = wait(waiting, 0.2, FIRST_COMPLETED)  # without a limit, Windows would not deliver Ctrl-C
            for future in ended:
                error = CancelledError() if future.cancelled() else future.exception()
                yield futures[future], error or future.result()
    finally:
        for future in futures:
            future.cancel()


def submit(executor: Executor, task: Task) -> Future:
    """Submit one task; if an earlier task has broken the executor, return a future that has failed with that."""
    try:
        return executor.submit(run_task, task)
    except BrokenExecutor as error:
        future = Future()
        future.set_exception(error)
        return future


def sweep_to_the_end(
    tasks: list[Task],
    open_executor: Callable[[int], contextlib.AbstractContextManager[Executor]],
    workers: int,
    keep: Callable[[Task, dict], None],
    is_stopped: Callable[[], bool] = lambda: False,
    warn: Callable[[str], None] = lambda message: None,
) -> list[tuple[Task, str]]:
    """Run tasks, with new workers when one of them was killed; return the tasks that failed, each with its reason.

    open_executor : number of workers -> a context manager that gives an executor, such as `pool`
    workers       : at most so many at a time
    keep          : receives each task that ended well, with its result
    warn          : receives a line when tasks begin again

    Raises KeyboardInterrupt as `sweep` does, and CancelledError if somebody else has cancelled a task, which a Dask
    cluster does when the connection is lost.
    """
    failed = []
    for pools_left in reversed(range(MOST_POOLS)):
        if not tasks:
            break
        broken, used = set(), min(workers, len(tasks))
        with open_executor(used) as executor:
            for task, outcome in sweep(tasks, executor, is_stopped):
                if isinstance(outcome, CancelledError):
                    raise outcome
                if isinstance(outcome, BrokenExecutor) and pools_left:
                    broken.add(task.name)
                elif isinstance(outcome, BaseException):
                    failed.append((task, reason(outcome)))
                else:
                    keep(task, outcome)
        tasks = [task for task in tasks if task.name in broken]
        if tasks:
            warn(f"a worker was killed; {len(tasks)} tasks begin again with new workers")
        tasks = tasks[used:] + tasks[:used]  # the first ones ran when it was killed; let the others go before them
    return failed


def reason(error: BaseException) -> str:
    """Return one line on why a task failed."""
    if isinstance(error, BrokenExecutor):
        return f"its worker was killed {MOST_POOLS} times; is there enough memory for --workers?"
    return first_line(error) if isinstance(error, TaskError) else f"{type(error).__name__}: {first_line(error)}"


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says."""
    return str(error).partition("\n")[0]


@contextlib.contextmanager
def ctrl_c_blocked() -> Iterator[None]:
    """Block Ctrl-C in this thread meanwhile, where the system can; processes started meanwhile never receive one."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Give a ProcessPoolExecutor of new processes, which end with this one; after an exception, they end at once.

    The processes are spawned, not forked: a fork would copy the locks of numba and BLAS in whatever state they are.
    """
    spawn = multiprocessing.get_context("spawn")
    reader, writer = spawn.Pipe(duplex=False)
    executor = ProcessPoolExecutor(workers, spawn, begin_worker, (reader,))
    try:
        yield executor
        executor.shutdown()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        # Keep the executor until Python exits: 3.10 and 3.11 print a traceback when one whose tasks were cancelled is
        # collected while its thread still runs.
        atexit.register(executor.shutdown)
        writer.close()
        reader.close()


def begin_worker(parent: Connection) -> None:
    """Prepare a worker: it ignores Ctrl-C, which the parent handles, and ends when its parent's end of a pipe closes.

    The system closes that end when the parent ends, even by kill -9.
    """

    def end_with_parent():
        with contextlib.suppress(EOFError, OSError):
            parent.recv()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()


@contextlib.contextmanager
def cluster(address: str, warn: Callable[[str], None] = lambda message: None) -> Iterator[Executor]:
    """Give an executor whose workers are those of the Dask scheduler at `address`, tcp://host:port.

    warn : receives a line if the scheduler has no workers yet

    Raises RunError if Dask is not installed, or if nothing of use answers there.
    """
    try:
        from dask.distributed import Client
    except ImportError as error:
        advice = 'pip install "dask[distributed]", or this library as "tinygsp[dask]"'
        raise RunError(f"--scheduler {address}: needs Dask ({error}); {advice}") from error
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # it would print tracebacks
    try:
        parts = urlsplit(address)
        socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()  # a Client tries much longer
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        for run in (client.run_on_scheduler, client.run):  # one that cannot import a task may drop it silently
            run(exec, "import tinygsp.sweeping")
    except Exception as error:  # whatever listens at that port may answer anything
        needed = "a Dask scheduler must run there, with this library installed for it and for its workers"
        raise RunError(f"--scheduler {address}: {first_line(error)}; {needed}") from error
    with client:
        if not client.scheduler_info()["workers"]:
            warn("the scheduler has no workers yet, the tasks wait for some")
        yield client.get_executor(pure=False)
