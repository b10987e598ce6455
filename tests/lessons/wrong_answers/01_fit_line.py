"""Wrong answers to the exercises of lesson 01; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: all points -> over all points
def batch_gradient(p, x, target, places):
    return gradient(p, x, target)


# %% exercise-1: divided by n -> divided by all n points
def batch_gradient(p, x, target, places):
    dy = 2 * (predict(p, x[places]) - target[places]) / len(x)
    return np.array([np.sum(dy * x[places]), np.sum(dy)])


# %% exercise-1: the sum -> the mean is missing
def batch_gradient(p, x, target, places):
    return gradient(p, x[places], target[places]) * len(places)


# %% exercise-1: the first points instead of those at the places
def batch_gradient(p, x, target, places):
    return gradient(p, x[: len(places)], target[: len(places)])


# %% exercise-2: no factor 2 -> factor 2 missing
def parabola_gradient(p, x, target):
    dy = (np.polyval(p, x) - target) / len(x)
    return np.array([np.sum(dy * x**2), np.sum(dy * x), np.sum(dy)])


# %% exercise-2: the sum -> the mean is missing
def parabola_gradient(p, x, target):
    dy = 2 * (np.polyval(p, x) - target)
    return np.array([np.sum(dy * x**2), np.sum(dy * x), np.sum(dy)])


# %% exercise-2: another order -> the order is turned around
def parabola_gradient(p, x, target):
    dy = 2 * (np.polyval(p, x) - target) / len(x)
    return np.array([np.sum(dy), np.sum(dy * x), np.sum(dy * x**2)])


# %% exercise-2: of the line -> has shape
def parabola_gradient(p, x, target):
    return gradient(p[1:], x, target)


# %% exercise-2: uphill and downhill mixed up -> wrong sign
def parabola_gradient(p, x, target):
    dy = 2 * (target - np.polyval(p, x)) / len(x)
    return np.array([np.sum(dy * x**2), np.sum(dy * x), np.sum(dy)])


# %% exercise-3: through the origin -> through the origin
def best_line(x, target):
    return np.array([x @ target / (x @ x), 0])


# %% exercise-3: another order -> the order is turned around
def best_line(x, target):
    return np.array([*np.polyfit(x, target, 1)[::-1]])


# %% exercise-3: the points of the lesson
def best_line(x, target):
    return best


# %% exercise-3: a few steps of descent
def best_line(x, target):
    p = np.zeros(2)
    for _ in range(100):
        p = p - 0.1 * gradient(p, x, target)
    return p
