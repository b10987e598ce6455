"""Find which inputs of a network reach which outputs, in memory that follows what is kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygsp.sparse.layer import SparseLayer

BLOCK = 2**24  # bytes that are gathered at a time


def reaches(layers: Sequence[SparseLayer]) -> np.ndarray:
    """(n_in, n_out) bool: whether any path of nonzero weights leads from an input to an output.

    From the last layer to the first, every unit that is read gets the union of what the units reach that read it. The
    outputs that it reaches are bits, eight in a byte, and a few bytes are handled at a time where there are many.
    """
    n_out = layers[-1].n_out
    found = np.zeros((layers[0].n_in, n_out), bool)
    width = max(1, BLOCK // max(1, *(layer.row.size for layer in layers)))  # bytes
    for first in range(0, n_out, 8 * width):
        last = min(first + 8 * width, n_out)
        units, bits = np.arange(first, last), np.packbits(np.eye(last - first, dtype=bool), axis=1)
        for layer in reversed(layers):
            live = np.flatnonzero((layer.weight != 0) & np.isin(layer.col, units))
            live = live[np.argsort(layer.row[live], kind="stable")]
            rows, starts = np.unique(layer.row[live], return_index=True)
            gathered = bits[np.searchsorted(units, layer.col[live])]
            units, bits = rows, np.bitwise_or.reduceat(gathered, starts) if live.size else bits[:0]
        found[units, first:last] = np.unpackbits(bits, axis=1, count=last - first)
    return found
