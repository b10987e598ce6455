"""What is closed for good, and how the network gets smaller by it: retire, compact, freeze.

Closing a gate for good, by a logit of -inf, is the decision; compacting only makes the work follow it and changes no
result beyond rounding. Freezing fixes the wiring at the budget. Lesson 10 builds these functions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygsp.nn.layers import MaskedEdges
from tinygsp.training.method import MethodError
from tinygsp.training.net import Net

CLOSED = -np.inf  # the gate of a connection that is closed for good


def close(net: Net, keep: Sequence[np.ndarray]) -> None:
    """Close for good every connection where `keep` is false, and those that then hang on a dead unit.

    keep : a bool array for each layer, shaped like its W

    A unit without a live input or without a live output is dead. What is closed leaves the layers (`compact`).
    """
    connections = [layer.connections() for layer in net.layers]
    for layer, kept in zip(net.layers, keep):
        layer.params["gate"][~kept] = CLOSED

    alive = [layer.params["gate"] > CLOSED for layer in net.layers]
    rows = [np.unique(row[live]) for (row, _), live in zip(connections, alive)]
    cols = [np.unique(col[live]) for (_, col), live in zip(connections, alive)]
    units = [rows[0], *(np.intersect1d(c, r) for c, r in zip(cols, rows[1:])), np.arange(net.sizes[-1])]
    units = [u[u < n] for u, n in zip(units, net.sizes)]  # row n_in is the bias, not a unit
    for k, (layer, (row, col)) in enumerate(zip(net.layers, connections)):
        stays = np.isin(col, units[k + 1]) & ((row == net.sizes[k]) | np.isin(row, units[k]))
        layer.params["gate"][~stays] = CLOSED
    compact(net, units)


def compact(net: Net, units: list[np.ndarray]) -> None:
    """Replace every layer of `net` by a smaller one that leaves out what is closed for good.

    units : units[k] are the inputs of layer k that are alive

    A layer with many live connections among its live units becomes the matrix of its live rows and columns, one with
    few, below `edges_below` of all, a list of them, sorted by output, then input.
    """
    new = []
    for k, layer in enumerate(net.layers):
        row, col = (a.ravel() for a in layer.connections())
        W, gate, index = (a.ravel() for a in (layer.params["W"], layer.params["gate"], layer.index))
        live = np.flatnonzero(gate > CLOSED)
        cells = (len(units[k]) + 1) * len(units[k + 1])
        if isinstance(layer, MaskedEdges) or live.size < net.settings.edges_below * cells:
            chosen = live[np.lexsort((row[live], col[live]))]
            new.append(net.make_edges(k, W[chosen], gate[chosen], index[chosen], units))
        else:
            rows = np.append(np.searchsorted(net.units[k], units[k]), len(net.units[k]))  # and the bias
            cols = np.searchsorted(net.units[k + 1], units[k + 1])
            chosen = rows[:, None] * len(net.units[k + 1]) + cols
            new.append(net.make_dense(k, W[chosen], gate[chosen], index[chosen]))
        net.optimizer.hand_over(layer, new[-1], chosen)
    net.assemble(new, units)


def freeze(net: Net, scores: Sequence[np.ndarray], budget: int) -> None:
    """Fix the wiring: keep the connections with the highest scores, as many as fit the budget once they are trimmed.

    scores : float array for each layer, shaped like its W

    From then on their gates are open for good and only weights move. Raises MethodError of scores that are no scores.
    """
    check_scores(net, scores)
    lowest = threshold(net, scores, budget)
    net.from_network(net.to_network(above(net, scores, lowest)).trim())


def check_scores(net: Net, scores: Sequence[np.ndarray]) -> None:
    """Raise MethodError unless there is one array of scores for each layer, shaped like its W and free of nan."""
    shapes, found = [layer.params["W"].shape for layer in net.layers], [np.shape(s) for s in scores]
    if shapes != found:
        raise MethodError(f"scores have the shapes {found}: expected those of the weights, {shapes}")
    if any(np.isnan(s).any() for s in scores):
        raise MethodError(
            "a score is nan: expected numbers that can be ranked; try a smaller --lr if weights overflowed"
        )


def threshold(net: Net, scores: Sequence[np.ndarray], budget: int) -> float:
    """The score above which the most connections are that, trimmed, are at most `budget`."""
    scores = [np.where(layer.params["gate"] > CLOSED, s, CLOSED) for layer, s in zip(net.layers, scores)]
    ranked = np.concatenate([s.ravel() for s in scores])
    ranked = np.sort(ranked[ranked > CLOSED])[::-1]

    def fit(best):
        """Whether the `best` highest are at most `budget`."""
        lowest = ranked[best] if best < len(ranked) else CLOSED
        return net.to_network(above(net, scores, lowest)).trim().count() <= budget

    fits, step = min(int(budget), len(ranked)), 1  # so many fit untrimmed
    while fits < len(ranked) and fit(min(fits + step, len(ranked))):
        fits, step = min(fits + step, len(ranked)), 2 * step
    too_many = min(fits + step, len(ranked) + 1)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if fit(middle) else (fits, middle)
    return ranked[fits] if fits < len(ranked) else CLOSED


def above(net: Net, scores: Sequence[np.ndarray], lowest: float) -> list[np.ndarray]:
    """Where a connection is alive and its score above `lowest`: a bool array for each layer."""
    return [(s > lowest) & (layer.params["gate"] > CLOSED) for layer, s in zip(net.layers, scores)]
