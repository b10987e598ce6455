"""Whole runs of train on small data: what they leave, and one clear line for every mistake."""

import csv
import gzip
import json
import os

import numpy as np
import pytest
from helpers.cli import one_error
from helpers.runs import run

from tinygsp.sparse import SparseNetwork
from tinygsp.training import DivergedError, Trainer, wiring

SMALL = ["--hidden", "12,8", "--epochs", "8", "--density", "0.1", "--batch-size", "32", "--quiet"]
RUN_FILES = {
    "config.json",
    "env.json",
    "metrics.csv",
    "gates.npz",
    "wiring.npz",
    "model.npz",
    "summary.json",
    "figures",
}


@pytest.fixture(scope="session")
def finished(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "bands"
    assert run(folder, *SMALL, "--out", out) == 0
    return out


def test_run_folder_is_complete(finished):
    assert {p.name for p in finished.iterdir()} == RUN_FILES
    names = [f"{name}.{kind}" for name in ("gates", "kept", "pixels", "training") for kind in ("png", "svg")]
    assert sorted(p.name for p in (finished / "figures").iterdir()) == names
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in (finished / "figures").glob("*.png"))


def test_summary_says_what_the_model_is(finished, folder):
    summary = json.loads((finished / "summary.json").read_text())
    network = SparseNetwork.load(finished / "model.npz")
    total = 37 * 12 + 13 * 8 + 9 * 3
    assert summary["total"] == total and summary["kept"] == network.count() <= int(0.1 * total)
    assert summary["kept"] == summary["kept_weights"] + summary["kept_biases"]
    assert summary["density"] == summary["kept"] / total
    assert summary["model_bytes"] == (finished / "model.npz").stat().st_size
    assert summary["pixels"] == len(network.used_inputs()[0]) and len(summary["units"]) == 2
    images = np.frombuffer(gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    labels = np.frombuffer(gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    assert summary["test_accuracy"] == np.mean(network.predict(images.reshape(-1, 36)) == labels)
    assert 0.6 < summary["test_accuracy"] < 1 and summary["test_accuracy"] != summary["val_accuracy"]
    keys = "dataset seed dense_val_accuracy val_accuracy epochs steps batch_size seconds"
    assert set(keys.split()) <= summary.keys()
    assert summary["steps"] == summary["epochs"] * 21 and summary["batch_size"] == 32  # 660 training images


def test_metrics_have_a_row_an_epoch(finished):
    rows = list(csv.DictReader((finished / "metrics.csv").open()))
    assert [int(r["epoch"]) for r in rows] == list(range(1, len(rows) + 1))
    assert list(rows[0]) == "epoch phase loss val_accuracy open_gates density price noise seconds".split()
    assert [p for i, p in enumerate(r["phase"] for r in rows) if i == 0 or rows[i - 1]["phase"] != p] == [
        "dense",
        "search",
        "finetune",
    ]
    config = json.loads((finished / "config.json").read_text())
    assert config["hidden"] == [12, 8] and config["epochs"] == 8 and config["seed"] == 0


def test_same_seed_same_bytes(finished, folder, tmp_path):
    assert run(folder, *SMALL, "--out", tmp_path / "again") == 0
    assert (tmp_path / "again/model.npz").read_bytes() == (finished / "model.npz").read_bytes()
    assert run(folder, *SMALL, "--out", tmp_path / "other", "--seed", 1) == 0
    assert (tmp_path / "other/model.npz").read_bytes() != (finished / "model.npz").read_bytes()


@pytest.mark.parametrize("method", ["gates", "snip", "gradual"])
def test_method_and_tries(method, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(folder, *SMALL, "--method", method, "--tries", 2) == 0
    out = tmp_path / "runs" / f"{folder.name}-{method}-0.1-seed0".replace("-gates", "")
    config, summary = (json.loads((out / f"{name}.json").read_text()) for name in ("config", "summary"))
    assert config["method"] == summary["method"] == method and config["tries"] == 2
    epochs = 10 + (108 if method == "snip" else 2 * 108)  # one cut has no second try
    assert summary["epochs"] == epochs and summary["kept"] <= summary["budget"]
    figures = {p.stem for p in (out / "figures").iterdir()}
    searched = {"gates"} if method != "snip" else set()
    assert figures == {"training", "kept", "pixels"} | searched


def test_results_on_stdout_progress_on_stderr(folder, tmp_path, capsys):
    arguments = [a for a in SMALL if a != "--quiet"]
    assert run(folder, *arguments, "--out", tmp_path / "a") == 0
    captured = capsys.readouterr()
    assert "test accuracy" in captured.out and "--density" in captured.out and "epoch" not in captured.out
    assert "loss" in captured.err and "validation" in captured.err and "density" in captured.err
    assert run(folder, *arguments, "--out", tmp_path / "b", "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["kept"] > 0 and captured.err == ""


def test_a_network_without_a_path_is_not_handed_over_in_silence(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(wiring, "threshold", lambda *arguments: np.inf)  # as after a search that closed all gates
    assert run(folder, *SMALL, "--epochs", 1, "--out", tmp_path / "a", "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["pixels"] == 0
    assert "no path is left" in captured.err and "model.npz" in captured.err and "--density above 0.1 " in captured.err
    assert captured.err.count("\n") == 1


def test_toy_runs_and_says_which_paths_are_left(tmp_path, capsys):
    assert run("toy", "--epochs", 10, "--out", tmp_path / "toy", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["total"] == 182 and summary["kept"] <= 36
    assert np.shape(summary["paths"]) == (4, 2) and len(summary["test_r2"]) == 2


# --- mistakes: one line on stderr, the documented exit code, nothing written -----------------------------------------


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--density", "0"], "(0, 1]"),
        (["--density", "1.5"], "(0, 1]"),
        (["--density", "nan"], "(0, 1]"),
        (["--density", "x"], "(0, 1]"),
        (["--density", "-0.1"], "(0, 1]"),
        (["--density", "inf"], "(0, 1]"),
        (["--hidden", "0"], "sizes"),
        (["--hidden", "10,,3"], "sizes"),
        (["--hidden", "ten"], "sizes"),
        (["--hidden", "10,-3"], "sizes"),
        (["--hidden", ""], "sizes"),
        (["--hidden", "99999999"], "sizes"),
        (["--epochs", "0"], "at least 1"),
        (["--epochs", "1.5"], "at least 1"),
        (["--epochs", "-3"], "at least 1"),
        (["--seed", "-1"], "4294967295"),
        (["--seed", "4294967296"], "4294967295"),
        (["--seed", "one"], "4294967295"),
        (["--threads", "0"], "256"),
        (["--threads", "many"], "256"),
        (["--batch-size", "0"], "at least 1"),
        (["--lr", "0"], "above 0"),
        (["--lr", "nan"], "above 0"),
        (["--nonsense"], "--nonsense"),
        (["--method", "best"], "expected one of gates, gradual"),
    ],
)
def test_bad_arguments(arguments, words, folder, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run(folder, *arguments, "--out", tmp_path / "out")
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and words in error and arguments[0] in error
    assert arguments[-1] in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("density, words", [(0.001, "keeps 0"), (0.008, "0.008696")])
def test_budget_too_small_to_connect_a_pixel_to_each_class(density, words, folder, tmp_path, capsys):
    arguments = ["--hidden", "12,8", "--density", density, "--out", tmp_path / "out"]
    assert run(folder, *arguments) == 2
    one_error(capsys, words, density)
    assert not (tmp_path / "out").exists()


def test_unknown_data_set(tmp_path, capsys):
    assert run("no-such-set", "--out", tmp_path / "out") == 3
    one_error(capsys, "no-such-set", "mnist", "toy")
    assert not (tmp_path / "out").exists()


def test_damaged_data_set(folder, tmp_path, capsys):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(b"\x1f\x8b nonsense")
    assert run(tmp_path, "--out", tmp_path / "out") == 3
    one_error(capsys, "train-labels-idx1-ubyte.gz")
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    assert run(tmp_path, "--out", tmp_path / "out") == 3
    one_error(capsys, "train-labels-idx1-ubyte", "missing")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_is_left_alone(folder, tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert run(folder, *SMALL, "--out", tmp_path) == 1
    one_error(capsys, tmp_path, "not empty", "--force")
    assert run(folder, *SMALL, "--out", tmp_path, "--force") == 1  # not even with --force: no run wrote that
    one_error(capsys, "thesis.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_force_replaces_a_run(finished, folder, tmp_path, capsys):
    out = tmp_path / "run"
    assert run(folder, *SMALL, "--out", out, "--seed", 1) == 0
    (out / "checkpoint.npz").write_bytes(b"old")
    capsys.readouterr()
    assert run(folder, *SMALL, "--out", out) == 1
    one_error(capsys, "not empty")
    assert run(folder, *SMALL, "--out", out, "--force") == 0
    assert (out / "model.npz").read_bytes() == (finished / "model.npz").read_bytes()
    assert {p.name for p in out.iterdir()} == RUN_FILES


def test_out_that_is_a_file_or_lies_under_one(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert run(folder, *SMALL, "--out", tmp_path / "file") == 1
    one_error(capsys, "is a file")
    assert run(folder, *SMALL, "--out", tmp_path / "file" / "run") == 1
    one_error(capsys, "cannot be written")
    assert (tmp_path / "file").read_text() == "mine"


def test_full_disk_at_the_start(folder, tmp_path, capsys, monkeypatch):
    def no_space(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    assert run(folder, *SMALL, "--out", tmp_path / "out") == 1
    one_error(capsys, "No space left on device")
    assert list((tmp_path / "out").iterdir()) == []  # nothing half-written


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_not_finite_stops_the_run(folder, tmp_path, capsys):
    assert run(folder, *SMALL, "--lr", 1e5, "--out", tmp_path / "out") == 1
    one_error(capsys, "step", "--lr")
    assert "model.npz" not in {p.name for p in (tmp_path / "out").iterdir()}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_last_good_state_is_kept(folder, tmp_path, capsys, monkeypatch):
    step = Trainer.train_step

    def breaks_later(self, *arguments):
        if self.step == 50:  # in the third epoch of 21 steps
            raise DivergedError("the loss became nan at step 50")
        return step(self, *arguments)

    monkeypatch.setattr(Trainer, "train_step", breaks_later)
    assert run(folder, *SMALL, "--out", tmp_path / "out") == 1
    one_error(capsys, "step 50")
    with np.load(tmp_path / "out/checkpoint.npz") as state:
        assert state["epoch"] == 2 and state["step"] == 42
        assert all(np.isfinite(state[f"layer{k}_W"]).all() for k in range(3))
    assert len((tmp_path / "out/metrics.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("error, code, words", [(KeyboardInterrupt, 130, "interrupted"), (MemoryError, 1, "--hidden")])
def test_interruption_and_lack_of_memory(error, code, words, folder, tmp_path, capsys, monkeypatch):
    def stops(*arguments):
        raise error

    monkeypatch.setattr(Trainer, "train_step", stops)
    assert run(folder, *SMALL, "--out", tmp_path / "out") == code
    one_error(capsys, words)


def test_the_default_method_is_not_in_the_name_of_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("toy", "--epochs", 1, "--tries", 1, "--quiet") == 0
    assert (tmp_path / "runs" / "toy-0.2-seed0" / "summary.json").exists()
