"""Checks of lesson 03, turn scores into a loss."""

import numpy as np
from exercise import checker, same

from tinygsp.nn.gates import sigmoid, softmax


def log_sum_exp(logsumexp, rng):
    n, k = rng.integers(2, 8, 2)
    z = rng.normal(0, 2, (n, k)) + rng.permutation([-1000, *rng.choice([0, 1000], n - 1)])[:, None]
    largest = z.max(axis=1)
    right = np.logaddexp.reduce(z, axis=1)
    slips = {
        "the largest score was subtracted: add it again, outside of the logarithm": right - largest,
        "this is the mean of the exponentials; their sum is wanted": right - np.log(k),
        "this is the largest score alone": largest,
    }
    same(logsumexp(z.copy()), right, "log-sum-exp", f"n = {n}, k = {k}", slips, tol=1e-9)


def two_classes(two_class_gradient, rng):
    n = int(rng.integers(2, 10))
    s, labels = rng.normal(0, 2, n), rng.permutation([0, 1, *rng.integers(0, 2, n - 2)])  # both classes
    right = (sigmoid(s) - labels) / n
    slips = {
        "the mean is missing: divide by n": right * n,
        "sigmoid(s) is the probability of class 1, not of class 0": (sigmoid(-s) - labels) / n,
        "this is the probability alone: what is wanted of it?": sigmoid(s) / n,
        "the classes are exchanged: of p_1 the label is wanted, not 1 minus it": (sigmoid(s) + labels - 1) / n,
    }
    same(two_class_gradient(s, labels), right, "ds", f"n = {n}", slips)


def uncertain_labels(soft_label_gradient, rng):
    n, k = (int(size) for size in rng.integers(2, 8, 2))
    logits, q = rng.normal(0, 2, (n, k)), rng.dirichlet(np.ones(k), n)
    p = softmax(logits)
    by_p = "this is the derivative with respect to p: how does p change with the scores?"
    slips = {
        by_p: -q / p / n,
        by_p + " And the mean is missing": -q / p,
        "the mean is missing: divide by n": p - q,
        "divided by the number of entries: the mean is over the n samples": (p - q) / (n * k),
        "q stands for onehot, as a whole: not only its largest entry counts": (p - np.eye(k)[q.argmax(axis=1)]) / n,
        "the sum over the classes was lost: a score changes the probability of every class": q * (p - 1) / n,
    }
    same(soft_label_gradient(logits, q), (p - q) / n, "dlogits", f"n = {n}, k = {k}", slips)


check = checker(log_sum_exp, two_classes, uncertain_labels)
