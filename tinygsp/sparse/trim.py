"""Remove from a network what does not change its function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tinygsp.sparse.layer import ACTIVATIONS, SparseLayer


def trim(layers: Sequence[SparseLayer], activation: str) -> list[SparseLayer]:
    """The same function with fewer numbers: fold what never changes, drop what reaches no output.

    A unit without inputs has the constant value act(bias); the next layer takes that into its bias, from the first
    layer to the last, because the next unit may be constant then. A unit that no connection reads is dropped with its
    own connections, from the last layer to the first, because the unit before may be unread then. Weights that are
    exactly zero are removed before.
    """
    layers = [layer.select(layer.weight != 0) for layer in layers]
    act = ACTIVATIONS[activation]
    for k in range(len(layers) - 1):
        layer, following = layers[k], layers[k + 1]
        constant = ~np.isin(following.row, layer.col)  # connections that start at a unit without inputs
        fixed = act(layer.bias)[following.row[constant]] * following.weight[constant]  # what they always carry
        bias = following.bias.copy()
        np.add.at(bias, following.col[constant], fixed)
        layers[k + 1] = replace(following.select(~constant), bias=bias)
    for k in reversed(range(len(layers) - 1)):
        read = np.isin(np.arange(layers[k].n_out), layers[k + 1].row)
        layers[k] = replace(layers[k].select(read[layers[k].col]), bias=np.where(read, layers[k].bias, 0))
    return layers
