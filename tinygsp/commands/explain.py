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

from tinygsp.commands.explain_page import PAGE, open_pruned, page
from tinygsp.commands.kit import DATA, DONE, EXIT_CODES, Parser, StepLines, StopSignals, run_command, say

if TYPE_CHECKING:  # both import NumPy, which --help can do without
    from tinygsp.data import Dataset
    from tinygsp.sparse import SparseNetwork

EPILOG = f"""{EXIT_CODES}
the report goes to stdout, progress to stderr; RUN gains figures/, interpretation.json and, for images,
{PAGE}, a page that draws, predicts and shows the paths in any browser."""


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; --help and errors end the program."""
    parser = Parser("explain", "Show what a pruned network looks at and how it decides.", EPILOG)
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder, as python -m tinygsp.train leaves it")
    parser.add_argument("--data", type=Path, metavar="PATH", help="where the data set of the run is now, if it moved")
    parser.add_argument(
        "--with", dest="others", type=Path, metavar="RUN", nargs="+", default=[],
        help="other runs with the same images and hidden layers, such as other densities, for the page to choose from",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--json", action="store_true", help="print interpretation.json instead of the report")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    files: dict[str, bytes | str] = {}  # all that is to be written: {name below the run folder: content}

    def body(stop: StopSignals) -> int:
        from tinygsp.commands.findings import interpretation, report, with_fewer_samples
        from tinygsp.runs import write_together

        step = StepLines(args.quiet or args.json)
        network, dataset, config = open_run(args.run, args.data, step)
        pruned = open_pruned(args.run, network, args.others)
        dataset = with_fewer_samples(network, dataset)
        found = interpretation(network, dataset, config, step)
        pictures = figures(network, dataset, found, step)
        pages, skipped = page(pruned, dataset, step)
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


def open_run(run: Path, moved_to: Path | None, step: Callable[[str], None]) -> tuple[SparseNetwork, Dataset, dict]:
    """Read the network, the data set and config.json of a run folder, and check that they belong together.

    moved_to : where the data set is now; None if it is where config.json says

    Raises RunError, ModelFileError or DataError if one of them is missing, damaged or does not fit the others.
    """
    from tinygsp import reading
    from tinygsp.runs import load_source, read_config
    from tinygsp.sparse import ModelFileError, SparseNetwork

    config = read_config(run)
    network = SparseNetwork.load(run / "model.npz")
    step(f"reading the data set {config['data']}")
    dataset = load_source(config, run, moved_to)
    try:
        reading.check_fit(network, dataset)
    except ModelFileError as error:
        raise ModelFileError(f"{run / 'model.npz'}: {error}") from error
    return network, dataset, config


# ---- What is made of the findings --------------------------------------------------------------------------------


def figures(network: SparseNetwork, dataset: Dataset, found: Mapping, step: Callable[[str], None]) -> dict[str, bytes]:
    """Draw every figure that applies: {file name: bytes}, as PNG and as SVG; found as `interpretation` gives it."""
    step("drawing the figures")
    from tinygsp import plots, reading
    from tinygsp.commands.findings import BLUR, CLASSES, PATHS

    importance = {name: reading.over_inputs(network, values) for name, values in found["importance"].items()}
    drawn = {
        "importance": plots.importance_figure(network, importance, found["best"]),
        "importance_classes": plots.classes_figure(network, dataset, CLASSES),
    }
    if "groups" in found or "mirror" in found:
        drawn["symmetry"] = plots.symmetry_figure(network, found.get("mirror"), BLUR)
    if "rank_correlation" in found:
        drawn["validation"] = plots.validation_figure(found["importance"], found["rank_correlation"])
    if found.get("dependence"):
        drawn["dependence"] = plots.dependence_figure(network, found["dependence"])
    if "orders" in found:
        drawn["network"] = plots.network_figure(network, found["orders"], found["crossings"])
        drawn["paths"] = plots.paths_figure(network, dataset, found["orders"], found["examples"], PATHS)
    made = {}
    for name, figure in drawn.items():
        made |= plots.files(name, figure)
    return made
