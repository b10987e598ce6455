"""Order the units of each level so that few connections cross when the network is drawn.

`order_units` is called by whoever draws a network. The rest is its parts: counting crossings, and two ways to move
units, by the mean position of their neighbours and one by one. Built in lesson 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tinygsp.reading.matrices import compact, levels
from tinygsp.sparse import SparseNetwork

MAX_ORDERED = 1000  # units of a level: more take minutes, and nobody can tell them apart in a drawing


def crossings(network: SparseNetwork, orders: Sequence[np.ndarray]) -> int:
    """Count the pairs of connections that cross when the levels are drawn in these orders.

    orders : one array of units a level, as `order_units` gives them

    Raises ValueError for a unit that is not in use, and for a level of more than MAX_ORDERED.
    """
    natural = levels(network)
    for k, (level, order) in enumerate(zip(natural, orders, strict=True)):
        if not np.isin(order, level).all():
            raise ValueError(f"the order of level {k} has a unit that is not in use, expected those of `levels`")
    places = [np.searchsorted(level, order) for level, order in zip(natural, orders)]
    return count_crossings(connected(network), places)


def connected(network: SparseNetwork) -> list[np.ndarray]:
    """For each layer, where it has a nonzero weight: a bool matrix between two `levels`."""
    most = max(map(len, levels(network)))
    if most > MAX_ORDERED:
        raise ValueError(f"{most:,} inputs or units are in one level; at most {MAX_ORDERED:,} are put into an order")
    return [W != 0 for W, _ in compact(network)]


def order_units(network: SparseNetwork, fixed: Iterable[int] = (), restarts: int = 40) -> list[np.ndarray]:
    """Find an order of every level in which few connections cross: permutations of `levels(network)`.

    fixed    : levels that keep their order, such as -1, the outputs
    restarts : starts, the first from the natural order, the others at random from seed 0

    From each start, sweeps forth and back move every unit to the mean position of its neighbours (Sugiyama et al.
    1981): of all of them first, then of those in the level that the sweep comes from. Then each unit is taken out and
    put back where it makes the fewest crossings (sifting: Matuszewski et al. 1999). Each of the three is repeated while
    it helps. The best order of all starts is returned, or the natural order if none is better. Finding the least number
    of crossings is NP-hard already for two levels (Garey and Johnson 1983), so the result is good, not always the best.

    Raises ValueError for a level of more than MAX_ORDERED units.
    """
    alive, used = connected(network), levels(network)
    natural = [np.arange(len(level)) for level in used]  # from here on a unit is known by its place in its level
    free = [k for k in range(len(natural)) if k not in {f % len(natural) for f in fixed}]
    rng, found = np.random.default_rng(0), [natural]
    for start in range(restarts):
        orders = [rng.permutation(level) if start and k in free else level for k, level in enumerate(natural)]
        for move, both in ((barycentre, True), (barycentre, False), (sift, True)):
            orders = improve(alive, orders, free, move, both)
        found.append(orders)
    best = min(found, key=lambda orders: count_crossings(alive, orders))
    return [level[order] for level, order in zip(used, best)]


def improve(
    alive: Sequence[np.ndarray],
    orders: Sequence[np.ndarray],
    free: Sequence[int],
    move: Callable[[list[np.ndarray]], np.ndarray],
    both: bool,
) -> Sequence[np.ndarray]:
    """Reorder the free levels, forth and back, as long as crossings get fewer; returns the best orders seen.

    alive  : (n_k, n_k+1) bool for each layer, where it is connected
    orders : for each level the rows and columns of `alive` in the order of the drawing
    move   : `barycentre` or `sift`
    both   : look at the neighbours on both sides of a level; otherwise only on the side that the sweep comes from
    """
    fewest = count_crossings(alive, orders)
    while True:
        new = list(orders)
        for k, side in [(k, 0) for k in free] + [(k, -1) for k in reversed(free)]:
            sides = neighbours(alive, new, k)
            new[k] = new[k][move(sides if both else [sides[side]])]
        if (count := count_crossings(alive, new)) >= fewest:
            return orders
        orders, fewest = new, count


def neighbours(alive: Sequence[np.ndarray], orders: Sequence[np.ndarray], k: int) -> list[np.ndarray]:
    """Give the connections of level k to the level before it and to the one after it, in drawing order.

    Returns one or two arrays (n_k, m) bool: the first and the last level have one neighbour.
    """
    before = [alive[k - 1][np.ix_(orders[k - 1], orders[k])].T] if k > 0 else []
    after = [alive[k][np.ix_(orders[k], orders[k + 1])]] if k < len(alive) else []
    return before + after


def crossing_matrix(edges: np.ndarray) -> np.ndarray:
    """Count for every two units how often their connections cross: C[u, v], if u stands before v.

    edges : (n, m) bool, whether each of n units is connected to each of m units that stand in this order

    A connection u-a crosses a connection v-b if b stands before a. So for each a of u, the b of v before a are counted.
    """
    edges = edges.astype(np.float64)
    return edges @ (np.cumsum(edges, axis=1) - edges).T


def count_crossings(alive: Sequence[np.ndarray], orders: Sequence[np.ndarray]) -> int:
    """Count all crossings: for every two units of a level, those of their connections to the level after it.

    This is the sum of `crossing_matrix` above its diagonal, without the matrix: the terms of all units v after u are
    added up first.
    """
    total = 0.0
    for k in range(len(alive)):
        edges = neighbours(alive, orders, k)[-1].astype(np.float64)
        before = np.cumsum(edges, axis=1) - edges  # (n, m): connections of v to units before a
        total += (edges * (before.sum(axis=0) - np.cumsum(before, axis=0))).sum()
    return int(total)


def barycentre(sides: list[np.ndarray]) -> np.ndarray:
    """Sort the units by the mean position of their neighbours: (n,) indices, the first unit of the new order first.

    sides : (n, m) bool arrays as `neighbours` gives them; positions are in [0, 1] and averaged over the sides
    """
    positions = [
        edges @ ((np.arange(edges.shape[1]) + 0.5) / edges.shape[1]) / edges.sum(axis=1).clip(1) for edges in sides
    ]
    return np.argsort(np.mean(positions, axis=0), kind="stable")


def sift(sides: list[np.ndarray]) -> np.ndarray:
    """Take each unit out and put it back where it makes the fewest crossings: (n,) indices, as in `barycentre`."""
    C = sum(crossing_matrix(edges) for edges in sides)
    gain = C.T - C  # gain[u, v] > 0: u should stand before v
    order, cost = np.arange(len(C)), np.zeros(len(C))  # cost[k]: of standing behind the first k others
    for unit in range(len(C)):
        others = order[order != unit]
        gain[unit, others].cumsum(out=cost[1:])
        place = cost.argmin()
        order[:place], order[place], order[place + 1 :] = others[:place], unit, others[place:]
    return order
