"""Fixed: a Program in whole numbers, weights of 8 bits, and its twin in NumPy, which has the same bits as the C.

    sum = sum of q[e] * source[e]                       q : int8, source : a byte of the image, a scaled column, or an
                                                        activation
    a   = sum * scale[u] / 2^shift + bias[u]            in units of 2^-bits; a division cuts towards 0
    z   = a * sigmoid(a)                                the sigmoid from a table of STEPS intervals over [0, 8]

Each unit has its own scale, so that its largest weight becomes 127. An input is at most 255, so every number has a
largest value; `bits` and `shift` are chosen so that none is beyond 32 bits.

The columns of a table are floats, and so are the scores: a column is scaled in floating point, then rounded to units of
1/COLUMN and cut off at MOST_COLUMN of them; and a score is sum * output[k] + bias[k], in the units of the target.
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
COLUMN, MOST_COLUMN = 2**8, 2**13  # units of a scaled column in 1, and the most that it may have: 32 spreads
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
    output: np.ndarray | None = None  # (n_out,) float32: of a table, what 1 in the sum of an output is; else None

    def scores(self, values: np.ndarray) -> np.ndarray:
        """The scores, (n, n_out), the same numbers as those of the C.

        values : (n, n_in) bytes: scores in units of 2^-bits, int64; or the columns of a table, floats: float32
        """
        if self.output is not None:
            values = self._columns(values)
        return np.concatenate([self._scores(values[i : i + BLOCK]) for i in range(0, len(values), BLOCK)])

    def in_units(self, values: np.ndarray) -> np.ndarray:
        """The scores in the units of the network: (n, n_out) floats."""
        return self.scores(values) / (2.0**self.bits if self.output is None else 1)

    def _columns(self, values: np.ndarray) -> np.ndarray:
        """The columns that are read in units of 1/COLUMN: (n, k) int64; all in float32, as in C."""
        c = self.program.columns
        mean = c.mean.astype(np.float32)
        rest, factor = (c.mean - mean).astype(np.float32), c.factor.astype(np.float32)
        x = ((values[:, c.column].astype(np.float32) - mean) - rest) * factor
        x = np.where(c.bent, np.arcsinh(x), x) * np.float32(COLUMN)
        return np.trunc(np.clip(x, -MOST_COLUMN, MOST_COLUMN) + np.where(x < 0, -0.5, 0.5).astype(np.float32)).astype(
            int
        )

    def _scores(self, values: np.ndarray) -> np.ndarray:
        p, first = self.program, 0
        z = np.zeros((len(p.bias), len(values)), np.int64)
        scores = np.zeros((len(values), p.n_out), np.float32)
        for u, fan_in in enumerate(p.fan_in):
            own = slice(first, first + fan_in)
            first += fan_in
            if own.start < len(p.pixel):
                sources = values[:, p.pixel[own]].astype(np.int64).T
            else:
                sources = z[p.unit[own.start - len(p.pixel) : own.stop - len(p.pixel)]]
            total, k = self.weight[own] @ sources, u - p.hidden
            if k >= 0 and self.output is not None:
                scores[:, k] = total.astype(np.float32) * self.output[k] + p.bias[u]
                continue
            a = divide(total * self.scale[u], 2**self.shift) + self.bias[u]
            z[u] = self._activation(a) if u < p.hidden else a
        return z[p.hidden :].T if self.output is None else scores

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
    """Turn a Program into whole numbers.

    Raises ExportError if its inputs are neither bytes nor columns with a scale of each, or its numbers are too large.
    """
    p = program
    if not (p.reads_bytes or p.columns):
        raise ExportError("int8 needs inputs that are bytes, as those of an image, or columns of a table; leave it out")
    owner = np.repeat(np.arange(len(p.bias)), p.fan_in)
    largest = np.zeros(len(p.bias))
    np.maximum.at(largest, owner, abs(p.weight.astype(np.float64)))
    unit_scale = largest / 127
    weight = np.rint(p.weight / np.where(unit_scale > 0, unit_scale, 1)[owner]).astype(np.int64)
    sigmoid = np.rint(TOP / (1 + np.exp(-np.arange(STEPS + 1) * 8 / STEPS))).astype(np.int64)
    is_first, is_hidden = np.arange(len(p.bias)) < p.sizes[0], np.arange(len(p.bias)) < p.hidden
    for bits in range(MOST_BITS, FEWEST_BITS - 1, -1):
        factor = unit_scale * np.where(is_first, 2.0**bits / (COLUMN if p.columns else 1), 1)
        if p.columns:
            output = (factor / 2.0**bits)[p.hidden :].astype(np.float32)
            fixed = fix_columns(p, weight, factor * is_hidden, sigmoid, bits, output)
            if fixed:
                return fixed
            continue
        shift = int(np.clip(np.floor(np.log2(65535 / factor.max())), 0, 30))
        scale, bias = np.rint(factor * 2**shift).astype(np.int64), np.rint(p.bias * 2.0**bits).astype(np.int64)
        fixed = Fixed(program, weight, scale, bias, sigmoid, bits, shift)
        if scale.max() <= 65535 and abs(bias).max() < LARGEST and largest_number(fixed) < LARGEST:
            return fixed
    raise ExportError("the numbers of this network are too large for fixed point of 32 bits; leave int8 out")


def fix_columns(
    program: Program, weight: np.ndarray, factor: np.ndarray, sigmoid: np.ndarray, bits: int, output: np.ndarray
) -> Fixed | None:
    """The Fixed of a table with so many bits, None if its numbers are too large; `factor` is 0 of the outputs."""
    shift = int(np.clip(np.floor(np.log2(65535 / max(factor.max(), 2.0**-14))), 0, 30))
    scale = np.rint(factor * 2**shift).astype(np.int64)
    bias = np.rint(np.where(factor > 0, program.bias, 0) * 2.0**bits).astype(np.int64)
    fixed = Fixed(program, weight, scale, bias, sigmoid, bits, shift, output)
    is_small = scale.max() <= 65535 and abs(bias).max() < LARGEST and largest_number(fixed) < LARGEST
    return fixed if is_small and np.isfinite(output).all() else None


def largest_number(fixed: Fixed) -> int:
    """The largest absolute value that any sum, score or activation can have, whatever the bytes of the input."""
    p, first, worst = fixed.program, 0, 0
    most = MOST_COLUMN if p.columns else 255
    bound = [0] * len(p.bias)  # of each unit; Python integers cannot overflow
    for u, fan_in in enumerate(p.fan_in.tolist()):
        total = 0
        for e in range(first, first + fan_in):
            source = most if e < len(p.pixel) else bound[p.unit[e - len(p.pixel)]]
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
    exact, rounded = network.scores(x), fixed.in_units(x)
    line = f"Fixed point, weights of 8 bits, measured on {len(x):,} samples:"
    if network.meta.task != "classification":
        before, after = (score(scores, y, network.meta.task) for scores in (exact, rounded))
        difference = f"the values differ by {abs(exact - rounded).max():.3g} at most."
        return [line, f"R^2 {after:.4f}, {before:.4f} in floating point; {difference}"]
    before, after = (100 * score(scores, y, network.meta.task) for scores in (exact, rounded))
    same = 100 * (exact.argmax(axis=1) == rounded.argmax(axis=1)).mean()
    return [f"{line} accuracy {after:.2f} %, {before:.2f} % in floating point; the same class in {same:.2f} %."]
