"""python -m tinygsp.train: train and prune a network, and leave a run folder.

This file follows a run from its beginning, or from where it stopped, to its last file. The arguments are read by
train_arguments.py, and what is printed is made by train_report.py. Nothing heavy is imported before the arguments are
read, so that --help and mistakes answer at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygsp import methods
from tinygsp.commands.kit import DONE, Progress, StopSignals, one_line, run_command, say, warn
from tinygsp.commands.options import is_table
from tinygsp.commands.train_arguments import Arguments, make_settings, parse_arguments
from tinygsp.commands.train_report import show_epoch, start_progress, table

if TYPE_CHECKING:
    from tinygsp.runs import Run
    from tinygsp.sparse import SparseNetwork
    from tinygsp.training import Trainer


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    train = Train(parse_arguments(argv))
    return run_command(
        train.run,
        place=lambda: train.folder or train.args.folder,
        kept=train.kept,
        threads=train.args.threads,
        out_of_memory="not enough memory; free some, or use smaller --hidden sizes",
    )


class Train:
    """A run from its arguments to its last file.

    folder : Path, None before the run folder is made or opened
    """

    def __init__(self, args: Arguments) -> None:
        self.args, self.started = args, time.perf_counter()
        self.folder: Path | None = None

    def kept(self) -> str:
        """Return how to go on with the run, as the end of an error line; "" if there is no run yet."""
        if not self.folder or not (self.folder / "config.json").exists():
            return ""
        if (self.folder / "summary.json").exists():
            return f"the run is finished, all its files are in {self.folder}"
        name = shlex.quote(str(self.folder)) if os.name == "posix" else f'"{self.folder}"'
        return f"go on with: python -m tinygsp.train --resume {name}"

    def run(self, stop: StopSignals) -> int:
        """Begin a run, or go on with one, to its end. Returns the exit code."""
        return self.go_on(stop) if self.args.resume else self.begin(stop)

    def begin(self, stop: StopSignals) -> int:
        """Make the run folder, and train to the end."""
        from tinygsp import runs
        from tinygsp.data import ReadOptions

        args, trainer = self.args, make_trainer(self.args)
        s = trainer.settings
        name = [Path(args.data).resolve().name.removesuffix(".csv")] + [args.method] * (args.method != methods.DEFAULT)
        out = args.out or Path("runs") / "-".join([*name, f"{s.density:g}", f"seed{args.seed}"])
        config = {"data": args.data, "method": args.method, "seed": args.seed, "threads": args.threads}
        config |= args.reading | ({"budget": args.budget} if args.budget else {}) | {"out": str(out), **vars(s)}
        config |= runs.source_entries(args.data, args.data, out, trainer.dataset, ReadOptions(**args.reading))
        with runs.create(out, config, runs.environment(args.threads), self.started, args.force) as run:
            self.folder = out
            return self.train(trainer, run, stop)

    def go_on(self, stop: StopSignals) -> int:
        """Open the run folder, and train to the end from the newest checkpoint; do nothing if all is done."""
        from tinygsp import runs

        args = self.args
        with runs.reopen(args.resume, self.started) as run:
            self.folder = args.resume
            if run.finished:
                run.remove_checkpoints()
                summary = (run.path / "summary.json").read_text(encoding="utf-8").strip()
                say(summary if args.json else f"{run.path}: this run is finished", sys.stdout)
                return DONE
            trainer = make_trainer(args)
            if damage := run.restore(trainer):
                warn(damage)
            if args.moved_to:  # found and checked: from now on the run knows the place
                options = runs.source_options(args.config, run.path, args.moved_to)
                moved = runs.source_entries(args.data, args.moved_to, run.path, trainer.dataset, options)
                runs.write_json(run.path / "config.json", {**args.config, **moved})
            if change := runs.compare_environment(run.path, runs.environment(args.threads), trainer.epoch):
                warn(change)
            if not (args.quiet or args.json):
                epochs = f"epoch {trainer.epoch:,} of {trainer.total_epochs:,}"
                say(f"going on after {epochs}, step {trainer.step:,}", sys.stderr)
            return self.train(trainer, run, stop)

    def train(self, trainer: Trainer, run: Run, stop: StopSignals) -> int:
        """Train to the end, write the results, and print the report. Returns the exit code."""
        from tinygsp.sparse import SparseNetwork

        args = self.args
        progress = start_progress(trainer.total_epochs, trainer.epoch, args.quiet or args.json)
        with contextlib.closing(progress):
            train_to_the_end(trainer, run, progress, stop)
        best, more = trainer.network, None
        if is_table(trainer.dataset):
            from tinygsp.commands.train_table import choose_network, table_summary

            fit = choose_network(trainer)
            best, more = fit.network, table_summary(fit, trainer.dataset)
        best.save(run.path / "model.npz")
        network = SparseNetwork.load(run.path / "model.npz")  # the report is about what was written
        summary = write_results(trainer, network, run, more or {})
        say(json.dumps(summary, indent=2) if args.json else table(summary, network, run.path), sys.stdout)
        if not summary["pixels"]:
            warn(
                f"{run.path / 'model.npz'}: no path is left from an input to an output, so it has one answer for "
                f"all inputs; a --density above {trainer.settings.density:g} or more --epochs may leave one"
            )
        return DONE


def make_trainer(args: Arguments) -> Trainer:
    """Load the data, and make the Trainer of the run."""
    from tinygsp import data, runs
    from tinygsp.training import Trainer

    method = methods.find(args.method)
    if args.resume:
        dataset = runs.load_source({**args.config, "data": args.data, "seed": args.seed}, args.resume, args.moved_to)
    else:
        dataset = data.load(args.data, args.seed, options=data.ReadOptions(**args.reading))
    for note in dataset.notes:
        if not (args.quiet or args.json or args.resume):
            say(one_line(note), sys.stderr)
    return Trainer(dataset, make_settings(args, dataset), method, args.seed)


def train_to_the_end(trainer: Trainer, run: Run, progress: Progress, stop: StopSignals) -> None:
    """Train to the end; save the run now and then, at the end of each phase, and when `stop` is asked for.

    Raises KeyboardInterrupt once a stop that was asked for is saved. If the training diverges, the state after the
    last epoch whose every loss was finite is saved.
    """
    from tinygsp.training import DivergedError

    good = None  # the state after the last epoch
    try:
        while trainer.epoch < trainer.total_epochs:
            if stop.asked:
                raise KeyboardInterrupt
            for record in trainer.steps():
                if record:
                    run.add(record)
                    run.recorder.add(trainer, record)
                    show_epoch(progress, run.records[-1])
                    good = trainer.state()
                if stop.asked or run.due() or (record and trainer.between_phases):
                    run.save(trainer, trainer.state())
                if stop.asked:
                    raise KeyboardInterrupt
    except DivergedError:
        if good:
            run.save(trainer, good)
        raise


def write_results(trainer: Trainer, network: SparseNetwork, run: Run, more: dict[str, Any]) -> dict[str, Any]:
    """Write gates.npz, wiring.npz, the figures and, last, summary.json, with `more` in it. Returns the summary."""
    import numpy as np

    from tinygsp import plots, runs  # matplotlib takes a second to import: after the work, not before
    from tinygsp.data.files import write_atomic

    histogram = np.array(run.histograms, np.int64).reshape(-1, 20)
    runs.write_arrays(run.path / "gates.npz", {"histogram": histogram})
    run.recorder.write(run.path / "wiring.npz", trainer)
    summary = runs.summarise(trainer, network, run.records, (run.path / "model.npz").stat().st_size)
    (run.path / "figures").mkdir(exist_ok=True)
    for name, content in plots.run_figures(run.records, histogram, network).items():
        write_atomic(run.path / "figures" / name, content)
    summary |= {"seconds": round(run.seconds(), 2), **more}
    run.finish(summary)
    return summary
