"""Wrong answers to the exercises of lesson 11; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: the change, not the fall -> other sign
def gain(g, h, d):
    return g * d + h * d**2 / 2


# %% exercise-1: without the half -> half is missing
def gain(g, h, d):
    return -g * d - h * d**2


# %% exercise-1: always Newton's -> Newton's step
def gain(g, h, d):
    return g**2 / (2 * h)


# %% exercise-1: to first order -> curvature is missing
def gain(g, h, d):
    return -g * d


# %% exercise-2: nothing turned -> as they were
def turned(columns, size):
    return columns


# %% exercise-2: clockwise -> other way
def turned(columns, size):
    row, col = np.divmod(columns, size)
    return (size - 1 - col) * size + row


# %% exercise-2: transposed -> diagonal
def turned(columns, size):
    row, col = np.divmod(columns, size)
    return col * size + row


# %% exercise-2: one too far -> one too far
def turned(columns, size):
    row, col = np.divmod(columns, size)
    return col * size + size - row


# %% exercise-3: the sum -> mean over the samples
def true_fisher(a, p):
    return (a**2).T @ (p * (1 - p))


# %% exercise-3: y is never c -> p^2
def true_fisher(a, p):
    return (a**2).T @ p**2 / len(a)


# %% exercise-3: product of means -> mean of the products
def true_fisher(a, p):
    return np.outer((a**2).mean(axis=0), (p * (1 - p)).mean(axis=0))


# %% exercise-3: a not squared -> a enters squared
def true_fisher(a, p):
    return a.T @ (p * (1 - p)) / len(a)


# %% exercise-3: the case y = c alone, weighed -> y = c alone; add the other
def true_fisher(a, p):
    return (a**2).T @ (p * (1 - p) ** 2) / len(a)


# %% exercise-3: the case y = c alone, not weighed -> y = c alone
def true_fisher(a, p):
    return (a**2).T @ (1 - p) ** 2 / len(a)


# %% exercise-3: the other case alone, weighed -> the other case alone
def true_fisher(a, p):
    return (a**2).T @ ((1 - p) * p**2) / len(a)


# %% exercise-3: the case y = c without its p -> weigh the case y = c
def true_fisher(a, p):
    return (a**2).T @ ((1 - p) ** 2 + (1 - p) * p**2) / len(a)


# %% exercise-3: the other case without its 1 - p -> weigh the case y != c
def true_fisher(a, p):
    return (a**2).T @ (p * (1 - p) ** 2 + p**2) / len(a)
