"""Small networks for small tables: pruned from a dense one by second derivatives, or polished after other training.

`linear.py` has the same for no hidden layer, `newton.py` what all of them use. `tables.py` chooses between them.
"""

from __future__ import annotations

import numpy as np

from tinygsp.sparse import SparseNetwork
from tinygsp.training.linear import DECAY
from tinygsp.training.newton import Small, close, drop, grow, swap, train
from tinygsp.training.problem import Problem, to_small

MAX_DENSE = 2e8  # multiplications for the second derivatives of a network before pruning, above which none is tried
ATTEMPTS, CHEAP = (5, 2), 6e6  # networks that are tried: the first number below so many multiplications
CLEAR = 3.0  # standard errors by which the loss must rise without an input that stays
CLEAR_LINEAR = 2.0  # alike, in a linear model: there it is half of what a weight is in standard errors of its own
MAX_POLISHED = 1e10  # alike, of a pruned one


def work(problem: Problem, parameters: int) -> float:
    """Multiplications for the second derivatives of a network with so many open parameters."""
    outputs = problem.n_out - (not problem.is_regression and problem.n_out == 2)
    return float(len(problem.x)) * outputs * parameters**2


def carve(problem: Problem, budget: int, hidden: tuple[int, ...], seed: int) -> Small:
    """The best of some small networks, each trained dense from fresh weights and pruned to at most `budget`.

    seed : int   draws the weights; the best has the lowest objective
    """
    nets, sizes = [], (problem.x.shape[1], *hidden, problem.n_out)
    size = work(problem, sum((a + 1) * b for a, b in zip(sizes, sizes[1:])))
    for attempt in range(ATTEMPTS[0] if size < CHEAP else ATTEMPTS[1]):
        net = problem.small(fresh_weights(sizes, (seed, attempt)), None, DECAY)
        train(net, 20, 1e-3)
        drop(net, 2 * budget, share=0.2)
        drop(net, budget, share=0.1 if net.count() > 40 else 0.01)
        train(net, 20, 1e-4)
        nets.append(net)
    best = min(nets, key=lambda net: net.value)
    finish(best)
    return spare(best)


def spare(net: Small, clear: float = CLEAR) -> Small:
    """Do without the inputs that are not worth a place, as long as there are any; returns the network."""
    while leave_inputs(net, clear):  # ends: what takes the place of an input may not be worth it, but none comes back
        finish(net)
    net.allowed[0][:-1] &= net.is_open[0][:-1].any(axis=1, keepdims=True)
    return net


def leave_inputs(net: Small, clear: float = CLEAR) -> bool:
    """Do without the inputs that are not worth a place, for good; says whether there were any.

    An input stays if, although other inputs get its connections, the losses of the samples rise clearly without it: by
    more than `clear` standard errors of the rise, so that a few odd samples cannot hold it, and their log-likelihood by
    more than log(n) / 2 + log(d) for each of its connections, n being the number of samples and d that of the
    connections that they were chosen from (Schwarz 1978; Chen, Chen 2008). It is tried where W' [H^-1]^-1 W / 2 of
    their block, what closing them costs if the others adapt but none comes instead, is not far above that.
    """
    n, rows, found = len(net.x), np.nonzero(net.is_open[0])[0], False
    price, worth = np.log(n) / 2 + np.log(net.W[0].size), n * net.objective.evidence(1.0)  # worth of a unit of loss
    for i in np.unique(rows[rows < len(net.W[0]) - 1]):
        rows = np.nonzero(net.is_open[0])[0]
        of_input = np.flatnonzero(rows == i)  # the first layer comes first among the open parameters
        if not len(of_input):
            continue
        inverse, W = np.linalg.inv(net.curvature()), net.of_open(net.W)[of_input]
        cost = W @ np.linalg.solve(inverse[np.ix_(of_input, of_input)], W) / 2
        if worth * cost < 2 * price * len(of_input):
            memory, allowed, count = net.memory(), net.allowed[0][i].copy(), net.count()
            before = net.objective.each(net.outputs(net.x[:, :-1]))
            net.allowed[0][i] = False
            close(net, of_input)
            train(net, 10, 1e-4)
            grow(net, count)
            train(net, 10, 1e-4)
            rise = net.objective.each(net.outputs(net.x[:, :-1])) - before
            is_clear = rise.mean() > clear * rise.std() / np.sqrt(n)
            if is_clear and worth * (net.value - memory[2]) > price * len(of_input):
                net.recall(memory)
                net.evaluate(net.W)
                net.allowed[0][i] = allowed
            else:
                found = True
    return found


def fresh_weights(sizes: tuple[int, ...], seed: tuple[int, ...]) -> list[np.ndarray]:
    """Normal weights of variance 1 / n_in for units that differ from the start; of each layer (n_in + 1, n_out)."""
    rng = np.random.default_rng(seed)
    W = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        W.append(np.vstack([rng.normal(0, n_in**-0.5, (n_in, n_out)), rng.normal(0, 0.5, n_out)]))
    W[-1][-1] = 0
    return W


def finish(net: Small) -> None:
    """Train a pruned network to the end, with swaps between."""
    train(net, 20, 1e-5)
    swap(net)
    train(net, 30, 1e-5)


def polish(problem: Problem, network: SparseNetwork, budget: int, steps: int = 8) -> Small:
    """A network that was trained otherwise, trained on by second derivatives; spare parameters are put to use."""
    net = to_small(network, problem, DECAY)
    train(net, steps, 1e-4)
    drop(net, budget)
    grow(net, budget)
    swap(net, rounds=2)
    train(net, steps, 1e-4)
    return net
