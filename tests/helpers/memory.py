"""Measure how much memory a call takes."""

import tracemalloc


def peak_bytes(work):
    """The most memory, in bytes, that Python and NumPy held at once while `work()` ran."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
