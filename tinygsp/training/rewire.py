"""Phase "rewire": trains the survivors and lets the least useful ones change places with closed connections.

After every epoch each connection has a saliency, what closing it would cost, and each closed one a promise, what
opening it would gain, both to second order. Lesson 11 derives and builds this.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tinygsp.nn.layers import MaskedEdges
from tinygsp.training.net import Net
from tinygsp.training.phase import FIXED, Phase
from tinygsp.training.trainer import Trainer

f32 = np.float32
BLOCK = 500  # samples whose gradients are added up at a time


class Rewire(Phase):
    """Trains a fixed number of connections whose places change after every epoch, fewer of them each time."""

    name = "rewire"
    wiring = FIXED

    def start(self, trainer: Trainer) -> None:
        """Fix the wiring at the budget."""
        trainer.freeze()

    def moves(self, r: float) -> bool:
        """Whether training images move, in training and in the sums over the training split."""
        return self.plan.moves and self.settings.rewire_moved

    def change_wiring(self, trainer: Trainer, done: int) -> None:
        """Let the least useful connections change places with the most promising closed ones.

        To second order, closing a connection of weight W costs W² h / 2 (LeCun, Denker, Solla 1990, eq. 5), and opening
        one promises g² / (2h), the gain of a Newton step from 0; g is its gradient and h its curvature. Only swaps that
        promise more than they cost are made. Those that lead into the same unit promise much the same thing, a better
        sum there, so one of them comes at a time. A unit that has died does not come back. All layers are lists of
        connections by now, and each has its momentum.
        """
        net = trainer.net
        tables = [
            _table_of(net, k, g, h, rows, cols)
            for k, ((g, h), (rows, cols)) in enumerate(zip(self.curvature(trainer), connection_cells(net)))
        ]
        _swap(tables, self.settings.rewire_share * (1 - done / self.epochs))
        _rebuild(net, tables)

    def curvature(self, trainer: Trainer) -> list[tuple[np.ndarray, np.ndarray]]:
        """Gradient g and curvature h of every connection that could be, over the whole training split.

        h is the mean of the squared gradients of single samples, the empirical Fisher information. Of each layer two
        arrays (sources + 1, live outputs) float32; the last row is the bias.
        """
        net = trainer.net
        n, model = len(trainer.goal.train_y), net.model
        inputs = trainer.feed.all_columns(moved=self.moves(0.0))
        shapes = [(len(rows) + 1, len(cols)) for rows, cols in zip(sources(net), net.units[1:])]
        sums = [(np.zeros(shape, f32), np.zeros(shape, f32)) for shape in shapes]  # of g and of h
        model.sample(trainer.step, 0.0)
        for samples in np.array_split(np.arange(n), math.ceil(n / BLOCK)):
            x = inputs.batch(samples, trainer.step)
            dy = trainer.goal.loss(model.forward(x.T[net.units[0]].T), samples)[1]
            dy *= len(samples)  # of the samples, not of their mean
            for layer in reversed(model.layers):
                if isinstance(layer, MaskedEdges):
                    k = net.layers.index(layer)
                    a, (g, h) = x if k == 0 else layer.x, sums[k]
                    g[:-1] += a.T @ dy
                    g[-1] += dy.sum(axis=0)
                    squares = dy * dy
                    h[:-1] += np.multiply(a, a, out=x if k == 0 else None).T @ squares  # nobody else reads x
                    h[-1] += squares.sum(axis=0)
                    if k == 0:
                        break
                dy = layer.backward(dy)
        return [(g / n, h / n) for g, h in sums]


def sources(net: Net) -> list[np.ndarray]:
    """The inputs of each layer that a new connection could start from: all pixels, and the units that are alive."""
    return [np.arange(net.sizes[0]), *net.units[1:-1]]


def connection_cells(net: Net) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each layer, (rows, cols) of its connections in the matrix of its sources (and bias) and live outputs."""
    for layer, rows, cols, n_in in zip(net.layers, sources(net), net.units[1:], net.sizes):
        row, col = layer.connections()
        yield np.searchsorted(np.append(rows, n_in), row), np.searchsorted(cols, col)


@dataclass(eq=False)
class _Table:
    """One layer with its closed connections: matrices (sources + 1, live outputs) whose last row is the bias.

    live     : bool   whether the connection is there
    W        : float32, its weight, and velocity, its momentum; 0 where it is closed
    cost     : float32, W² h, twice what closing it costs; inf where it is closed
    gain     : float32, g² / h, twice what opening it promises; -inf where it is live or not the best of its unit
    """

    live: np.ndarray
    W: np.ndarray
    velocity: np.ndarray
    cost: np.ndarray
    gain: np.ndarray


def _table_of(net: Net, k: int, g: np.ndarray, h: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> _Table:
    """The _Table of layer k: g and h of all its connections, and in which rows and columns the live ones stand."""
    layer = net.layers[k]
    live, W, velocity = np.zeros(g.shape, bool), np.zeros_like(g), np.zeros_like(g)
    live[rows, cols] = True
    W[rows, cols] = layer.params["W"]
    velocity[rows, cols] = net.optimizer.state[layer, "W"][0]
    promise = np.divide(g * g, h, out=np.zeros_like(g), where=h > 0)
    promise[live] = -np.inf
    if net.one_score and k == len(net.layers) - 1:
        promise[:, 0] = -np.inf  # the score of the first class stays 0
    best = promise.argmax(axis=0), np.arange(g.shape[1])  # of the closed ones into each unit
    gain = np.full_like(g, -np.inf)
    gain[best] = promise[best]
    return _Table(live, W, velocity, np.where(live, W**2 * h, np.inf), gain)


def _swap(tables: list[_Table], share: float) -> None:
    """Change `live` in place: up to `share` of the live connections leave, the cheapest first, for the best closed."""
    cost, gain, live = (
        np.concatenate([getattr(table, name).ravel() for table in tables]) for name in ("cost", "gain", "live")
    )
    count = round(share * np.count_nonzero(live))
    leave = np.argsort(cost, kind="stable")[:count]
    come = np.argsort(-gain, kind="stable")[:count]
    good = gain[come] > cost[leave]
    live[leave[good]], live[come[good]] = False, True
    ends = np.cumsum([table.live.size for table in tables])
    for table, values in zip(tables, np.split(live, ends[:-1])):
        table.live = values.reshape(table.live.shape)


def _rebuild(net: Net, tables: list[_Table]) -> None:
    """Go on with the live connections of the tables; those that stayed keep their weights and their momentum."""
    connections = []
    for table, rows, cols, n_in in zip(tables, sources(net), net.units[1:], net.sizes):
        row, col = np.nonzero(table.live)
        connections.append((np.append(rows, n_in)[row], cols[col], table.W[row, col]))
    read = np.setdiff1d(connections[0][0], net.sizes[0])  # the inputs of the first layer, without its bias
    net.connect(connections, [read, *net.units[1:]])
    for layer, table, cells in zip(net.layers, tables, connection_cells(net)):
        net.optimizer.state[layer, "W"] = [table.velocity[cells]]
