"""Gates draw what they promise. Seeds are fixed; every bound would fail a right library once in a million seeds."""

import itertools

import numpy as np
import pytest

from tinygsp.nn import gates

N = 200_000
# Hoeffding, and Dvoretzky-Kiefer-Wolfowitz for a whole distribution function: with n independent values in an
# interval of length 1, the chance that the mean (or the function anywhere) is off by more than this is 1e-6.
BOUND = np.sqrt(np.log(2 / 1e-6) / (2 * N))


def uniform(seed=0, step=0, layer=0, n=N):
    return gates.hash_uniform(np.arange(n, dtype=np.uint32), *gates.noise_keys(seed, step, layer)).astype(np.float64)


def distance(values, cdf):
    """Kolmogorov-Smirnov distance between a sample and a distribution function."""
    p = cdf(np.sort(values))
    i = np.arange(len(p))
    return max((p - i / len(p)).max(), ((i + 1) / len(p) - p).max())


# --- two categories are one logit ---------------------------------------------------------------------------


@pytest.mark.parametrize("tau", [0.2, 1.0, 4.0])
def test_two_categories_are_one_gate(rng, tau):
    gate, g = rng.normal(0, 2, (5, 7)), gates.gumbel_noise(rng.uniform(size=(5, 7, 2)))
    logits = np.stack([gate, np.zeros_like(gate)], axis=-1)
    hard, soft = gates.gumbel_softmax(logits, g, tau, hard=True)
    mask, soft_open = gates.binary_gate(gate, g[..., 0] - g[..., 1], tau)
    assert np.allclose(soft[..., 0], 1 / (1 + np.exp(-(gate + g[..., 0] - g[..., 1]) / tau)), rtol=0, atol=1e-12)
    assert np.allclose(soft[..., 0], soft_open, rtol=0, atol=1e-12)
    assert np.array_equal(hard[..., 0], mask) and 0 < mask.sum() < mask.size
    dmask = rng.normal(size=(5, 7))
    dlogits = gates.gumbel_softmax_backward(np.stack([dmask, np.zeros_like(dmask)], axis=-1), soft, tau)
    assert np.allclose(dlogits[..., 0], gates.binary_gate_backward(dmask, soft_open, tau), rtol=0, atol=1e-12)


def test_soft_and_hard_samples(rng):
    logits, noise = rng.normal(size=(6, 5)), gates.gumbel_noise(rng.uniform(size=(6, 5)))
    hard, soft = gates.gumbel_softmax(logits, noise, 0.5, hard=True)
    assert np.allclose(soft.sum(axis=-1), 1) and np.array_equal(hard.sum(axis=-1), np.ones(6))
    assert np.array_equal(hard.argmax(axis=-1), (logits + noise).argmax(axis=-1))
    assert np.allclose(soft, gates.softmax((logits + noise) / 0.5))
    assert np.allclose(gates.gumbel_softmax(logits, noise, 1e-3)[0], hard, atol=1e-3)  # a low tau is nearly one-hot
    assert np.allclose(gates.gumbel_softmax(logits, noise, 1e4)[0], 1 / 5, atol=1e-2)  # a high one nearly uniform


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_large_values(dtype):
    gate = np.array([-1e4, -3, 0, 3, 1e4, np.inf, -np.inf], dtype)
    mask, soft = gates.binary_gate(gate, np.zeros_like(gate), 0.1)
    assert mask.dtype == soft.dtype == dtype
    assert mask.tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert np.isfinite(soft).all() and soft[2] == 0.5 and soft[5] == 1 and soft[6] == 0
    assert np.allclose(gates.softmax(np.array([[1e4, 0, -1e4]], dtype)), [[1, 0, 0]])


@pytest.mark.parametrize("tau", [0, 0.0, -1.5, float("nan")])
def test_a_temperature_is_positive(tau):
    z = np.zeros((3, 2))
    with pytest.raises(ValueError, match=f"tau is {tau}"):
        gates.gumbel_softmax(z, z, tau)
    with pytest.raises(ValueError, match=f"tau is {tau}"):
        gates.binary_gate(z, z, tau)


# --- frequencies --------------------------------------------------------------------------------------------


def test_argmax_has_the_probabilities_of_softmax():
    logits = np.array([1.0, -0.5, 0.3, -3.0])
    u = np.stack([uniform(seed) for seed in range(4)], axis=-1)  # (N, 4)
    hard, _ = gates.gumbel_softmax(logits, gates.gumbel_noise(u), 0.7, hard=True)
    assert np.all(np.abs(hard.mean(axis=0) - gates.softmax(logits)) < BOUND)


@pytest.mark.parametrize("tau", [0.3, 3.0])
@pytest.mark.parametrize("gate", [-4.0, -1.0, 0.0, 2.5])
def test_a_gate_is_open_with_probability_sigmoid(gate, tau):
    mask, _ = gates.binary_gate(np.full(N, gate), gates.logistic_noise(uniform(3)), tau)
    assert abs(mask.mean() - 1 / (1 + np.exp(-gate))) < BOUND


def test_price_grad_is_price_times_the_variance_of_a_gate():
    p = np.array([0.1, 0.5, 0.8])
    assert np.allclose(gates.price_grad(np.log(p / (1 - p)), 2.5), 2.5 * p * (1 - p))


# --- noise --------------------------------------------------------------------------------------------------


def test_uniform_noise_is_uniform():
    assert distance(uniform(), lambda x: x) < BOUND


def test_logistic_noise_is_logistic():
    assert distance(gates.logistic_noise(uniform()), lambda x: 1 / (1 + np.exp(-x))) < BOUND


def test_gumbel_noise_is_gumbel():
    assert distance(gates.gumbel_noise(uniform()), lambda x: np.exp(-np.exp(-x))) < BOUND


def test_the_distance_sees_a_wrong_scale():
    assert distance(1.05 * gates.logistic_noise(uniform()), lambda x: 1 / (1 + np.exp(-x))) > BOUND


@pytest.mark.parametrize("noise", [gates.gumbel_noise, gates.logistic_noise])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_is_finite_at_the_ends_of_u(noise, dtype):
    ends = np.array([2.0**-24, 1 - 2.0**-24], dtype)  # the least and the greatest that hash_uniform can give
    with np.errstate(all="raise"):
        assert np.isfinite(noise(ends)).all()


def test_u_stays_inside_0_and_1():
    u = gates.hash_uniform(np.arange(2**22, dtype=np.uint32), *gates.noise_keys(0, 0, 0))
    assert u.dtype == np.float32 and 2.0**-24 <= u.min() and u.max() <= 1 - 2.0**-24
    assert np.array_equal(u * 2.0**24 % 2, np.ones(u.size))  # the middles of 2^23 equal intervals


def test_the_same_arguments_give_the_same_noise():
    assert np.array_equal(uniform(1, 2, 3), uniform(1, 2, 3))
    index = np.array([[7, 123456], [0, 2**32 - 1]], np.uint32)
    keys = gates.noise_keys(np.int64(1), np.int64(2), 3)
    assert keys == gates.noise_keys(1, 2, 3) and all(isinstance(k, np.uint32) for k in keys)
    assert gates.hash_uniform(index, *keys)[0].tolist() == [uniform(1, 2, 3)[7], uniform(1, 2, 3)[123456]]


def test_noise_differs_between_seeds_steps_and_layers():
    """Neighbours in seed, step and layer, and those that exchange numbers: equal nowhere, and uncorrelated."""
    places = list(itertools.product([0, 1], [0, 1, 2], [0, 1]))
    draws = np.array([uniform(*place) for place in places]) - 0.5
    for a, b in itertools.combinations(range(len(places)), 2):
        assert np.mean(draws[a] == draws[b]) < 1e-4, (places[a], places[b])
        assert abs(np.mean(draws[a] * draws[b])) < BOUND / 2, (places[a], places[b])  # products span 1/2


@pytest.mark.parametrize("lag", [1, 2, 3, 10, 100, 300, 784])
def test_noise_differs_between_neighbouring_connections(lag):
    u = uniform(4, 5, 6, N + lag) - 0.5
    assert np.mean(u[lag:] == u[:-lag]) < 1e-4
    # Overlapping products are not all independent; two halves of independent ones cost a factor of sqrt(2).
    assert abs(np.mean(u[lag:] * u[:-lag])) < BOUND / 2 * np.sqrt(2)


def test_noise_of_one_connection_over_the_steps_is_uniform():
    steps = 20_000
    u = [gates.hash_uniform(np.array([77], np.uint32), *gates.noise_keys(0, step, 1))[0] for step in range(steps)]
    assert distance(np.array(u, np.float64), lambda x: x) < BOUND * np.sqrt(N / steps)


def test_keys_do_not_collide():
    keys = {gates.noise_keys(*place) for place in itertools.product(range(20), range(20), range(20))}
    assert len(keys) == 20**3
