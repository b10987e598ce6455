"""Measure how much each input matters: replace it, run the network again, and compare score and loss.

`ablation` sets an input to a constant, `permutation` shuffles it among the samples. `spearman` compares the order of
the inputs that these give with the order that a definition in `importance.py` predicts. Built in lesson 13.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinygsp.nn.losses import softmax_cross_entropy
from tinygsp.nn.metrics import score as accuracy_or_r_squared
from tinygsp.reading.matrices import Matrices, compact, forward, over_inputs, scale
from tinygsp.sparse import ACTIVATIONS, SparseNetwork


def evaluate(network: SparseNetwork, scores: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Judge the scores (n, n_out): (score, loss), accuracy and cross-entropy, or R² and squared error of a regression.

    R² is averaged over the outputs. The squared error is summed over the outputs and averaged over the samples.
    """
    score = accuracy_or_r_squared(scores, target, network.meta.task)
    if network.meta.task == "classification":
        return score, softmax_cross_entropy(scores, target)[0]
    return score, float(((scores - target) ** 2).mean(axis=0).sum())


def scores_with(
    network: SparseNetwork,
    states: list[tuple[np.ndarray, np.ndarray]],
    i: int,
    column: np.ndarray | float,
    matrices: Matrices | None = None,
) -> np.ndarray:
    """Compute the scores (n, n_out) with the i-th input in use replaced by column, (n,) or a number, in scaled units.

    states   : as `forward` gives them for the inputs as they are
    matrices : `compact(network)`, if it is at hand

    Only the units that the change reaches are computed again, from the change of their inputs.
    """
    activation = ACTIVATIONS[network.meta.activation]
    moved, change = np.array([i]), np.reshape(column - states[0][0][:, i], (-1, 1))
    for (W, _), (_, z), following in zip(matrices or compact(network), states, [*states[1:], None]):
        reached = np.flatnonzero(W[moved].any(axis=0))
        new = z[:, reached] + change @ W[np.ix_(moved, reached)]
        if following is None:
            scores = z.copy()
            scores[:, reached] = new
            return scores
        moved, change = reached, activation(new) - following[0][:, reached]


def ablation(
    network: SparseNetwork, values: np.ndarray, target: np.ndarray, fill: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Set each input in turn to fill, for all samples, and measure what the network loses.

    values : (n, n_in)  raw inputs
    target : (n,) int labels of a classification; (n, n_out) of a regression
    fill   : (n_in,)    raw values; the mean of `values` unless given

    Returns (drop, increase), each (n_in,): fall of the score and rise of the loss of `evaluate`.
    """
    fill = values.mean(axis=0) if fill is None else fill
    column = scale(network, fill)[network.used_inputs()[0]]
    return measure(network, forward(network, values), target, lambda i: column[i])


def permutation(
    network: SparseNetwork, values: np.ndarray, target: np.ndarray, rng: np.random.Generator, repeats: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Shuffle each input in turn among the samples and measure what the network loses (Breiman 2001).

    Arguments and result as in `ablation`; the result is the mean of `repeats` shuffles.
    """
    states = forward(network, values)
    x = states[0][0]
    shuffles = [measure(network, states, target, lambda i: x[rng.permutation(len(x)), i]) for _ in range(repeats)]
    drop, increase = np.mean(shuffles, axis=0)
    return drop, increase


def measure(
    network: SparseNetwork,
    states: list[tuple[np.ndarray, np.ndarray]],
    target: np.ndarray,
    column: Callable[[int], np.ndarray | float],
) -> tuple[np.ndarray, np.ndarray]:
    """Replace the i-th input in use by column(i), one input at a time: (drop, increase), each (n_in,)."""
    matrices = compact(network)
    score, loss = evaluate(network, states[-1][1], target)
    changed = (scores_with(network, states, i, column(i), matrices) for i in range(states[0][0].shape[1]))
    after = np.array([evaluate(network, scores, target) for scores in changed]).reshape(-1, 2)
    return over_inputs(network, score - after[:, 0]), over_inputs(network, after[:, 1] - loss)


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Compute the rank correlation of two (n,) arrays, in [-1, 1] (Spearman 1904).

    Equal values share the mean of their ranks. The result is nan where one of the arrays is constant.
    """
    a, b = (ranks(v) - np.mean(ranks(v)) for v in (a, b))
    length = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / length) if length > 0 else float("nan")


def ranks(a: np.ndarray) -> np.ndarray:
    """Rank (n,) values from 1 to n, the smallest first; equal values share the mean of their ranks."""
    _, group, count = np.unique(a, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[group]
