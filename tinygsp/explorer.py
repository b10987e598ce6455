"""The page one can draw on: a pruned image classifier as a single HTML file that needs no network and no library.

Everything one sees is in explorer.html, plain HTML, CSS and JavaScript; here it gets its data: the connections that are
left, and a choice of test images, right and wrong. The page computes what `SparseNetwork.scores` computes.
"""

import base64
import json
from pathlib import Path, PurePath

import numpy as np

TEMPLATE = Path(__file__).with_name("explorer.html")
PLACE = "@DATA@"  # where the template takes the data
MAX_PAGE_BYTES = 300_000
MAX_IMAGES = 120  # room for each of the 90 mistakes that ten classes allow, and for right answers
MAX_IMAGE_BYTES = 100_000  # fewer images when they are large


def page(network, test_x, test_y):
    """The page of a network as text: a pure function, the same arguments give the same page.

    network : SparseNetwork of a classification whose input is rows x cols pixels; the page shows what trim() leaves
    test_x  : (n, rows * cols) uint8   n >= 1 test images
    test_y  : (n,) integers            their classes

    Raises ValueError where one of these is something else, or where the page would be above MAX_PAGE_BYTES.
    """
    meta, n_classes = network.meta, network.layers[-1].n_out
    check(network, test_x, test_y)
    labels = np.asarray(test_y, np.int64)
    predicted = network.predict(test_x)
    chosen = select(labels, predicted, min(MAX_IMAGES, max(1, MAX_IMAGE_BYTES // test_x.shape[1])))
    small = network.trim()
    content = {
        "total": network.total,
        "kept": small.count(),
        "meta": {**vars(meta), "dataset": PurePath(meta.dataset).name},  # the folder it came from is nobody's business
        "layers": [
            {
                "shape": layer.shape,
                "row": encode(layer.row, "<i4"),
                "col": encode(layer.col, "<i4"),
                "weight": encode(layer.weight, "<f4"),
                "bias": encode(layer.bias, "<f4"),
            }
            for layer in small.layers
        ],
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
    html = TEMPLATE.read_text(encoding="utf-8").replace(PLACE, text)
    size = len(html.encode())
    if size > MAX_PAGE_BYTES:
        raise ValueError(
            f"the page of {small.count():,} parameters and {n_classes} classes would have {size:,} bytes, "
            f"expected at most {MAX_PAGE_BYTES:,}: prune the network further"
        )
    return html


def check(network, test_x, test_y):
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


def select(labels, predicted, limit):
    """Indices (k,) of at most `limit` images, in order: one of each kind of mistake, which get three quarters of the
    room at most, then right answers, the classes taking turns.

    labels, predicted : (n,) int64
    """
    kind = labels * (predicted.max() + 1) + predicted
    order = np.argsort(kind, kind="stable")
    turn = np.empty(len(kind), np.int64)  # 0 for the first image of its kind, 1 for the second, ...
    turn[order] = np.arange(len(kind)) - np.searchsorted(kind[order], kind[order])
    wrong = np.flatnonzero((labels != predicted) & (turn == 0))[: max(1, limit * 3 // 4)]
    right = np.flatnonzero(labels == predicted)
    right = right[np.argsort(turn[right], kind="stable")][: limit - len(wrong)]
    return np.sort(np.concatenate([wrong, right]))


def encode(array, dtype):
    """The numbers of an array as base64, little-endian."""
    return base64.b64encode(array.astype(dtype).tobytes()).decode()
