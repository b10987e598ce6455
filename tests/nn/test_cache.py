"""The compiled loops find a place for their cache, also in an installation that cannot be written."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import tinygsp

posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes are those of POSIX")
NOBODY = 65534  # a user and a group without rights


def run_kernels(folder, *prefix, **changes):
    """Call a compiled function of the copy of the library in `folder`, in a process of its own.

    prefix : a command that starts the process;  changes : of its environment
    """
    code = (
        "from tinygsp.nn import kernels; import numpy as np; print(kernels.__file__); "
        "x, y = np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32); "
        "kernels.standardize(x, np.float32(1), np.float32(0), y); print(int(y[0, 0]))"
    )
    hidden = ("NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT", "XDG_CACHE_HOME", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [*prefix, sys.executable, "-c", code],
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


# --- no folder can be written -------------------------------------------------------------------------------


@pytest.fixture
def homeless(tmp_path):
    """The environment of a process whose home folder cannot be written, with a folder for temporary files."""
    (tmp_path / "home").write_text("not a folder")
    (tmp_path / "temporary").mkdir()
    return {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "temporary")}


@posix
def test_a_temporary_folder_takes_the_cache(locked, homeless, tmp_path):
    done = run_kernels(locked, **homeless)
    assert done.stdout.split()[1:] == ["1"], done.stderr
    (cache,) = (tmp_path / "temporary").iterdir()
    assert cache.name == f"tinygsp-cache-{os.getuid()}" and stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert list(cache.rglob("*.nbi"))
    line = f"warning: compiled kernels are kept in {cache} only, a temporary folder; set NUMBA_CACHE_DIR "
    assert done.stderr.startswith(line) and len(done.stderr.splitlines()) == 1
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    assert run_kernels(locked, **homeless).stdout == done.stdout
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.nb*")}.items() <= before.items()  # it was used


@posix
@pytest.mark.parametrize("trap", ["open to all", "a link", "a file", "of another user"])
def test_a_cache_that_another_could_have_filled_is_not_used(trap, locked, homeless, tmp_path):
    cache = tmp_path / "temporary" / f"tinygsp-cache-{os.getuid()}"
    if trap == "a file":
        cache.write_text("")
    elif trap == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        cache.symlink_to(tmp_path / "elsewhere")
    else:
        cache.mkdir()
        cache.chmod(0o700 if trap == "of another user" else 0o777)
    if trap == "of another user":
        if os.geteuid() != 0:
            pytest.skip("only an administrator can write to a private folder of another user")
        os.chown(cache, NOBODY, NOBODY)
    done = run_kernels(locked, **homeless)
    assert done.stdout.split()[1:] == ["1"], done.stderr
    assert done.stderr.startswith("warning: compiled kernels cannot be kept, no folder can be written, so each process")
    assert len(done.stderr.splitlines()) == 1 and not list(tmp_path.rglob("*.nbi"))


@pytest.fixture
def installed():
    """A copy of the library that only an administrator can write, in a folder that everybody can read."""
    folder = Path(tempfile.mkdtemp(prefix="tinygsp-installed-"))
    shutil.copytree(Path(tinygsp.__file__).parent, folder / "tinygsp", ignore=shutil.ignore_patterns("__pycache__"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs an administrator and setpriv"
)
@pytest.mark.parametrize("own", [True, False], ids=["own temporary folder", "taken by another user"])
def test_a_user_without_rights_or_home(own, installed):
    """As in a container: the installation is read-only, the user is nobody, and the home folder does not exist."""
    temporary = installed / "temporary"
    temporary.mkdir()
    temporary.chmod(0o1777)
    cache = temporary / f"tinygsp-cache-{NOBODY}"
    if not own:
        cache.mkdir()
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if subprocess.run([*user, sys.executable, "-c", "import numba"], cwd=installed, capture_output=True).returncode:
        pytest.skip("nobody cannot run this Python")
    done = run_kernels(installed, *user, HOME="/nonexistent", TMPDIR=str(temporary))
    where, best = done.stdout.split()
    assert Path(where).parent == installed / "tinygsp" / "nn" and best == "1", done.stderr
    assert len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr
    assert ("are kept in" if own else "cannot be kept") in done.stderr
    assert bool(list(temporary.rglob("*.nbi"))) == own
