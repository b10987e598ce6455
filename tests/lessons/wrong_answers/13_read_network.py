"""Wrong answers to the exercises of lesson 13; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: of all outputs -> other outputs
def carried(paths, value, level, output, n_units):
    return np.bincount(paths[:, level], value, minlength=n_units)


# %% exercise-1: a count -> counts the paths
def carried(paths, value, level, output, n_units):
    return np.bincount(paths[paths[:, 3] == output, level], minlength=n_units)


# %% exercise-1: the last path alone -> does not add up
def carried(paths, value, level, output, n_units):
    sums, to_output = np.zeros(n_units), paths[:, 3] == output
    sums[paths[to_output, level]] += value[to_output]
    return sums


# %% exercise-1: one sum -> shape
def carried(paths, value, level, output, n_units):
    return value[paths[:, 3] == output].sum()


# %% exercise-2: the connections -> connections themselves
def shared_by(A, k):
    return A[k]


# %% exercise-2: the first layer's ways alone -> ways on from its end
def shared_by(A, k):
    into = np.ones(len(A[0]))
    for matrix in A[:k]:
        into = into @ matrix
    return into[:, None] * A[k]


# %% exercise-2: the count of all paths
def shared_by(A, k):
    return np.linalg.multi_dot(A)


# %% exercise-2: closed ones as well -> multiply by A[k]
def shared_by(A, k):
    into, onward = np.ones(len(A[0])), np.ones(A[-1].shape[1])
    for matrix in A[:k]:
        into = into @ matrix
    for matrix in A[:k:-1]:
        onward = matrix @ onward
    return np.outer(into, onward)


# %% exercise-2: the sums of the layer itself -> sums of A[k] itself
def shared_by(A, k):
    return A[k].sum(axis=1)[:, None] * A[k] * A[k].sum(axis=0)


# %% exercise-2: the neighbouring layers alone -> ways of one step
def shared_by(A, k):
    into = A[k - 1].sum(axis=0) if k else np.ones(len(A[0]))
    onward = A[k + 1].sum(axis=1) if k + 1 < len(A) else np.ones(A[-1].shape[1])
    return into[:, None] * A[k] * onward


# %% exercise-3: the other order -> v before u
def cross(edges):
    before = np.cumsum(edges, axis=1) - edges
    return before @ edges.T.astype(float)


# %% exercise-3: the same place -> do not cross
def cross(edges):
    return edges.astype(float) @ np.cumsum(edges, axis=1).T


# %% exercise-3: all pairs -> crossing or not
def cross(edges):
    return np.outer(edges.sum(axis=1), edges.sum(axis=1))


# %% exercise-3: nothing crosses -> 0 everywhere
def cross(edges):
    return np.zeros((len(edges), len(edges)))


# %% exercise-3: the other order, 0 on the diagonal -> v before u
def cross(edges):
    before = np.cumsum(edges, axis=1) - edges
    return (before @ edges.T) * (1 - np.eye(len(edges)))
