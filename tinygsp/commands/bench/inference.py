"""Time the network that a run hands over, from the pixels of the test set to classes, beside other ways to do it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinygsp.commands.bench import exports, peers
from tinygsp.commands.bench.peers import Functions, by_blocks, silu
from tinygsp.commands.bench.timing import in_turn
from tinygsp.data import Dataset
from tinygsp.sparse import SparseNetwork
from tinygsp.sparse.plain import plain_scores
from tinygsp.sparse.values import check_finite

WITHOUT_NUMBA = "pruned, tinygsp without numba"


def inference(
    network: SparseNetwork, dense: list[np.ndarray], dataset: Dataset, repeats: int
) -> tuple[dict, dict[str, str]]:
    """Time classifying the test images, uint8, by the pruned network and by a dense one, and one image at a time.

    dense : list of (n_in + 1, n_out) float32, the weights of the dense network; the last row of each is the bias

    Returns (rows, missing): rows has "kept", the images a second of each way, and the microseconds of one image;
    missing is {library: reason}. Two rows do less than the others: the copy, which is a bound, and the one
    whose name says that its images are scaled beforehand. The page in Chromium is timed last, by its own clock.
    """
    x = np.ascontiguousarray(dataset.test_x)
    meta = network.meta
    scale, shift = np.float32(1 / (meta.divisor * meta.std)), np.float32(-meta.mean / meta.std)
    used = network.used_inputs()
    reads = [*used, np.arange(network.layers[-1].n_out)]
    small = [
        (layer.dense()[np.ix_(rows, cols)], layer.bias[cols])
        for layer, rows, cols in zip(network.layers, reads, reads[1:])
    ]
    functions = {"pruned, tinygsp": lambda: network.predict(x), "copying the same bytes": x.copy}
    functions |= {WITHOUT_NUMBA: without_numba(network, x)}
    functions |= numpy_inference(x, used[0], small, dense, scale, shift)
    others, missing = peers.collect(
        {
            "SciPy": lambda: peers.scipy_inference(x, used[0], small, scale, shift),
            "PyTorch": lambda: peers.torch_inference(x, dense, scale, shift),
            "ONNX Runtime": lambda: peers.onnx_inference(x, dense, scale, shift),
            "exported C": lambda: exports.c_inference(network, x),
            "exported ONNX": lambda: exports.onnx_export_inference(network, x),
        }
    )
    rates = {name: len(x) / seconds for name, seconds in in_turn(functions | others, repeats).items()}
    in_page, lacking = peers.collect({"exported JavaScript": lambda: exports.browser_seconds(network, x)})
    rates |= {name: 1 / seconds for name, seconds in in_page.items()}
    missing |= lacking
    one, scores = x[:1], np.empty((1, network.layers[-1].n_out), np.float32)
    run = network.runner()
    latency = in_turn({"one": lambda: run(one, scores)}, 1000)["one"]
    return {"kept": network.count(), "images a second": rates, "one image, microseconds": 1e6 * latency}, missing


def without_numba(network: SparseNetwork, x: np.ndarray) -> Callable[[], np.ndarray]:
    """Classify all of x, (n, n_in) uint8, as `predict` does where numba is missing."""
    write_scores = plain_scores(network.nodes, network.meta.activation == "silu")

    def classify():
        scores = np.empty((len(x), network.layers[-1].n_out), np.float32)
        write_scores(x, scores)
        return check_finite(scores, lambda sample: x[sample]).argmax(axis=1)

    return classify


def numpy_inference(
    x: np.ndarray, used: np.ndarray, small: list[tuple], dense: list[np.ndarray], scale: float, shift: float
) -> Functions:
    """Classify with the pruned network, as matrices of its live rows and columns, and the dense one, in NumPy alone.

    used : (k,) int, the pixels that the pruned network reads;  small : list of (W, b) of its layers
    """

    def classify(y, layers):
        for k, (W, b) in enumerate(layers):
            y = y @ W + b
            y = silu(y) if k < len(layers) - 1 else y
        return y.argmax(axis=1)

    whole = [(W[:-1], W[-1]) for W in dense]
    return {
        "pruned, NumPy on live rows and columns": by_blocks(lambda b: classify(b[:, used] * scale + shift, small), x),
        "dense, NumPy": by_blocks(lambda b: classify(b * scale + shift, whole), x),
    }
