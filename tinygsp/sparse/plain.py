"""Score inputs with NumPy alone, where numba is missing: a twin of `nn.lanes.network_scores`.

A pruned layer is a matrix that is nearly empty, but a product with the matrix of its live rows and columns is the
fastest that NumPy has. The units of the first layer are taken in groups of those that read inputs near each other:
each group reads few inputs, so its matrix is small. What all groups read is picked at once, group by group.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

BLOCK = 1000  # samples at a time: their numbers stay in the cache, and a call of NumPy costs little beside its work
MAX_MATRIX = 2**22  # numbers of a layer as a matrix
GROUP = 12  # units of the first layer that share a product


def plain_scores(nodes: dict[str, Any], silu: bool) -> Callable[[np.ndarray, np.ndarray], None]:
    """A function that writes the scores of values (n, k) to its second argument, (n, n_out) float32.

    nodes : as `node_list` gives it;  silu : the activation is SiLU, else ReLU
    """
    levels = [len(nodes["read"]), *nodes["sizes"]]
    if max(n_in * n_out for n_in, n_out in pairwise(levels)) > MAX_MATRIX:
        return unit_by_unit(nodes, silu)
    layers = matrices(nodes)
    W, bias = layers[0]
    order = np.argsort([row.nonzero()[0].mean() if row.any() else 0 for row in W.T], kind="stable")
    groups, reads, start = [], [], 0  # of the first layer: (place of its inputs among all that are picked, W), inputs
    for units in np.array_split(order, max(1, len(order) // GROUP)):
        rows = np.flatnonzero(W[:, units].any(axis=1))
        groups.append((slice(start, start + len(rows)), W[np.ix_(rows, units)]))
        reads.append(nodes["read"][rows].astype(np.intp))
        start += len(rows)
    inputs = np.concatenate(reads)
    bias, rest = bias[order], layers[1:]
    if rest:
        rest[0] = (rest[0][0][order], rest[0][1])
    else:
        back = np.argsort(order)

    def run(values: np.ndarray, scores: np.ndarray) -> None:
        for first in range(0, len(values), BLOCK):
            block = values[first : first + BLOCK]
            picked = block.take(inputs, axis=1, mode="clip").astype(np.float32)  # none is outside: clip is quick
            x = np.concatenate([picked[:, place] @ part for place, part in groups], axis=1)
            x += bias
            for W, b in rest:
                x = activate(x, silu) @ W
                x += b
            scores[first : first + BLOCK] = x if rest else x[:, back]

    return run


def unit_by_unit(nodes: dict[str, Any], silu: bool) -> Callable[[np.ndarray, np.ndarray], None]:
    """The same function for layers that would be huge matrices: it takes memory for what is connected, and is slow."""
    n_read, starts, sources = len(nodes["read"]), nodes["starts"].tolist(), nodes["sources"].astype(np.intp)

    def run(values: np.ndarray, scores: np.ndarray) -> None:
        for first in range(0, len(values), BLOCK):
            block = values[first : first + BLOCK]
            z = np.empty((n_read + len(nodes["bias"]), len(block)), np.float32)
            z[:n_read] = block[:, nodes["read"]].T
            for u, bias in enumerate(nodes["bias"]):
                own = slice(starts[u], starts[u + 1])
                y = z[n_read + u]
                y[:] = nodes["weights"][own] @ z[sources[own]] + bias
                if u < nodes["hidden"]:
                    activate(y, silu)
            scores[first : first + BLOCK] = z[n_read + nodes["hidden"] :].T

    return run


def activate(x: np.ndarray, silu: bool) -> np.ndarray:
    """SiLU or ReLU in place."""
    if not silu:
        return np.maximum(x, 0, out=x)
    e = np.negative(x)
    with np.errstate(over="ignore", invalid="ignore"):  # 1 / (1 + exp(1000)) is 0, as it should be
        np.exp(e, out=e)
        e += 1
        x /= e
    return x


def matrices(nodes: dict[str, Any]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(W, b) of each layer, W of its live rows and columns, from the list of nodes."""
    starts, found = nodes["starts"], []
    unit, source, n_in = 0, 0, len(nodes["read"])  # the first of this layer, the first that it reads, and how many
    for n_out in nodes["sizes"]:
        own = slice(starts[unit], starts[unit + n_out])
        W = np.zeros((n_in, n_out), np.float32)
        col = np.repeat(np.arange(n_out), np.diff(starts[unit : unit + n_out + 1]))
        W[nodes["sources"][own] - np.uint32(source), col] = nodes["weights"][own]
        found.append((W, nodes["bias"][unit : unit + n_out]))
        unit, source, n_in = unit + n_out, source + n_in, n_out
    return found
