"""python -m tinygsp.export as its users meet it: files that are whole, and one clear line for every mistake."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from helpers.cli import one_error
from helpers.exports import COMPILERS, STRICT, numpy_module, picture_reader, table_reader
from helpers.exports import run as call
from helpers.own_data import prices, write_table

import tinygsp
from tinygsp.commands import export
from tinygsp.data import ReadOptions, load
from tinygsp.runs import source_entries
from tinygsp.sparse import SparseNetwork
from tinygsp.sparse.export import FORMATS
from tinygsp.training import fit_linear


def run(*arguments):
    return export.main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def run_folder(folder, tmp_path_factory):
    """A finished run on the small data set of `folder`, as far as export reads it."""
    out = tmp_path_factory.mktemp("runs") / "bands"
    out.mkdir()
    dataset = tinygsp.load_data(str(folder))
    settings = tinygsp.Settings(hidden=(12, 8), density=0.1, epochs=8, dense_epochs=2, finetune_epochs=2)
    network = tinygsp.prune(dataset, settings=settings)
    network.save(out / "model.npz")
    config = {"data": str(folder), "seed": 0, **source_entries(str(folder), folder, out, dataset)}
    (out / "config.json").write_text(json.dumps(config))
    right = float((network.predict(dataset.test_x) == dataset.test_y).mean())
    (out / "summary.json").write_text(json.dumps({"task": "classification", "test_accuracy": right}))
    return out


@pytest.fixture
def model(tmp_path):
    picture_reader().save(tmp_path / "model.npz")
    return tmp_path / "model.npz"


def test_formats_are_those_of_the_library():
    assert export.FORMATS == FORMATS


@pytest.mark.parametrize("to", FORMATS)
def test_a_run_becomes_a_file(to, run_folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(run_folder, "--to", to, "-o", out) == 0
    captured = capsys.readouterr()
    network, content = SparseNetwork.load(run_folder / "model.npz"), out.read_bytes()
    accuracy = json.loads((run_folder / "summary.json").read_text())["test_accuracy"]
    notes = {"notes": [f"Accuracy on the test split: {accuracy:.2%}"]}
    assert content == network.export(to, **notes, **({"name": "out"} if to == "c" else {}))
    numbers = f"36 inputs -> 3 outputs, {network.count()} parameters, {len(content):,} bytes"
    assert captured.out == f"{out}: {numbers}\n" and f"writing {to}" in captured.err
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")
@pytest.mark.parametrize("int8", [False, True])
def test_the_program_prints_a_class_a_line(int8, run_folder, folder, tmp_path):
    """From the run to a compiled program, all as the comment says, with the cost of int8 measured."""
    assert run(run_folder, "--to", "c", "-o", tmp_path / "my net.c", "--main", "--quiet", *["--int8"] * int8) == 0
    text = (tmp_path / "my net.c").read_text()
    assert "int my_net_predict(const uint8_t *x);" in text and ("measured on 90 samples: accuracy" in text) == int8
    call(COMPILERS[0], *STRICT, "-O2", tmp_path / "my net.c", "-o", tmp_path / "net", "-lm")
    dataset = tinygsp.load_data(str(folder))
    lines = call(tmp_path / "net", input=dataset.test_x.tobytes()).stdout.decode().split()
    expected = tinygsp.load(run_folder).predict(dataset.test_x)
    assert np.mean([int(line) for line in lines] == expected) >= (0.95 if int8 else 1)


def test_a_model_file_and_a_table(tmp_path, capsys):
    table_reader().save(tmp_path / "table.npz")
    assert run(tmp_path / "table.npz", "--to", "numpy", "-o", tmp_path / "a.py", "--quiet") == 0
    captured = capsys.readouterr()
    assert captured.err == "" and "6 inputs -> 2 outputs" in captured.out
    assert numpy_module((tmp_path / "a.py").read_bytes(), tmp_path).CLASSES == ("no", "yes")


def test_a_data_set_that_is_named(model, folder, run_folder, tmp_path, capsys):
    arguments = ["--to", "c", "--int8", "--quiet", "-o", tmp_path / "a.c", "--data", folder]
    assert run(run_folder / "model.npz", *arguments) == 0
    assert "measured on 90 samples" in (tmp_path / "a.c").read_text()
    capsys.readouterr()
    assert run(model, *arguments, "--force") == 3
    one_error(capsys, "is not one for this network")


@pytest.mark.parametrize("damage", ["no config", "no data", "no run"])
def test_int8_without_its_data_set_warns(damage, run_folder, model, tmp_path, capsys):
    source = model if damage == "no run" else tmp_path / "run"
    if damage != "no run":
        source.mkdir()
        SparseNetwork.load(run_folder / "model.npz").save(source / "model.npz")
    if damage == "no data":
        (source / "config.json").write_text('{"data": "/nowhere", "seed": 0}')
    assert run(source, "--to", "c", "--int8", "-o", tmp_path / "a.c", "--quiet") == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("warning: what fixed point costs is not measured: ")
    assert len(captured.err.splitlines()) == 1 and "was not measured" in (tmp_path / "a.c").read_text()


# --- mistakes -----------------------------------------------------------------------------------------------


def test_nothing_is_replaced_unasked(model, tmp_path, capsys):
    out = tmp_path / "a.js"
    out.write_text("my own work")
    assert run(model, "--to", "js", "-o", out) == 1
    one_error(capsys, out, "exists", "--force")
    assert out.read_text() == "my own work"
    assert run(model, "--to", "js", "-o", out, "--force", "--quiet") == 0
    assert out.read_bytes() == SparseNetwork.load(model).export("js")


def test_the_network_itself_is_never_replaced(model, capsys):
    before = model.read_bytes()
    for source, out in ((model, model), (model.parent, model.parent / ".." / model.parent.name / "model.npz")):
        assert run(source, "--to", "c", "-o", out, "--force") == 1
        one_error(capsys, "is the network that is to be exported")
    assert model.read_bytes() == before


def test_a_folder_is_no_file(model, tmp_path, capsys):
    assert run(model, "--to", "c", "-o", tmp_path, "--force") == 1
    one_error(capsys, tmp_path, "is a folder")
    assert run(model, "--to", "c", "-o", tmp_path / "no" / "a.c", "--quiet") == 1
    one_error(capsys, "No such file or directory", "nothing was written")


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_no_model(content, tmp_path, capsys):
    path = tmp_path / "model.npz"
    if content is not None:
        path.write_bytes(content)
    for source in (path, tmp_path):
        assert run(source, "--to", "c", "-o", tmp_path / "a.c", "--quiet") == 3
        one_error(capsys, path)
    assert not (tmp_path / "a.c").exists()


def test_a_network_that_cannot_be_written_so(tmp_path, capsys):
    picture_reader(divisor=1.0).save(tmp_path / "floats.npz")
    assert run(tmp_path / "floats.npz", "--to", "c", "--int8", "-o", tmp_path / "a.c", "--quiet") == 1
    assert "int8 needs inputs that are bytes" in capsys.readouterr().err.splitlines()[-1]
    picture_reader(share=0).save(tmp_path / "empty.npz")
    assert run(tmp_path / "empty.npz", "--to", "js", "-o", tmp_path / "a.js", "--quiet") == 1
    one_error(capsys, "no input of this network reaches an output")
    assert not (tmp_path / "a.c").exists() and not (tmp_path / "a.js").exists()


def test_int8_of_a_table_is_measured_on_its_rows(tmp_path, capsys):
    """Of a model file --data needs the options of a table; without them, or beside a run, one line says so."""
    path = write_table(tmp_path / "price.csv", prices())
    options = ["--target", "price", "--drop", "colour"]
    dataset = load(path, options=ReadOptions(target="price", drop=("colour",)))
    fit_linear(dataset, 5, decay=1e-3).save(tmp_path / "model.npz")
    arguments = [tmp_path / "model.npz", "--to", "c", "--int8", "--quiet", "-o", tmp_path / "a.c", "--data", path]
    assert run(*arguments, *options) == 0
    said = " ".join((tmp_path / "a.c").read_text().replace("\n *", " ").split())
    assert re.search(r"measured on 40 samples: R\^2 0\.99\d\d, 0\.99\d\d in floating point", said)
    capsys.readouterr()
    assert run(*arguments, "--force") == 3
    one_error(capsys, "--target is missing")
    assert run(*arguments, "--target", "depth", "--force") == 3
    one_error(capsys, "is not one for this network")
    for wrong in (arguments[:-2], [tmp_path, *arguments[1:]]):
        with pytest.raises(SystemExit) as stop:
            run(*wrong, *options)
        assert stop.value.code == 2
        one_error(capsys, "--target says how to read --data of a model file")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--to", "pascal", "-o", "a"], "pascal"),
        (["-o", "a"], "--to"),
        (["--to", "c"], "-o"),
        (["--to", "js", "-o", "a", "--int8"], "--int8 goes with --to c, and --to is js"),
        (["--to", "js", "-o", "a", "--main"], "--main goes with --to c"),
        (["--to", "c", "-o", "a", "--data", "b"], "--data b goes with --int8"),
    ],
)
def test_usage(arguments, words, capsys):
    with pytest.raises(SystemExit) as stop:
        run("model.npz", *arguments)
    assert stop.value.code == 2
    one_error(capsys, words)


def test_the_door(model, tmp_path):
    command = [sys.executable, "-m", "tinygsp.export", model, "--to", "json", "-o", tmp_path / "a.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "a.json").read_text())["task"] == "classification"


def test_summaries_that_are_damaged_are_left_out(run_folder, tmp_path):
    (tmp_path / "run").mkdir()
    SparseNetwork.load(run_folder / "model.npz").save(tmp_path / "run" / "model.npz")
    for content in ("", "[]", '{"test_accuracy": "high", "task": "classification"}', "[" * 100_000):
        (tmp_path / "run" / "summary.json").write_text(content)
        assert run(tmp_path / "run", "--to", "js", "-o", tmp_path / "a.js", "--quiet", "--force") == 0
        assert "Accuracy" not in (tmp_path / "a.js").read_text()
