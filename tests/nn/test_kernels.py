"""Each compiled loop says what its NumPy twin says: odd sizes, nothing at all, a batch of one, extremes, NaN."""

import numpy as np
import pytest

from tinygsp.nn import gates, kernels, losses
from tinygsp.nn.layers import SiLU
from tinygsp.nn.optim import SGD

f32, u32, f64 = np.float32, np.uint32, np.float64
SIZES = [0, 1, 7, 1001]
KEYS = [(u32(0), u32(0)), (u32(0xFFFFFFFF), u32(0xFFFFFFFF)), gates.noise_keys(1, 2, 3)]


def normal(rng, *shape, scale=1.0):
    return rng.normal(0, scale, shape).astype(f32)


def each(kernel, values, *rest):
    """A scalar kernel of every value: float32, and the kernel may not have computed in anything wider."""
    got = np.array([kernel(v, *rest) for v in values])
    assert np.array_equal(got, got.astype(f32))
    return got.astype(f32)


# --- numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key0, key1", KEYS)
def test_hash_is_its_twin_bit_for_bit(rng, key0, key1):
    edge = [0, 1, 2, 2**16 - 1, 2**16, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]
    index = np.concatenate([edge, np.arange(3000), rng.integers(2**32, size=3000)]).astype(u32)
    compiled = each(kernels.hash_uniform, index, key0, key1)
    assert np.array_equal(compiled.view(u32), gates.hash_uniform(index, key0, key1).view(u32))


def test_log_accuracy(rng):
    tiny, huge = np.finfo(f32).tiny, np.finfo(f32).max
    u = 2.0**-24
    extremes = [tiny, huge, 1, np.nextafter(f32(1), f32(0)), np.nextafter(f32(1), f32(2)), 0.70710677, 0.7071068, 2]
    noise = [u / (1 - u), (1 - u) / u]  # the ends of what sample_gates asks for
    x = np.concatenate(
        [
            extremes,
            noise,
            np.exp(rng.uniform(-17, 17, 3000)),
            np.exp(rng.uniform(-87, 88, 1000)),
            1 + rng.uniform(-1e-3, 1e-3, 1000),
        ]
    ).astype(f32)
    exact = np.log(x.astype(f64))
    got = each(kernels.fast_log, x)
    assert np.max(np.abs(got - exact) / np.maximum(1, np.abs(exact))) < 1.5e-7
    assert kernels.fast_log(f32(1)) == 0


def test_exp_accuracy(rng):
    x = np.concatenate([[0, -0.0, 1e-30, 80, -80], rng.uniform(-80, 80, 3000), rng.uniform(-1, 1, 3000)]).astype(f32)
    exact = np.exp(x.astype(f64))
    assert np.max(np.abs(each(kernels.fast_exp, x) / exact - 1)) < 5e-6
    near = np.abs(x) < 1
    assert np.max(np.abs(each(kernels.fast_exp, x[near]) / exact[near] - 1)) < 3e-7
    assert kernels.fast_exp(f32(0)) == 1 and kernels.fast_exp(f32(1e30)) == kernels.fast_exp(f32(80))
    assert np.isnan(kernels.fast_exp(f32(np.nan)))


def test_sigmoid_accuracy(rng):
    z = np.concatenate([[0, -0.0, 1e-30, 80, -80, 1e30, -1e30], rng.uniform(-90, 90, 2000), rng.uniform(-5, 5, 3000)])
    z = z.astype(f32)
    exact = gates.sigmoid(z.astype(f64))
    got = each(kernels.fast_sigmoid, z)
    assert np.max(np.abs(got - exact)) < 2e-7
    near = z > -79  # below exp(-80) it no longer falls
    assert np.max(np.abs(got[near] / exact[near] - 1)) < 2e-6
    assert got.min() >= 0 and got.max() <= 1


def test_sigmoid_at_infinity_and_nan():
    assert kernels.fast_sigmoid(f32(0)) == 0.5
    assert kernels.fast_sigmoid(f32(np.inf)) == 1
    assert 0 <= kernels.fast_sigmoid(f32(-np.inf)) < 2e-35  # exp(-80), the smallest value it gives
    assert np.isnan(kernels.fast_sigmoid(f32(np.nan)))


# --- gates --------------------------------------------------------------------------------------------------


def sample(W, gate, index, keys, noise, tau):
    Wm, mask, slope = (np.full(W.shape, np.nan, f32) for _ in range(3))
    count = kernels.sample_gates(W, gate, index, *keys, f32(noise), f32(1 / tau), Wm, mask, slope)
    assert count == np.count_nonzero(gate > 0)
    return Wm, mask, slope


@pytest.mark.parametrize("tau", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("noise", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("k", SIZES)
def test_sample_gates(rng, k, noise, tau):
    W, gate, index = normal(rng, k), normal(rng, k, scale=3), rng.integers(2**32, size=k).astype(u32)
    keys = gates.noise_keys(5, 6, 7)
    Wm, mask, slope = sample(W, gate, index, keys, noise, tau)
    gate = gate.astype(f64)
    logistic = noise * gates.logistic_noise(gates.hash_uniform(index, *keys).astype(f64))
    expected, soft = gates.binary_gate(gate, logistic, tau)
    sure = np.abs(gate + logistic) > 1e-5  # nearer to 0, float32 may decide otherwise
    assert np.array_equal(mask[sure], expected[sure]) and sure.sum() >= k - 1
    assert np.isin(mask, [0, 1]).all() and np.array_equal(Wm, mask * W)
    assert np.allclose(slope, gates.binary_gate_backward(1, soft, tau), rtol=0, atol=1e-6 / tau**2)


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_frozen_gates(noise):
    """+inf is open and -inf closed, whatever the noise, and no gradient can move them."""
    gate = np.array([np.inf, -np.inf], f32).repeat(500)
    W = np.full(1000, 2, f32)
    Wm, mask, slope = sample(W, gate, np.arange(1000, dtype=u32), KEYS[2], noise, 0.5)
    assert mask.tolist() == [1] * 500 + [0] * 500 and Wm.tolist() == [2] * 500 + [0] * 500
    assert np.all(np.abs(slope) < 1e-34)
    dWm, dgate = np.ones(1000, f32), np.zeros(1000, f32)
    kernels.gate_grads(dWm, W, mask, slope, dgate)
    kernels.add_price(gate, f32(1), dgate)
    assert np.all(np.abs(dgate) < 1e-33)
    kernels.sgd_update(gate, np.zeros(1000, f32), dgate, f32(0.1), f32(0.9))
    assert gate.tolist() == [np.inf] * 500 + [-np.inf] * 500


@pytest.mark.parametrize("k", SIZES)
def test_gate_grads(rng, k):
    dWm, W, mask, slope = normal(rng, k), normal(rng, k), (rng.random(k) < 0.5).astype(f32), rng.random(k).astype(f32)
    dW, dgate = dWm.copy(), np.full(k, np.nan, f32)
    kernels.gate_grads(dW, W, mask, slope, dgate)
    assert np.allclose(dgate, dWm * W * slope, rtol=1e-6, atol=0)
    assert np.array_equal(dW, dWm * mask)


@pytest.mark.parametrize("k", SIZES)
def test_add_price(rng, k):
    gate, before = normal(rng, k, scale=4), normal(rng, k)
    after = before.copy()
    kernels.add_price(gate, f32(0.7), after)
    assert np.allclose(after - before, gates.price_grad(gate.astype(f64), 0.7), rtol=0, atol=1e-6)


# --- gates of other methods ---------------------------------------------------------------------------------


def infinite(values):
    """The same with an infinity of each sign in the first places, if there is room."""
    values[:2] = np.array([np.inf, -np.inf], f32)[: values.size]
    return values


@pytest.mark.parametrize("noise, tau", [(0.0, 1.0), (0.4, 2 / 3), (1.0, 2 / 3), (1.0, 3.0)])
@pytest.mark.parametrize("k", SIZES)
def test_sample_hard_concrete(rng, k, noise, tau):
    W, gate, index = normal(rng, k), normal(rng, k, scale=3), rng.integers(2**32, size=k).astype(u32)
    gate = infinite(gate + f32(1.5))
    keys = gates.noise_keys(5, 6, 7)
    numbers = (noise, 1 / tau, gates.ALWAYS_CLOSED, gates.STRETCH_LOW, gates.STRETCH_HIGH)
    Wm, mask, slope = (np.full(k, np.nan, f32) for _ in range(3))
    count = kernels.sample_hard_concrete(W, gate, index, *keys, *(f32(number) for number in numbers), Wm, mask, slope)
    assert count == np.count_nonzero(gate > 0)
    logistic = noise * gates.logistic_noise(gates.hash_uniform(index, *keys).astype(f64))
    expected, dmask = gates.hard_concrete(gate.astype(f64), logistic, tau)
    assert np.allclose(mask, expected, rtol=0, atol=1e-6) and np.array_equal(Wm, mask * W)
    sure = (expected == 0) | (expected == 1) | ((expected > 1e-5) & (expected < 1 - 1e-5))  # no kink in between
    assert np.allclose(slope[sure], dmask[sure], rtol=0, atol=1e-6 / tau**2) and sure.sum() >= k - 1
    assert mask[:2].tolist() == [1, 0][: min(k, 2)] and not slope[:2].any()
    if k > 1000:
        regions = [np.count_nonzero(mask == 0), np.count_nonzero(mask == 1), np.count_nonzero(slope)]
        assert min(regions) > 10 and sum(regions) == k


@pytest.mark.parametrize("limit", [3.0, -0.7])
@pytest.mark.parametrize("k", SIZES)
def test_sample_variational(rng, k, limit):
    W, gate = normal(rng, k, scale=0.3), infinite(normal(rng, k, scale=3))
    W[2:4] = 0  # log alpha as large as it can be
    Wm, mask, variance = (np.full(k, np.nan, f32) for _ in range(3))
    count = kernels.sample_variational(W, gate, f32(limit), Wm, mask, variance)
    logit, expected = gates.variational(W.astype(f64), gate.astype(f64), limit)
    sure = np.abs(logit) > 1e-5
    assert np.array_equal(mask[sure], logit[sure] > 0) and sure.sum() >= k - 1
    assert np.isin(mask, [0, 1]).all() and np.array_equal(Wm, mask * W) and count == mask.sum()
    assert np.allclose(variance, expected, rtol=5e-6, atol=0)
    assert mask[:2].tolist() == [1, 0][: min(k, 2)] and not variance[:2].any() and not mask[2:4].any()
    assert k < 1000 or 100 < count < 900


@pytest.mark.parametrize("price", [0.0, 0.7])
@pytest.mark.parametrize("k", SIZES)
def test_variational_grads(rng, k, price):
    W, gate, before, dvariance = (normal(rng, k) for _ in range(4))
    W += np.copysign(f32(0.05), W)
    gate = infinite(3 * gate)
    W[2:4] = 0
    exact = [a.astype(f64) for a in (W, gate, dvariance)]
    variance = gates.variational(*exact[:2], 3.0)[1].astype(f32)
    more, expected = gates.variational_grads(*exact, price)
    dW, dgate = before.copy(), dvariance.copy()
    kernels.variational_grads(W, gate, variance, f32(price), dW, dgate)
    assert np.allclose(dW, before + more, rtol=1e-5, atol=1e-5)
    assert np.allclose(dgate, expected, rtol=1e-5, atol=1e-6)
    assert not dgate[:2].any() and np.array_equal(dW[:4], before[:4])  # no variance or no mean: nothing to pull at
    assert price or np.array_equal(dW, before)


def test_variational_at_the_ends(rng):
    """Variances and weights far out give finite numbers."""
    W = np.array([1e-12, 1e-4, 1.0, 1e4, -1e-12, -1e4], f32)
    gate = np.array([-30, 30, -30, 30, 30, -30], f32)
    Wm, mask, variance = (np.full(6, np.nan, f32) for _ in range(3))
    assert kernels.sample_variational(W, gate, f32(3), Wm, mask, variance) == 2
    assert mask.tolist() == [0, 1, 0, 1, 0, 0] and np.allclose(variance, np.exp(-gate.astype(f64)), rtol=5e-6, atol=0)
    dW, dgate = np.zeros(6, f32), np.ones(6, f32)
    kernels.variational_grads(W, gate, variance, f32(1e-3), dW, dgate)
    more, expected = gates.variational_grads(W.astype(f64), gate.astype(f64), np.ones(6), 1e-3)
    assert np.allclose(dW, more, rtol=1e-3, atol=1e-7) and np.allclose(dgate, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("W, gate", [(1e-10, 46.0), (-1e-10, 46.0), (3e-11, 45.0), (1e-12, 44.0), (0.0, 46.0)])
def test_the_square_of_a_weight_is_never_0(W, gate):
    """It is W^2 + 1e-20, in log alpha and under the gradient of the mean, which is 2 price h W / (W^2 + 1e-20)."""
    price, square = 0.7, W * W + 1e-20
    log_alpha = -gate - np.log(square)
    s = 1 / (1 + np.exp(-(1.87320 + 1.48695 * log_alpha)))
    h = 0.63576 * 1.48695 * s * (1 - s) + 0.5 / (1 + np.exp(log_alpha))
    expected = 2 * price * h * W / square, price * h
    assert 0.01 < h < 1
    more, dgate = gates.variational_grads(np.array([W]), np.array([gate]), np.zeros(1), price)
    assert np.allclose([more[0], dgate[0]], expected, rtol=1e-9, atol=0)
    logit, _ = gates.variational(np.array([W]), np.array([gate]), 3.0)
    assert np.allclose(logit, 3 - log_alpha, rtol=1e-9, atol=0)

    arrays = [np.array([value], f32) for value in (W, gate, 1.0, 0.0, 0.0)]  # variance times dL/dvariance is 0
    kernels.variational_grads(*arrays[:3], f32(price), *arrays[3:])
    assert np.allclose([arrays[3][0], arrays[4][0]], expected, rtol=1e-4, atol=0)
    for limit in (log_alpha - 0.01, log_alpha + 0.01):
        Wm, mask, variance = (np.zeros(1, f32) for _ in range(3))
        kernels.sample_variational(*arrays[:2], f32(limit), Wm, mask, variance)
        assert mask[0] == (limit > log_alpha)


# --- optimiser and activation -------------------------------------------------------------------------------


@pytest.mark.parametrize("k", SIZES)
def test_sgd_update(rng, k):
    """Its twin is the float64 path of `SGD.update`."""
    param, velocity, grad = normal(rng, k), normal(rng, k), normal(rng, k)
    exact = [a.astype(f64) for a in (param, velocity)]
    SGD(0.3, 0.8).update(exact[0], grad.astype(f64), 0.3, exact[1])
    kernels.sgd_update(param, velocity, grad, f32(0.3), f32(0.8))
    assert np.allclose(velocity, exact[1], rtol=0, atol=1e-6) and np.allclose(param, exact[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("k", SIZES)
def test_silu(rng, k):
    x = normal(rng, k, scale=8)
    x[:3] = np.array([0, 150, -150], f32)[: min(k, 3)]
    y, slope = np.full(k, np.nan, f32), np.full(k, np.nan, f32)
    kernels.silu(x, y, slope)
    twin = SiLU()
    exact = twin.forward(x.astype(f64))
    assert np.all(np.abs(y - exact) <= 3e-7 * np.maximum(1, np.abs(x)))
    assert np.all(np.abs(slope - twin.slope) <= 3e-7 * np.maximum(1, np.abs(x)))


def test_silu_keeps_nan():
    x = np.array([np.nan, np.inf, 1], f32)
    y, slope = np.empty(3, f32), np.empty(3, f32)
    kernels.silu(x, y, slope)
    assert np.isnan(y[0]) and np.isnan(slope[0]) and np.isposinf(y[1])
    assert abs(y[2] - 0.7310586) < 1e-6


# --- a list of connections ----------------------------------------------------------------------------------


def connections(rng, n_in, n_out, density=0.5):
    """A masked matrix (n_in + 1, n_out) and the same as sorted edges: (matrix, live, Wm, rows, starts).

    A third of the live connections have a closed gate: weight 0.
    """
    live = rng.random((n_in + 1, n_out)) < density
    matrix = normal(rng, n_in + 1, n_out) * live * (rng.random(live.shape) < 2 / 3)
    rows = np.nonzero(live.T)[1].astype(np.int32)
    starts = np.append(0, live.sum(axis=0).cumsum())
    return matrix, live, matrix.T[live.T], rows, starts


@pytest.mark.parametrize("n_in, n_out", [(7, 3), (1, 1), (0, 2), (13, 0), (33, 17)])
@pytest.mark.parametrize("n", [0, 1, 5, 67])
def test_edges(rng, n, n_in, n_out):
    """Twins: y = Wm[:-1].T @ x + Wm[-1], dx = Wm[:-1] @ dy, dWm = [x; 1] @ dy.T, all feature-major."""
    matrix, live, Wm, rows, starts = connections(rng, n_in, n_out)
    x, dy = normal(rng, n_in, n), normal(rng, n_out, n)
    y, dx, dWm = np.full((n_out, n), np.nan, f32), np.full((n_in, n), np.nan, f32), np.full(Wm.size, np.nan, f32)
    kernels.edges_forward(x, Wm, rows, starts, y)
    kernels.edges_backward(dy, Wm, rows, starts, dx)
    kernels.edges_grads(x, dy, rows, starts, dWm)
    assert np.allclose(y, matrix[:-1].T @ x + matrix[-1][:, None], rtol=0, atol=1e-5)
    assert np.allclose(dx, matrix[:-1] @ dy, rtol=0, atol=1e-5)
    full = np.append(x, np.ones((1, n), f32), axis=0) @ dy.T  # (n_in + 1, n_out), closed gates too
    assert np.allclose(dWm, full.T[live.T], rtol=0, atol=2e-5)


@pytest.mark.parametrize("density", [0.0, 1.0])
def test_edges_all_or_none(rng, density):
    matrix, _, Wm, rows, starts = connections(rng, 5, 4, density)
    x, y, dx = normal(rng, 5, 3), np.full((4, 3), np.nan, f32), np.full((5, 3), np.nan, f32)
    kernels.edges_forward(x, Wm, rows, starts, y)
    kernels.edges_backward(y, Wm, rows, starts, dx)
    assert Wm.size == 24 * density
    assert np.allclose(y, matrix[:-1].T @ x + matrix[-1][:, None], atol=1e-5)
    assert np.allclose(dx, matrix[:-1] @ y, atol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_edges_keep_what_is_not_finite(bad):
    """Input 0 feeds output 0 alone: what is not finite arrives there, and nowhere else."""
    Wm, rows, starts = np.array([2, 3, 4], f32), np.array([0, 1, 2], np.int32), np.array([0, 2, 3])
    x = np.array([[1, bad, 1], [1, 1, 1]], f32)  # row 2 of the edges is the bias
    y, dx, dWm = np.empty((2, 3), f32), np.empty((2, 3), f32), np.empty(3, f32)
    kernels.edges_forward(x, Wm, rows, starts, y)
    assert np.array_equal(y, np.array([[5, bad, 5], [4, 4, 4]], f32), equal_nan=True)
    kernels.edges_backward(x, Wm, rows, starts, dx)
    assert np.array_equal(dx, np.array([[2, bad, 2], [3, bad, 3]], f32), equal_nan=True)
    kernels.edges_grads(x, np.ones((2, 3), f32), rows, starts, dWm)
    assert np.array_equal(dWm, np.array([bad, 3, 3], f32), equal_nan=True)
    kernels.edges_forward(np.ones((2, 3), f32), np.array([bad, 3, 4], f32), rows, starts, y)
    assert not np.isfinite(y[0]).any() and np.array_equal(y[1], [4, 4, 4])


# --- loss and data ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k, n", [(3, 7), (1, 1), (10, 256), (2, 1), (17, 33)])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_softmax_cross_entropy(rng, k, n, scale):
    logits, labels = normal(rng, k, n, scale=scale), rng.integers(k, size=n)
    dlogits = np.full((k, n), np.nan, f32)
    loss = kernels.softmax_cross_entropy(logits, labels, dlogits)
    exact, expected = losses.softmax_cross_entropy(logits.T.astype(f64), labels)
    assert abs(loss - exact) < 2e-6 * max(1, abs(exact))
    assert np.allclose(dlogits, expected.T, rtol=0, atol=1e-6 / n)


def test_the_loss_is_summed_in_float64_without_the_compiler_too(rng):
    """Or a run that goes on, with a float from its checkpoint, is not the one that was never stopped."""
    plain = getattr(kernels.softmax_cross_entropy, "py_func", kernels.softmax_cross_entropy)
    logits, labels, dlogits = normal(rng, 3, 7), rng.integers(3, size=7), np.zeros((3, 7), f32)
    loss = plain(logits, labels, dlogits)
    assert isinstance(loss, float) and loss == pytest.approx(
        kernels.softmax_cross_entropy(logits, labels, dlogits), rel=1e-6, abs=0
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", [(0, 0), (1, 0), (2, 1), (0, 2)])
def test_softmax_cross_entropy_keeps_what_is_not_finite(bad, place):
    """Whichever score it is, of the right class or of another: the loss says so."""
    logits, dlogits = np.zeros((3, 3), f32), np.zeros((3, 3), f32)
    logits[place] = bad
    assert not np.isfinite(kernels.softmax_cross_entropy(logits, np.array([0, 1, 2]), dlogits))


def test_softmax_cross_entropy_does_not_overflow():
    logits, dlogits = np.array([[3e38, -3e38], [-3e38, 3e38]], f32), np.zeros((2, 2), f32)
    assert kernels.softmax_cross_entropy(logits, np.array([0, 1]), dlogits) < 1e-6
    assert np.all(np.abs(dlogits) < 1e-6)


@pytest.mark.parametrize("shape", [(7, 5), (1, 1), (0, 3), (3, 0), (13, 33)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_standardize(rng, shape, dtype):
    values = rng.integers(256, size=shape).astype(dtype)
    values[:1, :1] = 255
    scale, shift, x = f32(1 / 77.7), f32(-0.42), np.full(shape, np.nan, f32)
    kernels.standardize(values, scale, shift, x)
    assert np.allclose(x, values.astype(f64) * scale + shift, rtol=0, atol=1e-6)


@pytest.mark.parametrize("ways", [1, 9, 25])
@pytest.mark.parametrize("n, columns", [(0, 5), (1, 1), (7, 0), (1001, 13)])
def test_gather_moved(rng, n, columns, ways):
    values = rng.integers(1, 256, (17, 35)).astype(np.uint8)
    samples = np.sort(rng.integers(17, size=n))
    tables = np.maximum(rng.integers(-9, 35, (ways, columns)), -1).astype(np.int32)
    keys, out = gates.noise_keys(3, n, 1 << 32), np.full((n, columns), 77, np.uint8)
    kernels.gather_moved(values, samples, tables, *keys, out)
    drawn = np.floor(gates.hash_uniform(np.arange(n, dtype=u32), *keys) * f32(ways)).astype(int)
    expected = np.where(tables[drawn] < 0, 0, values[samples[:, None], tables[drawn]])
    assert np.array_equal(out, expected)
    if n > 1000:
        assert np.array_equal(np.unique(drawn), np.arange(ways)) and 0 < np.mean(out == 0) < 0.6


@pytest.mark.parametrize("tables", [(2 * reach + 1) ** 2 for reach in range(20)])
def test_the_highest_noise_reads_no_table_that_is_not_there(tables):
    """`gather_moved` multiplies in float32: the product of the largest u must not round up to `tables`."""
    largest = (f32(2**23 - 1) + f32(0.5)) * f32(2.0**-23)
    assert largest < 1 and int(largest * f32(tables)) == tables - 1
