"""The best linear model of a budget: the yardstick of every table, and a candidate that a network must beat.

    z = x W + b       with at most `budget` nonzero numbers among all W and b

It starts from all parameters, or where they are too many from the most promising ones, drops those that cost least,
then swaps; see `newton.py`. Lesson 14 builds it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygsp.data import Dataset
from tinygsp.sparse import SparseNetwork
from tinygsp.training.newton import Small, drop, grow, swap, train
from tinygsp.training.problem import Problem, problem_of, thinned, to_network
from tinygsp.training.trainer import make_meta

DECAY = 1e-3  # of the model while its parameters are chosen
DECAYS = (1e-4, 1e-3, 1e-2, 1e-1)  # among which validation chooses
MAX_WORK = 2e9  # samples times squared parameters above which not all parameters can be looked at together


def fit_linear(
    dataset: Dataset,
    budget: int,
    *,
    loss: str = "",
    decay: float | None = None,
    weights: np.ndarray | None = None,
    whole: bool = False,
) -> SparseNetwork:
    """Fit a linear model with at most `budget` nonzero parameters, biases included; returns a network of one layer.

    dataset : Dataset; the model is fitted to its training split, at most `problem.MAX_ROWS` samples
    loss    : "cross-entropy", "squared", "absolute" or "huber"; "" is the first or the second, by the task
    decay   : of the weights; None takes the best on the validation split
    weights : (n,) float, of the training samples; None: all are 1
    whole   : whether it is fitted to both splits once `decay` is known, as the result of `fit_table` is

    Two classes need one score, so the first output has no parameter then. A regression keeps the bias of each output.
    """
    if weights is not None:
        weights = np.append(weights, np.ones(len(dataset.val_x)))
    small, weights = thinned(dataset, weights, 0)
    both, n = problem_of(small, loss, weights, whole=True), len(small.train_x)
    problem = both.take(np.arange(n))
    net = linear(problem, budget)
    if decay is None:
        decay = best_decay(net, both.take(np.arange(n, len(both.x))), DECAYS)
    if whole:
        problem = both
        net = linear(both, budget)
    net.set_decay(decay)
    train(net, 20)
    return to_network(net, problem, make_meta(dataset, "silu"))


def linear(problem: Problem, budget: int, decay: float = DECAY) -> Small:
    """The linear model of at most `budget` parameters for a problem."""
    shape = problem.x.shape[1] + 1, problem.n_out
    if len(problem.x) * (shape[0] * shape[1]) ** 2 > MAX_WORK:
        net = problem.small([np.zeros(shape)], [np.zeros(shape, bool)], decay)
        grow(net, min(2 * budget, budget + 200))
    else:
        net = problem.small([np.zeros(shape)], None, decay)
    train(net, 10, 1e-4)
    drop(net, budget, share=0.1 if net.count() > 100 else 0.01, steps=1)
    swap(net)
    train(net, 20)
    return net


def best_decay(net: Small, validation: Problem, decays: Sequence[float]) -> float:
    """The decay with which a small network, its wiring as it is, has the lowest loss on a validation problem."""
    found = {}
    memory = net.memory()
    for decay in decays:
        net.set_decay(decay)
        train(net, 10, 1e-4)
        found[decay] = validation.losses(net.outputs(validation.x)).mean()
    net.recall(memory)
    return min(found, key=found.get)
