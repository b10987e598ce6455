"""Checks of lesson 13, read a network."""

import numpy as np
from exercise import checker, same


def who_carries_the_score(carried, rng):
    sizes = rng.integers(3, 7, 4)
    p, level, output = int(rng.integers(8, 30)), int(rng.integers(1, 3)), int(rng.integers(0, sizes[3]))
    paths, value = np.column_stack([rng.integers(0, size, p) for size in sizes]), rng.normal(size=p)
    paths[0, 3] = output

    def by_unit(chosen, weights, level=level):
        sums = np.zeros(max(sizes[level], sizes.max()))
        np.add.at(sums, paths[chosen, level], weights[chosen])
        return sums[: sizes[level]]

    to_output = paths[:, 3] == output
    slips = {
        "paths to other outputs are added, too": by_unit(to_output | True, value),
        "this counts the paths; add up their values": by_unit(to_output, np.ones(p)),
        "the values have signs: add them up as they are": by_unit(to_output, np.abs(value)),
        "of several paths through one unit only the last counts: += with an index does not add up": np.array(
            [next(iter(value[to_output & (paths[:, level] == u)][::-1]), 0) for u in range(sizes[level])]
        ),
    }
    if sizes[3 - level] == sizes[level]:
        slips["this is the other hidden layer"] = by_unit(to_output, value, 3 - level)
    arguments = paths.copy(), value.copy(), level, output, int(sizes[level])
    given = f"level {level}, output {output}, {p} paths"
    same(carried(*arguments), by_unit(to_output, value), "what passes each unit", given, slips)


def shared(A, k):
    """The ways to the start of each connection of A[k], and those from its end on."""
    into, onward = np.ones(len(A[0])), np.ones(A[-1].shape[1])
    for matrix in A[:k]:
        into = into @ matrix
    for matrix in A[:k:-1]:
        onward = matrix @ onward
    return into[:, None], onward


def paths_that_share_a_connection(shared_by, rng):
    k, right, slips = int(rng.integers(1, 3)), np.zeros(1), [np.zeros(1)]
    while len({matrix.tobytes() for matrix in (right, *slips)}) < 7:  # until every mistake gives another result
        sizes = rng.permutation(range(3, 9))[:5]
        A = [(rng.random((n, m)) < 0.5).astype(float) for n, m in zip(sizes, sizes[1:])]
        into, onward = shared(A, k)
        right, slips = into * A[k] * onward, [A[k], into * A[k], A[k] * onward, into * onward]
        slips.append(A[k].sum(axis=1)[:, None] * A[k] * A[k].sum(axis=0))
        slips.append(A[k - 1].sum(axis=0)[:, None] * A[k] * A[k + 1].sum(axis=1))
    mistakes = (
        "these are the connections themselves: how many paths come to their start, and go on from their end?",
        "the ways on from its end are missing",
        "the ways to its start are missing",
        "only where there is a connection: multiply by A[k]",
        "these are sums of A[k] itself; count the ways in the layers before and behind it",
        "these are the ways of one step; go on to the first layer and to the last",
    )
    given = f"a network {'-'.join(map(str, sizes))}"
    yours = shared_by([matrix.copy() for matrix in A], k)
    same(yours, right, "the paths", f"layer {k} of {given}", dict(zip(mistakes, slips)))
    for k in (0, 3):  # the first layer and the last
        into, onward = shared(A, k)
        yours = shared_by([matrix.copy() for matrix in A], k)
        same(yours, into * A[k] * onward, "the paths", f"layer {k} of {given}")


def one_before_the_other(cross, rng):
    n, m = (int(size) for size in rng.permutation(range(2, 8))[:2])
    edges = rng.random((n, m)) < 0.5
    edges[0, m - 1] = edges[1, 0] = True
    before = np.cumsum(edges, axis=1) - edges
    upto = np.cumsum(edges, axis=1)
    others = 1 - np.eye(n)  # of a unit and itself nothing is asked
    right = others * (edges.astype(float) @ before.T)
    slips = {
        "u stands before v: this is v before u": right.T,
        "two connections to the same place do not cross: b < a": edges.astype(float) @ upto.T,
        "this counts each pair of connections, crossing or not": np.outer(edges.sum(axis=1), edges.sum(axis=1)),
        "one crossing a connection at most: count all connections of v before it": (
            edges.astype(float) @ (before > 0).T.astype(float)
        ),
    }
    yours = cross(edges.copy())
    if np.shape(yours) == right.shape:
        yours = np.where(others, yours, 0)
    slips = {mistake: others * result for mistake, result in slips.items()}
    same(yours, right, "the crossings", f"{n} units, {m} places", slips)


check = checker(who_carries_the_score, paths_that_share_a_connection, one_before_the_other)
