"""Run what an export has written: C by a compiler of this machine, JavaScript by node, the rest in this process."""

import ctypes
import importlib.util
import json
import shutil
import subprocess

import numpy as np
import pytest

from helpers.nets import layer
from tinygsp.sparse import Meta, SparseLayer, SparseNetwork

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
HOSTILE = (  # class names that end a comment, a string, a line or a script, or begin something
    "*/ int evil; /*",
    '"7; system("x"); "',
    "</script><script>alert(1)</script>",
    "<!-- \\",
    "what??/",
    "\"\"\"'''#{}%s${x}`",
    "a*\\",
    "\u00e9\U0001f600 * \u7f8e",
)


def run(*command, **options):
    """Run a command; returns what it did, or fails with what it said."""
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=300, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done


def c_scores(content, folder, values, n_out, kind=np.float32):
    """The scores of the samples by the C in `content`, whose functions begin with "network"."""
    if not COMPILERS:
        pytest.skip("needs gcc or clang")
    (folder / "network.c").write_bytes(content)
    library = folder / f"network-{len(list(folder.iterdir()))}.so"
    run(COMPILERS[0], *STRICT, "-O2", "-shared", "-fPIC", folder / "network.c", "-o", library, "-lm")
    function = ctypes.CDLL(str(library)).network_scores
    values = np.ascontiguousarray(values)
    scores = np.empty((len(values), n_out), kind)
    for sample, row in zip(values, scores, strict=True):
        function(sample.ctypes.data_as(ctypes.c_void_p), row.ctypes.data_as(ctypes.c_void_p))
    return scores


def js_results(content, folder, values):
    """(scores, classes of the samples, names of the classes) by node."""
    node = shutil.which("node")
    if not node:
        pytest.skip("needs node")
    (folder / "network.mjs").write_bytes(content)
    np.ascontiguousarray(values, np.float64).tofile(folder / "values.bin")
    (folder / "use.mjs").write_text(
        f"""
        import * as network from "./network.mjs";
        import fs from "node:fs";
        const values = new Float64Array(new Uint8Array(fs.readFileSync("values.bin")).buffer);
        const n = {values.shape[1]}, samples = [];
        for (let i = 0; i < values.length; i += n) samples.push(values.subarray(i, i + n));
        const scores = samples.flatMap((x) => [...network.scores(x)]);
        fs.writeFileSync("scores.bin", Buffer.from(Float64Array.from(scores).buffer));
        const classes = network.predict ? samples.map(network.predict) : null;
        console.log(JSON.stringify([classes, network.classes]));
        """
    )
    done = run(node, "use.mjs", cwd=folder)
    classes, names = json.loads(done.stdout)
    return np.fromfile(folder / "scores.bin").reshape(len(values), -1), classes, tuple(names)


def numpy_module(content, folder):
    """The module in `content`, imported."""
    (folder / "network.py").write_bytes(content)
    spec = importlib.util.spec_from_file_location("exported_network", folder / "network.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def onnx_results(content, values):
    """{name: array} of the outputs by ONNX Runtime, after the checker of onnx has seen the file."""
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, {"values": values})))


def json_scores(content, values):
    """The scores by what the comment in the JSON says, in a few lines."""
    model = json.loads(content)
    x = (np.asarray(values, float) / model["divisor"] - model["mean"]) / np.where(
        np.equal(model["std"], 0), 1, model["std"]
    )
    x = np.where(np.equal(model["std"], 0), 0, x)
    x[:, model["bent"]] = np.arcsinh(x[:, model["bent"]])
    for k, part in enumerate(model["layers"]):
        W = np.zeros(part["shape"])
        W[part["row"], part["col"]] = part["weight"]
        x = x @ W + part["bias"]
        if k < len(model["layers"]) - 1:
            x = x / (1 + np.exp(-x)) if model["activation"] == "silu" else np.maximum(x, 0)
    return x


# --- networks -----------------------------------------------------------------------------------------------


def picture_reader(seed=0, sizes=(20, 7, 5, 3), share=0.4, **meta):
    """A random network for pictures of 4 x 5 bytes; some units have no connection, and some no bias."""
    rng = np.random.default_rng(seed)
    layers = []
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
        found = [(i, j, rng.normal()) for i in range(n_in) for j in range(n_out) if rng.random() < share]
        layers.append(layer((n_in, n_out), found, rng.normal(size=n_out) * (rng.random(n_out) < 0.5) * (k > 0)))
    names = tuple("abcdefgh"[: sizes[-1]])
    options = {"divisor": 255.0, "mean": 0.25, "std": 0.5, "class_names": names, "input_shape": (4, 5)}
    return SparseNetwork(layers, Meta(**{**options, **meta}))


def chain(n):
    """A network in which input i is read by unit i alone, and the only output reads every unit."""
    order, ones = np.arange(n, dtype=np.int32), np.ones(n, np.float32)
    zeros = np.zeros(n, np.int32)
    first = SparseLayer((n, n), order, order, ones, np.zeros(n, np.float32))
    second = SparseLayer((n, 1), order, zeros, ones / n, np.zeros(1, np.float32))
    return SparseNetwork([first, second], Meta(task="regression", class_names=("y",), input_shape=(n,)))


def table_reader(**meta):
    """A network for a table of six columns, each with its own scale: one is constant, one has long tails."""
    options = {
        "divisor": 1.0,
        "mean": (0.0, 1000.5, -3.0, 7.0, 0.001, 5.0),
        "std": (1.0, 0.25, 20.0, 0.0, 0.0005, 2.0),
        "bent": (2,),
        "input_shape": (6,),
        "input_names": ("age", "*/ height", "income </script>", "constant", "tiny", "colour = red"),
        "class_names": ("no", "yes"),
    }
    first = layer((6, 3), [(0, 0, 1.5), (1, 1, -1), (2, 1, 2), (3, 2, 1), (4, 2, 0.5), (2, 0, 0.25)], [0.5, 0, -1])
    second = layer((3, 2), [(0, 0, 2), (1, 0, -1), (2, 1, 3), (1, 1, 1)], [0, 0.5])
    return SparseNetwork([first, second], Meta(**{**options, **meta}))


def table_values(n=200):
    """Rows for `table_reader` that fit its scales."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(n, 6)) * [1, 0.25, 500, 0, 0.0005, 2] + [0, 1000.5, -3, 7, 0.001, 5]
    return values.astype(np.float32)
