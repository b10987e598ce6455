"""Build the page of pruned networks: choose test images, pack all numbers, and put them into the parts of the page.

The page is one file. `parts/` has its HTML, its style, and its scripts, one for each thing that it does; they are
joined here. Numbers are packed as one block: deflated, then base64.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np

from tinygsp.data.limits import shown
from tinygsp.page import likeness
from tinygsp.page.film import bytes_of, fitting_film
from tinygsp.runs import Wiring
from tinygsp.sparse import SparseNetwork

PARTS = Path(__file__).with_name("parts")
SCRIPTS = (  # in the order in which a reader, and the browser, meets them
    "data", "network", "drawing", "unlike", "film", "graph", "cut", "state", "picture", "timeline", "answer", "tools",
    "input", "tour", "link", "start",
)  # fmt: skip
MAX_PAGE_BYTES = 400_000
MAX_IMAGES = 120  # room for each of the 90 mistakes that ten classes allow, and for right answers
MAX_IMAGE_BYTES = 100_000  # fewer images when they are large
SAMPLE, SAMPLE_VALUES = 1_000, 1_000_000  # test images that measure a cut, and numbers of all of them, at most
TYPES = {"u1": "u1", "i1": "i1", "i4": "<i4", "f4": "<f4"}  # of arrays, as the page and NumPy call them


class Pruned(NamedTuple):
    """A network to show, and the recording of how it came to be, if there is one."""

    network: SparseNetwork
    wiring: Wiring | None = None


def build(
    pruned: Sequence[Pruned],
    test_x: np.ndarray,
    test_y: np.ndarray,
    learnt: likeness.Likeness | None = None,
) -> str:
    """Build the page of some networks for the same images, as text. The same arguments give the same page.

    pruned : one network or more, all of one shape, the one to show first at the beginning; each classifies images of
             rows x cols pixels, and the page shows what trim() leaves of it
    test_x : (n, rows * cols) uint8   n >= 1 test images
    test_y : (n,) integers            their classes
    learnt : what is typical of the images it learnt from, see `likeness.learn`; None: the page does not judge

    Of the films as many frames are shown as there is room for. Raises ValueError if an argument is something else, or
    if the page would have more than MAX_PAGE_BYTES without any.
    """
    check(pruned, test_x, test_y)
    labels = np.asarray(test_y, np.int64)
    page, arrays = contents(pruned, test_x, labels, learnt)
    html = join(page, arrays)
    size = len(html.encode())
    if size > MAX_PAGE_BYTES:
        kept = pruned[0].network.trim()
        raise ValueError(
            f"the page of {kept.count():,} parameters and {kept.layers[-1].n_out} classes would have {size:,} bytes, "
            f"expected at most {MAX_PAGE_BYTES:,}: prune the network further"
        )
    room = MAX_PAGE_BYTES - size
    for r in reversed(range(len(pruned))):  # the first film comes last, with all the room that the others leave
        wiring = pruned[r].wiring
        found = fitting_film(wiring, room // (r + 2) if r else room) if wiring else None
        if found:
            room -= bytes_of(found)
            page["runs"][r]["film"], packed = found
            arrays |= {f"run{r}_{name}": array for name, array in packed.items()}
    return join(page, arrays)


def contents(
    pruned: Sequence[Pruned], test_x: np.ndarray, labels: np.ndarray, learnt: likeness.Likeness | None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What the page holds besides films: JSON, and arrays by name."""
    first = pruned[0].network
    meta, n_in = first.meta, first.layers[0].n_in
    arrays: dict[str, np.ndarray] = {}
    runs = []
    for r, (network, _) in enumerate(pruned):
        small = network.trim()
        right = int(np.count_nonzero(network.predict(test_x) == labels))
        shapes = [list(layer.shape) for layer in small.layers]
        about = {"kept": small.count(), "right": right, "shapes": shapes, "film": None}
        for k, layer in enumerate(small.layers):
            arrays |= {f"run{r}_{name}{k}": getattr(layer, name) for name in ("row", "col", "weight", "bias")}
        runs.append(about)

    chosen = select(labels, first.predict(test_x), min(MAX_IMAGES, max(1, MAX_IMAGE_BYTES // n_in)))
    pixels = np.unique(np.concatenate([one.network.trim().layers[0].row for one in pruned]))
    some = sample(len(labels), len(pixels))
    arrays |= {"test": test_x[chosen].ravel(), "sample": halves(test_x[some][:, pixels])}
    page = {
        "meta": {
            "activation": meta.activation,
            "divisor": meta.divisor,
            "mean": meta.mean,
            "std": meta.std,
            "class_names": list(meta.class_names),
            "input_shape": list(meta.input_shape),
            "dataset": PurePath(meta.dataset).name,  # a page is given away: no path in it
        },
        "sizes": list(units(first)),
        "total": first.total,
        "runs": runs,
        "test": {"n": len(labels), "index": chosen.tolist(), "label": labels[chosen].tolist()},
        "sample": {"labels": labels[some].tolist(), "pixels": pixels.tolist()},
        "likeness": None,
    }
    if learnt:
        page["likeness"] = {"limit": learnt.limit, "unit": learnt.unit, "share": likeness.SHARE}
        arrays["typical"] = learnt.typical.ravel()
    return page, arrays


def join(page: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """Join the parts of the page and what it holds to one text."""
    page["arrays"], packed = pack(arrays)
    parts = {
        # JSON needs "<" only inside strings; escaped, no string can end the script element or open a comment in it.
        "DATA": json.dumps(page, sort_keys=True, separators=(",", ":")).replace("<", "\\u003c"),
        "ARRAYS": packed,
        "STYLE": read_part("style.css"),
        "SCRIPT": "\n".join(read_part(f"{name}.js") for name in SCRIPTS),
    }
    return re.sub("@([A-Z]+)@", lambda match: parts[match[1]], read_part("page.html"))


def read_part(name: str) -> str:
    """Read a file of `parts/`."""
    return (PARTS / name).read_text(encoding="utf-8")


def pack(arrays: dict[str, np.ndarray]) -> tuple[dict[str, dict], str]:
    """Pack arrays: where each begins in the block {name: {type, at, length}}, and the block, deflated and as base64."""
    directory, block = {}, b""
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):  # so that each begins where it may
        kind = {"u": "u1", "b": "u1", "i": f"i{array.itemsize}", "f": "f4"}[array.dtype.kind]
        content = array.astype(TYPES[kind]).tobytes()
        directory[name] = {"type": kind, "at": len(block), "length": array.size}
        block += content
    return directory, base64.b64encode(zlib.compress(block, 9)).decode()


def check(pruned: Sequence[Pruned], test_x: np.ndarray, test_y: np.ndarray) -> None:
    """Raise ValueError unless these are image classifiers of one shape, and images with labels for them."""
    network = pruned[0].network
    meta, n_in, n_classes = network.meta, network.layers[0].n_in, network.layers[-1].n_out
    if meta.task != "classification":
        raise ValueError(f"task is {meta.task!r}, expected 'classification'")
    if isinstance(meta.mean, tuple) or isinstance(meta.std, tuple):
        raise ValueError("each input has a scale of its own, expected one for all pixels")
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
    for one in pruned:
        check_alike(one, network)


def check_alike(one: Pruned, network: SparseNetwork) -> None:
    """Raise ValueError unless a network and its recording fit on a page with `network`."""
    (other, wiring), expected = one, units(network)
    if units(other) != expected:
        raise ValueError(f"its levels have {units(other)} units, expected {expected}, as the first network of the page")
    for name in ("activation", "divisor", "mean", "std", "class_names", "input_shape", "task"):
        has, needs = getattr(other.meta, name), getattr(network.meta, name)
        if has != needs:
            what = f"{shown(has)}, expected {shown(needs)}"
            raise ValueError(f"its {name} is {what}, as the first network of the page; runs must share data and seed")
    if wiring and wiring.sizes != expected:
        raise ValueError(f"wiring.npz is of levels of {wiring.sizes} units, expected {expected}")


def units(network: SparseNetwork) -> tuple[int, ...]:
    """The number of units of every level of a network, from the inputs to the classes."""
    return (network.layers[0].n_in, *(layer.n_out for layer in network.layers))


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


def sample(n: int, n_pixels: int) -> np.ndarray:
    """Choose the images that measure a cut: at most SAMPLE of n, evenly over the test set, fewer where much is read."""
    k = min(n, SAMPLE, max(1, SAMPLE_VALUES // max(1, n_pixels)))
    return np.arange(k) * n // k


def halves(pixels: np.ndarray) -> np.ndarray:
    """Pack pixels of 0 to 255 with 16 shades of grey, two in a byte: a flat uint8 array, the first in the high half."""
    shades = np.rint(pixels.ravel() / 17).astype(np.uint8)
    shades = np.append(shades, np.zeros(len(shades) % 2, np.uint8))
    return shades[::2] << 4 | shades[1::2]
