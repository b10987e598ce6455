"""python -m tinygsp.explain RUN: show what the network of a finished run looks at, and how it decides.

Reads config.json and model.npz of a run folder, finds everything that `reading/` can find (findings.py), and adds
figures, interpretation.json and, for images, the page one can draw on. Everything is made before anything is written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tinygsp.commands.kit import DATA, DONE, EXIT_CODES, Parser, StepLines, StopSignals, run_command, say

if TYPE_CHECKING:  # both import NumPy, which --help can do without
    from tinygsp.data import Dataset
    from tinygsp.sparse import SparseNetwork

PAGE = "explorer.html"
EPILOG = f"""{EXIT_CODES}
the report goes to stdout, progress to stderr; RUN gains figures/*.png, interpretation.json and, for images,
{PAGE}, a page that draws, predicts and shows the paths in any browser."""


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; --help and errors end the program."""
    parser = Parser("explain", "Show what a pruned network looks at and how it decides.", EPILOG)
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder, as python -m tinygsp.train leaves it")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--json", action="store_true", help="print interpretation.json instead of the report")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    files: dict[str, bytes | str] = {}  # all that is to be written: {name below the run folder: content}

    def body(stop: StopSignals) -> int:
        from tinygsp.commands.findings import interpretation, report
        from tinygsp.runs import write_together

        step = StepLines(args.quiet or args.json)
        network, dataset, config = open_run(args.run, step)
        found = interpretation(network, dataset, config, step)
        pictures = figures(network, dataset, found, step)
        pages, skipped = page(network, dataset, step)
        found["skipped"].update(skipped)
        files.update({f"figures/{name}": content for name, content in pictures.items()} | pages)
        files["interpretation.json"] = json.dumps(found, indent=2, allow_nan=False) + "\n"
        write_together(args.run, files)
        say(files["interpretation.json"].strip() if args.json else report(found, args.run, PAGE in files), sys.stdout)
        return DONE

    return run_command(
        body,
        place=lambda: args.run,
        kept=lambda: kept(args.run, files),
        bad_run=DATA,
        out_of_memory="not enough memory for so large a network or data set",
        at_once=True,
    )


def kept(run: Path, files: Mapping[str, bytes | str]) -> str:
    """Say how many of the files are in the run folder now, as the end of an error line."""
    written = sum(is_there(run / name, content) for name, content in files.items())
    if not written:
        return "nothing was written"
    count = f"all {written}" if written == len(files) else f"{written} of {len(files)}"
    return f"{count} files were written to {run}"


def is_there(path: Path, content: bytes | str) -> bool:
    """Return whether the file holds this content."""
    try:
        return path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    except OSError:
        return False


# ---- The run -----------------------------------------------------------------------------------------------------


def open_run(run: Path, step: Callable[[str], None]) -> tuple[SparseNetwork, Dataset, dict]:
    """Read the network, the data set and config.json of a run folder, and check that they belong together.

    Raises RunError, ModelFileError or DataError if one of them is missing, damaged or does not fit the others.
    """
    from tinygsp import data
    from tinygsp.runs import RunError
    from tinygsp.sparse import SparseNetwork

    config = read_config(run)
    network = SparseNetwork.load(run / "model.npz")
    step(f"reading the data set {config['data']}")
    try:
        dataset = data.load(config["data"], config["seed"])
    except data.DataError as error:
        raise RunError(f"{run / 'config.json'}: the data set of the run: {error}") from error
    first, last = network.layers[0], network.layers[-1]
    for what, has, needs in (
        ("inputs", first.n_in, dataset.n_in),
        ("outputs", last.n_out, dataset.n_out),
        ("task", network.meta.task, dataset.task),
    ):
        if has != needs:
            raise RunError(f"{run / 'model.npz'}: {what} {has}, but {needs} in {config['data']}, the data of the run")
    if not first.row.size:
        raise RunError(f"{run / 'model.npz'}: no input is connected, so there is nothing to explain")
    return network, dataset, config


def read_config(run: Path) -> dict:
    """Read config.json of a finished run: a dict with at least "data", a name, and "seed", a number.

    Raises RunError if the folder is not one of a finished run, or the file is damaged.
    """
    from tinygsp.runs import RunError

    path = run / "config.json"
    if not run.is_dir():
        raise RunError(f"{run}: {'is no folder' if run.exists() else 'does not exist'}; name a run folder")
    if not path.is_file():
        raise RunError(f"{run}: holds no config.json, so it is no run folder; python -m tinygsp.train makes one")
    if not (run / "model.npz").is_file():
        raise RunError(f"{run}: holds no model.npz; the run did not finish")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        is_good = isinstance(config["data"], str) and type(config["seed"]) is int and config["seed"] >= 0
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path}: damaged ({error!r}); expected JSON with data and seed") from error
    if not is_good:
        raise RunError(f"{path}: data {config['data']!r}, seed {config['seed']!r}; expected a name and a number")
    return config


# ---- What is made of the findings --------------------------------------------------------------------------------


def figures(network: SparseNetwork, dataset: Dataset, found: Mapping, step: Callable[[str], None]) -> dict[str, bytes]:
    """Draw every figure that applies: {file name: bytes of a PNG file}; found as `interpretation` gives it."""
    step("drawing the figures")
    from tinygsp import plots, reading
    from tinygsp.commands.findings import BLUR, CLASSES, PATHS

    importance = {name: reading.over_inputs(network, values) for name, values in found["importance"].items()}
    files = {
        "importance.png": plots.importance_figure(network, importance, found["best"]),
        "importance_classes.png": plots.classes_figure(network, dataset, CLASSES),
        "symmetry.png": plots.symmetry_figure(network, found.get("mirror"), BLUR),
    }
    if "rank_correlation" in found:
        files["validation.png"] = plots.validation_figure(found["importance"], found["rank_correlation"])
    if "orders" in found:
        files["network.png"] = plots.network_figure(network, found["orders"], found["crossings"])
        files["paths.png"] = plots.paths_figure(network, dataset, found["orders"], found["examples"], PATHS)
    return files


def page(
    network: SparseNetwork, dataset: Dataset, step: Callable[[str], None]
) -> tuple[dict[str, str], dict[str, str]]:
    """Build the page one can draw on: ({file name: text}, {}), or ({}, {file name: why there is none})."""
    if len(network.meta.input_shape) != 2 or network.meta.task != "classification":
        return {}, {PAGE: "only a network that classifies images can be drawn to"}
    from tinygsp.page import build

    step("the page one can draw on")
    try:
        return {PAGE: build(network, dataset.test_x, dataset.test_y)}, {}
    except ValueError as error:
        return {}, {PAGE: str(error)}
