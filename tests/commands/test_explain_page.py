"""explain builds a page with the film of the run, and with other runs to choose from."""

import json

import numpy as np
import pytest
from helpers.cli import one_error
from helpers.explained import reader_of_bands, write_bands, write_run
from helpers.page import recording, unpack

from tinygsp import runs
from tinygsp.commands import explain
from tinygsp.runs import Wiring


@pytest.fixture(scope="module")
def bands(tmp_path_factory):
    return write_bands(tmp_path_factory.mktemp("data") / "bands")


def run(*arguments):
    return explain.main([str(a) for a in arguments] + ["--quiet"])


def with_recording(folder, network):
    """Put wiring.npz into a run folder, as a run of `network` could have left it. Returns what is in it."""
    wiring = recording(network, more=20)
    arrays = {name: getattr(wiring, name) for name in ("phase", "epoch", "open", "accuracy", "stored", "scale")}
    arrays["phases"] = np.frombuffer(json.dumps(wiring.phases).encode(), np.uint8)
    arrays["cell_step"] = np.diff(wiring.cell, prepend=0)
    arrays["level_step"] = np.diff(wiring.level, axis=1, prepend=np.int8(0))
    runs.write_arrays(folder / "wiring.npz", {**arrays, "format": np.array(1), "sizes": np.array(wiring.sizes)})
    return wiring


def shown(folder):
    return unpack((folder / "explorer.html").read_text("utf-8"))[0]


def test_the_film_of_the_run_is_on_its_page(bands, tmp_path):
    folder = write_run(tmp_path / "run", reader_of_bands(), bands)
    wiring = with_recording(folder, reader_of_bands())
    assert Wiring.load(folder / "wiring.npz").open.tolist() == wiring.open.tolist()
    assert run(folder) == 0
    content = shown(folder)
    assert content["runs"][0]["film"]["epoch"] == wiring.epoch.tolist()
    assert content["likeness"]["share"] == 0.96


def test_without_a_recording(bands, tmp_path):
    """As of a run that an earlier version made."""
    folder = write_run(tmp_path / "run", reader_of_bands(), bands)
    assert run(folder) == 0
    assert shown(folder)["runs"][0]["film"] is None


def test_other_runs_to_choose_from(bands, tmp_path):
    folders = [write_run(tmp_path / f"run{n}", reader_of_bands(pixels=n), bands) for n in (4, 3, 5)]
    with_recording(folders[2], reader_of_bands(pixels=5))
    assert run(folders[0], "--with", *folders[1:]) == 0
    content = shown(folders[0])
    assert [one["kept"] for one in content["runs"]] == [reader_of_bands(pixels=n).trim().count() for n in (4, 3, 5)]
    assert [one["film"] is not None for one in content["runs"]] == [False, False, True]
    assert not (folders[1] / "explorer.html").exists()


def test_other_runs_that_do_not_fit(bands, tmp_path, capsys):
    folder = write_run(tmp_path / "run", reader_of_bands(), bands)
    other = write_run(tmp_path / "other", reader_of_bands(std=0.25), bands)
    wide = write_run(tmp_path / "wide", reader_of_bands(cols=6), bands)
    for arguments, words in (
        ([other], ["other: its std is 0.25, expected 0.2", "runs must share data and seed"]),
        ([wide], ["wide: its levels have (36, 3, 3, 3) units"]),
        ([tmp_path / "none"], ["none: does not exist; name a run folder"]),
        ([folder.parent], ["holds no config.json"]),
    ):
        assert run(folder, "--with", *arguments) == 3
        one_error(capsys, *words)
    assert not (folder / "explorer.html").exists()


def test_a_recording_that_is_damaged_or_of_another_network(bands, tmp_path, capsys):
    folder = write_run(tmp_path / "run", reader_of_bands(), bands)
    (folder / "wiring.npz").write_bytes(b"PK")
    assert run(folder) == 3
    one_error(capsys, "wiring.npz", "expected a .npz file")
    with_recording(folder, reader_of_bands(cols=6))
    assert run(folder) == 3
    one_error(capsys, f"{folder}: wiring.npz is of levels of (36, 3, 3, 3) units, expected (30, 3, 3, 3)")
