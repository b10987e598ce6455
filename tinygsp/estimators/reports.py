"""What can be said of a fitted network: the importance of its inputs, and its formula."""

from __future__ import annotations

import numpy as np

from tinygsp import reading
from tinygsp.data import Dataset
from tinygsp.sparse import SparseNetwork

FORMS = ("text", "latex", "sympy")
MAX_SAMPLES = 2000  # that importances are measured on


def shares(network: SparseNetwork, dataset: Dataset) -> np.ndarray:
    """The importance of each input by Fisher's definition, as shares of 1: (n_in,); all 0 if nothing matters."""
    every = max(1, len(dataset.train_x) // MAX_SAMPLES)
    values = reading.importances(network, dataset.train_x[::every], dataset.train_y[::every])["Fisher"]
    values = np.nan_to_num(np.asarray(values, np.float64))
    return values / (values.sum() or 1.0)


def formula(network: SparseNetwork, form: str = "text", digits: int = 4) -> str | dict[str, str]:
    """The formula of a network, in the units and names of the data; see `PrunedEstimator.formula`."""
    if form not in FORMS:
        raise ValueError(f"form is {form!r}: expected {' or '.join(FORMS)}")
    texts = reading.formulas(network, digits=digits, latex=form == "latex")
    if form == "sympy":
        texts = [in_exponentials(text) for text in texts]
    names = network.meta.class_names
    if len(texts) == 1:
        return texts[0]
    if network.meta.task == "classification" and len(texts) == 2 and texts[0] == "0":
        return texts[1]
    return dict(zip(names, texts))


def in_exponentials(text: str) -> str:
    """A formula with z/(1 + exp(-z)) in place of silu(z), and Max(0, z) in place of relu(z)."""
    text = text.replace("relu(", "Max(0, ")
    while (start := text.rfind("silu(")) >= 0:  # the last has none inside
        end, depth = start + 5, 1
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        z = text[start + 4 : end]
        text = f"{text[:start]}({z}/(1 + exp(-{z}))){text[end:]}"
    return text
