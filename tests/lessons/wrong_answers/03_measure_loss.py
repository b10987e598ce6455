"""Wrong answers to the exercises of lesson 03; see tests/lessons/test_exercises.py."""

# ruff: noqa: F811, F821


# %% exercise-1: the plain formula -> overflow, or a logarithm of 0
def logsumexp(z):
    return np.log(np.exp(z).sum(axis=1))


# %% exercise-1: the shift not undone -> add it again
def logsumexp(z):
    return np.log(np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1))


# %% exercise-1: one shift for all rows -> overflow, or a logarithm of 0
def logsumexp(z):
    return z.max() + np.log(np.exp(z - z.max()).sum(axis=1))


# %% exercise-1: the maximum -> largest score alone
def logsumexp(z):
    return z.max(axis=1)


# %% exercise-1: over the samples
def logsumexp(z):
    return np.logaddexp.reduce(z, axis=0)


# %% exercise-1: keeps the axis -> keep its axis
def logsumexp(z):
    return np.logaddexp.reduce(z, axis=1, keepdims=True)


# %% exercise-2: the sum -> the mean is missing
def two_class_gradient(s, labels):
    return 1 / (1 + np.exp(-s)) - labels


# %% exercise-2: the other way round -> wrong sign
def two_class_gradient(s, labels):
    return (labels - 1 / (1 + np.exp(-s))) / len(s)


# %% exercise-2: the other class -> not of class 0
def two_class_gradient(s, labels):
    return (1 / (1 + np.exp(s)) - labels) / len(s)


# %% exercise-2: with the slope of the sigmoid, as for a squared error
def two_class_gradient(s, labels):
    p = 1 / (1 + np.exp(-s))
    return (p - labels) * p * (1 - p) / len(s)


# %% exercise-2: the classes exchanged -> classes are exchanged
def two_class_gradient(s, labels):
    return (1 / (1 + np.exp(-s)) - (1 - labels)) / len(s)


# %% exercise-3: the sum -> the mean is missing
def soft_label_gradient(logits, q):
    return naive_softmax(logits) - q


# %% exercise-3: the largest entry of q -> not only its largest entry
def soft_label_gradient(logits, q):
    return your_cross_entropy(logits, q.argmax(axis=1))[1]


# %% exercise-3: only the term of the own class -> sum over the classes
def soft_label_gradient(logits, q):
    return q * (naive_softmax(logits) - 1) / len(logits)


# %% exercise-3: the mean over all entries -> number of entries
def soft_label_gradient(logits, q):
    return (naive_softmax(logits) - q) / logits.size


# %% exercise-3: by the probabilities -> derivative with respect to p
def soft_label_gradient(logits, q):
    return -q / naive_softmax(logits) / len(logits)


# %% exercise-3: by the probabilities, without the mean -> derivative with respect to p
def soft_label_gradient(logits, q):
    return -q / naive_softmax(logits)
