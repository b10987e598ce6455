"""python -m tinygsp.explain as its users meet it: what a run gains, and one clear line for every mistake."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.explained import FIGURES, figure_files, layer, reader_of_bands, toy_reader, write_bands, write_run

from tinygsp import reading, runs
from tinygsp.commands import explain, findings
from tinygsp.page import builder
from tinygsp.sparse import Meta, SparseNetwork

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return explain.main([str(a) for a in arguments])


def command(folder):
    return [sys.executable, "-m", "tinygsp.explain", str(folder), "--quiet"]


def content(folder):
    """Every file below a folder and what is in it."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.fixture(scope="module")
def bands(tmp_path_factory):
    return write_bands(tmp_path_factory.mktemp("data") / "bands")


@pytest.fixture(scope="module")
def explained(bands, tmp_path_factory):
    """(run folder, report, what stood there before)"""
    folder = write_run(tmp_path_factory.mktemp("runs") / "bands", reader_of_bands(), bands)
    (folder / "figures").mkdir()
    (folder / "figures" / "pixels.png").write_bytes(b"of the run itself")
    before = content(folder)
    done = subprocess.run(
        [sys.executable, "-m", "tinygsp.explain", str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return folder, done, before


def test_a_run_gains_figures_a_page_and_a_file_of_facts(explained):
    folder, _, before = explained
    after = content(folder)
    assert after.keys() - before.keys() == {f"figures/{name}" for name in figure_files(FIGURES)} | {
        "interpretation.json",
        "explorer.html",
    }
    assert all(after[name] == before[name] for name in before)
    assert all(after[f"figures/{name}.png"].startswith(b"\x89PNG") for name in FIGURES)
    assert all(b"<svg" in after[f"figures/{name}.svg"] for name in FIGURES)
    assert b"<html" in after["explorer.html"].lower()


def test_report_on_stdout_progress_on_stderr(explained):
    folder, done, _ = explained
    for words in (
        "12 of 30 inputs",
        "rank correlation",
        "best for ablation loss",
        "3 groups",
        "crossings",
        "\n0 = ",
        f"figures: {folder / 'figures'}",
        f"draw on: {folder / 'explorer.html'}",
    ):
        assert words in done.stdout
    assert "RuntimeWarning" not in done.stderr
    assert "validation samples" in done.stderr and "figures ..." in done.stderr and "figures ..." not in done.stdout


def test_the_facts_are_those_of_the_network(explained):
    folder, _, _ = explained
    found = json.loads((folder / "interpretation.json").read_text())
    network = SparseNetwork.load(folder / "model.npz")
    assert found["inputs_used"] == network.used_inputs()[0].tolist() == [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]
    assert found["paths"] == {"0": 12, "1": 12, "2": 12}
    assert sorted(sorted(g["inputs"]) for g in found["groups"]) == [[10 * k + i for i in range(4)] for k in range(3)]
    assert found["groups"][0]["text"].count("+") == 3 and "(0, 3)" in "".join(g["text"] for g in found["groups"])
    for name, row in found["rank_correlation"].items():
        for measured, value in row.items():
            expected = reading.spearman(*(np.array(found["importance"][w]) for w in (name, measured)))
            assert (value is None and np.isnan(expected)) or abs(value - expected) < 1e-5
    best = max(found["rank_correlation"], key=lambda name: found["rank_correlation"][name]["ablation loss"] or -2)
    assert found["best"] == best
    assert found["crossings"]["ordered"] < found["crossings"]["natural"]
    orders = [np.array(order) for order in found["orders"]]
    assert reading.crossings(network, orders) == found["crossings"]["ordered"]
    assert orders[-1].tolist() == [0, 1, 2]  # classes stay in order
    assert np.shape(found["mirror"]) == (3, 2) and found["skipped"] == {}


def test_examples_are_a_right_and_a_wrong_answer(explained, bands):
    folder, _, _ = explained
    found = json.loads((folder / "interpretation.json").read_text())
    images = np.frombuffer(gzip.decompress((bands / "t10k-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    network = SparseNetwork.load(folder / "model.npz")
    scores = network.scores(images.reshape(-1, 30))
    right, wrong = found["examples"]
    best, second = np.sort(scores, axis=1)[:, :-3:-1].T
    correct = scores.argmax(axis=1) == np.arange(60) % 3
    for example, kind in ((right, correct), (wrong, ~correct)):
        margins = np.sort((best - second)[kind])
        assert (best - second)[example["index"]] == margins[len(margins) // 2]  # typical: the median
        ranking = np.argsort(-scores[example["index"]])
        assert example["outputs"] == ranking[:2].tolist() and example["target"] == example["index"] % 3
        assert np.allclose(example["scores"], scores[example["index"]][ranking[:2]], atol=1e-4)
        for bias, score, paths in zip(example["biases"], example["scores"], example["paths"]):
            assert len(paths) == 12  # all there are
            assert np.isclose(bias + sum(path["contribution"] for path in paths), score, atol=1e-4)
    assert right["outputs"][0] == right["target"] and wrong["outputs"][0] != wrong["target"]


def test_json_quiet_and_the_same_again(explained, capsys, monkeypatch):
    folder, _, _ = explained
    monkeypatch.setattr(explain, "figures", lambda *arguments: {})
    before = content(folder)
    assert run(folder, "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == json.loads(before["interpretation.json"]) and captured.err == ""
    after = content(folder)
    assert after["interpretation.json"] == before["interpretation.json"] and after.keys() == before.keys()


def test_a_regression_without_images(tmp_path, capsys):
    folder = write_run(tmp_path / "toy", toy_reader(), "toy")
    assert run(folder, "--quiet") == 0
    captured = capsys.readouterr()
    assert captured.err == "" and "x1 - x2" in captured.out and "x3 + x4" in captured.out
    assert "y1 = 2*silu(1*x1 - 1*x2) + 2*silu(-1*x1 + 1*x2) - 1" in captured.out
    for skipped in ("rank correlation: 4 inputs", "mirror images", "explorer.html"):
        assert f"skipped: {skipped}" in captured.out
    names = {p.name for p in (folder / "figures").iterdir()}
    assert names == figure_files(FIGURES - {"validation"}) and not (folder / "explorer.html").exists()
    found = json.loads((folder / "interpretation.json").read_text())
    assert found["crossings"]["natural"] >= found["crossings"]["ordered"] and "mirror" not in found
    assert found["formulas"][1]["latex"].startswith("2 \\, \\operatorname{silu}")


def test_two_classes_no_mistakes_and_a_network_of_one_layer(tmp_path, capsys):
    data = write_bands(tmp_path / "easy", classes=2, cols=3, bright=130)
    W = np.zeros((12, 2))
    W[:3, 0] = W[6:9, 1] = 1, 2, 1
    network = SparseNetwork([layer(W, [0, 0])], Meta(divisor=255.0, class_names=("0", "1"), input_shape=(4, 3)))
    folder = write_run(tmp_path / "run", network, data)
    assert run(folder, "--quiet") == 0
    found = json.loads((folder / "interpretation.json").read_text())
    assert found["skipped"] == {
        "rank correlation": "6 inputs are used; at least 10 are worth a rank",
        "a wrong answer": "the test set has none",
    }
    assert [example["kind"] for example in found["examples"]] == ["right"]
    assert found["crossings"] == {"natural": 0, "ordered": 0}


def test_classes_keep_their_order(tmp_path, bands, monkeypatch):
    calls = []

    def spy(network, fixed, restarts):
        calls.append(list(fixed))
        return reading.levels(network)

    monkeypatch.setattr(reading, "order_units", spy)
    monkeypatch.setattr(explain, "figures", lambda *arguments: {})
    assert run(write_run(tmp_path / "run", reader_of_bands(), bands), "--quiet") == 0
    assert calls == [[-1]]


def test_a_large_network_is_measured_on_fewer_samples(tmp_path, bands, monkeypatch):
    monkeypatch.setattr(explain, "figures", lambda *arguments: {})
    monkeypatch.setattr(findings, "WORK", 1000)
    monkeypatch.setattr(findings, "FEWEST_SAMPLES", 7)
    folder = write_run(tmp_path / "run", reader_of_bands(), bands)
    assert run(folder, "--quiet") == 0
    network = SparseNetwork.load(folder / "model.npz")
    assert json.loads((folder / "interpretation.json").read_text())["test_samples"] == 1000 // network.count() < 60


def test_more_than_can_be_shown_is_named(tmp_path, bands, monkeypatch):
    """Of the classes, of the terms of a formula, and of a page."""
    monkeypatch.setattr(findings, "CLASSES", 6)
    monkeypatch.setattr(reading.formulas, "__defaults__", (9, False, 3))
    monkeypatch.setattr(builder, "MAX_PAGE_BYTES", 1000)
    seven = write_bands(tmp_path / "seven", classes=7)
    folder = write_run(tmp_path / "run", reader_of_bands(classes=7), seven)
    assert run(folder, "--quiet") == 0
    assert not (folder / "explorer.html").exists()
    skipped = json.loads((folder / "interpretation.json").read_text())["skipped"]
    assert skipped["maps of some classes"] == "only the first 6 of 7 are drawn"
    assert "at most 3" in skipped["formula"] and "at most 1,000" in skipped["explorer.html"]
    assert (folder / "figures" / "importance_classes.png").read_bytes().startswith(b"\x89PNG")


def test_too_many_paths_to_draw(tmp_path, bands, monkeypatch):
    monkeypatch.setattr(reading, "MAX_PATHS", 35)
    monkeypatch.setattr(explain, "figures", lambda *arguments: {})
    folder = write_run(tmp_path / "run", reader_of_bands(), bands)
    assert run(folder, "--quiet") == 0
    found = json.loads((folder / "interpretation.json").read_text())
    assert found["skipped"]["network.png and paths.png"] == "36 paths are left; at most 35 are listed"
    assert "orders" not in found and "examples" not in found


# --- mistakes: one line on stderr, the documented exit code, nothing written ------------------------------------------


def fails(capsys, folder, code, *words):
    """The command fails with this exit code and one line with these words, and leaves the folder as it was."""
    before = content(folder.parent)
    assert run(folder, "--quiet") == code
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: ") and captured.err.count("\n") == 1
    for word in words:
        assert str(word) in captured.err
    assert content(folder.parent) == before


@pytest.fixture
def good(tmp_path, bands):
    """A run that could be explained, to be broken."""
    return write_run(tmp_path / "run", reader_of_bands(), bands)


def test_no_such_folder(tmp_path, capsys):
    fails(capsys, tmp_path / "nothing", 3, tmp_path / "nothing", "does not exist")


def test_a_file(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    fails(capsys, tmp_path / "file", 3, "is no folder")


def test_a_folder_that_is_no_run(good, capsys):
    (good / "config.json").unlink()
    fails(capsys, good, 3, good, "config.json", "no run folder")


def test_a_run_that_did_not_finish(good, capsys):
    (good / "model.npz").unlink()
    fails(capsys, good, 3, good, "model.npz", "did not finish")


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "damaged"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ("{}", "'data'"),
        ('{"data": "toy"}', "'seed'"),
        ('{"data": 5, "seed": 0}', "data 5"),
        ('{"data": "toy", "seed": -1}', "seed -1"),
        ('{"data": "toy", "seed": "0"}', "seed '0'"),
        ("[" * 100_000, "damaged"),
        (b"\xff\xfe", "damaged"),
    ],
)
def test_a_damaged_config(good, capsys, text, words):
    (good / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    fails(capsys, good, 3, good / "config.json", words)


def test_a_damaged_model(good, capsys):
    (good / "model.npz").write_bytes((good / "model.npz").read_bytes()[:200])
    fails(capsys, good, 3, good / "model.npz")


def test_a_data_set_that_is_gone(good, capsys):
    (good / "config.json").write_text('{"data": "no/such/folder", "seed": 0}')
    fails(capsys, good, 3, "no/such/folder", "--data PATH")


def test_a_data_set_that_is_damaged(good, bands, tmp_path, capsys):
    shutil.copytree(bands, tmp_path / "bands")
    (tmp_path / "bands" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"\x1f\x8b nonsense")
    (good / "config.json").write_text(json.dumps({"data": str(tmp_path / "bands"), "seed": 0}))
    fails(capsys, good, 3, "t10k-labels-idx1-ubyte.gz")


@pytest.mark.parametrize(
    "network, words",
    [
        (reader_of_bands(cols=7), ("inputs 42", "30")),
        (
            SparseNetwork([layer(np.ones((30, 2)), [0, 0])], Meta(class_names=("0", "1"), input_shape=(6, 5))),
            ("outputs 2", "3"),
        ),
        (reader_of_bands(task="regression"), ("regression", "classification")),
        (
            SparseNetwork([layer(np.zeros((30, 3)), [1, 0, 0])], Meta(class_names=tuple("012"), input_shape=(6, 5))),
            ("no input is connected",),
        ),
    ],
)
def test_a_data_set_the_model_does_not_fit(good, capsys, network, words):
    network.save(good / "model.npz")
    fails(capsys, good, 3, good / "model.npz", *words)


def test_a_full_disk_leaves_nothing(good, capsys, monkeypatch):
    from tinygsp.runs import files

    write, written = files.write_atomic, []

    def third_fails(path, text):
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        write(path, text)

    monkeypatch.setattr(files, "write_atomic", third_fails)
    monkeypatch.setattr(explain, "figures", lambda *arguments: {"importance.png": b"a", "symmetry.png": b"b"})
    fails(capsys, good, 1, "No space left on device", "nothing was written")
    assert len(written) == 3


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a folder that cannot be written")
def test_a_folder_that_cannot_be_written(good, capsys, monkeypatch):
    monkeypatch.setattr(explain, "figures", lambda *arguments: {"importance.png": b"a"})
    good.chmod(0o500)
    fails(capsys, good, 1, "nothing was written")


@pytest.mark.parametrize("error, code", [(OSError(28, "No space left on device"), 1), (KeyboardInterrupt(), 130)])
def test_what_was_written_is_told_as_it_is(good, capsys, monkeypatch, error, code):
    """The third of the files cannot take its name any more."""
    replace, named = os.replace, []

    def third_fails(source, target):
        if not Path(target).parent.name.startswith(".explain-"):
            named.append(target)
            if len(named) == 3:
                raise error
        replace(source, target)

    monkeypatch.setattr(os, "replace", third_fails)
    monkeypatch.setattr(explain, "figures", lambda *arguments: {"importance.png": b"a", "symmetry.png": b"b"})
    assert run(good, "--quiet") == code
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert f"2 of 4 files were written to {good}" in captured.err
    assert not list(good.glob(".explain-*"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_report_that_cannot_be_printed(good):
    with open("/dev/full", "w") as full:
        done = subprocess.run(command(good), cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr.startswith("error: stdout: ") and done.stderr.count("\n") == 1
    assert f"all 14 files were written to {good}" in done.stderr and (good / "interpretation.json").exists()


@pytest.mark.skipif(os.name != "posix", reason="needs a pipe whose reader is gone")
def test_a_reader_that_has_left_is_no_error(good):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command(good), cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=120)
    os.close(writer)
    assert done.returncode == 0 and done.stderr == "" and (good / "interpretation.json").exists()


def test_what_a_killed_explain_has_left_is_removed(good, monkeypatch):
    (good / ".explain-killed").mkdir()
    (good / ".explain-killed" / "0").write_bytes(b"half")
    monkeypatch.setattr(explain, "figures", lambda *arguments: {})
    assert run(good, "--quiet") == 0
    assert {p.name for p in good.iterdir()} >= {"interpretation.json"} and not list(good.glob(".explain-*"))


def test_a_run_that_another_process_works_in(good, capsys, monkeypatch):
    monkeypatch.setattr(explain, "figures", lambda *arguments: {})
    lock = runs.Lock(good / "run.lock")
    try:
        fails(capsys, good, 3, good, "is working in it")
    finally:
        lock.release()


@pytest.mark.parametrize("error, code, words", [(KeyboardInterrupt, 130, "interrupted"), (MemoryError, 1, "memory")])
def test_interruption_and_lack_of_memory(good, capsys, monkeypatch, error, code, words):
    def stops(*arguments):
        raise error

    monkeypatch.setattr(reading, "ablation", stops)
    fails(capsys, good, code, words, "nothing was written")


@pytest.mark.parametrize("arguments, words", [([], "RUN"), (["a", "b"], "b"), (["a", "--nonsense"], "--nonsense")])
def test_bad_arguments(arguments, words, capsys):
    with pytest.raises(SystemExit) as stop:
        explain.main(arguments)
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and words in error


def test_help_needs_no_heavy_import():
    code = "import sys; from tinygsp.commands import explain\n"
    code += "try: explain.main(['--help'])\nexcept SystemExit as stop: assert stop.code == 0\n"
    code += "assert not {'numpy', 'numba', 'matplotlib'} & sys.modules.keys(), 'imported too early'"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "exit codes" in done.stdout and "explorer.html" in done.stdout
