"""Nothing lost: wherever a run is stopped, it goes on bit for bit, and whatever goes wrong is one clear line."""

import errno
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_prune import EAGER, formula, images, kinds
from test_train import one_error

from tinygsp import data, prune, runs, train
from tinygsp.layers import MaskedDense, MaskedEdges

ROOT = Path(__file__).resolve().parent.parent
TWICE = replace(EAGER, tries=2, epochs=6, search_share=0.6)  # 2 dense epochs and twice 4 + 2 + 3, of 19 steps each
TINY = replace(prune.TOY, dense_epochs=2, epochs=4, search_share=0.5, finetune_epochs=2, tries=2)  # 14 of 12 steps
STEPS, EPOCHS = 12, 14
AT = {"dense": 5, "dense, at its end": 23, "search": 40, "search, at its end": 47, "rewire": 56,
      "rewire, at the end of an epoch": 59, "finetune": 80, "second search": 110, "second rewire": 130,
      "second finetune": 150, "the last step": 167}  # steps, counted from 0  # fmt: skip
NAMES = {"config.json", "env.json", "metrics.csv", "gates.npz", "model.npz", "figures", "summary.json"}
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
posix = pytest.mark.skipif(os.name != "posix", reason="needs fork or a POSIX device")


@pytest.fixture(autouse=True)
def signals():
    """As in a terminal, also where the tests run in the background and a shell has some of them ignored."""
    before = [signal.signal(number, signal.default_int_handler) for number in SIGNALS]
    yield
    for number, handler in zip(SIGNALS, before):
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The toy problem with 360 points and short phases; no waiting for the disk, and no figures, whose drawing takes
    longer than all the rest."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    toy = data.toy
    monkeypatch.setattr(data, "toy", lambda seed: toy(seed, 360, 50, 50))
    monkeypatch.setattr(prune, "TOY", replace(TINY, batch_size=30))
    monkeypatch.setattr("tinygsp.plots.save_run_figures", lambda folder, *rest: folder.mkdir(exist_ok=True))


def run(*arguments):
    return train.main([str(a) for a in arguments])


def resumed(out, *arguments):
    return run("--resume", out, *arguments, "--quiet")


@pytest.fixture
def whole(tmp_path, capsys):
    """A run that nothing interrupted."""
    assert run("toy", "--out", tmp_path / "whole", "--quiet") == 0
    capsys.readouterr()
    return tmp_path / "whole"


def same(out, whole):
    """Everything two runs leave is equal, but for the seconds; and nothing else is left."""
    assert {p.name for p in out.iterdir()} == {p.name for p in whole.iterdir()} == NAMES
    for name in ("model.npz", "gates.npz"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    metrics = [[line.rsplit(",", 1) for line in (p / "metrics.csv").read_text().splitlines()] for p in (out, whole)]
    assert [row[0] for row in metrics[0]] == [row[0] for row in metrics[1]] and len(metrics[0]) == 1 + EPOCHS
    seconds = [float(row[1]) for row in metrics[0][1:]]
    assert seconds == sorted(seconds) and seconds[0] > 0
    summaries = [{**json.loads((p / "summary.json").read_text()), "seconds": 0} for p in (out, whole)]
    assert summaries[0] == summaries[1]
    return True


def at_step(monkeypatch, step, action):
    """Do `action` within the given step, once."""
    train_step = prune.Pruner.train_step

    def patched(self, *arguments):
        if self.step == step:
            monkeypatch.setattr(prune.Pruner, "train_step", train_step)
            action()
        return train_step(self, *arguments)

    monkeypatch.setattr(prune.Pruner, "train_step", patched)


def interrupted(monkeypatch, out, step=40, number=signal.SIGINT):
    """A run of which `step` is the last step."""
    at_step(monkeypatch, step, lambda: signal.raise_signal(number))
    assert run("toy", "--out", out, "--quiet") == 130
    return out


# --- the state is all there is ------------------------------------------------------------------------------


def equal_states(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name]) and np.asarray(a[name]).dtype == np.asarray(b[name]).dtype, name


@pytest.mark.parametrize("dataset, settings", [
    (images(), TWICE), (images(), replace(TWICE, edges_below=0.0, activation="relu")),
    (formula(), replace(TWICE, density=0.5, lr=0.02)),
], ids=["images", "matrices", "regression"])  # fmt: skip
def test_a_new_pruner_for_every_step(dataset, settings):
    whole = prune.Pruner(dataset, settings, seed=4)
    expected = list(whole.run())
    pruner, records, seen = prune.Pruner(dataset, settings, seed=4), [], set()
    while pruner.epoch < pruner.total_epochs:
        record = next(pruner.steps())
        records += [record] * bool(record)
        assert pruner.step <= whole.step
        state, pruner = pruner.state(), prune.Pruner(dataset, settings, seed=4)
        pruner.restore(state)
        equal_states(state, pruner.state())
        for name in state:  # what was handed over is not what is used
            state[name] = None if isinstance(state[name], (int, float)) else state[name].fill(0)
        seen |= {(pruner.network is None, kind, pruner.batch > 0) for kind in kinds(pruner)}
    assert records == expected and pruner.network.to_bytes() == whole.network.to_bytes()
    equal_states(pruner.state(), whole.state())
    assert len(seen) == 8  # before and after the first result, matrices and lists, within an epoch and between two


@pytest.mark.parametrize("step", [0, 18, 19, 60, 189, 300, 379])
def test_from_the_disk(step, tmp_path):
    """As above, by way of checkpoint.npz, with the records."""
    def pruner_in(folder):
        folder.mkdir(exist_ok=True)
        return prune.Pruner(images(), TWICE, seed=4), runs.Run(folder, 0.0)

    def train_to(last, pruner, run):
        while pruner.step < last:
            if record := next(pruner.steps()):
                run.add(record, pruner.gate_histogram() if record["phase"] == "search" else None)

    pruner, first = pruner_in(tmp_path)
    first.start_metrics()
    train_to(step + 1, pruner, first)
    first.save(pruner, pruner.state())
    first.close()
    again, second = pruner_in(tmp_path)
    assert second.restore(again) == "" and again.step == step + 1
    equal_states(again.state(), pruner.state())
    assert second.records == first.records and np.array_equal(second.histograms, first.histograms)
    train_to(380, again, second)
    expected = prune.Pruner(images(), TWICE, seed=4)
    records = list(expected.run())
    equal_states(again.state(), expected.state())
    assert [{**r, "seconds": 0} for r in second.records] == [{**r, "seconds": 0} for r in records]
    assert len(second.histograms) == 8
    second.close()


def test_kinds_of_layers_survive(tmp_path):
    """A list as long as a matrix has places is still a list."""
    pruner = prune.Pruner(images(), replace(EAGER, density=1.0, dense_epochs=0, epochs=1, retire_below=-np.inf))
    pruner.train_epoch()
    pruner.start("finetune", 0)
    other = prune.Pruner(images(), pruner.settings)
    other.restore(pruner.state())
    assert kinds(other) == kinds(pruner) == [MaskedEdges] * 3 and MaskedDense not in kinds(other)


# --- interrupted, from the command line ---------------------------------------------------------------------


@pytest.mark.parametrize("where", AT)
def test_interrupted_in_every_phase(where, whole, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out", AT[where])
    one_error(capsys, "interrupted", f"python -m tinygsp.train --resume {out}")
    assert {"checkpoint.npz", "config.json", "metrics.csv"} <= {p.name for p in out.iterdir()}
    with np.load(out / "checkpoint.npz") as checkpoint:
        assert checkpoint["step"] == AT[where] + 1  # the step was finished
        assert checkpoint["batch"] == (AT[where] + 1) % STEPS
    assert resumed(out) == 0 and same(out, whole)


@pytest.mark.parametrize("number", SIGNALS)
def test_other_signals(number, whole, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out", number=number)
    one_error(capsys, "interrupted", "; go on with: python -m tinygsp.train --resume")
    with np.load(out / "checkpoint.npz") as checkpoint:
        assert checkpoint["step"] == 41  # the step was finished
    assert signal.getsignal(number) == signal.default_int_handler  # as before
    assert resumed(out) == 0 and same(out, whole)


def test_an_ignored_signal_stays_ignored(whole, tmp_path, monkeypatch):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    at_step(monkeypatch, 40, lambda: signal.raise_signal(signal.SIGTERM))
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 0 and same(tmp_path / "out", whole)


def test_interrupted_again_and_again(whole, tmp_path, monkeypatch):
    out = interrupted(monkeypatch, tmp_path / "out", 7)
    for step in (8, 30, 31, 60, 99, 130, 166):
        at_step(monkeypatch, step, lambda: signal.raise_signal(signal.SIGINT))
        assert resumed(out) == 130
    assert resumed(out) == 0 and same(out, whole)


def test_the_second_time_at_once(whole, tmp_path, monkeypatch, capsys):
    def twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the step went on")

    at_step(monkeypatch, 40, twice)
    out = tmp_path / "out"
    assert run("toy", "--out", out, "--quiet") == 130
    one_error(capsys, "interrupted", f"--resume {out}")
    with np.load(out / "checkpoint.npz") as checkpoint:
        assert checkpoint["step"] == 24  # at the end of the first phase
    assert not [name for name in os.listdir(out) if name.endswith(".tmp")]
    assert resumed(out) == 0 and same(out, whole)


def test_interrupted_before_the_first_step(whole, tmp_path, monkeypatch, capsys):
    load = data.load
    monkeypatch.setattr(data, "load", lambda *a: (signal.raise_signal(signal.SIGINT), load(*a))[1])
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 130
    one_error(capsys, "--resume")
    monkeypatch.setattr(data, "load", load)
    assert run("--resume", tmp_path / "out") == 0
    assert "after epoch 0 of 14, step 0" in capsys.readouterr().err and same(tmp_path / "out", whole)


def test_interrupted_while_reporting(whole, tmp_path, monkeypatch):
    """What is left takes a second: it is finished."""
    summarise = runs.summarise
    monkeypatch.setattr(runs, "summarise", lambda *a: (signal.raise_signal(signal.SIGINT), summarise(*a))[1])
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 0 and same(tmp_path / "out", whole)


def test_a_checkpoint_every_ten_seconds(tmp_path, monkeypatch):
    """By a clock of which one second passes with every look at it."""
    seconds, steps, save = iter(range(10**6)), [], runs.Run.save
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(runs.Run, "save", lambda self, pruner, state: (steps.append(pruner.step), save(
        self, pruner, state)))
    monkeypatch.setattr(prune, "TOY", replace(TINY, batch_size=3))  # 120 steps an epoch
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 0
    assert {240, 720, 960, 1440, 1680} <= set(steps)  # the ends of phases
    gaps = np.diff([0, *steps])
    assert np.all(gaps <= 51) and np.median(gaps) == 51  # one takes a second: a fiftieth of the time


def test_no_clock_that_can_go_backwards(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: pytest.fail("time.time() was asked"))
    out = interrupted(monkeypatch, tmp_path / "out")
    assert resumed(out) == 0 and same(out, whole)


def test_the_seconds_go_on(tmp_path, monkeypatch):
    out = interrupted(monkeypatch, tmp_path / "out")
    with np.load(out / "checkpoint.npz") as checkpoint:
        arrays = dict(checkpoint)
    arrays["seconds"] = np.array(1000.0)  # as if it had taken so long
    del arrays["digest"]
    runs.write_arrays(out / "checkpoint.npz", arrays | {"digest": runs.digest(arrays)})
    assert resumed(out) == 0
    seconds = [float(line.rsplit(",", 1)[1]) for line in (out / "metrics.csv").read_text().splitlines()[1:]]
    assert seconds[2] < 100 < 1000 <= seconds[3] < 1100
    assert 1000 <= json.loads((out / "summary.json").read_text())["seconds"] < 1100


# --- killed -------------------------------------------------------------------------------------------------


def killed_at(count, name, arguments):
    """Run in a fork that kills itself before its call number `count` of os.`name`. Whether it came to that."""
    child = os.fork()
    if child == 0:
        try:
            function, calls = getattr(os, name), iter(range(count))
            setattr(os, name, lambda *a: function(*a) if next(calls, None) is not None else os.kill(os.getpid(), 9))
            os._exit(run(*arguments))
        finally:
            os._exit(99)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@posix
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork and threads
@pytest.mark.parametrize("name", ["replace", "unlink"])
def test_killed_at_every_change_of_a_name(name, whole, tmp_path):
    """Without anything cleaned by hand: with --resume, or by the same command if there is no config.json yet."""
    for count in range(100):
        out = tmp_path / f"{name}{count}"
        arguments = ["toy", "--out", out, "--quiet"]
        if not killed_at(count, name, arguments):
            break
        assert (resumed(out) if (out / "config.json").exists() else run(*arguments)) == 0 and same(out, whole)
    assert count > (20 if name == "replace" else 1) and same(out, whole)


@posix
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_killed_while_replacing_a_run(whole, tmp_path):
    for count in range(100):
        out = tmp_path / f"run{count}"
        shutil.copytree(whole, out)
        if not killed_at(count, "unlink", ["toy", "--out", out, "--force", "--quiet"]):
            break
        if (out / "config.json").exists():  # the old run or the new one, but one of them
            assert resumed(out) == 0 and same(out, whole)
        else:
            assert run("toy", "--out", out, "--force", "--quiet") == 0 and same(out, whole)
    assert count > 7


# --- what --resume refuses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments, words", [
    (["--density", 0.3], "density is 0.2 in the run, 0.3 given"), (["--seed", 1], "seed is 0 in the run, 1 given"),
    (["--hidden", "10,9"], "hidden is 10,10 in the run, 10,9 given"), (["--lr", 1], "lr is 0.06 in the run, 1.0 given"),
    (["--epochs", 5], "epochs is 4 in the run, 5 given"), (["mnist"], "data is toy in the run, mnist given"),
    (["--batch-size", 31], "batch-size is 30 in the run, 31 given"),
    (["--seed", 1, "--epochs", 5], "epochs is 4 in the run, 5 given; seed is 0 in the run, 1 given"),
    (["--force"], "--force"), (["--out", "elsewhere"], "--out"),
])  # fmt: skip
def test_refused(arguments, words, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    before = {p: p.read_bytes() for p in out.iterdir()}
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        run("--resume", out, *arguments)
    assert stop.value.code == 2
    one_error(capsys, words, out)
    assert {p: p.read_bytes() for p in out.iterdir()} == before


def test_the_same_arguments_are_welcome(whole, tmp_path, monkeypatch):
    out = interrupted(monkeypatch, tmp_path / "out")
    arguments = "toy --density 0.2 --hidden 10,10 --epochs 4 --batch-size 30 --lr 0.06 --seed 0 --threads 1".split()
    assert resumed(out, *arguments, "--out", out) == 0 and same(out, whole)


def test_data_or_resume(capsys):
    with pytest.raises(SystemExit) as stop:
        run()
    assert stop.value.code == 2
    one_error(capsys, "mnist", "--resume")


@pytest.mark.parametrize("content", [
    None, "", "{", "[]", "{}", "[" * 100_000, '{"data": "toy"}', "\xff", '{"seed": "x"}', '{"seed": null}',
    '{"lr": NaN}',
])  # fmt: skip
def test_no_config_no_run(content, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    config = json.loads((out / "config.json").read_text())
    if content is None:
        (out / "config.json").unlink()
    elif content.count('"') > 1 and "data" not in content:
        (out / "config.json").write_text(json.dumps(config | json.loads(content)))
    else:
        (out / "config.json").write_bytes(content.encode("latin-1"))
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        run("--resume", out)
    assert stop.value.code == 2
    one_error(capsys, "config.json", out)


@pytest.mark.parametrize("change", [{"momentum": 0.8}, {"tries": 3}, {"lr": 0.02}, {"seed": 1}])
def test_settings_that_changed(change, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps(config | change))
    capsys.readouterr()
    assert resumed(out) == 1
    one_error(capsys, "config.json", "put it back")


@pytest.mark.parametrize("change", [{"momentum": "0.9"}, {"finetune_epochs": None}, {"activation": 3}, {"steer": 3}])
def test_settings_of_another_kind(change, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps(config | change))
    capsys.readouterr()
    assert resumed(out) == 2
    one_error(capsys, "config.json", *change)


@pytest.mark.parametrize("name", ["train_x", "train_y", "val_x", "val_y", "test_x", "test_y"])
def test_a_data_set_that_changed(name, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    capsys.readouterr()
    load = data.load
    monkeypatch.setattr(data, "load", lambda *a: (d := load(*a), getattr(d, name).__setitem__(3, 0))[0])
    assert resumed(out) == 1
    one_error(capsys, "data set", "put it back")
    monkeypatch.setattr(data, "load", load)
    assert resumed(out) == 0


def test_finished(whole, capsys):
    before = {p: p.read_bytes() for p in whole.iterdir() if p.is_file()}
    (whole / "checkpoint.npz").write_bytes(b"left by a kill after the last file")
    assert run("--resume", whole) == 0
    captured = capsys.readouterr()
    assert "finished" in captured.out and captured.err == ""
    assert run("--resume", whole, "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads((whole / "summary.json").read_text())
    assert {p: p.read_bytes() for p in whole.iterdir() if p.is_file()} == before


def test_a_run_in_the_way_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    capsys.readouterr()
    assert run("toy", "--out", out) == 1
    one_error(capsys, "not empty", "--force", f"--resume {out}")
    assert resumed(out) == 0
    capsys.readouterr()
    assert run("toy", "--out", out) == 1
    assert "--resume" not in capsys.readouterr().err


def test_another_machine(whole, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    env = json.loads((out / "env.json").read_text())
    (out / "env.json").write_text(json.dumps({**env, "numba": "0.0.1"}))
    capsys.readouterr()
    assert resumed(out, "--threads", 2) == 0 and same(out, whole)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("warning:") and "bits" in lines[0]
    assert f"numba 0.0.1 -> {env['numba']}" in lines[0] and "threads 1 -> 2" in lines[0]
    noted = json.loads((out / "env.json").read_text())
    assert noted["numba"] == "0.0.1" and noted["resumed"] == [{"epoch": 3, "numba": env["numba"], "threads": 2}]


@pytest.mark.parametrize("content", [None, "", "{}", "[]"])
def test_an_environment_that_is_not_known(content, whole, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    (out / "env.json").unlink()
    if content is not None:
        (out / "env.json").write_text(content)
    capsys.readouterr()
    assert resumed(out) == 0 and same(out, whole) and capsys.readouterr().err == ""
    assert json.loads((out / "env.json").read_text())["threads"] == 1


def test_a_processor_without_a_file_that_names_it(monkeypatch):
    def missing(*arguments):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(runs.platform, "processor", lambda: "of another system")
    assert runs.cpu_name() == "of another system" == runs.environment(1)["cpu"]


# --- damage -------------------------------------------------------------------------------------------------


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
    assert damage == "missing" or warning.startswith("warning:") and f"{out / 'checkpoint.npz'}:" in warning
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
    pruner = prune.Pruner(data.load("toy", 0), prune.TOY, 0)
    whole, path = (out / "checkpoint.npz").read_bytes(), tmp_path / "flipped.npz"
    expected = runs.read_checkpoint(out / "checkpoint.npz", pruner)
    rng, refused = np.random.default_rng(0), 0
    for place in rng.integers(0, len(whole), 300):
        content = bytearray(whole)
        content[place] ^= 1 << rng.integers(8)
        path.write_bytes(content)
        try:
            equal_states(runs.read_checkpoint(path, pruner), expected)
        except runs.DamagedError as error:
            refused += 1
            assert "flipped.npz" in str(error) and "\n" not in str(error)
    assert refused > 100


def test_another_format(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runs, "FORMAT", 7)
    out = interrupted(monkeypatch, tmp_path / "out")
    monkeypatch.undo()
    capsys.readouterr()
    assert resumed(out) == 1
    one_error(capsys, "format version 7", "version 1")


# --- two at once --------------------------------------------------------------------------------------------


def test_one_process_at_a_time(whole, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    capsys.readouterr()
    other = runs.Run(out, 0.0)
    for arguments in (["--resume", out], ["toy", "--out", out, "--force"], ["toy", "--out", out]):
        assert run(*arguments) == 1
        one_error(capsys, out, f"process {os.getpid()} is working in it")
    other.close()
    assert resumed(out) == 0 and same(out, whole)


def test_a_lock_left_behind_locks_nothing(whole, tmp_path, monkeypatch):
    out = interrupted(monkeypatch, tmp_path / "out")
    (out / "run.lock").write_text("1\n")  # a process that is there, and has nothing to do with it
    (out / ".checkpoint.next.npz.123.tmp").write_bytes(b"half")
    assert resumed(out) == 0 and same(out, whole)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "run.lock").write_text("1\n")
    assert run("toy", "--out", tmp_path / "new", "--quiet") == 0 and same(tmp_path / "new", whole)


def test_a_lock_that_is_removed_while_waited_for(tmp_path, monkeypatch):
    """Between opening the file and locking it, its owner removed it: another file has the name now."""
    lock_file, removed = runs.lock_file, []

    def slow(handle):
        if not removed:
            removed.append((tmp_path / "run.lock").unlink())
        lock_file(handle)

    monkeypatch.setattr(runs, "lock_file", slow)
    lock = runs.Lock(tmp_path / "run.lock")
    with pytest.raises(runs.RunError, match="is working in it"):
        runs.Lock(tmp_path / "run.lock")
    lock.release()
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_lock_in_a_folder_that_is_moved_away(tmp_path):
    """Its owner, when done, leaves alone the lock of whoever has the name now."""
    folder = tmp_path / "run"
    folder.mkdir()
    first = runs.Lock(folder / "run.lock")
    folder.rename(tmp_path / "moved")
    folder.mkdir()
    second = runs.Lock(folder / "run.lock")
    assert second.is_there() and not first.is_there()
    first.release()
    assert second.is_there()
    second.release()
    assert list(folder.iterdir()) == []


def test_a_file_system_without_locks(whole, tmp_path, monkeypatch):
    def refuse(handle):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(runs, "lock_file", refuse)
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 0 and same(tmp_path / "out", whole)


# --- faults -------------------------------------------------------------------------------------------------


def test_a_disk_that_fills_up(whole, tmp_path, monkeypatch, capsys):
    """Whichever write fails: one line, nothing half-written, and with room again the run goes on."""
    for count in range(2, 100):
        out, calls = tmp_path / f"full{count}", iter(range(count))

        def full(handle):
            if next(calls, None) is None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        code = run("toy", "--out", out, "--quiet")
        monkeypatch.setattr(os, "fsync", lambda handle: None)
        if code == 0:
            break
        assert code == 1
        one_error(capsys, out, "No space left on device")
        assert not [name for name in os.listdir(out) if name.endswith(".tmp")]
        assert (resumed(out) if (out / "config.json").exists() else run("toy", "--out", out, "--quiet")) == 0
        capsys.readouterr()
        assert same(out, whole)
    assert count > 20


@posix
def test_no_room_for_a_row(whole, tmp_path, monkeypatch, capsys):
    full = open("/dev/full", "w")
    add = runs.Run.add

    def add_to_full(self, record, histogram):
        self.metrics = full if record["epoch"] == 4 else self.metrics
        add(self, record, histogram)

    monkeypatch.setattr(runs.Run, "add", add_to_full)
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 1
    one_error(capsys, "No space left on device", "--resume")
    monkeypatch.setattr(runs.Run, "add", add)
    assert resumed(tmp_path / "out") == 0 and same(tmp_path / "out", whole)


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    capsys.readouterr()
    os_open = os.open

    def refuse(path, *arguments, **options):
        if str(path).startswith(str(tmp_path)):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return os_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert resumed(out) == 1
    one_error(capsys, out, "cannot be written", "Permission denied")
    (tmp_path / "new").mkdir()
    assert run("toy", "--out", tmp_path / "new") == 1
    one_error(capsys, "new", "cannot be written", "Permission denied")


def test_a_folder_that_is_moved_away(whole, tmp_path, monkeypatch, capsys):
    out, place = tmp_path / "out", tmp_path / "another place"
    at_step(monkeypatch, 40, lambda: out.rename(place))
    assert run("toy", "--out", out, "--quiet") == 1
    one_error(capsys, out, "gone", "--resume NEW-NAME")
    assert resumed(place) == 0 and same(place, whole) and not out.exists()


def test_another_run_under_the_same_name(whole, tmp_path, monkeypatch, capsys):
    """The folder is moved away and a second run begins where it was: neither disturbs the other."""
    out, place, second = tmp_path / "out", tmp_path / "moved", []

    def move():
        out.rename(place)
        at_step(monkeypatch, 40, lambda: signal.raise_signal(signal.SIGINT))
        second.append(run("toy", "--out", out, "--quiet"))

    at_step(monkeypatch, 40, move)
    assert run("toy", "--out", out, "--quiet") == 1 and second == [130]
    assert [resumed(out), resumed(place)] == [0, 0] and same(out, whole) and same(place, whole)


def test_a_folder_that_is_removed(tmp_path, monkeypatch, capsys):
    at_step(monkeypatch, 160, lambda: shutil.rmtree(tmp_path / "out"))
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 1
    one_error(capsys, "out", "gone")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["train_x", "train_y"])
def test_data_that_are_not_finite(value, name, tmp_path, monkeypatch, capsys):
    load = data.load

    def spoiled(*arguments):
        dataset = load(*arguments)
        getattr(dataset, name)[:, 1] = value
        return dataset

    monkeypatch.setattr(data, "load", spoiled)
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 1
    one_error(capsys, "step 0", "nan or inf in the data")


def test_divergence_leaves_the_last_good_epoch(whole, tmp_path, monkeypatch, capsys):
    def diverges():
        raise prune.DivergedError("the loss became nan at step 40")

    at_step(monkeypatch, 40, diverges)
    assert run("toy", "--out", tmp_path / "out", "--quiet") == 1
    one_error(capsys, "step 40")
    with np.load(tmp_path / "out/checkpoint.npz") as checkpoint:
        assert checkpoint["step"] == 36 and checkpoint["epoch"] == 3
    assert resumed(tmp_path / "out") == 0 and same(tmp_path / "out", whole)  # it does not diverge again


# --- who listens --------------------------------------------------------------------------------------------


def test_a_reader_who_leaves(tmp_path):
    """As in `| head -1`, in a process of its own: Python writes to stdout once more when it exits."""
    code = ("import sys; from dataclasses import replace; from tinygsp import prune, train\n"
            "prune.TOY = replace(prune.TOY, dense_epochs=1, epochs=1, finetune_epochs=1, tries=1)\n"
            "sys.exit(train.main())")  # fmt: skip
    command = [sys.executable, "-c", code, "toy", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    progress = process.stderr.read()
    assert process.wait(60) == 0 and "loss" in progress
    assert "Traceback" not in progress and "Exception" not in progress
    assert {p.name for p in (tmp_path / "out").iterdir()} == NAMES


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("variables, bar", [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False),
                                            ({"TERM": "xterm", "NO_COLOR": "1"}, True)])  # fmt: skip
def test_terminals(variables, bar, tmp_path, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert run("toy", "--out", tmp_path / "out") == 0
    written = sys.stderr.getvalue()
    assert "loss" in written and ("\r" in written) == bar
    assert not re.search(r"\x1b\[[0-9;]*m", written)  # no colours


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("reason", [errno.EPIPE, errno.EIO, errno.ENOSPC])
def test_progress_that_nobody_can_see(reason, terminal, whole, tmp_path, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(reason, os.strerror(reason))

        def isatty(self):
            return terminal

        def fileno(self):
            return os.open(os.devnull, os.O_WRONLY)

    monkeypatch.setattr(sys, "stderr", Gone())
    assert run("toy", "--out", tmp_path / "out") == 0 and same(tmp_path / "out", whole)


@posix
def test_results_that_cannot_be_written(whole, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch, open("/dev/full", "w") as full:
        patch.setattr(sys, "stdout", full)
        assert run("toy", "--out", tmp_path / "out", "--quiet") == 1
    one_error(capsys, "stdout", "No space left on device")
    assert same(tmp_path / "out", whole)


def test_without_standard_streams(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    assert run("toy", "--out", tmp_path / "a") == 0 and same(tmp_path / "a", whole)
    assert "epoch" not in capsys.readouterr().out  # progress does not turn up among the results
    monkeypatch.setattr(sys, "stdout", None)
    assert run("toy", "--out", tmp_path / "b") == 0 and same(tmp_path / "b", whole)
