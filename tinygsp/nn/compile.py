"""Compile a kernel with numba, and find a place for what was compiled.

Compiling all kernels takes up to a minute, so numba keeps the result in a cache: beside the source file or, if that
folder cannot be written, in the user's cache folder. Where neither can be written, as in a container without a home
folder, `jit_with` takes a folder for temporary files, and where even that fails it compiles anew in each process.
"""

from __future__ import annotations

import functools
import logging
import multiprocessing
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import config, njit

LOG = logging.getLogger("tinygsp")  # a program that sets up no logging gets its lines on stderr


def jit_with(**options: Any) -> Callable[[Callable], Callable]:
    """A decorator that compiles a function with these options of numba.njit, in a cache wherever there can be one."""

    def jit(function: Callable) -> Callable:
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError:  # numba has no folder that it can write to
            folder = temporary_cache()
        if folder:
            before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
            try:
                return njit(cache=True, **options)(function)
            except RuntimeError:
                pass  # a full disk
            finally:
                config.CACHE_DIR = before
        return njit(**options)(function)

    return jit


@functools.cache
def temporary_cache() -> Path | None:
    """A folder for the cache among the temporary files, which belongs to this user alone; None if there can be none.

    What is in a cache is executed. So a folder that somebody else made, or could write to, is not taken. Says once, on
    stderr, where the cache is.
    """
    hint = "set NUMBA_CACHE_DIR to a folder that can be written to keep them"
    try:
        user = os.getuid() if hasattr(os, "getuid") else ""
        folder = Path(tempfile.gettempdir()) / f"tinygsp-cache-{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if os.name == "posix" and (found.st_uid != user or found.st_mode & 0o077):  # of a link, too
            raise PermissionError
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        log_warning(f"compiled kernels cannot be kept, no folder can be written, so each process compiles anew; {hint}")
        return None
    log_warning(f"compiled kernels are kept in {folder} only, a temporary folder; {hint} elsewhere")
    return folder


def log_warning(message: str) -> None:
    """Write a warning to the log, unless this is a worker process: then its parent has said it."""
    if multiprocessing.parent_process() is None:
        LOG.warning("warning: %s", message)
