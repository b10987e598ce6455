"""Wrong answers to the exercises of lesson 10; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: in all steps -> open in all steps
def opens_once(gate, scale, steps):
    return sigmoid(gate / scale) ** steps


# %% exercise-1: never -> stay closed in all steps
def opens_once(gate, scale, steps):
    return (1 - sigmoid(gate / scale)) ** steps


# %% exercise-1: one step -> this is one step
def opens_once(gate, scale, steps):
    return sigmoid(gate / scale)


# %% exercise-1: a sum of probabilities -> expected number
def opens_once(gate, scale, steps):
    return steps * sigmoid(gate / scale)


# %% exercise-1: without the noise -> scale of the noise is missing
def opens_once(gate, scale, steps):
    return 1 - (1 - sigmoid(gate)) ** steps


# %% exercise-2: one sweep -> one sweep is not enough
def close_all(live):
    live = [matrix.copy() for matrix in live]
    for into, out in zip(live, live[1:]):
        alive = into.any(axis=0) & out.any(axis=1)
        into &= alive
        out &= alive[:, None]
    return live


# %% exercise-2: in place -> copy them
def close_all(live):
    for _ in live:
        for into, out in zip(live, live[1:]):
            alive = into.any(axis=0) & out.any(axis=1)
            into &= alive
            out &= alive[:, None]
    return live


# %% exercise-2: looks forward only
def close_all(live):
    live = [matrix.copy() for matrix in live]
    for _ in live:
        for into, out in zip(live, live[1:]):
            out &= into.any(axis=0)[:, None]
    return live


# %% exercise-2: the first layer alone -> 4 results
def close_all(live):
    return [live[0] & live[1].any(axis=1)]


# %% exercise-3: all zero -> 0 everywhere
def hand_over(velocity, old, new):
    return np.zeros(len(new))


# %% exercise-3: the nearest one -> new start at 0
def hand_over(velocity, old, new):
    return velocity[np.minimum(np.searchsorted(old, new), len(old) - 1)]


# %% exercise-3: in sorted order -> order is that of new
def hand_over(velocity, old, new):
    found = dict(zip(old, velocity))
    return np.array([found.get(number, 0.0) for number in np.sort(new)])


# %% exercise-3: only those that were there -> shape
def hand_over(velocity, old, new):
    return velocity[np.isin(old, new)]


# %% exercise-3: behind the end -> a number beyond the last of old
def hand_over(velocity, old, new):
    at = np.searchsorted(old, new)
    return np.where(old[at] == new, velocity[at], 0)
