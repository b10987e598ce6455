"""The arguments of train: read from the command line, or from the config.json of the run to go on with."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygsp import methods
from tinygsp.commands.kit import EXIT_CODES, Parser
from tinygsp.commands.options import (
    COUNT,
    FURTHER,
    OPTIONS,
    READING,
    Option,
    add_reading,
    count_parameters,
    flag,
    is_table,
    reading_of,
    share_of,
)

if TYPE_CHECKING:
    from tinygsp.data import Dataset
    from tinygsp.training import Settings

SOURCES = "mnist, toy, a folder of four IDX files, or a table (.csv, .tsv, .parquet, .npz, .npy) with --target"
EPILOG = f"""{EXIT_CODES}
results go to stdout, progress to stderr; the run folder holds config.json, env.json, metrics.csv, gates.npz,
wiring.npz, model.npz, figures/ and summary.json.
Ctrl-C saves the run after the current step, a second one stops at once. --resume DIR goes on bit for bit, after a
crash too, from a checkpoint at most some ten seconds old; of a run that is finished it says so, with exit code 0."""


@dataclass(frozen=True)
class Arguments:
    """What the user asked for. With --resume, `data`, `options`, `reading` and `config` are those of the run."""

    data: str
    options: dict[str, Any]  # those of OPTIONS and FURTHER that were given, or all of a run
    reading: dict[str, Any]  # how to read the data: fields of data.ReadOptions
    budget: int | None  # parameters to keep, instead of options["density"]
    out: Path | None
    resume: Path | None
    config: dict[str, Any]  # of the run to go on with, else empty
    moved_to: Path | None  # where the data set of that run is now, if it was given
    force: bool
    quiet: bool
    json: bool

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.options.get("method", methods.DEFAULT)

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.options.get("seed", 0)

    @property
    def threads(self) -> int:
        """Threads of BLAS."""
        return self.options.get("threads", 1)

    @property
    def folder(self) -> Path:
        """The run folder that was named, or else the data."""
        return self.resume or self.out or Path(self.data)


def make_parser(all_options: bool) -> Parser:
    """Make the parser; its help has the options of FURTHER only if `all_options`."""
    parser = Parser("train", "Prune a network by gradient descent.", EPILOG)
    add = parser.add_argument
    add("data", nargs="?", help=f"{SOURCES}; `mnist` takes a minute or two")
    add("--help-all", action="store_true", help="show the options of every number of the training, too")
    for name, option in OPTIONS.items():
        add(flag(name), type=option.type, help=option.help)
    add("--budget", type=COUNT, help="parameters to keep, biases included, instead of --density")
    for name, option in FURTHER.items():
        add(flag(name), type=option.type, help=option.help if all_options else argparse.SUPPRESS)
    add_reading(parser)
    add("--out", type=Path, help="run folder (default: runs/DATA[-METHOD]-DENSITY-SEED)")
    add("--force", action="store_true", help="replace the run in that folder")
    add("--resume", type=Path, metavar="DIR", help="go on with the run in this folder, with the arguments it has")
    add(
        "--data", dest="moved_to", type=Path, metavar="PATH", help="with --resume: where the data set of the run is now"
    )
    add("--quiet", action="store_true", help="no progress")
    add("--json", action="store_true", help="print summary.json instead of the table")
    return parser


def parse_arguments(argv: Sequence[str] | None = None) -> Arguments:
    """Read the arguments; a mistake ends the process with one line and exit code 2."""
    parser = make_parser(False)
    args = parser.parse_args(argv)
    if args.help_all:
        make_parser(True).print_help()
        parser.exit()
    names = ("data", *OPTIONS, *FURTHER)
    given, reading = {name: getattr(args, name) for name in names if getattr(args, name) is not None}, reading_of(args)
    config = {}
    if args.budget and "density" in given:
        parser.error(f"--budget {args.budget}: says the same as --density {given['density']:g}; leave one of them out")
    if args.resume:
        if args.force or (args.out and args.out.resolve() != args.resume.resolve()):
            parser.error(f"--resume {args.resume}: goes on with a run in its own folder; leave out --out and --force")
        config, given, reading = recall(args.resume, given, args.budget, reading, parser)
    elif args.moved_to:
        parser.error(f"--data {args.moved_to}: goes with --resume DIR; a new run takes its data set without --data")
    elif "data" not in given:
        parser.error(f"data: expected {SOURCES}; or --resume DIR to go on with a run")
    data = given.pop("data")
    return Arguments(
        data, given, reading, args.budget, args.out, args.resume, config, args.moved_to,
        args.force, args.quiet, args.json,
    )  # fmt: skip


def recall(
    folder: Path, given: dict[str, Any], budget: int | None, reading: dict[str, Any], parser: Parser
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Read the config.json of the run in `folder`, and refuse given arguments that differ from it.

    Returns its content, `data` and the options of the run, and how it reads its data. Only the number of threads may
    change.
    """
    where = f"--resume {folder}"
    further = {name: option for name, option in FURTHER.items() if name in given}  # the others need no comparison
    further |= {**READING, "budget": Option(COUNT, "")}
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        in_run = {name: option.type(as_typed(config[name])) for name, option in OPTIONS.items()}
        in_run["data"] = str(config["data"])
        kept = {
            name: option.type(as_typed(config[name]))
            for name, option in further.items()
            if config.get(name) not in (None, "")  # "" of `loss` is that of the task
        }
        kept |= {"transpose": True} if config.get("transpose") else {}
    except OSError as error:
        parser.error(f"{where}: there is no run to go on with (config.json: {error.strerror or error})")
    except (ValueError, LookupError, TypeError, RecursionError, argparse.ArgumentTypeError) as error:
        parser.error(f"{where}: config.json is damaged ({error}); it should hold every argument of the run")
    asked = given | reading | ({"budget": budget} if budget else {})
    known = in_run | kept
    differs = [
        f"{name.replace('_', '-')} is {as_typed(known.get(name, 'not set'))} in the run, {as_typed(value)} given"
        for name, value in asked.items()
        if value != known.get(name) and name != "threads"
    ]
    if differs:
        parser.error(f"{where}: {'; '.join(differs)}; leave it out, or start another run")
    read = {name: value for name, value in kept.items() if name in READING or name == "transpose"}
    return config, in_run | {name: value for name, value in given.items() if name in in_run}, read


def as_typed(value: Any) -> str:
    """Return the text of an argument as one types it: (300, 100) -> "300,100"."""
    if isinstance(value, (list, tuple)):
        return ",".join(f'"{v}"' if isinstance(v, str) and "," in v else str(v) for v in value) or "none"
    return str(value)


def make_settings(args: Arguments, dataset: Dataset) -> Settings:
    """Return the Settings of the run: the defaults of its data set with the options, or all of its config.json.

    Raises SettingsError if config.json lacks a field of Settings or has one of another kind.
    """
    from dataclasses import replace

    from tinygsp.training import defaults, table_budget, table_settings

    density = args.options.get("density")
    own = table_settings(dataset, args.budget, density) if is_table(dataset) else defaults(args.data, density)
    values = {name: value for name, value in args.options.items() if name in vars(own)}
    if args.resume:
        for name in vars(own).keys() - OPTIONS.keys():
            values[name] = read_setting(args, name, getattr(own, name))
    settings = replace(own, **values)
    if args.budget and not args.resume:
        settings = replace(settings, density=share_of(args.budget, settings.hidden, dataset))
    elif is_table(dataset) and "density" not in args.options:  # the budget of a table does not depend on --hidden
        budget = min(table_budget(dataset), count_parameters(settings.hidden, dataset))
        settings = replace(settings, density=share_of(budget, settings.hidden, dataset))
    return settings


def read_setting(args: Arguments, name: str, default: Any) -> Any:
    """Return a field of Settings from config.json. Raises SettingsError unless it is there and of the right kind.

    A field that was added later is at its default in a run that does not have it.
    """
    from tinygsp.training import SettingsError
    from tinygsp.training.settings import LATER

    where = f"--resume {args.resume}: config.json"
    if name not in args.config:
        if name in LATER:
            return LATER[name]
        raise SettingsError(
            f"{where} has no {name}, so another version of this library began the run; "
            "go on with that version, or start again with --force"
        )
    value, kind = args.config[name], type(default)
    if type(value) not in ((int, float) if kind in (int, float) else (kind,)):
        raise SettingsError(f"{where} is damaged, {name} is {value!r}; expected a value of type {kind.__name__}")
    return value
