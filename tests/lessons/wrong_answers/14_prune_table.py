"""Wrong answers to the exercises of lesson 14; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: the weights alone -> 2 results
def in_raw_units(w, b, mean, std):
    return w / std


# %% exercise-1: the means forgotten -> means are missing
def in_raw_units(w, b, mean, std):
    return w / std, b


# %% exercise-1: multiplied -> divided by the spread
def in_raw_units(w, b, mean, std):
    return w * std, b - np.sum(w * mean * std)


# %% exercise-1: the wrong sign -> wrong sign
def in_raw_units(w, b, mean, std):
    return w / std, b + np.sum(w * mean / std)


# %% exercise-2: the others stay -> the others stay
def cost_of_group(w, H, group):
    return w[group] @ H[np.ix_(group, group)] @ w[group] / 2


# %% exercise-2: single removals added up
def cost_of_group(w, H, group):
    return np.sum(w[group] ** 2 / (2 * np.diag(np.linalg.inv(H))[group]))


# %% exercise-2: without the half -> half is missing
def cost_of_group(w, H, group):
    return w[group] @ np.linalg.solve(np.linalg.inv(H)[np.ix_(group, group)], w[group])


# %% exercise-2: a vector -> expected ()
def cost_of_group(w, H, group):
    return np.linalg.solve(np.linalg.inv(H)[np.ix_(group, group)], w[group])


# %% exercise-3: the open ones stay -> if the open ones stay
def promises(g, H, is_open):
    return np.where(is_open, 0, g**2 / (2 * np.diag(H)))


# %% exercise-3: everything adapts
def promises(g, H, is_open):
    return np.where(is_open, 0, g**2 * np.diag(np.linalg.inv(H)) / 2)


# %% exercise-3: without the half -> half is missing
def promises(g, H, is_open):
    S, gain = np.flatnonzero(is_open), np.zeros(len(g))
    for j in np.flatnonzero(~is_open):
        gain[j] = g[j] ** 2 / (H[j, j] - H[j, S] @ np.linalg.solve(H[np.ix_(S, S)], H[S, j]))
    return gain


# %% exercise-3: the closed ones alone -> shape
def promises(g, H, is_open):
    return g[~is_open] ** 2 / (2 * np.diag(H)[~is_open])
