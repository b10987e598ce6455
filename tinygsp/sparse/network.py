"""SparseNetwork: what is left when pruning is done, a network of a few hundred numbers.

It knows its connections, its biases and how to scale an input, and nothing of gates or training. Its parameters are
counted here and nowhere else. Lesson 10 ends with one, lesson 11 reads it. Read `layer.py` first.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygsp.data.files import write_atomic
from tinygsp.nn import kernels
from tinygsp.nn.gates import softmax
from tinygsp.sparse.file import model_bytes, read_model
from tinygsp.sparse.layer import Meta, SparseLayer
from tinygsp.sparse.nodes import node_list
from tinygsp.sparse.trim import trim

BLOCK = 128  # samples that go through the network together: their numbers fit the second-level cache


class SparseNetwork:
    """A stack of SparseLayers with an activation between them.

    layers : of SparseLayer, each n_out equal to the next n_in
    meta   : Meta
    """

    def __init__(self, layers: Iterable[SparseLayer], meta: Meta) -> None:
        self.layers = tuple(layers)
        self.meta = meta

    # --- use ---

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Outputs for raw inputs: values (n, n_in), uint8 pixels or floats -> (n, n_out) float32."""
        return self.runner(values.dtype)(values)

    def runner(self, dtype: Any = np.uint8, block: int = BLOCK) -> Callable[..., np.ndarray]:
        """A function from values (n, n_in) of `dtype` to scores (n, n_out) float32, with its memory set up once.

        With block=1 and `out`, a (1, n_out) float32 array to write to, it scores one image after another and
        allocates nothing: `run(image.reshape(1, -1), out)`.
        """
        nodes = self.nodes
        dtype = np.dtype(dtype) if np.dtype(dtype) in (np.uint8, np.float32) else np.dtype(np.float32)
        raw = np.empty((nodes["inputs"].size, block), dtype)
        z = np.empty((nodes["inputs"].size + nodes["bias"].size, block), np.float32)
        graph = nodes["inputs"], nodes["starts"], nodes["sources"], nodes["weights"], nodes["bias"]
        options = nodes["hidden"], self.meta.activation == "silu", raw, z
        n_in, n_out = self.layers[0].n_in, self.layers[-1].n_out

        def run(values: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
            if values.ndim != 2 or values.shape[1] != n_in:
                raise ValueError(f"values has shape {values.shape}: expected (n, {n_in})")
            scores = np.empty((len(values), n_out), np.float32) if out is None else out
            kernels.network_scores(np.ascontiguousarray(values, dtype), *graph, *options, scores)
            return scores

        return run

    @functools.cached_property
    def nodes(self) -> dict[str, Any]:
        """The network as one list of nodes, for `kernels.network_scores`; see `node_list`."""
        return node_list(self.layers, self.meta)

    def predict(self, values: np.ndarray) -> np.ndarray:
        """Most probable class of each input (n,) int64; for a regression the outputs themselves (n, n_out)."""
        scores = self.scores(values)
        if self.meta.task != "classification":
            return scores
        best = np.empty(len(scores), np.int64)
        kernels.row_argmax(scores, best)
        return best

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        """Class probabilities (n, n_out): the softmax of the scores."""
        if self.meta.task != "classification":
            raise ValueError(f"predict_proba needs a classification network, this one is a {self.meta.task}")
        return softmax(self.scores(values))

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
        reached = np.eye(self.layers[0].n_in, dtype=bool)
        for layer in self.layers:
            reached = (reached @ (layer.dense() != 0).astype(np.float32)) > 0
        return reached

    def trim(self) -> SparseNetwork:
        """The same function with fewer numbers: without what reaches no output or never changes; see `trim`."""
        return SparseNetwork(trim(self.layers, self.meta.activation), self.meta)

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
