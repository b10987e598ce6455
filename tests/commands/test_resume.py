"""Interrupted at any step, a run goes on with --resume and ends with the same bits."""

import json
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from helpers.cli import one_error
from helpers.runs import SIGNALS, STEPS, TINY, at_step, interrupted, resumed, run, same

from tinygsp import data, runs

pytestmark = pytest.mark.usefixtures("small_toy")


AT = {
    "dense": 5,
    "dense, at its end": 23,
    "search": 40,
    "search, at its end": 47,
    "rewire": 56,
    "rewire, at the end of an epoch": 59,
    "finetune": 80,
    "second search": 110,
    "second rewire": 130,
    "second finetune": 150,
    "the last step": 167,
}  # steps, counted from 0


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
    monkeypatch.setattr(data, "load", lambda *a, **o: (signal.raise_signal(signal.SIGINT), load(*a, **o))[1])
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
    monkeypatch.setattr(
        runs.Run, "save", lambda self, trainer, state: (steps.append(trainer.step), save(self, trainer, state))
    )
    monkeypatch.setattr("tinygsp.training.settings.TOY", replace(TINY, batch_size=3))  # 120 steps an epoch
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


def test_the_same_arguments_are_welcome(whole, tmp_path, monkeypatch):
    out = interrupted(monkeypatch, tmp_path / "out")
    arguments = "toy --density 0.2 --hidden 10,10 --epochs 4 --batch-size 30 --lr 0.06 --seed 0 --threads 1".split()
    assert resumed(out, *arguments, "--out", out) == 0 and same(out, whole)


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
