"""Wrong answers to the exercises of lesson 02; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: a plain ReLU -> plain ReLU
class LeakyReLU(ReLU):
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.1 * x)

    def backward(self, dy):
        return dy * (self.x > 0)


# %% exercise-1: without dy -> dy is missing
class LeakyReLU(ReLU):
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.1 * x)

    def backward(self, dy):
        return np.where(self.x > 0, 1, 0.1)


# %% exercise-1: the forward pass applied to dy
class LeakyReLU(ReLU):
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.1 * x)

    def backward(self, dy):
        return np.where(dy > 0, dy, 0.1 * dy)


# %% exercise-1: x in place of dy
class LeakyReLU(ReLU):
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.1 * x)

    def backward(self, dy):
        return np.where(self.x > 0, self.x, 0.1 * self.x)


# %% exercise-2: accumulates -> overwrite
class Gain(ReLU):
    def __init__(self, g):
        self.params, self.grads = {"g": g}, {"g": np.zeros_like(g)}

    def forward(self, x):
        self.x = x
        return x * self.params["g"]

    def backward(self, dy):
        self.grads["g"] += np.sum(dy * self.x, axis=0)
        return dy * self.params["g"]


# %% exercise-2: the mean over the samples -> the mean over the samples
class Gain(ReLU):
    def __init__(self, g):
        self.params, self.grads = {"g": g}, {"g": np.zeros_like(g)}

    def forward(self, x):
        self.x = x
        return x * self.params["g"]

    def backward(self, dy):
        self.grads["g"][:] = np.mean(dy * self.x, axis=0)
        return dy * self.params["g"]


# %% exercise-2: dx alone -> nothing is written
class Gain(ReLU):
    def __init__(self, g):
        self.params, self.grads = {"g": g}, {"g": np.zeros_like(g)}

    def forward(self, x):
        self.x = x
        return x * self.params["g"]

    def backward(self, dy):
        return dy * self.params["g"]


# %% exercise-2: dg like db -> x is missing
class Gain(ReLU):
    def __init__(self, g):
        self.params, self.grads = {"g": g}, {"g": np.zeros_like(g)}

    def forward(self, x):
        self.x = x
        return x * self.params["g"]

    def backward(self, dy):
        self.grads["g"][:] = dy.sum(axis=0)
        return dy * self.params["g"]


# %% exercise-2: not summed -> in the line
class Gain(ReLU):
    def __init__(self, g):
        self.params, self.grads = {"g": g}, {"g": np.zeros_like(g)}

    def forward(self, x):
        self.x = x
        return x * self.params["g"]

    def backward(self, dy):
        self.grads["g"][:] = dy * self.x
        return dy * self.params["g"]


# %% exercise-3: without the shortcut -> along the shortcut
class Shortcut(ReLU):
    def __init__(self, f):
        self.f, self.params, self.grads = f, f.params, f.grads

    def forward(self, x):
        return x + self.f.forward(x)

    def backward(self, dy):
        return self.f.backward(dy)


# %% exercise-3: without f -> through f
class Shortcut(ReLU):
    def __init__(self, f):
        self.f, self.params, self.grads = f, f.params, f.grads

    def forward(self, x):
        return x + self.f.forward(x)

    def backward(self, dy):
        self.f.backward(dy)
        return dy


# %% exercise-3: the product of both ways
class Shortcut(ReLU):
    def __init__(self, f):
        self.f, self.params, self.grads = f, f.params, f.grads

    def forward(self, x):
        return x + self.f.forward(x)

    def backward(self, dy):
        return dy * self.f.backward(dy)
