"""The benchmark measures what it says it does. Nothing here looks at a time: figures depend on the machine."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from tinygsp import bench, data, plots
from tinygsp.layers import MaskedDense, MaskedEdges


@pytest.fixture(scope="module")
def dataset():
    return data.load("mnist", 0)


@pytest.fixture(scope="module")
def results():
    return bench.measure_all(SimpleNamespace(run=None, quick=True, quiet=True))


def test_every_section_is_there(results):
    assert {"machine", "batch", "kernels", "steps", "switch", "inference", "missing"} <= results.keys()
    assert {"products", "dense", "20,000 live", "5,000 live", "1,000 live", "400 live"} <= results["steps"].keys()
    rates = results["inference"]["images a second"]
    assert {"pruned, tinygsp", "dense, NumPy", "copying the same bytes"} <= rates.keys()
    numbers = [*results["steps"].values(), *rates.values(), *(row["kernel"] for row in results["kernels"])]
    assert all(np.isfinite(v) and v > 0 for v in numbers)
    assert json.loads(json.dumps(results)) == results


def test_what_is_not_installed_is_named(results):
    rows = {"PyTorch": "dense, PyTorch", "SciPy": "pruned, SciPy CSR", "ONNX Runtime": "dense, ONNX Runtime"}
    for name, row in rows.items():
        assert (name in results["missing"]) != (row in results["inference"]["images a second"])


def test_report_and_picture(results):
    growth = {"300-100": results["steps"], "1000-300": results["steps"]}
    full = {**results, "growth": growth, "run": {"kept": 399, "steps": 1000, "seconds": 2.0},
            "steps": {**results["steps"], "PyTorch, published recipe": 100.0}, "missing": {"SciPy": "not there"}}
    text = bench.report(full)
    assert "50 times faster than PyTorch, published recipe" in text and "not compared: SciPy (not there)" in text
    assert "products" in text and "sample_gates" in text and "1000-300" in text
    assert bench.picture(full, plots).startswith(b"\x89PNG") and bench.picture(results, plots).startswith(b"\x89PNG")


@pytest.mark.parametrize("live", bench.STATES)
def test_states_have_the_connections_they_name(dataset, live):
    pruner = bench.shrunk(dataset, bench.HIDDEN, live)
    layers = pruner.model.masked
    count = sum(np.count_nonzero(layer.params["gate"] > -np.inf) for layer in layers)
    assert 0.97 * live <= count <= live and all(isinstance(layer, MaskedEdges) for layer in layers)
    assert [len(u) for u in pruner.units] == [*bench.STATES[live][1], 10]


def test_steps_are_whole_steps_that_move_nothing(dataset):
    pruner = bench.shrunk(dataset, bench.HIDDEN)
    assert all(type(layer) is MaskedDense for layer in pruner.model.masked)
    before = [layer.params["W"].copy() for layer in pruner.model.masked]
    step = bench.stepper(pruner)
    first, second = step(), step()
    assert pruner.step == 2 and first != second and np.isfinite(first)
    assert all(np.array_equal(a, layer.params["W"]) for a, layer in zip(before, pruner.model.masked))
    assert all(np.abs(layer.grads["W"]).max() > 0 for layer in pruner.model.masked)


def test_in_turn_takes_the_median(monkeypatch):
    clock = iter([0, 1, 10, 12, 20, 29, 30, 31, 40, 43, 50, 52])  # a: 1, 9, 3; b: 2, 1, 2
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(clock))
    calls = []
    got = bench.in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3, calls=1)
    assert got == {"a": 3, "b": 2} and "".join(calls) == "aabb" * 3  # once unseen, once by the clock


def test_command(results, tmp_path, monkeypatch, capsys):
    """Tables to the terminal, figure and numbers to a folder; an interruption or a full disk is one line."""
    monkeypatch.setattr(bench, "measure_all", lambda args: results)
    assert bench.main(["--quiet", "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert bench.report(results) in captured.out and str(tmp_path / "out") in captured.out and captured.err == ""
    assert json.loads((tmp_path / "out" / "bench.json").read_text()) == results
    assert (tmp_path / "out" / "bench.png").read_bytes() == bench.picture(results, plots)
    for error, code, words in (KeyboardInterrupt(), 130, "nothing was written"), (OSError(28, "No space"), 1, "No space"):
        monkeypatch.setattr(bench, "measure_all", lambda args, error=error: (_ for _ in ()).throw(error))
        assert bench.main(["--quiet", "--out", str(tmp_path / "other")]) == code
        assert words in capsys.readouterr().err and not (tmp_path / "other").exists()


def test_a_run_gives_the_network_and_the_mean_step(tmp_path, monkeypatch, dataset, capsys):
    small = {"steps": lambda *a: {"products": 1.0}, "switch": lambda *a: [], "kernels_and_twins": lambda *a: []}
    for name, stub in small.items():
        monkeypatch.setattr(bench, name, stub)
    timed = []
    monkeypatch.setattr(bench, "inference", lambda network, *a: timed.append(network) or {})
    network = bench.shrunk(dataset, bench.HIDDEN, 400).to_network(0).trim()
    network.save(tmp_path / "model.npz")
    args = ["--quick", "--quiet", "--run", str(tmp_path), "--out", str(tmp_path / "out")]
    assert bench.main(args) == 3 and "summary.json" in capsys.readouterr().err  # a run that has not finished
    (tmp_path / "summary.json").write_text(json.dumps({"kept": network.count(), "steps": 7, "seconds": 2.5, "x": 0}))
    full = bench.measure_all(SimpleNamespace(run=tmp_path, quick=False, quiet=False))
    assert full["run"] == {"kept": network.count(), "steps": 7, "seconds": 2.5} and len(full["growth"]) == 3
    assert timed[-1].count() == network.count() and "training steps of 784-3000" in capsys.readouterr().err


def test_mistakes_are_one_line(tmp_path, capsys):
    assert bench.main(["--quick", "--quiet", "--run", str(tmp_path), "--out", str(tmp_path / "out")]) == 3
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "model.npz" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit) as stopped:
        bench.main(["--slow"])
    assert stopped.value.code == 2
