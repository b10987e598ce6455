"""The benchmark measures what it says it does. No test looks at a time: figures depend on the machine."""

import json

import numpy as np
import pytest
from helpers.exports import COMPILERS

from tinygsp.commands import bench
from tinygsp.commands.bench import exports, measure, peers, timing
from tinygsp.commands.bench.aims import AIMS, aims_table
from tinygsp.commands.bench.inference import WITHOUT_NUMBA, without_numba
from tinygsp.commands.bench.report import markdown, pictures, report
from tinygsp.commands.bench.steps import HIDDEN, STATES, gated_trainer, stepper
from tinygsp.nn import lanes
from tinygsp.nn.layers import MaskedDense, MaskedEdges
from tinygsp.runs import RunError

FIGURE = {"bench.png", "bench.svg"}


def quiet(step):
    """Progress that is not shown."""


@pytest.fixture(scope="module")
def results():
    return measure.measure(run=None, quick=True, progress=quiet)


@pytest.fixture
def measured(results, monkeypatch):
    """The command, which finds the results already measured."""
    monkeypatch.setattr(measure, "measure", lambda run, quick, progress: results)
    return results


def test_every_section_is_there(results):
    assert {"machine", "batch", "kernels", "steps", "switch", "inference", "missing"} <= results.keys()
    assert {"products", "dense", "20,000 live", "5,000 live", "1,000 live", "400 live"} <= results["steps"].keys()
    rates = results["inference"]["images a second"]
    assert {"pruned, tinygsp", WITHOUT_NUMBA, "dense, NumPy", "copying the same bytes"} <= rates.keys()
    numbers = [*results["steps"].values(), *rates.values(), *(row["kernel"] for row in results["kernels"])]
    assert all(np.isfinite(v) and v > 0 for v in numbers)
    assert json.loads(json.dumps(results)) == results


def test_what_is_not_installed_is_named(results):
    rows = {"PyTorch": "dense, PyTorch", "SciPy": "pruned, SciPy CSR", "ONNX Runtime": "dense, ONNX Runtime"}
    rows |= {
        "exported C": "pruned, exported C, int8",
        "exported ONNX": "pruned, exported ONNX, ONNX Runtime",
        "exported JavaScript": "pruned, exported JavaScript, Chromium",
    }
    for name, row in rows.items():
        assert (name in results["missing"]) != (row in results["inference"]["images a second"])


def test_without_numba_is_timed_at_what_predict_does(trained, mnist, monkeypatch):
    x = np.ascontiguousarray(mnist.test_x[:300])
    expected, classify = trained.predict(x), without_numba(trained, x)
    for name in ("network_classes", "network_scores"):
        monkeypatch.setattr(lanes, name, None)
    assert np.array_equal(classify(), expected)


@pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")
def test_exports_are_timed_at_their_work(trained, mnist):
    """The C classifies every image when it is timed; the page checks its own answers."""
    x, made = np.ascontiguousarray(mnist.test_x[:200]), []
    empty = np.empty
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exports.np, "empty", lambda *shape: made.append(empty(*shape)) or made[-1])
        functions = exports.c_inference(trained, x)
    for function in functions.values():
        function()
    assert np.array_equal(made[0], trained.predict(x)) and (made[1] == made[0]).mean() > 0.97


def test_a_page_that_answers_otherwise_is_no_measurement(trained, mnist, monkeypatch):
    monkeypatch.setattr(exports.shutil, "which", lambda name: "echo")
    with pytest.raises(RuntimeError, match="did not answer as predict does"):
        exports.browser_seconds(trained, mnist.test_x[:20])
    monkeypatch.setattr(exports.shutil, "which", lambda name: None)
    for measure_it, words in ((exports.browser_seconds, "no Chromium"), (exports.c_inference, "no C compiler")):
        with pytest.raises(ImportError, match=words):
            measure_it(trained, mnist.test_x[:20])


def test_a_peer_that_fails_is_named_with_its_reason():
    def absent():
        raise ImportError("No module named 'absent'")

    def broken():
        raise RuntimeError("no compiler\nand a long story")

    def silent():
        raise ValueError

    builders = {"A": absent, "B": broken, "C": silent, "D": lambda: {"d": len}}
    functions, missing = peers.collect(builders)
    assert functions == {"d": len}
    assert missing == {"A": "No module named 'absent'", "B": "RuntimeError: no compiler", "C": "ValueError"}


def test_report_and_pictures(results):
    steps = {**results["steps"], "PyTorch, published recipe": 100.0}
    growth = {"300-100": results["steps"], "1000-300": results["steps"]}
    run = {"kept": 399, "steps": 1000, "seconds": 2.0}
    full = {**results, "growth": growth, "run": run, "steps": steps, "missing": {"SciPy": "not there"}}
    text = report(full)
    assert "50 times faster than PyTorch, published recipe" in text and "not compared: SciPy (not there)" in text
    assert "products" in text and "sample_gates" in text and "1000-300" in text
    for made in (pictures(full), pictures(results)):
        assert made["bench.png"].startswith(b"\x89PNG") and b"<svg" in made["bench.svg"]


def test_the_table_of_aims():
    """A figure is beside its bound: kept, missed, or not measured."""
    steps = {"products": 2.0, "dense": 2.5, "5,000 live": 0.2, "PyTorch, slow": 50.0, "PyTorch, fast": 4.0}
    rates = {"pruned, tinygsp": 600.0, "copying the same bytes": 1200.0, "dense, PyTorch": 5.0}
    rates["pruned, tinygsp without numba"] = 150.0
    results = {"steps": steps, "inference": {"images a second": rates}}
    results["run"] = {"steps": 1000, "seconds": 0.5, "model_bytes": 5894}
    wide = {"products": 20.0, "dense": 20.0}
    results["growth"] = {"300-100": steps, "1000-300": {}, "3000-1000": wide}
    rows = {row.split("|")[1].strip(): row.split("|")[3].strip() for row in aims_table(results).splitlines()[2:]}
    assert rows["step with every connection live"] == "**missed**: 1.25 x its products"
    assert rows["step at 5,000 live connections"] == "0.1 x products"
    assert rows["step at 400 live connections"] == "not compared"
    assert rows["mean step of the run, against the published recipe in PyTorch"] == "100 x faster"
    assert rows["the same against the fastest in PyTorch"] == "**missed**: 8 x faster"
    assert rows["inference against copying the same bytes"] == "0.5 x its speed"
    assert rows["inference against PyTorch, dense"] == "120 x faster"
    assert rows["inference against SciPy CSR, from the same pixels"] == "not compared"
    assert rows["inference without numba"] == "**missed**: 4 x its time with numba"
    assert rows["`model.npz`"] == "5.89 KB"
    assert rows["that step in the widest network, as it grew beside its products"] == "0.8 x"
    assert aims_table({"steps": {}, "inference": {"images a second": {}}}).count("not compared") == len(AIMS)


@pytest.mark.parametrize("live", STATES)
def test_states_have_the_connections_they_name(mnist, live):
    net = gated_trainer(mnist, HIDDEN, live).net
    count = sum(np.count_nonzero(layer.params["gate"] > -np.inf) for layer in net.layers)
    assert 0.97 * live <= count <= live and all(isinstance(layer, MaskedEdges) for layer in net.layers)
    assert [len(units) for units in net.units] == [*STATES[live][1], 10]


def test_steps_are_whole_steps_that_move_nothing(mnist):
    trainer = gated_trainer(mnist, HIDDEN)
    assert all(type(layer) is MaskedDense for layer in trainer.net.layers)
    assert trainer.phases[0].watches_gates and trainer.net.count_open() == trainer.total
    before = [layer.params["W"].copy() for layer in trainer.net.layers]
    step = stepper(trainer)
    first, second = step(), step()
    assert trainer.step == 2 and first != second and np.isfinite(first)
    assert all(np.array_equal(a, layer.params["W"]) for a, layer in zip(before, trainer.net.layers))
    assert all(np.abs(layer.grads["W"]).max() > 0 for layer in trainer.net.layers)


def test_in_turn_takes_the_median(monkeypatch):
    clock = iter([0, 1, 10, 12, 20, 29, 30, 31, 40, 43, 50, 52])  # a: 1, 9, 3; b: 2, 1, 2
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    calls = []
    got = timing.in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3, calls=1)
    assert got == {"a": 3, "b": 2} and "".join(calls) == "aabb" * 3  # once untimed, once by the clock


@pytest.mark.parametrize("options, text", [([], report), (["--markdown"], markdown)])
def test_command(measured, tmp_path, capsys, options, text):
    """Tables go to the terminal, figure and numbers to a folder."""
    assert bench.main(["--quiet", *options, "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert text(measured) in captured.out and str(tmp_path / "out") in captured.out and captured.err == ""
    assert json.loads((tmp_path / "out" / "bench.json").read_text()) == measured
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FIGURE} == pictures(measured)


@pytest.mark.parametrize(
    "error, code, words", [(KeyboardInterrupt(), 130, "nothing was written"), (OSError(28, "No space"), 1, "No space")]
)
def test_an_interruption_or_a_full_disk_is_one_line(tmp_path, monkeypatch, capsys, error, code, words):
    def stop(run, quick, progress):
        raise error

    monkeypatch.setattr(measure, "measure", stop)
    assert bench.main(["--quiet", "--out", str(tmp_path / "out")]) == code
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and not (tmp_path / "out").exists()


def test_an_error_after_writing_says_what_was_written(measured, tmp_path, monkeypatch, capsys):
    def full(text, stream):
        raise OSError(28, "No space left on device", "stdout")

    monkeypatch.setattr(bench.kit, "say", full)
    monkeypatch.setattr(bench.kit, "fail", lambda message, code: print(message) or code)
    assert bench.main(["--quiet", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out
    assert "stdout" in said and f"written to {tmp_path / 'out'}: bench.json, bench.svg, bench.png" in said
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"bench.json", *FIGURE}


def test_a_run_gives_the_network_and_the_mean_step(tmp_path, monkeypatch, mnist):
    monkeypatch.setattr(measure, "steps", lambda *a: ({"products": 1.0}, {"PyTorch": "absent"}))
    monkeypatch.setattr(measure, "switch", lambda *a: [])
    monkeypatch.setattr(measure, "kernels_and_twins", lambda *a: [])
    timed, said = [], []
    monkeypatch.setattr(measure, "inference", lambda network, *a: timed.append(network) or ({}, {"SciPy": "absent"}))
    network = gated_trainer(mnist, HIDDEN, 400).net.open_network()
    network.save(tmp_path / "model.npz")
    with pytest.raises(RunError, match=r"summary\.json: cannot be read .* name a finished run"):
        measure.measure(tmp_path, quick=True, progress=quiet)
    run = {"kept": network.count(), "steps": 7, "seconds": 2.5, "model_bytes": 5894}
    (tmp_path / "summary.json").write_text(json.dumps(run | {"x": 0}))
    full = measure.measure(tmp_path, quick=False, progress=said.append)
    assert full["run"] == run and len(full["growth"]) == 3
    assert full["missing"] == {"PyTorch": "absent", "SciPy": "absent"}
    assert timed[-1].count() == network.count() and "training steps of 784-3000-1000-10" in said


def test_mistakes_are_one_line(tmp_path, capsys, mnist):
    run, out = tmp_path / "run", tmp_path / "out"
    command = ["--quick", "--quiet", "--run", str(run), "--out", str(out)]
    for name in ("model.npz", "summary.json"):  # the file that is missing
        assert bench.main(command) == 3
        error = capsys.readouterr().err
        assert error.startswith("error: ") and name in error and error.count("\n") == 1 and not out.exists()
        run.mkdir(exist_ok=True)
        gated_trainer(mnist, HIDDEN, 400).net.open_network().save(run / "model.npz")
    with pytest.raises(SystemExit) as stopped:
        bench.main(["--slow"])
    assert stopped.value.code == 2
