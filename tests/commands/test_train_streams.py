"""Results on stdout and progress on stderr, whatever these are: terminals, pipes without a reader, a full disk."""

import errno
import io
import os
import re
import subprocess
import sys

import pytest
from helpers.cli import one_error
from helpers.runs import NAMES, run, same

pytestmark = pytest.mark.usefixtures("small_toy")


def test_a_reader_who_leaves(tmp_path):
    """As in `| head -1`, in a process of its own: Python writes to stdout once more when it exits."""
    code = (
        "import sys; from dataclasses import replace; from tinygsp.commands import train\n"
        "from tinygsp.training import settings\n"
        "settings.TOY = replace(settings.TOY, dense_epochs=1, epochs=1, finetune_epochs=1, tries=1)\n"
        "sys.exit(train.main())"
    )
    command = [sys.executable, "-c", code, "toy", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    progress = process.stderr.read()
    assert process.wait(60) == 0 and "loss" in progress
    assert "Traceback" not in progress and "Exception" not in progress
    assert {p.name for p in (tmp_path / "out").iterdir()} == NAMES


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    "variables, bar", [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, True)]
)
def test_terminals(variables, bar, tmp_path, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert run("toy", "--out", tmp_path / "out") == 0
    written = sys.stderr.getvalue()
    assert "loss" in written and ("\r" in written) == bar
    assert not re.search(r"\x1b\[[0-9;]*m", written)  # no colours


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("reason", [errno.EPIPE, errno.EIO, errno.ENOSPC])
def test_progress_that_nobody_can_see(reason, terminal, whole, tmp_path, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(reason, os.strerror(reason))

        def isatty(self):
            return terminal

        def fileno(self):
            return os.open(os.devnull, os.O_WRONLY)

    monkeypatch.setattr(sys, "stderr", Gone())
    assert run("toy", "--out", tmp_path / "out") == 0 and same(tmp_path / "out", whole)


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX device")
def test_results_that_cannot_be_written(whole, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch, open("/dev/full", "w") as full:
        patch.setattr(sys, "stdout", full)
        assert run("toy", "--out", tmp_path / "out", "--quiet") == 1
    one_error(capsys, "stdout", "No space left on device", "the run is finished", tmp_path / "out")
    assert same(tmp_path / "out", whole)


def test_without_standard_streams(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    assert run("toy", "--out", tmp_path / "a") == 0 and same(tmp_path / "a", whole)
    assert "epoch" not in capsys.readouterr().out  # progress does not turn up among the results
    monkeypatch.setattr(sys, "stdout", None)
    assert run("toy", "--out", tmp_path / "b") == 0 and same(tmp_path / "b", whole)
