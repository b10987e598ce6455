"""Fixed: a Program in whole numbers, weights of 8 bits, and its twin in NumPy, which has the same bits as the C.

    sum = sum of q[e] * source[e]                       q : int8, source : a byte of the image, or an activation
    a   = sum * scale[u] / 2^shift + bias[u]            in units of 2^-bits; a division cuts towards 0
    z   = a * sigmoid(a)                                the sigmoid from a table of STEPS intervals over [0, 8]

Each unit has its own scale, so that its largest weight becomes 127. An input is at most 255, so every number has a
largest value; `bits` and `shift` are chosen so that none is beyond 32 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinygsp.nn.metrics import score
from tinygsp.sparse.export.program import ExportError, Program

if TYPE_CHECKING:
    from tinygsp.sparse.network import SparseNetwork

STEPS = 64  # intervals of the table of the sigmoid
TOP = 2**15  # what the table has for 1
MOST_BITS, FEWEST_BITS = 12, 4  # after the point
LARGEST = 2**31 - 1
BLOCK = 512  # samples of the twin at a time


@dataclass(frozen=True)
class Fixed:
    """The whole numbers of a network, and what they come from."""

    program: Program
    weight: np.ndarray  # (connections,) int64, from -127 to 127
    scale: np.ndarray  # (units,) int64, from 0 to 65535
    bias: np.ndarray  # (units,) int64
    sigmoid: np.ndarray  # (STEPS + 1,) int64
    bits: int
    shift: int

    def scores(self, values: np.ndarray) -> np.ndarray:
        """The scores of (n, n_in) bytes in units of 2^-bits: (n, n_out) int64, the same numbers as those of the C."""
        return np.concatenate([self._scores(values[i : i + BLOCK]) for i in range(0, len(values), BLOCK)])

    def _scores(self, values: np.ndarray) -> np.ndarray:
        p, first = self.program, 0
        z = np.zeros((len(p.bias), len(values)), np.int64)
        for u, fan_in in enumerate(p.fan_in):
            own = slice(first, first + fan_in)
            first += fan_in
            if own.start < len(p.pixel):
                sources = values[:, p.pixel[own]].astype(np.int64).T
            else:
                sources = z[p.unit[own.start - len(p.pixel) : own.stop - len(p.pixel)]]
            a = divide(self.weight[own] @ sources * self.scale[u], 2**self.shift) + self.bias[u]
            z[u] = self._activation(a) if u < p.hidden else a
        return z[p.hidden :].T

    def _activation(self, a: np.ndarray) -> np.ndarray:
        if self.program.activation == "relu":
            return np.maximum(a, 0)
        step = 2**self.bits * 8 // STEPS
        k, rest = np.minimum(abs(a) // step, STEPS), abs(a) % step
        following = self.sigmoid[np.minimum(k + 1, STEPS)]
        s = self.sigmoid[k] + (following - self.sigmoid[k]) * rest // step
        return divide(a * np.where(a < 0, TOP - s, s), TOP)


def divide(a: np.ndarray, b: int) -> np.ndarray:
    """a / b as C divides whole numbers: cut towards 0."""
    return np.sign(a) * (abs(a) // b)


def fix(program: Program) -> Fixed:
    """Turn a Program into whole numbers. Raises ExportError if its inputs are no bytes or its numbers too large."""
    p = program
    if not p.reads_bytes:
        raise ExportError("int8 needs inputs that are bytes, as those of an image; leave it out for inputs of floats")
    owner = np.repeat(np.arange(len(p.bias)), p.fan_in)
    largest = np.zeros(len(p.bias))
    np.maximum.at(largest, owner, abs(p.weight.astype(np.float64)))
    unit_scale = largest / 127
    weight = np.rint(p.weight / np.where(unit_scale > 0, unit_scale, 1)[owner]).astype(np.int64)
    sigmoid = np.rint(TOP / (1 + np.exp(-np.arange(STEPS + 1) * 8 / STEPS))).astype(np.int64)
    for bits in range(MOST_BITS, FEWEST_BITS - 1, -1):
        factor = unit_scale * np.where(np.arange(len(p.bias)) < p.sizes[0], 2.0**bits, 1)
        shift = int(np.clip(np.floor(np.log2(65535 / factor.max())), 0, 30))
        scale, bias = np.rint(factor * 2**shift).astype(np.int64), np.rint(p.bias * 2.0**bits).astype(np.int64)
        fixed = Fixed(program, weight, scale, bias, sigmoid, bits, shift)
        if scale.max() <= 65535 and abs(bias).max() < LARGEST and largest_number(fixed) < LARGEST:
            return fixed
    raise ExportError("the numbers of this network are too large for fixed point of 32 bits; leave int8 out")


def largest_number(fixed: Fixed) -> int:
    """The largest absolute value that any sum, score or activation can have, whatever the bytes of the input."""
    p, first, worst = fixed.program, 0, 0
    bound = [0] * len(p.bias)  # of each unit; Python integers cannot overflow
    for u, fan_in in enumerate(p.fan_in.tolist()):
        total = 0
        for e in range(first, first + fan_in):
            source = 255 if e < len(p.pixel) else bound[p.unit[e - len(p.pixel)]]
            total += abs(int(fixed.weight[e])) * source
        first += fan_in
        bound[u] = total * int(fixed.scale[u]) // 2**fixed.shift + abs(int(fixed.bias[u]))
        worst = max(worst, total, bound[u])
    return worst


def cost_lines(network: SparseNetwork, fixed: Fixed, samples: tuple[np.ndarray, np.ndarray] | None) -> Sequence[str]:
    """What fixed point costs, measured on samples, as lines of the comment; see `export`."""
    if samples is None:
        return ["Fixed point, weights of 8 bits. What that costs was not measured: the data set was not at hand."]
    x, y = samples
    exact, rounded = network.scores(x), fixed.scores(x) / 2.0**fixed.bits
    line = f"Fixed point, weights of 8 bits, measured on {len(x):,} samples:"
    if network.meta.task != "classification":
        return [line, f"the values differ by {abs(exact - rounded).max():.3g} at most."]
    before, after = (100 * score(scores, y, network.meta.task) for scores in (exact, rounded))
    same = 100 * (exact.argmax(axis=1) == rounded.argmax(axis=1)).mean()
    return [f"{line} accuracy {after:.2f} %, {before:.2f} % in floating point; the same class in {same:.2f} %."]
