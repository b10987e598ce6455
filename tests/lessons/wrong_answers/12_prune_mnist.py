"""Wrong answers to the exercises of lesson 12; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: q alone -> this is q
def when(count, total, budget, budget_at, power):
    return np.log(total / count) / np.log(total / budget)


# %% exercise-1: the power itself -> 1 / power
def when(count, total, budget, budget_at, power):
    return budget_at * (np.log(total / count) / np.log(total / budget)) ** power


# %% exercise-1: without logarithms -> not in logarithms
def when(count, total, budget, budget_at, power):
    return budget_at * ((total - count) / (total - budget)) ** (1 / power)


# %% exercise-1: the settings' own numbers
def when(count, total, budget, budget_at, power):
    q = np.log(266_610 / count) / np.log(266_610 / 399)
    return 0.6 * abs(q) ** (1 / 0.3)


# %% exercise-2: the first sample alone -> first
def sparse_layer(x, row, col, weight, bias):
    y = np.tile(bias, (len(x), 1))
    for source, target, w in zip(row, col, weight):
        y[0, target] += w * x[0, source]
    return y


# %% exercise-2: the last connection alone -> does not add up
def sparse_layer(x, row, col, weight, bias):
    y = np.tile(bias, (len(x), 1))
    y[:, col] += weight * x[:, row]
    return y


# %% exercise-2: no biases -> biases are missing
def sparse_layer(x, row, col, weight, bias):
    y = np.zeros((len(x), len(bias)))
    for source, target, w in zip(row, col, weight):
        y[:, target] += w * x[:, source]
    return y


# %% exercise-2: the matrix of one example
def sparse_layer(x, row, col, weight, bias):
    return np.array([[6, 12.5, 7]])


# %% exercise-3: the spread -> root of their number
def lead(mine, other):
    gaps = mine - other
    return gaps.mean(), gaps.std(ddof=1)


# %% exercise-3: ddof 0 -> ddof=1
def lead(mine, other):
    gaps = mine - other
    return gaps.mean(), gaps.std() / np.sqrt(len(gaps))


# %% exercise-3: not paired -> paired
def lead(mine, other):
    return mine.mean() - other.mean(), np.sqrt((mine.var(ddof=1) + other.var(ddof=1)) / len(mine))


# %% exercise-3: the lead alone -> 2 results
def lead(mine, other):
    return np.mean(mine - other)
