"""Every compiled loop of the library, and nothing else.

A kernel is here because NumPy would make several passes over memory where one is enough, or because the work
is sparse. Each has a twin in plain NumPy (gates.py, layers.py, optim.py, sparse.py) that says the same thing in
a few lines, and the tests hold the two together. Lesson 09 builds them. Matrix products are not here: NumPy's
BLAS does them better. All helpers live in this file because numba's cache does not see changes in another one.

Arrays of activations are feature-major: `x[i]` is the contiguous row of feature i over the n samples of a batch.
"""

import numpy as np
from numba import njit

# Reassociating sums lets a dot product use vector registers. NaN and inf keep their meaning: `nnan` and `ninf`
# are left out on purpose, because training stops on a loss that is not finite.
jit = njit(cache=True, fastmath={"reassoc", "contract", "nsz", "arcp"}, error_model="numpy")

f32, u32, i32 = np.float32, np.uint32, np.int32

LN2 = f32(0.6931471805599453)
LOG2E = f32(1.4426950408889634)
SQRT_HALF_BITS = u32(0x3F3504F3)  # the bits of float32(sqrt(1/2))


# --- numbers ------------------------------------------------------------------------------------------------


@jit
def hash_uniform(index, key0, key1):
    """A number strictly inside (0, 1) that depends on nothing but its three uint32 arguments.

    Two rounds of a multiply-xorshift mixer, each with its own key word. The 23 high bits become the middle of
    one of 2^23 equal intervals, so 0 and 1 cannot occur and every value is exact in float32.
    """
    h = u32(index ^ key0)
    for key in (key1, u32(0)):
        h = u32(h ^ u32(h >> u32(16)))
        h = u32(h * u32(0x7FEB352D))
        h = u32(h ^ u32(h >> u32(15)))
        h = u32(h * u32(0x846CA68B))
        h = u32(h ^ u32(h >> u32(16)))
        h = u32(h + key)
    return f32(f32(u32(h >> u32(9))) + f32(0.5)) * f32(2.0**-23)


@jit
def fast_log(x):
    """Natural logarithm of a positive normal float32, to about 1e-7 relative to max(1, |log x|).

    x = 2^k m with m in [sqrt(1/2), sqrt(2)), and log m = 2 artanh(s) with s = (m - 1) / (m + 1), |s| < 0.172.
    """
    bits = u32(f32(x).view(u32) - SQRT_HALF_BITS)
    k = i32(bits.view(i32) >> i32(23))
    m = u32(u32(bits & u32(0x007FFFFF)) + SQRT_HALF_BITS).view(f32)
    s = (m - f32(1)) / (m + f32(1))
    s2 = s * s
    series = f32(2) + s2 * (f32(2 / 3) + s2 * (f32(2 / 5) + s2 * (f32(2 / 7) + s2 * f32(2 / 9))))
    return f32(k) * LN2 + s * series


@jit
def fast_sigmoid(z):
    """1 / (1 + exp(-z)) in float32, to 2e-7; exp(-|z|) = 2^k exp(r) by a Taylor polynomial on |r| <= ln(2)/2."""
    t = min(max(-z, f32(-80)), f32(80))
    k = np.floor(t * LOG2E + f32(0.5))
    r = (t - k * f32(0.693145751953125)) - k * f32(1.42860682030941723e-6)
    p = f32(1 / 120) + r * f32(1 / 720)
    p = f32(1) + r * (f32(1) + r * (f32(1 / 2) + r * (f32(1 / 6) + r * (f32(1 / 24) + r * p))))
    scale = i32((i32(k) + i32(127)) << i32(23)).view(f32)
    return f32(1) / (f32(1) + p * scale)


# --- gates --------------------------------------------------------------------------------------------------


@jit
def sample_gates(W, gate, index, key0, key1, noise, inv_tau, Wm, mask, slope):
    """Draw every gate of a layer in one pass. Twin: `gates.hash_uniform`, `logistic_noise` and `binary_gate`.

    W, gate, Wm, mask, slope : (k,) float32; index : (k,) uint32. Writes mask, Wm = mask * W, slope = dsoft/dgate.
    """
    for e in range(W.size):
        u = hash_uniform(index[e], key0, key1)
        z = gate[e] + noise * fast_log(u / (f32(1) - u))
        soft = fast_sigmoid(z * inv_tau)
        is_open = f32(1) if z > f32(0) else f32(0)
        mask[e] = is_open
        Wm[e] = is_open * W[e]
        slope[e] = soft * (f32(1) - soft) * inv_tau


@jit
def gate_grads(dWm, W, mask, slope, dgate):
    """Straight-through backward in place: dgate = dWm * W * slope, then dWm becomes dW = dWm * mask."""
    for e in range(W.size):
        d = dWm[e]
        dgate[e] = d * W[e] * slope[e]
        dWm[e] = d * mask[e]


@jit
def add_price(gate, price, dgate):
    """dgate += price * p * (1 - p) with p = sigmoid(gate). Twin: `gates.price_grad`."""
    for e in range(gate.size):
        p = fast_sigmoid(gate[e])
        dgate[e] += price * p * (f32(1) - p)


# --- optimisers ---------------------------------------------------------------------------------------------


@jit
def sgd_update(param, velocity, g, lr, momentum):
    """Heavy-ball step in place: velocity = momentum * velocity + g, param -= lr * velocity."""
    for e in range(param.size):
        v = momentum * velocity[e] + g[e]
        velocity[e] = v
        param[e] -= lr * v


# --- activations and sparse layers --------------------------------------------------------------------------


@jit
def silu(x, y, slope):
    """y = x * sigmoid(x) and its derivative, in one pass over flat arrays. Twin: `layers.SiLU` in float64."""
    for e in range(x.size):
        s = fast_sigmoid(x[e])
        y[e] = x[e] * s
        slope[e] = s * (f32(1) + x[e] * (f32(1) - s))


@jit
def edges_forward(x, Wm, rows, starts, y):
    """y = x through the connections of a `layers.MaskedEdges`; closed ones (Wm = 0) cost nothing.

    x : (n_in, n); Wm, rows : (k,); starts : (n_out + 1,); y : (n_out, n), overwritten. Row n_in is the bias.
    Twin: y = W.T @ x with the connections written into a dense W.
    """
    n = x.shape[1]
    for j in range(y.shape[0]):
        yj = y[j]
        yj[:] = f32(0)
        for e in range(starts[j], starts[j + 1]):
            w = Wm[e]
            if w != f32(0):
                i = rows[e]
                if i < x.shape[0]:
                    xi = x[i]
                    for b in range(n):
                        yj[b] += w * xi[b]
                else:
                    for b in range(n):
                        yj[b] += w


@jit
def edges_backward(dy, Wm, rows, starts, dx):
    """dL/dx (n_in, n), overwritten, from dy (n_out, n). Twin: dx = W @ dy."""
    n = dy.shape[1]
    dx[:] = f32(0)
    for j in range(dy.shape[0]):
        dyj = dy[j]
        for e in range(starts[j], starts[j + 1]):
            w = Wm[e]
            if w != f32(0):
                i = rows[e]
                if i < dx.shape[0]:
                    dxi = dx[i]
                    for b in range(n):
                        dxi[b] += w * dyj[b]


@jit
def edges_grads(x, dy, rows, starts, dWm):
    """dL/dWm of the live connections alone: one dot product each. Twin: (x @ dy.T)[rows, cols]."""
    n = dy.shape[1]
    for j in range(dy.shape[0]):
        dyj = dy[j]
        for e in range(starts[j], starts[j + 1]):
            i = rows[e]
            total = f32(0)
            if i < x.shape[0]:
                xi = x[i]
                for b in range(n):
                    total += xi[b] * dyj[b]
            else:
                for b in range(n):
                    total += dyj[b]
            dWm[e] = total


# --- input --------------------------------------------------------------------------------------------------


@jit
def gather(values, samples, scale, shift, x):
    """x[i, b] = values[i, samples[b]] * scale + shift"""
    for i in range(values.shape[0]):
        row = values[i]
        for b in range(samples.size):
            x[i, b] = f32(row[samples[b]]) * scale + shift
