"""Without numba a network is loaded and predicts by NumPy alone: the same, and nearly as fast."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from helpers.exports import chain, picture_reader, table_reader, table_values
from helpers.nets import random_network

from tinygsp.sparse import plain, runner
from tinygsp.sparse.export import ExportError

CODE = """
import sys
sys.modules["numba"] = None  # an import of it fails
import numpy as np
import tinygsp.sparse
network = tinygsp.sparse.SparseNetwork.load(sys.argv[1])
values = np.load(sys.argv[2])
np.save(sys.argv[3], network.scores(values))
classes = network.predict(values)
assert (classes == network.scores(values).argmax(axis=1)).all()
assert network.predict(values[0]) == classes[0]
assert len(network.export("c", int8=True)) > 1000
assert not any(name.startswith(("numba.", "llvmlite")) for name in sys.modules)
"""


def test_load_and_predict_where_numba_is_missing(trained, mnist, tmp_path):
    trained.save(tmp_path / "model.npz")
    np.save(tmp_path / "values.npy", mnist.test_x[:1000])
    names = [tmp_path / name for name in ("model.npz", "values.npy", "scores.npy")]
    done = subprocess.run([sys.executable, "-c", CODE, *names], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("warning: numba cannot be imported (") and "NumPy instead" in done.stderr
    assert np.abs(np.load(tmp_path / "scores.npy") - trained.scores(mnist.test_x[:1000])).max() < 1e-4


@pytest.mark.parametrize("command", ["train", "explain", "export"])
def test_commands_where_numba_is_missing(command, trained, tmp_path):
    """What needs numba says so in one line; export gets on without, also where it fails."""
    arguments = {
        "train": ["toy", "--out", tmp_path / "run"],
        "explain": [tmp_path / "nothing"],
        "export": [tmp_path / "nothing", "--to", "c", "-o", tmp_path / "a.c"],
    }[command]
    code = f"import sys; sys.modules['numba'] = None; from tinygsp.commands.{command} import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)
    line = done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr and line.startswith("error: ")
    assert done.returncode == (3 if command == "export" else 1)
    if command != "export":
        assert "numba is needed and cannot be imported" in line and "pip install numba" in line


@pytest.fixture
def without_kernels(monkeypatch):
    """A function that makes networks predict by NumPy alone from now on."""
    return lambda: monkeypatch.setattr(runner, "has_kernels", lambda: False)


NETWORKS = {
    "silu": picture_reader(),
    "relu": picture_reader(activation="relu"),
    "no hidden layer": picture_reader(sizes=(20, 3)),
    "many units": picture_reader(sizes=(20, 40, 30, 3), share=0.2),
    "no hidden layer, many outputs": picture_reader(sizes=(20, 40), share=0.2, class_names=tuple(map(str, range(40)))),
    "no connection": picture_reader(share=0),
    "large numbers": picture_reader(std=1e-4),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_the_same_as_the_kernels(name, kind, without_kernels):
    network = NETWORKS[name]
    values = np.random.default_rng(0).integers(0, 256, (1300, 20)).astype(kind)
    expected, classes = network.scores(values), network.predict(values)
    without_kernels()
    with np.errstate(all="raise", under="ignore"):
        assert np.allclose(network.scores(values), expected, rtol=1e-4, atol=1e-4)
    assert (network.predict(values) == classes).mean() > 0.999


@pytest.mark.parametrize("seed", range(5))
def test_networks_with_dead_and_constant_units(seed, without_kernels):
    network, values = random_network(seed), np.random.default_rng(seed).normal(size=(50, 6))
    expected = network.scores(values)
    without_kernels()
    assert np.allclose(network.scores(values), expected, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_unit_by_unit(name, without_kernels, monkeypatch):
    network, values = NETWORKS[name], np.random.default_rng(0).integers(0, 256, (700, 20)).astype(np.uint8)
    expected = network.scores(values)
    without_kernels()
    monkeypatch.setattr(plain, "MAX_MATRIX", 3)
    assert np.allclose(network.scores(values), expected, rtol=1e-4, atol=1e-4)


def test_memory_follows_the_connections(without_kernels):
    """20,000 connections between 20,000 inputs and as many units: as a matrix, 1.6 GB."""
    network, values = chain(20_000), np.random.default_rng(0).normal(size=(3, 20_000)).astype(np.float32)
    expected = network.scores(values)
    without_kernels()
    tracemalloc.start()
    assert np.allclose(network.scores(values), expected, rtol=1e-3, atol=1e-3)
    for to in ("c", "js", "json"):
        assert len(network.export(to)) > 100_000
    for to in ("numpy", "onnx"):
        with pytest.raises(ExportError, match="a full matrix of 20,000 x 20,000 numbers"):
            network.export(to)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


def test_a_table(without_kernels):
    expected = table_reader().scores(table_values())
    without_kernels()
    assert np.allclose(table_reader().scores(table_values()), expected, atol=1e-4)
