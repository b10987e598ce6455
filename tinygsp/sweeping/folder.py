"""The folder of a sweep: a file of each finished task, a table, a figure, and at most one process that works in it.

OUT/tasks/NAME.json holds a task and its result. Every file is written whole or not at all, so a sweep that is killed
leaves nothing that the next one cannot use. tables.py makes table.csv of the results, figure.py the figure.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tinygsp import runs
from tinygsp.sweeping.tables import formatted, table_row
from tinygsp.sweeping.tasks import Task

LOCK = "sweep.lock"
NAMES = {"tasks", "env.json", "table.csv", "frontier.png", "frontier.svg", LOCK}  # all that a sweep writes there
RESULT = re.compile(r"[0-9a-f]{16}\.json")  # what it writes into tasks/


@contextlib.contextmanager
def claim(out: Path) -> Iterator[None]:
    """Lock the folder `out` meanwhile, make it if it is missing, and remove what a killed sweep left half written.

    Raises RunError, and changes nothing, if the folder holds anything that no sweep writes or another process has it.
    """
    try:
        if out.exists() and not out.is_dir():
            raise runs.RunError(f"--out {out}: is a file; name a folder")
        leftovers = find_leftovers(out)
        out.mkdir(parents=True, exist_ok=True)
        lock = runs.Lock(out / LOCK)
    except OSError as error:
        reason = error.strerror or error
        raise runs.RunError(f"--out {out}: cannot be written ({reason}); choose another folder") from error
    try:
        for path in leftovers:
            path.unlink(missing_ok=True)
        (out / "tasks").mkdir(exist_ok=True)
        yield
    finally:
        lock.release()


def find_leftovers(out: Path) -> list[Path]:
    """List the temporary files of killed sweeps in folder `out`. Raises RunError if it holds what no sweep writes."""
    leftovers = []
    for path in sorted([*out.glob("*"), *out.glob("tasks/*")]):
        temporary = runs.TEMPORARY.fullmatch(path.name)
        name = temporary[1] if temporary else path.name
        if not (name in NAMES if path.parent == out else RESULT.fullmatch(name)):
            found = path.relative_to(out)
            raise runs.RunError(f"--out {out}: holds {found}, which no sweep writes; choose another folder")
        if temporary:
            leftovers.append(path)
    return leftovers


def write_result(out: Path, task: Task, result: dict) -> None:
    """Write the result of a task into folder `out`."""
    runs.write_json(out / "tasks" / f"{task.name}.json", {"task": task.identity(), "result": result})


def read_results(
    out: Path, tasks: Iterable[Task], warn: Callable[[str], None] = lambda message: None
) -> dict[str, dict]:
    """Return {task.name: result} of the tasks whose result is in folder `out`.

    warn : receives a line for each file that is not what `write_result` wrote; its task counts as missing
    """
    results = {}
    for task in tasks:
        path = out / "tasks" / f"{task.name}.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["task"] != task.identity():
                raise ValueError("it belongs to another task")
            formatted(table_row(task, content["result"]))  # raises if a number of the table is missing or none
            results[task.name] = content["result"]
        except FileNotFoundError:
            pass
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            warn(f"{path}: damaged ({type(error).__name__}: {error}); its task is run anew")
    return results
