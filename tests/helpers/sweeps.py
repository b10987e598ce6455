"""Small sweeps: run the command, read what it has written, and make trouble for its workers.

Workers in other processes import this file to find `troubled`, so it imports nothing that only tests need.
"""

import csv
import functools
import io
import os
import signal
import sys
import time
from pathlib import Path

from tinygsp.commands import sweep
from tinygsp.sweeping import executors, tasks

SMALL = ["--hidden", "12,8", "--epochs", "2", "--batch-size", "64", "--densities", "0.1"]
FOUR = [*SMALL, "--methods", "gates,magnitude", "--seeds", "0-1"]
FIGURE = {"frontier.png", "frontier.svg"}
FILES = {"tasks", "env.json", "table.csv", *FIGURE}  # of a folder that no sweep works in
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # SIGTERM, sent by os.kill, ends a process at once on Windows


def run(*arguments):
    """Run the command in this process; returns its exit code."""
    return sweep.main([str(argument) for argument in arguments])


def table(out):
    """The rows of table.csv, without the column that a clock has written."""
    text = (out / "table.csv").read_text()
    return [{name: v for name, v in r.items() if name != "cpu_seconds"} for r in csv.DictReader(io.StringIO(text))]


def result_files(out):
    """The files of a sweep's results, sorted by name."""
    return sorted((out / "tasks").iterdir())


def rows(method, scores, density=0.01, at_most=2666, kept=2600):
    """Rows of a table by hand: seed k has scores[k] and keeps k parameters more than `kept`."""
    same = {"density": density, "at_most": at_most, "method": method, "cpu_seconds": 60.0, "task": "classification"}
    return [
        {**same, "seed": k, "kept": kept + k, "test_accuracy": score, "val_accuracy": score - 0.01}
        for k, score in enumerate(scores)
    ]


# --- trouble ------------------------------------------------------------------------------------------------


def troubled(place, task):
    """Run a task as a worker does, with the trouble that files in the folder `place` ask for.

    A file kill-SEED kills the worker of that seed once, poison-SEED every time; hold-SEED makes it wait until the file
    is gone. The file `began` lists which process began which seed.
    """
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
    return tasks.run_task(task)


def troubled_main(place, *arguments):
    """Run the command with troubled workers, as the whole of a process."""
    executors.run_task = functools.partial(troubled, place)
    sys.exit(sweep.main(list(arguments)))


def began(place):
    """{seed: the processes that began with it}, as `troubled` has listed them."""
    found = {}
    for line in (place / "began").read_text().splitlines():
        found.setdefault(int(line.split()[0]), set()).add(line.split()[1])
    return found
