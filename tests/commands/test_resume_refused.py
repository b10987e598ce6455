"""--resume refuses what would not be the same run: one line that says what differs, and nothing is changed."""

import json

import pytest
from helpers.cli import one_error
from helpers.runs import interrupted, resumed, run

from tinygsp import data

pytestmark = pytest.mark.usefixtures("small_toy")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--density", 0.3], "density is 0.2 in the run, 0.3 given"),
        (["--seed", 1], "seed is 0 in the run, 1 given"),
        (["--hidden", "10,9"], "hidden is 10,10 in the run, 10,9 given"),
        (["--lr", 1], "lr is 0.06 in the run, 1.0 given"),
        (["--epochs", 5], "epochs is 4 in the run, 5 given"),
        (["mnist"], "data is toy in the run, mnist given"),
        (["--batch-size", 31], "batch-size is 30 in the run, 31 given"),
        (["--seed", 1, "--epochs", 5], "epochs is 4 in the run, 5 given; seed is 0 in the run, 1 given"),
        (["--force"], "--force"),
        (["--out", "elsewhere"], "--out"),
    ],
)
def test_refused(arguments, words, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    before = {p: p.read_bytes() for p in out.iterdir()}
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        run("--resume", out, *arguments)
    assert stop.value.code == 2
    one_error(capsys, words, out)
    assert {p: p.read_bytes() for p in out.iterdir()} == before


def test_data_or_resume(capsys):
    with pytest.raises(SystemExit) as stop:
        run()
    assert stop.value.code == 2
    one_error(capsys, "mnist", "--resume")


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "{",
        "[]",
        "{}",
        "[" * 100_000,
        '{"data": "toy"}',
        "\xff",
        '{"seed": "x"}',
        '{"seed": null}',
        '{"lr": NaN}',
    ],
)
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


def test_a_run_of_a_version_with_other_settings(tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps({"a_setting_of_old": 3, **config}))
    del config["momentum"]
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "config.json").write_text(json.dumps(config))
    capsys.readouterr()
    assert resumed(tmp_path / "older") == 2
    one_error(capsys, "config.json has no momentum", "another version", "--force")
    assert resumed(out) == 0  # a setting that is no longer known was of no use


@pytest.mark.parametrize("name", ["train_x", "train_y", "val_x", "val_y", "test_x", "test_y"])
def test_a_data_set_that_changed(name, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    capsys.readouterr()
    load = data.load
    monkeypatch.setattr(data, "load", lambda *a, **o: (d := load(*a, **o), getattr(d, name).__setitem__(3, 0))[0])
    assert resumed(out) == 1
    one_error(capsys, "data set", "put it back")
    monkeypatch.setattr(data, "load", load)
    assert resumed(out) == 0
