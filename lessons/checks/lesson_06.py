"""Checks of lesson 06, flip a coin."""

import numpy as np
from exercise import checker, same

from tinygsp.nn.gates import logistic_noise, sigmoid


def a_race(race, rng):
    n, K = int(rng.integers(40, 90)), int(rng.integers(2, 7))
    weights, u = rng.uniform(0.2, 5, K), rng.uniform(0.001, 0.999, (n, K))
    times = -np.log(u) / weights
    slips = {
        "this is the slowest: take the smallest time (or is a minus missing? log u is negative)": times.argmax(axis=1),
        "multiplied by the weights: a larger weight runs faster": (-np.log(u) * weights).argmin(axis=1),
        "the weights are missing": (-np.log(u)).argmin(axis=1),
    }
    same(race(weights, u), times.argmin(axis=1), "the winner", f"n = {n}, K = {K}", slips)


def how_often_open(chance_above, rng):
    s, gate, tau = rng.uniform(0.05, 0.95), rng.normal(0, 1.5), rng.uniform(0.2, 4)
    logit = np.log(s / (1 - s))
    right = sigmoid(gate - tau * logit)
    slips = {
        "this is the chance of soft < s": 1 - right,
        "tau is missing: soft > s means (gate + noise) / tau > logit(s)": sigmoid(gate - logit),
        "soft > s means gate + noise > tau * logit(s): multiply by tau": sigmoid(gate - logit / tau),
        "this is P(open): s is missing": sigmoid(gate),
        "this is the chance at s itself, not at logit(s)": sigmoid(gate - tau * s),
    }
    same(chance_above(s, gate, tau), right, "the chance", f"s = {s:.2f}, gate = {gate:.2f}, tau = {tau:.2f}", slips)


def gradient_of_the_temperature(dtau, rng):
    n, tau = int(rng.integers(2, 9)), rng.uniform(0.3, 3)
    gate, dmask, noise = rng.normal(size=n), rng.normal(size=n), logistic_noise(rng.uniform(0.05, 0.95, n))
    z = gate + noise
    slope = dmask * sigmoid(z / tau) * (1 - sigmoid(z / tau))
    right = np.sum(slope * -z) / tau**2
    slips = {
        "the derivative of z / tau is -z / tau^2: tau counts twice": right * tau,
        "this is the sum of dgate: the derivative of z / tau with respect to tau is missing": np.sum(slope) / tau,
        "the derivative of z / tau is -z / tau^2: z is missing": np.sum(-slope) / tau**2,
        "z is gate + noise: the noise is missing there": np.sum(slope * -gate) / tau**2,
        "one temperature serves all gates: add up, do not take the mean": right / n,
    }
    yours, given = dtau(dmask, gate, noise, tau), f"n = {n}, tau = {tau:.2f}"
    assert np.shape(yours) != (n,), (
        f"dtau for {given} has shape ({n},), expected (): one tau serves all gates, so add up"
    )
    same(yours, right, "dtau", given, slips)


check = checker(a_race, how_often_open, gradient_of_the_temperature)
