"""A lock: one process at a time works in a folder. Sweeps use it too."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tinygsp.runs.errors import RunError


class Lock:
    """Lock a folder for this process, by an exclusive lock of the system on a file in it that holds the process id.

    path : Path   of the file, which is made if need be; `release` removes it

    The system ends the lock when the process ends, in whatever way, so a file left behind locks nothing. A file
    system without locks locks nothing either. Raises RunError if another process has the lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        while True:
            self.handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                lock_file(self.handle)
            except (BlockingIOError, PermissionError):
                pid = os.read(self.handle, 20).decode(errors="replace").strip() or "of another user"
                os.close(self.handle)
                raise RunError(f"{path.parent}: process {pid} is working in it; wait for it or stop it") from None
            except OSError:
                pass  # this file system has no locks
            if self.is_there():
                break
            os.close(self.handle)  # its last owner removed the file between our opening and locking it: try again
        with contextlib.suppress(OSError):  # a full disk is reported by the first write that matters
            os.ftruncate(self.handle, 0)
            os.write(self.handle, str(os.getpid()).encode())

    def is_there(self) -> bool:
        """Return whether the locked file is still the one at `path`: it, or its folder, can be moved or removed.

        Windows moves and removes no file that is open.
        """
        try:
            return os.name != "posix" or os.path.samestat(os.fstat(self.handle), os.stat(self.path))
        except OSError:
            return False

    def release(self) -> None:
        """Remove the file, if it is still there, and unlock it. Windows can only remove it after it is closed."""
        if os.name == "posix" and self.is_there():
            self.path.unlink(missing_ok=True)
        os.close(self.handle)
        if os.name != "posix":
            with contextlib.suppress(OSError):  # another process has just opened it
                self.path.unlink(missing_ok=True)


def lock_file(handle: int) -> None:
    """Lock an open file without waiting. Raises BlockingIOError or PermissionError if another process has it locked."""
    if os.name == "posix":
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        os.lseek(handle, 2**20, os.SEEK_SET)  # lock a byte far behind the process id, which others must be able to read
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)
