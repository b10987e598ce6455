"""SparseNetwork: what is left when pruning is done, a network of a few hundred numbers.

It knows its connections, its biases and how to scale an input, and nothing of gates or training. Its parameters are
counted here and nowhere else. Lesson 12 ends with one, lesson 13 reads it. Read `layer.py` first.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygsp.data.files import write_atomic
from tinygsp.data.limits import shown
from tinygsp.data.scaling import is_columnwise
from tinygsp.nn.gates import softmax
from tinygsp.sparse.file import model_bytes, read_model
from tinygsp.sparse.layer import ACTIVATIONS, Meta, SparseLayer, check_chain
from tinygsp.sparse.nodes import graph_of, node_list
from tinygsp.sparse.reach import reaches
from tinygsp.sparse.runner import Runner
from tinygsp.sparse.trim import trim
from tinygsp.sparse.values import as_values, check_finite


class SparseNetwork:
    """A stack of SparseLayers with an activation between them.

    layers : of SparseLayer, each n_out equal to the next n_in
    meta   : Meta

    Raises ValueError if the layers do not follow each other or the activation is not known.
    """

    def __init__(self, layers: Iterable[SparseLayer], meta: Meta) -> None:
        self.layers = tuple(layers)
        self.meta = meta
        check_chain(self.layers)
        if meta.activation not in ACTIVATIONS:
            raise ValueError(f"activation is {shown(meta.activation)}, expected {' or '.join(ACTIVATIONS)}")

    # --- use ---

    def scores(self, values: Any) -> np.ndarray:
        """Outputs for raw inputs, (n, n_out) float32, or (n_out,) of one sample alone.

        values : (n, n_in) pixels or other numbers, one sample (n_in,), or images in their shape; arrays or lists; see
                 `as_values`. A nan among them gives nan.
        """
        values, is_single = as_values(values, self.layers[0].n_in, self.meta.input_shape)
        scores = self.runner(values.dtype)(values)
        return scores[0] if is_single else scores

    def runner(self, dtype: Any = np.uint8) -> Runner:
        """A function from values (n, n_in) of `dtype` to scores (n, n_out) float32, with its memory set up once.

        With `out`, an array to write to, it allocates nothing, for one image after another:
        `run(image.reshape(1, -1), out)`.
        """
        return Runner(self, dtype)

    @functools.cached_property
    def nodes(self) -> dict[str, Any]:
        """The network as one list of nodes; see `node_list`."""
        return node_list(self.layers, self.meta)

    @functools.cached_property
    def graph(self) -> tuple:
        """The list of nodes as `nn.lanes.network_scores` takes it; needs numba."""
        from tinygsp.nn.lanes import WINDOW

        return graph_of(self.nodes, WINDOW)

    def predict(self, values: Any) -> np.ndarray:
        """Most probable class of each input (n,) int64; for a regression the outputs themselves (n, n_out).

        values : as in `scores`; of one sample alone the result is one class, or (n_out,)

        Raises ValueError if an input that is read is nan or inf.
        """
        if self.meta.task != "classification":
            return self.finite_scores(values)
        samples, is_single = as_values(values, self.layers[0].n_in, self.meta.input_shape)
        best = self.runner(samples.dtype).classes(samples)
        if best is None:
            best = self.finite_scores(samples).argmax(axis=1)
        return best[0] if is_single else best

    def predict_proba(self, values: Any) -> np.ndarray:
        """Class probabilities, the softmax of the scores: (n, n_out), or (n_out,) of one sample alone."""
        if self.meta.task != "classification":
            raise ValueError(f"predict_proba needs a classification network, this one is a {self.meta.task}")
        return softmax(self.finite_scores(values))

    def finite_scores(self, values: Any) -> np.ndarray:
        """The scores; ValueError if one is not finite, as it is if an input that is read is nan or inf."""

        def read(sample: int) -> np.ndarray:
            used = self.used_inputs()[0]
            raw = as_values(values, self.layers[0].n_in, self.meta.input_shape)[0][sample, used]
            with np.errstate(over="ignore"):
                return (self.meta.scaled(raw, used) if is_columnwise(self.meta) else raw).astype(np.float32)

        return check_finite(self.scores(values), read)

    # --- what is in it ---

    def used_inputs(self) -> list[np.ndarray]:
        """For each layer the sorted inputs that some connection reads: used pixels first, then units."""
        return [np.unique(layer.row) for layer in self.layers]

    @property
    def total(self) -> int:
        """All weights and biases of the network it came from."""
        return sum(layer.total for layer in self.layers)

    def count(self) -> int:
        """Nonzero weights plus nonzero biases: what every table of this project means by `kept`."""
        return sum(layer.kept_weights + layer.kept_biases for layer in self.layers)

    @property
    def density(self) -> float:
        """kept / total"""
        return self.count() / self.total

    def report(self) -> list[dict[str, int]]:
        """One dict a layer: n_in, n_out, total, kept_weights, kept_biases, inputs (how many are read)."""
        return [
            {
                "n_in": layer.n_in,
                "n_out": layer.n_out,
                "total": layer.total,
                "kept_weights": layer.kept_weights,
                "kept_biases": layer.kept_biases,
                "inputs": len(used),
            }
            for layer, used in zip(self.layers, self.used_inputs(), strict=True)
        ]

    def reaches(self) -> np.ndarray:
        """(n_in, n_out) bool: whether any path of connections leads from an input to an output."""
        return reaches(self.layers)

    def trim(self) -> SparseNetwork:
        """The same function with fewer numbers: without what reaches no output or never changes; see `trim`."""
        return SparseNetwork(trim(self.layers, self.meta.activation), self.meta)

    def export(self, to: str, **options: Any) -> bytes:
        """The network in another language, one of "c", "onnx", "numpy", "js" and "json": the content of a file.

        options : see `sparse.export.export`, for example int8=True for C in fixed point
        """
        from tinygsp.sparse.export import export

        return export(self, to, **options)

    # --- the model file ---

    def to_bytes(self) -> bytes:
        """The content of a model file: a compressed .npz that NumPy reads without pickle; see `file.py`.

        The same network gives the same bytes. Raises ModelFileError if it could not be read back.
        """
        return model_bytes(self.layers, self.meta)

    def save(self, path: str | os.PathLike) -> None:
        """Write the model file `path`, whole or not at all."""
        write_atomic(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike) -> SparseNetwork:
        """Read a model file. Everything in it is checked; whatever is wrong raises ModelFileError."""
        return cls(*read_model(path))
