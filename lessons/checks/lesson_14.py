"""Checks of lesson 14, prune a table."""

import numpy as np
from exercise import checker, same


def back_to_raw_units(in_raw_units, rng):
    k = int(rng.integers(2, 6))
    w, mean, b = rng.normal(size=k), rng.normal(0, 5, k), float(rng.normal())
    std = rng.uniform(0.5, 4, k)
    weights, bias = w / std, b - np.sum(w * mean / std)
    slips = {
        "a weight is divided by the spread of its column, not multiplied": (w * std, b - np.sum(w * mean * std)),
        "the means are missing in the bias": (weights, b),
        "the means have the wrong sign in the bias": (weights, b + np.sum(w * mean / std)),
        "the means in the bias must be divided by the spreads": (weights, b - np.sum(w * mean)),
        "the bias b is missing": (weights, bias - b),
    }
    same(in_raw_units(w, b, mean, std), (weights, bias), ("the weights", "the bias"), f"{k} columns", slips)


def removal_of_a_group(cost_of_group, rng):
    p = int(rng.integers(3, 7))
    A, w = rng.normal(size=(3 * p, p)), rng.normal(size=p)
    H = A.T @ A / (3 * p)
    group = np.sort(rng.choice(p, int(rng.integers(1, p)), replace=False))
    inverse = np.linalg.inv(H)
    block, own = inverse[np.ix_(group, group)], H[np.ix_(group, group)]
    right = w[group] @ np.linalg.solve(block, w[group]) / 2
    slips = {
        "the half is missing": 2 * right,
        "this is the cost if the others stay: use the inverse of a block of the inverse": w[group] @ own @ w[group] / 2,
        "this adds up the costs of single removals; the group goes at once": np.sum(
            w[group] ** 2 / (2 * np.diag(inverse)[group])
        ),
        "multiply by the inverse of the block, not by the block": w[group] @ block @ w[group] / 2,
    }
    same(cost_of_group(w, H, group), right, "the cost", f"{p} parameters, group {group.tolist()}", slips)


def a_promise_with_company(promises, rng):
    p = int(rng.integers(3, 8))
    A, g = rng.normal(size=(3 * p, p)), rng.normal(size=p)
    H = A.T @ A / (3 * p)
    is_open = np.arange(p) < rng.integers(1, p)
    rng.shuffle(is_open)
    g[is_open] = 0
    S, closed = np.flatnonzero(is_open), np.flatnonzero(~is_open)
    across = H[np.ix_(S, closed)]
    answers = np.sum(across * np.linalg.solve(H[np.ix_(S, S)], across), axis=0)

    def gains(h):
        out = np.zeros(p)
        out[closed] = g[closed] ** 2 / (2 * h)
        return out

    own = H[closed, closed]
    slips = {
        "the half is missing": 2 * gains(own - answers),
        "this is the promise if the open ones stay: take away what they can make up for": gains(own),
        "what the open ones can do makes h smaller, not larger": gains(own + answers),
        "the inverse of the block of the open ones is missing": gains(own - np.sum(across * across, axis=0)),
        "this lets all others adapt, the closed ones, too": gains(1 / np.diag(np.linalg.inv(H))[closed]),
    }
    given = f"{p} parameters, {len(S)} open"
    same(promises(g.copy(), H.copy(), is_open.copy()), gains(own - answers), "the promises", given, slips)


check = checker(back_to_raw_units, removal_of_a_group, a_promise_with_company)
