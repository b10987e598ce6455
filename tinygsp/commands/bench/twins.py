"""Time every compiled kernel beside its NumPy twin, on arrays as large as those of the MNIST network.

A twin is the same computation in NumPy alone, as the lessons build it; tests hold that each equals its kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tinygsp.commands.bench.timing import BATCH, in_turn
from tinygsp.nn import gates, kernels, lanes, losses

f32 = np.float32
CONNECTIONS = 785 * 300  # of the first layer
KEYS = gates.noise_keys(1, 2, 3)
ONE, ZERO = f32(1), f32(0)


class Pair(NamedTuple):
    """One kernel, its twin, and the number of elements that a call of either works on."""

    name: str
    elements: int
    kernel: Callable
    twin: Callable


def kernels_and_twins(repeats: int) -> list[dict]:
    """Return for each kernel its name, its elements, and the ns an element of the kernel and of its NumPy twin."""
    rng, table = np.random.default_rng(0), []
    for pair in [*gate_pairs(rng), *weight_pairs(rng), *layer_pairs(rng), *pixel_pairs(rng), *edge_pairs(rng)]:
        seconds = in_turn({"kernel": pair.kernel, "numpy": pair.twin}, repeats)
        nanoseconds = {name: 1e9 * s / pair.elements for name, s in seconds.items()}
        table.append({"name": pair.name, "elements": int(pair.elements), **nanoseconds})
    return table


def gate_pairs(rng: np.random.Generator) -> list[Pair]:
    """Pair the kernels that draw the gates of a layer, and the gradients of variational weights, with their twins."""
    k = CONNECTIONS
    W, gate = (rng.normal(0, 1, k).astype(f32) for _ in range(2))
    Wm, mask, slope, dgate = (np.zeros(k, f32) for _ in range(4))
    index = np.arange(k, dtype=np.uint32)
    low, high = f32(gates.STRETCH_LOW), f32(gates.STRETCH_HIGH)
    stretch = f32(1 / gates.BETA), f32(gates.ALWAYS_CLOSED), low, high

    def sample_twin():
        u = gates.hash_uniform(index, *KEYS)
        is_open, soft = gates.binary_gate(gate, gates.logistic_noise(u), 1.0)
        return is_open * W, gates.binary_gate_backward(ONE, soft, 1.0)

    def hard_concrete_twin():
        u = gates.hash_uniform(index, *KEYS)
        opening, slope = gates.hard_concrete(gate, gates.logistic_noise(u), gates.BETA)
        return opening * W, slope

    return [
        Pair(
            "sample_gates",
            k,
            lambda: kernels.sample_gates(W, gate, index, *KEYS, ONE, ONE, Wm, mask, slope),
            sample_twin,
        ),
        Pair(
            "sample_hard_concrete",
            k,
            lambda: kernels.sample_hard_concrete(W, gate, index, *KEYS, ONE, *stretch, Wm, mask, slope),
            hard_concrete_twin,
        ),
        Pair(
            "sample_variational",
            k,
            lambda: kernels.sample_variational(W, gate, f32(3), Wm, mask, slope),
            lambda: gates.variational(W, gate, 3.0),
        ),
        Pair(
            "variational_grads",
            k,
            lambda: kernels.variational_grads(W, gate, slope, ZERO, Wm, dgate),
            lambda: gates.variational_grads(W, gate, dgate, 0.0),
        ),
    ]


def weight_pairs(rng: np.random.Generator) -> list[Pair]:
    """Pair the kernels that pass once over all weights or gates after the backward pass with their twins."""
    k = CONNECTIONS
    W, gate, g, velocity = (rng.normal(0, 1, k).astype(f32) for _ in range(4))
    mask, soft, dgate = (gate > 0).astype(f32), gates.sigmoid(gate), np.zeros(k, f32)
    slope = soft * (ONE - soft)

    def gate_grads_twin():
        return g * W * slope, g * mask

    def sgd_twin():
        np.multiply(velocity, f32(0.9), out=velocity)
        np.add(velocity, g, out=velocity)
        np.subtract(W, ZERO * velocity, out=W)

    return [
        Pair("gate_grads", k, lambda: kernels.gate_grads(g, W, mask, slope, dgate), gate_grads_twin),
        Pair(
            "add_price",
            k,
            lambda: kernels.add_price(gate, ZERO, dgate),
            lambda: dgate + gates.price_grad(gate, ZERO),
        ),
        Pair("sgd_update", k, lambda: kernels.sgd_update(W, velocity, g, ZERO, f32(0.9)), sgd_twin),
    ]


def layer_pairs(rng: np.random.Generator) -> list[Pair]:
    """Pair the activation of 300 units, and the loss of 10 classes, with their twins."""
    x = rng.normal(0, 1, (300, BATCH)).astype(f32)
    y, dx = np.empty_like(x), np.empty_like(x)
    logits, labels = rng.normal(0, 1, (10, BATCH)).astype(f32), rng.integers(0, 10, BATCH)
    dlogits = np.empty_like(logits)

    def silu_twin():
        s = gates.sigmoid(x)
        return x * s, s * (1 + x * (1 - s))

    return [
        Pair("silu", x.size, lambda: kernels.silu(x.ravel(), y.ravel(), dx.ravel()), silu_twin),
        Pair(
            "softmax_cross_entropy",
            logits.size,
            lambda: kernels.softmax_cross_entropy(logits, labels, dlogits),
            lambda: losses.softmax_cross_entropy(logits.T.astype(np.float64), labels),
        ),
    ]


def pixel_pairs(rng: np.random.Generator) -> list[Pair]:
    """Pair the kernels that scale the pixels of a batch, transpose them and move its images with their twins."""
    pixels = rng.integers(0, 255, (784, BATCH), dtype=np.uint8)
    scaled, turned = np.empty(pixels.shape, f32), np.empty_like(pixels)
    images = np.ascontiguousarray(pixels.T)
    order, moved = np.arange(BATCH), np.empty_like(images)
    tables = (np.arange(784) + np.arange(-4, 5)[:, None]).astype(np.int32) % 784  # (9 ways to move, 784)
    return [
        Pair(
            "standardize",
            pixels.size,
            lambda: kernels.standardize(pixels, f32(0.01), f32(-0.4), scaled),
            lambda: pixels * f32(0.01) + f32(-0.4),
        ),
        Pair(
            "transpose_all",
            pixels.size,
            lambda: lanes.transpose_all(images, turned),
            lambda: np.copyto(turned, images.T),
        ),
        Pair(
            "gather_moved",
            images.size,
            lambda: kernels.gather_moved(images, order, tables, *KEYS, moved),
            lambda: images[order[:, None], tables[np.floor(9 * gates.hash_uniform(order, *KEYS)).astype(int)]],
        ),
    ]


def edge_pairs(rng: np.random.Generator, live: int = 5_000, open_share: float = 0.1) -> list[Pair]:
    """Pair the kernels on a list of `live` connections from 450 pixels to 100 units with products of whole matrices."""
    n_in, n_out = 450, 100
    rows = rng.integers(0, n_in, live).astype(np.int32)
    col = np.sort(rng.integers(0, n_out, live))
    starts = np.searchsorted(col, np.arange(n_out + 1))
    w = np.where(rng.random(live) < open_share, rng.normal(0, 1, live), 0).astype(f32)
    n_open = np.count_nonzero(w)
    dense = np.zeros((n_in, n_out), f32)
    np.add.at(dense, (rows, col), w)
    x, dy = rng.normal(0, 1, (n_in, BATCH)).astype(f32), rng.normal(0, 1, (n_out, BATCH)).astype(f32)
    y, dx, dw = np.empty_like(dy), np.empty_like(x), np.empty(live, f32)
    return [
        Pair(
            "edges_forward", n_open * BATCH, lambda: kernels.edges_forward(x, w, rows, starts, y), lambda: dense.T @ x
        ),
        Pair(
            "edges_backward",
            n_open * BATCH,
            lambda: kernels.edges_backward(dy, w, rows, starts, dx),
            lambda: dense @ dy,
        ),
        Pair("edges_grads", live * BATCH, lambda: kernels.edges_grads(x, dy, rows, starts, dw), lambda: x @ dy.T),
    ]
