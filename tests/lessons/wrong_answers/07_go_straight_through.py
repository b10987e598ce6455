"""Wrong answers to the exercises of lesson 07; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: without the mask -> mask is missing
def masked_dx(dy, W, mask):
    return dy @ W[:-1].T


# %% exercise-1: with the biases -> shape
def masked_dx(dy, W, mask):
    return dy @ (mask * W).T


# %% exercise-1: the first row for the last -> the last
def masked_dx(dy, W, mask):
    return dy @ (mask * W)[1:].T


# %% exercise-1: not transposed -> in the line
def masked_dx(dy, W, mask):
    return dy @ (mask * W)[:-1]


# %% exercise-2: hard-coded numbers
def budget_grad(gate, price, budget):
    p = gates.sigmoid(gate)
    return 2 * 0.2 * (p.sum() - 12) * p * (1 - p)


# %% exercise-2: no factor 2 -> factor 2
def budget_grad(gate, price, budget):
    p = gates.sigmoid(gate)
    return price * (p.sum() - budget) * p * (1 - p)


# %% exercise-2: a price per gate -> distance to the budget
def budget_grad(gate, price, budget):
    return price_grad(gate, price)


# %% exercise-2: each gate for itself -> all gates together
def budget_grad(gate, price, budget):
    p = gates.sigmoid(gate)
    return 2 * price * (p - budget) * p * (1 - p)


# %% exercise-2: the derivative of the sigmoid forgotten -> p * (1 - p) is missing
def budget_grad(gate, price, budget):
    return 2 * price * (gates.sigmoid(gate).sum() - budget) * np.ones_like(gate)


# %% exercise-3: the exact gradient, nearly
def score_function(loss, mask, gate):
    p = gates.sigmoid(gate)
    return (loss[:, None] * (mask - p)).mean(axis=0) + 1e-9 + 0 * mask


# %% exercise-3: the exact gradient of the lesson's problem -> shape
def score_function(loss, mask, gate):
    return exact(two_gates, 4)[1] + 1e-9


# %% exercise-3: without p -> p is missing
def score_function(loss, mask, gate):
    return loss[:, None] * mask


# %% exercise-3: divided by n -> do not divide by n
def score_function(loss, mask, gate):
    return loss[:, None] * (mask - gates.sigmoid(gate)) / len(loss)


# %% exercise-3: the gate for its probability -> the sigmoid of the gate
def score_function(loss, mask, gate):
    return loss[:, None] * (mask - gate)
