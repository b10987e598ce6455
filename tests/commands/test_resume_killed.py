"""Killed at any change of a file, a run goes on and ends with the same bits; nothing is cleaned by hand."""

import os
import shutil

import pytest
from helpers.runs import resumed, run, same

pytestmark = [
    pytest.mark.usefixtures("small_toy"),
    pytest.mark.skipif(os.name != "posix", reason="needs fork"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of fork and threads
]


def killed_at(count, name, arguments):
    """Run in a fork that kills itself before its call number `count` of os.`name`. Whether it came to that."""
    child = os.fork()
    if child == 0:
        try:
            function, calls = getattr(os, name), iter(range(count))
            setattr(os, name, lambda *a: function(*a) if next(calls, None) is not None else os.kill(os.getpid(), 9))
            os._exit(run(*arguments))
        finally:
            os._exit(99)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("name", ["replace", "unlink"])
def test_killed_at_every_change_of_a_name(name, whole, tmp_path):
    """Without anything cleaned by hand: with --resume, or by the same command if there is no config.json yet."""
    for count in range(100):
        out = tmp_path / f"{name}{count}"
        arguments = ["toy", "--out", out, "--quiet"]
        if not killed_at(count, name, arguments):
            break
        assert (resumed(out) if (out / "config.json").exists() else run(*arguments)) == 0 and same(out, whole)
    assert count > (20 if name == "replace" else 1) and same(out, whole)


def test_killed_while_replacing_a_run(whole, tmp_path):
    for count in range(100):
        out = tmp_path / f"run{count}"
        shutil.copytree(whole, out)
        if not killed_at(count, "unlink", ["toy", "--out", out, "--force", "--quiet"]):
            break
        if (out / "config.json").exists():  # the old run or the new one, but one of them
            assert resumed(out) == 0 and same(out, whole)
        else:
            assert run("toy", "--out", out, "--force", "--quiet") == 0 and same(out, whole)
    assert count > 7
