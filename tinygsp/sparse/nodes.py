"""Prepare a network for `kernels.network_scores`: one list of nodes instead of layers."""

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

    Returns a dict of arguments of `kernels.network_scores`: inputs, starts, sources, weights, bias and hidden.
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
    return {
        "inputs": read[0].astype(np.uint32),
        "starts": np.append(0, np.cumsum(np.concatenate(fan_in))),
        "sources": np.concatenate(sources).astype(np.uint32),
        "weights": np.concatenate(weights).astype(np.float32),
        "bias": np.concatenate(bias).astype(np.float32),
        "hidden": int(first_node[-2] - first_node[1]),  # units that are not outputs
    }
