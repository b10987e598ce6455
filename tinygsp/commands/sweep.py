"""python -m tinygsp.sweep: compare methods at several densities and seeds, and go on where an earlier sweep ended.

This file reads the arguments, keeps track of what is done, and prints it. What a task is, how tasks get to processes,
and what is made of the results is in the room tinygsp/sweeping. Nothing heavy is imported before the arguments are
read.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygsp import methods
from tinygsp.commands.kit import DONE, FAILED, Parser, Progress, StopSignals, run_command, say, warn
from tinygsp.commands.options import COUNT, OPTIONS, add_reading, flag, is_table, number, reading_of, share_of

if TYPE_CHECKING:
    from tinygsp.data import Dataset
    from tinygsp.sweeping import Task
    from tinygsp.training import Settings

DENSITIES = (0.0015, 0.00375, 0.01, 0.0147)  # at most 399, 999, 2,666 and 3,919 of 266,610 parameters
SETTINGS = ("epochs", "tries", "hidden", "batch_size", "lr")  # of OPTIONS, the same for all tasks
MOST_SEEDS = 10_000
MOST_WORKERS = 61 if os.name == "nt" else 1024  # Windows can wait for no more processes
EPILOG = """OUT/tasks/HASH.json is the result of one task; a sweep that is interrupted and repeated does only what is
missing. Of a table, the networks are compared as the methods leave them; train tries other models as well.
Results of other settings in the same folder stay there; the table, the summary and the figure are of the
tasks that the command names. On other machines: start `dask scheduler`, and `dask worker tcp://host:port --nthreads 1`
once for each core, and give --scheduler; a folder of data must be at the same path on each, the results come back by
themselves.
exit codes: 0 done, 1 failed, or some tasks did, 2 usage, 3 data missing or damaged, 130 interrupted."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    sweep = Sweep(parse_arguments(argv))
    return run_command(sweep.run, place=lambda: sweep.out, kept=sweep.kept)


# --- arguments ----------------------------------------------------------------------------------------------


def several(kind: Callable[[str], Any]) -> Callable[[str], tuple]:
    """Make an argparse type: values of `kind` with commas between, each once."""
    return lambda text: tuple(dict.fromkeys(kind(part) for part in text.split(",")))


def seeds(text: str) -> tuple[int, ...]:
    """Read seeds, as in "0-4", "0,3,7" or "0-4,9"; each once."""
    chosen = {}
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < 2**32 or last - first >= MOST_SEEDS:
            expected = f"0-4 or 0,3,7, whole numbers from 0 to 4294967295, at most {MOST_SEEDS:,}"
            raise argparse.ArgumentTypeError(f"{part!r}: expected {expected}")
        chosen |= dict.fromkeys(range(first, last + 1))
    return tuple(chosen)


def address(text: str) -> str:
    """Read the address of a Dask scheduler."""
    if not re.fullmatch(r"tcp://([^\s:/\[\]]+|\[[^\s\]]+\]):\d{1,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r}: expected tcp://host:port, as `dask scheduler` prints it")
    return text


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments; a mistake ends the process with one line and exit code 2."""
    parser = Parser("sweep", "Compare methods: methods x densities x seeds.", EPILOG)
    add = parser.add_argument
    add("data", help="mnist, toy, a folder of four IDX files (.gz or plain), or a table with --target")
    names, densities = ", ".join(methods.names()), ",".join(map(str, DENSITIES))
    add("--methods", type=several(OPTIONS["method"].type), help=f"with commas between: {names} (default: all)")
    add("--densities", type=several(OPTIONS["density"].type), help=f"default: {densities}; toy: 0.2; tables: by size")
    add("--budgets", type=several(COUNT), help="parameters to keep, biases included, instead of --densities")
    add("--seeds", type=seeds, default=(0, 1, 2, 3, 4), help="0-4 or 0,3,7 (default: 0-4)")
    for name in SETTINGS:
        add(flag(name), type=OPTIONS[name].type, help=OPTIONS[name].help)
    count = f"a whole number from 1 to {MOST_WORKERS}"
    add("--workers", type=number(int, 1, MOST_WORKERS, count), help="processes on this machine (default: 1)")
    add("--scheduler", type=address, metavar="ADDRESS", help="of a Dask cluster to work on, such as tcp://host:8786")
    add("--out", type=Path, help="folder of the results (default: sweeps/DATA)")
    add("--tables", action="store_true", help="run nothing: table, figure and summary of what is done already")
    add("--quiet", action="store_true", help="no progress")
    add("--json", action="store_true", help="print the summary as JSON")
    add_reading(parser)
    args = parser.parse_args(argv)
    if args.budgets and args.densities:
        parser.error("--budgets says the same as --densities; leave one of them out")
    if args.scheduler and args.workers:
        parser.error("--workers is for this machine; with --scheduler the cluster has its own")
    return args


def chosen_settings(args: argparse.Namespace, dataset: Dataset) -> Iterator[Settings]:
    """Yield the settings of each budget: the defaults of the data set with the options that were given.

    Raises SettingsError for a budget that the network does not have.
    """
    from dataclasses import replace

    from tinygsp.training import defaults, table_budget, table_settings

    given = {name: getattr(args, name) for name in SETTINGS if getattr(args, name) is not None}
    of_table, budgets, densities = is_table(dataset), args.budgets or (), args.densities or ()
    if of_table and not (budgets or densities):
        budgets = (table_budget(dataset),)
    elif not (budgets or densities):
        densities = (defaults("toy").density,) if args.data == "toy" else DENSITIES
    for density in densities:
        own = table_settings(dataset, None, density) if of_table else defaults(args.data, density)
        yield replace(own, **given, density=density)
    for budget in budgets:
        own = table_settings(dataset, budget) if of_table else defaults(args.data)
        density = share_of(budget, given.get("hidden", own.hidden), dataset)
        yield replace(own if of_table else defaults(args.data, density), **given, density=density)


# --- the sweep ----------------------------------------------------------------------------------------------


class Sweep:
    """A sweep from its arguments to its table.

    out     : Path                   folder of the results
    tasks   : list of Task           all that the arguments name, once they are known
    results : {task.name: result}    of those that are done
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.tasks, self.results, self.is_written = args, [], {}, False
        self.out = args.out or Path("sweeps") / Path(args.data).resolve().name.removesuffix(".csv")

    def kept(self) -> str:
        """Return how much is done and how to go on, as the end of an error line; "" before the sweep has begun."""
        done, total = len(self.results), len(self.tasks)
        if self.is_written:
            return f"{done} of {total} are done, their table and figure are in {self.out}"
        rest = "does the rest" if done < total else "writes the table and prints the summary"
        return f"{done} of {total} are done, the same command {rest}" if total else ""

    def run(self, stop: StopSignals) -> int:
        """Run what is missing, write the table and the figure, print the summary. Returns the exit code."""
        from tinygsp.sweeping import folder, tables

        args = self.args
        tasks = self.make_tasks()
        with folder.claim(self.out):
            self.results = folder.read_results(self.out, tasks, warn)
            self.tasks = tasks
            missing = [task for task in tasks if task.name not in self.results and not args.tables]
            with contextlib.closing(Progress(len(tasks), len(self.results), args.quiet or args.json)) as progress:
                done = len(self.results)
                progress.note(f"{done} of {len(tasks)} were already done" if done else f"{len(tasks)} tasks")
                failed = self.run_tasks(missing, progress, stop) if missing else []
            rows = tables.table_rows(tasks, self.results)
            summary = tables.summarise(rows)
            self.write(rows, summary)
            self.is_written = True
        self.report(rows, summary, failed)
        return FAILED if failed else DONE

    def make_tasks(self) -> list[Task]:
        """List the tasks that the arguments name."""
        from tinygsp.data import ReadOptions, load
        from tinygsp.sweeping import make_tasks

        args = self.args
        options = ReadOptions(**reading_of(args))
        dataset = load(args.data, args.seeds[0], options=options)
        settings = {s.density: s for s in chosen_settings(args, dataset)}
        return make_tasks(args.data, args.methods, tuple(settings), args.seeds, settings.__getitem__, options)

    def run_tasks(self, tasks: list[Task], progress: Progress, stop: StopSignals) -> list[tuple[Task, str]]:
        """Run tasks and keep their results. Returns those that failed, with the reasons."""
        from tinygsp import runs
        from tinygsp.sweeping import executors, folder

        runs.write_json(self.out / "env.json", runs.environment(1))

        def keep(task: Task, result: dict) -> None:
            folder.write_result(self.out, task, result)
            self.results[task.name] = result
            text = f"{task.method} {result['kept']:,} seed {task.seed} val {result['val_accuracy']:.4f}"
            position = f"{len(self.results):>4} of {len(self.tasks)}"
            progress.advance(f"{position}  {text}  {result['cpu_seconds']:.0f} s", text)

        def open_executor(workers: int) -> contextlib.AbstractContextManager:
            if self.args.scheduler:
                return executors.cluster(self.args.scheduler, warn)
            return executors.pool(workers)

        try:
            return executors.sweep_to_the_end(
                tasks, open_executor, self.args.workers or 1, keep, lambda: stop.asked, warn
            )
        except CancelledError as error:
            lost = f"--scheduler {self.args.scheduler}: the connection was lost"
            raise runs.RunError(f"{lost}; {self.kept()}") from error
        except runs.RunError as error:
            raise runs.RunError(f"{error}; {self.kept()}") from error

    def write(self, rows: list[dict], summary: list[dict]) -> None:
        """Write table.csv and, if there is anything to draw, the figure, as PNG and as SVG."""
        from tinygsp.data.files import write_atomic
        from tinygsp.sweeping import tables

        tables.write_table(self.out / "table.csv", rows)
        if rows:
            from tinygsp.sweeping.figure import frontier_files  # imports matplotlib, which takes a second

            is_published_network = self.args.data == "mnist" and self.args.hidden in (None, (300, 100))
            for name, content in frontier_files(rows, summary, is_published_network).items():
                write_atomic(self.out / name, content)

    def report(self, rows: list[dict], summary: list[dict], failed: list[tuple[Task, str]]) -> None:
        """Print the summary, as a table or as JSON."""
        from tinygsp.sweeping.tables import summary_text

        hours = sum(row["cpu_seconds"] for row in rows) / 3600
        lost = [
            {"method": task.method, "density": task.settings["density"], "seed": task.seed, "reason": reason}
            for task, reason in failed
        ]
        lost.sort(key=lambda entry: (entry["density"], entry["method"], entry["seed"]))
        if self.args.json:
            content = {"out": str(self.out), "core_hours": hours, "summary": summary, "failed": lost}
            say(json.dumps(content, indent=2), sys.stdout)
            return
        lines = [summary_text(rows, summary)]
        lines += [f"failed: {f['method']}, density {f['density']:g}, seed {f['seed']}: {f['reason']}" for f in lost]
        lines += ["", f"{len(rows)} runs, {hours:.2f} core-hours; ± is a standard deviation, of a difference its error"]
        lines.append(f"table and figure: {self.out}")
        say("\n".join(lines), sys.stdout)
