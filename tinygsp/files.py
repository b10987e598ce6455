"""Writing files so that nothing is lost: a reader finds the old content or the new, never half of either.

Used by whatever saves something: `sparse.py` for a model, `runs.py` for a run folder.
"""

import os
from pathlib import Path


def write_atomic(path, content):
    """Write bytes or text to `path` by way of a temporary file in the same folder.

    The temporary file is flushed to the disk before it takes the name, so a crash or a full disk leaves the old
    file as it was. Raises OSError as open, write and replace do; the temporary file is then removed.
    """
    path = Path(path)
    if isinstance(content, str):
        content = content.encode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder):
    """Make the names in `folder` durable too, where the system can (POSIX; Windows has no such call)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
