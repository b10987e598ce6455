"""Gates: coins one can differentiate, in plain NumPy.

A gate decides whether a weight takes part. Training needs its sample (0 or 1) and a gradient for the number that
sets its odds. Gumbel-Softmax gives both for any number of categories; with two categories it shrinks to one logit
and logistic noise, which is what the layers use. Lessons 06 and 07 build this file; `kernels.sample_gates` is its
compiled twin; read `layers.py` next.
"""

import numpy as np

MASK64 = (1 << 64) - 1


# --- noise --------------------------------------------------------------------------------------------------


def gumbel_noise(u):
    """Standard Gumbel noise -log(-log u) from u in (0, 1); any shape (Gumbel 1954; Jang et al. 2017, eq. 1)."""
    return -np.log(-np.log(u))


def logistic_noise(u):
    """Standard logistic noise logit(u) from u in (0, 1): the difference of two independent Gumbels."""
    return np.log(u) - np.log1p(-u)


def noise_keys(seed, step, layer):
    """Two uint32 key words for the noise of one layer at one step: the same arguments, the same noise, always.

    Three rounds of the splitmix64 finaliser (Steele et al. 2014), one for each argument.
    """
    h = 0
    for word in (seed, step, layer):
        h = (h ^ int(word)) * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15 & MASK64
        h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & MASK64
        h = (h ^ h >> 27) * 0x94D049BB133111EB & MASK64
        h ^= h >> 31
    return np.uint32(h >> 32), np.uint32(h & 0xFFFFFFFF)


def hash_uniform(index, key0, key1):
    """Uniform noise strictly inside (0, 1) from a counter instead of a state: float32, the shape of `index`.

    index      : uint32 array  place of each connection in its original matrix
    key0, key1 : uint32        from `noise_keys`

    Each value depends on its own index and the keys alone, so the noise is the same at any thread count, after a
    resume, and whatever other connections have been retired. Two rounds of a multiply-xorshift mixer, bit for bit
    the same as `kernels.hash_uniform`.
    """
    h = np.asarray(index, np.uint32) ^ np.uint32(key0)
    for key in (key1, 0):
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D)
        h = (h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B)
        h = (h ^ (h >> np.uint32(16))) + np.uint32(key)
    return ((h >> np.uint32(9)).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-23)


# --- any number of categories -------------------------------------------------------------------------------


def softmax(z):
    """Softmax over the last axis, shifted by the maximum so that exp cannot overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def gumbel_softmax(logits, noise, tau, hard=False):
    """Sample one of K categories so that the sample has a gradient (Jang et al. 2017, eq. 2).

        soft = softmax((logits + noise) / tau);   hard sample: one-hot of argmax(logits + noise)

    logits : (..., K)   unnormalised log-probabilities
    noise  : (..., K)   from `gumbel_noise`, drawn by the caller
    tau    : float > 0  temperature: low is nearly one-hot, high is nearly uniform
    hard   : bool       return the one-hot sample instead of the soft one

    Returns (y, soft), both (..., K): y is what the network uses, soft is what the backward pass needs. The
    argmax is category k with probability softmax(logits)[k], at any tau.
    """
    check_tau(tau)
    z = logits + noise
    soft = softmax(z / tau)
    if not hard:
        return soft, soft
    return np.eye(z.shape[-1], dtype=soft.dtype)[z.argmax(axis=-1)], soft


def gumbel_softmax_backward(dy, soft, tau):
    """dL/dlogits (..., K) from dy = dL/dy. For a hard sample this is the straight-through estimate: the one-hot
    y is treated as if it were soft (Bengio et al. 2013).

        dlogits = soft * (dy - sum_k dy_k soft_k) / tau
    """
    return soft * (dy - (dy * soft).sum(axis=-1, keepdims=True)) / tau


# --- two categories: one logit ------------------------------------------------------------------------------


def sigmoid(z):
    """1 / (1 + exp(-z)), without overflow for large |z|."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def binary_gate(gate, noise, tau):
    """Sample open/closed gates: the two-category case of `gumbel_softmax` with a single logit.

        z = gate + noise,   mask = z > 0,   soft = sigmoid(z / tau),   P(mask = 1) = sigmoid(gate)

    Equal to K = 2 with logits (gate, 0), because a difference of two Gumbels is logistic (Maddison et al. 2017).

    gate, noise : (...)      logit of being open; noise from `logistic_noise`
    tau         : float > 0  temperature

    Returns (mask, soft), both (...) in the dtype of gate.
    """
    check_tau(tau)
    z = gate + noise
    return (z > 0).astype(z.dtype), sigmoid(z / tau)


def binary_gate_backward(dmask, soft, tau):
    """Straight-through backward of a gate: treat the 0/1 mask as if it were soft.

        dgate = dmask * soft * (1 - soft) / tau        (Jang et al. 2017; Bengio et al. 2013)

    dmask : (...)      dL/dmask
    soft  : (...)      relaxed gate in (0, 1), saved by `binary_gate`
    tau   : float > 0  temperature of the forward pass
    """
    return dmask * soft * (1 - soft) / tau


def price_grad(gate, price):
    """Gradient of price * (expected number of open gates) with respect to each gate: price * p * (1 - p)."""
    p = sigmoid(gate)
    return price * p * (1 - p)


def check_tau(tau):
    if not tau > 0:
        raise ValueError(f"tau is {tau}: a temperature must be greater than 0")
