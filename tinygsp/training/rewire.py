"""Phase "rewire": trains the survivors and lets the least useful ones change places with closed connections.

After every epoch each connection has a saliency, what closing it would cost, and each closed one a promise, what
opening it would gain, both to second order. Lesson 10 derives and builds this.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tinygsp.nn.layers import MaskedEdges
from tinygsp.training.net import Net
from tinygsp.training.phase import Phase
from tinygsp.training.trainer import Trainer

f32 = np.float32
BLOCK = 500  # samples whose gradients are added up at a time


class Rewire(Phase):
    """Trains a fixed number of connections whose places change after every epoch, fewer of them each time."""

    name = "rewire"

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
        sum there, so one of them comes at a time. A unit that has died does not come back.
        """
        net, live, W, velocity, cost, gain = trainer.net, [], [], [], [], []
        for layer, (g, h), cells in zip(net.layers, self.curvature(trainer), connection_cells(net)):
            live.append(np.zeros(g.shape, bool))
            live[-1][cells] = True
            for whole, of_layer in (W, layer.params["W"]), (velocity, net.optimizer.state[layer, "W"][0]):
                whole.append(np.zeros_like(g))
                whole[-1][cells] = of_layer
            promise = np.divide(g * g, h, out=np.zeros_like(g), where=h > 0)
            promise[live[-1]] = -np.inf
            best = promise.argmax(axis=0), np.arange(g.shape[1])  # of those into each unit
            gain.append(np.full_like(g, -np.inf))
            gain[-1][best] = promise[best]
            cost.append(np.where(live[-1], W[-1] ** 2 * h, np.inf))
        self.swap(cost, gain, live, share=self.settings.rewire_share * (1 - done / self.epochs))

        connections = []
        for whole, is_live, rows, cols, n_in in zip(W, live, sources(net), net.units[1:], net.sizes):
            row, col = np.nonzero(is_live)
            connections.append((np.append(rows, n_in)[row], cols[col], whole[row, col]))
        read = np.setdiff1d(connections[0][0], net.sizes[0])
        net.connect(connections, [read, *net.units[1:]])
        for layer, values, cells in zip(net.layers, velocity, connection_cells(net)):
            net.optimizer.state[layer, "W"] = [values[cells]]  # the survivors keep their momentum

    def swap(self, cost: list, gain: list, live: list, share: float) -> None:
        """Change `live`, bool arrays in place: up to `share` of the live cells swap, cheapest against best gain."""
        flat_cost, flat_gain, is_live = (np.concatenate([a.ravel() for a in arrays]) for arrays in (cost, gain, live))
        count = round(share * np.count_nonzero(is_live))
        leave = np.argsort(flat_cost, kind="stable")[:count]
        come = np.argsort(-flat_gain, kind="stable")[:count]
        good = flat_gain[come] > flat_cost[leave]
        is_live[leave[good]], is_live[come[good]] = False, True
        ends = np.cumsum([a.size for a in live])
        for array, values in zip(live, np.split(is_live, ends[:-1])):
            array[:] = values.reshape(array.shape)

    def curvature(self, trainer: Trainer) -> list[tuple[np.ndarray, np.ndarray]]:
        """Gradient g and curvature h of every connection that could be, over the whole training split.

        h is the mean of the squared gradients of single samples, the empirical Fisher information. Of each layer two
        arrays (sources + 1, live outputs) float32; the last row is the bias.
        """
        net, dataset = trainer.net, trainer.dataset
        n, model = len(dataset.train_x), net.model
        inputs = trainer.feed.all_columns(moved=self.moves(0.0))
        sums = [[np.zeros((len(a) + 1, len(b)), f32) for _ in "gh"] for a, b in zip(sources(net), net.units[1:])]
        model.sample(trainer.step, 0.0)
        for samples in np.array_split(np.arange(n), math.ceil(n / BLOCK)):
            x = inputs.batch(samples, trainer.step)
            dy = trainer.loss(model.forward(x.T[net.units[0]].T), dataset.train_y[samples])[1]
            dy *= len(samples)  # of the samples, not of their mean
            for layer in reversed(model.layers):
                if isinstance(layer, MaskedEdges):
                    k = net.layers.index(layer)
                    a, (g, h) = x if k == 0 else layer.x, sums[k]
                    g[:-1] += a.T @ dy
                    g[-1] += dy.sum(axis=0)
                    h[:-1] += (a * a).T @ (dy * dy)
                    h[-1] += (dy * dy).sum(axis=0)
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
