"""What tinygsp/README.md says of the code: the map, the examples, the model file."""

import contextlib
import doctest
import io
import re
import shutil

import numpy as np
from helpers.documents import ROOT, fenced, read, section

import tinygsp
from tinygsp import data
from tinygsp.nn.metrics import score

TEXT = read("tinygsp/README.md")


def test_the_map_names_every_room_and_every_door():
    named = set(re.findall(r"`([\w.]+/?)`", section(TEXT, "The map")))
    package = ROOT / "tinygsp"
    rooms = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    doors = {path.name for path in package.glob("*.py")}
    assert rooms | doors <= named


def test_the_map_has_the_order_of_the_house():
    rooms = re.findall(r"\| `(\w+)/` \|", section(TEXT, "The map"))
    rule = section(read("CONTRIBUTING.md"), "House rules").split("Sizes")[0]
    assert sorted(rooms) == sorted(set(re.findall(r"`(\w+)`", rule)))
    lines = [rooms.index(name) for name in ("commands", "sweeping", "runs", "reading", "methods", "training", "sparse")]
    assert lines == sorted(lines) and rooms.index("sparse") < min(rooms.index("data"), rooms.index("nn"))


def test_the_examples_print_what_they_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "\n".join(fenced(TEXT, "pycon"))
    test = doctest.DocTestParser().get_doctest(text, {}, "tinygsp/README.md", "tinygsp/README.md", 0)
    assert len(test.examples) > 20
    printed = io.StringIO()
    result = doctest.DocTestRunner(verbose=False).run(test, out=printed.write)
    assert result.failed == 0, printed.getvalue()


def test_a_dozen_lines_of_numpy_reproduce_the_test_accuracy(tmp_path, monkeypatch):
    (code,) = fenced(TEXT, "python")
    assert re.findall(r"import (.*)", code) == ["gzip, json", "numpy as np"]  # NumPy only
    dataset = data.load("mnist")
    settings = tinygsp.Settings(epochs=2, search_share=1.0, dense_epochs=1, finetune_epochs=5)
    network = tinygsp.prune(dataset, settings=settings)
    assert network.count() <= 399
    folder = tmp_path / "runs" / "mnist-0.0015-seed0"
    folder.mkdir(parents=True)
    network.save(folder / "model.npz")
    shutil.copytree(ROOT / "data" / "mnist", tmp_path / "data" / "mnist", ignore=shutil.ignore_patterns("train*"))
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    accuracy = score(network.scores(dataset.test_x), dataset.test_y, dataset.task)
    assert printed.getvalue() == f"{np.float64(accuracy)}\n" and accuracy > 0.5
