"""Pack the recording of a run for the page: its frames, or every second, third ... of them where room is short."""

from __future__ import annotations

import json
import zlib
from typing import Any

import numpy as np

from tinygsp.runs import Wiring

THINNINGS = (1, 2, 3, 4, 6, 8, 12, 20)
LEVELS = 31  # of a weight, each way: a quarter of those in wiring.npz, for a third less room
MAX_LEVELS = 6_000_000  # connections times frames: what a browser unrolls in a moment

Film = tuple[dict[str, Any], dict[str, np.ndarray]]


def fitting_film(wiring: Wiring, room: int) -> Film | None:
    """Pack as many frames of a recording as take at most `room` bytes of a page; None if even a few take more."""
    for thinning in THINNINGS:
        if wiring.level.size <= MAX_LEVELS * thinning:
            found = film(wiring, thinning)
            if bytes_of(found) <= room:
                return found
    return None


def bytes_of(packed: Film) -> int:
    """About how many bytes a film takes on a page: text, and deflated arrays as base64; a little more than it will."""
    about, arrays = packed
    deflated = sum(len(zlib.compress(array.tobytes(), 6)) for array in arrays.values())
    return len(json.dumps(about)) + deflated * 4 // 3 + 500


def film(wiring: Wiring, thinning: int) -> Film:
    """Pack a recording: what JSON holds of it, and its arrays.

    thinning : take every such frame, the last one among them

    The arrays are `cell_step` (C,) int32 and `level_step` (C, frames) int8, differences as in wiring.npz, but with
    LEVELS levels.
    """
    chosen = np.arange((len(wiring.epoch) - 1) % thinning, len(wiring.epoch), thinning)
    exact = wiring.level[:, chosen]
    level = np.rint(exact * np.float32(LEVELS / 127)).astype(np.int8)
    level = np.where(level == 0, np.sign(exact), level)  # what is open stays open
    lives = (level != 0).any(axis=1)
    about = {
        "epoch": wiring.epoch[chosen].tolist(),
        "open": wiring.open[chosen].tolist(),
        "accuracy": np.nan_to_num(wiring.accuracy[chosen].astype(np.float64)).round(4).tolist(),
        "stored": wiring.stored[chosen].astype(int).tolist(),
        "phase": wiring.phase[chosen].tolist(),
        "phases": list(wiring.phases),
        "scale": (wiring.scale * (127 / LEVELS)).tolist(),
    }
    arrays = {
        "cell_step": np.diff(wiring.cell[lives], prepend=0).astype(np.int32),
        "level_step": np.diff(level[lives], axis=1, prepend=np.int8(0)),
    }
    return about, arrays
