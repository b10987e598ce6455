"""Wrong answers to the exercises of lesson 05; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: divided by the maximum -> root mean square
def keep_relative(weights, k):
    kept = keep_largest([W / np.abs(W).max() for W in weights], k)
    return [np.where(part != 0, W, 0) for W, part in zip(weights, kept)]


# %% exercise-1: divided by the standard deviation -> root mean square
def keep_relative(weights, k):
    kept = keep_largest([W / W.std() for W in weights], k)
    return [np.where(part != 0, W, 0) for W, part in zip(weights, kept)]


# %% exercise-1: not relative -> root mean square
def keep_relative(weights, k):
    return keep_largest(weights, k)


# %% exercise-1: the scaled weights -> the weights themselves
def keep_relative(weights, k):
    return keep_largest([W / np.sqrt(np.mean(W**2)) for W in weights], k)


# %% exercise-1: the same share in every layer
def keep_relative(weights, k):
    return [keep_largest([W], max(1, round(k * W.size / sum(V.size for V in weights))))[0] for W in weights]


# %% exercise-2: nothing is hidden
def hidden_numbers(weights):
    return 0


# %% exercise-2: not trimmed -> trim first
def hidden_numbers(weights):
    return count(weights) - sum(np.count_nonzero(W[:-1]) for W in weights)


# %% exercise-2: without the biases -> the biases count
def hidden_numbers(weights):
    return sum(np.count_nonzero(W[:-1]) for W in trim(weights)) - sum(np.count_nonzero(W[:-1]) for W in weights)


# %% exercise-2: the other way round -> the other way round
def hidden_numbers(weights):
    return sum(np.count_nonzero(W[:-1]) for W in weights) - count(trim(weights))


# %% exercise-2: what the old example gave
def hidden_numbers(weights):
    return -1


# %% exercise-3: the whole layer -> sum of all squares
def lamp(W):
    return W**2 / np.sum(W**2)


# %% exercise-3: the running sum from below -> not larger
def lamp(W):
    squares = W.ravel() ** 2
    order = np.argsort(squares)
    score = np.empty_like(squares)
    score[order] = squares[order] / np.cumsum(squares[order])
    return score.reshape(W.shape)


# %% exercise-3: sorted, not put back
def lamp(W):
    squares = np.sort(W.ravel() ** 2)[::-1]
    return (squares / np.cumsum(squares)).reshape(W.shape)


# %% exercise-3: without squares -> the squares are missing
def lamp(W):
    size = np.abs(W.ravel())
    order = np.argsort(-size)
    score = np.empty_like(size)
    score[order] = size[order] / np.cumsum(size[order])
    return score.reshape(W.shape)


# %% exercise-3: flat -> shape
def lamp(W):
    squares = W.ravel() ** 2
    order = np.argsort(-squares)
    score = np.empty_like(squares)
    score[order] = squares[order] / np.cumsum(squares[order])
    return score
