"""Gates: random switches that have a gradient, in plain NumPy.

A gate decides whether a weight takes part. Training needs a sample of it (0 or 1) and a gradient for the logit that
sets its odds. Gumbel-Softmax gives both for any number of categories; with two categories one logit and logistic
noise are enough, and this is what the layers use. Lessons 06 and 07 build this file; `kernels.sample_gates` is its
compiled twin; read `layers.py` next.
"""

from __future__ import annotations

import math

import numpy as np

MASK64 = (1 << 64) - 1


# --- noise --------------------------------------------------------------------------------------------------


def gumbel_noise(u: np.ndarray) -> np.ndarray:
    """Standard Gumbel noise -log(-log u) from u in (0, 1); any shape (Gumbel 1954; Jang et al. 2017, eq. 1)."""
    return -np.log(-np.log(u))


def logistic_noise(u: np.ndarray) -> np.ndarray:
    """Standard logistic noise logit(u) from u in (0, 1): the difference of two independent Gumbels."""
    return np.log(u) - np.log1p(-u)


def noise_keys(seed: int, step: int, layer: int) -> tuple[np.uint32, np.uint32]:
    """Two uint32 key words for the noise of one layer at one step; the same arguments always give the same noise.

    Three rounds of the splitmix64 finaliser (Steele et al. 2014), one for each argument.
    """
    h = 0
    for word in (seed, step, layer):
        h = (h ^ int(word)) * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15 & MASK64
        h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & MASK64
        h = (h ^ h >> 27) * 0x94D049BB133111EB & MASK64
        h ^= h >> 31
    return np.uint32(h >> 32), np.uint32(h & 0xFFFFFFFF)


def hash_uniform(index: np.ndarray, key0: np.uint32, key1: np.uint32) -> np.ndarray:
    """Uniform noise strictly inside (0, 1) from counters instead of a state: float32, the shape of `index`.

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


def softmax(z: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, shifted by the maximum so that exp cannot overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def gumbel_softmax(
    logits: np.ndarray, noise: np.ndarray, tau: float, hard: bool = False
) -> tuple[np.ndarray, np.ndarray]:
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


def gumbel_softmax_backward(dy: np.ndarray, soft: np.ndarray, tau: float) -> np.ndarray:
    """dL/dlogits (..., K) from dy = dL/dy (..., K).

        dlogits = soft * (dy - sum_k dy_k soft_k) / tau

    For a hard sample this is the straight-through estimate: the one-hot y is treated as if it were soft (Bengio et al.
    2013).
    """
    return soft * (dy - (dy * soft).sum(axis=-1, keepdims=True)) / tau


# --- two categories: one logit ------------------------------------------------------------------------------


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), without overflow for large |z|."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def binary_gate(gate: np.ndarray, noise: np.ndarray, tau: float) -> tuple[np.ndarray, np.ndarray]:
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


def binary_gate_backward(dmask: np.ndarray | float, soft: np.ndarray, tau: float) -> np.ndarray:
    """Straight-through backward of a gate: treat the 0/1 mask as if it were soft.

        dgate = dmask * soft * (1 - soft) / tau        (Jang et al. 2017; Bengio et al. 2013)

    dmask : (...)      dL/dmask
    soft  : (...)      relaxed gate in (0, 1), saved by `binary_gate`
    tau   : float > 0  temperature of the forward pass
    """
    return dmask * soft * (1 - soft) / tau


def price_grad(gate: np.ndarray, price: float) -> np.ndarray:
    """Gradient of price * (expected number of open gates) with respect to each gate: price * p * (1 - p)."""
    p = sigmoid(gate)
    return price * p * (1 - p)


def check_tau(tau: float) -> None:
    """Raise ValueError unless a temperature is above 0."""
    if not tau > 0:
        raise ValueError(f"tau is {tau}: a temperature must be greater than 0")


# --- gates of other methods ---------------------------------------------------------------------------------

STRETCH_LOW, STRETCH_HIGH, BETA = -0.1, 1.1, 2 / 3  # the hard concrete distribution of Louizos et al. 2018
ALWAYS_CLOSED = math.log(-STRETCH_HIGH / STRETCH_LOW)  # at minus this log alpha the gate without noise leaves 0


def hard_concrete(gate: np.ndarray, noise: np.ndarray | float, tau: float) -> tuple[np.ndarray, np.ndarray]:
    """A gate in [0, 1] that is often exactly 0 or 1 (Louizos et al. 2018, eq. 10 and 11).

        soft = sigmoid((gate - log 11 + noise) / tau),   mask = min(1, max(0, -0.1 + 1.2 * soft))

    gate, noise : (...)      log alpha + log 11, so that without noise, at tau = 1, it is open above 0
    tau         : float > 0

    Returns (mask, slope = dmask/dgate), both (...).
    """
    soft = sigmoid((gate - ALWAYS_CLOSED + noise) / tau)
    stretched = STRETCH_LOW + (STRETCH_HIGH - STRETCH_LOW) * soft
    mask = np.clip(stretched, 0, 1)
    return mask, (mask == stretched) * (STRETCH_HIGH - STRETCH_LOW) * soft * (1 - soft) / tau


K1, K2, K3 = 0.63576, 1.87320, 1.48695  # of the divergence, Molchanov et al. 2017, eq. 14


def variational(W: np.ndarray, gate: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Whether a normal weight of mean W and variance exp(-gate) counts, as a logit (Molchanov et al. 2017).

    W, gate : (...)  a gate of -inf is a weight that is gone, one of inf a number without variance
    limit   : float  largest log alpha, with alpha = variance / W^2, of a weight that counts

    Returns (logit, variance), both (...): limit - log alpha, or the gate where it is infinite.
    """
    finite = np.isfinite(gate)
    safe = np.where(finite, gate, 0)
    log_alpha = -safe - np.log(W * W + 1e-20)
    return np.where(finite, limit - log_alpha, gate).astype(W.dtype), np.where(finite, np.exp(-safe), 0).astype(W.dtype)


def variational_grads(
    W: np.ndarray, gate: np.ndarray, dvariance: np.ndarray, price: float
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the loss plus price * KL, the divergence from the log-uniform prior (eq. 14), by each weight.

        KL = k1 - k1 sigmoid(k2 + k3 log alpha) + 0.5 log(1 + 1 / alpha)
        -dKL / dlog alpha = k1 k3 s (1 - s) + 0.5 sigmoid(-log alpha),   s = sigmoid(k2 + k3 log alpha)

    W, gate, dvariance : (...)  mean, -log(variance) and dL/dvariance; price : float

    Returns (what KL adds to dW, dgate), both (...); 0 where the gate is infinite.
    """
    finite = np.isfinite(gate)
    safe = np.where(finite, gate, 0)
    log_alpha = -safe - np.log(W * W + 1e-20)
    s = sigmoid(K2 + K3 * log_alpha)
    h = K1 * K3 * s * (1 - s) + 0.5 * sigmoid(-log_alpha)
    dgate = price * h - dvariance * np.exp(-safe)
    return np.where(finite, 2 * price * h * W / (W * W + 1e-20), 0), np.where(finite, dgate, 0)
