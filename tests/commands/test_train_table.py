"""Whole runs of train and explain on tables: what is said, what is left, and one clear line for every mistake."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest
from helpers.cli import one_error
from helpers.own_data import prices, squares, write_images, write_table
from helpers.runs import at_step, run

from tinygsp.commands import explain
from tinygsp.data import ReadOptions, load
from tinygsp.nn.metrics import score
from tinygsp.sparse import SparseNetwork

QUICK = ["--epochs", 10, "--dense-epochs", 3, "--finetune-epochs", 3]


@pytest.fixture(scope="session")
def tables(tmp_path_factory):
    """A folder with the tables price.csv, a regression, and kind.csv, a classification."""
    folder = tmp_path_factory.mktemp("tables")
    columns = prices()
    write_table(folder / "price.csv", columns)
    dear = ["dear" if float(price) > 1 else "cheap" for price in columns.pop("price")]
    write_table(folder / "kind.csv", {**columns, "kind": dear})
    return folder


@pytest.fixture(scope="session")
def regression(tables):
    out = tables / "regression"
    assert run(tables / "price.csv", "--target", "price", *QUICK, "--budget", 8, "--out", out, "--quiet") == 0
    return out


@pytest.fixture(scope="session")
def classification(tables):
    out = tables / "classification"
    assert run(tables / "kind.csv", "--target", "kind", *QUICK, "--budget", 6, "--out", out, "--quiet") == 0
    return out


def summary_of(out):
    return json.loads((out / "summary.json").read_text())


# --- train ------------------------------------------------------------------------------------------------------


def test_a_regression(regression, tables):
    summary, network = summary_of(regression), SparseNetwork.load(regression / "model.npz")
    dataset = load(tables / "price.csv", options=ReadOptions(target="price"))
    assert 0.97 < summary["val_accuracy"] < score(network.scores(dataset.val_x), dataset.val_y, "regression")
    assert summary["task"] == "regression" and summary["kept"] == network.count() <= 8
    assert summary["inputs"][:2] == ["width, mm", "depth"] and "constant" not in summary["inputs"]
    assert summary["test_accuracy"] > 0.98
    sticks = summary["yardsticks"]
    assert sticks["mean"]["score"] < 0.05 and 0.98 < sticks["linear model"]["score"] <= 1
    assert sticks["linear model"]["parameters"] <= summary["kept"]
    assert summary["notes"][1] == "column 'constant': constant, left out"
    row = dict(zip(dataset.input_names, dataset.test_x[0].tolist()))
    names = {"width_mm" if name == "width, mm" else name.replace(" = ", "_"): value for name, value in row.items()}
    functions = {"silu": lambda z: z / (1 + np.exp(-z)), "asinh": np.arcsinh}
    formula = eval(summary["formulas"]["price"], {**functions, **names})
    assert np.isclose(formula, network.scores(dataset.test_x[:1])[0, 0], atol=0.1)


def test_a_classification(classification, tables):
    summary, network = summary_of(classification), SparseNetwork.load(classification / "model.npz")
    assert summary["kept"] == network.count() <= 6
    dataset = load(tables / "kind.csv", options=ReadOptions(target="kind"))
    answers = network.predict(dataset.test_x)
    confusion = np.array(summary["confusion"])
    for true in (0, 1):
        for said in (0, 1):
            assert confusion[true, said] == ((dataset.test_y == true) & (answers == said)).sum()
    assert np.allclose(summary["recall"], confusion.diagonal() / confusion.sum(axis=1), atol=1e-6)
    assert summary["test_accuracy"] == confusion.trace() / confusion.sum() > 0.9
    majority = np.bincount(np.append(dataset.train_y, dataset.val_y)).argmax()
    assert summary["yardsticks"]["majority"]["score"] == np.mean(dataset.test_y == majority)


def test_the_report(tables, capsys):
    assert run(tables / "kind.csv", "--target", "kind", *QUICK, "--budget", 6, "--out", tables / "report") == 0
    captured = capsys.readouterr()
    first, second = captured.err.splitlines()[:2]
    assert first.startswith("target 'kind': 2 different texts, so a classification; a fifth of 200 rows tests")
    assert second == "column 'constant': constant, left out"
    lines = captured.out.splitlines()
    starts = [
        "reads ",
        "score of dear = ",
        "this network ",
        "linear model ",
        "majority ",
        "chosen by a validation accuracy of ",
        "true class ",
        "cheap ",
        "dear ",
    ]
    found = [next(i for i, line in enumerate(lines) if line.startswith(start)) for start in starts]
    assert found == sorted(found)
    assert '"width, mm"' in lines[found[0]]
    assert lines[-1] == f"next:    python -m tinygsp.explain {tables / 'report'}"


def test_a_run_goes_on(tables, regression, capsys):
    """From its config.json alone; the same arguments may be given, others are refused."""
    config = json.loads((regression / "config.json").read_text())
    assert (config["target"], config["budget"], config["loss"]) == ("price", 8, "squared")
    assert run("--resume", regression, "--quiet") == 0
    assert run("--resume", regression, "--target", "price", "--budget", 8, "--quiet") == 0
    for change in (
        ("--target", "depth"),
        ("--budget", "9"),
        ("--missing", "median"),
        ("--gate-lr", "7"),
        ("--transpose",),
    ):
        with pytest.raises(SystemExit) as stop:
            run("--resume", regression, *change)
        assert stop.value.code == 2
        assert f"{change[0][2:]} is " in capsys.readouterr().err


def test_an_interrupted_run_goes_on(tables, regression, monkeypatch, terminal_signals):
    out = tables / "interrupted"
    at_step(monkeypatch, 12, lambda: signal.raise_signal(signal.SIGINT))
    arguments = [tables / "price.csv", "--target", "price", *QUICK, "--budget", 8, "--out", out, "--quiet"]
    assert run(*arguments) == 130
    assert run("--resume", out, "--quiet") == 0
    assert (out / "model.npz").read_bytes() == (regression / "model.npz").read_bytes()


def test_no_hidden_layer(tables):
    out = tables / "linear"
    assert (
        run(
            tables / "price.csv",
            "--target",
            "price",
            *QUICK,
            "--hidden",
            "none",
            "--budget",
            4,
            "--out",
            out,
            "--quiet",
        )
        == 0
    )
    network = SparseNetwork.load(out / "model.npz")
    assert len(network.layers) == 1 and network.count() <= 4
    assert summary_of(out)["test_accuracy"] > 0.98
    assert explain.main([str(out), "--quiet"]) == 0


@pytest.mark.parametrize("hidden, budget", [("30", 12), ("none", 8)])
def test_the_budget_of_a_table_does_not_depend_on_its_hidden_layer(tables, tmp_path, hidden, budget):
    arguments = [tables / "price.csv", "--target", "price", *QUICK, "--hidden", hidden, "--out", tmp_path / "out"]
    assert run(*arguments, "--quiet") == 0
    assert summary_of(tmp_path / "out")["budget"] == budget  # one for 15 rows, at least 12; at most all there are


def test_further_options(tables):
    out = tables / "further"
    options = [
        "--loss",
        "huber",
        "--steer",
        "drawn",
        "--keep-best",
        "no",
        "--momentum",
        0.8,
        "--hidden",
        "5",
        "--tau",
        2,
    ]
    assert run(tables / "price.csv", "--target", "price", *QUICK, *options, "--out", out, "--quiet") == 0
    config = json.loads((out / "config.json").read_text())
    expected = {"loss": "huber", "steer": "drawn", "keep_best": False, "momentum": 0.8, "hidden": [5], "tau": 2.0}
    assert {name: config[name] for name in expected} == expected
    assert run("--resume", out, *options, "--quiet") == 0


def test_help_all_names_every_option():
    from tinygsp.commands.options import FURTHER, OPTIONS, flag

    texts = [
        subprocess.run(
            [sys.executable, "-m", "tinygsp.train", option], capture_output=True, text=True, check=True
        ).stdout
        for option in ("--help", "--help-all")
    ]
    for name in FURTHER:
        assert flag(name) not in texts[0].split() and flag(name) in texts[1].split()
    assert all(flag(name) in text.split() for name in OPTIONS for text in texts)
    assert all("--help-all" in text for text in texts)


@pytest.mark.parametrize(
    "arguments, code, what",
    [
        (["--target", "cost"], 3, "--target cost: no such column"),
        ([], 3, "--target is missing; name the column to predict, one of"),
        (["--target", "price", "--budget", "1000000"], 2, "the network has"),
        (["--target", "price", "--task", "classification"], 3, "each class needs several rows"),
        (["--target", "price", "--loss", "cross-entropy"], 2, "loss"),
        (["--target", "price", "--test", "nowhere.csv"], 3, "nowhere.csv: cannot be read"),
        (["--target", "price", "--transpose"], 3, "--transpose does not apply"),
    ],
)
def test_mistakes(tables, tmp_path, capsys, arguments, code, what):
    assert run(tables / "price.csv", *arguments, *QUICK, "--out", tmp_path / "out", "--quiet") == code
    one_error(capsys, what)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments, what",
    [
        (["--budget", "5", "--density", "0.1"], "--budget 5: says the same as --density 0.1"),
        (["--budget", "0"], "argument --budget: '0': expected a whole number"),
        (["--task", "ranking"], "'ranking': expected classification or regression"),
        (["--loss", "best"], "'best': expected cross-entropy or absolute or squared or huber"),
        (["--keep-best", "maybe"], "'maybe': expected yes or no"),
        (["--drop", "a,,b"], "'a,,b': expected names of columns"),
        (["--missing", "mean"], "'mean': expected median"),
    ],
)
def test_arguments_that_are_refused(tables, capsys, arguments, what):
    with pytest.raises(SystemExit) as stop:
        run(tables / "price.csv", "--target", "price", *arguments)
    assert stop.value.code == 2
    one_error(capsys, what)


def test_images_with_odd_labels(tmp_path, capsys):
    images, labels = squares()
    folder = write_images(tmp_path / "odd", images, labels + 1)
    assert run(folder, "--hidden", "6", "--epochs", 2, "--budget", 20, "--out", tmp_path / "out") == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines()[0] == "3 classes, with the labels 1 to 3"
    summary = summary_of(tmp_path / "out")
    assert summary["budget"] == 20 and summary["kept"] <= 20 and summary["total"] == 17 * 6 + 7 * 3


@pytest.mark.parametrize("shape", ["colour", "flat", "floats"])
def test_images_of_other_shapes(tmp_path, shape, capsys):
    """They are trained on and explained; only grey images have a page to draw on."""
    images, labels = squares()
    images = {"colour": np.stack([images] * 3, -1), "flat": images.reshape(120, -1), "floats": images / 300}[shape]
    folder = write_images(tmp_path / shape, images, labels, kinds=("f4" if shape == "floats" else "u1", "u1"))
    out = tmp_path / "out"
    assert run(folder, "--hidden", "6", "--epochs", 4, "--density", 0.3, "--out", out, "--quiet") == 0
    assert explain.main([str(out), "--quiet"]) == 0
    assert "skipped: explorer.html" in capsys.readouterr().out
    assert {"importance.png", "importance_classes.png"} <= {path.name for path in (out / "figures").iterdir()}


# --- explain ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["regression", "classification"])
def test_a_table_is_explained(name, request, capsys):
    out = request.getfixturevalue(name)
    assert explain.main([str(out), "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "width, mm  " in text and f"play on: {out / 'explorer.html'}" in text and "skipped: explorer" not in text
    figures = {path.name for path in (out / "figures").iterdir()}
    assert {"dependence.png", "importance.png", "importance_classes.png", "symmetry.png", "network.png"} <= figures
    found = json.loads((out / "interpretation.json").read_text())
    network = SparseNetwork.load(out / "model.npz")
    assert found["input_names"] == [network.meta.input_names[i] for i in network.used_inputs()[0]]
    assert {curve["input"] for curve in found["dependence"]} == set(found["input_names"])
    assert all(np.shape(c["mean"]) == (len(c["values"]), len(network.meta.class_names)) for c in found["dependence"])


def test_the_data_must_be_as_it_was(tables, tmp_path, capsys):
    data = write_table(tmp_path / "a.csv", prices(60))
    out = tmp_path / "out"
    assert run(data, "--target", "price", *QUICK, "--out", out, "--quiet") == 0
    write_table(data, prices(70))
    assert explain.main([str(out), "--quiet"]) == 3
    assert "not the data set" in capsys.readouterr().err
