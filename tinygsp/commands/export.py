"""python -m tinygsp.export RUN --to FORMAT -o FILE: write a network as one file that needs nothing of this library.

`sparse/export/` writes the formats. What is done here: read the network and what its run says of it, measure what fixed
point costs if the data set is at hand, and write the file, never over another one unasked.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygsp.commands.kit import (
    DATA,
    DONE,
    EXIT_CODES,
    FAILED,
    Parser,
    StepLines,
    StopSignals,
    fail,
    run_command,
    say,
    warn,
)
from tinygsp.commands.options import add_reading, flag, reading_of

if TYPE_CHECKING:
    import numpy as np

    from tinygsp.sparse import SparseNetwork

FORMATS = ("c", "onnx", "numpy", "js", "json")  # as in sparse/export, which --help does without
EPILOG = f"""{EXIT_CODES}
formats: c (C99, no memory but the stack), onnx (opset 13), numpy (a Python module that needs NumPy only),
js (a JavaScript module), json (the model file as text). A comment in the file says how to call it.
with --main a C program reads samples from standard input until its end, bytes or float32, and prints a class a line."""


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; --help and errors end the program."""
    parser = Parser("export", "Write a pruned network as one file for another language or runtime.", EPILOG)
    add = parser.add_argument
    add("run", metavar="RUN", type=Path, help="a run folder, as python -m tinygsp.train leaves it, or a model file")
    add("--to", choices=FORMATS, required=True, help="the format")
    add("-o", "--output", metavar="FILE", type=Path, required=True, help="the file to write")
    add("--int8", action="store_true", help="c: weights of 8 bits, whole-number arithmetic; for images and tables")
    add("--main", action="store_true", help="c: add a program that classifies what it reads from standard input")
    add("--data", metavar="PATH", type=Path, help="with --int8: the data set to measure its cost (default: of the run)")
    add("--force", action="store_true", help="replace FILE if it exists")
    add("--quiet", action="store_true", help="no progress")
    add_reading(parser)
    args = parser.parse_args(argv)
    for option in ("int8", "main"):
        if getattr(args, option) and args.to != "c":
            parser.error(f"--{option} goes with --to c, and --to is {args.to}")
    if args.data and not args.int8:
        parser.error(f"--data {args.data} goes with --int8, to measure what it costs")
    reading = reading_of(args)
    if reading and (not args.data or args.run.is_dir()):
        parser.error(
            f"{flag(next(iter(reading)))} says how to read --data of a model file; a run folder knows how its own is"
        )
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    written: list[Path] = []

    def body(stop: StopSignals) -> int:
        from tinygsp.data.files import write_atomic
        from tinygsp.sparse import SparseNetwork
        from tinygsp.sparse.export import ExportError

        output, run = args.output, args.run if args.run.is_dir() else None
        model = args.run / "model.npz" if run else args.run
        if problem := in_the_way(output, model, args.force):
            return fail(problem, FAILED)
        step = StepLines(args.quiet)
        network = SparseNetwork.load(model)
        options: dict[str, Any] = {"notes": accuracy_notes(run) if run else []}
        if args.to == "c":
            options |= {"int8": args.int8, "main": args.main, "name": output.stem}
        if args.int8:
            options["samples"] = samples_of(network, run, args.data, reading_of(args), step)
        step(f"writing {args.to}")
        try:
            content = network.export(args.to, **options)
        except ExportError as error:
            return fail(f"{model}: {error}", FAILED)
        write_atomic(output, content)
        written.append(output)
        what = f"{network.layers[0].n_in:,} inputs -> {network.layers[-1].n_out:,} outputs"
        say(f"{output}: {what}, {network.count():,} parameters, {len(content):,} bytes", sys.stdout)
        return DONE

    return run_command(
        body,
        place=lambda: args.output,
        kept=lambda: f"{written[0]} was written" if written else "nothing was written",
        bad_run=DATA,
        at_once=True,
    )


def in_the_way(output: Path, model: Path, force: bool) -> str:
    """Say why `output` must not be written, or ""."""
    if output.is_dir():
        return f"-o {output}: is a folder; name a file"
    if os.path.lexists(output):
        if output.resolve() == model.resolve():
            return f"-o {output}: is the network that is to be exported; name another file"
        if not force:
            return f"-o {output}: exists; name another file, or --force to replace it"
    return ""


def accuracy_notes(run: Path) -> list[str]:
    """What summary.json says of the network, as lines of the comment; none if it cannot be read."""
    try:
        summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
        value, is_classes = float(summary["test_accuracy"]), summary["task"] == "classification"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [f"Accuracy on the test split: {value:.2%}" if is_classes else f"R^2 on the test split: {value:.4f}"]


def samples_of(
    network: SparseNetwork,
    run: Path | None,
    data_path: Path | None,
    reading: dict[str, Any],
    step: Callable[[str], None],
) -> tuple[np.ndarray, np.ndarray] | None:
    """The test split of the data set of a run, or of the one at `data_path`; None, with a warning, if it is missing.

    Raises DataError or RunError if a data set that was named cannot be used.
    """
    from tinygsp import data

    known = (data.DataError,)
    try:
        from tinygsp import runs  # needs numba, which may be missing

        known = (data.DataError, runs.RunError)
        step("reading the data set")
        if run:
            dataset = runs.load_source(runs.read_config(run), run, data_path)
        elif data_path:
            dataset = data.load(os.fspath(data_path), options=data.ReadOptions(**reading))
        else:
            raise data.DataError("a model file does not say where its data set is; name it with --data")
        first, last = network.layers[0], network.layers[-1]
        if (dataset.n_in, dataset.n_out, dataset.task) != (first.n_in, last.n_out, network.meta.task):
            raise data.DataError(f"the data set {dataset.name} is not one for this network")
    except (ImportError, *known) as error:
        if data_path:
            raise
        warn(f"what fixed point costs is not measured: {error}")
        return None
    return (dataset.val_x, dataset.val_y) if dataset.test_x is None else (dataset.test_x, dataset.test_y)
