"""Checks of lesson 04, train a dense network."""

import numpy as np
from exercise import checker, same

from tinygsp.nn.gates import sigmoid


def find_a_pixel(pixel, rng):
    n, rows, columns = (int(size) for size in rng.integers(3, 300, 3))
    images = rng.integers(0, 256, (n, rows, columns), np.uint8)
    header = b"".join(int(number).to_bytes(4, "big") for number in (2051, n, rows, columns))
    i, r, c = (int(rng.integers(size)) for size in images.shape)
    raw = header + images.tobytes()
    place = i * rows * columns + r * columns + c
    slips = {
        "the header of 16 bytes comes first": raw[place],
        "a row has as many pixels as there are columns": raw[min(16 + (i * rows + r) * rows + c, len(raw) - 1)],
        "the images of this file are not 28 x 28: its header says how large": raw[
            min(16 + 784 * i + 28 * r + c, len(raw) - 1)
        ],
    }
    same(pixel(raw, i, r, c), images[i, r, c], "the pixel", f"{n} images of {rows} x {columns}", slips)


def weights_for_silu(silu_std, rng):
    z, weight = np.polynomial.hermite_e.hermegauss(80)  # for means over a standard normal
    y, weight = z * sigmoid(z), weight / weight.sum()
    kept, spread = weight @ y**2, weight @ y**2 - (weight @ y) ** 2
    n_in = int(rng.integers(20, 1000))
    slips = {
        "this is for ReLU, which keeps a half": np.sqrt(2 / n_in),
        "this is the variance; take its root": 1 / (n_in * kept),
        "the mean square of SiLU(z) counts, not its variance: its mean is not 0": np.sqrt(1 / (n_in * spread)),
        "this grows with what SiLU keeps: the less is kept, the larger must the weights be": np.sqrt(kept / n_in),
    }
    right = np.sqrt(1 / (n_in * kept))
    same(silu_std(n_in, rng), right, "the standard deviation", f"n_in = {n_in}", slips, tol=0.02)


def look_ahead(nesterov, rng):
    shape = tuple(int(size) for size in rng.integers(1, 6, 2))
    w, v, g = rng.normal(size=(3, *shape))
    lr, momentum = rng.uniform(0.01, 1), rng.uniform(0.2, 0.9)
    new = momentum * v + g
    right = w - lr * (g + momentum * new), new
    slips = {
        "this is plain momentum: the step is lr * (g + momentum * v), with the new v": (w - lr * new, new),
        "v did not change": (w, v),
        "the step is taken uphill": (w + lr * (g + momentum * new), new),
    }
    before = w.copy(), v.copy(), g.copy()
    same(nesterov(w, v, g, lr, momentum), right, ("w", "v"), f"shape {shape}", slips)
    for name, array, old in zip("wvg", (w, v, g), before):
        assert np.array_equal(array, old), f"the function changed the array {name} that it was given; make a new one"


check = checker(find_a_pixel, weights_for_silu, look_ahead)
