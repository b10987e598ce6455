"""What all commands share: error lines and exit codes, signals, threads, printing and progress."""

import io
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import threadpoolctl
from helpers.cli import one_error
from helpers.runs import SIGNALS

from tinygsp.commands import kit
from tinygsp.data import DataError
from tinygsp.runs import RunError
from tinygsp.sparse import ModelFileError
from tinygsp.training import DivergedError, SettingsError

COMMANDS = ("train", "explain", "sweep", "bench", "export")
posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX device")


def outcome(error, **options):
    """The exit code of a command whose body raises `error`, after it has changed its place and what it has kept."""
    state = {"place": "nowhere", "kept": ""}

    def body(stop):
        state.update(place="out", kept="all but the last file is there")
        raise error

    return kit.run_command(body, place=lambda: state["place"], kept=lambda: state["kept"], **options)


# --- errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error, code, line",
    [
        (DataError("no data"), 3, "error: no data"),
        (SettingsError("too dense"), 2, "error: too dense"),
        (DivergedError("the loss became nan"), 1, "error: the loss became nan"),
        (RunError("no run"), 1, "error: no run"),
        (ModelFileError("no model"), 1, "error: no model"),
        (OSError(28, "No space left on device"), 1, "error: out: No space left on device; all but the last file"),
        (
            FileNotFoundError(2, "No such file", "a.npz"),
            1,
            "error: a.npz: No such file; all but the last file is there",
        ),
        (OSError("a device without a number"), 1, "error: out: a device without a number; all but"),
        (MemoryError(), 1, "error: not enough memory; all but the last file is there"),
        (KeyboardInterrupt(), 130, "error: interrupted; all but the last file is there"),
    ],
)
def test_an_error_becomes_a_line_and_an_exit_code(error, code, line, capsys):
    assert outcome(error) == code
    one_error(capsys, line)


@pytest.mark.parametrize("error", [RunError("no run"), ModelFileError("no model")])
def test_a_run_that_is_read_counts_as_data(error, capsys):
    assert outcome(error, bad_run=kit.DATA) == 3
    one_error(capsys, error)


def test_nothing_is_said_of_what_is_kept_before_there_is_anything(capsys):
    def body(stop):
        raise MemoryError

    assert kit.run_command(body, place=lambda: "out", kept=lambda: "", out_of_memory="too large") == 1
    assert capsys.readouterr().err == "error: too large\n"


def test_a_fault_of_the_program_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        outcome(ZeroDivisionError())


def test_an_error_line_is_one_line_of_300_characters(capsys):
    assert kit.fail("first\r\nsecond\x1b[2J\u2028third", 1) == 1
    assert capsys.readouterr().err == "error: first second [2J third\n"
    kit.fail("begin " + "x" * 1000 + " end", 1)
    line = capsys.readouterr().err.rstrip("\n")
    assert len(line) == 300 and line.startswith("error: begin x") and line.endswith("x end") and " ... " in line


def test_a_mistake_in_the_arguments(capsys):
    parser = kit.Parser("train", "What it does.", "exit codes: none\n  as typed")
    parser.add_argument("--size", type=int)
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(["--size", "a\nb" + "c" * 500])
    assert stop.value.code == 2
    one_error(capsys, "--size")
    assert "usage: python -m tinygsp.train" in parser.format_help() and "\n  as typed" in parser.format_help()


# --- start --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_heavy_import(command):
    code = f"import sys; from tinygsp.commands import {command}\n"
    code += f"try: {command}.main(['--help'])\nexcept SystemExit as stop: assert stop.code == 0\n"
    code += "assert not {'numpy', 'numba', 'matplotlib'} & sys.modules.keys(), 'imported too early'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "exit codes" in done.stdout and f"usage: python -m tinygsp.{command}" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_that_nobody_reads(command):
    process = subprocess.Popen(
        [sys.executable, "-m", f"tinygsp.{command}", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(60) == 0
    process.stderr.close()


def blas_threads():
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}


def test_threads_of_a_blas_that_is_at_work_already():
    np.ones((200, 200)) @ np.ones((200, 200))
    before = blas_threads()
    with kit.limit_threads(2):
        assert blas_threads() <= {2} and os.environ["VECLIB_MAXIMUM_THREADS"] == "2"
        with kit.limit_threads(1):
            assert blas_threads() <= {1} and os.environ["VECLIB_MAXIMUM_THREADS"] == "1"
    assert blas_threads() == before


def test_a_command_has_one_thread_unless_told_otherwise():
    before, seen = blas_threads(), []
    for options in ({}, {"threads": 2}):
        options = {"place": str, "kept": str, **options}
        assert kit.run_command(lambda stop: seen.append(blas_threads()) or 0, **options) == 0
    assert seen in ([{1}, {2}], [set(), set()])  # threadpoolctl does not know every BLAS
    assert blas_threads() == before


# --- signals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_asks_and_the_second_interrupts(number, terminal_signals):
    with kit.StopSignals() as stop:
        assert not stop.asked
        signal.raise_signal(number)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) == signal.default_int_handler  # as before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_interrupts_at_once(number, terminal_signals, capsys):
    def body(stop):
        signal.raise_signal(number)
        raise AssertionError("the work went on")

    assert kit.run_command(body, place=str, kept=lambda: "nothing was written", at_once=True) == 130
    one_error(capsys, "interrupted; nothing was written")


def test_an_ignored_signal_stays_ignored(terminal_signals):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with kit.StopSignals() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert not stop.asked


def test_signals_are_left_alone_outside_of_the_main_thread():
    handler = signal.getsignal(signal.SIGINT)
    handlers = []

    def work():
        with kit.StopSignals():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [handler]


# --- printing -----------------------------------------------------------------------------------------------


def test_a_stream_that_was_never_open():
    kit.say("text", None)


def test_characters_that_the_stream_lacks():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    kit.say("R² of \udcff", stream)
    assert stream.buffer.getvalue().decode() == "R\\xb2 of \\udcff" + os.linesep


@posix
def test_stdout_on_a_full_disk(monkeypatch, capsys):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(OSError, match="stdout"):
            kit.say("a result", sys.stdout)
        kit.say("another", sys.stdout)  # goes nowhere: Python must not fail once more when it exits
    monkeypatch.undo()


def test_progress_without_a_terminal(capsys):
    progress = kit.Progress(6, done=1, every=2)
    progress.note("begins")
    for k in range(2, 7):
        progress.advance(f"line {k}", f"short {k}")
    progress.close()
    captured = capsys.readouterr()
    assert captured.err.splitlines() == ["begins", "line 2", "line 4", "line 6"] and captured.out == ""


def test_quiet_progress(capsys):
    progress, steps = kit.Progress(2, quiet=True), kit.StepLines(quiet=True)
    progress.note("begins")
    progress.advance("line", "short")
    progress.close()
    steps("drawing")
    assert capsys.readouterr() == ("", "") and progress.done == 1


def test_progress_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    progress = kit.Progress(2)
    progress.note("begins")
    progress.advance("line 1", "short 1")
    progress.close()
    written = sys.stderr.getvalue()
    assert "begins\n" in written and "short 1" in written and "1/2" in written and "line 1" not in written


def test_step_lines(capsys, monkeypatch):
    seconds = iter((100.0, 101.25))
    monkeypatch.setattr(time, "perf_counter", lambda: next(seconds))
    kit.StepLines()("drawing")
    assert capsys.readouterr().err == "  1.2 s  drawing ...\n"
