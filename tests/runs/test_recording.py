"""wiring.npz: frames of the network while it is trained, small, readable with NumPy alone, and never believed."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.problems import REWIRED, images

from tinygsp import methods, runs
from tinygsp.runs import RunError, Wiring, recording
from tinygsp.runs.recording import Recorder, frame_epochs
from tinygsp.runs.wiring import first_cells
from tinygsp.training import Trainer
from tinygsp.training.state import StateError

METHOD = methods.find(methods.DEFAULT)


def make_phases(lengths):
    return [SimpleNamespace(epochs=epochs) for epochs in lengths]


def train(settings=REWIRED, method=METHOD, seed=4):
    """(trainer, recorder, what stood in the network after each epoch that was recorded)."""
    trainer, recorder = Trainer(images(), settings, method, seed), Recorder()
    stood = []
    for record in trainer.run():
        recorder.add(trainer, record)
        if record["epoch"] in recorder.chosen:
            noise = record["noise"]
            trainer.net.model.sample(trainer.step - 1, noise)
            stood.append([(layer.connections(), layer.mask.copy(), layer.Wm.copy()) for layer in trainer.net.layers])
            trainer.net.model.sample(trainer.step, 0.0)
    return trainer, recorder, stood


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    trainer, recorder, stood = train()
    path = tmp_path_factory.mktemp("recorded") / "wiring.npz"
    recorder.write(path, trainer)
    return trainer, recorder, stood, path


def test_frames_are_what_was_drawn(recorded):
    trainer, _, stood, path = recorded
    wiring = Wiring.load(path)
    assert wiring.epoch.tolist() == frame_epochs(trainer.phases, trainer.budget)
    assert wiring.epoch[-1] == trainer.total_epochs and len(stood) == len(wiring.epoch) and wiring.stored.any()
    for frame, layers in enumerate(stood):
        count = sum(int(np.count_nonzero(mask)) for _, mask, _ in layers)
        assert wiring.open[frame] == count
        if not wiring.stored[frame]:
            continue
        network = wiring.network(frame, trainer.net.meta)
        for k, ((row, col), mask, weight) in enumerate(layers):
            W = np.zeros((trainer.net.sizes[k] + 1, trainer.net.sizes[k + 1]), np.float32)
            W[row[mask != 0], col[mask != 0]] = weight[mask != 0]
            found = np.vstack([network.layers[k].dense(), network.layers[k].bias])
            assert np.array_equal(found != 0, W != 0) or np.count_nonzero(W) < mask.sum()  # an open weight may be 0
            assert np.abs(found - W).max() <= 1.01 * wiring.scale[k]


def test_with_numpy_alone(recorded):
    """As the docstring of wiring.py says."""
    trainer, _, _, path = recorded
    W = np.load(path, allow_pickle=False)
    wiring = Wiring.load(path)
    cell = np.cumsum(W["cell_step"])
    level = np.cumsum(W["level_step"], axis=1, dtype=np.int8)
    frame = np.flatnonzero(W["stored"])[-1]
    network = wiring.network(int(frame), trainer.net.meta)
    first = 0
    for k, (n_in, n_out) in enumerate(zip(W["sizes"], W["sizes"][1:])):
        inside = (cell >= first) & (cell < first + (n_in + 1) * n_out)
        matrix = np.zeros((n_in + 1) * n_out, np.float32)
        matrix[cell[inside] - first] = W["scale"][k] * level[inside, frame]
        matrix = matrix.reshape(n_in + 1, n_out)
        assert np.array_equal(matrix[:-1], network.layers[k].dense())
        assert np.array_equal(matrix[-1], network.layers[k].bias)
        first += (n_in + 1) * n_out
    phases = json.loads(W["phases"].tobytes())
    named = [phase.name for phase in trainer.phases for _ in range(phase.epochs)]
    assert [phases[number] for number in W["phase"]] == [named[epoch - 1] for epoch in W["epoch"]]


def test_afterwards_the_gates_are_without_noise():
    trainer, recorder = Trainer(images(), REWIRED, METHOD, 4), Recorder()
    for record in trainer.run():
        recorder.add(trainer, record)
        assert all(np.array_equal(layer.mask != 0, layer.logits() > 0) for layer in trainer.net.layers)


def test_recording_changes_nothing(recorded):
    trainer = recorded[0]
    plain = Trainer(images(), REWIRED, METHOD, 4)
    records = list(plain.run())
    assert plain.network.to_bytes() == trainer.network.to_bytes()
    accuracy = {record["epoch"]: record["val_accuracy"] for record in records if not record["noise"]}
    wiring = Wiring.load(recorded[3])
    for epoch, value in zip(wiring.epoch, wiring.accuracy):
        assert epoch not in accuracy or np.float32(accuracy[epoch]) == value


@pytest.mark.parametrize("name", methods.names())
def test_every_method_can_be_recorded(name, tmp_path):
    trainer, recorder, _ = train(method=methods.find(name))
    recorder.write(tmp_path / "wiring.npz", trainer)
    wiring = Wiring.load(tmp_path / "wiring.npz")
    assert wiring.open[-1] <= trainer.budget and wiring.stored[-1]
    assert 0 < wiring.accuracy[-1] <= 1


def test_epochs_of_the_default_run():
    """About 120 frames, most where most changes: the first epochs of each phase, and the last one."""
    phases = make_phases((10, 150, 150, 100))
    epochs = np.array(frame_epochs(phases, 399))
    assert 100 <= len(epochs) <= 130 and {10, 160, 310, 410} <= set(epochs)
    assert set(range(161, 164)) <= set(epochs)
    steps = np.diff(epochs[(epochs >= 161) & (epochs <= 310)])
    assert steps[:5].mean() < steps[-5:].mean() and steps.max() <= 6
    assert len(frame_epochs(phases, 26_000)) < 40  # frames that take more room are fewer
    assert frame_epochs(make_phases((1, 2)), 9) == [1, 2, 3]


def test_large_frames_are_only_counted(monkeypatch):
    monkeypatch.setattr(recording, "MOST", 0)
    trainer, recorder, _ = train()
    kept = [cells is not None for cells in recorder.cells]
    assert kept == [count <= 2 * trainer.budget for count in recorder.open]
    assert not all(kept) and any(kept) and recorder.open[0] == trainer.total


@pytest.mark.parametrize("epochs", [0, 1, 5, 12])
def test_state(recorded, tmp_path, epochs):
    """What a checkpoint holds of it; the rest is recorded by another process."""
    whole = recorded[3].read_bytes()
    trainer, recorder = Trainer(images(), REWIRED, METHOD, 4), Recorder()
    for _ in range(epochs):
        recorder.add(trainer, trainer.train_epoch())
    state = {name: np.asarray(value) for name, value in {**trainer.state(), **recorder.state()}.items()}
    again = Trainer(images(), REWIRED, METHOD, 4)
    again.restore(state)
    recorder = Recorder.from_state(state, again)
    for record in again.run():
        recorder.add(again, record)
    recorder.write(tmp_path / "wiring.npz", again)
    assert (tmp_path / "wiring.npz").read_bytes() == whole


def test_a_checkpoint_without_frames(tmp_path):
    """As an earlier version wrote them: the recording begins where the run goes on."""
    trainer, recorder = Trainer(images(), REWIRED, METHOD, 4), Recorder()
    for _ in range(5):
        trainer.train_epoch()
    recorder = Recorder.from_state(trainer.state(), trainer)
    for record in trainer.run():
        recorder.add(trainer, record)
        state = {name: np.asarray(value) for name, value in recorder.state().items()}
        recorder = Recorder.from_state(state, trainer)
    recorder.write(tmp_path / "wiring.npz", trainer)
    expected = [epoch for epoch in frame_epochs(trainer.phases, trainer.budget) if epoch > 5]
    assert Wiring.load(tmp_path / "wiring.npz").epoch.tolist() == expected


SPOILED = {  # name in the state: (change, what the error says)
    "frame_epoch": (lambda a: a + 1, "frame_epoch is not the epochs"),
    "frame_open": (lambda a: a - 10**7, "frame_open or frame_stored"),
    "frame_stored": (lambda a: ~a, "does not follow from frame_open"),
    "frame_cell": (lambda a: a[:-1], "frame_cell is int64"),
    "frame_weight": (lambda a: a.astype(np.float32), "frame_weight is float32"),
    "frame_accuracy": (lambda a: a[1:], "frame_accuracy is float64"),
    "frame_cell, order": (lambda a: a[::-1], "frame_cell is not ascending"),
    "frame_cell, range": (lambda a: np.where(a == a.max(), 10**9, a), "outside its range"),
    "frame_weight, finite": (lambda a: np.full_like(a, np.inf), "outside its range"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_state_is_not_believed(recorded, name):
    trainer, recorder = recorded[:2]
    change, match = SPOILED[name]
    state = recorder.state()
    state[name.split(",")[0]] = change(state[name.split(",")[0]])
    with pytest.raises(StateError, match=match):
        Recorder.from_state(state, trainer)


def spoil(path, out, **changes):
    """A copy of a file with some arrays changed by functions; None leaves one out."""
    with np.load(path) as file:
        arrays = dict(file)
    for name, change in changes.items():
        if change is None:
            del arrays[name]
        else:
            arrays[name] = np.asarray(change(arrays.get(name)))
    runs.write_arrays(out, arrays)
    return out


WRONG = {
    "missing": ({"scale": None}, "scale is missing"),
    "extra": ({"more": lambda a: 1}, "more is unexpected"),
    "newer": ({"format": lambda a: a + 1}, "this library reads format 1"),
    "format": ({"format": lambda a: [1]}, "this library reads format 1"),
    "sizes": ({"sizes": lambda a: a[:1]}, "sizes are not those of a network"),
    "huge": ({"sizes": lambda a: a * 10**7}, "at most"),
    "other sizes": ({"sizes": lambda a: a - 1}, "open is not from 0|cells are not|levels do not"),
    "phases": ({"phases": lambda a: a[:-1]}, "phases is not JSON"),
    "phase names": ({"phases": lambda a: np.frombuffer(b'["a\\u0000"]', np.uint8)}, "not a list of short printable"),
    "phase": ({"phase": lambda a: a + 9}, "phase has a number that is not one"),
    "no frames": ({"epoch": lambda a: a[:0]}, "is of .* frames"),
    "fewer": ({"open": lambda a: a[1:]}, "open is of .* frames, epoch of"),
    "epoch": ({"epoch": lambda a: a[::-1]}, "epoch is not ascending"),
    "open": ({"open": lambda a: a + 1}, "open says|open is not"),
    "negative": ({"open": lambda a: a - 10**6}, "open is not from 0"),
    "float": ({"open": lambda a: a.astype(float)}, "open is float64"),
    "scale": ({"scale": lambda a: a * np.nan}, "scale is not a positive number"),
    "few scales": ({"scale": lambda a: a[1:]}, "scale is not a positive number"),
    "cells": ({"cell_step": lambda a: a * 0}, "cells are not ascending"),
    "far cells": ({"cell_step": lambda a: a + 10**9}, "cells are not ascending"),
    "levels": ({"level_step": lambda a: a[:, 1:]}, "level_step is int8"),
    "wide levels": ({"level_step": lambda a: a.astype(np.int16)}, "level_step is int16"),
    "stored": ({"stored": lambda a: ~a}, "the levels do not have as many connections"),
}


@pytest.mark.parametrize("changes, match", WRONG.values(), ids=WRONG)
def test_a_file_is_not_believed(recorded, tmp_path, changes, match):
    with pytest.raises(RunError, match=match) as caught:
        Wiring.load(spoil(recorded[3], tmp_path / "wiring.npz", **changes))
    assert str(caught.value).startswith(f"{tmp_path / 'wiring.npz'}: ") and "\n" not in str(caught.value)


def test_a_damaged_file(recorded, tmp_path):
    content = recorded[3].read_bytes()
    for cut in (0, 1, 100, len(content) // 2, len(content) - 1):
        (tmp_path / "wiring.npz").write_bytes(content[:cut])
        with pytest.raises(RunError, match="wiring.npz"):
            Wiring.load(tmp_path / "wiring.npz")


def test_small_weights_stay_open(tmp_path):
    """A weight below half a level, or of exactly 0, is open all the same."""
    trainer, recorder = Trainer(images(), replace(REWIRED, dense_epochs=1), METHOD, 4), Recorder()
    record = trainer.train_epoch()
    recorder.add(trainer, record)
    recorder.weights[-1][:] = [0, 1e-7, -1e-7, *np.ones(len(recorder.weights[-1]) - 3)]
    recorder.write(tmp_path / "wiring.npz", trainer)
    wiring = Wiring.load(tmp_path / "wiring.npz")
    assert wiring.level[:4, 0].tolist() == [1, 1, -1, 127]
    assert first_cells(wiring.sizes)[0] == 0 and len(wiring.cell) == trainer.total
