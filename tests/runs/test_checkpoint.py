"""Checkpoints hold all there is to know; damage is noticed, and the one before takes over."""

import json
import signal
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.cli import one_error
from helpers.problems import EAGER, images
from helpers.runs import TINY, at_step, equal_states, interrupted, resumed, run, same

from tinygsp import data, methods, runs
from tinygsp.runs import checkpoint, folder
from tinygsp.runs.errors import DamagedError
from tinygsp.runs.restoring import read_checkpoint
from tinygsp.training import Method, Phase, Trainer

GATES = methods.find(methods.DEFAULT)
TWICE = replace(EAGER, tries=2, epochs=6, search_share=0.6)  # 2 dense epochs and twice 4 + 2 + 3, of 19 steps each

pytestmark = pytest.mark.usefixtures("small_toy")


def without_histogram(record):
    return {name: value for name, value in record.items() if name != "histogram"}


@pytest.mark.parametrize("seconds, pause", [(0.1, folder.SECONDS_BETWEEN), (3, 150)])
def test_checkpoints_take_a_fiftieth_of_the_time_at_most(seconds, pause, tmp_path, monkeypatch):
    """The next one is due later where writing one takes long."""
    clock, perf_counter = [1e6], time.perf_counter
    monkeypatch.setattr(folder, "time", SimpleNamespace(monotonic=lambda: clock[0], perf_counter=perf_counter))
    monkeypatch.setattr(folder, "write_checkpoint", lambda *all_of_it: clock.append(clock.pop() + seconds))
    trainer, own = Trainer(images(), TWICE, GATES), runs.Run(tmp_path, 0.0)
    own.save(trainer, trainer.state())
    for later, is_due in ((0.99 * pause, False), (1.01 * pause, True)):
        monkeypatch.setattr(folder.time, "monotonic", lambda later=later: clock[0] + later)
        assert own.due() == is_due
    own.close()


@pytest.mark.parametrize("step", [0, 18, 19, 60, 189, 300, 379])
def test_from_the_disk(step, tmp_path):
    """A new Trainer that reads the checkpoint of any step goes on bit for bit, and has the records."""

    def trainer_in(folder):
        folder.mkdir(exist_ok=True)
        return Trainer(images(), TWICE, GATES, seed=4), runs.Run(folder, 0.0)

    def train_to(last, trainer, run):
        while trainer.step < last:
            if record := next(trainer.steps()):
                run.add(record)

    trainer, first = trainer_in(tmp_path)
    first.start_metrics()
    train_to(step + 1, trainer, first)
    first.save(trainer, trainer.state())
    first.close()
    again, second = trainer_in(tmp_path)
    assert second.restore(again) == "" and again.step == step + 1
    equal_states(again.state(), trainer.state())
    assert second.records == first.records and np.array_equal(second.histograms, first.histograms)
    train_to(380, again, second)
    expected = Trainer(images(), TWICE, GATES, seed=4)
    records = list(expected.run())
    equal_states(again.state(), expected.state())
    assert [{**r, "seconds": 0} for r in second.records] == [
        {**r, "seconds": 0} for r in map(without_histogram, records)
    ]
    assert len(second.histograms) == 8
    second.close()


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "a bit": lambda path: flip(path, 0.5),
    "another file": lambda path: np.savez(path, W=np.zeros(3)),
    "noise": lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_previous_checkpoint_takes_over(damage, whole, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    capsys.readouterr()
    DAMAGE[damage](out / "checkpoint.npz")
    at_step(monkeypatch, 30, lambda: signal.raise_signal(signal.SIGINT))
    assert run("--resume", out) == 130
    error = capsys.readouterr().err
    assert "going on after epoch 2 of 14, step 24" in error  # the end of the dense phase
    warning = error.splitlines()[0]
    assert damage == "missing" or (warning.startswith("warning:") and f"{out / 'checkpoint.npz'}:" in warning)
    with np.load(out / "checkpoint.previous.npz") as previous:
        assert previous["step"] == 24  # and not the damaged one
    assert resumed(out) == 0 and same(out, whole)


@pytest.mark.parametrize("damage", [d for d in DAMAGE if d != "missing"])
def test_both_damaged(damage, whole, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    capsys.readouterr()
    for name in ("checkpoint.npz", "checkpoint.previous.npz"):
        DAMAGE[damage](out / name)
    assert resumed(out) == 1
    one_error(capsys, "checkpoint.npz", "checkpoint.previous.npz", "--force")
    assert run("toy", "--out", out, "--force", "--quiet") == 0 and same(out, whole)


def test_no_bit_is_believed(tmp_path, monkeypatch):
    """Whichever bit flips: the checkpoint is refused, or every array in it is what it was."""
    out = interrupted(monkeypatch, tmp_path / "out")
    trainer = Trainer(data.load("toy", 0), TINY, GATES, 0)
    whole, path = (out / "checkpoint.npz").read_bytes(), tmp_path / "flipped.npz"
    expected = read_checkpoint(out / "checkpoint.npz", trainer)
    rng, refused = np.random.default_rng(0), 0
    for place in rng.integers(0, len(whole), 300):
        content = bytearray(whole)
        content[place] ^= 1 << rng.integers(8)
        path.write_bytes(content)
        try:
            equal_states(read_checkpoint(path, trainer), expected)
        except DamagedError as error:
            refused += 1
            assert "flipped.npz" in str(error) and "\n" not in str(error)
    assert refused > 100


def test_a_format_from_the_future(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "FORMAT", 7)
        out = interrupted(patch, tmp_path / "out")
    capsys.readouterr()
    assert resumed(out) == 1
    one_error(capsys, "format version 7", "reads 1 and 2", "update the library")


def as_format_1(path):
    """Rewrite a checkpoint as version 0.1.0 of the library wrote it."""
    with np.load(path) as file:
        arrays = dict(file)
    phases = json.loads(arrays.pop("phases").tobytes())
    numbers = [("dense", "search", "rewire", "finetune").index(phases[k]) for k in arrays["record_phase"]]
    arrays["record_phase"] = np.array(numbers, np.int64)
    arrays.setdefault("price", np.array(0.25))  # it was always there
    arrays["format"] = np.array(1)
    del arrays["digest"]
    runs.write_arrays(path, arrays | {"digest": runs.digest(arrays)})


@pytest.mark.parametrize("step", [5, 40, 56, 80, 130])  # dense, search, rewire, finetune, rewire again
def test_the_format_before(step, whole, tmp_path, monkeypatch):
    out = interrupted(monkeypatch, tmp_path / "out", step)
    as_format_1(out / "checkpoint.npz")
    assert resumed(out) == 0 and same(out, whole)


def test_phases_of_any_name(tmp_path):
    """A phase from outside of the library has a name of its own, and two phases may have the same."""

    class Named(Phase):
        def __init__(self, plan, name):
            super().__init__(plan, 1)
            self.name = name

    class Four(Method):
        name = "four"

        def phases(self, plan):
            return [Named(plan, name) for name in ("dense", "prune a little", "ünïcode", "dense", "last")]

    trainer, again = (Trainer(images(), EAGER, Four()) for _ in range(2))
    first = runs.Run(tmp_path, 0.0)
    first.start_metrics()
    for _ in range(4):
        first.add(trainer.train_epoch())
    first.save(trainer, trainer.state())
    first.close()
    with runs.Run(tmp_path, 0.0) as second:
        assert second.restore(again) == "" and second.records == first.records
    assert [record["phase"] for record in second.records] == ["dense", "prune a little", "ünïcode", "dense"]
