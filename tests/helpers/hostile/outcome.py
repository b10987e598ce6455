"""Read bytes with one of the readers of `judge.py`, and say how it went."""

import pytest

from helpers.hostile.judge import READERS, judge


def put(folder, content):
    """The path of a file of these bytes in `folder`."""
    path = folder / "stranger"
    path.write_bytes(content)
    return path


def outcome(folder, reader, content):
    """ "accepted" or "refused"; anything else is raised."""
    return judge(put(folder, content), reader)[0]


def refusal(folder, reader, content):
    """The message of the reader's own error."""
    read, error = READERS[reader]
    with pytest.raises(error) as caught:
        read(put(folder, content))
    return str(caught.value)
