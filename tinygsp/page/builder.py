"""Build the page of a network: choose test images, pack all numbers as text, and put them into page.html."""

from __future__ import annotations

import base64
import json
from pathlib import Path, PurePath

import numpy as np

from tinygsp.sparse import SparseLayer, SparseNetwork

TEMPLATE = Path(__file__).with_name("page.html")
PLACEHOLDER = "@DATA@"  # in the template, replaced by the data
MAX_PAGE_BYTES = 300_000
MAX_IMAGES = 120  # room for each of the 90 mistakes that ten classes allow, and for right answers
MAX_IMAGE_BYTES = 100_000  # fewer images when they are large


def build(network: SparseNetwork, test_x: np.ndarray, test_y: np.ndarray) -> str:
    """Build the page of a network, as text. The same arguments give the same page.

    network : SparseNetwork of a classification whose input is rows x cols pixels; the page shows what trim() leaves
    test_x  : (n, rows * cols) uint8   n >= 1 test images
    test_y  : (n,) integers            their classes

    Raises ValueError if an argument is something else, or if the page would have more than MAX_PAGE_BYTES.
    """
    check(network, test_x, test_y)
    labels = np.asarray(test_y, np.int64)
    predicted = network.predict(test_x)
    chosen = select(labels, predicted, min(MAX_IMAGES, max(1, MAX_IMAGE_BYTES // test_x.shape[1])))
    small, dataset_name = network.trim(), PurePath(network.meta.dataset).name  # a page is given away: no path in it
    content = {
        "total": network.total,
        "kept": small.count(),
        "meta": {**vars(network.meta), "dataset": dataset_name},
        "layers": [pack(layer) for layer in small.layers],
        "test": {
            "n": len(labels),
            "right": int(np.count_nonzero(predicted == labels)),
            "index": chosen.tolist(),
            "label": labels[chosen].tolist(),
            "pixels": encode(test_x[chosen], "u1"),
        },
    }
    # JSON needs "<" only inside strings; escaped, no string can end the script element or open a comment in it.
    text = json.dumps(content, sort_keys=True).replace("<", "\\u003c")
    html = TEMPLATE.read_text(encoding="utf-8").replace(PLACEHOLDER, text)
    size = len(html.encode())
    if size > MAX_PAGE_BYTES:
        raise ValueError(
            f"the page of {small.count():,} parameters and {small.layers[-1].n_out} classes would have {size:,} bytes, "
            f"expected at most {MAX_PAGE_BYTES:,}: prune the network further"
        )
    return html


def pack(layer: SparseLayer) -> dict:
    """Pack one layer for JSON: its shape, and its arrays as base64."""
    return {
        "shape": layer.shape,
        "row": encode(layer.row, "<i4"),
        "col": encode(layer.col, "<i4"),
        "weight": encode(layer.weight, "<f4"),
        "bias": encode(layer.bias, "<f4"),
    }


def check(network: SparseNetwork, test_x: np.ndarray, test_y: np.ndarray) -> None:
    """Raise ValueError unless these are an image classifier and images with labels for it."""
    meta, n_in, n_classes = network.meta, network.layers[0].n_in, network.layers[-1].n_out
    if meta.task != "classification":
        raise ValueError(f"task is {meta.task!r}, expected 'classification'")
    if len(meta.input_shape) != 2 or np.prod(meta.input_shape) != n_in:
        raise ValueError(f"input_shape is {meta.input_shape}, expected (rows, cols) with rows * cols = {n_in}")
    if len(meta.class_names) != n_classes:
        raise ValueError(f"class_names has {len(meta.class_names)} names, expected {n_classes}, one for each output")
    if test_x.dtype != np.uint8 or test_x.ndim != 2 or test_x.shape[1] != n_in or not len(test_x):
        raise ValueError(f"test_x is {test_x.dtype} {test_x.shape}, expected uint8 (n, {n_in}) with n >= 1")
    if test_y.dtype.kind not in "iu" or test_y.shape != test_x.shape[:1]:
        raise ValueError(f"test_y is {test_y.dtype} {test_y.shape}, expected integers {test_x.shape[:1]}")
    if test_y.min() < 0 or test_y.max() >= n_classes:
        raise ValueError(f"test_y is from {test_y.min()} to {test_y.max()}, expected classes 0 to {n_classes - 1}")


def select(labels: np.ndarray, predicted: np.ndarray, limit: int) -> np.ndarray:
    """Choose at most `limit` images: their indices (k,), in order.

    labels, predicted : (n,) int64

    First one of each kind of mistake (class a read as b), at most three quarters of `limit`; then right answers, one
    of each class in turn.
    """
    kind = labels * (predicted.max() + 1) + predicted
    order = np.argsort(kind, kind="stable")
    turn = np.empty(len(kind), np.int64)  # 0 for the first image of its kind, 1 for the second, ...
    turn[order] = np.arange(len(kind)) - np.searchsorted(kind[order], kind[order])
    wrong = np.flatnonzero((labels != predicted) & (turn == 0))[: max(1, limit * 3 // 4)]
    right = np.flatnonzero(labels == predicted)
    right = right[np.argsort(turn[right], kind="stable")][: limit - len(wrong)]
    return np.sort(np.concatenate([wrong, right]))


def encode(array: np.ndarray, dtype: str) -> str:
    """Write the numbers of an array as base64, in this dtype."""
    return base64.b64encode(array.astype(dtype).tobytes()).decode()
