"""python -m tinygsp.train: train and prune a network, and leave a run folder.

The arguments are read before anything heavy is imported, so that --help and mistakes answer at once, and so that
the number of threads is set before BLAS starts.
"""

import argparse
import contextlib
import errno
import json
import math
import os
import shlex
import signal
import sys
import time
from pathlib import Path

DONE, FAILED, USAGE, DATA, INTERRUPTED = 0, 1, 2, 3, 130
EPILOG = """exit codes: 0 done, 1 failed, 2 usage, 3 data missing or damaged, 130 interrupted.
results go to stdout, progress to stderr; the run folder holds config.json, env.json, metrics.csv, gates.npz,
model.npz, figures/ and summary.json.
Ctrl-C saves the run after the step in hand, a second one stops at once. --resume DIR goes on bit for bit, after a
crash too, from a checkpoint at most some ten seconds old; of a run that is finished it says so, with exit code 0."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(USAGE, f"error: {message}\n")


def number(kind, low, high, expected, open_low=False):
    """An argparse type: a finite number in [low, high], or (low, high]; `expected` says so in words."""

    def parse(text):
        try:
            value = kind(text)
            if not (low < value <= high if open_low else low <= value <= high):
                raise ValueError
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r}: expected {expected}") from None
        return value

    return parse


def sizes(text):
    try:
        hidden = tuple(int(part) for part in text.split(","))
        if not (1 <= len(hidden) <= 8 and all(1 <= size <= 65536 for size in hidden)):
            raise ValueError
    except ValueError:
        expected = "1 to 8 sizes of 1 to 65536 with commas between, as in 300,100"
        raise argparse.ArgumentTypeError(f"{text!r}: expected {expected}") from None
    return hidden


METHODS = "gates", "random", "magnitude", "gradual", "lottery", "snip", "l0", "vd"  # of `baselines`, a heavy import


def method(text):
    if text not in METHODS:
        raise argparse.ArgumentTypeError(f"{text!r}: expected one of {', '.join(METHODS)}")
    return text


OPTIONS = {  # those a run keeps in its config.json, beside `data`
    "method": (method, f"how to choose what stays: {', '.join(METHODS)} (default: gates)"),
    "density": (number(float, 0, 1, "a fraction in (0, 1]", open_low=True),
                "parameters to keep / all, biases included (default: 0.0015; toy: 0.2)"),
    "hidden": (sizes, "sizes of the hidden layers (default: 300,100; toy: 10,10)"),
    "epochs": (number(int, 1, 10**6, "a whole number of at least 1"),
               "epochs of a search and the rewiring after it (default: 300, above a density of 0.003 150; toy: 800)"),
    "tries": (number(int, 1, 1000, "a whole number from 1 to 1000"),
              "searches, of which the best on the validation split is kept (default: 1; toy: 5)"),
    "batch_size": (number(int, 1, 10**6, "a whole number of at least 1"), "default: 256"),
    "lr": (number(float, 0, 1e6, "a number above 0", open_low=True),
           "learning rate of the weights (default: 0.1; toy: 0.06)"),
    "seed": (number(int, 0, 2**32 - 1, "a whole number from 0 to 4294967295"), "default: 0"),
    "threads": (number(int, 1, 256, "a whole number from 1 to 256"), "of BLAS (default: 1)"),
}  # fmt: skip


def parse_arguments(argv):
    parser = Parser(
        prog="python -m tinygsp.train", description="Prune a network by gradient descent.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", nargs="?", help="mnist, toy, or a folder of four IDX files (.gz or plain)")
    for name, (kind, meaning) in OPTIONS.items():
        add(f"--{name.replace('_', '-')}", type=kind, help=meaning)
    add("--out", type=Path, help="run folder (default: runs/DATA[-METHOD]-DENSITY-SEED)")
    add("--force", action="store_true", help="replace the run in that folder")
    add("--resume", type=Path, metavar="DIR", help="go on with the run in this folder, with the arguments it has")
    add("--quiet", action="store_true", help="no progress")
    add("--json", action="store_true", help="print summary.json instead of the table")
    args = parser.parse_args(argv)
    if args.resume:
        recall(args, parser)
    elif args.data is None:
        parser.error("data: expected mnist, toy or a folder of four IDX files; or --resume DIR to go on with a run")
    args.seed, args.threads, args.method = args.seed or 0, args.threads or 1, args.method or METHODS[0]
    return args


def recall(args, parser):
    """Take the arguments from the config.json of the run to go on with; refuse any that are given and differ."""
    where = f"--resume {args.resume}"
    if args.force or args.out and args.out.resolve() != args.resume.resolve():
        parser.error(f"{where}: goes on with a run in its own folder; leave out --out and --force")
    try:
        args.config = json.loads((args.resume / "config.json").read_text(encoding="utf-8"))
        in_run = {name: kind(typed(args.config[name])) for name, (kind, _) in OPTIONS.items()}
        in_run["data"] = str(args.config["data"])
    except OSError as error:
        parser.error(f"{where}: there is no run to go on with (config.json: {error.strerror or error})")
    except (ValueError, LookupError, TypeError, RecursionError, argparse.ArgumentTypeError) as error:
        parser.error(f"{where}: config.json is damaged ({error}); it should hold every argument of the run")
    given = {name: getattr(args, name) for name in in_run if getattr(args, name) is not None}
    differs = [
        f"{name.replace('_', '-')} is {typed(in_run[name])} in the run, {typed(value)} given"
        for name, value in given.items()
        if value != in_run[name] and name != "threads"  # which may change, with a warning
    ]
    if differs:
        parser.error(f"{where}: {'; '.join(differs)}; leave it out, or start another run")
    vars(args).update(in_run | given)


def typed(value):
    """An argument as one types it."""
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def main(argv=None):
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[variable] = str(args.threads)
    with Stop() as stop:
        return guarded(args, stop)


def guarded(args, stop):
    """`start`, with whatever can stop a run turned into one line and an exit code."""
    from tinygsp import data, prune, runs, sparse

    args.folder = None  # of the run, once there is one
    try:
        return start(args, stop)
    except data.DataError as error:
        return fail(error, DATA)
    except prune.SettingsError as error:
        return fail(error, USAGE)
    except (runs.RunError, prune.DivergedError, sparse.ModelFileError) as error:
        return fail(error, FAILED)
    except OSError as error:
        where = error.filename or args.folder or args.data
        return fail(f"{where}: {error.strerror or error}; what was written before is kept{go_on(args.folder)}", FAILED)
    except MemoryError:
        return fail("not enough memory; use smaller --hidden sizes", FAILED)
    except KeyboardInterrupt:
        return fail(f"interrupted{go_on(args.folder)}", INTERRUPTED)


def fail(message, code):
    say(f"error: {message}", sys.stderr)
    return code


def go_on(folder):
    """How to go on with the run in `folder`, if there is one: the end of a sentence."""
    if not (folder and (folder / "config.json").exists()) or (folder / "summary.json").exists():
        return ""
    name = shlex.quote(str(folder)) if os.name == "posix" else f'"{folder}"'
    return f"; go on with: python -m tinygsp.train --resume {name}"


def say(text, stream):
    """Print to somebody who may have left (`| head -1`); the files of the run are whole without it.

    Raises OSError if stdout cannot be written for another reason. Progress is not worth that.
    """
    if stream is None:  # closed before Python began
        return
    try:
        print(text, file=stream, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # or Python would try again when it exits
        if stream is sys.stdout and error.errno not in (errno.EPIPE, errno.EINVAL):  # the second on Windows
            error.filename = "stdout"
            raise


class Stop:
    """Turns the first Ctrl-C into a wish, `asked`, that is granted between two steps; the second interrupts at once.

    SIGTERM, a terminal that closes and Ctrl-Break on Windows mean the same. A signal that is ignored stays ignored.
    """

    def __init__(self):
        self.asked, self.before = False, {}

    def __enter__(self):
        with contextlib.suppress(ValueError):  # signals are for the main thread
            for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
                number = getattr(signal, name, None)
                if number and signal.getsignal(number) != signal.SIG_IGN:
                    self.before[number] = signal.signal(number, self)
        return self

    def __call__(self, number, frame):
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, *error):
        for number, handler in self.before.items():
            signal.signal(number, handler)


def start(args, stop):
    """Begin a run, or go on with one, to its end. Returns the exit code."""
    from tinygsp import runs

    started = time.perf_counter()
    if not args.resume:
        pruner = make_pruner(args)
        s = pruner.settings
        name = [Path(args.data).resolve().name] + [args.method] * (args.method != METHODS[0])
        out = args.out or Path("runs") / "-".join([*name, f"{s.density:g}", f"seed{args.seed}"])
        config = {"data": args.data, "method": args.method, "seed": args.seed, "threads": args.threads}
        config |= {"out": str(out), **vars(s)}
        with runs.create(out, config, runs.environment(args.threads), started, args.force) as run:
            args.folder = out
            return train(pruner, run, args, stop)
    with runs.reopen(args.resume, started) as run:
        args.folder = args.resume
        if run.finished:
            run.tidy()
            summary = (run.path / "summary.json").read_text(encoding="utf-8").strip()
            say(summary if args.json else f"{run.path}: this run is finished", sys.stdout)
            return DONE
        pruner = make_pruner(args)
        for warning in (run.restore(pruner), run.compare_environment(runs.environment(args.threads), pruner.epoch)):
            if warning:
                say(f"warning: {warning}", sys.stderr)
        if not (args.quiet or args.json):
            say(f"going on after epoch {pruner.epoch:,} of {pruner.total_epochs:,}, step {pruner.step:,}", sys.stderr)
        return train(pruner, run, args, stop)


def make_pruner(args):
    from tinygsp import baselines, data, prune

    return baselines.METHODS[args.method](data.load(args.data, args.seed), resolve(args, prune), args.seed)


def resolve(args, prune):
    """The Settings of this run: the defaults of the data set, changed by what the user gave, or all of config.json."""
    from dataclasses import replace

    defaults = prune.defaults(args.data, args.density)
    given = {name: getattr(args, name) for name in vars(defaults).keys() & OPTIONS.keys()}
    settings = replace(defaults, **{name: value for name, value in given.items() if value is not None})
    if not args.resume:
        return settings
    rest = {name: args.config.get(name) for name in vars(defaults).keys() - OPTIONS.keys()}
    for name, value in rest.items():
        kind = type(getattr(defaults, name))
        if type(value) not in ((int, float) if kind in (int, float) else (kind,)):
            raise prune.SettingsError(f"--resume {args.resume}: config.json is damaged, {name} is {value!r}")
    return replace(settings, **rest)


def train(pruner, run, args, stop):
    """Train to the end, write what there is to keep, print what there is to say. Returns the exit code."""
    import numpy as np

    from tinygsp import runs
    from tinygsp.sparse import SparseNetwork

    with contextlib.closing(Progress(pruner, args.quiet or args.json)) as show:
        learn(pruner, run, show, stop)

    pruner.network.save(run.path / "model.npz")
    histogram = np.array(run.histograms, np.int64).reshape(-1, 20)
    runs.write_arrays(run.path / "gates.npz", {"histogram": histogram})
    network = SparseNetwork.load(run.path / "model.npz")  # the report speaks of what was written
    summary = runs.summarise(pruner, network, run.records, (run.path / "model.npz").stat().st_size)
    from tinygsp import plots  # matplotlib takes a second to import: after the work, not before

    plots.save_run_figures(run.path / "figures", run.records, histogram, network)
    summary["seconds"] = round(run.seconds(), 2)
    run.finish(summary)
    say(json.dumps(summary, indent=2) if args.json else table(summary, network, run.path), sys.stdout)
    if not summary["pixels"]:
        say(f"warning: {run.path / 'model.npz'}: no path is left from an input to an output, so it has one answer for "
            f"all inputs; a --density above {pruner.settings.density:g} or more --epochs may leave one", sys.stderr)
    return DONE


def learn(pruner, run, show, stop):
    """Train to the end and save the run now and then; if asked to stop, save it and raise KeyboardInterrupt."""
    from tinygsp.prune import DivergedError

    good = None  # the state after the last epoch whose every loss was finite
    try:
        while pruner.epoch < pruner.total_epochs:
            if stop.asked:
                raise KeyboardInterrupt
            for record in pruner.steps():
                if record:
                    run.add(record, pruner.gate_histogram() if record["phase"] == "search" else None)
                    show(run.records[-1])
                    good = pruner.state()
                if stop.asked or run.due() or record and pruner.between_phases:
                    run.save(pruner, pruner.state())
                if stop.asked:
                    raise KeyboardInterrupt
    except DivergedError:
        if good:
            run.save(pruner, good)
        raise


def table(s, network, out):
    """The report for people."""
    name, show = ("accuracy", "{:.2%}") if s["task"] == "classification" else ("R^2", "{:.4f}")
    lines = [f"{'layer':<12}{'kept':>8}{'total':>10}{'weights':>9}{'biases':>8}{'inputs used':>13}"]
    for row in network.report():
        kept = row["kept_weights"] + row["kept_biases"]
        lines.append(f"{row['n_in']:>4} -> {row['n_out']:<4}{kept:>8,}{row['total']:>10,}{row['kept_weights']:>9,}"
                     f"{row['kept_biases']:>8,}{row['inputs']:>6,} of {row['n_in']:<4,}")
    lines.append(f"{'all':<12}{s['kept']:>8,}{s['total']:>10,}   density {s['density']:.4%}")
    lines.append("")
    lines.append(f"dense   validation {name}  {show.format(s['dense_val_accuracy'])}")
    lines.append(f"pruned  validation {name}  {show.format(s['val_accuracy'])}")
    lines.append(f"pruned  test {name}        {show.format(s['test_accuracy'])}")
    steps = f"{s['steps']:,} steps of {s['batch_size']}"
    lines.append(f"model.npz {s['model_bytes']:,} bytes, {steps}, {s['seconds']:.0f} s")
    lines.append("")
    lines.append(f"figures: {out / 'figures'}")
    higher = min(1.0, s["budget"] / s["total"] * 2.5)
    lines.append(f"next:    python -m tinygsp.train {s['dataset']} --density {higher:.2g}")
    return "\n".join(lines)


class Progress:
    """A bar on a terminal; a line now and then elsewhere; nothing if quiet. All on stderr."""

    def __init__(self, pruner, quiet):
        self.quiet, self.every, self.bar = quiet, max(1, math.ceil(pruner.total_epochs / 20)), None
        if quiet:
            return
        say("compiling or loading the kernels (once; a minute at most, then cached) ...", sys.stderr)
        if sys.stderr and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            from tqdm import tqdm

            layout = "{desc} |{bar}| {n_fmt}/{total_fmt} {remaining}"  # short enough for 80 columns
            with contextlib.suppress(OSError):  # a terminal may go at any time; progress is not worth a run
                self.bar = tqdm(total=pruner.total_epochs, initial=pruner.epoch, file=sys.stderr, dynamic_ncols=True,
                                bar_format=layout)

    def __call__(self, r):
        if self.quiet:
            return
        text = (f"{r['phase']:<8} loss {r['loss']:.4f}  validation {r['val_accuracy']:.4f}  "
                f"open {r['open_gates']:,}  density {r['density']:.3%}")
        if self.bar is not None:
            text = (f"{r['phase']:<8} loss {r['loss']:.3f} val {r['val_accuracy']:.4f} "
                    f"open {r['open_gates']:,} ({r['density']:.2%})")
            with contextlib.suppress(OSError):
                self.bar.set_description_str(text, refresh=False)
                self.bar.update()
        elif r["epoch"] % self.every == 0:
            say(f"epoch {r['epoch']:>4}  {text}  {r['seconds']:.0f} s", sys.stderr)

    def close(self):
        if self.bar is not None:
            with contextlib.suppress(OSError):
                self.bar.close()


if __name__ == "__main__":
    sys.exit(main())
