"""python -m tinygsp.explain on what is rare: odd shapes, large images, dead parts, hostile names; without a warning."""

import json
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
from helpers.explained import write_run
from helpers.odd_runs import random_reader, write_noise

from tinygsp import reading, runs
from tinygsp.commands import explain, findings

DRAWN = {"importance", "importance_classes", "symmetry", "network", "paths"}


def explained(tmp_path, network, data):
    """Explain a run, every warning being an error: (interpretation.json, names of the figures)."""
    run = write_run(tmp_path / "run", network, data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert explain.main([str(run), "--quiet"]) == 0
    return json.loads((run / "interpretation.json").read_text()), {p.stem for p in (run / "figures").iterdir()}


@pytest.mark.parametrize("shape", [(1, 8), (8, 1), (1, 1), (2, 2)])
def test_images_of_one_row_or_column(shape, tmp_path, capsys):
    found, figures = explained(tmp_path, random_reader(shape), write_noise(tmp_path / "data", shape))
    assert figures == DRAWN and "rank correlation" in found["skipped"]
    assert "RuntimeWarning" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "parts",
    [
        {"without": [("output", 0)]},
        {"kept": 1, "hidden": ()},
        {"activation": "relu"},
        {"hidden": ()},
        {"std": 1e-29, "mean": 0.0},
        {"class_names": ("$x_", r"$\frac{", "a" * 200)},
        {"class_names": ("字", r"\$ %_^{", "")},
    ],
    ids=str,
)
def test_networks_with_odd_parts(parts, tmp_path, monkeypatch):
    shape, load = (5, 6), runs.load_source
    if names := parts.get("class_names"):  # those of IDX files are numbers
        monkeypatch.setattr(runs, "load_source", lambda *arguments: replace(load(*arguments), class_names=names))
    found, figures = explained(tmp_path, random_reader(shape, **parts), write_noise(tmp_path / "data", shape))
    assert figures - {"validation"} == DRAWN and found["kept"] > 0


def test_many_classes_and_constant_pixels(tmp_path, capsys):
    shape = (5, 6)
    data = write_noise(tmp_path / "data", shape, 100, (400, 100), quiet=slice(0, 3))
    found, figures = explained(tmp_path, random_reader(shape, 100, 300, (20,)), data)
    assert figures == DRAWN | {"validation"} and len(found["mirror"]) == 100
    assert "only the first 20 of 100" in found["skipped"]["maps of some classes"]


def test_nothing_is_the_best_where_nothing_can_be_ranked(tmp_path, capsys):
    """A network whose answer never changes, as its units are closed: every measured importance is the same."""
    shape, network = (5, 6), random_reader((5, 6), activation="relu")
    network.layers[0].bias[:] = -1e3
    found, _ = explained(tmp_path, network, write_noise(tmp_path / "data", shape))
    out = capsys.readouterr().out
    assert all(row["ablation loss"] is None for row in found["rank_correlation"].values())
    assert "<- best" not in out and "nan" not in out and found["best"] == findings.FALLBACK


def test_the_best_is_one_that_has_a_rank():
    """A definition without a rank comes after one whose rank is negative."""
    none = {"ablation loss": None}
    found = {"rank_correlation": {"a": none, "b": {"ablation loss": -0.5}}, "best": "b"}
    assert [line.endswith("best for ablation loss") for line in findings.correlation_table(found)[2:4]] == [False, True]


def test_large_images(tmp_path):
    """A network that is hardly pruned, of 256 x 256 pixels: half a minute at most, and what is left out is said."""
    shape = (256, 256)
    network = random_reader(shape, 10, 97_300, (300, 100))
    data = write_noise(tmp_path / "data", shape, 10, (250, 40))
    started = time.process_time()
    found, figures = explained(tmp_path, network, data)
    assert time.process_time() - started < 30
    assert figures == {"importance", "importance_classes", "symmetry"}
    assert len(found["inputs_used"]) > 50_000 and "ablation loss" not in found["importance"]
    for what, words in (
        ("measured importance and validation.png", f"at most {findings.MOST_MEASURED:,} are taken away"),
        ("groups of inputs", f"at most {reading.MAX_GROUPED:,} are compared"),
        ("network.png and paths.png", "paths are left"),
    ):
        assert words in found["skipped"][what]


def test_fewer_samples_for_more_inputs(monkeypatch, tmp_path):
    shape = (4, 5)
    network = random_reader(shape)
    data = write_noise(tmp_path / "data", shape)
    run = write_run(tmp_path / "run", network, data)
    _, dataset, _ = explain.open_run(run, None, lambda step: None)
    assert findings.with_fewer_samples(network, dataset) is dataset
    monkeypatch.setattr(findings, "NUMBERS", 4 * len(network.used_inputs()[0]))
    fewer = findings.with_fewer_samples(network, dataset)
    assert len(fewer.val_x) == len(fewer.val_y) == 4 and np.array_equal(fewer.val_x, dataset.val_x[:4])


def test_a_model_whose_scores_are_too_large(tmp_path, capsys):
    network = random_reader((5, 6))
    for layer in network.layers:
        layer.weight[:] *= 1e20
    run = write_run(tmp_path / "run", network, write_noise(tmp_path / "data", (5, 6)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert explain.main([str(run), "--quiet"]) == 3
    error = capsys.readouterr().err
    assert error.startswith(f"error: {run / 'model.npz'}: its scores") and error.count("\n") == 1
    assert not (run / "figures").exists()


@pytest.mark.parametrize("parts", [{"without": [0]}, {"without": [1]}, {"without": [1], "hidden": (6, 5)}], ids=str)
def test_a_model_without_a_path(parts, tmp_path, capsys):
    run = write_run(tmp_path / "run", random_reader((5, 6), **parts), write_noise(tmp_path / "data", (5, 6)))
    assert explain.main([str(run), "--quiet"]) == 3
    assert "no input is connected to an output, so there is nothing to explain" in capsys.readouterr().err


def test_a_model_of_another_shape(tmp_path, capsys):
    """The model says that its input is no image, or another one than the data set has."""
    data = write_noise(tmp_path / "data", (5, 6))
    for k, shape in enumerate([(30,), (6, 5), (1, 5, 6)]):
        run = write_run(tmp_path / f"run{k}", random_reader(shape), data)
        assert explain.main([str(run), "--quiet"]) == 3
        error = capsys.readouterr().err
        assert f"input_shape {shape}, but (5, 6) in" in error and error.count("\n") == 1
    run = write_run(tmp_path / "flat", random_reader((5, 6), input_shape=()), data)  # it says nothing of the shape
    assert explain.main([str(run), "--quiet"]) == 0
