"""Fixtures of the tests of runs, for a conftest.py to import."""

import os
import signal

import pytest

from helpers.runs import SIGNALS, TINY, run
from tinygsp.data import sources
from tinygsp.data.toy_problem import toy


@pytest.fixture
def terminal_signals():
    """Handle signals as in a terminal, also where a shell runs the tests in the background and ignores some."""
    before = [signal.signal(number, signal.default_int_handler) for number in SIGNALS]
    yield
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def small_toy(monkeypatch, terminal_signals):
    """Make the toy problem small, 360 points and short phases; do not wait for the disk, and draw no figures."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.setattr(sources, "toy", lambda seed: toy(seed, 360, 50, 50))
    monkeypatch.setattr("tinygsp.training.settings.TOY", TINY)
    monkeypatch.setattr("tinygsp.plots.run_figures", lambda *arguments: {})


@pytest.fixture
def whole(small_toy, tmp_path, capsys):
    """The folder of a small run that nothing interrupted."""
    assert run("toy", "--out", tmp_path / "whole", "--quiet") == 0
    capsys.readouterr()
    return tmp_path / "whole"
