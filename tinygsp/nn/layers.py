"""Layers: a forward pass, and a backward pass written by hand.

The contract: `forward(x)` maps (n, n_in) to (n, n_out) and keeps what its backward needs; `backward(dy)` maps
dL/dy (n, n_out) to dL/dx (n, n_in) and overwrites `grads`. Gradients do not accumulate. The noise of a masked layer is
drawn by `sample`; forward only uses it. Lessons 02 and 07 build this file; read `losses.py` next.

Activations have the shape (n, features) and lie feature-major in memory: `x.T` is C-contiguous, so that the n
values of one feature are neighbours. BLAS does not mind, and sparse layers work on whole contiguous rows.
In float32 the elementwise work runs in `kernels`; in float64 the same lines run in NumPy, exact enough to check.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygsp.nn import gates, kernels

f32 = np.float32


def feature_major(n: int, features: int, dtype: Any) -> np.ndarray:
    """An uninitialised (n, features) array whose transpose is C-contiguous."""
    return np.empty((features, n), dtype).T


def product(x: np.ndarray, W: np.ndarray) -> np.ndarray:
    """x @ W, feature-major."""
    y = feature_major(len(x), W.shape[1], x.dtype)
    return np.matmul(x, W, out=y)


def flat(a: np.ndarray) -> np.ndarray:
    """A one-dimensional view of an array that is contiguous in C or in Fortran order."""
    return a.ravel(order="K")


class Layer:
    """Base class: a layer without parameters that changes nothing."""

    def __init__(self) -> None:
        self.params: dict[str, np.ndarray] = {}
        self.grads: dict[str, np.ndarray] = {}

    def sample(self, step: int, noise: float = 1.0) -> None:
        """Draw this step's noise, scaled by `noise`; only masked layers have any."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """y (n, n_out) of x (n, n_in)."""
        return x

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """dL/dx (n, n_in) from dy = dL/dy (n, n_out), after a forward; overwrites `grads`."""
        return dy


class Dense(Layer):
    """y = x @ W + b, with W (n_in, n_out) and b (n_out,)."""

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator, dtype: Any = np.float32) -> None:
        super().__init__()
        self.params = {"W": init_weights(n_in, n_out, rng, dtype), "b": np.zeros(n_out, dtype)}
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}
        self.needs_dx = True  # False on the first layer saves a matrix product that nothing reads

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return product(x, self.params["W"]) + self.params["b"]  # (n, n_out)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        np.matmul(self.x.T, dy, out=self.grads["W"])  # (n_in, n) @ (n, n_out)
        self.grads["b"][:] = dy.sum(axis=0)
        return product(dy, self.params["W"].T) if self.needs_dx else None


def init_weights(n_in: int, n_out: int, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """Normal weights of variance 2 / n_in (He et al. 2015)."""
    return rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)).astype(dtype)


class MaskedDense(Layer):
    """A dense layer with a gate on every weight and every bias.

        mask = [gate + noise * logit(u) > 0],   Wm = mask * W,   y = x @ Wm[:-1] + Wm[-1]

    W and gate are (n_in + 1, n_out): the last row is the bias, an input that is always 1, paid for like the rest.
    A gate of -inf never opens: its connection is retired.

    index : (n_in + 1, n_out) uint32  number of each connection in the original matrix: its noise is drawn from it
    shape : (int, int)                of the original matrix, if some rows or columns are gone by now
    hard  : bool                      False uses the soft gate in place of the mask, for checks and lessons

    `sample` leaves in `open_gates` how many gates would be open without noise.
    """

    def __init__(
        self,
        W: np.ndarray,
        gate: np.ndarray,
        index: np.ndarray | None = None,
        shape: tuple[int, int] | None = None,
        *,
        seed: int = 0,
        layer: int = 0,
        tau: float = 1.0,
        hard: bool = True,
        needs_dx: bool = True,
    ) -> None:
        super().__init__()
        gates.check_tau(tau)
        if not (W.flags.c_contiguous and gate.flags.c_contiguous and W.shape == gate.shape and W.dtype == gate.dtype):
            found = f"W {W.dtype} {W.shape} and gate {gate.dtype} {gate.shape}"
            raise ValueError(f"{found}: expected two C-contiguous arrays of one shape and type")
        self.params = {"W": W, "gate": gate}
        self.grads = {"W": np.zeros_like(W), "gate": np.zeros_like(gate)}
        self.index = np.arange(W.size, dtype=np.uint32).reshape(W.shape) if index is None else index
        self.shape = W.shape if shape is None else tuple(shape)
        self.check_index()
        self.seed, self.layer, self.tau, self.hard, self.needs_dx = seed, layer, tau, hard, needs_dx
        self.Wm, self.mask, self.slope = (np.zeros_like(W) for _ in range(3))
        self.flat_params = flat(W), flat(gate), flat(self.index)  # views: parameters are updated in place
        self.flat_sample = flat(self.Wm), flat(self.mask), flat(self.slope)
        self.flat_dgate = flat(self.grads["gate"])

    def check_index(self) -> None:
        """Raise ValueError unless `index` numbers every connection in the original matrix: kernels do not look."""
        index, shape = self.index, self.params["W"].shape
        if index.dtype != np.uint32 or index.shape != shape or not index.flags.c_contiguous:
            raise ValueError(f"index is {index.dtype} {index.shape}, expected C-contiguous uint32 {shape}")
        if len(self.shape) != 2 or (index.size and index.max() >= math.prod(self.shape)):
            raise ValueError(f"index has a number beyond the original matrix of shape {self.shape}")

    def sample(self, step: int, noise: float = 1.0) -> None:
        keys = gates.noise_keys(self.seed, step, self.layer)
        W, gate = self.params["W"], self.params["gate"]
        if W.dtype == f32 and self.hard:
            scales = f32(noise), f32(1 / self.tau)
            self.open_gates = kernels.sample_gates(*self.flat_params, *keys, *scales, *self.flat_sample)
            return
        self.open_gates = np.count_nonzero(gate > 0)
        u = gates.hash_uniform(self.index, *keys).astype(W.dtype)
        mask, soft = gates.binary_gate(gate, noise * gates.logistic_noise(u), self.tau)
        self.mask[:] = mask if self.hard else soft
        self.slope[:] = gates.binary_gate_backward(1, soft, self.tau)
        self.Wm[:] = self.mask * W

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        y = product(x, self.Wm[:-1])  # (n, n_out)
        y += self.Wm[-1]
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dWm = self.grads["W"]  # becomes dW in place
        np.matmul(self.x.T, dy, out=dWm[:-1])  # (n_in, n) @ (n, n_out)
        dWm[-1] = dy.sum(axis=0)
        self.gate_grads(dWm)
        return product(dy, self.Wm[:-1].T) if self.needs_dx else None

    def gate_grads(self, dWm: np.ndarray) -> None:
        """Straight through: dgate = dWm * W * slope, then in place dW = dWm * mask."""
        if dWm.shape != self.mask.shape:
            raise ValueError(f"dWm has shape {dWm.shape}, expected {self.mask.shape}")
        if dWm.dtype == f32:
            kernels.gate_grads(flat(dWm), self.flat_params[0], *self.flat_sample[1:], self.flat_dgate)
        else:
            np.multiply(dWm * self.params["W"], self.slope, out=self.grads["gate"])
            dWm *= self.mask

    def penalty(self, price: float) -> None:
        """Charge `price` for every gate expected to be open: adds price * p * (1 - p) to dgate."""
        gate = self.params["gate"]
        if gate.dtype == f32:
            kernels.add_price(self.flat_params[1], f32(price), self.flat_dgate)
        else:
            self.grads["gate"] += gates.price_grad(gate, price)

    def logits(self) -> np.ndarray:
        """How much each connection wants to stay, shaped like W: it is open without noise where this is above 0."""
        return self.params["gate"]

    def weights(self) -> np.ndarray:
        """What each connection weighs once its gate is fixed, shaped like W."""
        return self.params["W"]

    def connections(self) -> tuple[np.ndarray, np.ndarray]:
        """(row, col) of each connection in the original matrix, int64, shaped like W; the last row is the bias."""
        return np.divmod(self.index.astype(np.int64), self.shape[1])


class MaskedEdges(MaskedDense):
    """The same layer as a list of its live connections, so that a step works on nothing else.

    W, gate, index  : (k,)                sorted by output, then input, each connection once
    shape           : (n_in + 1, n_out)   of the original matrix, which `index` counts through
    inputs, outputs : sorted int arrays   the original numbers of the inputs and outputs that are still there

    x is (n, len(inputs)) and y is (n, len(outputs)). Raises ValueError if a connection is out of order, or starts or
    ends at what is not there: compiled loops do not look.
    """

    def __init__(
        self,
        W: np.ndarray,
        gate: np.ndarray,
        index: np.ndarray,
        shape: tuple[int, int],
        inputs: np.ndarray,
        outputs: np.ndarray,
        **options: Any,
    ) -> None:
        super().__init__(W, gate, index, shape, **options)
        row, col = self.connections()
        check_levels(inputs, outputs, self.shape)
        rows = np.where(row == shape[0] - 1, len(inputs), np.searchsorted(inputs, row))
        if not (np.isin(row, np.append(inputs, shape[0] - 1)).all() and np.isin(col, outputs).all()):
            raise ValueError("index has a connection whose input or output is not among inputs and outputs")
        if (np.diff(col * np.int64(shape[0]) + row) <= 0).any():
            raise ValueError("index is out of order, expected each connection once, by output, then by input")
        self.rows = rows.astype(np.int32)  # len(inputs) stands for the bias
        self.starts = np.searchsorted(col, outputs)  # connections starts[j] to starts[j + 1] enter output j
        self.starts = np.append(self.starts, len(col))
        self.n_in, self.n_out = len(inputs), len(outputs)

    def forward(self, x: np.ndarray) -> np.ndarray:
        if x.ndim != 2 or x.shape[1] != self.n_in:
            raise ValueError(f"x has shape {x.shape}, expected (n, {self.n_in})")
        self.x = x
        y = feature_major(len(x), self.n_out, x.dtype)
        kernels.edges_forward(x.T, self.Wm, self.rows, self.starts, y.T)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if dy.shape != (len(self.x), self.n_out):
            raise ValueError(f"dy has shape {dy.shape}, expected ({len(self.x)}, {self.n_out})")
        dWm = self.grads["W"]
        kernels.edges_grads(self.x.T, dy.T, self.rows, self.starts, dWm)
        self.gate_grads(dWm)
        if not self.needs_dx:
            return None
        dx = feature_major(len(dy), self.n_in, dy.dtype)
        kernels.edges_backward(dy.T, self.Wm, self.rows, self.starts, dx.T)
        return dx


def check_levels(inputs: np.ndarray, outputs: np.ndarray, shape: tuple[int, int]) -> None:
    """Raise ValueError unless inputs and outputs are sorted numbers, each once, of a matrix (n_in + 1, n_out)."""
    for name, units, size in (("inputs", inputs, shape[0] - 1), ("outputs", outputs, shape[1])):
        if units.ndim != 1 or units.dtype.kind not in "iu" or (np.diff(units.astype(np.int64)) <= 0).any():
            raise ValueError(f"{name} are {units.dtype} {units.shape}, expected sorted integers, each once")
        if units.size and not 0 <= units[0] <= units[-1] < size:
            raise ValueError(f"{name} are from {units[0]} to {units[-1]}, expected numbers in [0, {size})")


class ReLU(Layer):
    """y = max(x, 0). The derivative at 0 is taken as 0."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.mask = x > 0
        return np.maximum(x, 0)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy * self.mask


class SiLU(Layer):
    """y = x * sigmoid(x), with dy/dx = s * (1 + x * (1 - s)), s = sigmoid(x) (Elfwing et al. 2018)."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        if x.dtype == f32:
            y, self.slope = np.empty_like(x), np.empty_like(x)
            kernels.silu(flat(x), flat(y), flat(self.slope))
            return y
        s = gates.sigmoid(x)
        self.slope = s * (1 + x * (1 - s))
        return x * s

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy * self.slope


class Sequential:
    """Layers one after another."""

    def __init__(self, layers: Iterable[Layer]) -> None:
        self.layers = list(layers)
        self.masked = [layer for layer in self.layers if isinstance(layer, MaskedDense)]

    @property
    def open_gates(self) -> int:
        """Gates that were open without noise when they were last sampled."""
        return sum(layer.open_gates for layer in self.masked)

    def sample(self, step: int, noise: float = 1.0) -> None:
        for layer in self.layers:
            layer.sample(step, noise)

    def forward(self, x: np.ndarray) -> np.ndarray:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def penalty(self, price: float) -> None:
        for layer in self.masked:
            layer.penalty(price)
