"""Time the exports of a network: C by the compiler of this machine, ONNX in ONNX Runtime, JavaScript in Chromium.

Each function returns {name: function to time}, as those of `peers.py` do; only `browser_seconds` times by itself,
because no function of this process can run in a browser.
"""

from __future__ import annotations

import base64
import ctypes
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from tinygsp.commands.bench.peers import Functions, by_blocks
from tinygsp.sparse import SparseNetwork

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
IMAGES = 2000  # that the page classifies at a time
REPEATS = 9  # of which the page takes the median

ALL = """
void classify_all(const uint8_t *x, long n, int64_t *best)
{
    for (long i = 0; i < n; i++)
        best[i] = network_predict(x + i * %d);
}
"""
PAGE = """<!DOCTYPE html><meta charset="utf-8"><body><script type="module">
%s
const bytes = Uint8Array.from(atob("%s"), (letter) => letter.charCodeAt(0)), n = bytes.length / %d, times = [];
let sum = 0;
for (let turn = 0; turn < %d; turn++) {
  const start = performance.now();
  for (let i = 0; i < n; i++) sum += predict(bytes.subarray(i * %d, (i + 1) * %d));
  times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
document.body.textContent = `milliseconds ${times[times.length >> 1]} classes ${sum / times.length}`;
</script></body>
"""


def c_inference(network: SparseNetwork, x: np.ndarray) -> Functions:
    """Classify all of x, (n, n_in) uint8, by the exported C, compiled with -O3, in floats and in fixed point."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise ImportError("no C compiler")
    found = {}
    for name, int8 in (("float", False), ("int8", True)):
        with tempfile.TemporaryDirectory() as folder:
            source, library = Path(folder) / "network.c", Path(folder) / "network.so"
            source.write_bytes(network.export("c", int8=int8) + (ALL % x.shape[1]).encode())
            command = [compiler, "-std=c99", "-O3", "-march=native", "-shared", "-fPIC", source, "-o", library, "-lm"]
            subprocess.run(command, check=True, capture_output=True)
            function = ctypes.CDLL(str(library)).classify_all  # stays loaded when the file is gone
        best = np.empty(len(x), np.int64)
        arguments = x.ctypes.data_as(ctypes.c_void_p), ctypes.c_long(len(x)), best.ctypes.data_as(ctypes.c_void_p)
        found[f"pruned, exported C, {name}"] = lambda run=function, a=arguments, keep=best: run(*a)
    return found


def onnx_export_inference(network: SparseNetwork, x: np.ndarray) -> Functions:
    """Classify all of x by the exported ONNX file in ONNX Runtime, one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(network.export("onnx"), options, providers=["CPUExecutionProvider"])
    return {"pruned, exported ONNX, ONNX Runtime": by_blocks(lambda b: session.run(["label"], {"values": b}), x)}


def browser_seconds(network: SparseNetwork, x: np.ndarray) -> dict[str, float]:
    """Classify images in a page in Chromium by the exported JavaScript: {name: seconds an image}, by its own clock."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        raise ImportError("no Chromium")
    x, n_in = x[:IMAGES], x.shape[1]
    code = network.export("js").decode()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "bench.html"
        page.write_text(PAGE % (code, base64.b64encode(x.tobytes()).decode(), n_in, REPEATS, n_in, n_in), "utf-8")
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", "--dump-dom"]
        done = subprocess.run([browser, *options, page.as_uri()], capture_output=True, text=True, timeout=120)
    found = re.search(r"milliseconds ([\d.]+) classes ([\d.]+)<", done.stdout)
    if not found or float(found[2]) != network.predict(x).sum():
        raise RuntimeError("the page did not answer as predict does")
    return {"pruned, exported JavaScript, Chromium": float(found[1]) / 1000 / len(x)}
