"""Sweeps: many runs, methods x densities x seeds, on any concurrent.futures.Executor, and a table of their results.

A task is one run, described as plain data; `sweep` runs tasks and yields what becomes of each, as they end:

    from concurrent.futures import ThreadPoolExecutor
    from tinygsp import sweeping
    from tinygsp.training import defaults

    tasks = sweeping.make_tasks("toy", ["gates", "magnitude"], [0.2], range(5), defaults("toy"))
    with ThreadPoolExecutor(1) as executor:
        for task, outcome in sweeping.sweep(tasks, executor):
            print(task.method, task.seed, outcome)

`outcome` is a dict, or the exception that ended the task. tasks.py says what a task is, executors.py how tasks get to
processes and other machines, folder.py where results are kept, tables.py and figure.py what is made of them. The
command is commands/sweep.py; read tasks.py next.
"""

from tinygsp.sweeping.executors import cluster, pool, sweep, sweep_to_the_end
from tinygsp.sweeping.tables import summarise
from tinygsp.sweeping.tasks import Task, TaskError, make_tasks, run_task

__all__ = ["Task", "TaskError", "cluster", "make_tasks", "pool", "run_task", "summarise", "sweep", "sweep_to_the_end"]
