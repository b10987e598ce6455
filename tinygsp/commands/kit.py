"""What all commands share: parser, exit codes, error lines, signals, threads and progress.

A command parses its arguments with `Parser`, then hands its work to `run_command`, which sets the number of threads,
catches signals, and turns every known error into one line on stderr and an exit code. Results go to stdout through
`say`, progress to stderr. Nothing heavy is imported at the top, so that --help answers at once. The options that
train and sweep share are in options.py.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import TextIO

DONE, FAILED, USAGE, DATA, INTERRUPTED = 0, 1, 2, 3, 130  # exit codes
EXIT_CODES = "exit codes: 0 done, 1 failed, 2 usage, 3 data missing or damaged, 130 interrupted."
LONGEST = 300  # characters of an error line
BAR = "{desc} |{bar}| {n_fmt}/{total_fmt} {remaining}"  # fits into 80 columns


class Parser(argparse.ArgumentParser):
    """An argument parser of `python -m tinygsp.NAME`: an error is one line on stderr and exit code 2."""

    def __init__(self, name: str, description: str, epilog: str) -> None:
        raw = argparse.RawDescriptionHelpFormatter  # keeps the line ends of the epilog
        super().__init__(prog=f"python -m tinygsp.{name}", description=description, epilog=epilog, formatter_class=raw)

    def error(self, message: str) -> None:
        sys.exit(fail(message, USAGE))

    def print_help(self, file: TextIO | None = None) -> None:
        say(self.format_help().rstrip(), file or sys.stdout)


# --- printing -----------------------------------------------------------------------------------------------


def say(text: str, stream: TextIO | None) -> None:
    """Print a text to sys.stdout or sys.stderr at once.

    A reader who has left (as in `| head -1`) is no error, and neither is a stream that was closed before Python began
    (None). Raises OSError, with filename "stdout", if stdout cannot be written for another reason, such as a full
    disk. Characters that the stream's encoding lacks are written as escapes.
    """
    if stream is None:
        return
    try:
        try:
            print(text, file=stream, flush=True)
        except UnicodeEncodeError:
            print(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding), file=stream, flush=True)
    except OSError as error:
        silence(stream)
        if stream is sys.stdout and error.errno not in (errno.EPIPE, errno.EINVAL):  # Windows has EINVAL for EPIPE
            error.filename = "stdout"
            raise


def silence(stream: TextIO) -> None:
    """Send what is written to a stream from now on nowhere; Python would otherwise fail once more when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def warn(message: object) -> None:
    """Print a warning as one line on stderr."""
    say(one_line(f"warning: {message}"), sys.stderr)


def fail(message: object, code: int) -> int:
    """Print an error as one line on stderr, and return the exit code `code`."""
    say(one_line(f"error: {message}"), sys.stderr)
    return code


def one_line(text: str) -> str:
    """Make a text one line of at most LONGEST characters: line ends become blanks, a long text loses its middle."""
    text = re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 3 - 5]} ... {text[-2 * LONGEST // 3 :]}"


# --- running ------------------------------------------------------------------------------------------------


def run_command(
    body: Callable[[StopSignals], int],
    *,
    place: Callable[[], object],
    kept: Callable[[], str],
    threads: int = 1,
    bad_run: int = FAILED,
    out_of_memory: str = "not enough memory",
    at_once: bool = False,
) -> int:
    """Run the body of a command, with `threads` threads of BLAS, and return its exit code.

    body          : gets the StopSignals and returns an exit code
    place         : returns the file or folder to name in a system error that names none itself
    kept          : returns what has been written or kept so far and how to go on, as the end of an error line that
                    comes from outside (system, memory, signal); "" says nothing. It is called when the error is there,
                    so it must tell the state at that moment.
    bad_run       : exit code of a run folder or model file that cannot be used; DATA if the command reads one
    out_of_memory : the error line of a MemoryError
    at_once       : whether the first signal interrupts; otherwise it sets `asked` and the body ends in good order

    An error of another kind is a fault of the program and is raised.
    """
    with StopSignals(at_once) as stop:
        try:
            with limit_threads(threads):
                return body(stop)
        except KeyboardInterrupt:
            return fail(join("interrupted", kept()), INTERRUPTED)
        except MemoryError:
            return fail(join(out_of_memory, kept()), FAILED)
        except (ImportError, OSError) as error:
            message = import_failure(error)
            if not message and isinstance(error, ImportError):
                raise
            return fail(join(message or f"{error.filename or place()}: {error.strerror or error}", kept()), FAILED)
        except Exception as error:
            code = exit_code(error, bad_run)
            if code is None:
                raise
            return fail(error, code)


def join(message: str, end: str) -> str:
    return f"{message}; {end}" if end else message


def import_failure(error: ImportError | OSError) -> str:
    """Return what to say if another library cannot be imported, such as for want of memory; "" of other errors."""
    library = (getattr(error, "name", None) or "").split(".")[0]
    if isinstance(error, ModuleNotFoundError) and library != "tinygsp":
        return f"{library} is needed and cannot be imported ({error}); pip install {library}"
    modules, place = set(), error.__traceback__  # modules: those whose own code the error came through
    while place:
        if place.tb_frame.f_code.co_name == "<module>":
            modules.add(place.tb_frame.f_globals["__name__"].split(".")[0])
        place = place.tb_next
    if library == "tinygsp" or modules <= {"tinygsp"} or getattr(error, "errno", None):
        return ""
    reason = one_line(str(error).strip().splitlines()[-1])[:100].strip()  # NumPy has a page of advice before it
    return f"a library cannot be loaded ({reason}); free memory, raise the limits of this process, or install it anew"


def exit_code(error: Exception, bad_run: int = FAILED) -> int | None:
    """Return the exit code of an error that this library raises on purpose, None of any other."""
    # By name: importing the classes would import numba, which need not be there to read a model file.
    codes = {"DataError": DATA, "SettingsError": USAGE, "DivergedError": FAILED, "MethodError": FAILED}
    codes |= {"RunError": bad_run, "ModelFileError": bad_run}
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__.split(".")[0] == "tinygsp"]
    return next((codes[name] for name in kinds if name in codes), None)


def limit_threads(threads: int) -> contextlib.AbstractContextManager:
    """Make BLAS use this many threads in this process from now on, also if NumPy was imported before.

    Leaving a `with` block of the result brings the number of before back. A BLAS that is loaded later, such as
    SciPy's, keeps its own number. Accelerate, the BLAS of macOS, reads its number from a variable when it starts.
    """
    os.environ["VECLIB_MAXIMUM_THREADS"] = str(threads)
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", str(threads))  # threads that are never used take memory too
    import numpy  # noqa: F401  (threadpoolctl reaches a BLAS only once it is loaded)
    from threadpoolctl import threadpool_limits

    return threadpool_limits(threads, user_api="blas")


class StopSignals:
    """Catch the signals that ask a program to stop, while a `with` block runs.

    They are Ctrl-C, SIGTERM, SIGHUP (its terminal was closed) and Ctrl-Break on Windows. The first one sets `asked`;
    the command looks at it and stops where it can go on from. The second one raises KeyboardInterrupt. With
    `at_once`, the first one raises it too. A signal that was ignored before stays ignored.
    """

    def __init__(self, at_once: bool = False) -> None:
        self.asked, self.at_once = False, at_once
        self.before = {}  # the handler of each signal outside of the block

    def __enter__(self) -> StopSignals:
        with contextlib.suppress(ValueError):  # only the main thread can handle signals
            for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
                number = getattr(signal, name, None)
                if number and signal.getsignal(number) != signal.SIG_IGN:
                    self.before[number] = signal.signal(number, self.receive)
        return self

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Handle one signal."""
        if self.asked or self.at_once:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, *error: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)


# --- progress -----------------------------------------------------------------------------------------------


class Progress:
    """Show on stderr how much of the work is done: a bar on a terminal, lines elsewhere, nothing if quiet.

    total, done : int   units of work (epochs, tasks) in all, and those done already
    every       : int   a line is printed after each unit whose number is a multiple of this; a bar shows every unit
    """

    def __init__(self, total: int, done: int = 0, quiet: bool = False, every: int = 1) -> None:
        self.total, self.done, self.quiet, self.every = total, done, quiet, every
        self.bar = None
        if not quiet and sys.stderr and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            from tqdm import tqdm

            with contextlib.suppress(OSError):  # a terminal that is gone does not stop the work
                self.bar = tqdm(total=total, initial=done, file=sys.stderr, dynamic_ncols=True, bar_format=BAR)

    def note(self, text: str) -> None:
        """Print a line of its own, before the first unit or between two."""
        if self.bar is not None:
            with contextlib.suppress(OSError):
                self.bar.write(text, file=sys.stderr)
        elif not self.quiet:
            say(text, sys.stderr)

    def advance(self, line: str, short: str) -> None:
        """Count one more unit as done. `line` describes it in the lines, `short` beside the bar."""
        self.done += 1
        if self.bar is not None:
            with contextlib.suppress(OSError):
                self.bar.set_description_str(short, refresh=False)
                self.bar.update()
        elif not self.quiet and self.done % self.every == 0:
            say(line, sys.stderr)

    def close(self) -> None:
        """Leave the bar as it is and go to the next line."""
        if self.bar is not None:
            with contextlib.suppress(OSError):
                self.bar.close()


class StepLines:
    """Print a line on stderr when a step of the work begins, with the seconds since the start; nothing if quiet."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet, self.started = quiet, time.perf_counter()

    def __call__(self, step: str) -> None:
        if not self.quiet:
            say(f"{time.perf_counter() - self.started:5.1f} s  {step} ...", sys.stderr)
