"""Checks of lesson 12, run it on MNIST."""

import numpy as np
from exercise import checker, same


def the_schedule_turned_round(when, rng):
    total, budget = rng.uniform(1e4, 1e6), rng.uniform(50, 2000)
    budget_at, power, q = rng.uniform(0.3, 1), rng.uniform(0.2, 1.5), rng.uniform(0.05, 0.95)
    count = np.exp((1 - q) * np.log(total) + q * np.log(budget))
    slips = {
        "this is q: r is budget_at times a power of it": q,
        "budget_at is missing": q ** (1 / power),
        "q is a power of r; to get r back, take 1 / power": budget_at * q**power,
        "the power is missing": budget_at * q,
        "in numbers, not in logarithms: it is log(target) that falls": budget_at
        * ((total - count) / (total - budget)) ** (1 / power),
        "counted from the budget: r is 0 where everything is left": budget_at * (1 - q) ** (1 / power),
    }
    given = f"count {count:,.0f} of {total:,.0f}, budget {budget:,.0f}"
    same(when(count, total, budget, budget_at, power), budget_at * q ** (1 / power), "r", given, slips)


def a_layer_without_its_matrix(sparse_layer, rng):
    n, n_in, n_out = (int(size) for size in rng.permutation(range(2, 8))[:3])
    row, col = np.nonzero(rng.random((n_in, n_out)) < 0.7)
    order = rng.permutation(len(row))
    row, col = row[order], col[order]
    x, weight, bias = rng.normal(size=(n, n_in)), rng.normal(size=len(row)), rng.normal(size=n_out)
    W = np.zeros((n_in, n_out))
    W[row, col] = weight
    last = np.tile(bias, (n, 1))
    last[:, col] += weight * x[:, row]
    first = np.tile(bias, (n, 1))
    first[0] = (x @ W + bias)[0]
    slips = {
        "the biases are missing": x @ W,
        "of several connections into one output only the last counts: y[:, col] += ... does not add up": last,
        "the first sample only": first,
        "a bias is added for every connection": x @ W + bias * np.maximum(np.bincount(col, minlength=n_out), 1),
    }
    given = f"{n} samples, {len(row)} connections, {n_in} to {n_out}"
    arrays = (x.copy(), row.copy(), col.copy(), weight.copy(), bias.copy())
    same(sparse_layer(*arrays), x @ W + bias, "y", given, slips)
    assert np.array_equal(arrays[4], bias), "right, but the biases that you were given have changed: copy them"


def ahead_or_lucky(lead, rng):
    k = int(rng.integers(3, 9))
    other = rng.normal(95, 1, k)
    mine = other + rng.normal(0.5, 0.4, k)
    gaps = mine - other
    error = gaps.std(ddof=1) / np.sqrt(k)
    unpaired = np.sqrt((mine.var(ddof=1) + other.var(ddof=1)) / k)
    slips = {
        "this is the spread of the differences: divide it by the root of their number": (gaps.mean(), gaps.std(ddof=1)),
        "divide by k - 1 in the spread (ddof=1): the mean comes from the same numbers": (
            gaps.mean(),
            gaps.std() / np.sqrt(k),
        ),
        "the seeds are paired: take the differences first, then their spread": (gaps.mean(), unpaired),
        "divided by k, not by its root": (gaps.mean(), gaps.std(ddof=1) / k),
        "the lead is mine less other": (-gaps.mean(), error),
    }
    same(lead(mine.copy(), other.copy()), (gaps.mean(), error), ("the lead", "its error"), f"{k} seeds", slips)


check = checker(the_schedule_turned_round, a_layer_without_its_matrix, ahead_or_lucky)
