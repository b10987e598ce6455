"""Too little memory and too few files, for every command: one line, and no traceback, whatever fails first."""

import os
import subprocess
import sys

import pytest
from helpers.explained import reader_of_bands, write_bands, write_run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs limits of the system")

LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_{kind}, ({value}, {value}))
sys.argv = {arguments!r}
runpy.run_module("tinygsp.{command}", run_name="__main__")
"""
LIMITS = {"memory": ("AS", 150 * 2**20), "less memory": ("AS", 60 * 2**20), "files": ("NOFILE", 4)}


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """{command: arguments}, for a small run that is finished."""
    path = tmp_path_factory.mktemp("limits")
    run = write_run(path / "run", reader_of_bands(), write_bands(path / "data"))
    return {
        "train": ["toy", "--out", path / "out", "--epochs", "1", "--quiet"],
        "explain": [run, "--quiet"],
        "sweep": ["toy", "--out", path / "sweep", "--methods", "random", "--seeds", "0", "--epochs", "1", "--quiet"],
        "bench": ["--quick", "--out", path / "bench", "--quiet"],
        "export": [run, "--to", "js", "-o", path / "net.js", "--force", "--quiet"],
    }


@pytest.mark.parametrize("command", ["train", "explain", "sweep", "bench", "export"])
@pytest.mark.parametrize("limit", LIMITS)
def test_one_line(limit, command, commands):
    kind, value = LIMITS[limit]
    arguments = ["x", *map(str, commands[command])]
    code = LIMITED.format(kind=kind, value=value, command=command, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode in ((0, 1, 3) if command == "export" else (1, 3)), done.stderr
    lines = [line for line in done.stderr.splitlines() if "onnxruntime" not in line]  # it complains of its own accord
    if done.returncode:
        assert len(lines) == 1 and lines[0].startswith("error: ") and len(lines[0]) <= 300
        expected = "Too many open files" if limit == "files" else "a library cannot be loaded"
        assert expected in lines[0]
