"""Scores that several methods use."""

import numpy as np

from tinygsp.training import Net


def lamp(net: Net) -> list[np.ndarray]:
    """LAMP scores of the weights (Lee et al. 2021, eq. 4): w^2 / (sum of all squares of the layer not below w^2).

    They rank as magnitude does within a layer, and between layers by what removing a weight costs the layer. Returns
    for each layer an array of float32, shaped like its W.
    """
    scores = []
    for layer in net.layers:
        W, alive = layer.params["W"], layer.params["gate"] > -np.inf
        square = np.where(alive, W.astype(np.float64) ** 2, 0).ravel()
        order = np.argsort(-square, kind="stable")
        ratio = np.empty_like(square)
        ratio[order] = square[order] / np.maximum(np.cumsum(square[order]), 1e-300)
        scores.append(ratio.reshape(W.shape).astype(np.float32))
    return scores
