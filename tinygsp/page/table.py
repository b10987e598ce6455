"""Build the page of a network for a table: a slider or a choice for each input that it reads, and its answer.

All numbers are packed as JSON into table.html, which needs no network and no library. Inputs that come from the
categories of one column become one choice.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePath

import numpy as np

from tinygsp.data import Dataset
from tinygsp.reading import formulas, input_names
from tinygsp.sparse import SparseNetwork

TEMPLATE = Path(__file__).with_name("table.html")
PLACEHOLDER = "@DATA@"  # in the template, replaced by the data
MAX_CONTROLS = 200
MAX_ROWS = 50  # of the test split that can be shown
MAX_PAGE_BYTES = 300_000


def build_table(network: SparseNetwork, dataset: Dataset) -> str:
    """Build the page of a network, as text. The same arguments give the same page.

    network : whose inputs have a scale of their own each;  dataset : the table, with a test split

    Raises ValueError if the network reads more than MAX_CONTROLS inputs or the page would exceed MAX_PAGE_BYTES.
    """
    small, meta = network.trim(), network.meta
    used = small.used_inputs()[0]
    if len(used) > MAX_CONTROLS:
        raise ValueError(f"{len(used)} inputs are read; a page has controls for at most {MAX_CONTROLS}")
    rows = choose_rows(len(dataset.test_x))
    content = {
        "title": PurePath(meta.dataset).name,
        "task": meta.task,
        "activation": meta.activation,
        "class_names": meta.class_names,
        "total": network.total,
        "kept": small.count(),
        "layers": [
            {"row": np.searchsorted(used, layer.row).tolist() if k == 0 else layer.row.tolist(),
             "col": layer.col.tolist(), "weight": layer.weight.astype(float).tolist(),
             "bias": layer.bias.astype(float).tolist()}
            for k, layer in enumerate(small.layers)
        ],
        "divisor": meta.divisor,
        "mean": [meta.mean[i] for i in used],
        "std": [meta.std[i] for i in used],
        "bent": [int(i) in meta.bent for i in used],
        "start": [float(np.median(dataset.train_x[:, i])) for i in used],
        "controls": controls(network, dataset, used),
        "rows": [[float(v) for v in dataset.test_x[r, used]] for r in rows],
        "targets": [answer_of(dataset, int(r)) for r in rows],
        "row_numbers": rows.tolist(),
        "formulas": short_formulas(small),
    }  # fmt: skip
    # JSON needs "<" only inside strings; escaped, no string can end the script element or open a comment in it.
    text = json.dumps(content, sort_keys=True).replace("<", "\\u003c")
    html = TEMPLATE.read_text(encoding="utf-8").replace(PLACEHOLDER, text)
    if (size := len(html.encode())) > MAX_PAGE_BYTES:
        raise ValueError(
            f"the page of {small.count():,} parameters would have {size:,} bytes: prune the network further"
        )
    return html


def controls(network: SparseNetwork, dataset: Dataset, used: np.ndarray) -> list[dict]:
    """A control for each input in use, with its places in `used`; one for all categories of a column.

    A slider has name, low, high and step; a choice has name and options: [text, values of its inputs].
    """
    names, found = input_names(network), {}
    for k, i in enumerate(used.tolist()):
        values = dataset.train_x[:, i]
        column, is_category, text = names[i].rpartition(" = ")
        if is_category and set(np.unique(values).tolist()) <= {0.0, 1.0}:
            group = found.setdefault(("choice", column), {"name": column, "places": [], "texts": []})
            group["places"].append(k)
            group["texts"].append(text)
        else:
            low, high = float(values.min()), float(values.max())
            is_whole = bool((values == np.round(values)).all()) and high - low < 1e6
            step = 1.0 if is_whole else (high - low) / 500
            found["slider", names[i]] = {"name": names[i], "places": [k], "low": low, "high": high, "step": step}
    made = []
    for (kind, _), group in found.items():
        if kind == "choice":
            texts = group.pop("texts")
            options = [[text, [float(text == other) for other in texts]] for text in texts]
            group["options"] = [["another", [0.0] * len(texts)], *options]
        made.append(group)
    return made


def choose_rows(n: int) -> np.ndarray:
    """Rows of the test split to show: at most MAX_ROWS, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, MAX_ROWS)).astype(int))


def answer_of(dataset: Dataset, row: int) -> str:
    """The true answer of a row of the test split, as text."""
    if dataset.task == "classification":
        return dataset.class_names[int(dataset.test_y[row])]
    return ", ".join(f"{value:.6g}" for value in dataset.test_y[row])


def short_formulas(network: SparseNetwork) -> list[str]:
    """The formulas of the outputs, none if they are too long to read."""
    try:
        texts = formulas(network, digits=4)
    except ValueError:
        return []
    lines = [f"{name} = {text}" for name, text in zip(network.meta.class_names, texts) if text != "0"]
    return lines if sum(map(len, lines)) < 2000 else []
