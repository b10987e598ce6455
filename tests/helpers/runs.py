"""Small runs of the toy problem: run the command, interrupt it at a step, and compare what two runs leave.

The fixture `small_toy` makes the toy problem as small as the constants here say.
"""

import json
import signal
from dataclasses import replace

import numpy as np

from tinygsp.commands import train
from tinygsp.training import TOY, Trainer

TINY = replace(TOY, dense_epochs=2, epochs=4, search_share=0.5, finetune_epochs=2, tries=2, batch_size=30)
STEPS, EPOCHS = 12, 14  # of an epoch; of a run
NAMES = {"config.json", "env.json", "metrics.csv", "gates.npz", "wiring.npz", "model.npz", "figures", "summary.json"}
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]


def run(*arguments):
    """Run train in this process; returns its exit code."""
    return train.main([str(argument) for argument in arguments])


def resumed(out, *arguments):
    """Go on with the run in `out`; returns the exit code."""
    return run("--resume", out, *arguments, "--quiet")


def at_step(monkeypatch, step, action):
    """Do `action` within the given step of the next run, once."""
    train_step = Trainer.train_step

    def patched(self, *arguments):
        if self.step == step:
            monkeypatch.setattr(Trainer, "train_step", train_step)
            action()
        return train_step(self, *arguments)

    monkeypatch.setattr(Trainer, "train_step", patched)


def interrupted(monkeypatch, out, step=40, number=signal.SIGINT):
    """Make a run in `out` of which `step` is the last step; returns `out`."""
    at_step(monkeypatch, step, lambda: signal.raise_signal(number))
    assert run("toy", "--out", out, "--quiet") == 130
    return out


def same(out, whole):
    """Check that two finished runs left the same files, equal but for the seconds. Returns True."""
    assert {p.name for p in out.iterdir()} == {p.name for p in whole.iterdir()} == NAMES
    for name in ("model.npz", "gates.npz", "wiring.npz"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    metrics = [[line.rsplit(",", 1) for line in (p / "metrics.csv").read_text().splitlines()] for p in (out, whole)]
    assert [row[0] for row in metrics[0]] == [row[0] for row in metrics[1]] and len(metrics[0]) == 1 + EPOCHS
    seconds = [float(row[1]) for row in metrics[0][1:]]
    assert seconds == sorted(seconds) and seconds[0] > 0
    summaries = [{**json.loads((p / "summary.json").read_text()), "seconds": 0} for p in (out, whole)]
    assert summaries[0] == summaries[1]
    return True


def equal_states(a, b):
    """Check that two states have the same names, and equal values of the same types."""
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name]) and np.asarray(a[name]).dtype == np.asarray(b[name]).dtype, name
