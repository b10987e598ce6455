"""One process at a time works in a folder; a lock that is left behind locks nothing."""

import os

import pytest

from tinygsp import runs
from tinygsp.runs import lock


def test_a_lock_that_is_removed_while_waited_for(tmp_path, monkeypatch):
    """Between opening the file and locking it, its owner removed it: another file has the name now."""
    lock_file, removed = lock.lock_file, []

    def slow(handle):
        if not removed:
            removed.append((tmp_path / "run.lock").unlink())
        lock_file(handle)

    monkeypatch.setattr(lock, "lock_file", slow)
    first = runs.Lock(tmp_path / "run.lock")
    with pytest.raises(runs.RunError, match="is working in it"):
        runs.Lock(tmp_path / "run.lock")
    first.release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="needs a system that moves open files")
def test_a_lock_in_a_folder_that_is_moved_away(tmp_path):
    """Its owner, when done, leaves alone the lock of whoever has the name now."""
    folder = tmp_path / "run"
    folder.mkdir()
    first = runs.Lock(folder / "run.lock")
    folder.rename(tmp_path / "moved")
    folder.mkdir()
    second = runs.Lock(folder / "run.lock")
    assert second.is_there() and not first.is_there()
    first.release()
    assert second.is_there()
    second.release()
    assert list(folder.iterdir()) == []
