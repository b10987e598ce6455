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
from tinygsp.commands.options import OPTIONS, flag

if TYPE_CHECKING:
    from tinygsp.training import Settings

EPILOG = f"""{EXIT_CODES}
results go to stdout, progress to stderr; the run folder holds config.json, env.json, metrics.csv, gates.npz,
model.npz, figures/ and summary.json.
Ctrl-C saves the run after the current step, a second one stops at once. --resume DIR goes on bit for bit, after a
crash too, from a checkpoint at most some ten seconds old; of a run that is finished it says so, with exit code 0."""


@dataclass(frozen=True)
class Arguments:
    """What the user asked for. With --resume, `data`, `options` and `config` are those of the run."""

    data: str
    options: dict[str, Any]  # those of OPTIONS that were given, or all of a run
    out: Path | None
    resume: Path | None
    config: dict[str, Any]  # of the run to go on with, else empty
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


def parse_arguments(argv: Sequence[str] | None = None) -> Arguments:
    """Read the arguments; a mistake ends the process with one line and exit code 2."""
    parser = Parser("train", "Prune a network by gradient descent.", EPILOG)
    add = parser.add_argument
    add("data", nargs="?", help="mnist, toy, or a folder of four IDX files (.gz or plain)")
    for name, option in OPTIONS.items():
        add(flag(name), type=option.type, help=option.help)
    add("--out", type=Path, help="run folder (default: runs/DATA[-METHOD]-DENSITY-SEED)")
    add("--force", action="store_true", help="replace the run in that folder")
    add("--resume", type=Path, metavar="DIR", help="go on with the run in this folder, with the arguments it has")
    add("--quiet", action="store_true", help="no progress")
    add("--json", action="store_true", help="print summary.json instead of the table")
    args = parser.parse_args(argv)
    given = {name: getattr(args, name) for name in ("data", *OPTIONS) if getattr(args, name) is not None}
    config = {}
    if args.resume:
        if args.force or (args.out and args.out.resolve() != args.resume.resolve()):
            parser.error(f"--resume {args.resume}: goes on with a run in its own folder; leave out --out and --force")
        config, given = recall(args.resume, given, parser)
    elif "data" not in given:
        parser.error("data: expected mnist, toy or a folder of four IDX files; or --resume DIR to go on with a run")
    data = given.pop("data")
    return Arguments(data, given, args.out, args.resume, config, args.force, args.quiet, args.json)


def recall(folder: Path, given: dict[str, Any], parser: Parser) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the config.json of the run in `folder`, and refuse given arguments that differ from it.

    Returns its content, and `data` and the options of the run. Only the number of threads may change.
    """
    where = f"--resume {folder}"
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        in_run = {name: option.type(as_typed(config[name])) for name, option in OPTIONS.items()}
        in_run["data"] = str(config["data"])
    except OSError as error:
        parser.error(f"{where}: there is no run to go on with (config.json: {error.strerror or error})")
    except (ValueError, LookupError, TypeError, RecursionError, argparse.ArgumentTypeError) as error:
        parser.error(f"{where}: config.json is damaged ({error}); it should hold every argument of the run")
    differs = [
        f"{name.replace('_', '-')} is {as_typed(in_run[name])} in the run, {as_typed(value)} given"
        for name, value in given.items()
        if value != in_run[name] and name != "threads"
    ]
    if differs:
        parser.error(f"{where}: {'; '.join(differs)}; leave it out, or start another run")
    return config, in_run | given


def as_typed(value: Any) -> str:
    """Return the text of an argument as one types it: (300, 100) -> "300,100"."""
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def make_settings(args: Arguments) -> Settings:
    """Return the Settings of the run: the defaults of its data set with the options, or all of its config.json.

    Raises SettingsError if config.json lacks a field of Settings or has one of another kind.
    """
    from dataclasses import replace

    from tinygsp.training import defaults

    own = defaults(args.data, args.options.get("density"))
    values = {name: value for name, value in args.options.items() if name in vars(own)}
    if args.resume:
        for name in vars(own).keys() - OPTIONS.keys():
            values[name] = read_setting(args, name, type(getattr(own, name)))
    return replace(own, **values)


def read_setting(args: Arguments, name: str, kind: type) -> Any:
    """Return a field of Settings from config.json. Raises SettingsError unless it is there and of this kind."""
    from tinygsp.training import SettingsError

    where = f"--resume {args.resume}: config.json"
    if name not in args.config:
        raise SettingsError(
            f"{where} has no {name}, so another version of this library began the run; "
            "go on with that version, or start again with --force"
        )
    value = args.config[name]
    if type(value) not in ((int, float) if kind in (int, float) else (kind,)):
        raise SettingsError(f"{where} is damaged, {name} is {value!r}; expected a value of type {kind.__name__}")
    return value
