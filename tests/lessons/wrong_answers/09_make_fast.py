"""Wrong answers to the exercises of lesson 09; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: with reduceat
def incoming(Wm, starts, total):
    total[:] = np.add.reduceat(np.abs(Wm), starts[:-1])


# %% exercise-1: not set to 0 first -> set it to 0
@jit
def incoming(Wm, starts, total):
    for j in range(total.size):
        for e in range(starts[j], starts[j + 1]):
            total[j] += abs(Wm[e])


# %% exercise-1: with its sign -> not of |Wm|
@jit
def incoming(Wm, starts, total):
    for j in range(total.size):
        total[j] = 0
        for e in range(starts[j], starts[j + 1]):
            total[j] += Wm[e]


# %% exercise-1: not compiled -> not compiled
def incoming(Wm, starts, total):
    for j in range(total.size):
        total[j] = np.abs(Wm[starts[j] : starts[j + 1]]).sum()


# %% exercise-2: the formula as it stands -> stops at 80
@jit
def softplus(z):
    return fast_log(ONE + kernels.fast_exp(z))


# %% exercise-2: for large z only z -> this is max(z, 0)
@jit
def softplus(z):
    return max(z, f32(0))


# %% exercise-2: the other half -> is missing
@jit
def softplus(z):
    return fast_log(ONE + kernels.fast_exp(-abs(z)))


# %% exercise-2: without exp for negative z
@jit
def softplus(z):
    return z + fast_log(ONE + kernels.fast_exp(-z))


# %% exercise-3: the series alone -> exp(x) of NumPy
@jit
def your_exp(x):
    return ONE + x * (ONE + x * (f32(1 / 2) + x * (f32(1 / 6) + x * (f32(1 / 24) + x * f32(1 / 120)))))


# %% exercise-3: truncated, not rounded
@jit
def your_exp(x):
    k = np.trunc(x * f32(1 / np.log(2)))
    r = (x - k * f32(0.693145751953125)) - k * f32(1.42860682030941723e-6)
    p = f32(1 / 24) + r * (f32(1 / 120) + r * f32(1 / 720))
    p = ONE + r * (ONE + r * (f32(1 / 2) + r * (f32(1 / 6) + r * p)))
    return p * i32((i32(k) + i32(127)) << i32(23)).view(f32)


# %% exercise-3: 2^k forgotten -> 2^k is missing
@jit
def your_exp(x):
    k = np.floor(x * f32(1 / np.log(2)) + f32(0.5))
    r = (x - k * f32(0.693145751953125)) - k * f32(1.42860682030941723e-6)
    p = f32(1 / 24) + r * (f32(1 / 120) + r * f32(1 / 720))
    return ONE + r * (ONE + r * (f32(1 / 2) + r * (f32(1 / 6) + r * p)))


# %% exercise-3: NumPy's own -> calls an exponential
@jit
def your_exp(x):
    return f32(np.exp(x))
