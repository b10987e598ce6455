"""Wrong answers to the exercises of lesson 08; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: nothing -> 2 results
def size_penalty(W, gate, price):
    return ()


# %% exercise-1: dW alone -> 2 results
def size_penalty(W, gate, price):
    return price * np.sign(W) * sigmoid(gate)


# %% exercise-1: dW alone, in a tuple -> 2 results
def size_penalty(W, gate, price):
    return (price * np.sign(W) * sigmoid(gate),)


# %% exercise-1: without the sign -> sign of W is missing
def size_penalty(W, gate, price):
    p = sigmoid(gate)
    return price * p, price * np.abs(W) * p * (1 - p)


# %% exercise-1: as for the gate alone -> |W| is missing
def size_penalty(W, gate, price):
    p = sigmoid(gate)
    return price * np.sign(W) * p, price * p * (1 - p)


# %% exercise-1: the two exchanged
def size_penalty(W, gate, price):
    p = sigmoid(gate)
    return price * np.abs(W) * p * (1 - p), price * np.sign(W) * p


# %% exercise-2: the numbers of an example
def settle(plant, price, goal, a, steps):
    return 50 if steps == 1 else 20


# %% exercise-2: at the goal from the start
def settle(plant, price, goal, a, steps):
    return np.full(steps, goal)


# %% exercise-2: the last count -> shape
def settle(plant, price, goal, a, steps):
    for _ in range(steps):
        count = plant(price)
        price *= np.exp(a * np.log(count / goal))
    return count


# %% exercise-2: the price falls when it should rise -> must rise
def settle(plant, price, goal, a, steps):
    counts = []
    for _ in range(steps):
        counts.append(plant(price))
        price *= np.exp(-a * np.log(counts[-1] / goal))
    return np.array(counts)


# %% exercise-2: after the update -> the first count
def settle(plant, price, goal, a, steps):
    counts = []
    for _ in range(steps):
        price *= np.exp(a * np.log(plant(price) / goal))
        counts.append(plant(price))
    return np.array(counts)


# %% exercise-2: the price moves, not its logarithm -> added to the logarithm of the price
def settle(plant, price, goal, a, steps):
    counts = []
    for _ in range(steps):
        counts.append(plant(price))
        price += a * np.log(counts[-1] / goal)
    return np.array(counts)


# %% exercise-2: never moves -> never changes
def settle(plant, price, goal, a, steps):
    return np.full(steps, plant(price))


# %% exercise-3: without the 4 -> 4 is missing
def least_damping(a, k):
    return np.sqrt(a / k)


# %% exercise-3: not divided -> divide by k
def least_damping(a, k):
    return 2 * np.sqrt(a * k)


# %% exercise-3: the figure's own d
def least_damping(a, k):
    return 3.0


# %% exercise-3: the square -> take its root
def least_damping(a, k):
    return 4 * a / k
