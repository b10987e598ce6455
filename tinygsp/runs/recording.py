"""Record the wiring of a run: frames of its network after chosen epochs, which end in wiring.npz.

A frame is the network as it was drawn in the last step of an epoch: where gates are random, those that happened to be
open. Frames are many where much changes, at the beginning of each phase. While more connections are open than
`most_connections` allows, a frame is only their number. `wiring.py` describes the file and reads it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygsp.data.files import write_atomic
from tinygsp.nn.metrics import score
from tinygsp.runs.wiring import FORMAT, first_cells
from tinygsp.training.state import StateError, take, take_array

if TYPE_CHECKING:
    from tinygsp.training import Phase, Trainer

FRAMES = 120  # about so many in all; fewer where the budget is so large that a frame takes much room
FEWEST = 4  # frames of a phase, if it has so many epochs
MOST = 5_000  # connections of a stored frame, or twice the budget
ROOM = 320_000  # connections in all stored frames together, about
CROWDING = 1.5  # frame i of m stands at the share (i / m) ** CROWDING of a phase
SAMPLES = 1_000  # of the validation split, at most, that measure a network drawn at random


def frame_epochs(phases: Sequence[Phase], budget: int) -> list[int]:
    """Choose the epochs after which a frame is taken: the last of every phase, and most of the first ones."""
    frames = min(FRAMES, max(20, ROOM // budget))
    total, before, chosen = sum(phase.epochs for phase in phases), 0, []
    for phase in phases:
        m = max(FEWEST, round(frames * phase.epochs / total))
        shares = (np.arange(1, m + 1) / m) ** CROWDING
        chosen += (before + np.unique(np.ceil(shares * phase.epochs - 1e-9))).astype(int).tolist()
        before += phase.epochs
    return chosen


class Recorder:
    """Takes the frames of a run while it goes on.

    epoch, open, accuracy : lists of numbers, of every frame so far
    cells                 : list of (k,) int64, ascending, or None where the frame is not stored
    weights               : list of (k,) float16, or None
    """

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.open: list[int] = []
        self.accuracy: list[float] = []
        self.cells: list[np.ndarray | None] = []
        self.weights: list[np.ndarray | None] = []
        self.chosen: frozenset[int] = frozenset()

    def add(self, trainer: Trainer, record: Mapping[str, Any]) -> None:
        """Take a frame if the epoch of `record`, which has just ended, is one of those chosen.

        Draws the gates of the last step again, for what is left of them; afterwards they are as they were, noise off.
        """
        if not self.chosen:
            self.chosen = frozenset(frame_epochs(trainer.phases, trainer.budget))
        if record["epoch"] not in self.chosen:
            return
        model = trainer.net.model
        model.sample(trainer.step - 1, record["noise"])
        count = sum(int(np.count_nonzero(layer.mask)) for layer in trainer.net.layers)
        cells = weights = None
        if count <= most_connections(trainer.budget):
            cells, weights = open_connections(trainer)
        self.epoch.append(record["epoch"])
        self.open.append(count)
        self.accuracy.append(drawn_accuracy(trainer) if record["noise"] else record["val_accuracy"])
        model.sample(trainer.step, 0.0)
        self.cells.append(cells)
        self.weights.append(weights)

    # --- between two processes ---

    def state(self) -> dict[str, np.ndarray]:
        """Everything recorded so far, as arrays for a checkpoint."""
        kept = [cells for cells in self.cells if cells is not None]
        weights = [weights for weights in self.weights if weights is not None]
        return {
            "frame_epoch": np.array(self.epoch, np.int64),
            "frame_open": np.array(self.open, np.int64),
            "frame_accuracy": np.array(self.accuracy, np.float64),
            "frame_stored": np.array([cells is not None for cells in self.cells], bool),
            "frame_cell": np.concatenate([np.empty(0, np.int64), *kept]),
            "frame_weight": np.concatenate([np.empty(0, np.float16), *weights]),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], trainer: Trainer) -> Recorder:
        """Return the Recorder whose `state` a checkpoint of `trainer`, which is restored, holds.

        A checkpoint without frames, as the library wrote them before it took any, gives one that begins now. Raises
        StateError unless the frames are those of the last of the chosen epochs that are done.
        """
        recorder = cls()
        if "frame_epoch" not in state:
            return recorder
        epoch = take_array(state, "frame_epoch", np.int64)
        n = epoch.size
        done = [e for e in frame_epochs(trainer.phases, trainer.budget) if e <= trainer.epoch]
        if epoch.tolist() != done[len(done) - n :]:
            raise StateError("frame_epoch is not the epochs that are recorded")
        count, stored = take_array(state, "frame_open", np.int64, (n,)), take(state, "frame_stored")
        if stored.dtype != bool or stored.shape != (n,) or (n and not 0 <= count.min() <= count.max() <= trainer.total):
            raise StateError(f"frame_open or frame_stored is not one of {n} frames of {trainer.total} connections")
        if (stored != (count <= most_connections(trainer.budget))).any():
            raise StateError("frame_stored does not follow from frame_open")
        size = int(count[stored].sum())
        cell = take_array(state, "frame_cell", np.int64, (size,))
        weight = take_array(state, "frame_weight", np.float16, (size,))
        if size and not (cell.min() >= 0 and cell.max() < trainer.total and np.isfinite(weight).all()):
            raise StateError("frame_cell or frame_weight is outside its range")
        ends = np.cumsum(count[stored])[:-1]
        cells, weights = iter(np.split(cell, ends)), iter(np.split(weight, ends))
        recorder.epoch, recorder.open = epoch.tolist(), count.tolist()
        recorder.accuracy = take_array(state, "frame_accuracy", np.float64, (n,)).tolist()
        recorder.cells = [next(cells) if kept else None for kept in stored]
        recorder.weights = [next(weights) if kept else None for kept in stored]
        if any((cells[1:] <= cells[:-1]).any() for cells in recorder.cells if cells is not None):
            raise StateError("frame_cell is not ascending")
        return recorder

    # --- the file ---

    def write(self, path: Path, trainer: Trainer) -> None:
        """Write wiring.npz, whole or not at all; the same frames give the same bytes."""
        state, sizes = self.state(), trainer.net.sizes
        of_epochs = [phase.name for phase in trainer.phases for _ in range(phase.epochs)]
        phases = list(dict.fromkeys(of_epochs))
        cell, place = np.unique(state["frame_cell"], return_inverse=True)
        stored = np.flatnonzero(state["frame_stored"])
        frame = np.repeat(stored, state["frame_open"][stored])
        weight = state["frame_weight"].astype(np.float32)
        layer = np.searchsorted(first_cells(sizes), state["frame_cell"], side="right") - 1
        largest = np.zeros(len(sizes) - 1, np.float32)
        np.maximum.at(largest, layer, np.abs(weight))
        scale = np.where(largest > 0, largest / np.float32(127), np.float32(1)).astype(np.float32)
        level = np.rint(weight / scale[layer]).astype(np.int8)
        level[level == 0] = np.where(weight[level == 0] < 0, -1, 1)  # it is open, and 0 would say that it is closed
        levels = np.zeros((cell.size, len(self.epoch)), np.int8)
        levels[place, frame] = level
        arrays = {
            "format": np.array(FORMAT),
            "sizes": np.array(sizes, np.int64),
            "phases": np.frombuffer(json.dumps(phases).encode(), np.uint8),
            "phase": np.array([phases.index(of_epochs[epoch - 1]) for epoch in self.epoch], np.uint8),
            "epoch": state["frame_epoch"],
            "open": state["frame_open"],
            "accuracy": state["frame_accuracy"].astype(np.float32),
            "stored": state["frame_stored"],
            "cell_step": np.diff(cell, prepend=0),
            "level_step": np.diff(levels, axis=1, prepend=np.int8(0)),
            "scale": scale,
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_atomic(path, buffer.getvalue())


def most_connections(budget: int) -> int:
    """Return how many connections a frame may have to be stored."""
    return max(MOST, 2 * budget)


def most_bytes(trainer: Trainer) -> int:
    """Return how many bytes the frames of a run take in a checkpoint, at most."""
    frames = len(frame_epochs(trainer.phases, trainer.budget))
    return frames * (17 + 10 * min(trainer.total, most_connections(trainer.budget)))


def open_connections(trainer: Trainer) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells (k,) int64, ascending, and the weights (k,) float16 of what is drawn open."""
    cells, weights = [], []
    for layer, first in zip(trainer.net.layers, first_cells(trainer.net.sizes)):
        is_open = layer.mask != 0
        cells.append(layer.index[is_open].astype(np.int64) + first)
        weights.append(layer.Wm[is_open])
    cell, weight = np.concatenate(cells), np.concatenate(weights)
    largest = np.finfo(np.float16).max
    order = np.argsort(cell)
    return cell[order], np.clip(weight[order], -largest, largest).astype(np.float16)


@np.errstate(over="ignore", invalid="ignore")  # numbers that grow without end are found by the loss of the next step
def drawn_accuracy(trainer: Trainer) -> float:
    """Return the accuracy of the network as its gates are drawn, on at most SAMPLES samples of the validation split."""
    net, dataset = trainer.net, trainer.dataset
    x = np.asfortranarray(trainer.feed.validation(net)[:SAMPLES])
    return score(net.model.forward(x), dataset.val_y[:SAMPLES], dataset.task)
