"""Wrong answers to the exercises of lesson 06; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: the slowest -> the slowest
def race(weights, u):
    return (-np.log(u) / weights).argmax(axis=1)


# %% exercise-1: times the weights -> runs faster
def race(weights, u):
    return (-np.log(u) * weights).argmin(axis=1)


# %% exercise-1: without the minus -> is a minus missing
def race(weights, u):
    return (np.log(u) / weights).argmin(axis=1)


# %% exercise-1: the likeliest, always
def race(weights, u):
    return np.full(len(u), weights.argmax())


# %% exercise-1: one race -> shape
def race(weights, u):
    return (-np.log(u[0]) / weights).argmin()


# %% exercise-2: below -> soft < s
def chance_above(s, gate, tau):
    return 1 - sigmoid(gate - tau * np.log(s / (1 - s)))


# %% exercise-2: divided by tau -> multiply by tau
def chance_above(s, gate, tau):
    return sigmoid(gate - np.log(s / (1 - s)) / tau)


# %% exercise-2: at tau 1 -> tau is missing
def chance_above(s, gate, tau):
    return sigmoid(gate - np.log(s / (1 - s)))


# %% exercise-2: counted, not in closed form
def chance_above(s, gate, tau):
    u = np.random.default_rng(0).random(100_000)
    return np.mean(sigmoid((gate + np.log(u / (1 - u))) / tau) > s)


# %% exercise-3: tau once -> tau counts twice
def dtau(dmask, gate, noise, tau):
    soft = sigmoid((gate + noise) / tau)
    return np.sum(dmask * soft * (1 - soft) * -(gate + noise) / tau)


# %% exercise-3: uphill -> wrong sign
def dtau(dmask, gate, noise, tau):
    soft = sigmoid((gate + noise) / tau)
    return np.sum(dmask * soft * (1 - soft) * (gate + noise) / tau**2)


# %% exercise-3: not summed -> one tau serves all gates
def dtau(dmask, gate, noise, tau):
    soft = sigmoid((gate + noise) / tau)
    return dmask * soft * (1 - soft) * -(gate + noise) / tau**2


# %% exercise-3: the sum of dgate -> with respect to tau
def dtau(dmask, gate, noise, tau):
    return np.sum(binary_gate_backward(dmask, sigmoid((gate + noise) / tau), tau))
