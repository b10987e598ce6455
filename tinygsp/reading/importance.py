"""Predict how much each input matters: eight definitions from the literature, side by side.

The definitions disagree, so none is trusted unmeasured: `measured.py` takes each input away and looks at the loss, and
`spearman` there compares the two. Built in lesson 13.
"""

from __future__ import annotations

import numpy as np

from tinygsp.data.scaling import is_columnwise
from tinygsp.nn.gates import softmax
from tinygsp.reading.matrices import compact, forward, gradients, mean_gradients, over_inputs, scale
from tinygsp.reading.pathways import path_counts, path_weights
from tinygsp.sparse import SparseNetwork


def importances(
    network: SparseNetwork, values: np.ndarray, target: np.ndarray, fill: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Compute every definition of the importance of an input: {name: (n_in,)}, zero for an input that is not read.

    values : (n, n_in)  raw inputs
    target : (n,) int labels of a classification; (n, n_out) of a regression
    fill   : (n_in,)    the raw value that stands for "not known"; the mean of `values` unless given

    With g_c = d score_c / d x_i and d_c = g_c (fill_i - x_i), the change of score c if input i were set to fill and the
    network were linear:

        paths                  number of paths from i to any output
        path weight            sum over these paths of |product of weights|  (Garson 1991)
        path weight x spread   the same times the standard deviation of input i
        gradient               mean of sum_c |g_c|  (saliency: Simonyan et al. 2013)
        gradient x input       mean of sum_c |d_c|  (Shrikumar et al. 2016; input measured from fill)
        Taylor                 mean of |sum_c dL/dscore_c d_c|  (Molchanov et al. 2017)
        Fisher                 mean of the curvature term below  (Theis et al. 2018)
        Taylor + curvature     predicted change of the loss, to second order in the scores: the mean of
                               sum_c dL/dscore_c d_c + 1/2 d' H d  (optimal brain damage: LeCun et al. 1990)

    L is the loss of `evaluate`, H its second derivative in the scores: for softmax and cross-entropy d'Hd is the
    variance of d under the predicted probabilities, for the squared error 2 sum_c d_c**2. The first three need no
    labels, the first two no data.
    """
    states = forward(network, values)
    fill = values.mean(axis=0) if fill is None else fill
    weight = path_weights(network).sum(axis=1)
    return {
        "paths": path_counts(network).sum(axis=1),
        "path weight": weight,
        "path weight x spread": weight * over_inputs(network, states[0][0].std(axis=0)),
        **_from_gradients(network, states, target, fill),
    }


def _from_gradients(
    network: SparseNetwork, states: list[tuple[np.ndarray, np.ndarray]], target: np.ndarray, fill: np.ndarray
) -> dict[str, np.ndarray]:
    """Compute the definitions that need g_c: {name: (n_in,)}; states as `forward` gives them."""
    x, scores = states[0][0], states[-1][1]
    away = scale(network, fill)[network.used_inputs()[0]] - x
    classify = network.meta.task == "classification"
    if classify:
        share = softmax(scores)  # (n, n_out)
        slope = share - np.eye(scores.shape[1])[target]  # dL/dscore
    else:
        share, slope = np.full(scores.shape, 2.0), 2 * (scores - target)
    matrices = compact(network)
    saliency, moved, first, mean, square = (np.zeros_like(x) for _ in range(5))
    for c in range(scores.shape[1]):
        gradient = gradients(network, states, c, matrices)
        move = gradient * away
        saliency += np.abs(gradient)
        moved += np.abs(move)
        first += slope[:, c, None] * move
        mean += share[:, c, None] * move
        square += share[:, c, None] * move**2
    second = (square - mean**2 if classify else square) / 2
    per_sample = {
        "gradient": saliency,
        "gradient x input": moved,
        "Taylor": np.abs(first),
        "Fisher": second,
        "Taylor + curvature": first + second,
    }
    return {name: over_inputs(network, values.mean(axis=0)) for name, values in per_sample.items()}


def class_maps(network: SparseNetwork, values: np.ndarray, absolute: bool = False) -> np.ndarray:
    """Compute how each score moves when an input rises by its standard deviation: (n_in, n_out).

    values   : (n, n_in)  raw inputs
    absolute : average |gradient| instead, for scores that rise and fall with the input

    This is the mean gradient times the standard deviation of the input. The scores of classes count by their
    differences, so those of a classification are measured from the mean over the classes.
    """
    if is_columnwise(network.meta):
        spread = scale(network, values).std(axis=0)
    else:
        spread = values.std(axis=0) / (network.meta.divisor * network.meta.std)
    maps = mean_gradients(network, values, absolute) * spread[:, None]
    return maps - maps.mean(axis=1, keepdims=True) if network.meta.task == "classification" else maps
