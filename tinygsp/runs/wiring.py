"""wiring.npz: which connections a network had, and how heavy they were, after some epochs of its training.

A frame is the network as it was drawn in the last step of an epoch: where gates are random, those that happened to be
open. Too large a frame is only a number of connections. `recording.py` takes the frames; here is the file.

It is compressed, plain numbers, and takes NumPy alone to read. With W = np.load("wiring.npz") and F frames:

    format                1
    sizes      (levels,)  units of every level, from the inputs to the outputs
    phases     (bytes,)   names of the phases, a list as JSON
    phase      (F,)       which of them each frame is of
    epoch      (F,)       after which epoch each frame was taken
    open       (F,)       how many connections were open, biases included
    accuracy   (F,)       on validation samples, as in metrics.csv, but of drawn gates where they are random
    stored     (F,)       whether the frame was stored, connection by connection
    cell_step  (C,)       np.cumsum(W["cell_step"]) are the cells of the connections that are open in some stored frame
    level_step (C, F)     np.cumsum(W["level_step"], axis=1, dtype=np.int8) are their levels: 0 is closed
    scale      (layers,)  a weight is its level times the scale of its layer

Cells count through the matrices (n_in + 1, n_out) of all layers, row by row; the last row of each is the bias.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinygsp.data.files import read_arrays
from tinygsp.data.limits import check_sizes
from tinygsp.runs.errors import RunError
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

FORMAT = 1
MAX_LEVELS = 2**26  # of a file: connections times frames
KINDS = {
    "phases": "u", "phase": "iu", "epoch": "iu", "open": "iu", "accuracy": "f", "stored": "b",
    "cell_step": "iu", "scale": "f", "sizes": "iu",
}  # fmt: skip


def first_cells(sizes: Sequence[int]) -> np.ndarray:
    """Return the number of the first cell of each layer, (layers,), for units (layers + 1,) of every level."""
    matrices = [(n_in + 1) * n_out for n_in, n_out in zip(sizes, sizes[1:])]
    return np.cumsum([0, *matrices[:-1]], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Wiring:
    """What wiring.npz holds, ready to use.

    sizes  : units of every level, from the inputs to the outputs
    phases : of texts;  phase : (F,)   which of them each frame is of
    epoch, open, accuracy, stored : (F,)   of each frame; see above
    cell   : (C,) int64          connections that are open in some stored frame, ascending
    level  : (C, F) int8         0 is closed
    scale  : (layers,) float32   weight = scale * level
    """

    sizes: tuple[int, ...]
    phases: tuple[str, ...]
    phase: np.ndarray
    epoch: np.ndarray
    open: np.ndarray
    accuracy: np.ndarray
    stored: np.ndarray
    cell: np.ndarray
    level: np.ndarray
    scale: np.ndarray

    @classmethod
    def load(cls, path: str | os.PathLike) -> Wiring:
        """Read wiring.npz, which may come from anybody. Raises RunError, one line, if anything in it is wrong."""
        arrays = read_arrays(path, RunError, 2 * MAX_LEVELS)
        try:
            return checked(arrays)
        except ValueError as error:
            raise RunError(f"{path}: {error}") from error

    def network(self, frame: int, meta: Meta) -> SparseNetwork:
        """Return the network of a stored frame; `meta` is that of the network of the run."""
        if not self.stored[frame]:
            raise ValueError(f"frame {frame} is not stored: {self.open[frame]:,} connections were open")
        layers, firsts = [], [*first_cells(self.sizes), np.iinfo(np.int64).max]
        for k, (n_in, n_out) in enumerate(zip(self.sizes, self.sizes[1:])):
            span = slice(*np.searchsorted(self.cell, firsts[k : k + 2]))
            is_open = self.level[span, frame] != 0
            row, col = np.divmod((self.cell[span][is_open] - firsts[k]).astype(np.int64), n_out)
            weight = self.level[span, frame][is_open] * self.scale[k]
            bias = np.zeros(n_out, np.float32)
            bias[col[row == n_in]] = weight[row == n_in]
            rest = row < n_in
            row, col = row[rest].astype(np.int32), col[rest].astype(np.int32)
            layers.append(SparseLayer((n_in, n_out), row, col, weight[rest], bias))
        return SparseNetwork(layers, meta)


def checked(arrays: Mapping[str, np.ndarray]) -> Wiring:
    """Return the Wiring of the arrays of a file. Raises ValueError if they are not such as `Recorder.write` makes."""
    expected = {*KINDS, "format", "level_step"}
    if wrong := sorted(expected ^ arrays.keys()):
        raise ValueError(f"{wrong[0]} is {'missing' if wrong[0] in expected else 'unexpected'}")
    if arrays["format"].shape != () or arrays["format"].dtype.kind not in "iu" or arrays["format"] != FORMAT:
        raise ValueError(f"this library reads format {FORMAT} of a recording; update the library")
    for name, kinds in KINDS.items():
        if arrays[name].ndim != 1 or arrays[name].dtype.kind not in kinds:
            raise ValueError(f"{name} is {arrays[name].dtype} {arrays[name].shape}, expected one dimension of {kinds}")
    sizes = tuple(arrays["sizes"].tolist())
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError("sizes are not those of a network")
    check_sizes(sizes, ValueError)
    phases = read_phases(arrays["phases"])
    epoch, count, stored, scale = (arrays[name] for name in ("epoch", "open", "stored", "scale"))
    total = sum((n_in + 1) * n_out for n_in, n_out in zip(sizes, sizes[1:]))
    for name in ("phase", "open", "accuracy", "stored"):
        if not epoch.size or arrays[name].size != epoch.size:
            raise ValueError(f"{name} is of {arrays[name].size} frames, epoch of {epoch.size}")
    if arrays["phase"].min() < 0 or arrays["phase"].max() >= len(phases):
        raise ValueError(f"phase has a number that is not one of {len(phases)} phases")
    if epoch[0] < 1 or (np.diff(epoch.astype(np.int64)) <= 0).any() or count.min() < 0 or count.max() > total:
        raise ValueError(f"epoch is not ascending, or open is not from 0 to {total}")
    if scale.size != len(sizes) - 1 or not np.isfinite(scale).all() or (scale <= 0).any():
        raise ValueError("scale is not a positive number for each layer")
    cell, step = np.cumsum(arrays["cell_step"].astype(np.int64)), arrays["level_step"]
    if cell.size and (cell[0] < 0 or cell[-1] >= total or (np.diff(cell) <= 0).any()):
        raise ValueError(f"cells are not ascending from 0 to {total - 1}")
    if step.dtype != np.int8 or step.shape != (cell.size, epoch.size):
        raise ValueError(f"level_step is {step.dtype} {step.shape}, expected int8 {(cell.size, epoch.size)}")
    level = np.cumsum(step, axis=1, dtype=np.int8)
    if (np.count_nonzero(level, axis=0) != np.where(stored, count, 0)).any():
        raise ValueError("the levels do not have as many connections as open says")
    frames = arrays["phase"], epoch, count, arrays["accuracy"], stored
    return Wiring(sizes, phases, *frames, cell, level, scale)


def read_phases(text: np.ndarray) -> tuple[str, ...]:
    """Return the names of the phases. Raises ValueError unless they are a list of printable texts, as JSON."""
    try:
        phases = json.loads(text.tobytes())
    except (ValueError, RecursionError) as error:
        raise ValueError("phases is not JSON") from error
    if not isinstance(phases, list) or not all(isinstance(p, str) and p.isprintable() and len(p) < 100 for p in phases):
        raise ValueError("phases is not a list of short printable texts")
    return tuple(phases)
