"""Runs that move, and data sets that move: --resume and explain find them, or take --data, and check the digest."""

import gzip
import json
import shutil
import signal

import pytest
from helpers.cli import one_error, write_bands
from helpers.own_data import prices, write_table
from helpers.runs import at_step, run

from tinygsp.commands import explain
from tinygsp.data import TRAIN
from tinygsp.sparse import SparseNetwork

SMALL = ["--density", 0.1, "--hidden", "12,8", "--epochs", 8, "--batch-size", 120, "--quiet"]
pytestmark = pytest.mark.usefixtures("terminal_signals")


def explained(folder, *arguments):
    """The exit code of explain, which draws nothing here."""
    return explain.main([str(folder), "--quiet", "--json", *map(str, arguments)])


@pytest.fixture(autouse=True)
def no_drawing(monkeypatch):
    monkeypatch.setattr("tinygsp.plots.run_figures", lambda *arguments: {})
    monkeypatch.setattr(explain, "figures", lambda *arguments: {})


def start(home, monkeypatch, step=None, out="runs/x"):
    """Begin a run in the folder `home` on the data set "data" in it; stop after this step. Returns the run folder."""
    home.mkdir(exist_ok=True)
    if not (home / "data").exists():
        (home / "data").mkdir()
        write_bands(home / "data")
    with monkeypatch.context() as patch:
        patch.chdir(home)
        if step:
            at_step(patch, step, lambda: signal.raise_signal(signal.SIGINT))
        assert run("data", "--out", out, *SMALL) == (130 if step else 0)
    return home / out


def config(folder):
    return json.loads((folder / "config.json").read_text())


@pytest.fixture
def finished(tmp_path, monkeypatch, capsys):
    folder = start(tmp_path / "home", monkeypatch)
    capsys.readouterr()
    return folder


def other_data(folder):
    """A data set of the same shape, with another last label among those to train on."""
    folder.mkdir(exist_ok=True)
    path = write_bands(folder) / f"{TRAIN[1]}.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] = (content[-1] + 1) % 3
    path.write_bytes(gzip.compress(bytes(content)))
    return folder


def test_what_config_keeps(finished, tmp_path):
    kept = config(finished)
    assert kept["data"] == "data" and kept["data_path"] == "../../data" and len(kept["data_digest"]) == 64
    assert SparseNetwork.load(finished / "model.npz").meta.dataset == "data"


def test_an_absolute_path_stays_one(tmp_path, monkeypatch, folder):
    assert run(folder, "--out", tmp_path / "x", *SMALL) == 0
    assert config(tmp_path / "x")["data_path"] == str(folder)
    (tmp_path / "x").rename(tmp_path / "y")
    assert explained(tmp_path / "y") == 0


def test_a_named_data_set_needs_nothing(tmp_path, small_toy):
    assert run("toy", "--out", tmp_path / "x", "--quiet") == 0
    assert not {"data_path", "data_digest"} & config(tmp_path / "x").keys()
    (tmp_path / "x").rename(tmp_path / "y")
    assert explained(tmp_path / "y") == 0


def test_explain_from_elsewhere_and_after_a_move(finished, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert explained(finished) == 0
    before = capsys.readouterr().out
    (tmp_path / "home").rename(tmp_path / "moved")
    assert explained(tmp_path / "moved" / "runs" / "x") == 0
    assert capsys.readouterr().out == before
    monkeypatch.chdir(tmp_path / "moved" / "runs")
    assert explained("x") == 0


def test_explain_a_run_whose_data_set_went_elsewhere(finished, tmp_path, capsys):
    (tmp_path / "home" / "data").rename(tmp_path / "elsewhere")
    assert explained(finished) == 3
    one_error(capsys, "home/data: the data set of the run is not there; name its place with --data PATH")
    assert explained(finished, "--data", tmp_path / "elsewhere") == 0
    capsys.readouterr()
    assert explained(finished, "--data", tmp_path / "nowhere") == 3
    one_error(capsys, f"--data {tmp_path / 'nowhere'}: is not there")
    before = config(finished)
    assert explained(finished, "--data", other_data(tmp_path / "other")) == 3
    one_error(capsys, "other: not the data set of the run, its digest is another", "--data PATH")
    assert config(finished) == before


def test_another_data_set_in_the_old_place_is_noticed(finished, tmp_path, capsys):
    shutil.rmtree(tmp_path / "home" / "data")
    other_data(tmp_path / "home" / "data")
    assert explained(finished) == 3
    one_error(capsys, "its digest is another", "--data PATH")


def test_what_lies_where_the_path_was_typed_is_not_taken(finished, tmp_path, monkeypatch, capsys):
    finished.rename(tmp_path / "x")
    monkeypatch.chdir(tmp_path / "home")
    assert explained(tmp_path / "x") == 3
    one_error(capsys, "the data set of the run is not there; name its place with --data PATH")
    assert explained(tmp_path / "x", "--data", "data") == 0


@pytest.mark.parametrize("gone", ["nothing", "data", "run"])
def test_resume_after_a_move_ends_with_the_same_network(gone, tmp_path, monkeypatch, capsys):
    whole = start(tmp_path / "home", monkeypatch, out="runs/whole")
    folder = start(tmp_path / "home", monkeypatch, step=25)
    assert (folder / "checkpoint.npz").exists()
    monkeypatch.chdir(tmp_path)
    where = []
    if gone == "nothing":
        (tmp_path / "home").rename(tmp_path / "moved")
        folder, whole = tmp_path / "moved" / "runs" / "x", tmp_path / "moved" / "runs" / "whole"
    elif gone == "data":
        (tmp_path / "home" / "data").rename(tmp_path / "elsewhere")
        where = ["--data", "elsewhere"]
    else:
        folder = folder.rename(tmp_path / "x")
        where = ["--data", tmp_path / "home" / "data"]
    if where:
        capsys.readouterr()
        assert run("--resume", folder, "--quiet") == 3
        one_error(capsys, "the data set of the run is not there", "--data PATH")
    with monkeypatch.context() as patch:
        at_step(patch, 60, lambda: signal.raise_signal(signal.SIGINT))
        assert run("--resume", folder, *where, "--quiet") == 130
    if where:  # the run knows its place now
        assert config(folder)["data_path"] == ("../../../elsewhere" if gone == "data" else str(where[1]))
    assert run("--resume", folder, "--quiet") == 0
    for name in ("model.npz", "gates.npz"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()
    assert config(folder)["data"] == "data"


@pytest.mark.parametrize("checkpoint", [True, False])
def test_resume_refuses_another_data_set(checkpoint, tmp_path, monkeypatch, capsys):
    folder = start(tmp_path / "home", monkeypatch, step=25)
    if not checkpoint:
        (folder / "checkpoint.npz").unlink()
    before = config(folder)
    capsys.readouterr()
    assert run("--resume", folder, "--data", other_data(tmp_path / "other"), "--quiet") == 1
    one_error(capsys, "other: not the data set of the run, its digest is another")
    assert config(folder) == before


def test_a_run_of_an_old_version(tmp_path, monkeypatch, capsys):
    """It has neither data_path nor data_digest: its path is seen from the working directory."""
    folder = start(tmp_path / "home", monkeypatch, step=25)
    old = {name: value for name, value in config(folder).items() if name not in ("data_path", "data_digest")}
    (folder / "config.json").write_text(json.dumps(old))
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert run("--resume", folder, "--quiet") == 3
    one_error(capsys, "--data PATH")
    assert run("--resume", folder, "--data", other_data(tmp_path / "other"), "--quiet") == 1  # the checkpoint knows
    one_error(capsys, "data set is no longer what the run began with")
    monkeypatch.chdir(tmp_path / "home")
    assert run("--resume", folder, "--quiet") == 0
    assert explained(folder) == 0


@pytest.mark.parametrize("change", [{"data_path": 3}, {"data_path": ["a"]}, {"data_digest": 5}, {"data_digest": "00"}])
def test_a_damaged_config(change, finished, capsys):
    (finished / "config.json").write_text(json.dumps(config(finished) | change))
    assert explained(finished) == 3
    one_error(capsys, "data_path" if "data_path" in change else "digest")


def test_data_where_it_makes_no_sense(tmp_path, monkeypatch, small_toy, capsys):
    for arguments in (["--data", "x"], ["toy", "--data", "x"]):
        with pytest.raises(SystemExit) as stop:
            run(*arguments)
        assert stop.value.code == 2
        one_error(capsys, "--data x", "--resume DIR")
    with monkeypatch.context() as patch:
        at_step(patch, 20, lambda: signal.raise_signal(signal.SIGINT))
        assert run("toy", "--out", tmp_path / "toy", "--quiet") == 130
    capsys.readouterr()
    assert run("--resume", tmp_path / "toy", "--data", "x", "--quiet") == 1
    one_error(capsys, "--data x", "is toy, which comes with tinygsp")


# --- the other files of a data set ------------------------------------------------------------------------------

TABLE = ["--target", "price", "--epochs", 4, "--dense-epochs", 2, "--finetune-epochs", 2, "--quiet"]


@pytest.fixture
def table_run(tmp_path, monkeypatch):
    """A finished run in home/runs/x on home/data/price.csv, tested with home/data/more/test.csv."""
    home = tmp_path / "home"
    (home / "data" / "more").mkdir(parents=True)
    write_table(home / "data" / "price.csv", prices(60))
    write_table(home / "data" / "more" / "test.csv", prices(30))
    with monkeypatch.context() as patch:
        patch.chdir(home)
        assert run("data/price.csv", "--test", "data/more/test.csv", *TABLE, "--out", "runs/x") == 0
    found = config(home / "runs" / "x")
    assert (found["test"], found["test_path"]) == ("data/more/test.csv", "../../data/more/test.csv")
    return home


def test_a_table_to_test_with_moves_with_the_run(table_run, tmp_path, capsys):
    assert explained(table_run / "runs" / "x") == 0  # from another working directory
    there = table_run.rename(tmp_path / "there")
    assert explained(there / "runs" / "x") == 0


def test_a_table_to_test_with_is_found_beside_the_one_that_is_named(table_run, tmp_path, capsys):
    (table_run / "data").rename(tmp_path / "elsewhere")
    assert explained(table_run / "runs" / "x") == 3
    one_error(capsys, "the data set of the run is not there; name its place with --data PATH")
    assert explained(table_run / "runs" / "x", "--data", tmp_path / "elsewhere" / "price.csv") == 0
    (tmp_path / "elsewhere" / "more" / "test.csv").unlink()
    capsys.readouterr()
    assert explained(table_run / "runs" / "x", "--data", tmp_path / "elsewhere" / "price.csv") == 3
    one_error(capsys, "test.csv: cannot be read")


def test_a_run_that_goes_on_knows_both_places(table_run, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.chdir(table_run)
        at_step(patch, 5, lambda: signal.raise_signal(signal.SIGINT))
        assert run("data/price.csv", "--test", "data/more/test.csv", *TABLE, "--out", "runs/y") == 130
    (table_run / "data").rename(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    assert run("--resume", "home/runs/y", "--data", "elsewhere/price.csv", "--quiet") == 0
    found = config(table_run / "runs" / "y")
    assert (found["data_path"], found["test_path"]) == (
        "../../../elsewhere/price.csv", "../../../elsewhere/more/test.csv",
    )  # fmt: skip
    assert explained(table_run / "runs" / "y") == 0


@pytest.mark.parametrize("value", [3, ["a"]])
def test_a_damaged_path_of_a_table_to_test_with(table_run, value, capsys):
    path = table_run / "runs" / "x" / "config.json"
    path.write_text(json.dumps(config(path.parent) | {"test_path": value}))
    assert explained(path.parent) in (1, 3)
    one_error(capsys, "config.json: damaged, test_path is")
