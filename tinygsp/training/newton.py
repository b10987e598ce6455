"""Second-order training and pruning of a small network, all samples at once, in float64. Lesson 14 builds the core.

Where a table has some thousand rows and a network some hundred parameters, the whole matrix of second derivatives fits
into memory, and knows better than any first-order method which parameters are worth their place:

    train   Levenberg-Marquardt steps, H d = -g with H the Gauss-Newton matrix plus damping
    drop    optimal brain surgeon: the parameters whose removal costs least, W^2 / (2 [H^-1]_ii), others adapting
    swap    an open parameter against a closed one that gains more, g^2 / (2 h); kept if the objective really falls
    grow    closed parameters are opened while the budget allows

LeCun, Denker, Solla 1990; Hassibi, Stork 1993; Levenberg 1944, Marquardt 1963. `linear.py` and `tables.py` use it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygsp.nn.gates import sigmoid
from tinygsp.training.objectives import CrossEntropy, Objective

RIDGE = 1e-6  # decay of biases, and the least of weights: it keeps H regular where two inputs are the same
MU = 1e-2  # first damping, as a share of the mean of H's diagonal
MAX_MU = 1e4
LARGE = 50_000  # numbers in a matrix of derivatives above which it is multiplied in float32


class Small:
    """A small network of SiLU layers with all samples of a table in memory.

        objective = mean loss + decay / 2 * (sum of squared weights), biases excepted

    x         : (n, n_in) float64, scaled
    objective : Objective, of all n targets
    W         : of each layer (n_in + 1, n_out) float64, the last row being the biases; no hidden layer: one array
    is_open   : of each layer a bool array like W; closed parameters are 0. None: all are open
    decay     : float
    pinned    : bool   whether the biases of the outputs always stay: the means of the targets of a regression

    Two classes need one score: the first column of the outputs stays empty. The softmax of (0, z) is logistic.
    """

    def __init__(
        self,
        x: np.ndarray,
        objective: Objective,
        W: Sequence[np.ndarray],
        is_open: Sequence[np.ndarray] | None = None,
        decay: float = 1e-3,
        pinned: bool = False,
    ) -> None:
        self.x = np.column_stack([x, np.ones(len(x))])
        self.objective, self.mu = objective, MU
        self.W = [w.astype(np.float64) for w in W]
        self.allowed = [np.ones(w.shape, bool) for w in W]
        if isinstance(objective, CrossEntropy) and W[-1].shape[1] == 2:
            self.allowed[-1][:, 0] = False
        self.allowed[0][:-1][x.std(axis=0) == 0] = False  # nothing can be learned from a constant column
        self.is_open = [a.copy() if o is None else o & a for a, o in zip(self.allowed, is_open or [None] * len(W))]
        self.pinned = [np.zeros(w.shape, bool) for w in W]
        self.pinned[-1][-1] = pinned
        self.is_open[-1] |= self.pinned[-1]
        self.W = [w * o for w, o in zip(self.W, self.is_open)]
        self.set_decay(decay)

    def set_decay(self, decay: float) -> None:
        """Take another decay; changes the objective, not yet the weights."""
        self.decay = decay
        self.decays = [np.full(w.shape, max(decay, RIDGE)) for w in self.W]
        for decays in self.decays:
            decays[-1] = RIDGE
        self.value = self.evaluate(self.W)

    # --- the network ---

    def evaluate(self, W: Sequence[np.ndarray]) -> float:
        """The objective at these weights; leaves what derivatives need."""
        self.a, self.slopes = forward(self.x, W)  # inputs of each layer with a column of ones
        loss = self.objective.value(self.a[-1] @ W[-1])
        return loss + sum(float((decay * w * w).sum()) for decay, w in zip(self.decays, W)) / 2

    def back(self, d: np.ndarray) -> list[np.ndarray]:
        """d, with respect to the outputs, carried back: with respect to the sums of every layer, (n, n_out) each."""
        result = [d]
        for w, slope in zip(self.W[:0:-1], self.slopes[::-1]):
            result.append((result[-1] @ w[:-1].T) * slope)
        return result[::-1]

    def gradients(self) -> list[np.ndarray]:
        """The gradient of the objective, of each layer an array like W, of open and closed parameters."""
        back = self.back(self.objective.gradient())
        return [a.T @ d + decay * w for a, d, decay, w in zip(self.a, back, self.decays, self.W)]

    def curvature(self) -> np.ndarray:
        """The Gauss-Newton matrix of the open parameters: (p, p).

        H = sum_n J' Q J + decay, J being the derivative of the outputs. Each output is taken alone, with the parameters
        that it depends on: those of another output's column it does not.
        """
        n, q = len(self.x), self.objective.curvature()
        cells, starts = [np.nonzero(o) for o in self.is_open], np.cumsum([0, *(o.sum() for o in self.is_open)])
        H, outputs = np.zeros((starts[-1], starts[-1])), np.flatnonzero(self.is_open[-1].any(axis=0))
        weights, mean = np.maximum(self.objective.weights, 1e-300)[:, None], None
        if self.objective.couples and len(outputs) > 1:
            mean = np.zeros((n, starts[-1]))
        elif self.objective.couples:
            q = np.maximum(q - q * q / weights, 0)  # one output alone is coupled with itself only
        for output in outputs:
            J, place = [], []
            for (row, col), a, d, start in zip(cells, self.a, self.back_from(output), starts):
                used = np.flatnonzero(d.any(axis=0)[col])
                J.append(a[:, row[used]] * d[:, col[used]])
                place.append(start + used)
            J, place = np.concatenate(J, axis=1), np.concatenate(place)
            if mean is not None:
                mean[:, place] += q[:, output : output + 1] * J
            J *= np.sqrt(q[:, output : output + 1])
            H[np.ix_(place, place)] += squares(J)
        if mean is not None:
            H -= squares(mean / np.sqrt(weights))
        H[np.diag_indices_from(H)] += self.of_open(self.decays) + 1e-9
        return H

    def back_from(self, output: int) -> list[np.ndarray]:
        """The derivative of one output with respect to the sums of every layer, (n, n_out) each."""
        d = np.zeros((len(self.x), self.W[-1].shape[1]))
        d[:, output] = 1
        return self.back(d)

    def diagonals(self) -> list[np.ndarray]:
        """The diagonal of the Gauss-Newton matrix of all parameters, open and closed: of each layer an array like W."""
        q, result = self.objective.curvature(), []
        backs = [self.back_from(output) for output in range(q.shape[1])]
        for k, (a, decay) in enumerate(zip(self.a, self.decays)):
            ds = [back[k] for back in backs]
            middle = 0.0
            if self.objective.couples:
                weights = np.maximum(self.objective.weights, 1e-300)
                middle = sum(q[:, [j]] * d for j, d in enumerate(ds)) / weights[:, None]
            spread = sum(q[:, [j]] * (d - middle) ** 2 for j, d in enumerate(ds))
            result.append((a * a).T @ spread + decay)
        return result

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """The outputs (n, n_out) for other inputs, scaled."""
        inputs, _ = forward(np.column_stack([x, np.ones(len(x))]), self.W)
        return inputs[-1] @ self.W[-1]

    # --- parameters ---

    def of_open(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """The values of the open parameters, of all layers: (p,)."""
        return np.concatenate([a[o] for a, o in zip(arrays, self.is_open)])

    def with_open(self, values: np.ndarray) -> list[np.ndarray]:
        """Weights like those of now with these values of the open parameters."""
        W, ends = [w.copy() for w in self.W], np.cumsum([o.sum() for o in self.is_open])
        for w, o, part in zip(W, self.is_open, np.split(values, ends[:-1])):
            w[o] = part
        return W

    def count(self) -> int:
        """Open parameters."""
        return sum(int(o.sum()) for o in self.is_open)

    def memory(self) -> tuple:
        """What `recall` needs to come back here."""
        return self.W, [o.copy() for o in self.is_open], self.value, self.mu

    def recall(self, memory: tuple) -> None:
        """Go back to where `memory` was taken."""
        W, is_open, self.value, self.mu = memory
        self.W, self.is_open = W, [o.copy() for o in is_open]


def forward(x: np.ndarray, W: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(inputs of each layer with a column of ones, slopes of each hidden layer) of x with its column of ones."""
    inputs, slopes = [x], []
    for w in W[:-1]:
        z = inputs[-1] @ w
        s = sigmoid(z)
        slopes.append(s * (1 + z * (1 - s)))
        inputs.append(np.column_stack([z * s, np.ones(len(z))]))
    return inputs, slopes


def squares(J: np.ndarray) -> np.ndarray:
    """J' J, in float32 where it is large: these products take most of the time, and a step is damped anyway."""
    J = J.astype(np.float32) if J.size > LARGE else J
    return J.T @ J


# --- what is done with it ---


def train(net: Small, steps: int, tolerance: float = 1e-6) -> None:
    """Take up to so many Levenberg-Marquardt steps; ends early where a step gains less than this share."""
    net.value = net.evaluate(net.W)
    for _ in range(steps if net.count() else 0):
        g, H = net.of_open(net.gradients()), net.curvature()
        values, diagonal, before = net.of_open(net.W), np.diag(H).copy(), net.value
        while True:
            H[np.diag_indices_from(H)] = diagonal + net.mu * diagonal.mean()
            W = net.with_open(values - np.linalg.solve(H, g))
            value = net.evaluate(W)
            if value < before or net.mu > MAX_MU:
                break
            net.mu = max(6 * net.mu, 1e-8)
        if not value < before:
            net.evaluate(net.W)  # back to where the step began
            break
        net.W, net.value, net.mu = W, value, max(net.mu / 4, 1e-9)
        if before - value < tolerance * max(abs(before), 1e-3):
            break
    net.mu = min(net.mu, 1.0)


def drop(net: Small, count: int, share: float = 0.1, steps: int = 2) -> None:
    """Close the parameters that cost least until `count` are open, at most this share at a time, training between."""
    while net.count() > count:
        free = ~net.of_open(net.pinned)
        if not free.any():
            break
        cost = np.where(free, costs(net), np.inf)
        leave = np.argsort(cost, kind="stable")[
            : min(net.count() - count, max(1, int(share * net.count())), free.sum())
        ]
        close(net, leave)
        train(net, steps)


def costs(net: Small) -> np.ndarray:
    """What closing each open parameter costs, W^2 / (2 [H^-1]_ii): (p,) (Hassibi, Stork 1993)."""
    return net.of_open(net.W) ** 2 / (2 * np.diag(np.linalg.inv(net.curvature())))


def swap(net: Small, rounds: int = 30, share: float = 0.1, steps: int = 3) -> None:
    """Let the cheapest open parameters change places with the most promising closed ones while the objective falls.

    Each round tries up to this share of all, and half as many where those did not help.
    """
    most = max(1, int(share * net.count()))
    for _ in range(rounds):
        gain = promises(net)
        cost = np.where(net.of_open(net.pinned), np.inf, costs(net))
        leave, come = np.argsort(cost, kind="stable"), np.argsort(-gain, kind="stable")
        most = min(most, len(leave), len(come))
        most = int((gain[come[:most]] > cost[leave[:most]]).sum())
        before = net.memory()
        while most:
            close(net, leave[:most])
            open_places(net, come[:most])
            train(net, steps)
            if net.value < before[2] - 1e-6 * abs(before[2]) and net.count() <= len(cost):
                break
            net.recall(before)
            most //= 2
        if not most:
            net.evaluate(net.W)
            return


def grow(net: Small, count: int, steps: int = 3) -> None:
    """Open closed parameters that promise most, half of what is missing at a time, until `count` are open."""
    while (missing := count - net.count()) > 0:
        gain = promises(net)
        come = np.argsort(-gain, kind="stable")[: max(1, missing // 2)]
        come = come[gain[come] > 1e-9]
        if not len(come):
            return
        open_places(net, come)
        train(net, steps)


def promises(net: Small) -> np.ndarray:
    """What opening each parameter promises, g^2 / (2 h): flat, over all; -inf where it is open or must stay closed."""
    gains = []
    for g, curvature, is_open, allowed in zip(net.gradients(), net.diagonals(), net.is_open, net.allowed):
        gains.append(np.where(allowed & ~is_open, g * g / (2 * curvature), -np.inf).ravel())
    return np.concatenate(gains)


def close(net: Small, places: np.ndarray) -> None:
    """Close open parameters, by their numbers among the open ones, and what hangs on them."""
    values = net.of_open(net.W)
    values[places] = 0
    net.W = net.with_open(values)
    stays = np.ones(len(values), bool)
    stays[places] = False
    ends = np.cumsum([o.sum() for o in net.is_open])
    net.is_open = [o.copy() for o in net.is_open]
    for o, part in zip(net.is_open, np.split(stays, ends[:-1])):
        o[o] = part
    tidy(net)


def open_places(net: Small, places: np.ndarray) -> None:
    """Open parameters by their numbers among all; their weights are 0 until they are trained."""
    sizes = np.cumsum([0, *(o.size for o in net.is_open)])
    for o, start in zip(net.is_open, sizes):
        inside = places[(places >= start) & (places < start + o.size)] - start
        o.flat[inside] = True
    tidy(net)


def tidy(net: Small) -> None:
    """Close what reaches no output, and fold units without inputs, which are constant, into the biases behind them."""
    before = -1
    while before != (before := net.count()):
        for k in range(len(net.W) - 1):
            first, second = net.is_open[k], net.is_open[k + 1]
            constant = np.flatnonzero(~first[:-1].any(axis=0) & second[:-1].any(axis=1))
            z = net.W[k][-1, constant]
            add = (z * sigmoid(z)) @ net.W[k + 1][constant]
            net.W[k + 1][-1] += add
            second[-1] |= (add != 0) & net.allowed[k + 1][-1]
            second[constant], net.W[k + 1][constant] = False, 0
            unread = ~second[:-1].any(axis=1)
            first[:, unread], net.W[k][:, unread] = False, 0
