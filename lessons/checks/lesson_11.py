"""Checks of lesson 11, rewire."""

import numpy as np
from exercise import checker, same


def what_a_step_brings(gain, rng):
    g, h, d = rng.normal(size=5), rng.uniform(0.1, 3, 5), rng.normal(size=5)
    slips = {
        "this is the change of the loss; its fall has the other sign": g * d + h * d**2 / 2,
        "the half is missing in front of h": -(g * d + h * d**2),
        "the curvature is missing": -g * d,
        "this is the gain of Newton's step, whatever d is": g**2 / (2 * h),
        "d is squared in the part with h": -(g * d + h * d / 2),
        "the part with h has the wrong sign: a step that is too long gains nothing": -g * d + h * d**2 / 2,
    }
    same(gain(g, h, d), -(g * d + h * d**2 / 2), "the gain", "5 connections", slips)


def turned_by_a_quarter(turned, rng):
    size = int(rng.integers(3, 9))
    columns = rng.permutation(size * size)[: 2 * size]
    pixels = np.arange(size * size).reshape(size, size)
    slips = {
        "these are the places as they were": columns,
        "turned the other way: clockwise": np.rot90(pixels, -1).ravel()[columns],
        "turned by 180 degrees": np.rot90(pixels, 2).ravel()[columns],
        "this mirrors the image at its diagonal: one of the two directions must be reversed": pixels.T.ravel()[columns],
        "one too far: the last column is size - 1": np.rot90(pixels).ravel()[columns] + 1,
    }
    same(turned(columns.copy(), size), np.rot90(pixels).ravel()[columns], "the places", f"size {size}", slips)


def labels_by_the_network(true_fisher, rng):
    n, m, k = (int(size) for size in rng.permutation(range(3, 9))[:3])
    a, p = rng.normal(size=(n, m)), rng.dirichlet(np.ones(k), n)
    right = (a**2).T @ (p * (1 - p)) / n
    slips = {
        "the mean over the samples is missing": right * n,
        "this is p (1 - p) of the mean; take the mean of the products": (a**2).mean(axis=0)[:, None]
        * (p * (1 - p)).mean(axis=0),
        "a enters squared": a.T @ (p * (1 - p)) / n,
        "that y may be c is forgotten: this is p^2": (a**2).T @ p**2 / n,
        "this is the case y = c alone": (a**2).T @ (1 - p) ** 2 / n,
        "this is the case y = c alone; add the other, with its probability": (a**2).T @ (p * (1 - p) ** 2) / n,
        "this is the other case alone; add y = c, with its probability": (a**2).T @ ((1 - p) * p**2) / n,
        "weigh the case y = c with its probability, p_c": (a**2).T @ ((1 - p) ** 2 + (1 - p) * p**2) / n,
        "weigh the case y != c with its probability, 1 - p_c": (a**2).T @ (p * (1 - p) ** 2 + p**2) / n,
        "weigh the two cases with their probabilities, p_c and 1 - p_c": (a**2).T @ (p**2 + (1 - p) ** 2) / n,
    }
    same(true_fisher(a, p), right, "the Fisher information", f"n = {n}, m = {m}, k = {k}", slips)


check = checker(what_a_step_brings, turned_by_a_quarter, labels_by_the_network)
