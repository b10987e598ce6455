"""The sampler keeps its promises, and samplers that break one are found out.

A sampler is anything that turns (index, seed, step, layer) into uniform numbers, and those into logistic noise. The
checks ask for the right distribution, for gates that are open as often as they should, and for independence between
neighbours, rows, steps, layers and seeds. They pass for the library, through NumPy and through the compiled loop, and
fail for samplers with one fault each. All seeds are fixed; each bound would fail a right sampler once in a
million seeds.
"""

import hashlib
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numba
import numpy as np
import pytest

from tinygsp.nn import gates, kernels
from tinygsp.nn.layers import MaskedDense

f32, u32 = np.float32, np.uint32
LOG = np.log(2 / 1e-6)  # of two sides and one chance in a million
JIT = not numba.config.DISABLE_JIT


def numpy_uniform(index, seed, step, layer):
    return gates.hash_uniform(index, *gates.noise_keys(seed, step, layer)).astype(np.float64)


def kernel_noise(index, seed, step, layer):
    """The noise `kernels.sample_gates` drew, from what it wrote: slope = s (1 - s) / tau with s = sigmoid(z / tau),
    and s (1 - s) = 1 / (2 + 2 cosh(z / tau)). With tau = 4 float32 tells s from 1 for every z there is."""
    zeros, ones = np.zeros(index.size, f32), np.ones(index.size, f32)
    Wm, mask, slope = (np.empty(index.size, f32) for _ in range(3))
    keys = gates.noise_keys(seed, step, layer)
    kernels.sample_gates(ones, zeros, index, *keys, f32(1), f32(1 / 4), Wm, mask, slope)
    z = 4 * np.arccosh(np.maximum(1, 1 / (8 * slope.astype(np.float64)) - 1))
    return np.where(mask == 1, z, -z)


@dataclass(frozen=True)
class Sampler:
    uniform: Callable = numpy_uniform  # (index, seed, step, layer) -> (0, 1)
    logistic: Callable = gates.logistic_noise
    n: int = 2**20  # how many numbers a check may ask for
    bits: int = 23  # how many of the first bits of u are noise

    def u(self, n, seed=1, step=2, layer=0):
        return self.uniform(np.arange(n, dtype=u32), seed, step, layer)


NUMPY = Sampler()
KERNEL = Sampler(uniform=lambda *place: gates.sigmoid(kernel_noise(*place)), n=2**20 if JIT else 2**11, bits=8)


def mean_bound(variance, largest, n):
    """Bernstein: how far a mean of n independent numbers of mean 0 may be from it, once in a million times."""
    return np.sqrt(2 * variance * LOG / n) + 2 * largest * LOG / (3 * n)


# --- what is promised ---------------------------------------------------------------------------------------


def check_distribution(sampler):
    """Kolmogorov-Smirnov distance of the noise to the logistic distribution; Dvoretzky-Kiefer-Wolfowitz bound."""
    n = sampler.n
    p = gates.sigmoid(np.sort(sampler.logistic(sampler.u(n))))
    steps = np.arange(n + 1) / n
    assert max((p - steps[:-1]).max(), (steps[1:] - p).max()) < np.sqrt(LOG / (2 * n))


def check_open(sampler):
    """P(gate + noise > 0) = sigmoid(gate)."""
    for k, gate in enumerate([-7.0, -3.0, -0.5, 0.0, 1.0, 4.0]):
        p = gates.sigmoid(gate)
        share = np.mean(gate + sampler.logistic(sampler.u(sampler.n, step=k)) > 0)
        assert abs(share - p) < mean_bound(p * (1 - p), max(p, 1 - p), sampler.n), gate


def check_correlation(a, b):
    """Two sequences of u, each independent: their product around 1/2 has mean 0 and variance 1/144."""
    assert np.mean(a == b) < 1e-3
    # A sequence and itself, shifted: each product shares a factor with two others, but every second with none.
    assert abs(np.mean((a - 0.5) * (b - 0.5))) < mean_bound(1 / 144, 1 / 4, a.size / 2)


def check_neighbours(sampler):
    """Connections side by side, up to 64 apart, and in rows of common widths."""
    u = sampler.u(sampler.n)
    for lag in [*range(1, 65), 100, 128, 256, 300, 512, 784, 1024]:
        check_correlation(u[lag:], u[:-lag])


def check_places(sampler):
    """Neighbouring seeds, steps and layers, and those whose numbers are exchanged."""
    n = sampler.n // 8
    draws = [sampler.u(n, *place) for place in itertools.product([0, 1], [0, 1, 2], [0, 1, 2])]
    for a, b in itertools.combinations(draws, 2):
        check_correlation(a, b)


def check_steps(sampler):
    """One connection over many steps, against the next step and the next connection."""
    u = np.array([sampler.u(2, step=step) for step in range(min(sampler.n, 20_000))])
    check_correlation(u[1:, 0], u[:-1, 0])
    check_correlation(u[:, 0], u[:, 1])
    assert abs(u[:, 0].mean() - 0.5) < mean_bound(1 / 12, 1 / 2, len(u))


def check_bits(sampler):
    """Every bit is set half of the time, and no two are set together more or less often than that."""
    n = sampler.n
    whole = (sampler.u(n) * 2**sampler.bits).astype(np.int64)
    signs = 2 * (whole[:, None] >> np.arange(sampler.bits) & 1).astype(f32) - 1  # (n, bits), -1 or 1
    assert np.all(np.abs(signs.mean(axis=0, dtype=np.float64)) < mean_bound(1, 1, n))
    together = (signs.T @ signs) / n  # float32 is exact: integers below 2^24
    assert np.all(np.abs(together - np.eye(sampler.bits)) < mean_bound(1, 1, n))


def check_sets(sampler):
    """No two steps deal out the same numbers in another order. Keys that are only XORed to an index do: whenever
    two of them agree in the high bits, and among 1,600 steps some do."""
    sums = set()
    for step in range(1600):
        whole = (sampler.u(2**14, step=step) * 2**23).astype(np.uint64)
        sums.add(int((whole * whole * whole).sum()))  # modulo 2^64, whatever the order
    assert len(sums) == 1600


CHECKS = [check_distribution, check_open, check_neighbours, check_places, check_steps, check_bits, check_sets]


@pytest.mark.parametrize("check", CHECKS)
def test_the_noise_of_numpy(check):
    check(NUMPY)


@pytest.mark.parametrize("check", [check_distribution, check_open, check_neighbours, check_places, check_bits])
def test_the_noise_of_the_compiled_loop(check):
    check(KERNEL)


def test_the_compiled_loop_draws_the_same_noise():
    index = np.arange(KERNEL.n, dtype=u32) * u32(4099)  # all over the 32 bits
    expected = gates.logistic_noise(numpy_uniform(index, 1, 2, 3))
    assert np.allclose(kernel_noise(index, 1, 2, 3), expected, rtol=1e-4, atol=5e-3)


@pytest.mark.parametrize("gate", [-3.0, 0.0, 2.0])
def test_the_compiled_loop_opens_gates_as_often_as_it_should(gate):
    n = KERNEL.n
    Wm, mask, slope = (np.empty(n, f32) for _ in range(3))
    kernels.sample_gates(
        np.ones(n, f32),
        np.full(n, gate, f32),
        np.arange(n, dtype=u32),
        *gates.noise_keys(7, 8, 9),
        f32(1),
        f32(1),
        Wm,
        mask,
        slope,
    )
    p = gates.sigmoid(gate)
    assert abs(mask.mean(dtype=np.float64) - p) < mean_bound(p * (1 - p), 1, n)


def test_half_the_noise_is_half_as_wide():
    """P(open) = sigmoid(gate / noise): what fading the noise of the search rests on."""
    share = np.mean(1.0 + 0.5 * gates.logistic_noise(NUMPY.u(NUMPY.n)) > 0)
    assert abs(share - gates.sigmoid(2.0)) < mean_bound(0.11, 1, NUMPY.n)


# --- samplers with one fault each ---------------------------------------------------------------------------


def one_round(index, seed, step, layer):
    """The key is XORed to the index and the sum mixed once."""
    key, _ = gates.noise_keys(seed, step, layer)
    h = index ^ key
    h = (h ^ (h >> u32(16))) * u32(0x7FEB352D)
    h = (h ^ (h >> u32(15))) * u32(0x846CA68B)
    h = h ^ (h >> u32(16))
    return ((h >> u32(9)) + 0.5) * 2.0**-23


def no_mixing(index, seed, step, layer):
    """A multiplicative hash: every number is the one before plus a constant."""
    key, _ = gates.noise_keys(seed, step, layer)
    return (((index ^ key) * u32(0x9E3779B1) >> u32(9)) + 0.5) * 2.0**-23


BROKEN = {  # name: (sampler, the check that must see it)
    "scale off by 3 %": (replace(NUMPY, logistic=lambda u: 1.03 * gates.logistic_noise(u)), check_distribution),
    "scale off by 3 %, seen in gates": (replace(NUMPY, logistic=lambda u: 1.03 * gates.logistic_noise(u)), check_open),
    "mean shifted": (replace(NUMPY, logistic=lambda u: gates.logistic_noise(u) + 0.02), check_distribution),
    "mean shifted, seen in gates": (replace(NUMPY, logistic=lambda u: gates.logistic_noise(u) + 0.02), check_open),
    "normal instead of logistic": (
        replace(NUMPY, logistic=lambda u: 1.7 * np.sqrt(2) * np.sign(u - 0.5) * np.sqrt(-np.log(1 - (2 * u - 1) ** 2))),
        check_distribution,
    ),
    "u rounded to 8 bits": (
        replace(NUMPY, uniform=lambda *place: np.floor(numpy_uniform(*place) * 256) / 256 + 1 / 512),
        check_bits,
    ),
    "key ignored": (replace(NUMPY, uniform=lambda index, *place: numpy_uniform(index, 0, 0, 0)), check_places),
    "step ignored": (
        replace(NUMPY, uniform=lambda index, seed, step, layer: numpy_uniform(index, seed, 0, layer)),
        check_steps,
    ),
    "layer ignored": (
        replace(NUMPY, uniform=lambda index, seed, step, layer: numpy_uniform(index, seed, step, 0)),
        check_places,
    ),
    "seed and step exchangeable": (
        replace(NUMPY, uniform=lambda index, seed, step, layer: numpy_uniform(index, 0, seed + step, layer)),
        check_places,
    ),
    "one XOR-keyed round": (replace(NUMPY, uniform=one_round), check_sets),
    "no mixing": (replace(NUMPY, uniform=no_mixing), check_neighbours),
    "neighbours in pairs": (
        replace(NUMPY, uniform=lambda index, *place: numpy_uniform(index // u32(2), *place)),
        check_neighbours,
    ),
    "rows repeat": (
        replace(NUMPY, uniform=lambda index, *place: numpy_uniform(index % u32(300), *place)),
        check_neighbours,
    ),
}


@pytest.mark.parametrize("sampler, check", BROKEN.values(), ids=BROKEN)
def test_a_broken_sampler_is_rejected(sampler, check):
    with pytest.raises(AssertionError):
        check(sampler)


# --- threads ------------------------------------------------------------------------------------------------


def sampled_bits():
    """A digest of everything a layer of 785 x 300 gates holds after it was sampled at three steps."""
    rng = np.random.default_rng(0)
    shape = (785, 300) if JIT else (20, 10)
    layer = MaskedDense(rng.normal(size=shape).astype(f32), rng.normal(size=shape).astype(f32), seed=3, layer=1)
    digest = hashlib.sha256()
    for step in range(3):
        layer.sample(step, 0.7)
        for array in (layer.mask, layer.Wm, layer.slope):
            digest.update(array.tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_same_bits_at_any_number_of_threads(threads):
    names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    library = str(Path(gates.__file__).parents[2])  # the folder of the package that is tested here
    environment = {**os.environ, **dict.fromkeys(names, threads), "PYTHONPATH": library}
    done = subprocess.run([sys.executable, __file__], env=environment, text=True, capture_output=True, timeout=300)
    assert done.stdout.strip() == sampled_bits(), done.stderr


if __name__ == "__main__":
    print(sampled_bits())
