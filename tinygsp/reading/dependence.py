"""Show how the answer of a network depends on one input, averaged over samples: partial dependence (Friedman 2001)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygsp.nn.gates import softmax
from tinygsp.sparse import SparseNetwork

MOST_SAMPLES = 500


def partial_dependence(
    network: SparseNetwork, values: np.ndarray, inputs: Sequence[int], points: int = 41
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Set each input in turn to a row of values, for all samples, and average what the network says.

    values : (n, n_in) raw inputs; of many samples the first MOST_SAMPLES
    inputs : the columns to look at

    Returns for each input (grid, mean): grid (g,) raw values, from the 1 % to the 99 % quantile of the input, or all
    its values if they are fewer than ten; mean (g, n_out), probabilities of the classes or outputs of a regression.
    """
    samples = values[:MOST_SAMPLES]
    found = []
    for i in inputs:
        grid = np.unique(values[:, i])
        if len(grid) >= 10:
            grid = np.linspace(*np.quantile(values[:, i], (0.01, 0.99)), points)
        changed, means = samples.copy(), []
        for value in grid:
            changed[:, i] = value
            scores = network.scores(changed)
            means.append((softmax(scores) if network.meta.task == "classification" else scores).mean(axis=0))
        found.append((grid, np.array(means)))
    return found
