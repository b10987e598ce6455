"""Take numbers and arrays out of a saved state, and check each before it is used.

A state that was written to a file may come back from anybody, and compiled loops read every index without looking. So
each part of the training asks for its own entries here, with the type, shape and range that they must have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygsp.data.limits import shown
from tinygsp.training.phase import FIXED, WHOLE

if TYPE_CHECKING:
    from tinygsp.training.net import Net
    from tinygsp.training.trainer import Trainer


class StateError(ValueError):
    """A state that no Trainer of the same arguments can have had; one line says what is wrong in it."""


def check_names(part: dict, state: dict) -> dict:
    """Return the state of a part. Raises ValueError if another part has an entry of the same name in `state`."""
    if both := sorted(part.keys() & state.keys()):
        raise ValueError(f"two parts of the training save a state of the name {both[0]!r}; each needs names of its own")
    return part


class LayerState(NamedTuple):
    """The checked arrays of one layer of a network in training; all have one shape."""

    W: np.ndarray
    gate: np.ndarray
    index: np.ndarray
    velocity: dict[str, np.ndarray]  # by the name of the parameter


def take_number(
    state: Mapping[str, Any],
    name: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    whole: bool = False,
    finite: bool = True,
) -> Any:
    """Return the number `name` of a state, an int if `whole`, else a float.

    It may be a number or an array without dimensions. Raises StateError unless low <= number <= high, and unless it is
    finite; with finite=False it may also be nan, or infinite where low and high allow it.
    """
    value = take(state, name)
    if value.ndim or value.dtype.kind not in ("iu" if whole else "iuf"):
        expected = "a whole number" if whole else "a number"
        raise StateError(f"{name} is {value.dtype} {value.shape}, expected {expected}")
    value = value.item()
    if value < low or value > high or (finite and not math.isfinite(value)):
        raise StateError(f"{name} is {shown(value)}, expected a {'finite ' * finite}number from {low} to {high}")
    return value if whole else float(value)


def take_array(state: Mapping[str, Any], name: str, dtype: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return a copy of the array `name` of a state; raises StateError unless it has this type and shape.

    shape : without it, any number of elements in one dimension
    """
    value = take(state, name)
    if value.dtype != dtype or value.shape != ((value.size,) if shape is None else shape):
        raise StateError(f"{name} is {value.dtype} {value.shape}, expected {np.dtype(dtype)} {shape or '(any,)'}")
    return value.copy()


def take(state: Mapping[str, Any], name: str) -> np.ndarray:
    """Return an entry of a state as an array; raises StateError if there is none."""
    if name not in state:
        raise StateError(f"{name} is missing")
    return np.asarray(state[name])


def take_units(state: Mapping[str, Any], k: int, possible: np.ndarray) -> np.ndarray:
    """Return the units of level k that are alive, sorted; raises StateError unless all are among `possible`, sorted."""
    name = f"units{k}"
    units = take(state, name)
    if units.ndim != 1 or units.dtype.kind != "i":
        raise StateError(f"{name} is {units.dtype} {units.shape}, expected whole numbers in one dimension")
    if (units[1:] <= units[:-1]).any():
        raise StateError(f"{name} is not ascending")
    if units.size and not np.isin(units, possible).all():
        raise StateError(f"{name} has a unit that the network does not have")
    return units.copy()


def take_layer(state: Mapping[str, Any], k: int, units: Sequence[np.ndarray], sizes: Sequence[int]) -> LayerState:
    """Return the arrays of layer k: matrices of the live units or, of a list of connections, one dimension.

    units : live units of every level, as `take_units` returns them;  sizes : units of every level of the dense network

    Raises StateError, but does not look at the index of a list of connections: MaskedEdges does. Weights may be nan:
    then the loss of the next step is nan too, which ends the training with a DivergedError.
    """
    prefix = f"layer{k}_"
    shape = take(state, prefix + "W").shape
    if len(shape) != 1:  # a matrix
        shape = len(units[k]) + 1, len(units[k + 1])
    W, gate = (take_array(state, prefix + name, np.float32, shape) for name in ("W", "gate"))
    if np.isnan(gate).any():
        raise StateError(f"{prefix}gate has a nan")
    index = take_array(state, prefix + "index", np.uint32, shape)
    if len(shape) == 2:
        rows = np.append(units[k], sizes[k]).astype(np.int64)  # the bias is the last row
        if not np.array_equal(index, rows[:, None] * sizes[k + 1] + units[k + 1]):
            raise StateError(f"{prefix}index is not that of a matrix of the live units")
    velocity = {
        name: take_array(state, f"{prefix}velocity_{name}", np.float32, shape)
        for name in ("W", "gate")
        if f"{prefix}velocity_{name}" in state
    }
    return LayerState(W, gate, index, velocity)


def take_counters(state: Mapping[str, Any], trainer: Trainer) -> dict[str, int | float]:
    """Return what a Trainer counts; raises StateError unless each number is possible and follows from the others."""
    epoch = take_number(state, "epoch", 0, trainer.total_epochs, whole=True)
    batches = trainer.steps_per_epoch - 1 if epoch < trainer.total_epochs else 0
    batch = take_number(state, "batch", 0, batches, whole=True)
    step = epoch * trainer.steps_per_epoch + batch
    return {
        "epoch": epoch,
        "batch": batch,
        "step": take_number(state, "step", step, step, whole=True),
        "total_loss": take_number(state, "total_loss"),
    }


def check_results(trainer: Trainer) -> None:
    """Raise StateError unless a restored network, and the best one so far, are what the phases so far leave."""
    left, begun, is_due = trainer.epoch, None, False
    for phase in trainer.phases:
        begun = phase if left > 0 or (left == 0 and trainer.batch > 0) else begun
        is_due = is_due or any(phase.offers(done) for done in range(1, min(left, phase.epochs) + 1))
        left -= phase.epochs
    check_wiring(trainer.net, WHOLE if begun is None else begun.wiring, trainer.budget)
    if (trainer.network is not None) != is_due:
        raise StateError(f"there is {'no' if is_due else 'a'} best network after {trainer.epoch} epochs")
    if is_due and trainer.network.count() > trainer.budget:
        raise StateError(f"the best network so far has {trainer.network.count()} parameters, above {trainer.budget}")


def check_wiring(net: Net, wiring: str, budget: int) -> None:
    """Raise StateError unless the connections of a network in training are such as `wiring` of a phase says."""
    gates = [layer.params["gate"] for layer in net.layers]
    is_list, is_open = [gate.ndim == 1 for gate in gates], all((gate == np.inf).all() for gate in gates)
    is_complete = [len(units) for units in net.units] == [len(net.varying), *net.sizes[1:]]
    if wiring == WHOLE and not (is_open and is_complete and not any(is_list)):
        raise StateError("the network is not the dense one with every gate open")
    if wiring == FIXED and not (is_open and all(is_list) and sum(gate.size for gate in gates) <= budget):
        raise StateError(f"the network is not one of at most {budget} connections, each open for good")
