"""What a sweep has found, as a table with a row for each run and a summary with a row for each method and budget.

Results come as dicts from tasks.py; what leaves here is plain numbers and table.csv; figure.py draws them.
"""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from tinygsp import methods
from tinygsp.data.files import write_atomic
from tinygsp.sweeping.tasks import Task

COLUMNS = {  # of table.csv: name, format of its values
    "data": "", "method": "", "density": "", "at_most": "", "kept": "", "kept_weights": "", "kept_biases": "",
    "pixels": "", "seed": "", "val_accuracy": ".6f", "test_accuracy": ".6f", "dense_val_accuracy": ".6f",
    "epochs": "", "steps": "", "cpu_seconds": ".2f",
}  # fmt: skip
MEANS = ("kept", "test_accuracy", "val_accuracy", "cpu_seconds")  # over the seeds


def table_row(task: Task, result: dict) -> dict:
    """Return a row of table.csv, its numbers not yet formatted, and under "task" the kind of problem.

    Raises ValueError, LookupError or TypeError if `result` is not the result of a task.
    """
    known = {
        "data": task.data_name, "method": task.method, "density": task.settings["density"], "seed": task.seed
    }  # fmt: skip
    numbers = {name: result["budget" if name == "at_most" else name] for name in COLUMNS if name not in known}
    if wrong := {name: value for name, value in numbers.items() if type(value) not in (int, float)}:
        raise ValueError(f"numbers expected, found {wrong}")
    return {**known, **numbers, "task": result["task"]}


def table_rows(tasks: Sequence[Task], results: dict[str, dict]) -> list[dict]:
    """Return the rows of the tasks that have a result in {task.name: result}, by density, method and seed."""
    rows = [table_row(task, results[task.name]) for task in tasks if task.name in results]
    return sorted(rows, key=lambda row: (row["density"], row["method"], row["seed"]))


def formatted(row: dict) -> list[str]:
    """Return the texts of a row, one for each column of table.csv."""
    return [format(row[name], style) for name, style in COLUMNS.items()]


def summarise(rows: Sequence[dict], reference: str = methods.DEFAULT) -> list[dict]:
    """Return a dict for each density and method: means over its n seeds, and how far the reference is ahead.

        ahead_error = sqrt(sd1^2 / n1 + sd2^2 / n2)

    rows      : as from table_rows; the summary keeps their order
    reference : the method that the others are compared with, at the same density

    Each dict has density, at_most, method, n, the means kept, test_accuracy, val_accuracy and cpu_seconds; test_sd, the
    sample standard deviation of test_accuracy, None of one seed; ahead, the mean test accuracy of the reference less
    that of this method, and its standard error ahead_error, both None unless each of the two has at least two seeds.
    """
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["density"], row["method"]), []).append(row)
    summary = {}
    for (density, method), group in groups.items():
        entry = {"density": density, "at_most": group[0]["at_most"], "method": method, "n": len(group)}
        entry |= {name: statistics.fmean(row[name] for row in group) for name in MEANS}
        entry["test_sd"] = statistics.stdev(row["test_accuracy"] for row in group) if len(group) > 1 else None
        summary[density, method] = entry
    for (density, _), entry in summary.items():
        other = summary.get((density, reference), entry)
        is_compared = other is not entry and other["n"] > 1 and entry["n"] > 1
        entry["ahead"] = entry["ahead_error"] = None
        if is_compared:
            entry["ahead"] = other["test_accuracy"] - entry["test_accuracy"]
            entry["ahead_error"] = math.sqrt(sum(e["test_sd"] ** 2 / e["n"] for e in (other, entry)))
    return list(summary.values())


def write_table(path: Path, rows: Sequence[dict]) -> None:
    """Write table.csv: a header, and a line for each row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *map(formatted, rows)])
    write_atomic(path, text.getvalue())


def summary_text(rows: Sequence[dict], summary: Sequence[dict], reference: str = methods.DEFAULT) -> str:
    """Return the summary as a table for people, one line for each method and budget."""
    is_classification = not rows or rows[0]["task"] == "classification"
    unit, scale, digits = ("%", 100, 2) if is_classification else ("R²", 1, 4)

    def score(value: float | None, error: float | None) -> str:
        spread = "" if error is None else f" ± {scale * error:.{digits}f}"
        return "" if value is None else f"{scale * value:.{digits}f}{spread}"

    test, validation, ahead = f"test {unit}", f"validation {unit}", f"{reference} ahead by"
    lines = [f"{'at most':>9}  {'method':<12}{'n':>4}{test:>20}{validation:>15}{'CPU s':>9}{ahead:>20}"]
    for entry in summary:
        name, test = f"{entry['at_most']:>9,}  {entry['method']:<12}", score(entry["test_accuracy"], entry["test_sd"])
        validation, ahead = score(entry["val_accuracy"], None), score(entry["ahead"], entry["ahead_error"])
        line = f"{name}{entry['n']:>4}{test:>20}{validation:>15}{entry['cpu_seconds']:>9.1f}{ahead:>20}"
        lines.append(line.rstrip())
    return "\n".join(lines)
