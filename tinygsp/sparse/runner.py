"""Score inputs with a network: by compiled loops or, where numba is missing, by NumPy alone."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygsp.data.scaling import is_columnwise
from tinygsp.sparse.plain import plain_scores

if TYPE_CHECKING:
    from tinygsp.sparse.network import SparseNetwork


@functools.cache
def has_kernels() -> bool:
    """Whether the compiled loops can be used; says on stderr, once, if not."""
    try:
        import numba  # noqa: F401  (before lanes loads its compiler, which is large and would stay)

        from tinygsp.nn import lanes  # noqa: F401
    except ImportError as error:
        reason = str(error).splitlines()[0]
        message = "warning: numba cannot be imported (%s); predictions take NumPy instead, several times as long"
        logging.getLogger("tinygsp").warning(message, reason)
        return False
    return True


class Runner:
    """Scores values of one type with a network; what that needs is set up once.

    network : SparseNetwork;  dtype : of the values; others are converted to it, or where it is neither uint8 nor
              float32, to float32
    """

    def __init__(self, network: SparseNetwork, dtype: Any) -> None:
        self.meta, self.columnwise = network.meta, is_columnwise(network.meta)
        self.n_in, self.n_out = network.layers[0].n_in, network.layers[-1].n_out
        is_plain = np.dtype(dtype) in (np.uint8, np.float32) and not self.columnwise
        self.dtype = np.dtype(dtype if is_plain else np.float32)
        self.inputs, is_silu = network.nodes["inputs"], network.meta.activation == "silu"
        self.compiled = has_kernels()
        if self.compiled:
            from tinygsp.nn import lanes

            graph = network.graph
            inputs, _, windows, *_, bias, _ = graph
            raw = np.zeros((windows.size * lanes.WINDOW or inputs.size, lanes.LANES), self.dtype)
            z = np.zeros((bias.size + 2, lanes.LANES), np.float32)
            self.write_scores = lambda x, scores: lanes.network_scores(x, graph, is_silu, raw, z, scores)
            self.write_classes = lambda x, best: lanes.network_classes(x, graph, is_silu, raw, z, best)
        else:
            self.write_scores = plain_scores(network.nodes, is_silu)

    def __call__(self, values: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """The scores (n, n_out) float32 of values (n, n_in), in `out` if it is given.

        Where `out` is given and values are a C-contiguous array of its type, nothing is allocated.
        """
        values = self.prepare(values)
        if out is not None and (out.shape != (len(values), self.n_out) or out.dtype != np.float32):
            expected = f"float32 ({len(values)}, {self.n_out})"
            raise ValueError(f"out is {out.dtype} {out.shape}: expected {expected}")
        scores = np.empty((len(values), self.n_out), np.float32) if out is None else out
        self.write_scores(values, scores)
        return scores

    def classes(self, values: np.ndarray) -> np.ndarray | None:
        """The column of the highest score, the first if several are equal: (n,) int64; None if one may not be finite.

        Without the compiled loops None, too: then take the scores.
        """
        if not self.compiled:
            return None
        values = self.prepare(values)
        best = np.empty(len(values), np.int64)
        return best if self.write_classes(values, best) else None

    def prepare(self, values: np.ndarray) -> np.ndarray:
        """Values as the loops take them. Raises ValueError if they are not (n, n_in)."""
        if values.ndim != 2 or values.shape[1] != self.n_in:
            raise ValueError(f"values has shape {values.shape}: expected (n, {self.n_in})")
        if self.columnwise:  # not in the loop, which knows one line a weight and float32 alone
            values = self.meta.scaled(values[:, self.inputs], self.inputs)
        if values.dtype != self.dtype:
            with np.errstate(over="ignore"):  # a number too large for float32 becomes inf
                values = values.astype(self.dtype)
        return np.ascontiguousarray(values)
