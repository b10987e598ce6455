"""Wrong answers to the exercises of lesson 04; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: without the header -> header
def pixel(raw, i, r, c):
    rows, columns = int.from_bytes(raw[8:12], "big"), int.from_bytes(raw[12:16], "big")
    return raw[(i * rows + r) * columns + c]


# %% exercise-1: always 28 x 28 -> not yet
def pixel(raw, i, r, c):
    return raw[min(16 + 784 * i + 28 * r + c, len(raw) - 1)]


# %% exercise-1: rows for columns
def pixel(raw, i, r, c):
    rows = int.from_bytes(raw[8:12], "big")
    return raw[min(16 + (i * rows + r) * rows + c, len(raw) - 1)]


# %% exercise-1: least significant byte first -> line
def pixel(raw, i, r, c):
    rows, columns = int.from_bytes(raw[8:12], "little"), int.from_bytes(raw[12:16], "little")
    return raw[16 + (i * rows + r) * columns + c]


# %% exercise-1: the pixels of MNIST
def pixel(raw, i, r, c):
    return images[i].reshape(28, 28)[min(r, 27), min(c, 27)]


# %% exercise-2: the rule for ReLU -> for ReLU
def silu_std(n_in, rng):
    return np.sqrt(2 / n_in)


# %% exercise-2: the variance -> take its root
def silu_std(n_in, rng):
    return 1 / (n_in * np.mean(SiLU().forward(rng.normal(size=200_000)) ** 2))


# %% exercise-2: the variance of SiLU -> mean square
def silu_std(n_in, rng):
    return 1 / np.sqrt(n_in * np.var(SiLU().forward(rng.normal(size=200_000))))


# %% exercise-2: hard-coded for 100 inputs
def silu_std(n_in, rng):
    return 0.1677


# %% exercise-3: plain momentum -> plain momentum
def nesterov(w, v, g, lr, momentum):
    v = momentum * v + g
    return w - lr * v, v


# %% exercise-3: the old velocity -> plain momentum
def nesterov(w, v, g, lr, momentum):
    return w - lr * (g + momentum * v), momentum * v + g


# %% exercise-3: w alone -> 2 results
def nesterov(w, v, g, lr, momentum):
    v = momentum * v + g
    return w - lr * (g + momentum * v)


# %% exercise-3: in place -> changed the array
def nesterov(w, v, g, lr, momentum):
    v *= momentum
    v += g
    return w - lr * (g + momentum * v), v


# %% exercise-3: in the other order
def nesterov(w, v, g, lr, momentum):
    v = momentum * v + g
    return v, w - lr * (g + momentum * v)
