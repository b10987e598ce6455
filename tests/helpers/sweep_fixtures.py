"""Fixtures of the tests of sweeps, for a conftest.py to import."""

import functools
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from helpers.sweeps import FOUR, run, troubled
from tinygsp.sweeping import executors, figure


@pytest.fixture
def light_sweep(monkeypatch):
    """Use threads instead of processes, do not wait for the disk, draw no pictures; Ctrl-C acts as in a terminal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.setattr(figure, "frontier_files", lambda *arguments: {"frontier.png": b"png", "frontier.svg": b"svg"})
    monkeypatch.setattr(executors, "pool", ThreadPoolExecutor)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def made_sweep(folder, tmp_path_factory):
    """The folder of a finished sweep of four tasks, made once; `whole_sweep` is a copy."""
    out = tmp_path_factory.mktemp("sweeps") / "made"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executors, "pool", ThreadPoolExecutor)
        assert run(folder, *FOUR, "--out", out, "--quiet") == 0
    return out


@pytest.fixture
def whole_sweep(made_sweep, tmp_path):
    """A copy of the folder of a finished sweep of four tasks."""
    return shutil.copytree(made_sweep, tmp_path / "whole")


@pytest.fixture
def tasks_run(monkeypatch):
    """The list of the tasks that are run from now on."""
    ran, run_task = [], executors.run_task
    monkeypatch.setattr(executors, "run_task", lambda task: ran.append(task) or run_task(task))
    return ran


@pytest.fixture
def trouble(monkeypatch, tmp_path):
    """A folder to put files in that make trouble for workers, in whatever process; see `troubled`."""
    place = tmp_path / "trouble"
    place.mkdir()
    monkeypatch.setattr(executors, "run_task", functools.partial(troubled, str(place)))
    return place
