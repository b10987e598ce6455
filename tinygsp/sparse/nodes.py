"""Prepare a network for prediction: one list of nodes instead of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygsp.data.scaling import is_columnwise
from tinygsp.sparse.layer import Meta, SparseLayer


def node_list(layers: Sequence[SparseLayer], meta: Meta) -> dict[str, Any]:
    """The network as one list of nodes: first the inputs that are read, then the units, layer by layer.

    The scaling of the input moves into the first layer, if all inputs have the same:

        w * ((v / d - m) / s) = (w / (d s)) * v - w m / s

    Unit u is bias[u] plus the weighted sum of its sources, connections starts[u] to starts[u + 1].

    Returns a dict:
    inputs                : the columns that are read; if each has its own scale, they are scaled first, and then
    read, width           : the same columns in what is handed on, and how many columns that has
    starts, sources       : connections of each unit, and which node each connection reads
    weights, bias, hidden : hidden is how many units are not outputs
    sizes                 : how many units each layer has
    """
    # The units of each layer that some connection reads, inputs first; every output is read.
    read = [np.unique(layer.row) for layer in layers] + [np.arange(layers[-1].n_out)]
    first_node = np.cumsum([0, *(len(u) for u in read)])  # of each layer, in the list
    sources, weights, bias, fan_in = [], [], [], []
    for k, layer in enumerate(layers):
        W, b = layer.weight.astype(np.float64), layer.bias.astype(np.float64)
        if k == 0 and not is_columnwise(meta):
            b = b - np.bincount(layer.col, W, layer.n_out) * (meta.mean / meta.std)
            W = W / (meta.divisor * meta.std)
        keep = np.isin(layer.col, read[k + 1])
        keep = np.flatnonzero(keep)[np.argsort(layer.col[keep], kind="stable")]
        sources.append(first_node[k] + np.searchsorted(read[k], layer.row[keep]))
        weights.append(W[keep])
        bias.append(b[read[k + 1]])
        fan_in.append(np.bincount(layer.col[keep], minlength=layer.n_out)[read[k + 1]])
    with np.errstate(over="ignore"):  # what the scaling makes too large for float32 becomes inf, and so do the scores
        weights, bias = (np.concatenate(parts).astype(np.float32) for parts in (weights, bias))
    return {
        "inputs": read[0].astype(np.uint32),
        "read": np.arange(len(read[0]), dtype=np.uint32) if is_columnwise(meta) else read[0].astype(np.uint32),
        "width": len(read[0]) if is_columnwise(meta) else layers[0].n_in,
        "starts": np.append(0, np.cumsum(np.concatenate(fan_in))),
        "sources": np.concatenate(sources).astype(np.uint32),
        "weights": weights,
        "bias": bias,
        "hidden": int(first_node[-2] - first_node[1]),
        "sizes": tuple(map(len, read[1:])),
    }


def graph_of(nodes: dict[str, Any], window: int) -> tuple:
    """The list of nodes as `nn.lanes.network_scores` takes it.

    window : int   neighbouring inputs that can be transposed together; they are where there are at least twice as many
                   inputs to read as windows
    """
    inputs, width = nodes["read"], nodes["width"]
    windows, done = [], 0  # where windows begin, and up to which input they reach
    while width >= window and inputs.size and done <= inputs[-1]:
        windows.append(min(int(inputs[np.searchsorted(inputs, done)]), width - window))
        done = windows[-1] + window
    windows = np.array(windows if 2 * len(windows) <= inputs.size else [], np.int64)
    rows = np.arange(inputs.size)  # where each input is put
    if windows.size:
        k = np.searchsorted(windows, inputs, side="right") - 1  # the window that has each input
        rows = window * k + inputs - windows[k]
    sources, units = nodes["sources"].astype(np.int64), nodes["sizes"][0]
    first = nodes["starts"][units]  # connection that does not read inputs
    sources = np.concatenate([rows[sources[:first]], sources[first:] - inputs.size]).astype(np.uint32)
    reads = inputs, rows.astype(np.uint32), windows, units
    return *reads, nodes["starts"], sources, nodes["weights"], nodes["bias"], nodes["hidden"]
