"""The compiled loops find a place for their cache, also in an installation that cannot be written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinygsp


def run_kernels(folder, **changes):
    """Call a compiled function of the copy of the library in `folder`, in a process of its own."""
    code = (
        "from tinygsp.nn import kernels; import numpy as np; print(kernels.__file__); "
        "best = np.empty(1, np.int64); kernels.row_argmax(np.array([[1, 3, 2]], np.float32), best); print(best[0])"
    )
    hidden = ("NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT", "XDG_CACHE_HOME", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**environment, **changes},
        text=True,
        capture_output=True,
        timeout=300,
    )


@pytest.fixture
def locked(tmp_path):
    """A copy of the library whose caches cannot be written, not even by an administrator: a file is in the way."""
    package = tmp_path / "install" / "tinygsp"
    shutil.copytree(Path(tinygsp.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "nn" / "__pycache__").write_text("not a folder")
    return package.parent


@pytest.mark.skipif(sys.platform == "win32", reason="the user's cache folder is not told by the environment")
def test_an_install_that_cannot_be_written_uses_the_users_cache(locked, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    done = run_kernels(locked, HOME=str(home))
    where, best = done.stdout.split()
    assert Path(where).parent == locked / "tinygsp" / "nn" and best == "1", done.stderr
    assert list(home.rglob("*.nbi")), "no cache in the home folder"


def test_a_cache_folder_may_be_named(locked, tmp_path):
    home = tmp_path / "home"
    home.write_text("not a folder")  # nothing can be written there either
    done = run_kernels(locked, HOME=str(home), NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert done.stdout.split()[1:] == ["1"], done.stderr
    assert list((tmp_path / "cache").rglob("*.nbi"))
