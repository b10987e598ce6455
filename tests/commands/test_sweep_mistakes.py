"""Mistakes on the command line of the sweep: one line on stderr, an exit code, and nothing is touched."""

import errno
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.cli import one_error
from helpers.sweeps import FOUR, run

from tinygsp.commands import sweep
from tinygsp.sweeping.folder import claim

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("light_sweep")


def test_help_needs_no_heavy_import():
    code = "import sys; from tinygsp.commands import sweep\n"
    code += "try: sweep.main([sys.argv[1]])\nexcept SystemExit as stop: assert stop.code == int(sys.argv[2])\n"
    code += "heavy = {'numpy', 'numba', 'matplotlib', 'dask'} & sys.modules.keys()\nassert not heavy, heavy"
    for argument, code_of_exit in (("--help", "0"), ("--seeds=x", "2")):
        done = subprocess.run([sys.executable, "-c", code, argument, code_of_exit], cwd=ROOT, capture_output=True,
                              text=True, timeout=60)  # fmt: skip
        assert done.returncode == 0, done.stderr
    done = subprocess.run([sys.executable, "-m", "tinygsp.sweep", "--help"], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)  # fmt: skip
    assert done.returncode == 0 and "exit codes" in done.stdout and "--scheduler" in done.stdout


def test_seeds():
    assert sweep.seeds("0-4") == (0, 1, 2, 3, 4) and sweep.seeds("0,3,7") == (0, 3, 7)
    assert sweep.seeds("2,0-2,5-5") == (2, 0, 1, 5) and sweep.seeds("4294967295") == (2**32 - 1,)


@pytest.mark.parametrize("arguments, words", [
    (["--seeds", "4-0"], "0-4 or 0,3,7"), (["--seeds", "-1"], "0-4 or 0,3,7"), (["--seeds", "1,,2"], "0-4 or 0,3,7"),
    (["--seeds", "4294967296"], "4294967295"), (["--seeds", "0-99999999"], "10,000"), (["--seeds", ""], "0-4"),
    (["--seeds", "0-"], "0-4"), (["--densities", "0.1,0"], "(0, 1]"), (["--densities", ""], "(0, 1]"),
    (["--densities", "0.1,nan"], "(0, 1]"), (["--epochs", "0"], "at least 1"), (["--hidden", "x"], "sizes"),
    (["--workers", "0"], "from 1 to"), (["--workers", "many"], "from 1 to"), (["--scheduler", "here"], "tcp://"),
    (["--scheduler", "tcp://host"], "tcp://host:port"), (["--nonsense"], "--nonsense"),
    (["--workers", "2", "--scheduler", "tcp://host:1"], "--workers"),
    (["--methods", "gates,nothing"], "'nothing': expected one of gates, gradual"),
    (["--methods", ""], "expected one of gates"),
])  # fmt: skip
def test_bad_arguments(arguments, words, folder, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run(folder, *arguments, "--out", tmp_path / "out")
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and error.startswith("error: ")
    assert words in error and arguments[0] in error and not (tmp_path / "out").exists()


def test_densities_and_data_that_cannot_be(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(folder, *FOUR, "--densities", "0.1,0.001", "--out", out) == 2
    one_error(capsys, "density 0.001", "keeps 0")
    assert run("no-such-set", "--out", out) == 3
    one_error(capsys, "no-such-set", "mnist", "toy")
    assert not out.exists()


@pytest.mark.parametrize("name", ["thesis.txt", "config.json", "tasks/thesis.txt", "tasks/abc.json"])
def test_a_folder_with_something_else_in_it(name, folder, tmp_path, capsys):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("years of work")
    before = sorted(tmp_path.rglob("*"))
    assert run(folder, *FOUR, "--out", tmp_path) == 1
    one_error(capsys, tmp_path, path.name, "choose another folder")
    assert sorted(tmp_path.rglob("*")) == before and path.read_text() == "years of work"


def test_a_folder_that_cannot_be(folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("mine")
    assert run(folder, *FOUR, "--out", tmp_path / "file") == 1
    one_error(capsys, "is a file")
    assert run(folder, *FOUR, "--out", tmp_path / "file" / "sweep") == 1
    one_error(capsys, "cannot be written")
    os_open = os.open

    def refuse(path, *arguments, **options):
        if str(path).startswith(str(tmp_path)):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return os_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert run(folder, *FOUR, "--out", tmp_path / "new") == 1
    one_error(capsys, "new", "cannot be written", "Permission denied")
    assert (tmp_path / "file").read_text() == "mine"


def test_one_sweep_at_a_time(whole_sweep, folder, capsys):
    with claim(whole_sweep):
        assert run(folder, *FOUR, "--out", whole_sweep) == 1
        one_error(capsys, whole_sweep, f"process {os.getpid()} is working in it")
    assert run(folder, *FOUR, "--out", whole_sweep, "--quiet") == 0


def test_a_scheduler_that_is_not_there(folder, tmp_path, monkeypatch, capsys):
    with socket.socket() as taken:  # bound, and never listening
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        arguments = [folder, *FOUR, "--out", tmp_path / "out", "--scheduler", address]
        if find_spec("distributed"):
            assert run(*arguments, "--quiet") == 1
            one_error(capsys, "--scheduler tcp://127.0.0.1", "a Dask scheduler must run there", "0 of 4 are done")
        monkeypatch.setitem(sys.modules, "dask.distributed", None)
        assert run(*arguments, "--quiet") == 1
        one_error(capsys, "needs Dask", 'pip install "dask[distributed]"', "tinygsp[dask]")
