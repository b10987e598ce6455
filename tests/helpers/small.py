"""Small problems for second-order training."""

import numpy as np

from tinygsp.data import from_arrays
from tinygsp.training.problem import Problem

LOSSES = ["cross-entropy", "squared", "absolute", "huber"]


def small_problem(loss="squared", n=40, features=4, k=2, seed=0, weighted=True):
    """A Problem of random inputs whose targets depend on the first two."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, features))
    signal = np.column_stack([x[:, 0], x[:, 1], x[:, 0] - x[:, 1], -x[:, 0]])[:, :k] + 0.3 * rng.normal(size=(n, k))
    target = signal.argmax(axis=1) if loss == "cross-entropy" else signal
    return Problem(x, target, rng.uniform(0.5, 2, n) if weighted else None, loss, k, np.zeros(k), np.ones(k))


def random_net(problem, hidden=(3,), seed=1, share=0.7, decay=0.01):
    """A Small with random weights, some of its connections closed."""
    rng = np.random.default_rng(seed)
    sizes = (problem.x.shape[1], *hidden, problem.n_out)
    W = [rng.normal(size=(a + 1, b)) for a, b in zip(sizes, sizes[1:])]
    return problem.small(W, [rng.random(w.shape) < share for w in W], decay)


def table(n=300, features=5, seed=0, task="regression"):
    """A Dataset whose target depends on the first two of its features."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, features)) * [1, 10, 1, 1, 1][:features]
    y = 100 + 30 * x[:, 0] - 2 * x[:, 1] + rng.normal(size=n)
    if task == "classification":
        y = np.where(y > 100, "dear", "cheap")
    return from_arrays(x[: n * 3 // 4], y[: n * 3 // 4], validation=(x[n * 3 // 4 :], y[n * 3 // 4 :]), name="table")
