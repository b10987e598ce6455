"""Trouble from outside, such as a full disk or a folder that is moved away: one clear line, and nothing is lost."""

import errno
import os
import shutil
import signal

import numpy as np
import pytest
from helpers.cli import one_error
from helpers.runs import at_step, interrupted, resumed, run, same

from tinygsp import data, runs
from tinygsp.runs import lock
from tinygsp.training import DivergedError

pytestmark = pytest.mark.usefixtures("small_toy")


def full_after(count):
    """A stand-in for os.fsync on a disk that is full after `count` calls."""
    calls = iter(range(count))

    def full(handle):
        if next(calls, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return full


def test_a_disk_that_fills_up(whole, tmp_path, monkeypatch, capsys):
    """Whichever write fails: one line, nothing half-written, and with room again the run goes on."""
    for count in range(2, 100):
        out = tmp_path / f"full{count}"
        monkeypatch.setattr(os, "fsync", full_after(count))
        code = run("toy", "--out", out, "--quiet")
        monkeypatch.setattr(os, "fsync", lambda handle: None)
        if code == 0:
            break
        assert code == 1
        one_error(capsys, out, "No space left on device")
        assert not [name for name in os.listdir(out) if name.endswith(".tmp")]
        assert (resumed(out) if (out / "config.json").exists() else run("toy", "--out", out, "--quiet")) == 0
        capsys.readouterr()
        assert same(out, whole)
    assert count > 20


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX device")
def test_no_room_for_a_row(whole, tmp_path, monkeypatch, capsys):
    add = runs.Run.add

    def add_to_full(self, record):
        if record["epoch"] == 4:
            self.metrics.close()
            self.metrics.file = open("/dev/full", "w")  # noqa: SIM115  (the run closes it)
        add(self, record)

    monkeypatch.setattr(runs.Run, "add", add_to_full)
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 1
    one_error(capsys, "No space left on device", "--resume")
    monkeypatch.setattr(runs.Run, "add", add)
    assert resumed(tmp_path / "out") == 0 and same(tmp_path / "out", whole)


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    capsys.readouterr()
    os_open = os.open

    def refuse(path, *arguments, **options):
        if str(path).startswith(str(tmp_path)):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return os_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert resumed(out) == 1
    one_error(capsys, out, "cannot be written", "Permission denied")
    (tmp_path / "new").mkdir()
    assert run("toy", "--out", tmp_path / "new") == 1
    one_error(capsys, "new", "cannot be written", "Permission denied")


def test_a_folder_that_is_moved_away(whole, tmp_path, monkeypatch, capsys):
    out, place = tmp_path / "out", tmp_path / "another place"
    at_step(monkeypatch, 40, lambda: out.rename(place))
    assert run("toy", "--out", out, "--quiet") == 1
    one_error(capsys, out, "gone", "--resume NEW-NAME")
    assert resumed(place) == 0 and same(place, whole) and not out.exists()


def test_another_run_under_the_same_name(whole, tmp_path, monkeypatch, capsys):
    """The folder is moved away and a second run begins where it was: neither disturbs the other."""
    out, place, second = tmp_path / "out", tmp_path / "moved", []

    def move():
        out.rename(place)
        at_step(monkeypatch, 40, lambda: signal.raise_signal(signal.SIGINT))
        second.append(run("toy", "--out", out, "--quiet"))

    at_step(monkeypatch, 40, move)
    assert run("toy", "--out", out, "--quiet") == 1 and second == [130]
    assert [resumed(out), resumed(place)] == [0, 0] and same(out, whole) and same(place, whole)


def test_a_folder_that_is_removed(tmp_path, monkeypatch, capsys):
    at_step(monkeypatch, 160, lambda: shutil.rmtree(tmp_path / "out"))
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 1
    one_error(capsys, "out", "gone")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["train_x", "train_y"])
def test_data_that_are_not_finite(value, name, tmp_path, monkeypatch, capsys):
    load = data.load

    def spoiled(*arguments, **options):
        dataset = load(*arguments, **options)
        getattr(dataset, name)[:, 1] = value
        return dataset

    monkeypatch.setattr(data, "load", spoiled)
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 1
    one_error(capsys, "step 0", "nan or inf in the data")


def test_divergence_leaves_the_last_good_epoch(whole, tmp_path, monkeypatch, capsys):
    def diverges():
        raise DivergedError("the loss became nan at step 40")

    at_step(monkeypatch, 40, diverges)
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 1
    one_error(capsys, "step 40")
    with np.load(tmp_path / "out/checkpoint.npz") as checkpoint:
        assert checkpoint["step"] == 36 and checkpoint["epoch"] == 3
    assert resumed(tmp_path / "out") == 0 and same(tmp_path / "out", whole)  # it does not diverge again


def test_one_process_at_a_time(whole, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    capsys.readouterr()
    other = runs.Run(out, 0.0)
    for arguments in (["--resume", out], ["toy", "--out", out, "--force"], ["toy", "--out", out]):
        assert run(*arguments) == 1
        one_error(capsys, out, f"process {os.getpid()} is working in it")
    other.close()
    assert resumed(out) == 0 and same(out, whole)


def test_a_lock_left_behind_locks_nothing(whole, tmp_path, monkeypatch):
    out = interrupted(monkeypatch, tmp_path / "out")
    (out / "run.lock").write_text("1\n")  # a process that is there, and has nothing to do with it
    (out / ".checkpoint.next.npz.123.tmp").write_bytes(b"half")
    assert resumed(out) == 0 and same(out, whole)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "run.lock").write_text("1\n")
    assert run("toy", "--out", tmp_path / "new", "--quiet") == 0 and same(tmp_path / "new", whole)


def test_a_file_system_without_locks(whole, tmp_path, monkeypatch):
    def refuse(handle):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "lock_file", refuse)
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 0 and same(tmp_path / "out", whole)
