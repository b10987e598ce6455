"""Checkpoints that are whole in every byte, with a right digest, and hostile in what they say.

`good` makes the arrays of honest checkpoints, taken at several moments of small runs. A spoiler changes one or a few of
them; `pack` gives every change the digest that it needs.
"""

import functools
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from helpers.problems import EAGER, formula, images
from tinygsp import methods, runs
from tinygsp.data.files import read_arrays
from tinygsp.runs.checkpoint import fingerprints
from tinygsp.runs.errors import DamagedError
from tinygsp.runs.restoring import restore_checkpoint
from tinygsp.sparse import ModelFileError
from tinygsp.training import DivergedError, MethodError, Trainer

TWICE = replace(
    EAGER, hidden=(6, 5), density=0.2, tries=2, epochs=4, search_share=0.5, dense_epochs=2, finetune_epochs=2,
    batch_size=200,
)  # fmt: skip
RUNS = {  # {name: (method, data set)}
    "gates": (methods.DEFAULT, images),
    "lottery": ("lottery", images),
    "vd": ("vd", images),
    "regression": (methods.DEFAULT, formula),
}
MOMENTS = [(0, 1), (1, 0), (2, 0), (2, 2), (3, 1), (4, 0), (5, 1), (6, 0), (7, 1), (8, 0), (9, 1), (12, 0), (14, 0)]


@functools.cache
def problem(name):
    """(dataset, settings, method) of a run."""
    method, dataset = RUNS[name]
    return dataset(), TWICE, methods.find(method)


def trainer_of(name):
    """A new Trainer of a run."""
    return Trainer(*problem(name))


@functools.cache
def good(name):
    """{(epoch, batch): arrays} of honest checkpoints of a run, without their digests."""
    trainer, found = trainer_of(name), {}
    with tempfile.TemporaryDirectory() as folder, runs.Run(folder, 0.0) as run:
        run.start_metrics()
        while trainer.epoch < trainer.total_epochs:
            for record in trainer.steps():
                if record:
                    run.add(record)
                if (trainer.epoch, trainer.batch) in MOMENTS:
                    run.save(trainer, trainer.state())
                    with np.load(Path(folder) / "checkpoint.npz") as arrays:
                        found[trainer.epoch, trainer.batch] = {k: v for k, v in arrays.items() if k != "digest"}
    return found


def pack(arrays):
    """The bytes of a checkpoint of these arrays, with a right digest."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays, digest=runs.digest(arrays))
    return buffer.getvalue()


# --- reading ----------------------------------------------------------------------------------------------------


@functools.cache
def belongs_to(name):
    """The fingerprints of a run."""
    return fingerprints(trainer_of(name))


def restored(path):
    """(Trainer, what else was in the checkpoint) of the run whose fingerprints the file has, or else of the first."""
    found = read_arrays(path, DamagedError).get("belongs_to")
    name = next((name for name in RUNS if np.array_equal(found, belongs_to(name))), "gates")
    trainer = trainer_of(name)
    return trainer, restore_checkpoint(path, trainer, belongs_to(name))


def check_restored(result, file_size):
    """The run can go on to its end, or diverges; its result is within the budget."""
    trainer, saved = result
    assert len(saved.records) == trainer.epoch and saved.seconds >= 0
    try:
        records = list(trainer.run())
        trainer.network.to_bytes()
    except (DivergedError, MethodError, ModelFileError) as error:  # the last two of weights that are nan
        assert str(error).isprintable() and len(str(error)) <= 300
        return
    assert len(saved.records) + len(records) == trainer.total_epochs and trainer.network.count() <= trainer.budget


# --- spoiling ---------------------------------------------------------------------------------------------------

ODD = [0, 1, -1, 2, 5, 99, 2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**62, -(2**63), 0.5, 1e-320, 1e30, 3e38, 1e300,
       np.nan, np.inf, -np.inf]  # fmt: skip
TYPES = ["<f8", "<f4", "<f2", "<i8", "<i4", "<u4", "<u8", "|u1", "|b1"]


def pick(rng):
    """The arrays of an honest checkpoint, to be changed."""
    moments = good(str(rng.choice(list(RUNS))))
    return dict(moments[list(moments)[rng.integers(len(moments))]])


def any_name(rng, arrays):
    """One of the names; those of the layers as often as all others."""
    names = sorted(arrays)
    if rng.random() < 0.5:
        names = [name for name in names if name.startswith(("layer", "units", "network"))]
    return str(rng.choice(names))


def changed_to(array, dtype):
    """The array as another type, as far as its values fit."""
    with np.errstate(all="ignore"):
        return array.astype(dtype)


def odd_value(rng, array):
    """One of ODD as the type of the array."""
    return changed_to(np.array(ODD[rng.integers(len(ODD))], np.float64), array.dtype)


def another_shape(rng, array):
    """The same numbers in another shape, or fewer or more of them."""
    flat = array.reshape(-1)
    shapes = [flat, flat[:1], flat[:0], flat[:-1], np.append(flat, flat[-1:]), np.tile(flat, 3), array[None], array.T,
              np.zeros((), array.dtype), flat.reshape(-1, 1)]  # fmt: skip
    return np.ascontiguousarray(shapes[rng.integers(len(shapes))])


def some_values(rng, array):
    """A few of the numbers replaced."""
    array = array.copy()
    flat = array.reshape(-1)
    for _ in range(rng.integers(1, 4)):
        if flat.size:
            flat[rng.integers(flat.size)] = odd_value(rng, array)
    return array


def all_values(rng, array):
    """All of the numbers replaced by one."""
    return np.full_like(array, odd_value(rng, array))


def another_order(rng, array):
    """The same numbers in another order, or one of them twice."""
    array = array.copy()
    flat = array.reshape(-1)
    if rng.random() < 0.5:
        rng.shuffle(flat)
    elif flat.size > 1:
        a, b = rng.integers(flat.size, size=2)
        flat[a] = flat[b]
    return array


def another_type(rng, array):
    """The same numbers as another type."""
    return changed_to(array, str(rng.choice(TYPES)))


CHANGES = [another_shape, some_values, some_values, all_values, another_order, another_type]


def state_with_odd_arrays(rng):
    """One to three of the arrays are changed or missing."""
    arrays = pick(rng)
    for _ in range(rng.integers(1, 4)):
        name = any_name(rng, arrays)
        if rng.random() < 0.1:
            del arrays[name]
        else:
            arrays[name] = CHANGES[rng.integers(len(CHANGES))](rng, arrays[name])
    return pack(arrays)


def state_of_two_moments(rng):
    """Some parts are those of another moment of the run, or of another run."""
    arrays, other = pick(rng), pick(rng)
    starts = ["layer", "units", "network", "record", "hist", "phases", "price", "epoch", "batch", "step", "belongs"]
    chosen = tuple(rng.choice(starts, rng.integers(1, 6)))
    kept = {name: array for name, array in arrays.items() if not name.startswith(chosen)}
    return pack(kept | {name: array for name, array in other.items() if name.startswith(chosen)})


def state_elsewhere(rng):
    """The counters say another moment, consistently, with records and histograms to match."""
    arrays = pick(rng)
    moments = good("gates")
    other = moments[list(moments)[rng.integers(len(moments))]]
    names = ["epoch", "batch", "step", "histograms", "phases", *(n for n in other if n.startswith("record_"))]
    arrays |= {name: other[name] for name in names}
    arrays.setdefault("price", np.array(0.1))
    return pack(arrays)


def state_with_odd_units(rng):
    """Some units are gone, with all that belongs to them, or a whole layer is a list or a matrix."""
    arrays = pick(rng)
    k = int(rng.integers(3))
    prefix = f"layer{k}_"
    names = [name for name in arrays if name.startswith(prefix)]
    if rng.random() < 0.3:  # the matrix as a list, in the order of the matrix
        arrays |= {name: arrays[name].reshape(-1) for name in names}
    elif arrays[prefix + "W"].ndim == 2 and k:
        arrays |= {name: np.ascontiguousarray(arrays[name][1:]) for name in names}
        arrays[f"units{k}"] = arrays[f"units{k}"][1:]
        before = [name for name in arrays if name.startswith(f"layer{k - 1}_")]
        if arrays[f"layer{k - 1}_W"].ndim == 2:
            arrays |= {name: np.ascontiguousarray(arrays[name][:, 1:]) for name in before}
    else:
        keep = np.flatnonzero(rng.random(arrays[prefix + "W"].shape[0]) < 0.7)
        arrays |= {name: arrays[name][keep] for name in names}
    return pack(arrays)


def state_with_odd_phases(rng):
    """The list of names that the records number is another one."""
    arrays = pick(rng)
    texts = ["", "[]", "{}", "[1, 2, 3]", '["dense"]', '["\\ud800"]', "[" * 100_000, '["a", "b", "c", "d"]', "null",
             json.dumps(["dense", "search", "rewire", "finetune"] * 500)]  # fmt: skip
    arrays["phases"] = np.frombuffer(texts[rng.integers(len(texts))].encode(), np.uint8)
    return pack(arrays)


CHECKPOINTS = [
    state_with_odd_arrays,
    state_with_odd_arrays,
    state_with_odd_arrays,
    state_of_two_moments,
    state_elsewhere,
    state_with_odd_units,
    state_with_odd_phases,
]
