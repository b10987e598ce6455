"""Time functions against each other, and draw the batches that they work on.

Machines are shared and their speed wanders. So what is compared takes turns in one process, and medians are kept.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np

from tinygsp.data import Dataset

BATCH = 256  # samples in a training step


def in_turn(functions: dict[str, Callable], repeats: int, calls: int = 3) -> dict[str, float]:
    """Return the median seconds of each function of {name: function}.

    The functions take turns, `repeats` times, so that noise of the machine affects all alike. At its turn a function
    runs once untimed, which brings its code and data back into the caches, then `calls` times by the clock.
    """
    times = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            function()
            for _ in range(calls):
                start = time.perf_counter()
                function()
                times[name].append(time.perf_counter() - start)
    return {name: sorted(seconds)[len(seconds) // 2] for name, seconds in times.items()}


def batches(dataset: Dataset, count: int = 64) -> Iterator[np.ndarray]:
    """Yield `count` random batches of sample numbers, (BATCH,) each and sorted as in the training loop, for ever."""
    rng = np.random.default_rng(0)
    return itertools.cycle([np.sort(rng.permutation(len(dataset.train_x))[:BATCH]) for _ in range(count)])
