"""Score inputs with a network: by the compiled kernels or, where numba is missing, by NumPy alone."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygsp.data.scaling import is_columnwise
from tinygsp.sparse.plain import plain_scores

if TYPE_CHECKING:
    from tinygsp.sparse.network import SparseNetwork


@functools.cache
def has_kernels() -> bool:
    """Whether the compiled kernels can be used; says on stderr, once, if not."""
    try:
        from tinygsp.nn import kernels  # noqa: F401
    except ImportError as error:
        reason = str(error).splitlines()[0]
        message = "warning: numba cannot be imported (%s); predictions take NumPy instead, two to three times as long"
        logging.getLogger("tinygsp").warning(message, reason)
        return False
    return True


def make_runner(network: SparseNetwork, dtype: Any, block: int) -> Callable[..., np.ndarray]:
    """A function from values (n, n_in) of `dtype` to scores (n, n_out) float32; see `SparseNetwork.runner`."""
    nodes, meta, columnwise = network.nodes, network.meta, is_columnwise(network.meta)
    is_plain = np.dtype(dtype) in (np.uint8, np.float32) and not columnwise
    dtype = np.dtype(dtype if is_plain else np.float32)
    inputs = nodes["inputs"]
    n_in, n_out = network.layers[0].n_in, network.layers[-1].n_out
    read = np.arange(inputs.size, dtype=np.uint32) if columnwise else inputs  # columns of what is handed on
    nodes = {**nodes, "inputs": read}
    if has_kernels():
        write_scores = compiled_scores(nodes, meta.activation == "silu", dtype, block)
    else:
        sizes = [len(used) for used in network.used_inputs()[1:]] + [n_out]
        write_scores = plain_scores(nodes, sizes, meta.activation == "silu")

    def run(values: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        if values.ndim != 2 or values.shape[1] != n_in:
            raise ValueError(f"values has shape {values.shape}: expected (n, {n_in})")
        if out is not None and (out.shape != (len(values), n_out) or out.dtype != np.float32):
            expected = f"float32 ({len(values)}, {n_out})"
            raise ValueError(f"out is {out.dtype} {out.shape}: expected {expected}")
        scores = np.empty((len(values), n_out), np.float32) if out is None else out
        if columnwise:  # not in the loop, which knows one line a weight and float32 alone
            values = meta.scaled(values[:, inputs], inputs)
        if values.dtype != dtype:
            with np.errstate(over="ignore"):  # a number too large for float32 becomes inf
                values = values.astype(dtype)
        values = np.ascontiguousarray(values)
        write_scores(values, scores)
        return scores

    return run


def compiled_scores(
    nodes: dict[str, Any], silu: bool, dtype: np.dtype, block: int
) -> Callable[[np.ndarray, np.ndarray], None]:
    """A function that writes the scores of values (n, k) of `dtype` to its second argument, by the compiled loop."""
    from tinygsp.nn import kernels

    inputs = nodes["inputs"]
    raw = np.empty((inputs.size, block), dtype)
    z = np.empty((inputs.size + nodes["bias"].size, block), np.float32)
    graph = inputs, nodes["starts"], nodes["sources"], nodes["weights"], nodes["bias"]
    return lambda values, scores: kernels.network_scores(values, *graph, nodes["hidden"], silu, raw, z, scores)


def best_class(scores: np.ndarray) -> np.ndarray:
    """The highest score's column of each row, the first if several are equal: (n,) int64, or one of scores (n_out,)."""
    if not has_kernels() or scores.ndim == 1:
        return scores.argmax(axis=-1)
    from tinygsp.nn import kernels

    best = np.empty(len(scores), np.int64)
    kernels.row_argmax(scores, best)
    return best
