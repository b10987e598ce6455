"""Every compiled loop of the library but those of a finished network, which are in `lanes.py`.

A kernel is here because NumPy would make several passes over memory where one is enough, or because the work is
sparse. Each has a twin in plain NumPy, named in its docstring, that computes the same in a few lines; the tests compare
the two. Lesson 09 builds them. Matrix products are not here: NumPy's BLAS does them better. All helpers are in this
file because numba's cache does not see a change in another one.

Arrays of activations are feature-major: `x[i]` is the contiguous row of feature i over the n samples of a batch.
"""

import numpy as np

from tinygsp.nn.compile import jit_with

# Reassociating sums lets a dot product use vector registers. NaN and inf keep their meaning: `nnan` and `ninf`
# are left out on purpose, because training stops on a loss that is not finite.
jit = jit_with(fastmath={"reassoc", "contract", "nsz", "arcp"}, error_model="numpy")

f32, u32, i32 = np.float32, np.uint32, np.int32

LABEL_OUTSIDE = "a label is outside: labels of k classes are integers from 0 to k - 1"
SAMPLE_OUTSIDE = "a sample is outside: samples of n images are integers from 0 to n - 1"

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
def fast_exp(x):
    """exp(x) in float32 for x held inside [-80, 80]: to 5e-7 relative, 5e-6 where multiply and add are not fused.

    exp(x) = 2^k exp(r) with |r| <= ln(2)/2: a Taylor polynomial for exp(r), the exponent's bits for 2^k.
    """
    x = min(max(x, f32(-80)), f32(80))
    k = np.floor(x * LOG2E + f32(0.5))
    r = (x - k * f32(0.693145751953125)) - k * f32(1.42860682030941723e-6)
    p = f32(1 / 120) + r * f32(1 / 720)
    p = f32(1) + r * (f32(1) + r * (f32(1 / 2) + r * (f32(1 / 6) + r * (f32(1 / 24) + r * p))))
    return p * i32((i32(k) + i32(127)) << i32(23)).view(f32)


@jit
def fast_sigmoid(z):
    """1 / (1 + exp(-z)) in float32, to 2e-7."""
    return f32(1) / (f32(1) + fast_exp(-z))


# --- gates --------------------------------------------------------------------------------------------------


@jit
def sample_gates(W, gate, index, key0, key1, noise, inv_tau, Wm, mask, slope):
    """Draw every gate of a layer in one pass. Twin: `gates.hash_uniform`, `logistic_noise` and `binary_gate`.

    W, gate, Wm, mask, slope : (k,) float32; index : (k,) uint32. Writes mask, Wm = mask * W, slope = dsoft/dgate.
    Returns how many gates would be open without noise.
    """
    count = i32(0)
    for e in range(W.size):
        u = hash_uniform(index[e], key0, key1)
        z = gate[e] + noise * fast_log(u / (f32(1) - u))
        soft = fast_sigmoid(z * inv_tau)
        is_open = f32(1) if z > f32(0) else f32(0)
        mask[e] = is_open
        Wm[e] = is_open * W[e]
        slope[e] = soft * (f32(1) - soft) * inv_tau
        count = i32(count + i32(gate[e] > f32(0)))  # of 32 bits: a sum of 64 would halve the vectors
    return count


@jit
def sample_hard_concrete(W, gate, index, key0, key1, noise, inv_tau, shift, low, high, Wm, mask, slope):
    """Draw the stretched and clipped gates of L0 regularisation. Twin: `gates.hard_concrete`.

    As `sample_gates`, with mask = min(1, max(0, low + (high - low) * sigmoid((gate - shift + noise) * inv_tau))).
    """
    count = i32(0)
    for e in range(W.size):
        u = hash_uniform(index[e], key0, key1)
        z = gate[e] - shift + noise * fast_log(u / (f32(1) - u))
        soft = fast_sigmoid(z * inv_tau)
        stretched = low + (high - low) * soft
        value = min(max(stretched, f32(0)), f32(1))
        mask[e] = value
        Wm[e] = value * W[e]
        moves = f32(1) if value == stretched else f32(0)
        slope[e] = moves * (high - low) * soft * (f32(1) - soft) * inv_tau
        count = i32(count + i32(gate[e] > f32(0)))
    return count


@jit
def sample_variational(W, gate, limit, Wm, mask, variance):
    """Means and variances of normal weights, and which of them count. Twin: `gates.variational`.

    W, gate : (k,) float32; limit : float32. Writes mask = [logit > 0] with logit = limit - log(variance / W^2), or of
    a gate that is infinite the gate; Wm = mask * W; variance = exp(-gate), 0 where the gate is infinite.
    Returns how many are in the mask.
    """
    count = i32(0)
    for e in range(W.size):
        finite = abs(gate[e]) < f32(np.inf)
        logit = limit + gate[e] + fast_log(W[e] * W[e] + f32(1e-20)) if finite else gate[e]
        keep = logit > f32(0)
        mask[e] = f32(keep)
        Wm[e] = W[e] if keep else f32(0)
        variance[e] = fast_exp(-gate[e]) if finite else f32(0)
        count = i32(count + i32(keep))
    return count


@jit
def variational_grads(W, gate, variance, price, dW, dgate):
    """Add the price of information, in place. Twin: `gates.variational_grads`.

    W, gate, variance : (k,) float32; dgate : (k,) float32, holds dL/dvariance, becomes dL/dgate; dW : (k,) float32
    """
    for e in range(W.size):
        finite = abs(gate[e]) < f32(np.inf)
        square = W[e] * W[e] + f32(1e-20)
        log_alpha = -gate[e] - fast_log(square) if finite else f32(0)
        s = fast_sigmoid(f32(1.87320) + f32(1.48695) * log_alpha)
        h = f32(0.63576 * 1.48695) * s * (f32(1) - s) + f32(0.5) * fast_sigmoid(-log_alpha)
        dgate[e] = price * h - dgate[e] * variance[e] if finite else f32(0)
        dW[e] += f32(2) * price * h * W[e] / square if finite else f32(0)


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


# --- loss and input --------------------------------------------------------------------------------------------------


@jit
def softmax_cross_entropy(logits, labels, dlogits):
    """Mean loss, returned, and dlogits, overwritten. Twin: `losses.softmax_cross_entropy` in float64.

    logits, dlogits : (k, n) float32, one row a class; labels : (n,) int64
    Raises ValueError for a label outside [0, k).
    """
    k, n = logits.shape
    for b in range(n):
        if labels[b] < 0 or labels[b] >= k:
            raise ValueError(LABEL_OUTSIDE)
    highest, total = logits[0].copy(), np.zeros(n, f32)
    for j in range(1, k):
        for b in range(n):
            highest[b] = max(highest[b], logits[j, b])
    for j in range(k):
        for b in range(n):
            e = fast_exp(logits[j, b] - highest[b])
            dlogits[j, b] = e
            total[b] += e
    loss = np.float64(0)  # 0.0 would become float32 where nothing is compiled
    for b in range(n):
        loss += np.log(total[b]) + highest[b] - logits[labels[b], b]
        total[b] = f32(1) / (total[b] * f32(n))
    for j in range(k):
        for b in range(n):
            dlogits[j, b] *= total[b]
    for b in range(n):
        dlogits[labels[b], b] -= f32(1) / f32(n)
    return loss / n


@jit
def standardize(values, scale, shift, x):
    """x = values * scale + shift, from bytes or floats, both (features, n). Twin: the same line in NumPy."""
    for i in range(values.shape[0]):
        vi, xi = values[i], x[i]
        for b in range(values.shape[1]):
            xi[b] = f32(vi[b]) * scale + shift


@jit
def gather_moved(values, samples, tables, key0, key1, out):
    """Read images, each moved in one of several ways, drawn at random.

    Twin: values[samples[:, None], tables[ways]], with 0 where the table has -1, and ways = floor(u * len(tables)).

    values : (images, pixels); samples : (n,) int64, which images; out : (n, k) of the same type, overwritten
    tables : (ways, k) int32   for each way to move an image, the pixel that each of k inputs reads; -1 lies outside
             the image: the background, 0
    Raises ValueError for a sample outside [0, images).
    """
    for b in range(samples.size):
        if samples[b] < 0 or samples[b] >= values.shape[0]:
            raise ValueError(SAMPLE_OUTSIDE)
        table = tables[i32(hash_uniform(u32(b), key0, key1) * f32(tables.shape[0]))]
        image = values[samples[b]]
        for j in range(table.size):
            if table[j] >= 0:
                out[b, j] = image[table[j]]
            else:
                out[b, j] = 0
